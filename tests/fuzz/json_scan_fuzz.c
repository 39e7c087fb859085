/*
 * json_scan_fuzz.c: any bytes through the JSON reader.
 *
 * What is accepted must hold together: every node inside the text, every value
 * reachable, and all of it read the same when it is read a second time.
 */
#include "base/buf.h"
#include "base/json.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "json_scan_fuzz: %s\n", what);
	abort();
}

static size_t walk(struct json json, unsigned depth)
{
	struct json_iterator it;
	size_t seen = 1;

	check(depth <= LIMIT_JSON_DEPTH + 1, "too deep");
	if (json.kind == JSON_STRING)
		check(utf8_valid(json_string(json)) &&
		      !memchr(json_string(json).ptr, 0, json_string(json).len),
		      "a string with NUL or broken UTF-8");
	if (json.kind == JSON_NUMBER)
		check(json_literal(json).len >= 1 &&
		      json_literal(json).len <= 64, "a number's length");
	if (json.kind == JSON_ARRAY) {
		for (size_t i = 0; i < json_count(json); i++)
			seen += walk(json_element(json, i), depth + 1);
	}
	for (it = json_first(json); it.name.ptr; json_next(&it)) {
		check(utf8_valid(it.name), "a name with broken UTF-8");
		seen += walk(it.value, depth + 1);
	}
	return seen;
}

/* Writes `json` again, in its shortest form. */
static void write_json(struct buf *to, struct json json)
{
	struct json_iterator it;
	const char *start = "{";

	switch (json.kind) {
	case JSON_ABSENT:
		check(false, "an absent value inside a document");
		break;
	case JSON_NULL:
		buf_add_text(to, "null");
		break;
	case JSON_BOOL:
		buf_add_text(to, json_bool(json) ? "true" : "false");
		break;
	case JSON_NUMBER:
		buf_add_str(to, json_literal(json));
		break;
	case JSON_STRING:
		buf_add_json(to, json_string(json));
		break;
	case JSON_ARRAY:
		buf_add_char(to, '[');
		for (size_t i = 0; i < json_count(json); i++) {
			buf_add_text(to, i ? "," : "");
			write_json(to, json_element(json, i));
		}
		buf_add_char(to, ']');
		break;
	case JSON_OBJECT:
		for (it = json_first(json); it.name.ptr; json_next(&it)) {
			buf_add_text(to, start);
			buf_add_json(to, it.name);
			buf_add_char(to, ':');
			write_json(to, it.value);
			start = ",";
		}
		buf_add_text(to, json_count(json) ? "}" : "{}");
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	CLEANUP(cleanup_arena) struct arena *arena =
		arena_new("fuzz", 64 * MIB);
	struct str text = { (const char *)data, bytes };
	struct json json, again;
	struct buf first, second;
	struct error err;
	bool scanned;

	error_init(&err);
	scanned = json_scan(text, &err);
	check(scanned != error_is_set(&err), "an error unlike the result");
	error_init(&err);
	check(scanned == json_parse(&json, text, arena, &err),
	      "scan and parse disagree");
	if (!scanned) {
		check(utf8_valid(str_from(err.detail)), "a detail");
		return 0;
	}
	check(walk(json, 1) <= JSON_MAX_NODES, "too many nodes");
	buf_init(&first, arena, 16 * MIB);
	write_json(&first, json);
	if (!json_parse(&again, buf_str(&first), arena, &err)) {
		/* A name of escapes grows when its controls are written out. */
		check(strstr(err.detail, "the name is too long"),
		      "what was written is refused");
		return 0;
	}
	buf_init(&second, arena, 16 * MIB);
	write_json(&second, again);
	check(str_eq(buf_str(&first), buf_str(&second)),
	      "a second reading differs");
	return 0;
}
