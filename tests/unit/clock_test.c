/*
 * clock_test.c: are instants, days and identifiers what the standards say?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"

#include "base/banned.h"

static void instants_are_written_in_utc_with_milliseconds(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} samples[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 951782399999, "2000-02-28T23:59:59.999Z" },
		{ 951782400000, "2000-02-29T00:00:00.000Z" },
		{ 1709164800001, "2024-02-29T00:00:00.001Z" },
		{ 1795536460123, "2026-11-24T16:07:40.123Z" },
		{ 4107542400000, "2100-03-01T00:00:00.000Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
		{ -1, "1970-01-01T00:00:00.000Z" },
		{ INT64_MAX, "9999-12-31T23:59:59.999Z" },
	};
	char text[TIME_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		time_format(samples[i].ms, text);
		assert_string_equal(text, samples[i].text);
	}
}

/* A day at a time through four centuries: each is read back as itself. */
static void every_day_is_read_back_as_written(void **state)
{
	char text[TIME_TEXT_BYTES];
	int64_t ms;

	(void)state;
	for (int64_t day = 0; day < 146097; day++) {
		time_format(day * 86400000 + 5, text);
		assert_true(time_parse(str_from(text), &ms));
		assert_true(ms == day * 86400000 + 5);
	}
}

static void any_offset_and_fraction_is_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} samples[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01t00:00:00z", 0 },
		{ "9999-12-31T23:59:59.999Z", 253402300799999 },
		{ "2026-11-24T17:07:40.123+01:00", 1795536460123 },
		{ "2026-11-24T10:37:40.1239999999999999-05:30",
		  1795536460123 },
		{ "2026-11-24T16:07:40.1Z", 1795536460100 },
		{ "2026-11-24T16:07:40-00:00", 1795536460000 },
		{ "1970-01-02T00:30:00+23:59", 1860000 },
		/* the leap second of 2016, also where it was morning */
		{ "2016-12-31T23:59:60Z", 1483228800000 },
		{ "2017-01-01T08:59:60+09:00", 1483228800000 },
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		assert_true(time_parse(str_from(samples[i].text), &ms));
		assert_true(ms == samples[i].ms);
	}
}

static void what_is_not_rfc_3339_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "2026", "2026-11-24", "2026-11-24T16:07Z",
		"2026-11-24T16:07:40", "2026-11-24 16:07:40Z",
		"2026-11-24T16:07:40.Z", "2026-11-24T16:07:40,5Z",
		"2026-11-24T16:07:40Z ", " 2026-11-24T16:07:40Z",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
		"2026-01-32T00:00:00Z", "2026-03-32T00:00:00Z",
		"2026-04-31T00:00:00Z", "2026-05-32T00:00:00Z",
		"2026-06-31T00:00:00Z", "2026-07-32T00:00:00Z",
		"2026-08-32T00:00:00Z", "2026-09-31T00:00:00Z",
		"2026-10-32T00:00:00Z", "2026-11-31T00:00:00Z",
		"2026-12-32T00:00:00Z", "2026-01-00T00:00:00Z",
		"2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
		"2026-01-01T00:00:61Z", "2026-01-01T12:00:60Z",
		"2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+01:60",
		"2026-01-01T00:00:00+0100", "2026-01-01T00:00:00+01",
		"2026-01-01T00:00:00+01:00Z", "1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
		"10000-01-01T00:00:00Z", "+026-01-01T00:00:00Z",
		"2026-1-01T00:00:00Z", "2026-01-01T0:00:00Z",
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(time_parse(str_from(bad[i]), &ms));
	assert_false(time_parse((struct str){ NULL, 0 }, &ms));
	assert_false(time_parse(STR("2026-11-24T16:07:40Z\0"), &ms));
}

static void dates_are_days_of_the_calendar(void **state)
{
	static const char *const bad[] = {
		"", "2026-11-31", "2026-11-24T", "2026-11-2", "26-11-24",
		"2026/11/24", "1969-12-31", "2026-02-29", "2026-11-24 ",
	};
	int year, month, day;

	(void)state;
	assert_true(date_parse(STR("2024-02-29"), &year, &month, &day));
	assert_int_equal(year, 2024);
	assert_int_equal(month, 2);
	assert_int_equal(day, 29);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(date_parse(str_from(bad[i]), &year, &month, &day));
}

static void assert_day_starts(const char *zone, const char *date,
			      const char *expected)
{
	char text[TIME_TEXT_BYTES];
	int year, month, day;
	int64_t ms;

	assert_true(date_parse(str_from(date), &year, &month, &day));
	assert_true(time_of_local_day(zone, year, month, day, &ms));
	time_format(ms, text);
	assert_string_equal(text, expected);
}

