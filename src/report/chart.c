/*
 * chart.c: bars over time, with as many labels as there is room for.
 */
#include <time.h>

#include "base/cleanup.h"
#include "report/chart.h"

#include "base/banned.h"

#define MAX_BARS 64
#define LABEL_SIZE 6.5f
#define LEFT 24.0f		/* of the bars: the scale's numbers */
#define BELOW 24.0f		/* two rows of labels */
#define ABOVE 16.0f		/* the title */

enum span { BY_DAY, BY_WEEK, BY_MONTH, BY_YEAR };

struct bars {
	enum span span;
	int years;			/* in a bar of BY_YEAR */
	int64_t first;			/* span's number of the first bar */
	size_t count;
	uint64_t values[MAX_BARS];
	uint64_t highest;
};

void date_from_day(int64_t day, int *year, int *month, int *ret_day)
{
	time_t time = day * 86400;
	struct tm tm = { .tm_mday = 1 };

	gmtime_r(&time, &tm);
	*year = tm.tm_year + 1900;
	*month = tm.tm_mon + 1;
	*ret_day = tm.tm_mday;
}

const char *month_name(int month)
{
	static const char *const names[] = {
		"January", "February", "March", "April", "May", "June",
		"July", "August", "September", "October", "November",
		"December"
	};

	return names[month - 1];
}

bool chart_add(struct chart *chart, int64_t day)
{
	size_t at = chart->count;

	/* Orders come by time, as a rule: the place is the end. */
	while (at > 0 && chart->days[at - 1].day > day)
		at--;
	if (at > 0 && chart->days[at - 1].day == day) {
		chart->days[at - 1].count++;
		return true;
	}
	if (chart->count == chart->room) {
		size_t room = chart->room ? chart->room * 2 : 64;
		struct chart_day *days = realloc(chart->days,
						 room * sizeof(*days));

		if (!days)
			return false;
		chart->days = days;
		chart->room = room;
	}
	memmove(chart->days + at + 1, chart->days + at,
		(chart->count - at) * sizeof(*chart->days));
	chart->days[at] = (struct chart_day){ .day = day, .count = 1 };
	chart->count++;
	return true;
}

void chart_release(struct chart *chart)
{
	free(chart->days);
	*chart = (struct chart){ 0 };
}

