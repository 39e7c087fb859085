/*
 * clock.h: the time, read only at the edges (main loops), passed on as a value.
 *
 * Times are milliseconds since 1970-01-01T00:00:00Z, leap seconds as POSIX has
 * them. Text is RFC 3339 in UTC with milliseconds and 'Z'.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/str.h"

#define TIME_TEXT_BYTES 25	/* 2026-11-24T16:07:40.123Z and its NUL */
#define ORDER_ID_BYTES 37	/* 36 characters and NUL */

int64_t clock_now_ms(void);
/* CLOCK_BOOTTIME: for time-outs, leases and back-off; never goes back. */
int64_t clock_boot_ms(void);

void time_format(int64_t time_ms, char ret[TIME_TEXT_BYTES]);
/* RFC 3339 date-time with any offset; fraction of any length, cut to ms. Years
 * 1970 to 9999. */
bool time_parse(struct str text, int64_t *ret_ms);
/* "2026-11-24"; the proleptic Gregorian calendar. */
bool date_parse(struct str text, int *year, int *month, int *day);
/* First instant of the local day in an IANA zone ("Europe/Berlin", "UTC");
 * false when the zone is unknown. Handles days that start with a DST gap. */
bool time_of_local_day(const char *zone, int year, int month, int day,
		       int64_t *ret_ms);
bool zone_is_known(const char *zone);
/* Local calendar day of an instant. */
void local_day_of(const char *zone, int64_t time_ms, int *year, int *month,
		  int *day);
/* Seconds east of UTC at an instant; reads the zone's file. */
int local_offset_s(const char *zone, int64_t time_ms);

/* UUID version 7 (RFC 9562, 5.7): time_ms, then random; monotonic in a
 * process. */
void uuid7(int64_t time_ms, char ret[ORDER_ID_BYTES]);
/* Lower-case canonical text of any UUID version. */
bool uuid_is_valid(struct str text);

#endif
