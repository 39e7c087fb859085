/*
 * backoff_test.c: is the wait random, and never longer than its limit?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/backoff.h"

#include "base/banned.h"

static void the_limit_doubles_up_to_the_cap(void **state)
{
	(void)state;
	assert_int_equal(backoff_limit_ms(0, 200, 60000), 200);
	assert_int_equal(backoff_limit_ms(1, 200, 60000), 400);
	assert_int_equal(backoff_limit_ms(8, 200, 60000), 51200);
	assert_int_equal(backoff_limit_ms(9, 200, 60000), 60000);
}

static void a_huge_attempt_does_not_overflow(void **state)
{
	(void)state;
	assert_int_equal(backoff_limit_ms(UINT32_MAX, 1, INT64_MAX / 4),
			 INT64_MAX / 4);
}

static void a_base_over_the_cap_is_the_cap(void **state)
{
	(void)state;
	assert_int_equal(backoff_limit_ms(0, 500, 100), 100);
}

static void the_wait_is_within_the_limit_and_spread(void **state)
{
	int64_t lowest = INT64_MAX, highest = -1;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		int64_t wait_ms = backoff_ms(3, 200, 60000);

		assert_in_range(wait_ms, 0, 1600);
		lowest = wait_ms < lowest ? wait_ms : lowest;
		highest = wait_ms > highest ? wait_ms : highest;
	}
	assert_true(lowest < 160);	/* 2000 draws miss a tenth: 10^-91 */
	assert_true(highest > 1440);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_limit_doubles_up_to_the_cap),
		cmocka_unit_test(a_huge_attempt_does_not_overflow),
		cmocka_unit_test(a_base_over_the_cap_is_the_cap),
		cmocka_unit_test(the_wait_is_within_the_limit_and_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
