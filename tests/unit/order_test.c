/*
 * order_test.c: do the order's rules hold: statuses, placing, changing?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "order/order.h"

#include "base/banned.h"

#define NOW_MS 1795536000000ll

static struct error err;

static int clear_error(void **state)
{
	(void)state;
	error_init(&err);
	return 0;
}

static void statuses_go_forward_or_to_cancelled(void **state)
{
	/* rows: from; columns: to, in the order of the enum */
	static const char legal[STATUS_COUNT][STATUS_COUNT + 1] = {
		"01001",	/* pending */
		"00101",	/* confirmed */
		"00010",	/* shipped */
		"00000",	/* delivered */
		"00000",	/* cancelled */
	};

	(void)state;
	for (unsigned from = 0; from < STATUS_COUNT; from++)
		for (unsigned to = 0; to < STATUS_COUNT; to++)
			assert_int_equal(order_status_may_become(from, to),
					 legal[from][to] == '1');
}

static void names_of_statuses_and_verdicts_are_read_back(void **state)
{
	enum order_status status;
	enum verdict verdict;

	(void)state;
	for (unsigned i = 0; i < STATUS_COUNT; i++) {
		assert_true(order_status_from(str_from(order_status_name(i)),
					      &status));
		assert_int_equal(status, i);
	}
	for (unsigned i = VERDICT_NOT_CHECKED; i <= VERDICT_UNSURE; i++) {
		assert_true(verdict_from(str_from(verdict_name(i)), &verdict));
		assert_int_equal(verdict, i);
	}
}

static void other_names_are_no_status_and_no_verdict(void **state)
{
	static const char *const names[] = { "", "Pending", "pending ", "pend",
					     "done" };
	enum order_status status;
	enum verdict verdict;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_false(order_status_from(str_from(names[i]), &status));
		assert_false(verdict_from(str_from(names[i]), &verdict));
	}
}

static void a_placed_order_has_id_version_and_times(void **state)
{
	struct order order = { 0 };

	(void)state;
	order_place(&order, NOW_MS);
	assert_true(uuid_is_valid(str_from(order.id)));
	assert_int_equal(order.id[14], '7');
	assert_int_equal(order.version, 1);
	assert_int_equal(order.created_ms, NOW_MS);
	assert_int_equal(order.updated_ms, NOW_MS);
}

static void a_change_counts_the_version_and_sets_the_time(void **state)
{
	struct order before = { .version = 4, .updated_ms = NOW_MS };
	struct order after = before;

	(void)state;
	after.status = STATUS_CONFIRMED;
	assert_true(order_change(&after, &before, NOW_MS + 5, &err));
	assert_int_equal(after.version, 5);
	assert_int_equal(after.updated_ms, NOW_MS + 5);
}

static void a_change_keeps_the_status_without_asking(void **state)
{
	(void)state;
	for (unsigned status = 0; status < STATUS_COUNT; status++) {
		struct order before = { .version = 1, .status = status };
		struct order after = before;

		assert_true(order_change(&after, &before, NOW_MS, &err));
	}
}

static void a_clock_that_was_set_back_does_not_make_a_change_older(void **state)
{
	struct order before = { .version = 1, .updated_ms = NOW_MS };
	struct order after = before;

	(void)state;
	assert_true(order_change(&after, &before, NOW_MS - 5000, &err));
	assert_int_equal(after.updated_ms, NOW_MS);
}

static void an_illegal_status_names_the_legal_ones(void **state)
{
	struct order before = { .version = 1, .status = STATUS_PENDING };
	struct order after = { .status = STATUS_SHIPPED };

	(void)state;
	assert_false(order_change(&after, &before, NOW_MS, &err));
	assert_int_equal(err.code, ERROR_ILLEGAL_STATUS);
	assert_string_equal(err.detail,
			    "An order that is pending can become confirmed or cancelled, not shipped.");
}

static void a_final_status_says_that_it_is_final(void **state)
{
	struct order before = { .version = 1, .status = STATUS_CANCELLED };
	struct order after = { .status = STATUS_PENDING };

	(void)state;
	assert_false(order_change(&after, &before, NOW_MS, &err));
	assert_int_equal(err.code, ERROR_ILLEGAL_STATUS);
	assert_string_equal(err.detail,
			    "An order that is cancelled keeps that status; it cannot become pending.");
}

static void all_that_a_person_searches_for_is_search_text(void **state)
{
	struct order_line line = { STR("SHOE-42"), STR("Running shoe"), 2, 1 };
	struct order order = {
		.id = "0193a5c0-0000-7000-8000-000000000001",
		.description = STR("red shoes"), .customer_name = STR("Ada"),
		.customer_email = STR("ada@example.org"), .lines = &line,
		.line_count = 1, .notes = STR("by Friday"),
	};
	struct arena *arena = arena_new("order_test", MIB);
	struct buf text;

	(void)state;
	buf_init(&text, arena, 64 * KIB);
	order_search_text(&order, &text);
	assert_string_equal(text.ptr,
			    "red shoes\nAda\nada@example.org\nSHOE-42\n"
			    "Running shoe\nby Friday\n00000001");
	arena_free(arena);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, clear_error)
		TEST(statuses_go_forward_or_to_cancelled),
		TEST(names_of_statuses_and_verdicts_are_read_back),
		TEST(other_names_are_no_status_and_no_verdict),
		TEST(a_placed_order_has_id_version_and_times),
		TEST(a_change_counts_the_version_and_sets_the_time),
		TEST(a_change_keeps_the_status_without_asking),
		TEST(a_clock_that_was_set_back_does_not_make_a_change_older),
		TEST(an_illegal_status_names_the_legal_ones),
		TEST(a_final_status_says_that_it_is_final),
		TEST(all_that_a_person_searches_for_is_search_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
