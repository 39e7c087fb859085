/*
 * clock.c: RFC 3339 text, calendar days, IANA zones, UUID version 7.
 */
#include "base/clock.h"

#include <stdlib.h>
#include <stdio.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/crypto.h"

#include "base/banned.h"

#define DAY_S 86400
#define DAY_MS (DAY_S * 1000ll)
#define LAST_MS 253402300799999	/* 9999-12-31T23:59:59.999Z */
#define ZONES "/usr/share/zoneinfo/"
#define ZONE_MAX_BYTES 64u

static int64_t read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_boot_ms(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30,
				    31, 31, 30, 31, 30, 31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days since 1970-01-01. The year is taken to begin in March, so that the leap
 * day is its last: the months' lengths then are (153 m + 2) / 5. */
static int64_t days_from_date(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t m = month <= 2 ? month + 9 : month - 3;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day -
	       1 - 719468;
}

static void date_from_days(int64_t days, int *year, int *month, int *day)
{
	int64_t since = days + 719468;	/* 0000-03-01 */
	int64_t era = since / 146097;
	int64_t of_era = since % 146097;
	int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 -
			       of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 -
				    year_of_era / 100);
	int64_t m = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(era * 400 + year_of_era + (*month <= 2));
}

/* Two digits, and what stands behind them. */
static char *put_two(char *at, int value, char then)
{
	*at++ = (char)('0' + value / 10);
	*at++ = (char)('0' + value % 10);
	*at++ = then;
	return at;
}

/* "2026-11-24T": the same one nearly always. */
static const char *date_text(int64_t days)
{
	static _Thread_local char text[11];
	static _Thread_local int64_t last = -1;
	int year, month, day;
	char *at = text;

	if (days == last)
		return text;
	date_from_days(days, &year, &month, &day);
	*at++ = (char)('0' + year / 1000);
	*at++ = (char)('0' + year / 100 % 10);
	at = put_two(at, year % 100, '-');
	at = put_two(at, month, '-');
	put_two(at, day, 'T');
	last = days;
	return text;
}

void time_format(int64_t time_ms, char ret[TIME_TEXT_BYTES])
{
	int ms;

	if (time_ms < 0)
		time_ms = 0;
	if (time_ms > LAST_MS)
		time_ms = LAST_MS;
	memcpy(ret, date_text(time_ms / DAY_MS), 11);
	ret += 11;
	ms = (int)(time_ms % DAY_MS);
	ret = put_two(ret, ms / 3600000, ':');
	ret = put_two(ret, ms / 60000 % 60, ':');
	ret = put_two(ret, ms / 1000 % 60, '.');
	*ret++ = (char)('0' + ms / 100 % 10);
	ret = put_two(ret, ms % 100, 'Z');
	*ret = '\0';
}

/* Takes `digits` digits off `rest`, and `then` behind them unless it is 0. */
static bool take(struct str *rest, size_t digits, char then, int *ret)
{
	size_t bytes = digits + (then != 0);
	uint64_t value;

	if (rest->len < bytes ||
	    !str_to_uint((struct str){ rest->ptr, digits }, 9999, &value))
		return false;
	if (then && rest->ptr[digits] != then)
		return false;
	rest->ptr += bytes;
	rest->len -= bytes;
	*ret = (int)value;
	return true;
}

static bool take_date(struct str *rest, int *year, int *month, int *day)
{
	if (!take(rest, 4, '-', year) || !take(rest, 2, '-', month) ||
	    !take(rest, 2, 0, day))
		return false;
	return *year >= 1970 && *month >= 1 && *month <= 12 && *day >= 1 &&
	       *day <= days_in_month(*year, *month);
}

static char take_char(struct str *rest)
{
	if (!rest->len)
		return '\0';
	rest->len--;
	return *rest->ptr++;
}

