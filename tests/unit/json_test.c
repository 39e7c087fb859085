/*
 * json_test.c: does a document give back what was written into it?
 */
#include "base/buf.h"
#include "base/json.h"
#include "test_arena.h"

#include "base/banned.h"

static struct json parse(struct str text)
{
	struct json json;

	error_init(&err);
	if (!json_parse(&json, text, arena, &err))
		fail_msg("%s", err.detail);
	return json;
}

static void assert_text(struct json json, const char *expected)
{
	assert_int_equal(json.kind, JSON_STRING);
	assert_true(str_is(json_string(json), expected));
}

static void members_are_found_by_name(void **state)
{
	struct json json = parse(STR(
		"{\"a\":{\"b\":\"deep\",\"c\":[1,{\"z\":0}]},\"b\":\"top\","
		"\"n\":null,\"t\":true,\"f\":false,\"\":\"empty\"}"));

	(void)state;
	assert_int_equal(json.kind, JSON_OBJECT);
	assert_int_equal(json_count(json), 6);
	assert_text(json_member(json, "b"), "top");
	assert_text(json_member(json_member(json, "a"), "b"), "deep");
	assert_text(json_member(json, ""), "empty");
	assert_int_equal(json_member(json, "n").kind, JSON_NULL);
	assert_true(json_bool(json_member(json, "t")));
	assert_false(json_bool(json_member(json, "f")));
	assert_int_equal(json_member(json, "f").kind, JSON_BOOL);
}

static void what_is_not_there_is_absent(void **state)
{
	struct json json = parse(STR("{\"abc\":1,\"s\":\"x\"}"));
	struct json absent = json_member(json, "ab");

	(void)state;
	assert_int_equal(absent.kind, JSON_ABSENT);
	assert_int_equal(json_member(json, "abcd").kind, JSON_ABSENT);
	assert_int_equal(json_member(json, "z").kind, JSON_ABSENT);
	/* asking what is absent, or of another kind, is harmless */
	assert_int_equal(json_member(absent, "x").kind, JSON_ABSENT);
	assert_int_equal(json_element(absent, 0).kind, JSON_ABSENT);
	assert_int_equal(json_element(json, 0).kind, JSON_ABSENT);
	assert_int_equal(json_count(absent), 0);
	assert_int_equal(json_count(json_member(json, "s")), 0);
	assert_null(json_string(absent).ptr);
	assert_null(json_string(json_member(json, "abc")).ptr);
	assert_null(json_literal(json_member(json, "s")).ptr);
	assert_false(json_bool(absent));
	assert_null(json_first(absent).name.ptr);
	assert_null(json_first(parse(STR("[1]"))).name.ptr);
	assert_null(json_first(parse(STR("{}"))).name.ptr);
}

static void elements_are_found_by_index(void **state)
{
	struct json json = parse(STR("[[1,[2]],\"b\",{\"c\":[]},4]"));

	(void)state;
	assert_int_equal(json_count(json), 4);
	assert_int_equal(json_count(json_element(json, 0)), 2);
	assert_text(json_element(json, 1), "b");
	assert_int_equal(json_element(json, 2).kind, JSON_OBJECT);
	assert_true(str_is(json_literal(json_element(json, 3)), "4"));
	assert_int_equal(json_element(json, 4).kind, JSON_ABSENT);
	/* what stands behind an array in the text is not in it */
	assert_int_equal(json_element(json_element(json, 0), 2).kind,
			 JSON_ABSENT);
}

/* Money is read from this text; a double would change most of them. */
static void numbers_keep_their_literal(void **state)
{
	static const char *const literals[] = {
		"0", "-0", "1.10", "5.9e1", "1E+2", "92233720368547758079",
		"0.1000000000000000055511151231257827", "1e400",
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(literals); i++) {
		struct json json;

		snprintf(text, sizeof(text), "{\"price\": %s }", literals[i]);
		json = parse(str_from(text));
		assert_true(str_is(json_literal(json_member(json, "price")),
				   literals[i]));
	}
}

static void escapes_are_decoded_in_names_and_values(void **state)
{
	struct json json = parse(STR(
		"{\"k\\u00e4\\n\":\"\\ud83d\\udc5f \\\"x\\\"\\\\\","
		"\"plain\":\"as it is\"}"));

	(void)state;
	assert_text(json_member(json, "k\xc3\xa4\n"),
		    "\xf0\x9f\x91\x9f \"x\"\\");
	assert_text(json_member(json, "plain"), "as it is");
}

static void an_empty_text_is_present(void **state)
{
	struct json json = parse(STR("\"\""));

	(void)state;
	assert_non_null(json_string(json).ptr);
	assert_int_equal(json_string(json).len, 0);
}

static void values_outlive_the_text_they_came_from(void **state)
{
	char text[] = "{\"a\":\"abc\",\"b\":12}";
	struct json json = parse(str_from(text));

	(void)state;
	memset(text, 'X', sizeof(text));
	assert_text(json_member(json, "a"), "abc");
	assert_true(str_is(json_literal(json_member(json, "b")), "12"));
}

static void members_come_in_the_order_of_the_text(void **state)
{
	struct json json = parse(STR("{\"z\":[1,2],\"a\":{\"q\":1},\"m\":3}"));
	struct json_iterator it;
	char names[10] = "";
	size_t len = 0;

	(void)state;
	for (it = json_first(json); it.name.ptr; json_next(&it)) {
		assert_int_equal(it.name.len, 1);
		names[len++] = *it.name.ptr;
		if (*it.name.ptr == 'm')
			assert_true(str_is(json_literal(it.value), "3"));
	}
	assert_string_equal(names, "zam");
	json_next(&it);
	assert_null(it.name.ptr);
}

