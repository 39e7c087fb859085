/*
 * report.c: what the report says and where on the page.
 *
 * Rows are drawn as they come. The upper part of page one is kept free for what
 * is known only at the end: totals and chart.
 */
#include <time.h>

#include "order/money.h"
#include "report/chart.h"
#include "report/pdf.h"
#include "report/report.h"
#include "report/typeset.h"

#include "base/banned.h"

#define MARGIN 42.0f
#define WIDTH (PDF_WIDTH - 2 * MARGIN)
#define TOP (PDF_HEIGHT - MARGIN)
#define BOTTOM 58.0f
#define TITLE_LEADING 26.0f
#define TOTALS_SHOWN 6u
#define TOTALS_HEIGHT 116.0f
#define CHART_HEIGHT 150.0f
#define LEADING 9.6f
#define ROW_PAD 4.2f
#define DAMAGED_LISTED 500u
#define OPEN_CHART_DAYS 1826	/* a longer period's chart shows what has data */

/* Columns of the table, from the left margin. */
#define ORDER_X 78.0f
#define DESCRIPTION_X 128.0f
#define DESCRIPTION_WIDTH 172.0f
#define CUSTOMER_X 310.0f
#define CUSTOMER_WIDTH 82.0f
#define STATUS_X 400.0f
#define POINT_X (WIDTH - 39.0f)	/* the decimal point of prices */
#define POINT_ROOM 42.0f
#define CURRENCY_X (WIDTH - 19.0f)

struct currency_total {
	char code[4];
	bool is_too_large;
	int64_t minor;
	uint64_t orders;
};

struct damaged {
	char *key, *reason;
};

struct report {
	struct pdf *pdf;
	struct fonts *fonts;
	struct typesetter ts;
	char *title, *site_name, *zone;
	int64_t from_ms, to_ms, now_ms;

	uint64_t orders, by_status[STATUS_COUNT];
	struct currency_total *currencies;	/* in order of appearance */
	size_t currency_count;
	struct chart chart;
	struct damaged damaged[DAMAGED_LISTED];
	size_t damaged_listed;
	uint64_t damaged_count;
	bool no_memory;

	float head_y;		/* below the title, on page one */
	float y;		/* the next row's upper edge */
	bool in_table;
	/* the UTC day whose offset is known and the same all day */
	int64_t offset_day;
	int offset_s;
};

static const struct text_style site_style = { FONT_REGULAR, 9.5f, INK_MUTED };
static const struct text_style title_style = { FONT_BOLD, 20, INK_TEXT };
static const struct text_style fact_style = { FONT_REGULAR, 9, INK_TEXT };
static const struct text_style quiet_style = { FONT_REGULAR, 8, INK_MUTED };
static const struct text_style heading_style = { FONT_BOLD, 9, INK_TEXT };
static const struct text_style label_style = { FONT_REGULAR, 7, INK_MUTED };
static const struct text_style cell_style = { FONT_REGULAR, 7.4f, INK_TEXT };
static const struct text_style muted_style = { FONT_REGULAR, 7.4f, INK_MUTED };
static const struct text_style small_style = { FONT_REGULAR, 6.8f, INK_MUTED };
static const struct text_style warning_style = { FONT_REGULAR, 8,
						 INK_WARNING };

static float put(struct report *report, struct str text,
		 const struct text_style *style, float width, float x, float y)
{
	return typeset_put(&report->ts, text, style, width, MARGIN + x, y);
}

static float put_text(struct report *report, const char *text,
		      const struct text_style *style, float x, float y)
{
	return put(report, str_from(text), style, WIDTH - x, x, y);
}

static void put_right(struct report *report, const char *text,
		      const struct text_style *style, float right, float y)
{
	typeset_put_right(&report->ts, str_from(text), style, WIDTH,
			  MARGIN + right, y);
}

