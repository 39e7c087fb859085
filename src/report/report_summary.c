/*
 * report_summary.c: page one's upper part, what follows the table, and footers.
 */
#include "report/report_layout.h"

#include "base/banned.h"

#define TOTALS_SHOWN 6u
#define TOTALS_WIDTH 210.0f
#define COUNT_RIGHT 88.0f
#define TOTAL_POINT_X 192.0f
#define STATUS_TOTALS_X 300.0f
#define OPEN_CHART_DAYS 1826	/* a longer period's chart shows what has data */

/* "24 November 2026" */
static void name_day(int64_t day, char *ret, size_t bytes)
{
	int year, month, of_month;

	date_from_day(day, &year, &month, &of_month);
	snprintf(ret, bytes, "%d %s %d", of_month, month_name(month), year);
}

/* The days the report is about, as far as they are bounded. */
static void draw_period(struct report *report, float y)
{
	bool has_from = report->from_ms != INT64_MIN;
	bool has_to = report->to_ms != INT64_MAX;
	char from[40] = "", to[40] = "", text[160];
	float x;

	if (has_from)
		name_day(report_local_day(report, report->from_ms), from,
			 sizeof(from));
	if (has_to)
		name_day(report_local_day(report, report->to_ms - 1), to,
			 sizeof(to));
	if (has_from && has_to && strcmp(from, to))
		snprintf(text, sizeof(text), "%s to %s", from, to);
	else if (has_from && has_to)
		snprintf(text, sizeof(text), "%s", from);
	else if (has_from)
		snprintf(text, sizeof(text), "Since %s", from);
	else if (has_to)
		snprintf(text, sizeof(text), "Until %s", to);
	else
		snprintf(text, sizeof(text), "All that was ever deleted");
	x = report_put(report, text, STYLE_FACT, 0, y);
	snprintf(text, sizeof(text), "days and times of %s", report->zone);
	report_put(report, text, STYLE_QUIET, x + 8, y);
}

static void draw_extent(struct report *report, float y)
{
	char text[120];
	float x = 0;

	if (report->orders)
		snprintf(text, sizeof(text), "%llu order%s, read from the "
			 "archive", (unsigned long long)report->orders,
			 report->orders == 1 ? "" : "s");
	else
		snprintf(text, sizeof(text), "No orders %s in this period.",
			 report->damaged_count ? "could be read" :
						 "were deleted");
	x = report_put(report, text, STYLE_FACT, 0, y);
	if (!report->damaged_count)
		return;
	snprintf(text, sizeof(text), "%llu archive %s could not be read, see "
		 "the end", (unsigned long long)report->damaged_count,
		 report->damaged_count == 1 ? "object" : "objects");
	report_put(report, text, STYLE_WARNING, x + 8, y);
}

static int compare_totals(const void *a, const void *b)
{
	const struct currency_total *x = a, *y = b;

	if (x->orders != y->orders)
		return x->orders > y->orders ? -1 : 1;
	return strcmp(x->code, y->code);
}

static void put_count(struct report *report, uint64_t count, float right,
		      float y)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)count);
	report_put_right(report, text, STYLE_QUIET, right, y);
}

static void draw_currency(struct report *report,
			  const struct currency_total *total, float y)
{
	report_put(report, total->code, STYLE_TOTAL, 0, y);
	put_count(report, total->orders, COUNT_RIGHT, y);
	if (total->is_too_large)
		report_put_right(report, "too large to sum", STYLE_QUIET,
				 TOTAL_POINT_X, y);
	else
		report_put_price(report, total->minor, total->code,
				 STYLE_TOTAL, TOTAL_POINT_X, 96, y);
	pdf_add_rule(report->pdf, INK_RULE, 0.4f, MARGIN, y - 4, TOTALS_WIDTH);
}

static void draw_currencies(struct report *report, float y)
{
	size_t shown = report->currency_count, i;
	char text[60];

	report_put(report, "By currency", STYLE_HEADING, 0, y);
	report_put_right(report, "orders", STYLE_LABEL, COUNT_RIGHT, y);
	report_put_right(report, "total", STYLE_LABEL, TOTALS_WIDTH, y);
	if (shown > TOTALS_SHOWN)
		shown = TOTALS_SHOWN - 1;
	for (i = 0; i < shown; i++)
		draw_currency(report, &report->currencies[i],
			      y - 16 - 13 * (float)i);
	if (shown == report->currency_count)
		return;
	snprintf(text, sizeof(text), "and %zu more, see the end",
		 report->currency_count - shown);
	report_put(report, text, STYLE_QUIET, 0, y - 16 - 13 * (float)shown);
}

static void draw_statuses(struct report *report, float y)
{
	float x = STATUS_TOTALS_X;
	unsigned status, row = 0;

	report_put(report, "By status when deleted", STYLE_HEADING, x, y);
	report_put_right(report, "orders", STYLE_LABEL, WIDTH, y);
	for (status = 0; status < STATUS_COUNT; status++) {
		float at = y - 16 - 13 * (float)row;

		if (!report->by_status[status])
			continue;
		report_put(report, order_status_name(status), STYLE_QUIET, x,
			 at);
		put_count(report, report->by_status[status], WIDTH, at);
		pdf_add_rule(report->pdf, INK_RULE, 0.4f, MARGIN + x, at - 4,
			     WIDTH - x);
		row++;
	}
}

