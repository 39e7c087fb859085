/*
 * str_test.c: does text from outside compare, split and count as it should?
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/str.h"

#include "base/banned.h"

static void assert_str(struct str got, const char *expected)
{
	assert_int_equal(got.len, strlen(expected));
	assert_memory_equal(got.ptr, expected, got.len);
}

static void absent_and_empty_are_equal_texts(void **state)
{
	(void)state;
	assert_true(str_eq((struct str){ NULL, 0 }, STR("")));
	assert_true(str_is(STR("ab"), "ab"));
	assert_false(str_is(STR("ab"), "abc"));
	assert_false(str_is(STR("ab\0c"), "ab"));
	assert_null(str_from(NULL).ptr);
}

static void a_prefix_must_fit(void **state)
{
	(void)state;
	assert_true(str_starts(STR("abc"), STR("ab")));
	assert_true(str_starts(STR("abc"), STR("")));
	assert_false(str_starts(STR("a"), STR("ab")));
	assert_false(str_starts(STR("abc"), STR("bc")));
}

static void case_is_ignored_for_ascii_letters_only(void **state)
{
	(void)state;
	assert_true(str_eq_ignore_case(STR("ABC-XYZ@[`{"),
				       STR("abc-xyz@[`{")));
	assert_false(str_eq_ignore_case(STR("a"), STR("ab")));
	assert_false(str_eq_ignore_case(STR("[@"), STR("{`")));
	assert_false(str_eq_ignore_case(STR("\xc3\x84"), STR("\xc3\xa4")));
}

static void only_hexadecimal_digits_have_a_value(void **state)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	(void)state;
	for (int c = CHAR_MIN; c <= CHAR_MAX; c++) {
		const char *at = c ? strchr(digits, c) : NULL;
		int place = at ? (int)(at - digits) : -1;

		assert_int_equal(str_hex_digit((char)c),
				 place > 15 ? place - 6 : place);
	}
}

static void white_space_is_trimmed_at_both_ends(void **state)
{
	(void)state;
	assert_str(str_trim(STR(" \t\r\na b\v\f ")), "a b");
	assert_str(str_trim(STR("   ")), "");
	assert_str(str_trim(STR("")), "");
	assert_str(str_trim(STR("\xc2\xa0")), "\xc2\xa0");
}

static void a_text_is_split_into_every_part(void **state)
{
	struct str rest = STR("a,,b,"), part;

	(void)state;
	assert_true(str_next(&rest, ',', &part));
	assert_str(part, "a");
	assert_true(str_next(&rest, ',', &part));
	assert_str(part, "");
	assert_true(str_next(&rest, ',', &part));
	assert_str(part, "b");
	assert_true(str_next(&rest, ',', &part));
	assert_str(part, "");
	assert_false(str_next(&rest, ',', &part));
	assert_false(str_next(&rest, ',', &part));
}

static void an_empty_text_has_one_part_and_an_absent_one_none(void **state)
{
	struct str rest = STR(""), part;

	(void)state;
	assert_true(str_next(&rest, ',', &part));
	assert_int_equal(part.len, 0);
	assert_false(str_next(&rest, ',', &part));
}

static void numbers_are_digits_up_to_the_maximum(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_true(str_to_uint(STR("0"), 0, &value));
	assert_int_equal(value, 0);
	assert_true(str_to_uint(STR("00200"), 200, &value));
	assert_int_equal(value, 200);
	assert_true(str_to_uint(STR("18446744073709551615"), UINT64_MAX,
				&value));
	assert_true(value == UINT64_MAX);
}

static void what_is_not_a_number_is_refused(void **state)
{
	static const char *const bad[] = {
		"", " 1", "1 ", "+1", "-1", "1.0", "0x1", "1e3", "a",
		"18446744073709551616", "99999999999999999999",
	};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(str_to_uint(str_from(bad[i]), UINT64_MAX, &value));
	assert_false(str_to_uint(STR("201"), 200, &value));
	assert_false(str_to_uint(STR("2000"), 200, &value));
	assert_false(str_to_uint(STR("5"), 4, &value));
	assert_false(str_to_uint(STR("1"), 0, &value));
}

static void secrets_compare_by_all_their_bytes(void **state)
{
	(void)state;
	assert_true(str_eq_constant_time(STR("abcd"), STR("abcd")));
	assert_false(str_eq_constant_time(STR("abcd"), STR("abce")));
	assert_false(str_eq_constant_time(STR("abcd"), STR("bbcd")));
	assert_false(str_eq_constant_time(STR("abcd"), STR("abc")));
	assert_false(str_eq_constant_time(STR("\x80"), STR("\x01")));
}

/* RFC 3629, 4: each bound of the table, from inside. */
static void well_formed_utf8_is_accepted(void **state)
{
	static const char *const good[] = {
		"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xec\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
		"\xf0\x90\x80\x80", "\xf3\xbf\xbf\xbf", "\xf4\x8f\xbf\xbf",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(utf8_valid(str_from(good[i])));
}

/* The same bounds, from outside. */
static void ill_formed_utf8_is_refused(void **state)
{
	static const char *const bad[] = {
		"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xc2", "\xc2\x7f",
		"\xc2\xc0", "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80",
		"\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80",
		"\xf0\x90\x80\x7f", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
		"\xff", "\xfe", "a\xc3", "\xc3\xa4\xa4", "\xe2\x82\xc0",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(utf8_valid(str_from(bad[i])));
}

static void code_points_are_counted_and_decoded(void **state)
{
	const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x91\x9f";
	const char *at = text, *end = text + sizeof(text) - 1;

	(void)state;
	assert_int_equal(utf8_length(str_from(text)), 4);
	assert_int_equal(utf8_next(&at, end), 'a');
	assert_int_equal(utf8_next(&at, end), 0xe4);
	assert_int_equal(utf8_next(&at, end), 0x20ac);
	assert_int_equal(utf8_next(&at, end), 0x1f45f);
	assert_ptr_equal(at, end);
}

static void a_broken_byte_decodes_to_the_replacement(void **state)
{
	const char text[] = "\xe2\x82";
	const char *at = text;

	(void)state;
	assert_int_equal(utf8_next(&at, text + 2), 0xfffd);
	assert_ptr_equal(at, text + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_and_empty_are_equal_texts),
		cmocka_unit_test(a_prefix_must_fit),
		cmocka_unit_test(case_is_ignored_for_ascii_letters_only),
		cmocka_unit_test(only_hexadecimal_digits_have_a_value),
		cmocka_unit_test(white_space_is_trimmed_at_both_ends),
		cmocka_unit_test(a_text_is_split_into_every_part),
		cmocka_unit_test(
			an_empty_text_has_one_part_and_an_absent_one_none),
		cmocka_unit_test(numbers_are_digits_up_to_the_maximum),
		cmocka_unit_test(what_is_not_a_number_is_refused),
		cmocka_unit_test(secrets_compare_by_all_their_bytes),
		cmocka_unit_test(well_formed_utf8_is_accepted),
		cmocka_unit_test(ill_formed_utf8_is_refused),
		cmocka_unit_test(code_points_are_counted_and_decoded),
		cmocka_unit_test(a_broken_byte_decodes_to_the_replacement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
