/*
 * chart.h: how many orders were deleted by day, week, month or year, as bars.
 *
 * Days are local days, counted from 1970-01-01. Up to 31 days make bars of
 * days, up to a year weeks (from Monday), up to five years months, else years.
 */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include "report/typeset.h"

struct chart_day {
	int64_t day;
	uint64_t count;
};

struct chart {
	struct chart_day *days;		/* ascending */
	size_t count, room;
};

/* False: no memory. */
bool chart_add(struct chart *chart, int64_t day);
void chart_release(struct chart *chart);
/* From `first` to `last`, the whole in the box whose lower left corner is x, y.
 * Nothing when there is nothing in between. */
void chart_draw(const struct chart *chart, struct typesetter *ts,
		int64_t first, int64_t last, float x, float y, float width,
		float height);
/* Days since 1970-01-01 as 2026-11-24 (month 1 to 12). */
void date_from_day(int64_t day, int *year, int *month, int *ret_day);
const char *month_name(int month);	/* "November" */

#endif
