/*
 * report_layout.h: what the files of the report share: its state, the page's
 * measures, the styles.
 */
#ifndef REPORT_REPORT_LAYOUT_H
#define REPORT_REPORT_LAYOUT_H

#include <time.h>

#include "report/chart.h"
#include "report/pdf.h"
#include "report/report.h"
#include "report/typeset.h"

#define MARGIN 42.0f
#define WIDTH (PDF_WIDTH - 2 * MARGIN)
#define TOP (PDF_HEIGHT - MARGIN)
#define BOTTOM 58.0f
#define TOTALS_HEIGHT 116.0f
#define CHART_HEIGHT 150.0f
#define DAMAGED_LISTED 500u

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

	float head_y;		/* below the title, on page one */
	float y;		/* the next row's upper edge */
	bool in_table;
	/* the UTC day whose offset is known and the same all day */
	int64_t offset_day;
	int offset_s;
};

enum style {
	STYLE_SITE, STYLE_TITLE, STYLE_FACT, STYLE_QUIET, STYLE_HEADING,
	STYLE_LABEL, STYLE_TOTAL, STYLE_CELL, STYLE_CELL_MUTED, STYLE_SMALL,
	STYLE_WARNING
};
extern const struct text_style report_styles[];

/* x from the left margin, y from the page's lower edge; the text's width. */
float report_put(struct report *report, const char *text, enum style style,
		 float x, float y);
void report_put_right(struct report *report, const char *text,
		      enum style style, float right, float y);
/*
 * With its decimal point at `point`, so that prices stand below each other; one
 * whose whole part is wider than `room` is set smaller.
 */
void report_put_price(struct report *report, int64_t minor,
		      const char *currency, enum style style, float point,
		      float room, float y);

void report_new_page(struct report *report);
/* Local time, and the local day counted from 1970-01-01. */
struct tm report_local_time(struct report *report, int64_t time_ms);
int64_t report_local_day(struct report *report, int64_t time_ms);
int report_offset_s(struct report *report, int64_t time_ms);

/* Period, totals and chart, in the space kept on page one. */
void report_draw_summary(struct report *report);
/* What follows the table: all currencies, damaged objects, notes. */
void report_draw_end(struct report *report);
void report_draw_footers(struct report *report);

#endif
