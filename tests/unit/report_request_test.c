/*
 * report_request_test.c: is the period that was asked for the one that is drawn?
 */
#include "base/clock.h"
#include "base/limits.h"
#include "deletion/report_request.h"
#include "test_arena.h"

#include "base/banned.h"

#define NOW 1795435200000ll	/* 2026-11-23T12:00:00Z */
#define HOUR_MS (3600ll * 1000)
#define DAY_MS (24 * HOUR_MS)

static struct report_request read_good(const char *text)
{
	struct report_request request;

	error_init(&err);
	assert_true(report_request_from_json(&request, str_from(text), NOW,
					     arena, &err));
	assert_false(error_is_set(&err));
	return request;
}

static void without_a_body_it_is_all_of_the_archive(void **state)
{
	static const char *const all[] = {
		"", "{}",
		"{\"from\":null,\"to\":null,\"tz\":null,\"title\":null}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct report_request request = read_good(all[i]);

		assert_true(request.from_ms == INT64_MIN);
		assert_true(request.to_ms == INT64_MAX);
		assert_string_equal(request.zone, "UTC");
		assert_int_equal(request.title.len, 0);
		assert_true(request.now_ms == NOW);
		assert_true(uuid_is_valid(str_from(request.id)));
	}
}

static void the_last_day_is_inclusive(void **state)
{
	struct report_request request = read_good(
		"{\"from\":\"2026-11-23\",\"to\":\"2026-11-23\"}");

	(void)state;
	assert_true(request.to_ms - request.from_ms == DAY_MS);
	assert_true(request.from_ms == NOW - 12 * HOUR_MS);
}

static void days_are_those_of_the_zone(void **state)
{
	struct report_request request = read_good(
		"{\"from\":\"2026-10-25\",\"to\":\"2026-10-25\",\"tz\":\"Europe/Berlin\"}");

	(void)state;
	/* summer time ends */
	assert_true(request.to_ms - request.from_ms == DAY_MS + HOUR_MS);
	assert_string_equal(request.zone, "Europe/Berlin");
}

static void a_title_is_trimmed(void **state)
{
	struct report_request request = read_good("{\"title\":\" Autumn \"}");

	(void)state;
	assert_true(str_is(request.title, "Autumn"));
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *pointer, *code;
	} bad[] = {
		{ "{\"form\":\"2026-11-23\"}", "/form", "unknown_member" },
		{ "{\"from\":5}", "/from", "wrong_type" },
		{ "{\"from\":\"2026-02-30\"}", "/from", "invalid" },
		{ "{\"to\":\"tomorrow\"}", "/to", "invalid" },
		{ "{\"tz\":\"Mars/Olympus\"}", "/tz", "invalid" },
		{ "{\"tz\":\"\"}", "/tz", "invalid" },
		{ "{\"tz\":\"../../etc/passwd\"}", "/tz", "invalid" },
		{ "{\"title\":[]}", "/title", "wrong_type" },
		{ "{\"title\":\"a\\nb\"}", "/title", "control_character" },
		{ "{\"from\":\"2026-11-24\",\"to\":\"2026-11-23\"}", "/to",
		  "out_of_range" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct report_request request;

		error_init(&err);
		assert_false(report_request_from_json(
			&request, str_from(bad[i].text), NOW, arena, &err));
		assert_string_equal(err.items[0].pointer, bad[i].pointer);
		assert_string_equal(err.items[0].code, bad[i].code);
	}
}

static void a_title_has_at_most_200_characters(void **state)
{
	struct report_request request;
	char text[256] = "{\"title\":\"";
	const size_t start = strlen(text);

	(void)state;
	memset(text + start, 'x', 201);
	memcpy(text + start + 200, "\"}", 3);
	assert_int_equal(read_good(text).title.len, 200);
	memcpy(text + start + 200, "x\"}", 4);
	assert_false(report_request_from_json(&request, str_from(text), NOW,
					      arena, &err));
	assert_string_equal(err.items[0].code, "too_long");
}

static void another_kind_of_body_is_refused(void **state)
{
	struct report_request request;

	(void)state;
	assert_false(report_request_from_json(&request, STR("[]"), NOW, arena,
					      &err));
	assert_int_equal(err.code, ERROR_NOT_JSON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_body_it_is_all_of_the_archive),
		TEST(the_last_day_is_inclusive),
		TEST(days_are_those_of_the_zone),
		TEST(a_title_is_trimmed),
		TEST(what_is_wrong_is_named),
		TEST(a_title_has_at_most_200_characters),
		TEST(another_kind_of_body_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
