/*
 * pattern.h: every regular expression of the program, compiled once with JIT;
 * the only place that knows PCRE2. All are anchored at both ends.
 */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include "base/str.h"

enum pattern {
	PATTERN_EMAIL,		/* dot-atom@domain of RFC 5321, ASCII; D19 */
	PATTERN_SKU,		/* letters, digits, . _ - /, 1 to 64 */
	PATTERN_CURRENCY,	/* three capital letters */
	PATTERN_API_TOKEN,	/* om_ and 43 characters of base64url */
	PATTERN_TRACEPARENT,	/* W3C Trace Context, version 00 */
	PATTERN_SNS_CERTIFICATE_PATH, /* /SimpleNotificationService-<hex>.pem */
	PATTERN_MEDIA_TYPE,	/* type/subtype, no parameters */
	PATTERN_COUNT
};

bool pattern_matches(enum pattern pattern, struct str text);

#endif
