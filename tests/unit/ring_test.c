/*
 * ring_test.c: is every recorded deletion rung for until it is acknowledged or
 * a dead letter, and no other?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes/deletion_log_memory.h"
#include "relay/ring.h"

#include "base/banned.h"

#define NOW_MS 1795536000000ll

static struct fake_bus {
	struct event_bus base;
	bool confirms;
	bool fails, permanent;
	unsigned published, asked;
	char message[600];
} bus;

static struct deletion_log_memory deletions;
static struct ring ring;
static struct turn turn;
static struct error err;

static bool fake_publish(struct event_bus *self, struct str subject,
			 struct str message, struct str traceparent,
			 int64_t now_ms, struct arena *arena,
			 bool *ret_permanent, struct error *error)
{
	(void)self, (void)subject, (void)traceparent, (void)now_ms, (void)arena;
	bus.published++;
	snprintf(bus.message, sizeof(bus.message), "%.*s", STR_ARG(message));
	*ret_permanent = bus.permanent;
	return !bus.fails ||
	       error_cause(error, ERROR_UNAVAILABLE, "no answer");
}

static bool fake_ensure(struct event_bus *self, int64_t now_ms,
			struct arena *arena, bool *ret_confirmed,
			struct error *error)
{
	(void)self, (void)now_ms, (void)arena, (void)error;
	bus.asked++;
	*ret_confirmed = bus.confirms;
	return true;
}

static const struct event_bus_ops fake_ops = {
	.name = "fake", .publish = fake_publish,
	.ensure_subscription = fake_ensure,
};

static int open_ring(void **state)
{
	(void)state;
	memset(&bus, 0, sizeof(bus));
	memset(&deletions, 0, sizeof(deletions));
	bus.base.ops = &fake_ops;
	bus.confirms = true;
	deletions.base.ops = &memory_ops;
	ring = (struct ring){ .log = &deletions.base, .bus = &bus.base,
			      .max_attempts = 8 };
	turn.arena = arena_new("ring_test", 32 * MIB);
	turn.now_ms = turn.due_ms = NOW_MS;
	error_init(&err);
	return 0;
}

static int close_ring(void **state)
{
	(void)state;
	arena_free(turn.arena);
	return 0;
}

static void take_turn(void)
{
	turn.again_in_ms = 5000;
	turn.progress = false;
	assert_true(ring_turn(&ring, &turn, &err));
}

static void an_acknowledged_event_is_noted_and_wakes_post(void **state)
{
	struct deletion *deletion = memory_add(&deletions, NOW_MS, "{}");

	(void)state;
	take_turn();
	assert_true(deletion->acknowledged);
	assert_false(deletion->dead);
	assert_true(turn.progress);
	assert_int_equal(turn.again_in_ms, 0);
	take_turn();
	assert_int_equal(bus.published, 1);
	assert_int_equal(turn.again_in_ms, 5000);
}

static void the_message_has_id_time_and_order(void **state)
{
	memory_add(&deletions, NOW_MS + 7, "{\"id\":\"x\"}");
	(void)state;
	take_turn();
	assert_string_equal(bus.message,
			    "{\"event_id\":\"01a20e7a-0000-7000-8000-"
			    "000000000000\",\"deleted_at\":"
			    "\"2026-11-24T16:00:00.007Z\","
			    "\"order\":{\"id\":\"x\"}}");
}

static void the_oldest_is_rung_first(void **state)
{
	(void)state;
	memory_add(&deletions, NOW_MS - 2, "{}");
	memory_add(&deletions, NOW_MS - 1, "{}");
	take_turn();
	assert_true(deletions.deletions[0].acknowledged);
	assert_false(deletions.deletions[1].acknowledged);
	take_turn();
	assert_true(deletions.deletions[1].acknowledged);
}

static void wake(unsigned times, int64_t later_ms)
{
	turn.wakes = times;
	turn.due_ms += later_ms;
	take_turn();
	turn.wakes = 0;
}

static void a_burst_is_rung_when_it_is_over(void **state)
{
	(void)state;
	memory_add(&deletions, NOW_MS, "{}");
	ring.window_ms = turn.due_ms;
	wake(50, 100);
	wake(50, 90);
	assert_int_equal(bus.published, 0);
	assert_in_range(turn.again_in_ms, 1, 100);
	wake(0, 10);	/* the end of a window with wakes */
	assert_int_equal(bus.published, 0);
	wake(1, 100);	/* and one of a quiet window */
	assert_int_equal(bus.published, 1);
}

static void a_burst_without_end_puts_ringing_off_for_three_seconds(void **state)
{
	(void)state;
	memory_add(&deletions, NOW_MS, "{}");
	ring.window_ms = turn.due_ms;
	for (int i = 0; i < 30; i++)
		wake(50, 100);
	assert_int_equal(bus.published, 0);
	wake(50, 100);
	assert_int_equal(bus.published, 1);
}

static void a_single_deletion_is_rung_at_once(void **state)
{
	(void)state;
	memory_add(&deletions, NOW_MS, "{}");
	wake(1, 0);
	assert_int_equal(bus.published, 1);
}