static void local_days_start_where_the_zone_says(void **state)
{
	(void)state;
	assert_day_starts("UTC", "2026-11-24", "2026-11-24T00:00:00.000Z");
	assert_day_starts("Europe/Berlin", "2026-11-24",
			  "2026-11-23T23:00:00.000Z");
	assert_day_starts("Europe/Berlin", "2026-07-01",
			  "2026-06-30T22:00:00.000Z");
	assert_day_starts("America/New_York", "2026-11-24",
			  "2026-11-24T05:00:00.000Z");
	assert_day_starts("Asia/Kolkata", "2026-11-24",
			  "2026-11-23T18:30:00.000Z");
	assert_day_starts("Pacific/Kiritimati", "2026-11-24",
			  "2026-11-23T10:00:00.000Z");
	assert_day_starts("Europe/Berlin", "2060-07-01",
			  "2060-06-30T22:00:00.000Z");
}

static void odd_days_start_at_their_first_instant(void **state)
{
	(void)state;
	/* no midnight: the clock jumped from 00:00 to 01:00 */
	assert_day_starts("America/Sao_Paulo", "2018-11-04",
			  "2018-11-04T03:00:00.000Z");
	/* two midnights: Havana's clock went from 01:00 back to 00:00 */
	assert_day_starts("America/Havana", "2025-11-02",
			  "2025-11-02T04:00:00.000Z");
	/* no such day: Samoa went from the 29th to the 31st */
	assert_day_starts("Pacific/Apia", "2011-12-30",
			  "2011-12-30T10:00:00.000Z");
	assert_day_starts("Pacific/Apia", "2011-12-31",
			  "2011-12-30T10:00:00.000Z");
}

