/*
 * report_layout.c: styles, and text, prices and times put on a page.
 */
#include "order/money.h"
#include "report/report_layout.h"

#include "base/banned.h"

const struct text_style report_styles[] = {
	[STYLE_SITE] = { FONT_REGULAR, 9.5f, INK_MUTED },
	[STYLE_TITLE] = { FONT_BOLD, 20, INK_TEXT },
	[STYLE_FACT] = { FONT_REGULAR, 9, INK_TEXT },
	[STYLE_QUIET] = { FONT_REGULAR, 8, INK_MUTED },
	[STYLE_HEADING] = { FONT_BOLD, 9, INK_TEXT },
	[STYLE_LABEL] = { FONT_REGULAR, 7, INK_MUTED },
	[STYLE_TOTAL] = { FONT_REGULAR, 8, INK_TEXT },
	[STYLE_CELL] = { FONT_REGULAR, 7.4f, INK_TEXT },
	[STYLE_CELL_MUTED] = { FONT_REGULAR, 7.4f, INK_MUTED },
	[STYLE_SMALL] = { FONT_REGULAR, 6.8f, INK_MUTED },
	[STYLE_WARNING] = { FONT_REGULAR, 8, INK_WARNING },
};

float report_put(struct report *report, const char *text, enum style style,
		 float x, float y)
{
	return typeset_put(&report->ts, str_from(text), &report_styles[style],
			   WIDTH - x, MARGIN + x, y);
}

void report_put_right(struct report *report, const char *text,
		      enum style style, float right, float y)
{
	typeset_put_right(&report->ts, str_from(text), &report_styles[style],
			  WIDTH, MARGIN + right, y);
}

void report_put_price(struct report *report, int64_t minor,
		      const char *currency, enum style style, float point,
		      float room, float y)
{
	int scale = currency_scale(currency);
	char text[MONEY_TEXT_BYTES];
	struct text_style fitted = report_styles[style];
	struct text whole;
	float width;

	money_format(minor, scale < 0 ? 2 : scale, text);
	typeset(&report->ts, (struct str){ text, strcspn(text, ".") }, &fitted,
		WIDTH, 1, &whole);
	width = whole.lines[0].width;
	if (width > room) {
		fitted.size *= room / width;
		width = room;
	}
	typeset_put(&report->ts, str_from(text), &fitted, WIDTH,
		    MARGIN + point - width, y);
}

void report_new_page(struct report *report)
{
	pdf_add_page(report->pdf);
	report->y = TOP;
	report->in_table = false;
}

int report_offset_s(struct report *report, int64_t time_ms)
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

struct tm report_local_time(struct report *report, int64_t time_ms)
{
	time_t local = time_ms / 1000 + report_offset_s(report, time_ms);
	struct tm tm = { .tm_mday = 1 };

	gmtime_r(&local, &tm);
	return tm;
}

int64_t report_local_day(struct report *report, int64_t time_ms)
{
	int64_t local = time_ms / 1000 + report_offset_s(report, time_ms);

	return local / 86400 - (local % 86400 < 0);
}