/* Seconds between UTC and local time; cheap for many times of a day. */
static int offset_at(struct report *report, int64_t time_ms)
{
	int64_t day = time_ms / 86400000;
	int first, last;

	if (day == report->offset_day)
		return report->offset_s;
	first = local_offset_s(report->zone, day * 86400000);
	last = local_offset_s(report->zone, (day + 1) * 86400000);
	if (first != last)
		return local_offset_s(report->zone, time_ms);
	report->offset_day = day;
	report->offset_s = first;
	return first;
}

static struct tm local_time(struct report *report, int64_t time_ms)
{
	time_t local = time_ms / 1000 + offset_at(report, time_ms);
	struct tm tm = { .tm_mday = 1 };

	gmtime_r(&local, &tm);
	return tm;
}

static int64_t local_day(struct report *report, int64_t time_ms)
{
	return (time_ms / 1000 + offset_at(report, time_ms)) / 86400;
}

/* "24 November 2026" */
static void name_day(int64_t day, char *ret, size_t bytes)
{
	int year, month, of_month;

	date_from_day(day, &year, &month, &of_month);
	snprintf(ret, bytes, "%d %s %d", of_month, month_name(month), year);
}

static void set_info(struct report *report)
{
	struct tm now = local_time(report, report->now_ms);
	struct pdf_info info = {
		.title = report->title, .author = report->site_name,
		.year = now.tm_year + 1900, .month = now.tm_mon + 1,
		.day = now.tm_mday, .hour = now.tm_hour, .minute = now.tm_min,
		.offset_minutes = offset_at(report, report->now_ms) / 60,
	};

	pdf_set_info(report->pdf, &info);
}

static void draw_title(struct report *report)
{
	struct text title;
	unsigned i;

	pdf_add_page(report->pdf);
	put(report, str_from(report->site_name), &site_style, WIDTH, 0,
	    TOP - 8);
	typeset(&report->ts, str_from(report->title), &title_style, WIDTH, 2,
		&title);
	report->head_y = TOP - 34;
	for (i = 0; i < title.line_count; i++) {
		typeset_draw_line(&report->ts, &title, i, MARGIN,
				  report->head_y);
		report->head_y -= TITLE_LEADING;
	}
	report->y = report->head_y - 36 - TOTALS_HEIGHT - CHART_HEIGHT;
}

static bool keep_head(struct report *report, const struct report_head *head)
{
	struct str title = head->title.len ? head->title :
					     STR("Deleted orders");
	const char *zone = head->zone && zone_is_known(head->zone) ?
			   head->zone : "UTC";

	report->title = strndup(title.ptr, title.len);
	report->site_name = head->site_name.len ?
			    strndup(head->site_name.ptr, head->site_name.len) :
			    strdup("");
	report->zone = strdup(zone);
	report->from_ms = head->from_ms;
	report->to_ms = head->to_ms;
	report->now_ms = head->now_ms;
	report->offset_day = INT64_MIN;
	return report->title && report->site_name && report->zone;
}

static bool begin(struct report *report, const struct report_head *head,
		  struct error *err)
{
	if (!keep_head(report, head))
		return error_cause(err, ERROR_INTERNAL, "report: no memory");
	if (!pdf_new(&report->pdf, err))
		return false;
	if (!fonts_open(&report->fonts, report->pdf,
			head->fonts ? head->fonts : "/usr/share/fonts", err))
		return false;
	report->ts = (struct typesetter){ .pdf = report->pdf,
					  .fonts = report->fonts };
	set_info(report);
	draw_title(report);
	return pdf_ok(report->pdf, err);
}

bool report_new(struct report **ret, const struct report_head *head,
		struct error *err)
{
	struct report *report = calloc(1, sizeof(*report));

	if (!report)
		return error_cause(err, ERROR_INTERNAL, "report: no memory");
	if (!begin(report, head, err)) {
		report_free(report);
		return false;
	}
	*ret = report;
	return true;
}

