/*
 * font_file.h: what a TrueType file covers, read defensively.
 *
 * https://learn.microsoft.com/typography/opentype/spec/cmap
 */
#ifndef REPORT_FONT_FILE_H
#define REPORT_FONT_FILE_H

#include "base/str.h"

#define FONT_COVERAGE_BYTES 8192u	/* one bit for each of 65,536 characters */

/*
 * Sets a bit for each character that the font's table for Windows Unicode BMP
 * (platform 3, encoding 1, format 4: the one libharu reads) has a glyph for.
 * False when the file is not a TrueType font with outlines that may be
 * embedded, or is damaged.
 */
bool font_file_coverage(const char *path, uint8_t ret[FONT_COVERAGE_BYTES],
			bool *ret_is_collection);
/* The same of a cmap table in memory. */
bool font_cmap_coverage(struct str cmap, unsigned glyph_count,
			uint8_t ret[FONT_COVERAGE_BYTES]);

static inline bool font_covers(const uint8_t *coverage, uint16_t c)
{
	return coverage[c >> 3] >> (c & 7) & 1;
}

#endif
