/*
 * archive_step_test.c: does a pending deletion become an archived one exactly
 * once, however often and wherever the step fails in between?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../fakes/deletion_log_fake.h"
#include "../fakes/object_archive_fake.h"
#include "deletion/archive_step.h"
#include "order/order.h"

#include "base/banned.h"

#define EVENT "0193a5c0-0000-7000-8000-0000000000e1"
#define ORDER "0193a5c0-0000-7000-8000-00000000000a"
#define KEY "archive/2026/11/24/" EVENT ".json"
#define DELETED_MS 1795536000123ll	/* 2026-11-24T16:00:00.123Z */
#define NOW_MS (DELETED_MS + 1000)
#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static struct arena *arena;
static struct error err;
static struct object_archive_fake archive;
static struct deletion_log_fake deletions;
static bool changed;

static struct str order_bytes(void)
{
	struct order order;
	struct buf json;

	assert_true(order_from_json(&order, STR(
		"{\"description\":\"red \\\",\\\"order\\\":{} shoes\","
		"\"customer\":{\"name\":\"Ad\\u00e4\"},\"price\":\"59.90\","
		"\"notes\":\"Price: 0\\n}\"}"), "EUR", arena, &err));
	order_place(&order, DELETED_MS - 5000);
	memcpy(order.id, ORDER, sizeof(order.id));
	buf_init(&json, arena, 64 * KIB);
	order_to_json(&order, &json);
	assert_true(buf_ok(&json));
	return buf_str(&json);
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_new("archive_step_test", 64 * MIB);
	error_init(&err);
	archive = (struct object_archive_fake)OBJECT_ARCHIVE_FAKE;
	deletions = (struct deletion_log_fake)DELETION_LOG_FAKE;
	deletions.deletion = (struct deletion){
		.event_id = EVENT, .order_id = ORDER, .order_version = 1,
		.deleted_ms = DELETED_MS, .state = DELETION_PENDING,
		.order_json = order_bytes(), .traceparent = STR(TRACE),
	};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static bool step(void)
{
	struct deletion seen = deletions.deletion;

	error_init(&err);
	changed = false;
	return archive_deletion(&deletions.base, &archive.base, &seen, NOW_MS,
				arena, &changed, &err);
}

static struct str stored(void)
{
	struct str bytes;