void report_free(struct report *report)
{
	size_t i;

	if (!report)
		return;
	fonts_close(report->fonts);
	pdf_free(report->pdf);
	chart_release(&report->chart);
	for (i = 0; i < report->damaged_listed; i++) {
		free(report->damaged[i].key);
		free(report->damaged[i].reason);
	}
	free(report->currencies);
	free(report->title);
	free(report->site_name);
	free(report->zone);
	free(report);
}

static void new_page(struct report *report)
{
	pdf_add_page(report->pdf);
	report->y = TOP;
	report->in_table = false;
}

static void draw_table_head(struct report *report)
{
	float y = report->y - 8;

	put_text(report, "Deleted", &label_style, 0, y);
	put_text(report, "Order", &label_style, ORDER_X, y);
	put_text(report, "Description", &label_style, DESCRIPTION_X, y);
	put_text(report, "Customer", &label_style, CUSTOMER_X, y);
	put_text(report, "Status", &label_style, STATUS_X, y);
	put_right(report, "Price", &label_style, WIDTH, y);
	report->y -= 13;
	pdf_add_rule(report->pdf, INK_MUTED, 0.6f, MARGIN, report->y, WIDTH);
	report->in_table = true;
}

/* Decimal points stand below each other; a very long price is set smaller. */
static void put_price(struct report *report, int64_t minor,
		      const char *currency, const struct text_style *style,
		      float point, float room, float y)
{
	int scale = currency_scale(currency);
	char text[MONEY_TEXT_BYTES];
	struct text_style fitted = *style;
	struct text whole;
	float width;

	money_format(minor, scale < 0 ? 2 : scale, text);
	for (;;) {
		typeset(&report->ts,
			(struct str){ text, strcspn(text, ".") }, &fitted,
			WIDTH, 1, &whole);
		width = whole.lines[0].width;
		if (width <= room || fitted.size < 4)
			break;
		fitted.size *= 0.96f * room / width;
	}
	put_text(report, text, &fitted, point - width, y);
}

static void draw_when(struct report *report, int64_t deleted_ms, float y)
{
	struct tm tm = local_time(report, deleted_ms);
	char text[40];

	snprintf(text, sizeof(text), "%04d-%02d-%02d %02d:%02d",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min);
	put_text(report, text, &cell_style, 0, y);
}

static void draw_lines(struct report *report, const struct text *text, float x,
		       float y)
{
	unsigned i;

	for (i = 0; i < text->line_count; i++)
		typeset_draw_line(&report->ts, text, i, MARGIN + x,
				  y - LEADING * (float)i);
}

static struct str customer_of(const struct order *order)
{
	return order->customer_name.len ? order->customer_name :
					  order->customer_email;
}

static void draw_row(struct report *report, const struct order *order,
		     int64_t deleted_ms)
{
	struct text description, customer;
	unsigned lines;
	float height, y;

	typeset(&report->ts, order->description, &cell_style,
		DESCRIPTION_WIDTH, 2, &description);
	typeset(&report->ts, customer_of(order), &cell_style, CUSTOMER_WIDTH,
		2, &customer);
	lines = description.line_count > 1 || customer.line_count > 1 ? 2 : 1;
	height = LEADING * (float)lines + ROW_PAD;
	if (report->y - height < BOTTOM)
		new_page(report);
	if (!report->in_table)
		draw_table_head(report);
	y = report->y - ROW_PAD / 2 - 7.2f;
	draw_when(report, deleted_ms, y);
	/* The end of an id tells orders of one minute apart. */
	put_text(report, order->id + strlen(order->id) -
			 (strlen(order->id) < 8 ? strlen(order->id) : 8),
		 &muted_style, ORDER_X, y);
	draw_lines(report, &description, DESCRIPTION_X, y);
	draw_lines(report, &customer, CUSTOMER_X, y);
	put_text(report, order_status_name(order->status), &muted_style,
		 STATUS_X, y);
	put_price(report, order->price_minor, order->currency, &cell_style,
		  POINT_X, POINT_ROOM, y);
	put_text(report, order->currency, &muted_style, CURRENCY_X, y);
	report->y -= height;
	pdf_add_rule(report->pdf, INK_RULE, 0.4f, MARGIN, report->y, WIDTH);
}