static void a_fault_is_an_error_and_leaves_nothing(void **state)
{
	struct json json = { JSON_OBJECT, NULL };

	(void)state;
	assert_false(json_parse(&json, STR("{\"a\":1,\"a\":2}"), arena, &err));
	assert_int_equal(err.code, ERROR_NOT_JSON);
	assert_int_equal(json.kind, JSON_ABSENT);
	error_init(&err);
	assert_false(json_parse(&json, (struct str){ NULL, 0 }, arena, &err));
	assert_int_equal(err.code, ERROR_NOT_JSON);
}

static void unknown_members_are_named(void **state)
{
	static const char *const names[] = { "price", "description", NULL };
	struct json json = parse(STR(
		"{\"price\":5,\"prize\":6,\"a/b~c\":1,\"description\":\"\"}"));

	(void)state;
	assert_false(json_only(json, "/lines/0", names, &err));
	assert_int_equal(err.code, ERROR_INVALID);
	assert_int_equal(err.item_count, 2);
	assert_string_equal(err.items[0].pointer, "/lines/0/prize");
	assert_string_equal(err.items[0].code, "unknown_member");
	assert_string_equal(err.items[1].pointer, "/lines/0/a~1b~0c");
}

static void known_members_are_no_error(void **state)
{
	static const char *const names[] = { "price", "description", NULL };

	(void)state;
	assert_true(json_only(parse(STR("{\"price\":5}")), "", names, &err));
	assert_true(json_only(parse(STR("{}")), "", names, &err));
	assert_false(error_is_set(&err));
}

static void a_very_long_unknown_name_is_cut(void **state)
{
	static const char *const names[] = { NULL };
	char text[1100];

	(void)state;
	memset(text, '~', sizeof(text));
	memcpy(text, "{\"", 2);
	memcpy(text + 1024, "\":1}", 5);
	assert_false(json_only(parse(str_from(text)), "", names, &err));
	assert_int_equal(strlen(err.items[0].pointer),
			 sizeof(err.items[0].pointer) - 1);
}

static void a_body_is_an_object_of_known_members(void **state)
{
	static const char *const names[] = { "email", NULL };
	static const char *const not_objects[] = { "", "[]", "\"x\"", "1",
						   "null", "{" };
	struct json json;

	(void)state;
	assert_true(json_parse_object(&json, STR("{\"email\":\"a\"}"), names,
				      arena, &err));
	assert_true(str_is(json_string(json_member(json, "email")), "a"));
	for (size_t i = 0; i < ARRAY_LEN(not_objects); i++) {
		error_init(&err);
		assert_false(json_parse_object(&json, str_from(not_objects[i]),
					       names, arena, &err));
		assert_int_equal(err.code, ERROR_NOT_JSON);
	}
	error_init(&err);
	assert_false(json_parse_object(&json, STR("{\"mail\":1}"), names,
				       arena, &err));
	assert_string_equal(err.items[0].pointer, "/mail");
}

/* RFC 6901, 3 */
static void pointers_escape_tilde_and_slash(void **state)
{
	(void)state;
	assert_string_equal(json_pointer(arena, "", STR("a")), "/a");
	assert_string_equal(json_pointer(arena, "/x/0", STR("m~n/o")),
			    "/x/0/m~0n~1o");
	assert_string_equal(json_pointer(arena, "", STR("")), "/");
}

static void a_large_answer_has_the_bound_that_its_reader_names(void **state)
{
	struct json_iterator it;
	struct buf text;
	struct json json;
	size_t seen = 0;

	(void)state;
	buf_init(&text, arena, MIB);
	for (int i = 0; i < 5000; i++)
		buf_add_text(&text, i ? ",1" : "[1");
	buf_add_char(&text, ']');
	assert_false(json_parse(&json, buf_str(&text), arena, &err));
	error_init(&err);
	assert_false(json_parse_large(&json, buf_str(&text), 5000, arena,
				      &err));
	assert_int_equal(err.code, ERROR_NOT_JSON);
	error_init(&err);
	assert_true(json_parse_large(&json, buf_str(&text), 5001, arena,
				     &err));
	for (it = json_first_element(json); it.value.value; json_next(&it))
		seen += str_is(json_literal(it.value), "1");
	assert_int_equal(seen, 5000);
	assert_null(json_first_element(it.value).value.value);
}

static void quotes_within_texts_do_not_hide_the_values_behind(void **state)
{
	struct buf text;
	struct json json;

	(void)state;
	buf_init(&text, arena, MIB);
	for (int i = 0; i < 3000; i++)
		buf_add_text(&text, i ? ",\"\\\",[\\\\\"" : "[\"\"");
	buf_add_char(&text, ']');
	assert_true(json_parse_large(&json, buf_str(&text), 5000, arena,
				     &err));
	assert_int_equal(json_count(json), 3000);
	assert_true(str_is(json_string(json_element(json, 2999)), "\",[\\"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(members_are_found_by_name),
		TEST(what_is_not_there_is_absent),
		TEST(elements_are_found_by_index),
		TEST(numbers_keep_their_literal),
		TEST(escapes_are_decoded_in_names_and_values),
		TEST(an_empty_text_is_present),
		TEST(values_outlive_the_text_they_came_from),
		TEST(members_come_in_the_order_of_the_text),
		TEST(a_fault_is_an_error_and_leaves_nothing),
		TEST(unknown_members_are_named),
		TEST(known_members_are_no_error),
		TEST(a_very_long_unknown_name_is_cut),
		TEST(a_body_is_an_object_of_known_members),
		TEST(a_large_answer_has_the_bound_that_its_reader_names),
		TEST(quotes_within_texts_do_not_hide_the_values_behind),
		TEST(pointers_escape_tilde_and_slash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
