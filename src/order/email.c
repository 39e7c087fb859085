/*
 * email.c: checks an address and folds its domain.
 */
#include "order/email.h"

#include "base/limits.h"
#include "base/pattern.h"
#include "order/text.h"
#include "base/banned.h"

bool email_normalize(struct str email, struct arena *arena, struct str *ret)
{
	struct str domain = email, local;
	char *to;

	if (email.len > LIMIT_EMAIL_BYTES ||
	    !pattern_matches(PATTERN_EMAIL, email) ||
	    !str_next(&domain, '@', &local))
		return false;
	to = arena_text(arena, email);
	memcpy(to + local.len + 1, text_lower(domain, arena).ptr, domain.len);
	*ret = (struct str){ to, email.len };
	return true;
}
