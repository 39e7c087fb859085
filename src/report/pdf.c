/*
 * pdf.c: what the report needs of libharu.
 */
#include <hpdf.h>
#include <hpdf_font.h>
#include <hpdf_fontdef.h>
#include <hpdf_streams.h>

#include "report/pdf.h"

#include "base/banned.h"

#define MAX_FONTS 64
#define RUN_CHARS 256
#define MAX_COMPONENTS 32u
#define MAX_COMPONENT_DEPTH 6u

struct pdf {
	HPDF_Doc doc;
	HPDF_Font fonts[MAX_FONTS];
	bool standard[MAX_FONTS];
	int font_count;
	HPDF_Page *pages;
	unsigned page_count, page_room;
	HPDF_Page page;			/* the selected one */
	float x, y;			/* of the text begun */
	bool placed;
	/* Operators are what libharu spends its time on: none is written that
	 * changes nothing. */
	bool in_text;
	int ink, font;			/* -1: unknown */
	float size;
	bool no_memory;
	char *bytes;
};

bool pdf_new(struct pdf **ret, struct error *err)
{
	struct pdf *pdf = calloc(1, sizeof(*pdf));

	if (!pdf)
		return error_cause(err, ERROR_INTERNAL, "pdf: no memory");
	pdf->doc = HPDF_New(NULL, NULL);
	if (!pdf->doc) {
		free(pdf);
		return error_cause(err, ERROR_INTERNAL, "pdf: no memory");
	}
	HPDF_SetCompressionMode(pdf->doc, HPDF_COMP_ALL);
	HPDF_UseUTFEncodings(pdf->doc);
	HPDF_SetCurrentEncoder(pdf->doc, "UTF-8");
	*ret = pdf;
	return true;
}

void pdf_free(struct pdf *pdf)
{
	if (!pdf)
		return;
	HPDF_Free(pdf->doc);
	free(pdf->pages);
	free(pdf->bytes);
	free(pdf);
}

void pdf_set_info(struct pdf *pdf, const struct pdf_info *info)
{
	int offset = abs(info->offset_minutes);
	HPDF_Date date = {
		.year = info->year, .month = info->month, .day = info->day,
		.hour = info->hour, .minutes = info->minute,
		.ind = info->offset_minutes < 0 ? '-' :
		       info->offset_minutes > 0 ? '+' : 'Z',
		.off_hour = offset / 60, .off_minutes = offset % 60,
	};

	HPDF_SetInfoAttr(pdf->doc, HPDF_INFO_TITLE, info->title);
	HPDF_SetInfoAttr(pdf->doc, HPDF_INFO_AUTHOR, info->author);
	HPDF_SetInfoAttr(pdf->doc, HPDF_INFO_CREATOR, "ordermill");
	HPDF_SetInfoDateAttr(pdf->doc, HPDF_INFO_CREATION_DATE, date);
}

static int keep_font(struct pdf *pdf, HPDF_Font font, bool standard)
{
	/* An unusable font is not the document's fault; want of memory is. */
	if (!font && HPDF_GetError(pdf->doc) != HPDF_FAILD_TO_ALLOC_MEM)
		HPDF_ResetError(pdf->doc);
	if (!font)
		return -1;
	pdf->fonts[pdf->font_count] = font;
	pdf->standard[pdf->font_count] = standard;
	return pdf->font_count++;
}

int pdf_load_font(struct pdf *pdf, const char *path, bool is_collection)
{
	const char *name;
	HPDF_Font font = NULL;

	if (pdf->font_count == MAX_FONTS ||
	    HPDF_GetError(pdf->doc) != HPDF_OK)
		return -1;
	name = is_collection ?
	       HPDF_LoadTTFontFromFile2(pdf->doc, path, 0, HPDF_TRUE) :
	       HPDF_LoadTTFontFromFile(pdf->doc, path, HPDF_TRUE);
	if (name)
		font = HPDF_GetFont(pdf->doc, name, "UTF-8");
	return keep_font(pdf, font, false);
}

int pdf_standard_font(struct pdf *pdf, const char *name)
{
	if (pdf->font_count == MAX_FONTS)
		return -1;
	return keep_font(pdf, HPDF_GetFont(pdf->doc, name, "WinAnsiEncoding"),
			 true);
}

unsigned char pdf_standard_byte(uint16_t c)
{
	/* 0x80 to 0x9f of Windows-1252 */
	static const uint16_t upper[32] = {
		0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
		0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0,
		0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
		0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178,
	};
	unsigned i;

	if ((c >= 0x20 && c < 0x7f) || (c >= 0xa0 && c <= 0xff))
		return (unsigned char)c;
	for (i = 0; i < 32 && c; i++)
		if (upper[i] == c)
			return (unsigned char)(0x80 + i);
	return 0;
}

