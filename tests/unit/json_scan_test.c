/*
 * json_scan_test.c: is exactly the JSON of RFC 8259 taken, and the place of a
 * fault named?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json_scan.h"

#include "base/banned.h"

static bool is_accepted(struct str text)
{
	struct error err;

	error_init(&err);
	if (json_scan(text, &err)) {
		assert_false(error_is_set(&err));
		return true;
	}
	assert_int_equal(err.code, ERROR_NOT_JSON);
	assert_true(strlen(err.detail) > 0);
	return false;
}

static void assert_all(const char *const *texts, size_t count, bool accepted)
{
	for (size_t i = 0; i < count; i++) {
		if (is_accepted(str_from(texts[i])) != accepted)
			fail_msg("%s: %s", accepted ? "refused" : "accepted",
				 texts[i]);
	}
}

static void assert_fault(struct str text, const char *expected)
{
	struct error err;

	error_init(&err);
	assert_false(json_scan(text, &err));
	assert_string_equal(err.detail, expected);
}

static void every_kind_of_value_is_accepted(void **state)
{
	static const char *const good[] = {
		"null", "true", "false", "0", "-0", "12", "-1.5", "1e5",
		"1E+05", "1.25e-3", "\"\"", "\"a\"", "[]", "{}", "[ ]", "{ }",
		" \t\r\n1 \t\r\n", "[1,2 , 3]", "{\"a\":1 , \"b\" : [ {} ] }",
		"{\"\":1}", "[null,true,false]",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\"",
		"\"\\u0939\"", "\"\\ud83d\\udc5f\"", "\"\\uD83D\\uDC5F\"",
		"\"\\ud800\\udc00\\udbff\\udfff\"", "\"\x7f\"",
		"\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x91\x9f\"",
		"1e400", "123456789012345678901234567890",
		"{\"a\":{\"a\":1},\"b\":{\"a\":1}}",
	};

	(void)state;
	assert_all(good, ARRAY_LEN(good), true);
}

static void what_the_grammar_lacks_is_refused(void **state)
{
	static const char *const bad[] = {
		"", " ", "nul", "nulll", "True", "NaN", "Infinity",
		"-Infinity", "'a'", "undefined", "01", "09", "-", "-01", "+1", ".5",
		"1.", "1.e5", "1e", "1e+", "0x10", "1_000", "--1", "1 2",
		"[1 2]",
		"[1,]", "[,1]", "[,]", "[1", "[", "]", "{", "}", "{]", "[}",
		"{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{'a':1}",
		"{1:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{\"a\"::1}",
		"{null:1}", "\"", "\"a", "\"\\\"", "\"\\\\", "\"\\x41\"",
		"\"\\'\"", "\"\\\"", "\"\\u\"", "\"\\u12\"", "\"\\u123g\"",
		"\"\\U0041\"", "\"a\nb\"", "\"a\tb\"", "\"\x01\"", "\"\x1f\"",
		"1 // a", "/* a */ 1", "# a\n1", "1\v", "\f1", ("\xc2\xa0" "1"),
		"[1]]", "{}{}", "{},", "true false", "\"a\"\"b\"", "1,", ",1",
		"[\"a\\]", "[\"\\ud800]", "tru", "falsey", "[\"a\",\n\"b\"", "{\"a\":1", "-a", "- 1",
	};

	(void)state;
	assert_all(bad, ARRAY_LEN(bad), false);
}

static void text_that_is_not_utf8_is_refused(void **state)
{
	static const char *const bad[] = {
		"\"\x80\"", "\"\xc0\xaf\"", "\"\xc3\"", "\"\xe2\x82\"",
		"\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xff\"",
		"\xef\xbb\xbf" "1", "\xff\xfe" "1", "{\"\xc3\":1}", "\"\xc3",
		"[\"\xc3]", "\"\xc0\x80\"", "\"\xf0\x80\x80\xaf\"", "\"\xe2\x28\xa1\"",
	};

	(void)state;
	assert_all(bad, ARRAY_LEN(bad), false);
}

static void no_nul_gets_through(void **state)
{
	(void)state;
	assert_false(is_accepted(STR("\"a\0b\"")));
	assert_false(is_accepted(STR("1\0")));
	assert_false(is_accepted(STR("\0")));
	assert_false(is_accepted(STR("[1,\0 2]")));
	assert_false(is_accepted(STR("{\"a\0\":1}")));
	assert_false(is_accepted(STR("\"\\u0000\"")));
	assert_false(is_accepted(STR("{\"a\\u0000\":1}")));
	assert_false(is_accepted((struct str){ NULL, 0 }));
}

static void surrogates_come_in_pairs(void **state)
{
	static const char *const bad[] = {
		"\"\\ud83d\"", "\"\\udc5f\"", "\"\\ud83d\\ud83d\"",
		"\"\\udc00\\udc00\"", "\"\\udc5f\\ud83d\"", "\"\\ud83dx\"", "\"\\ud83d\\n\"",
		"\"\\ud83d\\u0041\"", "\"\\ud83d\\u\"", "\"\\ud83d\\udc5\"",
		"\"\\ud83d\\", "\"\\ud83dxudc5f\"", "\"\\ud83d\\xdc5f\"",
		"\"\\ud83d\\u", "\"\\ud800", "\"\\udfff\"",
	};

	(void)state;
	assert_all(bad, ARRAY_LEN(bad), false);
}

