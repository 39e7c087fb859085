/*
 * typeset.c: characters to units, units to lines, lines to runs of one font.
 */
#include "base/cleanup.h"
#include "report/typeset.h"

#include "base/banned.h"

#define ELLIPSIS 0x2026u
#define NOTE_CHARS 12	/* [U+10FFFF] */

/* More characters than this do not fit, be they ever so narrow. */
static size_t limit_for(const struct text_style *style, float width,
			unsigned max_lines)
{
	float most = width * (float)max_lines / (style->size * 0.2f) + 16;

	return most < (float)BIDI_MAX_LENGTH ? (size_t)most : BIDI_MAX_LENGTH;
}

/* The text's characters, white space made single and trimmed. */
static size_t decode(struct str from, size_t limit, uint32_t *ret,
		     bool *ret_is_cut)
{
	size_t count = 0;
	bool space = false;

	*ret_is_cut = false;
	while (from.len) {
		size_t bytes = utf8_sequence(from);
		const char *next = from.ptr;
		uint32_t c = bytes ? utf8_next(&next, from.ptr + bytes) :
				     0xfffd;

		bytes += !bytes;
		from.ptr += bytes;
		from.len -= bytes;
		if (c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0x2028 ||
		    c == 0x2029 || c == 0x3000) {
			space = count > 0;
			continue;
		}
		if (count + space >= limit) {
			*ret_is_cut = true;
			break;
		}
		if (space)
			ret[count++] = ' ';
		ret[count++] = c;
		space = false;
	}
	return count;
}

static size_t note_text(uint32_t c, uint16_t ret[NOTE_CHARS])
{
	char text[NOTE_CHARS];
	size_t i, len;

	len = (size_t)snprintf(text, sizeof(text), "[U+%04X]", (unsigned)c);
	for (i = 0; i < len; i++)
		ret[i] = (unsigned char)text[i];
	return len;
}

static float char_width(struct typesetter *ts, int face, uint32_t c,
			float size)
{
	return (float)fonts_width(ts->fonts, face, (uint16_t)c) * size /
	       1000.0f;
}

static float note_width(struct typesetter *ts, const struct text_style *style,
			uint32_t c)
{
	uint16_t note[NOTE_CHARS];
	size_t len = note_text(c, note), i;
	float width = 0;

	for (i = 0; i < len; i++) {
		int face = fonts_find(ts->fonts, style->weight, note[i]);

		if (face >= 0)
			width += char_width(ts, face, note[i], style->size);
	}
	return width;
}

static struct text_unit make_unit(struct typesetter *ts,
				  const struct text_style *style, uint32_t c,
				  uint8_t level)
{
	struct text_unit unit = { .c = c, .level = level };

	unit.face = (int16_t)fonts_find(ts->fonts, style->weight, c);
	if (unit.face < 0)
		unit.width = note_width(ts, style, c);
	else
		unit.width = char_width(ts, unit.face, c, style->size);
	unit.is_mark = c >= 0x300 && unit.face >= 0 && char_is_mark(c);
	return unit;
}

/*
 * The joined form where a font has it, else the letter alone. fribidi puts the
 * filler before its ligature.
 */
static uint32_t choose_form(struct typesetter *ts, const struct text *to,
			    const uint32_t *text, const uint32_t *shaped,
			    size_t i, size_t count)
{
	uint32_t form = shaped[i];

	if (form == BIDI_FILLER && i + 1 < count)
		form = shaped[i + 1];
	return fonts_find(ts->fonts, to->style.weight, form) >= 0 ? shaped[i] :
								    text[i];
}

static void make_units(struct typesetter *ts, const uint32_t *text,
		       const uint32_t *shaped, const uint8_t *levels,
		       size_t count, struct text *ret)
{
	size_t i;

	for (i = 0; i < count; i++) {
		uint32_t c = text[i];

		if (char_is_ignorable(c))
			continue;
		if (shaped[i] != c)
			c = choose_form(ts, ret, text, shaped, i, count);
		if (c != BIDI_FILLER)
			ret->units[ret->unit_count++] =
				make_unit(ts, &ret->style, c, levels[i]);
	}
}

/* Scripts that may be broken between any two characters. */
static bool is_east_asian(uint32_t c)
{
	return (c >= 0x2e80 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) ||
	       (c >= 0xff00 && c <= 0xff60) || c >= 0x20000;
}

/* Never at the start of a line: closing marks, small kana. */
static bool is_closing(uint32_t c)
{
	static const uint32_t closing[] = {
		'!', ')', ',', '.', ':', ';', '?', ']', '}', 0x3001, 0x3002,
		0x300d, 0x300f, 0x3011, 0x30fc, 0xff01, 0xff09, 0xff0c,
		0xff0e, 0xff1a, 0xff1b, 0xff1f,
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(closing); i++)
		if (closing[i] == c)
			return true;
	return false;
}

static bool may_break_before(const struct text *text, size_t i)
{
	const struct text_unit *left = &text->units[i - 1];
	const struct text_unit *right = &text->units[i];

	if (right->is_mark || is_closing(right->c))
		return false;
	return left->c == ' ' || left->c == '-' || left->c == '/' ||
	       left->face < 0 || right->face < 0 || is_east_asian(left->c) ||
	       is_east_asian(right->c);
}

static void add_line(struct text *text, size_t first, size_t end)
{
	struct text_line *line = &text->lines[text->line_count++];
	size_t i;

	while (end > first && text->units[end - 1].c == ' ')
		end--;
	*line = (struct text_line){ .first = first, .count = end - first };
	for (i = first; i < end; i++)
		line->width += text->units[i].width;
}

