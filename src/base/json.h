/*
 * json.h: JSON in, strictly.
 *
 * json_parse keeps the nodes that the strict scan (json_scan.h) made, so that
 * what arrives here has no duplicate keys, no NUL, valid UTF-8 and a bounded
 * size and depth. Values live as long as the arena; `text` may go at once.
 *
 * Numbers keep their literal (json_literal): money is never read through a
 * float.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json_scan.h"

/* A value, or "absent" (kind JSON_ABSENT) where there is none. */
struct json {
	enum json_kind kind;
	const struct json_node *value;
};

/* ERROR_NOT_JSON with line and column in the detail. */
bool json_parse(struct json *ret, struct str text, struct arena *arena,
		struct error *err) MUST_CHECK;
/* The same for a document of ours, or of a service that we asked, that may have
 * more values: max_nodes, itself among them. */
bool json_parse_large(struct json *ret, struct str text, size_t max_nodes,
		      struct arena *arena, struct error *err) MUST_CHECK;

/* In the order of the text. A kind that does not fit gives "absent", 0,
 * {NULL, 0} or false. */
struct json json_member(struct json object, const char *name);
size_t json_count(struct json array_or_object);
struct json json_element(struct json array, size_t index);
struct str json_string(struct json string);	/* decoded, UTF-8 */
bool json_bool(struct json boolean);
struct str json_literal(struct json number);	/* as it was written */

/* for (it = json_first(object); it.name.ptr; json_next(&it)) */
struct json_iterator {
	struct str name;
	struct json value;
	size_t left;		/* members behind this one */
};
struct json_iterator json_first(struct json object);
void json_next(struct json_iterator *it);

/* The same over the elements of an array: for (it = json_first_element(array);
 * it.value.value; json_next(&it)) */
struct json_iterator json_first_element(struct json array);

/* Members of `object` that are not in the NULL-ended list: an error_item each,
 * pointer = prefix + "/" + escaped name, code unknown_member. */
bool json_only(struct json object, const char *prefix,
	       const char *const *names, struct error *err) MUST_CHECK;
/* A text that must be an object with no members but these: json_parse, then
 * json_only. ERROR_NOT_JSON also when it is another kind of value. */
bool json_parse_object(struct json *ret, struct str text,
		       const char *const *names, struct arena *arena,
		       struct error *err) MUST_CHECK;
/* Appends "/" and `name` escaped by RFC 6901 to `prefix`, into the arena. */
const char *json_pointer(struct arena *arena, const char *prefix,
			 struct str name);

#endif
