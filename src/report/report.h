/*
 * report.h: the PDF of archived orders; the only place that knows libharu (and
 * fribidi for right-to-left text).
 *
 * Rows are added in order, totals are kept on the way, page one (title, period,
 * totals by currency and status, bar chart) is drawn when the report ends.
 * Text is text: nothing in it is markup (D13), a newline is a space (D12). A
 * character that no installed font has is shown as its code point in a box note
 * ("[U+1F45F]"), never as an empty box. Memory: about REPORT_BYTES_PER_ROW a
 * row; more than REPORT_MAX_ROWS rows are counted and totalled, and the table
 * says that it ends there.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "order/order.h"

struct report;

#define REPORT_BYTES_PER_ROW 1300u
#define REPORT_MAX_ROWS 180000u	/* 256 MiB in all */

struct report_head {
	struct str title;		/* "" : "Deleted orders" */
	struct str site_name;
	int64_t from_ms, to_ms;		/* of deletion, from ≤ t < to;
					 * INT64_MIN, INT64_MAX: open */
	const char *zone;		/* IANA */
	int64_t now_ms;
	const char *fonts;		/* NULL: /usr/share/fonts */
};

bool report_new(struct report **ret, const struct report_head *head,
		struct error *err) MUST_CHECK;
void report_free(struct report *report);
bool report_add(struct report *report, const struct order *order,
		int64_t deleted_ms, struct error *err) MUST_CHECK;
/* An archive object that could not be read: named in the report. */
void report_add_damaged(struct report *report, struct str key,
			const char *reason);
/* The PDF's bytes, valid until report_free. ERROR_INTERNAL with libharu's
 * code. */
bool report_end(struct report *report, struct str *ret_pdf,
		unsigned *ret_pages, struct error *err) MUST_CHECK;

#endif
