/*
 * buf_test.c: does text grow up to its maximum, and is it safe where it goes?
 */
#include "base/buf.h"
#include "test_arena.h"

#include "base/banned.h"

static void appends_come_in_order_and_terminated(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, arena, 1000);
	assert_string_equal(buf.ptr, "");
	buf_add(&buf, "ab", 2);
	buf_add_str(&buf, STR("cd"));
	buf_add_str(&buf, (struct str){ NULL, 0 });
	buf_add_text(&buf, "ef");
	buf_add_char(&buf, '-');
	buf_printf(&buf, "%s=%d", "x", 5);
	assert_true(buf_ok(&buf));
	assert_string_equal(buf.ptr, "abcdef-x=5");
	assert_int_equal(buf_str(&buf).len, 10);
}

static void a_buffer_grows_through_many_blocks(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, arena, 300 * KIB);
	for (int i = 0; i < 40000; i++) {
		buf_printf(&buf, "%d", i % 10);
		if (i % 1000 == 0)
			arena_alloc(arena, 1);
	}
	assert_true(buf_ok(&buf));
	assert_int_equal(buf.len, 40000);
	for (size_t i = 0; i < buf.len; i++)
		assert_int_equal(buf.ptr[i], '0' + i % 10);
	assert_int_equal(buf.ptr[buf.len], 0);
}

static void integers_are_written_whole(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, arena, 1000);
	buf_add_int(&buf, 0);
	buf_add_char(&buf, ' ');
	buf_add_int(&buf, INT64_MAX);
	buf_add_char(&buf, ' ');
	buf_add_int(&buf, INT64_MIN);
	assert_string_equal(buf.ptr,
			    "0 9223372036854775807 -9223372036854775808");
}

static void exactly_the_maximum_fits(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, arena, 4);
	buf_add_text(&buf, "abcd");
	assert_true(buf_ok(&buf));
	buf_add_text(&buf, "");
	assert_true(buf_ok(&buf));
	buf_reset(&buf);
	buf_printf(&buf, "%s", "wxyz");
	assert_true(buf_ok(&buf));
	assert_string_equal(buf.ptr, "wxyz");
	for (size_t max = 250; max < 1100; max++) {
		buf_init(&buf, arena, max);
		for (size_t i = 0; i < max; i++)
			buf_add_char(&buf, 'x');
		assert_true(buf_ok(&buf));
		assert_int_equal(strlen(buf.ptr), max);
		buf_add_char(&buf, 'x');
		assert_false(buf_ok(&buf));
		arena_reset(arena);
	}
}

/* A torn text must not look like a whole one. */
static void what_follows_an_overflow_is_dropped(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, arena, 300);
	buf_add_text(&buf, "ab");
	buf_printf(&buf, "%0300d", 1);
	assert_false(buf_ok(&buf));
	buf_add_char(&buf, 'c');
	buf_printf(&buf, "%d", 1);
	assert_string_equal(buf.ptr, "ab");
	assert_false(buf_ok(&buf));
	buf_reset(&buf);
	assert_true(buf_ok(&buf));
	assert_string_equal(buf.ptr, "");
}

static void each_kind_of_append_notices_the_maximum(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, arena, 0);
	buf_add_char(&buf, 'a');
	assert_false(buf_ok(&buf));
	buf_reset(&buf);
	buf_printf(&buf, "a");
	assert_false(buf_ok(&buf));
	buf_reset(&buf);
	buf_add_int(&buf, 1);
	assert_false(buf_ok(&buf));
	assert_int_equal(buf.len, 0);
}

static void json_text_is_quoted_and_escaped(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, arena, 1000);
	buf_add_json(&buf, STR("a\"b\\c/\b\t\n\f\r\x01\x1f\x7f\0\xc3\xa4"));
	assert_string_equal(buf.ptr,
			    "\"a\\\"b\\\\c/\\b\\t\\n\\f\\r\\u0001\\u001f"
			    "\\u007f\\u0000\xc3\xa4\"");
	buf_reset(&buf);
	buf_add_json(&buf, (struct str){ NULL, 0 });
	assert_string_equal(buf.ptr, "\"\"");
}

/* One byte at a time. */
static void add_json_slowly(struct buf *to, struct buf *one, struct str s)
{
	buf_add_char(to, '"');
	for (size_t i = 0; i < s.len; i++) {
		buf_reset(one);
		buf_add_json(one, (struct str){ s.ptr + i, 1 });
		buf_add(to, one->ptr + 1, one->len - 2);
	}
	buf_add_char(to, '"');
}

/* Eight bytes are looked at in one step: each byte in each place of them, among
 * others that are escaped or only look like it. */
static void each_byte_is_escaped_wherever_it_stands(void **state)
{
	static const char others[] = { 'a', '"', '#', '\\', ']', 0x7f, 0x1f,
				       (char)0xc3 };
	char text[18];
	struct buf fast, slow, one;

	(void)state;
	buf_init(&fast, arena, 1000);
	buf_init(&slow, arena, 1000);
	buf_init(&one, arena, 1000);
	for (size_t i = 0; i < 256 * sizeof(others) * sizeof(text); i++) {
		struct str s = { text, sizeof(text) };

		memset(text, others[i % sizeof(others)], sizeof(text));
		text[i / sizeof(others) / 256] =
			(char)(i / sizeof(others) % 256);
		buf_reset(&fast);
		buf_reset(&slow);
		buf_add_json(&fast, s);
		add_json_slowly(&slow, &one, s);
		assert_string_equal(fast.ptr, slow.ptr);
	}
}

static void json_text_fits_exactly_or_not_at_all(void **state)
{
	static const char escaped[] = "\"a\\\"b\\n\\u0001\\\"plain text\\\\\"";
	struct buf buf;

	(void)state;
	for (size_t max = 0; max < 2 * sizeof(escaped); max++) {
		buf_init(&buf, arena, max);
		buf_add_json(&buf, STR("a\"b\n\x01\"plain text\\"));
		assert_int_equal(buf_ok(&buf), max >= sizeof(escaped) - 1);
		if (buf_ok(&buf))
			assert_string_equal(buf.ptr, escaped);
	}
}

static void html_cannot_leave_its_place(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, arena, 1000);
	buf_add_html(&buf, STR("<a href='x' id=\"y\">&amp;"));
	assert_string_equal(buf.ptr,
			    "&lt;a href=&#39;x&#39; id=&quot;y&quot;&gt;"
			    "&amp;amp;");
}

static void uris_keep_only_unreserved_characters(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, arena, 1000);
	buf_add_uri(&buf, STR("aZ09-._~ /+%\xc3\xa4\n"), false);
	assert_string_equal(buf.ptr, "aZ09-._~%20%2F%2B%25%C3%A4%0A");
	buf_reset(&buf);
	buf_add_uri(&buf, STR("a/b?"), true);
	assert_string_equal(buf.ptr, "a/b%3F");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(appends_come_in_order_and_terminated),
		TEST(a_buffer_grows_through_many_blocks),
		TEST(integers_are_written_whole),
		TEST(exactly_the_maximum_fits),
		TEST(what_follows_an_overflow_is_dropped),
		TEST(each_kind_of_append_notices_the_maximum),
		TEST(json_text_is_quoted_and_escaped),
		TEST(each_byte_is_escaped_wherever_it_stands),
		TEST(json_text_fits_exactly_or_not_at_all),
		TEST(html_cannot_leave_its_place),
		TEST(uris_keep_only_unreserved_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