static void a_name_comes_once_in_an_object(void **state)
{
	static const char *const bad[] = {
		"{\"a\":1,\"a\":2}", "{\"a\":1,\"b\":2,\"a\":3}",
		"{\"a\":{\"x\":1},\"a\":{}}", "[{\"b\":{\"a\":1,\"a\":1}}]",
		"{\"\":1,\"\":2}",
		/* the same after decoding */
		"{\"a\":1,\"\\u0061\":2}", "{\"\\u0061\":1,\"a\":2}",
		"{\"\\u00e4\":1,\"\xc3\xa4\":2}",
		"{\"\\ud83d\\udc5f\":1,\"\xf0\x9f\x91\x9f\":2}",
		"{\"\\/\":1,\"/\":2}", "{\"\\u20ac\":1,\"\xe2\x82\xac\":2}",
		("{\"\\b\\f\\n\\r\\t\\\"\\\\\":1,"
		 "\"\\u0008\\u000c\\u000A\\u000d\\u0009\\u0022\\u005C\":2}"),
	};
	static const char *const good[] = {
		"{\"a\":1,\"A\":2}", "{\"a\":1,\"a \":2}",
		"{\"ab\":1,\"a\\u0063\":2}", "{\"a\":1,\"\\u0062\":2}",
		"{\"\\\\u0061\":1,\"a\":2}",
	};

	(void)state;
	assert_all(bad, ARRAY_LEN(bad), false);
	assert_all(good, ARRAY_LEN(good), true);
}

/* `count` members, named by their number, the last one named `last`. */
static struct str object_of(unsigned count, unsigned last)
{
	static char text[64 * KIB];
	size_t len = 1;

	text[0] = '{';
	for (unsigned i = 0; i < count; i++) {
		unsigned name = i + 1 == count ? last : i;

		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%s\"%u\":{\"x\":[]}", i ? "," : "",
					name);
	}
	text[len++] = '}';
	return (struct str){ text, len };
}

static void a_name_comes_once_in_an_object_of_many(void **state)
{
	(void)state;
	for (unsigned count = 2; count < 60; count++) {
		assert_true(is_accepted(object_of(count, count)));
		for (unsigned twice = 0; twice + 1 < count; twice++)
			assert_false(is_accepted(object_of(count, twice)));
	}
	assert_true(is_accepted(object_of(1000, 1000)));
	assert_false(is_accepted(object_of(1000, 500)));
}

static struct str repeated(const char *start, const char *item, size_t count,
			   const char *end)
{
	static char text[256 * KIB];
	size_t len = strlen(start), item_len = strlen(item);

	memcpy(text, start, len);
	for (size_t i = 0; i < count; i++, len += item_len)
		memcpy(text + len, item, item_len);
	memcpy(text + len, end, strlen(end));
	return (struct str){ text, len + strlen(end) };
}

static void depth_is_bounded(void **state)
{
	char text[2 * LIMIT_JSON_DEPTH + 3];
	size_t depth = LIMIT_JSON_DEPTH;

	(void)state;
	memset(text, '[', depth + 1);
	memset(text + depth + 1, ']', depth + 1);
	assert_true(is_accepted((struct str){ text + 1, 2 * depth }));
	assert_false(is_accepted((struct str){ text, 2 * depth + 2 }));
	assert_fault(repeated("", "{\"a\":", 100000 / 5, ""),
		     "line 1, column 81: nested too deeply");
	/* depth is that of the place, not of the whole text */
	assert_true(is_accepted(repeated("[[]", ",[[]]", 500, "]")));
}

static void members_and_elements_are_bounded(void **state)
{
	(void)state;
	assert_true(is_accepted(
		repeated("[1", ",1", LIMIT_JSON_MEMBERS - 1, "]")));
	assert_false(is_accepted(
		repeated("[1", ",1", LIMIT_JSON_MEMBERS, "]")));
	assert_true(is_accepted(repeated("[[1]", ",[1]",
					 LIMIT_JSON_MEMBERS / 2 - 1, "]")));
	assert_false(is_accepted(
		repeated("[[1]", ",[1]", LIMIT_JSON_MEMBERS / 2, "]")));
	assert_true(is_accepted(object_of(LIMIT_JSON_MEMBERS / 2, 5000)));
	assert_false(is_accepted(object_of(LIMIT_JSON_MEMBERS / 2 + 1, 5000)));
}

