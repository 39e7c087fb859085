/*
 * bare_pdf.c: the reference: libharu alone drawing rows of six cells with an
 * embedded font, forty rows a page. Prints seconds.
 */
#include <hpdf.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
	int rows = argc > 2 ? atoi(argv[2]) : 10000;
	struct timespec a, b;
	char cell[64];

	if (argc < 2)
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &a);
	HPDF_Doc doc = HPDF_New(NULL, NULL);
	HPDF_SetCompressionMode(doc, HPDF_COMP_ALL);
	HPDF_UseUTFEncodings(doc);
	const char *name = HPDF_LoadTTFontFromFile(doc, argv[1], HPDF_TRUE);
	HPDF_Font font = HPDF_GetFont(doc, name, "UTF-8");
	HPDF_Page page = NULL;

	for (int row = 0; row < rows; row++) {
		if (row % 40 == 0) {
			page = HPDF_AddPage(doc);
			HPDF_Page_SetFontAndSize(page, font, 8);
		}
		for (int column = 0; column < 6; column++) {
			snprintf(cell, sizeof(cell), "row %d cell %d", row,
				 column);
			HPDF_Page_BeginText(page);
			HPDF_Page_TextOut(page, (HPDF_REAL)(40 + 90 * column),
					  (HPDF_REAL)(800 - row % 40 * 18),
					  cell);
			HPDF_Page_EndText(page);
		}
	}
	HPDF_SaveToStream(doc);
	HPDF_UINT32 size = HPDF_GetStreamSize(doc);
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (HPDF_GetError(doc) || size == 0)
		return 1;
	printf("%.4f\n", (double)(b.tv_sec - a.tv_sec) +
	       (double)(b.tv_nsec - a.tv_nsec) / 1e9);
	HPDF_Free(doc);
	return 0;
}
