/*
 * pdf.h: pages, runs of text, rules and bars; the only place that knows
 * libharu.
 *
 * libharu's errors are sticky: after the first one, calls do nothing, and
 * pdf_ok says what it was. Points from the lower left corner of an A4 page.
 */
#ifndef REPORT_PDF_H
#define REPORT_PDF_H

#include "base/error.h"

struct pdf;

#define PDF_WIDTH 595.276f
#define PDF_HEIGHT 841.89f

enum pdf_ink { INK_TEXT, INK_MUTED, INK_RULE, INK_BAR, INK_WARNING };

struct pdf_info {
	const char *title, *author;	/* UTF-8 */
	int year, month, day, hour, minute;	/* local time */
	int offset_minutes;			/* of UTC */
};

bool pdf_new(struct pdf **ret, struct error *err) MUST_CHECK;
void pdf_free(struct pdf *pdf);
void pdf_set_info(struct pdf *pdf, const struct pdf_info *info);

/*
 * A TrueType font, embedded as a subset of the glyphs used. -1 when libharu
 * cannot use it. libharu 2.3.0 looks characters up in 16 bits: what is beyond
 * U+FFFF comes out as a space, whatever the font has.
 */
int pdf_load_font(struct pdf *pdf, const char *path, bool is_collection);
/* Helvetica, not embedded, for the characters of Windows-1252. */
int pdf_standard_font(struct pdf *pdf, const char *name);
/* The byte of Windows-1252, or 0. */
unsigned char pdf_standard_byte(uint16_t c);
/* In thousandths of the font's size. */
unsigned pdf_char_width(struct pdf *pdf, int font, uint16_t c);

unsigned pdf_page_count(const struct pdf *pdf);
/* Behind the last one, and selected. */
void pdf_add_page(struct pdf *pdf);
void pdf_select_page(struct pdf *pdf, unsigned index);

/* The runs that follow start here, each where the one before ended. */
void pdf_begin_text(struct pdf *pdf, enum pdf_ink ink, float x, float y);
void pdf_add_run(struct pdf *pdf, int font, float size, const uint16_t *text,
		 size_t count);
void pdf_add_rule(struct pdf *pdf, enum pdf_ink ink, float thickness, float x,
		  float y, float width);
void pdf_add_bar(struct pdf *pdf, enum pdf_ink ink, float x, float y,
		 float width, float height);

/* ERROR_INTERNAL with libharu's code in the cause. */
bool pdf_ok(const struct pdf *pdf, struct error *err) MUST_CHECK;
/* The finished bytes, valid until pdf_free. */
bool pdf_save(struct pdf *pdf, struct str *ret, struct error *err) MUST_CHECK;

#endif