	assert_true(object_archive_get(&archive.base, STR(KEY), MIB, arena,
				       &bytes, &err));
	return bytes;
}

static void the_object_is_written_and_then_the_record(void **state)
{
	char digest[SHA256_HEX + 1];

	(void)state;
	assert_true(step());
	assert_true(changed);
	sha256_hex(stored(), digest);
	assert_string_equal(deletions.deletion.archive_digest, digest);
	assert_string_equal(deletions.key, KEY);
	assert_int_equal(deletions.deletion.state, DELETION_ARCHIVED);
	assert_int_equal(deletions.deletion.archived_ms, NOW_MS);
}

static void the_object_holds_the_orders_own_bytes(void **state)
{
	(void)state;
	assert_true(step());
	assert_string_equal(stored().ptr, arena_printf(arena,
		"{\"event_id\":\"" EVENT "\","
		"\"deleted_at\":\"2026-11-24T16:00:00.123Z\","
		"\"traceparent\":\"" TRACE "\",\"order\":%.*s}",
		STR_ARG(deletions.deletion.order_json)));
}

static void a_step_done_before_changes_nothing(void **state)
{
	(void)state;
	assert_true(step());
	assert_true(step());
	assert_false(changed);
	assert_int_equal(archive.puts, 1);
}

/* Another process was faster between our reading of the record and now. */
static void a_record_advanced_meanwhile_is_success(void **state)
{
	struct deletion seen = deletions.deletion;

	(void)state;
	assert_true(step());
	assert_true(archive_deletion(&deletions.base, &archive.base, &seen,
				     NOW_MS, arena, &changed, &err));
	assert_false(changed);
	assert_int_equal(archive.count, 1);
}

static void an_archive_that_is_down_leaves_the_record_pending(void **state)
{
	(void)state;
	archive.fail_next = ERROR_UNAVAILABLE;
	assert_false(step());
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_int_equal(deletions.deletion.state, DELETION_PENDING);
	assert_int_equal(archive.count, 0);
	assert_true(step());
	assert_true(changed);
}

static void a_crash_before_the_record_is_caught_up(void **state)
{
	(void)state;
	deletions.fail_next = ERROR_UNAVAILABLE;
	assert_false(step());
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_int_equal(deletions.deletion.state, DELETION_PENDING);
	assert_int_equal(archive.count, 1);
	assert_true(step());
	assert_true(changed);
	assert_int_equal(archive.count, 1);
}

static void other_bytes_under_the_key_are_an_alarm(void **state)
{
	(void)state;
	assert_true(object_archive_put(&archive.base, STR(KEY), STR("{}"),
				       STR("application/json"), OBJECT_CREATE,
				       &err));
	assert_false(step());
	assert_int_equal(err.code, ERROR_INTERNAL);
	assert_non_null(strstr(err.cause, EVENT));
	assert_int_equal(deletions.deletion.state, DELETION_PENDING);
	assert_true(str_is(stored(), "{}"));
}

static void a_pending_record_without_its_order_is_a_fault(void **state)
{
	(void)state;
	deletions.deletion.order_json = (struct str){ NULL, 0 };
	assert_false(step());
	assert_int_equal(err.code, ERROR_INTERNAL);
	assert_int_equal(archive.puts, 0);
}

static void the_key_has_the_utc_day_of_the_deletion(void **state)
{
	struct deletion deletion = { .event_id = EVENT };
	struct buf key;

	(void)state;
	buf_init(&key, arena, KIB);
	deletion.deleted_ms = 1767225599999ll;
	archive_key(&deletion, &key);
	assert_string_equal(key.ptr, "archive/2025/12/31/" EVENT ".json");
	assert_true(object_key_is_valid(buf_str(&key)));
	buf_init(&key, arena, KIB);
	deletion.deleted_ms++;
	archive_key(&deletion, &key);
	assert_string_equal(key.ptr, "archive/2026/01/01/" EVENT ".json");
}

/* --- reading it back ----------------------------------------------------- */

static bool parse(struct str object, struct deletion *ret)
{
	error_init(&err);
	return archive_object_parse(object, arena, ret, &err);
}

static void an_object_gives_back_what_went_in(void **state)
{
	struct deletion back;

	(void)state;
	assert_true(step());
	if (!parse(stored(), &back))
		fail_msg("%s", err.cause);
	assert_string_equal(back.event_id, EVENT);
	assert_string_equal(back.order_id, ORDER);
	assert_int_equal(back.order_version, 1);
	assert_int_equal(back.deleted_ms, DELETED_MS);
	assert_true(str_is(back.traceparent, TRACE));
	assert_true(str_eq(back.order_json, deletions.deletion.order_json));
	assert_true(str_is(back.description, "red \",\"order\":{} shoes"));
	assert_true(str_is(back.customer_name, "Ad\xc3\xa4"));
	assert_string_equal(back.currency, "EUR");
	assert_int_equal(back.price_minor, 5990);
}

static void an_object_without_a_trace_is_read_too(void **state)
{
	struct deletion back;

	(void)state;
	deletions.deletion.traceparent = STR("");
	assert_true(step());
	assert_true(parse(stored(), &back));
	assert_int_equal(back.traceparent.len, 0);
}

static void every_cut_of_an_object_is_damage(void **state)
{
	struct deletion back;
	struct str whole;

	(void)state;
	assert_true(step());
	whole = stored();
	for (size_t len = 0; len < whole.len; len++) {
		assert_false(parse((struct str){ whole.ptr, len }, &back));
		assert_int_equal(err.code, ERROR_INTERNAL);
		assert_true(err.cause[0]);
	}
}

static void every_broken_byte_of_the_frame_is_damage(void **state)
{
	struct deletion back;
	struct str whole;
	char *bytes;
	size_t frame;

	(void)state;
	assert_true(step());
	whole = stored();
	frame = (size_t)(strstr(whole.ptr, ",\"order\":") + 9 - whole.ptr);
	bytes = arena_text(arena, whole);
	for (size_t i = 0; i < frame; i++) {
		char old = bytes[i];

		bytes[i] = '"';
		if (old != '"')
			assert_false(parse((struct str){ bytes, whole.len },
					   &back));
		bytes[i] = '\0';
		assert_false(parse((struct str){ bytes, whole.len }, &back));
		bytes[i] = old;
	}
	assert_true(parse((struct str){ bytes, whole.len }, &back));
}

static void other_json_is_damage(void **state)
{
	static const char *const objects[] = {
		"", "{", "{}", "[]", "null", "{\"order\":{}}",
		"{\"event_id\":\"" EVENT "\"}",
		"{\"event_id\":\"x\",\"deleted_at\":\"2026-11-24T16:00:00.123Z"
		"\",\"traceparent\":\"\",\"order\":{}}",
		"{\"event_id\":\"" EVENT "\",\"deleted_at\":\"yesterday\","
		"\"traceparent\":\"\",\"order\":{}}",
		"{\"event_id\":\"" EVENT "\",\"deleted_at\":"
		"\"2026-11-24T16:00:00Z\",\"traceparent\":\"\",\"order\":{}}",
		"{\"event_id\":\"" EVENT "\",\"deleted_at\":"
		"\"2026-11-24T16:00:00.123Z\",\"traceparent\":\"\","
		"\"order\":{}}",
		"{\"event_id\":\"" EVENT "\",\"deleted_at\":"
		"\"2026-11-24T16:00:00.123Z\",\"traceparent\":\"\","
		"\"order\":}",
	};
	struct deletion back;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
		assert_false(parse(str_from(objects[i]), &back));
		assert_int_equal(err.code, ERROR_INTERNAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(the_object_is_written_and_then_the_record),
		TEST(the_object_holds_the_orders_own_bytes),
		TEST(a_step_done_before_changes_nothing),
		TEST(a_record_advanced_meanwhile_is_success),
		TEST(an_archive_that_is_down_leaves_the_record_pending),
		TEST(a_crash_before_the_record_is_caught_up),
		TEST(other_bytes_under_the_key_are_an_alarm),
		TEST(a_pending_record_without_its_order_is_a_fault),
		TEST(the_key_has_the_utc_day_of_the_deletion),
		TEST(an_object_gives_back_what_went_in),
		TEST(an_object_without_a_trace_is_read_too),
		TEST(every_cut_of_an_object_is_damage),
		TEST(every_broken_byte_of_the_frame_is_damage),
		TEST(other_json_is_damage),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