/* A run as libharu wants it; returns its end. */
static char *encode(char *to, uint16_t c, bool standard)
{
	if (standard) {
		*to++ = (char)pdf_standard_byte(c);
	} else if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3f));
	} else {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	return to;
}

static unsigned get16(const HPDF_BYTE *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* The bytes of a glyph, or its first ones; 0 when it has none. */
static size_t read_glyph(HPDF_TTFontDefAttr font, unsigned glyph,
			 HPDF_BYTE *ret, size_t max_bytes)
{
	unsigned unit = font->header.index_to_loc_format ? 1 : 2;
	HPDF_UINT32 start = font->glyph_tbl.offsets[glyph] * unit;
	HPDF_UINT32 end = font->glyph_tbl.offsets[glyph + 1] * unit;
	HPDF_UINT bytes;

	if (end <= start)
		return 0;
	bytes = end - start < max_bytes ? end - start : (HPDF_UINT)max_bytes;
	if (HPDF_Stream_Seek(font->stream,
			     (HPDF_INT)(font->glyph_tbl.base_offset + start),
			     HPDF_SEEK_SET) != HPDF_OK ||
	    HPDF_Stream_Read(font->stream, ret, &bytes) != HPDF_OK)
		return 0;
	return bytes;
}

/* The glyphs that a composite one is made of (OpenType, "glyf"). */
static size_t read_components(HPDF_TTFontDefAttr font, unsigned glyph,
			      unsigned ret[MAX_COMPONENTS])
{
	HPDF_BYTE bytes[10 + MAX_COMPONENTS * 16];
	size_t size = read_glyph(font, glyph, bytes, sizeof(bytes));
	size_t at = 10, count = 0;
	unsigned flags = 0x20;

	if (size < 10 || !(bytes[0] & 0x80))
		return 0;
	while (flags & 0x20 && at + 4 <= size && count < MAX_COMPONENTS) {
		flags = get16(bytes + at);
		ret[count++] = get16(bytes + at + 2);
		at += flags & 0x01 ? 8 : 6;
		at += flags & 0x08 ? 2 : flags & 0x40 ? 4 : flags & 0x80 ? 8 : 0;
	}
	return count;
}

/*
 * libharu embeds the parts of a composite glyph, but neither the parts of those
 * nor any with a number above 32767: letters would come without their accents,
 * Chinese characters in pieces. So they are marked as used from here.
 */
static void use_components(HPDF_TTFontDefAttr font, unsigned glyph,
			   unsigned depth)
{
	unsigned components[MAX_COMPONENTS];
	size_t count = read_components(font, glyph, components), i;

	for (i = 0; i < count; i++) {
		if (components[i] >= font->num_glyphs)
			continue;
		font->glyph_tbl.flgs[components[i]] = 1;
		if (depth < MAX_COMPONENT_DEPTH)
			use_components(font, components[i], depth + 1);
	}
}

unsigned pdf_char_width(struct pdf *pdf, int font, uint16_t c)
{
	int width = HPDF_Font_GetUnicodeWidth(pdf->fonts[font], c);
	HPDF_FontDef def = ((HPDF_FontAttr)pdf->fonts[font]->attr)->fontdef;
	unsigned glyph;

	if (!pdf->standard[font]) {
		glyph = HPDF_TTFontDef_GetGlyphid(def, c);
		if (glyph < ((HPDF_TTFontDefAttr)def->attr)->num_glyphs)
			use_components(def->attr, glyph, 0);
	}
	return width > 0 ? (unsigned)width : 0;
}

unsigned pdf_page_count(const struct pdf *pdf)
{
	return pdf->page_count;
}

/* libharu itself goes on after an error, into memory that it did not get. */
static bool can_draw(const struct pdf *pdf)
{
	return pdf->page && HPDF_GetError(pdf->doc) == HPDF_OK;
}

static void end_text(struct pdf *pdf)
{
	if (pdf->in_text && can_draw(pdf))
		HPDF_Page_EndText(pdf->page);
	pdf->in_text = false;
}

static void select_page(struct pdf *pdf, HPDF_Page page)
{
	end_text(pdf);
	pdf->page = page;
	pdf->ink = pdf->font = -1;
}

static bool make_room(struct pdf *pdf)
{
	unsigned room = pdf->page_room ? pdf->page_room * 2 : 16;
	HPDF_Page *pages;

	if (pdf->page_count < pdf->page_room)
		return true;
	pages = realloc(pdf->pages, room * sizeof(*pages));
	if (!pages)
		return false;
	pdf->pages = pages;
	pdf->page_room = room;
	return true;
}

void pdf_add_page(struct pdf *pdf)
{
	if (!make_room(pdf))
		pdf->no_memory = true;
	select_page(pdf, NULL);
	if (pdf->no_memory || HPDF_GetError(pdf->doc) != HPDF_OK)
		return;
	pdf->page = HPDF_AddPage(pdf->doc);
	if (!pdf->page)
		return;
	HPDF_Page_SetSize(pdf->page, HPDF_PAGE_SIZE_A4, HPDF_PAGE_PORTRAIT);
	pdf->pages[pdf->page_count++] = pdf->page;
}

void pdf_select_page(struct pdf *pdf, unsigned index)
{
	select_page(pdf, pdf->pages[index]);
}

static void set_ink(struct pdf *pdf, enum pdf_ink ink)
{
	static const float colors[][3] = {
		[INK_TEXT] = { 0.13f, 0.15f, 0.17f },
		[INK_MUTED] = { 0.42f, 0.44f, 0.47f },
		[INK_RULE] = { 0.86f, 0.86f, 0.84f },
		[INK_BAR] = { 0.25f, 0.43f, 0.65f },
		[INK_WARNING] = { 0.62f, 0.24f, 0.12f },
	};

	if (pdf->ink != (int)ink)
		HPDF_Page_SetRGBFill(pdf->page, colors[ink][0],
				     colors[ink][1], colors[ink][2]);
	pdf->ink = (int)ink;
}

void pdf_begin_text(struct pdf *pdf, enum pdf_ink ink, float x, float y)
{
	if (!can_draw(pdf))
		return;
	if (!pdf->in_text)
		HPDF_Page_BeginText(pdf->page);
	pdf->in_text = true;
	set_ink(pdf, ink);
	pdf->x = x;
	pdf->y = y;
	pdf->placed = false;
}

static void set_font(struct pdf *pdf, int font, float size)
{
	if (pdf->font == font && !(pdf->size < size) && !(pdf->size > size))
		return;
	HPDF_Page_SetFontAndSize(pdf->page, pdf->fonts[font], size);
	pdf->font = font;
	pdf->size = size;
}

void pdf_add_run(struct pdf *pdf, int font, float size, const uint16_t *text,
		 size_t count)
{
	char bytes[RUN_CHARS * 3 + 1], *end = bytes;
	size_t i;

	if (!can_draw(pdf) || !count)
		return;
	if (count > RUN_CHARS) {
		pdf_add_run(pdf, font, size, text, RUN_CHARS);
		pdf_add_run(pdf, font, size, text + RUN_CHARS,
			    count - RUN_CHARS);
		return;
	}
	for (i = 0; i < count; i++)
		end = encode(end, text[i], pdf->standard[font]);
	*end = '\0';
	set_font(pdf, font, size);
	if (!pdf->placed)
		HPDF_Page_TextOut(pdf->page, pdf->x, pdf->y, bytes);
	else
		HPDF_Page_ShowText(pdf->page, bytes);
	pdf->placed = true;
}

void pdf_add_bar(struct pdf *pdf, enum pdf_ink ink, float x, float y,
		 float width, float height)
{
	if (!can_draw(pdf))
		return;
	end_text(pdf);
	set_ink(pdf, ink);
	HPDF_Page_Rectangle(pdf->page, x, y, width, height);
	HPDF_Page_Fill(pdf->page);
}

/* A thin bar: one operator less than a line, and no line state. */
void pdf_add_rule(struct pdf *pdf, enum pdf_ink ink, float thickness, float x,
		  float y, float width)
{
	pdf_add_bar(pdf, ink, x, y, width, thickness);
}

bool pdf_ok(const struct pdf *pdf, struct error *err)
{
	HPDF_STATUS code = HPDF_GetError(pdf->doc);

	if (pdf->no_memory)
		return error_cause(err, ERROR_INTERNAL, "pdf: no memory");
	if (code != HPDF_OK)
		return error_cause(err, ERROR_INTERNAL,
				   "libharu: error 0x%lx, detail %lu",
				   (unsigned long)code,
				   (unsigned long)HPDF_GetErrorDetail(pdf->doc));
	return true;
}

bool pdf_save(struct pdf *pdf, struct str *ret, struct error *err)
{
	static const char end[] = "%%EOF\n";
	HPDF_UINT32 size;

	end_text(pdf);
	if (!pdf_ok(pdf, err))
		return false;
	HPDF_SaveToStream(pdf->doc);
	if (!pdf_ok(pdf, err))
		return false;
	size = HPDF_GetStreamSize(pdf->doc);
	free(pdf->bytes);
	pdf->bytes = malloc(size + 1);
	if (!pdf->bytes)
		return error_cause(err, ERROR_INTERNAL, "pdf: no memory");
	HPDF_ResetStream(pdf->doc);
	HPDF_ReadFromStream(pdf->doc, (HPDF_BYTE *)pdf->bytes, &size);
	if (!pdf_ok(pdf, err))
		return false;
	/* libharu ends the file with %%EOF and LF or CR LF. */
	if (size < sizeof(end) || !memmem(pdf->bytes + size - 8, 8, end, 5))
		return error_cause(err, ERROR_INTERNAL,
				   "libharu: the file has no end");
	*ret = (struct str){ pdf->bytes, size };
	return true;
}