/* RFC 3339, 5.6 time-secfrac, behind its dot; only three digits count. */
static bool take_fraction(struct str *rest, int *ret_ms)
{
	int scale = 100;

	if (!rest->len || *rest->ptr < '0' || *rest->ptr > '9')
		return false;
	*ret_ms = 0;
	while (rest->len && *rest->ptr >= '0' && *rest->ptr <= '9') {
		*ret_ms += (take_char(rest) - '0') * scale;
		scale /= 10;
	}
	return true;
}

/* RFC 3339, 5.6 time-offset: it must end the text. */
static bool take_offset(struct str *rest, int *ret_minutes)
{
	int hour, minute;
	char sign = take_char(rest);

	*ret_minutes = 0;
	if (sign == 'Z' || sign == 'z')
		return rest->len == 0;
	if (sign != '+' && sign != '-')
		return false;
	if (!take(rest, 2, ':', &hour) || !take(rest, 2, 0, &minute) ||
	    rest->len || hour > 23 || minute > 59)
		return false;
	*ret_minutes = (hour * 60 + minute) * (sign == '-' ? -1 : 1);
	return true;
}

bool time_parse(struct str text, int64_t *ret_ms)
{
	int year, month, day, hour, minute, second, ms = 0, offset;
	int64_t time_s;
	char separator;

	if (!take_date(&text, &year, &month, &day))
		return false;
	separator = take_char(&text);
	if ((separator != 'T' && separator != 't') ||
	    !take(&text, 2, ':', &hour) || !take(&text, 2, ':', &minute) ||
	    !take(&text, 2, 0, &second))
		return false;
	if (text.len && *text.ptr == '.') {
		take_char(&text);
		if (!take_fraction(&text, &ms))
			return false;
	}
	if (!take_offset(&text, &offset))
		return false;
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	time_s = days_from_date(year, month, day) * DAY_S + hour * 3600 +
		 minute * 60 + second - offset * 60;
	/* A leap second ends a day in UTC (RFC 3339, 5.7). */
	if (second == 60 && time_s % DAY_S != 0)
		return false;
	if (time_s < 0 || time_s > LAST_MS / 1000)
		return false;
	*ret_ms = time_s * 1000 + ms;
	return true;
}

bool date_parse(struct str text, int *year, int *month, int *day)
{
	return take_date(&text, year, month, day) && text.len == 0;
}

/* A name that cannot leave the folder of zones, nor be a TZ rule. */
static bool is_zone_name(const char *zone)
{
	size_t len = strlen(zone);

	if (len >= ZONE_MAX_BYTES || zone[0] < 'A' || zone[0] > 'Z')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!(zone[i] >= 'a' && zone[i] <= 'z') &&
		    !(zone[i] >= 'A' && zone[i] <= 'Z') &&
		    !(zone[i] >= '0' && zone[i] <= '9') &&
		    !strchr("_+-/", zone[i]))
			return false;
	}
	return true;
}

bool zone_is_known(const char *zone)
{
	char path[sizeof(ZONES) + ZONE_MAX_BYTES], magic[4];
	CLEANUP(cleanup_file) FILE *file = NULL;

	if (!is_zone_name(zone))
		return false;
	if (!strcmp(zone, "UTC"))
		return true;
	snprintf(path, sizeof(path), ZONES "%s", zone);
	file = fopen(path, "re");
	/* RFC 8536, 3.1: the other files beside the zones lack the magic. */
	return file && fread(magic, 1, 4, file) == 4 &&
	       !memcmp(magic, "TZif", 4);
}

/*
 * The C library knows one zone at a time. zone_enter makes it `zone`,
 * zone_leave makes it again what the environment said.
 */
struct zone_scope {
	char *saved;
};

static void zone_enter(struct zone_scope *scope, const char *zone)
{
	char value[sizeof(ZONES) + ZONE_MAX_BYTES + 1];
	const char *old = getenv("TZ");

	scope->saved = old ? strdup(old) : NULL;
	/* The path, so that $TZDIR has no say. */
	if (strcmp(zone, "UTC"))
		snprintf(value, sizeof(value), ":" ZONES "%s", zone);
	else
		snprintf(value, sizeof(value), "UTC0");
	setenv("TZ", value, 1);
	tzset();
}

