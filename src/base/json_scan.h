/*
 * json_scan.h: the strict check of JSON text before anything parses it.
 *
 * Grammar of RFC 8259, UTF-8 of RFC 3629 (no BOM), depth at most
 * LIMIT_JSON_DEPTH, at most LIMIT_JSON_MEMBERS members and elements in all,
 * no duplicate names in an object (compared after decoding escapes), no NUL
 * (raw or \u0000), no lone surrogate escape, numbers of at most 64 characters.
 * Pure: no allocation beyond the stack, no state.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include "base/error.h"

/* ERROR_NOT_JSON; the detail says what and at which line and column (in bytes, from 1). */
bool json_scan(struct str text, struct error *err) MUST_CHECK;

#endif