static void numbers_and_names_have_a_length(void **state)
{
	(void)state;
	assert_true(is_accepted(repeated("1", "0", 63, "")));
	assert_false(is_accepted(repeated("1", "0", 64, "")));
	assert_true(is_accepted(repeated("[-0.", "1", 61, "]")));
	assert_false(is_accepted(repeated("[-0.", "1", 62, "]")));
	assert_true(is_accepted(
		repeated("{\"", "a", LIMIT_JSON_NAME_BYTES, "\":1}")));
	assert_false(is_accepted(
		repeated("{\"", "a", LIMIT_JSON_NAME_BYTES + 1, "\":1}")));
	/* an escaped name of the greatest length, compared with another */
	assert_true(is_accepted(repeated("{\"\\n\":1,\"", "\\n",
					 LIMIT_JSON_NAME_BYTES / 2, "\":1}")));
}

static void a_fault_names_its_line_and_column(void **state)
{
	(void)state;
	assert_fault(STR(""), "line 1, column 1: the text ends too early");
	assert_fault(STR("{\n  \"a\": 1,\n  \"b\": x\n}"),
		     "line 3, column 8: not a value; text needs \"quotes\"");
	assert_fault(STR("{\"a\":1,\n \"a\":2}"),
		     "line 2, column 2: a name that the object has already");
	assert_fault(STR("[1,]"),
		     "line 1, column 4: not a value; text needs \"quotes\"");
	assert_fault(STR("[1 2]"), "line 1, column 4: ',' or ']' is missing");
	assert_fault(STR("{\"a\":1 2}"),
		     "line 1, column 8: ',' or '}' is missing");
	assert_fault(STR("{\"a\" 1}"), "line 1, column 6: ':' is missing");
	assert_fault(STR("{a"), "line 1, column 2: "
				"a name in \"quotes\" is missing");
	assert_fault(STR("\"\xc3\xa4\xff\""), "line 1, column 4: not UTF-8");
	assert_fault(STR("[\"a"), "line 1, column 4: the text ends too early");
	assert_fault(STR("1 1"),
		     "line 1, column 3: something follows the value");
	assert_fault(STR("[\"\\ud800\"]"), "line 1, column 3: "
					   "a lone surrogate");
	assert_fault(STR("007"),
		     "line 1, column 2: a number must not start with 0");
}

static void escapes_decode_to_utf8(void **state)
{
	const struct str text = STR("a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e4"
				    "\\u20AC\\ud83d\\udc5f\\u007f\\u0080"
				    "\\u07ff\\u0800\\uffff\\ud800\\udc00"
				    "\\udbff\\udfffz");
	const char expected[] = "a\"\\/\b\f\n\r\tA\xc3\xa4\xe2\x82\xac"
				"\xf0\x9f\x91\x9f\x7f\xc2\x80\xdf\xbf"
				"\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80"
				"\xf4\x8f\xbf\xbfz";
	char decoded[200];

	(void)state;
	assert_int_equal(json_unescape(decoded, text.ptr, text.len),
			 sizeof(expected) - 1);
	assert_memory_equal(decoded, expected, sizeof(expected) - 1);
	memcpy(decoded, text.ptr, text.len);
	assert_int_equal(json_unescape(decoded, decoded, text.len),
			 sizeof(expected) - 1);
	assert_memory_equal(decoded, expected, sizeof(expected) - 1);
}

static void nodes_say_what_the_text_holds(void **state)
{
	static struct json_node nodes[JSON_MAX_NODES];
	const struct str text = STR(" {\"a\" : [1, -2.50e1], "
				    "\"\\n\":\"x\\ty\"} ");
	struct error err;
	size_t count;

	(void)state;
	error_init(&err);
	assert_true(json_scan_nodes(text, nodes, JSON_MAX_NODES,
				    &count, &err));
	assert_int_equal(count, 5);
	assert_int_equal(nodes[0].kind, JSON_OBJECT);
	assert_int_equal(nodes[0].count, 2);
	assert_int_equal(nodes[0].span, 5);
	assert_null(nodes[0].name);
	assert_int_equal(nodes[0].len, text.len - 2);
	assert_int_equal(nodes[1].kind, JSON_ARRAY);
	assert_int_equal(nodes[1].span, 3);
	assert_memory_equal(nodes[1].name, "a", nodes[1].name_len);
	assert_int_equal(nodes[3].kind, JSON_NUMBER);
	assert_int_equal(nodes[3].len, 7);
	assert_memory_equal(nodes[3].text, "-2.50e1", 7);
	assert_true(nodes[4].escaped && nodes[4].name_escaped);
	assert_memory_equal(nodes[4].text, "x\\ty", nodes[4].len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_value_is_accepted),
		cmocka_unit_test(what_the_grammar_lacks_is_refused),
		cmocka_unit_test(text_that_is_not_utf8_is_refused),
		cmocka_unit_test(no_nul_gets_through),
		cmocka_unit_test(surrogates_come_in_pairs),
		cmocka_unit_test(a_name_comes_once_in_an_object),
		cmocka_unit_test(a_name_comes_once_in_an_object_of_many),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(members_and_elements_are_bounded),
		cmocka_unit_test(numbers_and_names_have_a_length),
		cmocka_unit_test(a_fault_names_its_line_and_column),
		cmocka_unit_test(escapes_decode_to_utf8),
		cmocka_unit_test(nodes_say_what_the_text_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