static void an_instant_falls_on_its_local_day(void **state)
{
	static const struct {
		const char *zone, *instant, *date;
	} samples[] = {
		{ "UTC", "2026-11-24T23:59:59.999Z", "2026-11-24" },
		{ "Europe/Berlin", "2026-11-24T22:59:59.999Z", "2026-11-24" },
		{ "Europe/Berlin", "2026-11-24T23:00:00Z", "2026-11-25" },
		{ "America/New_York", "2026-11-24T04:59:59Z", "2026-11-23" },
		{ "America/New_York", "2026-11-24T05:00:00Z", "2026-11-24" },
		{ "Asia/Tokyo", "2026-11-24T05:00:00Z", "2026-11-24" },
		{ "Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29" },
		{ "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31" },
		{ "No/Where", "2026-11-24T23:59:59Z", "2026-11-24" },
		{ "America/New_York", "1970-01-01T00:00:00Z", "1969-12-31" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		char date[40];
		int year, month, day;
		int64_t ms;

		assert_true(time_parse(str_from(samples[i].instant), &ms));
		local_day_of(samples[i].zone, ms, &year, &month, &day);
		snprintf(date, sizeof(date), "%04d-%02d-%02d", year, month,
			 day);
		assert_string_equal(date, samples[i].date);
	}
}

static void only_names_of_zones_are_zones(void **state)
{
	static const char *const bad[] = {
		"", "utc", "Europe/Nowhere", "../../../etc/passwd",
		"Europe/../Europe/Berlin", "/usr/share/zoneinfo/UTC",
		"Europe", "Europe/", "zone.tab", "tzdata.zi", "CET-1CEST",
		":UTC", "Europe/Berlin\n", "Europe/Berlin ", "right/UTC",
		/* 65 characters */
		("A234567890123456789012345678901234567890123456789012345678"
		 "9012345"),
	};

	(void)state;
	assert_true(zone_is_known("UTC"));
	assert_true(zone_is_known("Europe/Berlin"));
	assert_true(zone_is_known("America/Argentina/Buenos_Aires"));
	assert_true(zone_is_known("America/Port-au-Prince"));
	assert_true(zone_is_known("Etc/GMT+5"));
	assert_true(zone_is_known("Etc/GMT-9"));
	assert_true(zone_is_known("Zulu"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int64_t ms;

		assert_false(zone_is_known(bad[i]));
		assert_false(time_of_local_day(bad[i], 2026, 1, 1, &ms));
	}
}

static void the_processs_own_zone_stays(void **state)
{
	int year, month, day;
	int64_t ms;

	(void)state;
	setenv("TZ", "Asia/Tokyo", 1);
	assert_true(time_of_local_day("Europe/Berlin", 2026, 1, 1, &ms));
	local_day_of("America/New_York", ms, &year, &month, &day);
	assert_string_equal(getenv("TZ"), "Asia/Tokyo");
	unsetenv("TZ");
	assert_true(time_of_local_day("Europe/Berlin", 2026, 1, 1, &ms));
	assert_null(getenv("TZ"));
}

static void identifiers_are_of_version_7_and_carry_the_time(void **state)
{
	char id[ORDER_ID_BYTES];

	(void)state;
	/* RFC 9562, A.6 */
	uuid7(0x017F22E279B0, id);
	assert_memory_equal(id, "017f22e2-79b0-7", 15);
	assert_non_null(strchr("89ab", id[19]));
	assert_true(uuid_is_valid(str_from(id)));
}

static void identifiers_rise_although_the_clock_does_not(void **state)
{
	char last[ORDER_ID_BYTES], id[ORDER_ID_BYTES];
	int64_t now_ms = 1795536460123;

	(void)state;
	uuid7(now_ms, last);
	for (int i = 0; i < 20000; i++) {
		uuid7(i % 3 ? now_ms : now_ms - 500, id);
		assert_true(strcmp(last, id) < 0);
		memcpy(last, id, sizeof(last));
	}
}

static void identifiers_follow_a_clock_set_far_back(void **state)
{
	char id[ORDER_ID_BYTES];

	(void)state;
	uuid7(0x02000000000A, id);
	uuid7(0x017F22E279B0, id);
	assert_memory_equal(id, "017f22e2-79b0-7", 15);
}

static void only_canonical_uuids_are_valid(void **state)
{
	static const char *const bad[] = {
		"", "0193a0b0-0000-7000-8000-00000000000",
		"0193a0b0-0000-7000-8000-0000000000000",
		"0193A0B0-0000-7000-8000-000000000000",
		"0193a0b00000-7000-8000-0000000000000",
		"0193a0b0-0000-7000-8000_000000000000",
		"0193a0b0-0000-7000-8000-00000000000g",
		"{193a0b0-0000-7000-8000-00000000000}",
	};

	(void)state;
	assert_true(
		uuid_is_valid(STR("f81d4fae-7dec-11d0-a765-00a0c91e6bf6")));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(uuid_is_valid(str_from(bad[i])));
}

static void the_clocks_go_forward(void **state)
{
	int64_t boot_ms = clock_boot_ms();

	(void)state;
	assert_true(clock_now_ms() > 1700000000000);
	assert_true(boot_ms > 0);
	assert_true(clock_boot_ms() >= boot_ms);
}

static void an_offset_changes_at_its_instant(void **state)
{
	static const struct {
		const char *zone, *time;
		int seconds;
	} samples[] = {
		{ "UTC", "2026-07-01T00:00:00Z", 0 },
		{ "Europe/Berlin", "2026-03-29T00:59:59.999Z", 3600 },
		{ "Europe/Berlin", "2026-03-29T01:00:00Z", 7200 },
		{ "Europe/Berlin", "2026-10-25T00:59:59Z", 7200 },
		{ "Europe/Berlin", "2026-10-25T01:00:00Z", 3600 },
		{ "America/St_Johns", "2026-01-01T00:00:00Z", -12600 },
		{ "Asia/Kathmandu", "2026-01-01T00:00:00Z", 20700 },
		{ "No/Where", "2026-01-01T00:00:00Z", 0 },
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		assert_true(time_parse(str_from(samples[i].time), &ms));
		assert_int_equal(local_offset_s(samples[i].zone, ms),
				 samples[i].seconds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instants_are_written_in_utc_with_milliseconds),
		cmocka_unit_test(every_day_is_read_back_as_written),
		cmocka_unit_test(any_offset_and_fraction_is_read),
		cmocka_unit_test(what_is_not_rfc_3339_is_refused),
		cmocka_unit_test(dates_are_days_of_the_calendar),
		cmocka_unit_test(local_days_start_where_the_zone_says),
		cmocka_unit_test(odd_days_start_at_their_first_instant),
		cmocka_unit_test(an_instant_falls_on_its_local_day),
		cmocka_unit_test(only_names_of_zones_are_zones),
		cmocka_unit_test(the_processs_own_zone_stays),
		cmocka_unit_test(
			identifiers_are_of_version_7_and_carry_the_time),
		cmocka_unit_test(
			identifiers_rise_although_the_clock_does_not),
		cmocka_unit_test(identifiers_follow_a_clock_set_far_back),
		cmocka_unit_test(an_offset_changes_at_its_instant),
		cmocka_unit_test(only_canonical_uuids_are_valid),
		cmocka_unit_test(the_clocks_go_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
