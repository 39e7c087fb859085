/*
 * fonts.h: which installed font has a character.
 *
 * The folder is searched once for TrueType files (.ttf, .ttc). A file is read
 * for what it covers only when a character is looked for in it, and given to
 * libharu only when one was found there. Without any usable font: Helvetica.
 */
#ifndef REPORT_FONTS_H
#define REPORT_FONTS_H

#include "report/pdf.h"

struct fonts;

enum font_weight { FONT_REGULAR, FONT_BOLD };

bool fonts_open(struct fonts **ret, struct pdf *pdf, const char *folder,
		struct error *err) MUST_CHECK;
void fonts_close(struct fonts *fonts);

/* The face for a character, -1 when no font has it. */
int fonts_find(struct fonts *fonts, enum font_weight weight, uint32_t c);
/* The face's number for pdf_add_run. */
int fonts_handle(const struct fonts *fonts, int face);
/* In thousandths of the size. */
unsigned fonts_width(struct fonts *fonts, int face, uint16_t c);

#endif