static void draw_chart(struct report *report, float y)
{
	const struct chart *chart = &report->chart;
	int64_t first = chart->days[0].day;
	int64_t last = chart->days[chart->count - 1].day;

	if (report->from_ms != INT64_MIN && report->to_ms != INT64_MAX &&
	    (report->to_ms - report->from_ms) / 86400000 <= OPEN_CHART_DAYS) {
		first = report_local_day(report, report->from_ms);
		last = report_local_day(report, report->to_ms - 1);
	}
	chart_draw(chart, &report->ts, first, last, MARGIN, y, WIDTH,
		   CHART_HEIGHT - 14);
}

void report_draw_summary(struct report *report)
{
	float y = report->head_y;

	pdf_select_page(report->pdf, 0);
	draw_period(report, y);
	draw_extent(report, y - 14);
	if (!report->orders)
		return;
	y -= 44;
	draw_currencies(report, y);
	draw_statuses(report, y);
	draw_chart(report, y + 8 - TOTALS_HEIGHT - CHART_HEIGHT + 14);
}

/* Room for what follows the table, with a heading when it needs one. */
static void make_room(struct report *report, float height)
{
	if (report->y - height < BOTTOM)
		report_new_page(report);
}

static void begin_section(struct report *report, const char *heading)
{
	make_room(report, 60);
	report->y -= 30;
	report_put(report, heading, STYLE_HEADING, 0, report->y);
	report->y -= 6;
}

static void draw_cut(struct report *report)
{
	char text[160];

	if (report->orders <= REPORT_MAX_ROWS)
		return;
	snprintf(text, sizeof(text), "The table ends here, with %u of %llu "
		 "orders. Totals and chart count all of them.",
		 REPORT_MAX_ROWS, (unsigned long long)report->orders);
	make_room(report, 20);
	report->y -= 14;
	report_put(report, text, STYLE_WARNING, 0, report->y);
}

static void draw_all_currencies(struct report *report)
{
	size_t i;

	if (report->currency_count <= TOTALS_SHOWN)
		return;
	begin_section(report, "All currencies");
	for (i = 0; i < report->currency_count; i++) {
		make_room(report, 13);
		report->y -= 13;
		draw_currency(report, &report->currencies[i], report->y);
	}
}

static void draw_damaged(struct report *report)
{
	char text[100];
	size_t i;

	if (!report->damaged_count)
		return;
	begin_section(report, "Archive objects that could not be read");
	for (i = 0; i < report->damaged_listed; i++) {
		const struct damaged *damaged = &report->damaged[i];

		if (!damaged->key || !damaged->reason)
			continue;
		make_room(report, 22);
		report->y -= 13;
		report_put(report, damaged->key, STYLE_CELL, 0, report->y);
		report->y -= 9;
		report_put(report, damaged->reason, STYLE_SMALL, 0, report->y);
	}
	if (report->damaged_count == report->damaged_listed)
		return;
	snprintf(text, sizeof(text), "and %llu more",
		 (unsigned long long)(report->damaged_count -
				      report->damaged_listed));
	make_room(report, 16);
	report->y -= 13;
	report_put(report, text, STYLE_QUIET, 0, report->y);
}

static void draw_note(struct report *report)
{
	if (!report->ts.has_notes)
		return;
	make_room(report, 24);
	report->y -= 18;
	report_put(report, "[U+1F45F] and the like stand for characters, by "
		   "their Unicode number, that no installed font has.",
		   STYLE_SMALL, 0, report->y);
}

void report_draw_end(struct report *report)
{
	/* The space kept for totals and chart is free after all. */
	if (!report->orders)
		report->y = report->head_y - 14;
	else
		qsort(report->currencies, report->currency_count,
		      sizeof(report->currencies[0]), compare_totals);
	draw_cut(report);
	draw_all_currencies(report);
	draw_damaged(report);
	draw_note(report);
}

void report_draw_footers(struct report *report)
{
	struct tm now = report_local_time(report, report->now_ms);
	unsigned count = pdf_page_count(report->pdf), i;
	char made[80], page[40];

	snprintf(made, sizeof(made), "Made on %d %s %d, %02d:%02d",
		 now.tm_mday, month_name(now.tm_mon + 1), now.tm_year + 1900,
		 now.tm_hour, now.tm_min);
	for (i = 0; i < count; i++) {
		float x;

		pdf_select_page(report->pdf, i);
		snprintf(page, sizeof(page), "page %u of %u", i + 1, count);
		x = report_put(report, made, STYLE_SMALL, 0, 34);
		typeset_put(&report->ts, str_from(report->site_name),
			    &report_styles[STYLE_SMALL], 260, MARGIN + x + 12,
			    34);
		report_put_right(report, page, STYLE_SMALL, WIDTH, 34);
	}
}

