/*
 * deadline_test.c: does the time that is left run out, and end at nothing?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/deadline.h"

#include "base/banned.h"

static int clear(void **state)
{
	(void)state;
	deadline_clear();
	return 0;
}

static void without_one_there_is_time_for_ever(void **state)
{
	(void)state;
	assert_int_equal(deadline_left_ms(), DEADLINE_NONE_MS);
	deadline_set_in(10);
	deadline_clear();
	assert_int_equal(deadline_left_ms(), DEADLINE_NONE_MS);
}

static void what_is_left_is_never_more_than_was_given(void **state)
{
	(void)state;
	deadline_set_in(60000);
	assert_in_range(deadline_left_ms(), 50000, 60000);
}

static void one_that_has_passed_leaves_nothing(void **state)
{
	(void)state;
	deadline_set_in(-5);
	assert_int_equal(deadline_left_ms(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_one_there_is_time_for_ever),
		cmocka_unit_test(what_is_left_is_never_more_than_was_given),
		cmocka_unit_test(one_that_has_passed_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, clear, clear);
}