static struct currency_total *total_of(struct report *report,
				       const char *currency)
{
	struct currency_total *totals = report->currencies;
	size_t i;

	for (i = 0; i < report->currency_count; i++)
		if (!strcmp(totals[i].code, currency))
			return &totals[i];
	totals = realloc(totals, (i + 1) * sizeof(*totals));
	if (!totals)
		return NULL;
	report->currencies = totals;
	totals[i] = (struct currency_total){ 0 };
	snprintf(totals[i].code, sizeof(totals[i].code), "%s", currency);
	report->currency_count++;
	return &totals[i];
}

static bool count_order(struct report *report, const struct order *order,
			int64_t deleted_ms)
{
	struct currency_total *total = total_of(report, order->currency);

	if (!total || !chart_add(&report->chart, local_day(report, deleted_ms)))
		return false;
	total->orders++;
	if (__builtin_add_overflow(total->minor, order->price_minor,
				   &total->minor))
		total->is_too_large = true;
	report->by_status[order->status]++;
	report->orders++;
	return true;
}

bool report_add(struct report *report, const struct order *order,
		int64_t deleted_ms, struct error *err)
{
	if (report->orders < REPORT_MAX_ROWS)
		draw_row(report, order, deleted_ms);
	if (!count_order(report, order, deleted_ms))
		return error_cause(err, ERROR_INTERNAL, "report: no memory");
	return pdf_ok(report->pdf, err);
}

void report_add_damaged(struct report *report, struct str key,
			const char *reason)
{
	struct damaged *damaged = &report->damaged[report->damaged_listed];

	report->damaged_count++;
	if (report->damaged_listed == DAMAGED_LISTED)
		return;
	damaged->key = key.len ? strndup(key.ptr, key.len) : strdup("");
	damaged->reason = strdup(reason);
	report->damaged_listed++;
}

/* The days the report is about, as far as they are bounded. */
static void draw_period(struct report *report, float y)
{
	bool has_from = report->from_ms != INT64_MIN;
	bool has_to = report->to_ms != INT64_MAX;
	char from[40] = "", to[40] = "", text[160];
	float x;

	if (has_from)
		name_day(local_day(report, report->from_ms), from,
			 sizeof(from));
	if (has_to)
		name_day(local_day(report, report->to_ms - 1), to, sizeof(to));
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
	x = put_text(report, text, &fact_style, 0, y);
	snprintf(text, sizeof(text), "days and times of %s", report->zone);
	put_text(report, text, &quiet_style, x + 8, y);
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
		snprintf(text, sizeof(text),
			 "No orders were deleted in this period.");
	x = put_text(report, text, &fact_style, 0, y);
	if (!report->damaged_count)
		return;
	snprintf(text, sizeof(text), "%llu archive %s could not be read, see "
		 "the end", (unsigned long long)report->damaged_count,
		 report->damaged_count == 1 ? "object" : "objects");
	put_text(report, text, &warning_style, x + 8, y);
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
	put_right(report, text, &quiet_style, right, y);
}

#define TOTAL_POINT_X 190.0f
#define STATUS_TOTALS_X 300.0f

static void draw_currency(struct report *report,
			  const struct currency_total *total, float y)
{
	static const struct text_style style = { FONT_REGULAR, 8, INK_TEXT };

	put_text(report, total->code, &style, 0, y);
	put_count(report, total->orders, 88, y);
	if (total->is_too_large)
		put_right(report, "too large to sum", &quiet_style,
			  TOTAL_POINT_X, y);
	else
		put_price(report, total->minor, total->code, &style,
			  TOTAL_POINT_X, 96, y);
	pdf_add_rule(report->pdf, INK_RULE, 0.4f, MARGIN, y - 4, 210);
}