static int64_t floor_divide(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* The number of the span that a day lies in. */
static int64_t span_of(const struct bars *bars, int64_t day)
{
	int year, month, unused;

	date_from_day(day, &year, &month, &unused);
	switch (bars->span) {
	case BY_DAY:
		return day;
	case BY_WEEK:	/* 1970-01-01 was a Thursday. */
		return floor_divide(day + 3, 7);
	case BY_MONTH:
		return (int64_t)year * 12 + month - 1;
	case BY_YEAR:
		return floor_divide(year, bars->years);
	}
	return 0;
}

/* The day a bar is named by: its first, a week's Thursday (ISO 8601). */
static void date_of_bar(const struct bars *bars, size_t i, int *year,
			int *month, int *day)
{
	int64_t number = bars->first + (int64_t)i;

	*year = *month = *day = 1;
	switch (bars->span) {
	case BY_DAY:
		date_from_day(number, year, month, day);
		break;
	case BY_WEEK:
		date_from_day(number * 7, year, month, day);
		break;
	case BY_MONTH:
		*year = (int)(number / 12);
		*month = (int)(number % 12) + 1;
		break;
	case BY_YEAR:
		*year = (int)(number * bars->years);
		break;
	}
}

static void make_bars(const struct chart *chart, int64_t first, int64_t last,
		      struct bars *ret)
{
	int64_t days = last - first + 1;
	size_t i;

	*ret = (struct bars){ .span = days <= 31 ? BY_DAY :
				      days <= 366 ? BY_WEEK :
				      days <= 1826 ? BY_MONTH : BY_YEAR };
	ret->years = (int)(days / 365 / (MAX_BARS - 2)) + 1;
	ret->first = span_of(ret, first);
	ret->count = (size_t)(span_of(ret, last) - ret->first + 1);
	for (i = 0; i < chart->count; i++) {
		const struct chart_day *day = &chart->days[i];
		size_t bar;

		if (day->day < first || day->day > last)
			continue;
		bar = (size_t)(span_of(ret, day->day) - ret->first);
		ret->values[bar] += day->count;
		if (ret->values[bar] > ret->highest)
			ret->highest = ret->values[bar];
	}
}

/* 1, 2 or 5 times a power of ten, so that at most four lines are drawn. */
static uint64_t scale_step(uint64_t highest)
{
	uint64_t step = 1;

	for (;; step *= 10) {
		if (highest <= step * 4)
			return step;
		if (highest <= step * 8)
			return step * 2;
		if (highest <= step * 20)
			return step * 5;
	}
}

static const struct text_style label_style = {
	FONT_REGULAR, LABEL_SIZE, INK_MUTED
};

static void draw_scale(struct typesetter *ts, uint64_t top, uint64_t step,
		       float x, float y, float width, float height)
{
	uint64_t value;

	for (value = 0; value <= top; value += step) {
		float at = y + height * (float)value / (float)top;
		char text[24];

		snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
		typeset_put_right(ts, str_from(text), &label_style, LEFT,
				  x - 5, at - 2.3f);
		pdf_add_rule(ts->pdf, INK_RULE, 0.4f, x, at, width);
	}
}

/* Below the bar: its day, month or year. */
static void name_bar(const struct bars *bars, size_t i, char *ret, size_t bytes)
{
	int year, month, day, month_before = 0, unused;

	date_of_bar(bars, i, &year, &month, &day);
	*ret = '\0';
	switch (bars->span) {
	case BY_DAY:
		snprintf(ret, bytes, "%d", day);
		break;
	case BY_WEEK:	/* where a month begins */
		if (i > 0)
			date_of_bar(bars, i - 1, &unused, &month_before,
				    &unused);
		if (month != month_before && (i > 0 || day <= 14))
			snprintf(ret, bytes, "%.3s", month_name(month));
		break;
	case BY_MONTH:
		snprintf(ret, bytes, "%.3s", month_name(month));
		break;
	case BY_YEAR:
		snprintf(ret, bytes, "%d", year);
		break;
	}
}

/* Below that, where it changes: the month and year, or the year. */
static void name_period(const struct bars *bars, size_t i, char *ret,
			size_t bytes)
{
	int year, month, day;

	date_of_bar(bars, i, &year, &month, &day);
	*ret = '\0';
	if (bars->span == BY_DAY)
		snprintf(ret, bytes, "%s %d", month_name(month), year);
	else if (bars->span != BY_YEAR)
		snprintf(ret, bytes, "%d", year);
}

/* One row of labels, each only where the one before has ended. */
static void draw_labels(const struct bars *bars, struct typesetter *ts,
			void (*name)(const struct bars *, size_t, char *,
				     size_t),
			float x, float y, float slot, bool is_centered)
{
	char text[40], before[40] = "";
	float free_from = x - slot;
	struct text label;
	size_t i;

	for (i = 0; i < bars->count; i++) {
		float at = x + slot * (float)i;

		name(bars, i, text, sizeof(text));
		if (!*text || !strcmp(text, before))
			continue;
		typeset(ts, str_from(text), &label_style, 100, 1, &label);
		if (is_centered)
			at += (slot - label.lines[0].width) / 2;
		if (at < free_from)
			continue;
		typeset_draw_line(ts, &label, 0, at, y);
		free_from = at + label.lines[0].width + 3;
		snprintf(before, sizeof(before), "%s", text);
	}
}

static void draw_bars(const struct bars *bars, struct typesetter *ts,
		      uint64_t top, float x, float y, float slot, float height)
{
	float width = slot * 0.68f < 22 ? slot * 0.68f : 22;
	size_t i;

	for (i = 0; i < bars->count; i++)
		if (bars->values[i])
			pdf_add_bar(ts->pdf, INK_BAR,
				    x + slot * (float)i + (slot - width) / 2,
				    y, width, height * (float)bars->values[i] /
						      (float)top);
}

void chart_draw(const struct chart *chart, struct typesetter *ts,
		int64_t first, int64_t last, float x, float y, float width,
		float height)
{
	static const char *const titles[] = {
		"Deleted orders by day", "Deleted orders by week",
		"Deleted orders by month", "Deleted orders by year",
	};
	static const struct text_style title = { FONT_BOLD, 9, INK_TEXT };
	float bottom = y + BELOW, rise = height - BELOW - ABOVE, slot;
	struct bars bars;
	uint64_t step, top;

	make_bars(chart, first, last, &bars);
	if (!bars.highest)
		return;
	step = scale_step(bars.highest);
	top = (bars.highest + step - 1) / step * step;
	slot = (width - LEFT) / (float)bars.count;
	typeset_put(ts, str_from(titles[bars.span]), &title, width, x,
		    y + height - 7);
	draw_scale(ts, top, step, x + LEFT, bottom, width - LEFT, rise);
	draw_bars(&bars, ts, top, x + LEFT, bottom, slot, rise);
	draw_labels(&bars, ts, name_bar, x + LEFT, bottom - 9, slot,
		    bars.span != BY_WEEK);
	draw_labels(&bars, ts, name_period, x + LEFT, bottom - 19, slot,
		    false);
}
