/*
 * pattern.c: the regular expressions, compiled at their first use.
 *
 * A hardened system (MemoryDenyWriteExecute) has no room for JIT code; PCRE2's
 * interpreter then does the same work.
 */
#include "base/pattern.h"

#include <stdio.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/banned.h"

/* RFC 5321, 4.1.2 and 4.5.3.1; a label is RFC 1035's with a digit allowed first
 * (RFC 1123, 2.1), and no top-level domain is all digits (RFC 3696, 2). */
#define ATOM "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
#define LABEL "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define EMAIL "(?=.{1,254}\\z)(?=[^@]{1,64}@)" ATOM "(?:\\." ATOM ")*@" \
	"(?:localhost|(?:" LABEL "\\.)+(?![0-9]+\\z)" LABEL ")"
/* RFC 9110, 5.6.2 */
#define TOKEN "[A-Za-z0-9!#$%&'*+.^_`|~-]+"

static const char *const sources[PATTERN_COUNT] = {
	[PATTERN_EMAIL] = EMAIL,
	[PATTERN_SKU] = "[A-Za-z0-9._/-]{1,64}",
	[PATTERN_CURRENCY] = "[A-Z]{3}",
	[PATTERN_API_TOKEN] = "om_[A-Za-z0-9_-]{43}",
	/* All zeros are invalid: W3C Trace Context, 3.2.2.3 and 3.2.2.4 */
	[PATTERN_TRACEPARENT] = "00-(?!0{32})[0-9a-f]{32}-"
				"(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}",
	[PATTERN_SNS_CERTIFICATE_PATH] =
		"/SimpleNotificationService-[0-9a-f]{1,64}\\.pem",
	[PATTERN_MEDIA_TYPE] = TOKEN "/" TOKEN,
};

static struct {
	pcre2_code *code;
	pcre2_match_data *match;
} compiled[PATTERN_COUNT];

_Noreturn static void stop(enum pattern pattern)
{
	fprintf(stderr, "pattern %d: cannot be compiled\n", (int)pattern);
	abort();
}

static void compile(enum pattern pattern)
{
	PCRE2_SIZE offset;
	int error;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)sources[pattern],
					 PCRE2_ZERO_TERMINATED,
					 PCRE2_ANCHORED | PCRE2_ENDANCHORED |
						 PCRE2_DOTALL,
					 &error, &offset, NULL);

	if (!code)
		stop(pattern);
	(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	compiled[pattern].code = code;
	compiled[pattern].match = pcre2_match_data_create(1, NULL);
	if (!compiled[pattern].match)
		stop(pattern);
}

bool pattern_matches(enum pattern pattern, struct str text)
{
	const char *ptr = text.ptr ? text.ptr : "";

	if (!compiled[pattern].code)
		compile(pattern);
	return pcre2_match(compiled[pattern].code, (PCRE2_SPTR)ptr, text.len, 0,
			   0, compiled[pattern].match, NULL) >= 0;
}
