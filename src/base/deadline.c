/*
 * deadline.c: one instant of the boot clock, which is never set back.
 */
#include "base/deadline.h"

#include <stdbool.h>

#include "base/clock.h"

#include "base/banned.h"

static int64_t deadline_ms;
static bool is_set;

void deadline_set_in(int64_t ms)
{
	deadline_ms = clock_boot_ms() + ms;
	is_set = true;
}

void deadline_clear(void)
{
	is_set = false;
}

int64_t deadline_left_ms(void)
{
	int64_t left_ms;

	if (!is_set)
		return DEADLINE_NONE_MS;
	left_ms = deadline_ms - clock_boot_ms();
	return left_ms > 0 ? left_ms : 0;
}