static void nothing_is_rung_before_the_endpoint_is_subscribed(void **state)
{
	(void)state;
	bus.confirms = false;
	memory_add(&deletions, NOW_MS, "{}");
	take_turn();
	assert_int_equal(bus.published, 0);
	assert_int_equal(turn.again_in_ms, 200);
	take_turn();	/* a bell in between does not ask again */
	assert_int_equal(bus.asked, 1);
	bus.confirms = true;
	turn.due_ms += 200;
	take_turn();
	assert_int_equal(bus.published, 1);
}

static void asking_slows_down_to_once_in_five_seconds(void **state)
{
	(void)state;
	bus.confirms = false;
	for (int i = 0; i < 12; i++) {
		take_turn();
		turn.due_ms += turn.again_in_ms;
	}
	assert_int_equal(turn.again_in_ms, 5000);
	assert_int_equal(bus.asked, 12);
}

static void a_subscription_that_ended_is_asked_for_again(void **state)
{
	(void)state;
	take_turn();
	take_turn();
	assert_int_equal(bus.asked, 1);
	bus.confirms = false;
	turn.due_ms += 600000;
	memory_add(&deletions, NOW_MS, "{}");
	take_turn();
	assert_int_equal(bus.asked, 2);
	assert_int_equal(bus.published, 0);
	bus.confirms = true;
	turn.due_ms += 5000;
	take_turn();
	assert_int_equal(bus.asked, 3);
	assert_int_equal(bus.published, 1);
}

static void a_failed_ring_is_put_off_within_its_limit(void **state)
{
	struct deletion *deletion = memory_add(&deletions, NOW_MS, "{}");

	(void)state;
	bus.fails = true;
	deletion->attempts = 2;
	take_turn();
	assert_false(deletion->acknowledged);
	assert_false(deletion->dead);
	assert_int_equal(deletion->attempts, 3);
	assert_in_range(deletion->next_attempt_ms, NOW_MS, NOW_MS + 800);
	assert_false(turn.progress);
}

static void the_next_turn_comes_when_the_first_is_due(void **state)
{
	(void)state;
	memory_add(&deletions, NOW_MS, "{}")->next_attempt_ms = NOW_MS + 900;
	memory_add(&deletions, NOW_MS, "{}")->next_attempt_ms = NOW_MS + 300;
	memory_add(&deletions, NOW_MS, "{}")->acknowledged = true;
	memory_add(&deletions, NOW_MS, "{}")->dead = true;
	take_turn();
	assert_int_equal(bus.published, 0);
	assert_int_equal(turn.again_in_ms, 300);
}

static void the_last_attempt_makes_a_dead_letter(void **state)
{
	struct deletion *deletion = memory_add(&deletions, NOW_MS, "{}");

	(void)state;
	bus.fails = true;
	for (unsigned i = 1; i <= 8; i++) {
		assert_false(deletion->dead);
		turn.due_ms += 60000;
		take_turn();
		assert_int_equal(bus.published, i);
	}
	assert_true(deletion->dead);
	turn.due_ms += 60000;
	take_turn();
	assert_int_equal(bus.published, 8);
}

static void a_permanent_failure_is_a_dead_letter_at_once(void **state)
{
	struct deletion *deletion = memory_add(&deletions, NOW_MS, "{}");

	(void)state;
	bus.fails = bus.permanent = true;
	take_turn();
	assert_true(deletion->dead);
	assert_int_equal(deletion->attempts, 1);
}

static void an_event_over_sns_limit_is_a_dead_letter(void **state)
{
	static char large[256 * KIB];
	struct deletion *deletion;

	(void)state;
	memset(large, ' ', sizeof(large) - 1);
	deletion = memory_add(&deletions, NOW_MS, large);
	take_turn();
	assert_true(deletion->dead);
	assert_int_equal(bus.published, 0);
}

static void a_log_that_cannot_be_read_fails_the_turn(void **state)
{
	(void)state;
	memory_add(&deletions, NOW_MS, "{}");
	deletions.fail_next = true;
	assert_false(ring_turn(&ring, &turn, &err));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_int_equal(bus.published, 0);
}

#define ring_unit_test(f) cmocka_unit_test_setup_teardown(f, open_ring, close_ring)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ring_unit_test(an_acknowledged_event_is_noted_and_wakes_post),
		ring_unit_test(the_message_has_id_time_and_order),
		ring_unit_test(the_oldest_is_rung_first),
		ring_unit_test(a_burst_is_rung_when_it_is_over),
		ring_unit_test(a_burst_without_end_puts_ringing_off_for_three_seconds),
		ring_unit_test(a_single_deletion_is_rung_at_once),
		ring_unit_test(
			nothing_is_rung_before_the_endpoint_is_subscribed),
		ring_unit_test(asking_slows_down_to_once_in_five_seconds),
		ring_unit_test(a_subscription_that_ended_is_asked_for_again),
		ring_unit_test(a_failed_ring_is_put_off_within_its_limit),
		ring_unit_test(the_next_turn_comes_when_the_first_is_due),
		ring_unit_test(the_last_attempt_makes_a_dead_letter),
		ring_unit_test(a_permanent_failure_is_a_dead_letter_at_once),
		ring_unit_test(an_event_over_sns_limit_is_a_dead_letter),
		ring_unit_test(a_log_that_cannot_be_read_fails_the_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