static void draw_currencies(struct report *report, float y)
{
	size_t shown = report->currency_count, i;
	char text[60];

	put_text(report, "By currency", &heading_style, 0, y);
	put_right(report, "orders", &label_style, 88, y);
	put_right(report, "total", &label_style, 210, y);
	if (shown > TOTALS_SHOWN)
		shown = TOTALS_SHOWN - 1;
	for (i = 0; i < shown; i++)
		draw_currency(report, &report->currencies[i],
			      y - 16 - 13 * (float)i);
	if (shown == report->currency_count)
		return;
	snprintf(text, sizeof(text), "and %zu more, see the end",
		 report->currency_count - shown);
	put_text(report, text, &quiet_style, 0, y - 16 - 13 * (float)shown);
}

static void draw_statuses(struct report *report, float y)
{
	float x = STATUS_TOTALS_X;
	unsigned status, row = 0;

	put_text(report, "By status when deleted", &heading_style, x, y);
	put_right(report, "orders", &label_style, WIDTH, y);
	for (status = 0; status < STATUS_COUNT; status++) {
		float at = y - 16 - 13 * (float)row;

		if (!report->by_status[status])
			continue;
		put_text(report, order_status_name(status), &quiet_style, x,
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
		first = local_day(report, report->from_ms);
		last = local_day(report, report->to_ms - 1);
	}
	chart_draw(chart, &report->ts, first, last, MARGIN, y, WIDTH,
		   CHART_HEIGHT - 14);
}

static void draw_summary(struct report *report)
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
		new_page(report);
}

static void begin_section(struct report *report, const char *heading)
{
	make_room(report, 60);
	report->y -= 30;
	put_text(report, heading, &heading_style, 0, report->y);
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
	put_text(report, text, &warning_style, 0, report->y);
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
		put_text(report, damaged->key, &cell_style, 0, report->y);
		report->y -= 9;
		put_text(report, damaged->reason, &small_style, 0, report->y);
	}
	if (report->damaged_count == report->damaged_listed)
		return;
	snprintf(text, sizeof(text), "and %llu more",
		 (unsigned long long)(report->damaged_count -
				      report->damaged_listed));
	make_room(report, 16);
	report->y -= 13;
	put_text(report, text, &quiet_style, 0, report->y);
}

static void draw_note(struct report *report)
{
	if (!report->ts.has_notes)
		return;
	make_room(report, 24);
	report->y -= 18;
	put_text(report, "[U+1F45F] and the like stand for characters, by "
			 "their Unicode number, that no installed font has.",
		 &small_style, 0, report->y);
}

static void draw_footers(struct report *report)
{
	struct tm now = local_time(report, report->now_ms);
	unsigned count = pdf_page_count(report->pdf), i;
	char made[80], page[40];

	snprintf(made, sizeof(made), "Made on %d %s %d, %02d:%02d",
		 now.tm_mday, month_name(now.tm_mon + 1), now.tm_year + 1900,
		 now.tm_hour, now.tm_min);
	for (i = 0; i < count; i++) {
		float x;

		pdf_select_page(report->pdf, i);
		snprintf(page, sizeof(page), "page %u of %u", i + 1, count);
		x = put_text(report, made, &small_style, 0, 34);
		put(report, str_from(report->site_name), &small_style, 260,
		    x + 12, 34);
		put_right(report, page, &small_style, WIDTH, 34);
	}
}

bool report_end(struct report *report, struct str *ret_pdf,
		unsigned *ret_pages, struct error *err)
{
	if (!pdf_ok(report->pdf, err))
		return false;
	qsort(report->currencies, report->currency_count,
	      sizeof(report->currencies[0]), compare_totals);
	draw_cut(report);
	draw_all_currencies(report);
	draw_damaged(report);
	draw_summary(report);
	pdf_select_page(report->pdf, pdf_page_count(report->pdf) - 1);
	draw_note(report);
	draw_footers(report);
	if (!pdf_ok(report->pdf, err))
		return false;
	*ret_pages = pdf_page_count(report->pdf);
	return pdf_save(report->pdf, ret_pdf, err);
}
