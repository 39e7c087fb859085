/*
 * error_test.c: is a failure said once, and is what it says safe to send?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"

#include "base/banned.h"

static void the_first_failure_wins(void **state)
{
	struct error err;

	(void)state;
	error_init(&err);
	assert_false(error_is_set(&err));
	assert_false(error_set(&err, ERROR_NOT_FOUND, "no %s", "order"));
	assert_false(error_set(&err, ERROR_INTERNAL, "other"));
	assert_false(error_cause(&err, ERROR_UNAVAILABLE, "other"));
	assert_false(error_item(&err, "/x", "required", "other"));
	assert_int_equal(err.code, ERROR_NOT_FOUND);
	assert_string_equal(err.detail, "no order");
	assert_string_equal(err.cause, "");
	assert_int_equal(err.item_count, 0);
}

static void an_empty_detail_is_the_kinds_own(void **state)
{
	struct error err;

	(void)state;
	error_init(&err);
	error_set(&err, ERROR_BAD_CURSOR, "%s", "");
	assert_string_equal(err.detail, "Start again without a cursor.");
}

static void a_cause_never_reaches_the_detail(void **state)
{
	struct error err;

	(void)state;
	error_init(&err);
	assert_false(error_cause(&err, ERROR_UNAVAILABLE, "disk %d", 5));
	assert_string_equal(err.cause, "disk 5");
	assert_null(strstr(err.detail, "disk"));
	assert_string_not_equal(err.detail, "");
}

static void items_gather_up_to_their_limit(void **state)
{
	struct error err;

	(void)state;
	error_init(&err);
	for (unsigned i = 0; i < ERROR_MAX_ITEMS + 3; i++)
		assert_false(error_item(&err, "/lines/0", "required", "no %u",
					i));
	assert_int_equal(err.code, ERROR_INVALID);
	assert_int_equal(err.item_count, ERROR_MAX_ITEMS);
	assert_string_equal(err.items[0].pointer, "/lines/0");
	assert_string_equal(err.items[0].code, "required");
	assert_string_equal(err.items[2].detail, "no 2");
	assert_string_equal(err.detail, "/lines/0: no 0");
}

static void init_forgets_everything(void **state)
{
	struct error err;

	(void)state;
	error_init(&err);
	error_item(&err, "/x", "required", "x");
	err.retry_after_s = 5;
	error_init(&err);
	assert_false(error_is_set(&err));
	assert_int_equal(err.item_count, 0);
	assert_int_equal(err.retry_after_s, 0);
	error_item(&err, "/y", "required", "y");
	assert_int_equal(err.item_count, 1);
	assert_string_equal(err.items[0].pointer, "/y");
}

/* Details go into JSON: a character cut in half would spoil the whole body. */
static void a_cut_text_stays_valid_utf8(void **state)
{
	char text[600];
	struct error err;

	(void)state;
	for (size_t lead = 0; lead < 4; lead++) {
		memset(text, 'a', lead);
		for (size_t i = lead; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "\xe2\x82\xac", 4);
		error_init(&err);
		error_set(&err, ERROR_CONFLICT, "%s", text);
		assert_true(utf8_valid(str_from(err.detail)));
		assert_true(strlen(err.detail) > sizeof(err.detail) - 5);
		error_init(&err);
		error_item(&err, text, text, "%s", text);
		assert_true(utf8_valid(str_from(err.items[0].pointer)));
		assert_true(utf8_valid(str_from(err.items[0].code)));
		assert_true(utf8_valid(str_from(err.items[0].detail)));
		assert_true(utf8_valid(str_from(err.detail)));
		for (size_t i = lead; i + 4 < sizeof(text); i += 4)
			memcpy(text + i, "\xf0\x9f\x91\x9f", 5);
		error_init(&err);
		error_set(&err, ERROR_CONFLICT, "%s", text);
		assert_true(utf8_valid(str_from(err.detail)));
		assert_null(strchr(err.detail, '?'));
	}
}

static void broken_utf8_is_replaced(void **state)
{
	struct error err;

	(void)state;
	error_init(&err);
	error_set(&err, ERROR_BAD_PARAMETER, "no '%s' here", "\xff\xfe");
	assert_string_equal(err.detail, "no '?""?' here");
}

static void every_kind_has_a_status_and_a_slug_of_its_own(void **state)
{
	(void)state;
	for (int i = ERROR_NONE + 1; i < ERROR_CODE_COUNT; i++) {
		const struct error_kind *kind = error_kind((enum error_code)i);

		assert_int_equal(kind->code, i);
		assert_in_range(kind->status, 400, 599);
		assert_true(kind->title[0] != '\0');
		for (int j = 1; j < i; j++)
			assert_string_not_equal(
				kind->slug,
				error_kind((enum error_code)j)->slug);
	}
	assert_int_equal(error_kind((enum error_code)999)->status, 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_failure_wins),
		cmocka_unit_test(an_empty_detail_is_the_kinds_own),
		cmocka_unit_test(a_cause_never_reaches_the_detail),
		cmocka_unit_test(items_gather_up_to_their_limit),
		cmocka_unit_test(init_forgets_everything),
		cmocka_unit_test(a_cut_text_stays_valid_utf8),
		cmocka_unit_test(broken_utf8_is_replaced),
		cmocka_unit_test(every_kind_has_a_status_and_a_slug_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
