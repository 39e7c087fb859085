/*
 * report_bench.c: a report of N orders beside bare libharu drawing as many
 * cells (six a row) with one embedded font: time and peak memory of each, in a
 * process of its own. `report_bench [ROWS]`; one line each, key=value.
 */
#include <hpdf.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "report/report.h"

#include "base/banned.h"

#define FONT "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
#define DAY_MS 86400000ll
#define FIRST_MS 1793487600000ll	/* 2026-11-01 in Berlin */

static const char *const descriptions[] = {
	"red running shoes", "blue espresso cups, set of six",
	"walnut desk with two drawers and a compartment for pens",
	"Lampe, dimmbar (E27)", "Vélo de course 54 cm", "coat hooks",
};

static void make_order(struct order *order, unsigned i)
{
	*order = (struct order){
		.status = i % STATUS_COUNT,
		.description = str_from(descriptions[i % 6]),
		.customer_name = STR("Grace Hopper"),
		.customer_email = STR(""), .currency = "EUR",
		.price_minor = 1999 + i * 7 % 100000,
	};
	uuid7(FIRST_MS + i, order->id);
}

static size_t draw_report(unsigned rows)
{
	struct report_head head = {
		.title = STR("Deleted orders"), .site_name = STR("Bench"),
		.from_ms = FIRST_MS, .to_ms = FIRST_MS + 30 * DAY_MS,
		.zone = "Europe/Berlin", .now_ms = FIRST_MS + 30 * DAY_MS,
	};
	struct report *report;
	struct error err;
	struct order order;
	struct str pdf;
	unsigned i, pages;

	error_init(&err);
	if (!report_new(&report, &head, &err))
		return 0;
	for (i = 0; i < rows; i++) {
		make_order(&order, i);
		if (!report_add(report, &order,
				FIRST_MS + 30 * DAY_MS / rows * i, &err))
			return 0;
	}
	if (!report_end(report, &pdf, &pages, &err))
		return 0;
	report_free(report);
	return pdf.len;
}

static void draw_cells(HPDF_Page page, HPDF_Font font, unsigned i, float y)
{
	static const float x[] = { 42, 120, 170, 350, 440, 500 };
	const char *cells[] = {
		"2026-11-24 16:07", "ad5b3e99", descriptions[i % 6],
		"Grace Hopper", "confirmed", "119.80",
	};
	unsigned c;

	for (c = 0; c < 6; c++) {
		HPDF_Page_BeginText(page);
		HPDF_Page_SetFontAndSize(page, font, 7.5f);
		HPDF_Page_TextOut(page, x[c], y, cells[c]);
		HPDF_Page_EndText(page);
	}
}

static size_t draw_bare(unsigned rows)
{
	HPDF_Doc doc = HPDF_New(NULL, NULL);
	HPDF_Page page = NULL;
	HPDF_Font font;
	unsigned i;
	size_t bytes;

	HPDF_SetCompressionMode(doc, HPDF_COMP_ALL);
	HPDF_UseUTFEncodings(doc);
	font = HPDF_GetFont(doc, HPDF_LoadTTFontFromFile(doc, FONT, HPDF_TRUE),
			    "UTF-8");
	for (i = 0; i < rows; i++) {
		if (i % 50 == 0) {
			page = HPDF_AddPage(doc);
			HPDF_Page_SetSize(page, HPDF_PAGE_SIZE_A4,
					  HPDF_PAGE_PORTRAIT);
		}
		draw_cells(page, font, i, 800 - (float)(i % 50) * 15);
	}
	HPDF_SaveToStream(doc);
	bytes = HPDF_GetStreamSize(doc);
	HPDF_Free(doc);
	return bytes;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double measure(const char *name, size_t (*draw)(unsigned), unsigned rows)
{
	double start = seconds(), took;
	struct rusage usage;
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(draw(rows) == 0);
	wait4(child, &status, 0, &usage);
	took = seconds() - start;
	if (status)
		printf("%s failed\n", name);
	printf("%s rows=%u ms=%.0f peak_rss_kib=%ld\n", name, rows,
	       took * 1000, usage.ru_maxrss);
	return status ? 0 : took;
}

int main(int argc, char **argv)
{
	unsigned rows = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) :
				   10000;
	double bare, report;

	setvbuf(stdout, NULL, _IOLBF, 0);
	bare = measure("bare_libharu", draw_bare, rows);
	report = measure("report", draw_report, rows);
	if (bare <= 0 || report <= 0)
		return 1;
	printf("report_to_bare ratio=%.2f\n", report / bare);
	return 0;
}
