/*
 * typeset.h: text into lines of a given width, whatever its scripts.
 *
 * Text is text: white space and controls become single spaces, nothing is
 * markup. A character that no font has becomes its code point in brackets.
 */
#ifndef REPORT_TYPESET_H
#define REPORT_TYPESET_H

#include "report/bidi.h"
#include "report/fonts.h"

#define TEXT_MAX_LINES 3u

struct typesetter {
	struct pdf *pdf;
	struct fonts *fonts;
	bool has_notes;		/* a code point was shown for a character */
};

struct text_style {
	enum font_weight weight;
	float size;
	enum pdf_ink ink;
};

struct text_unit {
	uint32_t c;		/* beyond U+FFFF only in a note */
	float width;		/* points */
	int16_t face;		/* -1: a note */
	uint8_t level;
	bool is_mark;
};

struct text_line {
	size_t first, count;
	float width;
};

struct text {
	struct text_style style;
	struct text_unit units[BIDI_MAX_LENGTH + 1];
	size_t unit_count;
	struct text_line lines[TEXT_MAX_LINES];
	unsigned line_count;
};

/* At most `max_lines` lines; what does not fit ends in an ellipsis. */
void typeset(struct typesetter *ts, struct str from,
	     const struct text_style *style, float width, unsigned max_lines,
	     struct text *ret);
void typeset_draw_line(struct typesetter *ts, const struct text *text,
		       unsigned line, float x, float y);
/* One line in one go; returns its width. */
float typeset_put(struct typesetter *ts, struct str from,
		  const struct text_style *style, float width, float x,
		  float y);
/* The same, ending at `right`. */
void typeset_put_right(struct typesetter *ts, struct str from,
		       const struct text_style *style, float width,
		       float right, float y);

#endif
