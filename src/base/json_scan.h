/*
 * json_scan.h: the strict reading of JSON text.
 *
 * Grammar of RFC 8259, UTF-8 of RFC 3629 (no BOM), depth at most
 * LIMIT_JSON_DEPTH, at most LIMIT_JSON_MEMBERS members and elements in all,
 * no duplicate names in an object (compared after decoding escapes), no NUL
 * (raw or \u0000), no lone surrogate escape, numbers of at most 64 characters.
 * Pure: no allocation of its own, no state.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include "base/error.h"
#include "base/limits.h"

enum json_kind {
	JSON_ABSENT, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING,
	JSON_ARRAY, JSON_OBJECT,
};

/*
 * One value. The nodes of a document stand in the order of its text: a
 * container, then all that it holds.
 */
struct json_node {
	const char *name;	/* of a member, between the quotes; else NULL */
	const char *text;	/* the value as written; strings unquoted */
	uint32_t name_len;
	uint32_t len;
	uint32_t span;		/* nodes of this value: 1, and what it holds */
	uint32_t count;		/* members or elements */
	uint8_t kind;
	bool name_escaped;
	bool escaped;
};

#define JSON_MAX_NODES (LIMIT_JSON_MEMBERS + 1u)

/* ERROR_NOT_JSON; the detail says what, and at which line and column (in bytes,
 * from 1). */
bool json_scan(struct str text, struct error *err) MUST_CHECK;
/* The same, and hands out the nodes, which point into `text`; at most
 * `max_nodes` of them. */
bool json_scan_nodes(struct str text, struct json_node *nodes, size_t max_nodes,
		     size_t *ret_count, struct error *err) MUST_CHECK;
/* Decodes the escapes of a scanned string. Never longer: `to` may be `from`. */
size_t json_unescape(char *to, const char *from, size_t len);

#endif
