/*
 * text_test.c: is text trimmed and are invisible characters found?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "order/text.h"

#include "base/banned.h"

static void assert_trims(const char *from, const char *to)
{
	struct str trimmed = text_trim(str_from(from));

	assert_non_null(trimmed.ptr);
	assert_int_equal(trimmed.len, strlen(to));
	assert_memory_equal(trimmed.ptr, to, trimmed.len);
}

static void white_space_of_unicode_is_trimmed_at_both_ends(void **state)
{
	(void)state;
	assert_trims(" \t\r\n\v\f red shoes \n", "red shoes");
	assert_trims("\u00a0\u3000\u2003red\u2009\u202f\u205f\u1680", "red");
	assert_trims("\ufeff\u200b\u2060red\xc2\x85\u2028\u2029", "red");
	assert_trims("a\u00a0 b", "a\u00a0 b");
	assert_trims("x", "x");
	assert_trims("\u3042 \U0001f600\u3000", "\u3042 \U0001f600");
	assert_trims("\xe3\x80 \x80", "\xe3\x80 \x80");	/* no UTF-8 */
}

static void text_of_nothing_but_white_space_is_empty_not_absent(void **state)
{
	(void)state;
	assert_trims("", "");
	assert_trims(" \u3000\u200b ", "");
}

static void letters_and_joiners_are_not_trimmed(void **state)
{
	(void)state;
	assert_trims("\u200dred\u200c", "\u200dred\u200c");
	assert_trims("\u00a1\u00e9\u2007x", "\u00a1\u00e9\u2007x");
}

static void invisible_characters_are_named(void **state)
{
	(void)state;
	assert_int_equal(text_bad_character(STR("a\x01"), true), 1);
	assert_int_equal(text_bad_character(STR("a\x7f"), true), 0x7f);
	assert_int_equal(text_bad_character(STR("\xc2\x85"), true), 0x85);
	assert_int_equal(text_bad_character(STR("\u2028"), true), 0x2028);
	assert_int_equal(text_bad_character(STR("\u202e"), true), 0x202e);
	assert_int_equal(text_bad_character(STR("\u2066"), true), 0x2066);
	assert_int_equal(text_bad_character(STR("\u2069"), true), 0x2069);
	assert_int_equal(text_bad_character(STR("a\rb"), true), '\r');
}

static void tab_and_newline_belong_to_several_lines_only(void **state)
{
	(void)state;
	assert_int_equal(text_bad_character(STR("a\n\tb"), true), 0);
	assert_int_equal(text_bad_character(STR("a\nb"), false), '\n');
	assert_int_equal(text_bad_character(STR("a\tb"), false), '\t');
}

static void ordinary_text_of_any_script_is_good(void **state)
{
	(void)state;
	assert_int_equal(text_bad_character(STR("Zo\u00eb \u05e9\u05dc\u05d5\u05dd "
						"\u200f\u200e\u200d \U0001f45f"),
					    false), 0);
	assert_int_equal(text_bad_character(STR(""), false), 0);
}

static void line_ends_become_newlines(void **state)
{
	struct arena *arena = arena_new("text_test", MIB);
	struct str text = text_with_newlines(STR("a\r\nb\rc\nd\r"), arena);

	(void)state;
	assert_true(str_is(text, "a\nb\nc\nd\n"));
	assert_true(str_is(text_with_newlines(STR(""), arena), ""));
	arena_free(arena);
}

static void only_ascii_letters_are_lowered(void **state)
{
	struct arena *arena = arena_new("text_test", MIB);

	(void)state;
	assert_true(str_is(text_lower(STR("Ada@EXAMPLE.org[\u00c4"), arena),
			   "ada@example.org[\u00c4"));
	arena_free(arena);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(white_space_of_unicode_is_trimmed_at_both_ends),
		cmocka_unit_test(text_of_nothing_but_white_space_is_empty_not_absent),
		cmocka_unit_test(letters_and_joiners_are_not_trimmed),
		cmocka_unit_test(invisible_characters_are_named),
		cmocka_unit_test(tab_and_newline_belong_to_several_lines_only),
		cmocka_unit_test(ordinary_text_of_any_script_is_good),
		cmocka_unit_test(line_ends_become_newlines),
		cmocka_unit_test(only_ascii_letters_are_lowered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
