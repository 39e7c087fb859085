/*
 * report.c: what the report says and where on the page.
 *
 * Rows are drawn as they come. The upper part of page one is kept free for what
 * is known only at the end: totals and chart.
 */
#include "report/report_layout.h"

#include "base/banned.h"

#define TITLE_LEADING 26.0f
#define LEADING 9.6f
#define ROW_PAD 4.2f

/* Columns of the table, from the left margin. */
#define ORDER_X 76.0f
#define DESCRIPTION_X 124.0f
#define DESCRIPTION_WIDTH 166.0f
#define CUSTOMER_X 300.0f
#define CUSTOMER_WIDTH 80.0f
#define STATUS_X 388.0f
#define POINT_X (WIDTH - 41.0f)	/* the decimal point of prices */
#define POINT_ROOM 38.0f
#define CURRENCY_X (WIDTH - 19.0f)

static void set_info(struct report *report)
{
	struct tm now = report_local_time(report, report->now_ms);
	struct pdf_info info = {
		.title = report->title, .author = report->site_name,
		.year = now.tm_year + 1900, .month = now.tm_mon + 1,
		.day = now.tm_mday, .hour = now.tm_hour, .minute = now.tm_min,
		.offset_minutes = report_offset_s(report, report->now_ms) / 60,
	};

	pdf_set_info(report->pdf, &info);
}

static void draw_title(struct report *report)
{
	struct text title;
	unsigned i;

	pdf_add_page(report->pdf);
	report_put(report, report->site_name, STYLE_SITE, 0, TOP - 8);
	typeset(&report->ts, str_from(report->title),
		&report_styles[STYLE_TITLE], WIDTH, 2, &title);
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

static void draw_table_head(struct report *report)
{
	float y = report->y - 8;

	report_put(report, "Deleted", STYLE_LABEL, 0, y);
	report_put(report, "Order", STYLE_LABEL, ORDER_X, y);
	report_put(report, "Description", STYLE_LABEL, DESCRIPTION_X, y);
	report_put(report, "Customer", STYLE_LABEL, CUSTOMER_X, y);
	report_put(report, "Status", STYLE_LABEL, STATUS_X, y);
	report_put_right(report, "Price", STYLE_LABEL, POINT_X + 12, y);
	report->y -= 13;
	pdf_add_rule(report->pdf, INK_MUTED, 0.6f, MARGIN, report->y, WIDTH);
	report->in_table = true;
}

static void draw_when(struct report *report, int64_t deleted_ms, float y)
{
	struct tm tm = report_local_time(report, deleted_ms);
	char text[40];

	snprintf(text, sizeof(text), "%04d-%02d-%02d %02d:%02d",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min);
	report_put(report, text, STYLE_CELL, 0, y);
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

/* "Photo: cat 93 %, does not fit, accepted by hand"; "" without a photo. */
static void say_photo(const struct order_image *image, char *ret, size_t bytes)
{
	static const char *const words[] = {
		[VERDICT_NOT_CHECKED] = "not checked",
		[VERDICT_MATCH] = "fits",
		[VERDICT_MISMATCH] = "does not fit",
		[VERDICT_UNSURE] = "unclear",
	};
	const struct image_label *label =
		image->verdict == VERDICT_NOT_CHECKED ?
			NULL : order_image_label(image);
	char seen[96] = "";

	ret[0] = '\0';
	if (!image->id.len)
		return;
	if (label)
		snprintf(seen, sizeof(seen), "%.*s %d %%, ",
			 label->name.len < 64 ? (int)label->name.len : 0,
			 label->name.ptr,
			 (label->confidence_permille + 5) / 10);
	snprintf(ret, bytes, "Photo: %s%s%s", seen, words[image->verdict],
		 image->accepted_by_user ? ", accepted by hand" : "");
}

/* The texts of a row that may need several lines. */
struct row {
	struct text description, photo, customer;
	unsigned lines;
};

static void set_row(struct report *report, const struct order *order,
		    struct row *row)
{
	const struct text_style *style = &report_styles[STYLE_CELL];
	char photo[192];

	say_photo(&order->image, photo, sizeof(photo));
	typeset(&report->ts, order->description, style, DESCRIPTION_WIDTH, 2,
		&row->description);
	typeset(&report->ts, str_from(photo),
		&report_styles[STYLE_CELL_MUTED], DESCRIPTION_WIDTH, 2,
		&row->photo);
	typeset(&report->ts, customer_of(order), style, CUSTOMER_WIDTH, 2,
		&row->customer);
	row->lines = row->description.line_count +
		     (photo[0] ? row->photo.line_count : 0);
	if (row->lines < row->customer.line_count)
		row->lines = row->customer.line_count;
	if (!row->lines)
		row->lines = 1;
}

static void draw_row(struct report *report, const struct order *order,
		     int64_t deleted_ms)
{
	struct row row;
	float height, y;

	set_row(report, order, &row);
	height = LEADING * (float)row.lines + ROW_PAD;
	if (report->y - height < BOTTOM)
		report_new_page(report);
	if (!report->in_table)
		draw_table_head(report);
	y = report->y - ROW_PAD / 2 - 7.2f;
	draw_when(report, deleted_ms, y);
	/* The end of an id tells orders of one minute apart. */
	report_put(report, order->id + sizeof(order->id) - 9, STYLE_CELL_MUTED,
		   ORDER_X, y);
	draw_lines(report, &row.description, DESCRIPTION_X, y);
	if (order->image.id.len)
		draw_lines(report, &row.photo, DESCRIPTION_X,
			   y - LEADING * (float)row.description.line_count);
	draw_lines(report, &row.customer, CUSTOMER_X, y);
	report_put(report, order_status_name(order->status), STYLE_CELL_MUTED,
		 STATUS_X, y);
	report_put_price(report, order->price_minor, order->currency, STYLE_CELL,
		  POINT_X, POINT_ROOM, y);
	report_put(report, order->currency, STYLE_CELL_MUTED, CURRENCY_X, y);
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

	if (!total || !chart_add(&report->chart,
				 report_local_day(report, deleted_ms)))
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

bool report_end(struct report *report, struct str *ret_pdf,
		unsigned *ret_pages, struct error *err)
{
	if (!pdf_ok(report->pdf, err))
		return false;
	report_draw_end(report);
	report_draw_summary(report);
	report_draw_footers(report);
	if (!pdf_ok(report->pdf, err))
		return false;
	*ret_pages = pdf_page_count(report->pdf);
	return pdf_save(report->pdf, ret_pdf, err);
}
