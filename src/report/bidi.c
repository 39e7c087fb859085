/*
 * bidi.c: what the report needs of fribidi.
 */
#include <fribidi.h>

#include "report/bidi.h"

#include "base/banned.h"

bool bidi_is_needed(const uint32_t *text, size_t count)
{
	size_t i;

	/* Hebrew to Arabic Extended-A, and their presentation forms */
	for (i = 0; i < count; i++)
		if ((text[i] >= 0x590 && text[i] <= 0x8ff) ||
		    (text[i] >= 0xfb1d && text[i] <= 0xfdff) ||
		    (text[i] >= 0xfe70 && text[i] <= 0xfefc) ||
		    (text[i] >= 0x10800 && text[i] <= 0x10fff) ||
		    (text[i] >= 0x1e800 && text[i] <= 0x1efff))
			return true;
	return false;
}

void bidi_shape(uint32_t *text, uint8_t *levels, size_t count)
{
	FriBidiCharType types[BIDI_MAX_LENGTH];
	FriBidiBracketType brackets[BIDI_MAX_LENGTH];
	FriBidiLevel embedding[BIDI_MAX_LENGTH];
	FriBidiArabicProp joining[BIDI_MAX_LENGTH];
	FriBidiParType direction = FRIBIDI_PAR_ON;
	int len = (int)count;
	size_t i;

	memset(levels, 0, count);
	fribidi_get_bidi_types(text, len, types);
	fribidi_get_bracket_types(text, len, types, brackets);
	/* 0: no memory. The text is then shown as it is. */
	if (!fribidi_get_par_embedding_levels_ex(types, brackets, len,
						 &direction, embedding))
		return;
	fribidi_get_joining_types(text, len, joining);
	fribidi_join_arabic(types, len, embedding, joining);
	fribidi_shape(FRIBIDI_FLAGS_DEFAULT | FRIBIDI_FLAGS_ARABIC, embedding,
		      len, joining, text);
	for (i = 0; i < count; i++)
		levels[i] = (uint8_t)embedding[i];
}

static void reverse(uint16_t *order, size_t from, size_t to)
{
	while (from + 1 < to) {
		uint16_t first = order[from];

		order[from++] = order[--to];
		order[to] = first;
	}
}

void bidi_order(const uint8_t *levels, size_t count, uint16_t *ret)
{
	unsigned highest = 0, level;
	size_t i, start;

	for (i = 0; i < count; i++) {
		ret[i] = (uint16_t)i;
		if (levels[i] > highest)
			highest = levels[i];
	}
	for (level = highest; level > 0; level--)
		for (i = 0; i < count; i++) {
			start = i;
			while (i < count && levels[ret[i]] >= level)
				i++;
			reverse(ret, start, i);
		}
}

bool char_is_ignorable(uint32_t c)
{
	return c == 0xad || c == 0x34f || c == 0x61c || c == 0x180e ||
	       (c >= 0x180b && c <= 0x180d) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	       (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff ||
	       (c >= 0xe0000 && c <= 0xe0fff);
}

bool char_is_mark(uint32_t c)
{
	return fribidi_get_bidi_type(c) == FRIBIDI_TYPE_NSM;
}
