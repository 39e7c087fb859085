/*
 * search.c: text folded for searching, and questions for FTS5.
 *
 * Scripts that are written without spaces (Chinese, Japanese, Thai …) give one
 * word per character; a run of them asked for as a phrase finds any substring.
 */
#include "order/search.h"

#include "order/fold_table.h"

#include "base/banned.h"

enum kind { OTHER, LETTER, SINGLE, MARK };

struct reader {
	const char *at, *end;
};

/* Letters and digits in lower case, and nothing else. */
static const char ascii_folded[0x80] = {
	['0'] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
	['A'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
	'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
	['a'] = 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm',
	'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z',
};

static bool is_in(uint32_t c, const struct range *ranges, size_t count)
{
	size_t low = 0;

	while (count > 0) {
		const struct range *middle = &ranges[low + count / 2];

		if (c < middle->first) {
			count /= 2;
		} else if (c > middle->last) {
			low += count / 2 + 1;
			count -= count / 2 + 1;
		} else {
			return true;
		}
	}
	return false;
}

/* Thai and Lao, Myanmar, Khmer; Hangul letters, kana, Han, Hangul syllables. */
static bool is_single(uint32_t c)
{
	static const struct range singles[] = {
		{ 0xe00, 0xeff },     { 0x1000, 0x109f },   { 0x1100, 0x11ff },
		{ 0x1780, 0x17ff },   { 0x3005, 0x3007 },   { 0x3031, 0x3035 },
		{ 0x3041, 0x318f },   { 0x31a0, 0x31ff },   { 0x3400, 0x4dbf },
		{ 0x4e00, 0x9fff },   { 0xac00, 0xd7ff },   { 0xf900, 0xfaff },
		{ 0x1b000, 0x1b16f }, { 0x20000, 0x3ffff },
	};

	return c >= 0xe00 && is_in(c, singles, ARRAY_LEN(singles));
}

static enum kind kind_of(uint32_t c)
{
	if (c < 0x80)
		return ascii_folded[c] ? LETTER : OTHER;
	if (is_in(c, words, ARRAY_LEN(words)))
		return is_single(c) ? SINGLE : LETTER;
	return is_in(c, marks, ARRAY_LEN(marks)) ? MARK : OTHER;
}

/* U+FF01 to U+FF5E are ASCII in full width, U+FF66 to U+FF9D kana in half. */
static uint32_t usual_width(uint32_t c)
{
	if (c >= 0xff01 && c <= 0xff5e)
		return c - 0xfee0;
	if (c >= 0xff66 && c <= 0xff9d)
		return full_width_kana[c - 0xff66];
	return c;
}

/*
 * A kana and a sound mark that follows it (combining, or in half width) are one
 * character: in both syllabaries it comes right behind the plain one.
 */
static uint32_t voiced(uint32_t c, uint32_t mark)
{
	uint32_t in_row = c >= 0x30a1 ? c - 0x60 : c; /* as hiragana */
	bool ha_row = in_row >= 0x306f && in_row <= 0x307b &&
		      (in_row - 0x306f) % 3 == 0;

	if (mark == 0x309a || mark == 0xff9f)
		return ha_row ? c + 2 : c;
	if (in_row == 0x3046)
		return c + 0x4e;
	if (ha_row ||
	    (in_row >= 0x304b && in_row <= 0x3061 && (in_row & 1) == 1) ||
	    in_row == 0x3064 || in_row == 0x3066 || in_row == 0x3068)
		return c + 1;
	return c;
}

static bool is_sound_mark(uint32_t c)
{
	return c == 0x3099 || c == 0x309a || c == 0xff9e || c == 0xff9f;
}

static uint32_t next_character(struct reader *from)
{
	const char *behind;
	uint32_t c, mark;

	if ((unsigned char)*from->at < 0x80)	/* nearly always */
		return (unsigned char)*from->at++;
	c = usual_width(utf8_next(&from->at, from->end));
	behind = from->at;
	if (c < 0x3041 || c > 0x30ff || from->at == from->end)
		return c;
	mark = utf8_next(&behind, from->end);
	if (!is_sound_mark(mark))
		return c;
	from->at = behind;
	return voiced(c, mark);
}

static void add_utf8(struct buf *to, uint32_t c)
{
	if (c < 0x80) {
		buf_add_char(to, (char)c);
	} else if (c < 0x800) {
		buf_add_char(to, (char)(0xc0 | c >> 6));
		buf_add_char(to, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_add_char(to, (char)(0xe0 | c >> 12));
		buf_add_char(to, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(to, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_add_char(to, (char)(0xf0 | c >> 18));
		buf_add_char(to, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_add_char(to, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(to, (char)(0x80 | (c & 0x3f)));
	}
}

static void add_folded(struct buf *to, uint32_t c)
{
	const struct fold_rest *rest = fold_rests;
	uint32_t first = c;

	if (c < 0x80) {
		buf_add_char(to, ascii_folded[c]);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(fold_blocks); i++)
		if (c >= fold_blocks[i].first && c <= fold_blocks[i].last)
			first = fold_blocks[i].to[c - fold_blocks[i].first];
	add_utf8(to, first);
	if (first == c)
		return;
	while (rest < fold_rests + ARRAY_LEN(fold_rests) && rest->from != c)
		rest++;
	for (size_t i = 0; rest < fold_rests + ARRAY_LEN(fold_rests) &&
			   i < ARRAY_LEN(rest->to) && rest->to[i];
	     i++)
		add_utf8(to, rest->to[i]);
}

/* ASCII up to the end of its word: nearly all there is. */
static void add_ascii(struct buf *to, struct reader *from)
{
	size_t left = (size_t)(from->end - from->at), bytes = 0;

	while (bytes < left && (unsigned char)from->at[bytes] < 0x80 &&
	       ascii_folded[(unsigned char)from->at[bytes]])
		bytes++;
	if (buf_has_room(to, bytes)) {
		for (size_t i = 0; i < bytes; i++)
			to->ptr[to->len + i] =
				ascii_folded[(unsigned char)from->at[i]];
		to->len += bytes;
		to->ptr[to->len] = '\0';
	}
	from->at += bytes;
}

void search_fold(struct str text, struct buf *to)
{
	struct reader from = { text.ptr, text.ptr + text.len };
	enum kind before = OTHER; /* of what was before, marks apart */
	bool first = true;

	while (from.at < from.end) {
		uint32_t c;
		enum kind kind;

		if (before == LETTER)
			add_ascii(to, &from);
		if (from.at == from.end)
			break;
		c = next_character(&from);
		kind = kind_of(c);
		if (kind == MARK)
			continue;
		if (kind != OTHER) {
			if (!first && (kind == SINGLE || before != LETTER))
				buf_add_char(to, ' ');
			add_folded(to, c);
			first = false;
		}
		before = kind;
	}
}

/*
 * Words are letters and digits only, inside double quotes, so nothing in them
 * is an operator: "red"* AND "sho"* AND "手 机". The star makes a prefix.
 */
bool search_fts5_query(struct str text, struct buf *to)
{
	struct reader from = { text.ptr, text.ptr + text.len };
	enum kind before = OTHER;
	bool first = true;

	while (from.at < from.end) {
		uint32_t c = next_character(&from);
		enum kind kind = kind_of(c);

		if (kind == MARK)
			continue;
		if (kind != before && before != OTHER)
			buf_add_text(to, before == LETTER ? "\"*" : "\"");
		if (kind != before && kind != OTHER)
			buf_add_text(to, first ? "\"" : " AND \"");
		else if (kind == SINGLE)
			buf_add_char(to, ' ');
		if (kind != OTHER) {
			add_folded(to, c);
			first = false;
		}
		before = kind;
	}
	if (before != OTHER)
		buf_add_text(to, before == LETTER ? "\"*" : "\"");
	return !first;
}