static void zone_leave(struct zone_scope *scope)
{
	if (scope->saved)
		setenv("TZ", scope->saved, 1);
	else
		unsetenv("TZ");
	tzset();
	free(scope->saved);
}

/* Local calendar day as days since 1970-01-01, in the zone entered. */
static int64_t local_days(int64_t time_s)
{
	time_t time = time_s;
	struct tm local;

	localtime_r(&time, &local);
	return days_from_date(local.tm_year + 1900, local.tm_mon + 1,
			      local.tm_mday);
}

/*
 * First second whose local day is `days` or later. Offsets stay within 26 hours
 * of UTC, a day may begin with a gap, and Samoa left one out altogether.
 */
static int64_t first_second(int64_t days)
{
	int64_t before = (days - 2) * DAY_S, from = (days + 2) * DAY_S;

	while (from - before > 1) {
		int64_t middle = before + (from - before) / 2;

		if (local_days(middle) < days)
			before = middle;
		else
			from = middle;
	}
	return from;
}

bool time_of_local_day(const char *zone, int year, int month, int day,
		       int64_t *ret_ms)
{
	struct zone_scope scope;

	if (!zone_is_known(zone))
		return false;
	zone_enter(&scope, zone);
	*ret_ms = first_second(days_from_date(year, month, day)) * 1000;
	zone_leave(&scope);
	return true;
}

/* Reports ask for thousands of instants in order: remember the last day. */
void local_day_of(const char *zone, int64_t time_ms, int *year, int *month,
		  int *day)
{
	static struct {
		char zone[ZONE_MAX_BYTES];
		int64_t from_ms, until_ms, days;
	} last;
	struct zone_scope scope;

	if (strcmp(zone, last.zone) || time_ms < last.from_ms ||
	    time_ms >= last.until_ms) {
		if (!zone_is_known(zone))
			zone = "UTC";
		zone_enter(&scope, zone);
		last.days = local_days(time_ms / 1000);
		last.from_ms = first_second(last.days) * 1000;
		last.until_ms = first_second(last.days + 1) * 1000;
		snprintf(last.zone, sizeof(last.zone), "%s", zone);
		zone_leave(&scope);
	}
	date_from_days(last.days, year, month, day);
}

int local_offset_s(const char *zone, int64_t time_ms)
{
	struct zone_scope scope;
	time_t time = time_ms / 1000;
	struct tm local;

	zone_enter(&scope, zone_is_known(zone) ? zone : "UTC");
	localtime_r(&time, &local);
	zone_leave(&scope);
	return (int)local.tm_gmtoff;
}

/*
 * RFC 9562, 5.7 with the counter of 6.2, method 1: the twelve bits of rand_a
 * start below their half at random and count up within a millisecond.
 */
void uuid7(int64_t time_ms, char ret[ORDER_ID_BYTES])
{
	static int64_t last_ms;
	static unsigned counter;
	static const size_t groups[] = { 4, 2, 2, 2, 6 };
	uint8_t bytes[16];
	size_t from = 0;

	random_bytes(bytes + 6, 10);
	/* A clock set back by more than a minute is believed. */
	if (time_ms > last_ms || time_ms < last_ms - 60000) {
		last_ms = time_ms;
		counter = ((unsigned)bytes[6] << 8 | bytes[7]) & 0x7ff;
	} else if (++counter > 0xfff) {
		last_ms++;
		counter = 0;
	}
	for (int i = 0; i < 6; i++)
		bytes[i] = (uint8_t)(last_ms >> (40 - 8 * i));
	bytes[6] = (uint8_t)(0x70 | counter >> 8);
	bytes[7] = (uint8_t)counter;
	bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3f));
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		hex_encode(bytes + from, groups[i], ret);
		from += groups[i];
		ret += 2 * groups[i];
		*ret++ = i + 1 < ARRAY_LEN(groups) ? '-' : '\0';
	}
}

bool uuid_is_valid(struct str text)
{
	if (text.len != ORDER_ID_BYTES - 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (c != '-')
				return false;
		} else if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
			return false;
		}
	}
	return true;
}