/* The last line takes what fits beside the ellipsis. */
static void add_cut_line(struct typesetter *ts, struct text *text,
			 size_t first, size_t end, float width)
{
	uint8_t level = 255;
	struct text_unit dots;
	float used = 0;
	size_t i;

	for (i = 0; i < text->unit_count; i++)
		if (text->units[i].level < level)
			level = text->units[i].level;
	dots = make_unit(ts, &text->style, ELLIPSIS, level);
	for (i = first; i < end; i++)
		used += text->units[i].width;
	while (end > first && (used + dots.width > width ||
			       text->units[end - 1].c == ' ' ||
			       text->units[end].is_mark))
		used -= text->units[--end].width;
	text->units[end] = dots;
	text->unit_count = end + 1;
	add_line(text, first, end + 1);
}

/* The end of what fits, at least one unit; *ret_break where it may end. */
static size_t measure(const struct text *text, size_t first, float width,
		      size_t *ret_break)
{
	float used = 0;
	size_t i;

	*ret_break = 0;
	for (i = first; i < text->unit_count; i++) {
		if (i > first && may_break_before(text, i))
			*ret_break = i;
		if (text->units[i].c == ' ')
			*ret_break = i;
		used += text->units[i].width;
		if (used > width && text->units[i].c != ' ' && i > first)
			break;
	}
	return i;
}

static void make_lines(struct typesetter *ts, struct text *text, float width,
		       unsigned max_lines, bool is_cut)
{
	size_t first = 0, end, at;

	text->units[text->unit_count] = (struct text_unit){ 0 };
	while (first < text->unit_count) {
		end = measure(text, first, width, &at);
		if (end == text->unit_count && !is_cut) {
			add_line(text, first, end);
			break;
		}
		if (text->line_count + 1 == max_lines ||
		    end == text->unit_count) {
			add_cut_line(ts, text, first, end, width);
			break;
		}
		if (at <= first)
			at = end;
		add_line(text, first, at);
		first = at;
		while (first < text->unit_count && text->units[first].c == ' ')
			first++;
	}
}

void typeset(struct typesetter *ts, struct str from,
	     const struct text_style *style, float width, unsigned max_lines,
	     struct text *ret)
{
	uint32_t text[BIDI_MAX_LENGTH], shaped[BIDI_MAX_LENGTH];
	uint8_t levels[BIDI_MAX_LENGTH];
	bool is_cut;
	size_t count = decode(from, limit_for(style, width, max_lines), text,
			      &is_cut);

	ret->style = *style;
	ret->unit_count = 0;
	ret->line_count = 0;
	if (!count)
		return;
	memset(levels, 0, count);
	memcpy(shaped, text, count * sizeof(text[0]));
	if (bidi_is_needed(text, count))
		bidi_shape(shaped, levels, count);
	make_units(ts, text, shaped, levels, count, ret);
	make_lines(ts, ret, width, max_lines, is_cut);
}

/* What was gathered of one font goes out. */
static void flush(struct typesetter *ts, const struct text *text, int face,
		  const uint16_t *run, size_t *count)
{
	if (*count)
		pdf_add_run(ts->pdf, fonts_handle(ts->fonts, face),
			    text->style.size, run, *count);
	*count = 0;
}

static void draw_note(struct typesetter *ts, const struct text *text,
		      uint32_t c)
{
	uint16_t note[NOTE_CHARS];
	size_t len = note_text(c, note);
	int face = fonts_find(ts->fonts, text->style.weight, '[');

	ts->has_notes = true;
	if (face >= 0)
		pdf_add_run(ts->pdf, fonts_handle(ts->fonts, face),
			    text->style.size, note, len);
}

void typeset_draw_line(struct typesetter *ts, const struct text *text,
		       unsigned line, float x, float y)
{
	const struct text_unit *units = text->units + text->lines[line].first;
	size_t count = text->lines[line].count, i, run_count = 0;
	uint16_t order[BIDI_MAX_LENGTH + 1], run[BIDI_MAX_LENGTH + 1];
	uint8_t levels[BIDI_MAX_LENGTH + 1];
	int face = -1;

	if (!count)
		return;
	for (i = 0; i < count; i++)
		levels[i] = units[i].level;
	bidi_order(levels, count, order);
	pdf_begin_text(ts->pdf, text->style.ink, x, y);
	for (i = 0; i < count; i++) {
		const struct text_unit *unit = &units[order[i]];

		if (unit->face != face)
			flush(ts, text, face, run, &run_count);
		face = unit->face;
		if (face < 0)
			draw_note(ts, text, unit->c);
		else
			run[run_count++] = (uint16_t)unit->c;
	}
	flush(ts, text, face, run, &run_count);
}

float typeset_put(struct typesetter *ts, struct str from,
		  const struct text_style *style, float width, float x,
		  float y)
{
	struct text text;

	typeset(ts, from, style, width, 1, &text);
	if (!text.line_count)
		return 0;
	typeset_draw_line(ts, &text, 0, x, y);
	return text.lines[0].width;
}

void typeset_put_right(struct typesetter *ts, struct str from,
		       const struct text_style *style, float width,
		       float right, float y)
{
	struct text text;

	typeset(ts, from, style, width, 1, &text);
	if (text.line_count)
		typeset_draw_line(ts, &text, 0, right - text.lines[0].width,
				  y);
}
