/*
 * bidi.h: right-to-left text: levels, joined letters, order on the line; the
 * only place that knows fribidi.
 */
#ifndef REPORT_BIDI_H
#define REPORT_BIDI_H

#include "base/str.h"

#define BIDI_MAX_LENGTH 640u

/* Whether the text needs any of this. */
bool bidi_is_needed(const uint32_t *text, size_t count);
/*
 * Joins Arabic letters (to presentation forms), mirrors brackets, and gives
 * each character its level (UAX #9). A ligature leaves BIDI_FILLER behind. At
 * most BIDI_MAX_LENGTH characters.
 */
void bidi_shape(uint32_t *text, uint8_t *levels, size_t count);
#define BIDI_FILLER 0xfeffu
/*
 * Order of a line's parts from left to right (UAX #9, L2). Right-to-left marks
 * come before their letter, where their glyphs, which take no width, belong.
 */
void bidi_order(const uint8_t *levels, size_t count, uint16_t *ret);
/* Takes no place and shows nothing: joiners, direction marks, selectors. */
bool char_is_ignorable(uint32_t c);
/* A mark that is drawn over the letter before it. */
bool char_is_mark(uint32_t c);

#endif
