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

	if (email.len > LIMIT_EMAIL_BYTES ||
	    !pattern_matches(PATTERN_EMAIL, email) ||
	    !str_next(&domain, '@', &local))
		return false;
	*ret = str_from(arena_printf(arena, "%.*s@%.*s", STR_ARG(local),
				     STR_ARG(text_lower(domain, arena))));
	return true;
}
