/*
 * form_test.c: is urlencoded text read strictly?
 */
#include "base/form.h"
#include "base/limits.h"
#include "test_arena.h"

#include "base/banned.h"

static struct str parameter(struct str form, const char *name)
{
	struct str value;

	assert_true(form_parameter(form, name, arena, &value, &err));
	return value;
}

static void assert_refused(struct str form, const char *said)
{
	struct str value;

	error_init(&err);
	assert_false(form_parameter(form, "a", arena, &value, &err));
	assert_int_equal(err.code, ERROR_BAD_PARAMETER);
	if (!strstr(err.detail, said))
		fail_msg("'%s' does not say '%s'", err.detail, said);
}

static void values_are_percent_decoded(void **state)
{
	struct str form = STR("a=1+2&b=%C3%a9%26%3d&c&d=&=e&f=x=y");

	(void)state;
	assert_true(str_is(parameter(form, "a"), "1 2"));
	assert_true(str_is(parameter(form, "b"), "\u00e9&="));
	assert_true(str_is(parameter(form, "c"), ""));
	assert_non_null(parameter(form, "c").ptr);
	assert_non_null(parameter(form, "d").ptr);
	assert_true(str_is(parameter(form, ""), "e"));
	assert_true(str_is(parameter(form, "f"), "x=y"));
}

static void names_are_percent_decoded(void **state)
{
	(void)state;
	assert_true(str_is(parameter(STR("List-%55nsubscribe=One-Click"),
				     "List-Unsubscribe"), "One-Click"));
}

static void what_is_not_there_is_absent(void **state)
{
	(void)state;
	assert_null(parameter(STR(""), "a").ptr);
	assert_null(parameter((struct str){ NULL, 0 }, "a").ptr);
	assert_null(parameter(STR("b=1&&"), "a").ptr);
	assert_null(parameter(STR("A=1"), "a").ptr);
}

static void a_bad_escape_is_refused(void **state)
{
	(void)state;
	assert_refused(STR("a=%"), "hexadecimal");
	assert_refused(STR("a=%4"), "hexadecimal");
	assert_refused(STR("a=%4g"), "hexadecimal");
	assert_refused(STR("a=%g4"), "hexadecimal");
	assert_refused(STR("a=%-1"), "hexadecimal");
	assert_refused(STR("b%=1&a=2"), "hexadecimal");
}

static void what_is_not_text_is_refused(void **state)
{
	(void)state;
	assert_refused(STR("a=%00"), "NUL");
	assert_refused(STR("a=%C0%AF"), "UTF-8");
	assert_refused(STR("a=\xff"), "UTF-8");
	assert_refused(STR("b=%ED%A0%80"), "UTF-8");
}

static void a_repeated_name_is_refused(void **state)
{
	(void)state;
	assert_refused(STR("a=1&b=2&a=1"), "'a' is given twice");
	assert_refused(STR("a=1&%61=2"), "'a' is given twice");
	assert_refused(STR("a&a"), "'a' is given twice");
}

static void too_many_pairs_are_refused(void **state)
{
	char form[4 * (LIMIT_QUERY_PARAMETERS + 1)];

	(void)state;
	for (size_t i = 0; i < sizeof(form); i += 4)
		memcpy(form + i, "b=1&", 4);
	assert_null(parameter((struct str){ form, sizeof(form) - 4 }, "a").ptr);
	assert_refused((struct str){ form, sizeof(form) }, "more than 32");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(values_are_percent_decoded),
		TEST(names_are_percent_decoded),
		TEST(what_is_not_there_is_absent),
		TEST(a_bad_escape_is_refused),
		TEST(what_is_not_text_is_refused),
		TEST(a_repeated_name_is_refused),
		TEST(too_many_pairs_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
