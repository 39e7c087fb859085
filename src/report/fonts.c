/*
 * fonts.c: finds installed fonts, ranks them, and chooses by character.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "report/font_file.h"
#include "report/fonts.h"

#include "base/banned.h"

#define MAX_FACES 250u		/* face + 1 must fit a byte below NO_FACE */
#define MAX_DEPTH 6u
#define MAX_PATH_BYTES 1024u
#define UNKNOWN 0u
#define NO_FACE 255u
#define UNMEASURED 0xffffu

struct face {
	char *path;		/* NULL: a standard font */
	unsigned rank;
	bool was_read, is_usable, is_collection;
	int handle;		/* -1: not yet given to libharu */
	uint8_t *coverage;
	uint16_t *widths;
};

struct fonts {
	struct pdf *pdf;
	struct face faces[MAX_FACES];
	unsigned count;
	int standard[2];	/* faces of Helvetica and Helvetica-Bold */
	uint8_t choice[2][65536];
};

/* Text fonts first, for a report in one face as far as it goes; then those with
 * the most of East Asia; then whatever there is. */
static const char *const preferred[] = {
	"DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf",
	"FreeSans.ttf", "Lato-Regular.ttf", "DroidSansFallbackFull.ttf",
	"DroidSansFallback.ttf", "wqy-microhei.ttc", "wqy-zenhei.ttc",
	"uming.ttc", "TakaoPGothic.ttf", "ipagp.ttf", "NanumGothic.ttf",
};
static const char *const preferred_bold[] = {
	"DejaVuSans-Bold.ttf", "NotoSans-Bold.ttf", "LiberationSans-Bold.ttf",
	"FreeSansBold.ttf", "Lato-Bold.ttf",
};
/* Of the others, these come last. */
static const char *const styled[] = {
	"Bold", "Italic", "Oblique", "Light", "Thin", "Black", "Mono",
	"Condensed", "Serif", "Math",
};

#define RANK_BOLD 100u		/* of the preferred bold ones */
#define RANK_PLAIN 200u
#define RANK_STYLED 300u

static unsigned rank_of(const char *name)
{
	unsigned i;

	for (i = 0; i < ARRAY_LEN(preferred); i++)
		if (!strcmp(name, preferred[i]))
			return i;
	for (i = 0; i < ARRAY_LEN(preferred_bold); i++)
		if (!strcmp(name, preferred_bold[i]))
			return RANK_BOLD + i;
	for (i = 0; i < ARRAY_LEN(styled); i++)
		if (strstr(name, styled[i]))
			return RANK_STYLED;
	return RANK_PLAIN;
}

static int compare_faces(const void *a, const void *b)
{
	const struct face *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(x->path, y->path);
}

static bool is_font_name(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && (!strcasecmp(name + len - 4, ".ttf") ||
			   !strcasecmp(name + len - 4, ".ttc"));
}

static void search_folder(struct fonts *fonts, const char *folder,
			  unsigned depth)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	/* Two places are kept for the standard fonts. */
	while (dir && fonts->count < MAX_FACES - 2 && (entry = readdir(dir))) {
		char path[MAX_PATH_BYTES];
		struct stat st;

		if (entry->d_name[0] == '.' ||
		    (size_t)snprintf(path, sizeof(path), "%s/%s", folder,
				     entry->d_name) >= sizeof(path))
			continue;
		/* Packages link fonts from other places, folders they do
		 * not. */
		if (entry->d_type == DT_DIR && depth < MAX_DEPTH)
			search_folder(fonts, path, depth + 1);
		else if (is_font_name(entry->d_name) && !stat(path, &st) &&
			 S_ISREG(st.st_mode))
			fonts->faces[fonts->count++] = (struct face){
				.path = strdup(path), .handle = -1,
				.rank = rank_of(entry->d_name),
			};
	}
	if (dir)
		closedir(dir);
}

static int add_standard(struct fonts *fonts, const char *name)
{
	struct face *face = &fonts->faces[fonts->count];
	unsigned c;

	*face = (struct face){
		.was_read = true, .is_usable = true,
		.handle = pdf_standard_font(fonts->pdf, name),
		.coverage = calloc(1, FONT_COVERAGE_BYTES),
	};
	for (c = 0x20; face->coverage && c < 0x10000; c++)
		if (pdf_standard_byte((uint16_t)c))
			face->coverage[c >> 3] |= (uint8_t)(1u << (c & 7));
	return (int)fonts->count++;
}

bool fonts_open(struct fonts **ret, struct pdf *pdf, const char *folder,
		struct error *err)
{
	struct fonts *fonts = calloc(1, sizeof(*fonts));

	if (!fonts)
		return error_cause(err, ERROR_INTERNAL, "fonts: no memory");
	fonts->pdf = pdf;
	search_folder(fonts, folder, 0);
	qsort(fonts->faces, fonts->count, sizeof(fonts->faces[0]),
	      compare_faces);
	fonts->standard[FONT_REGULAR] = fonts->standard[FONT_BOLD] = -1;
	*ret = fonts;
	return true;
}

void fonts_close(struct fonts *fonts)
{
	unsigned i;

	if (!fonts)
		return;
	for (i = 0; i < fonts->count; i++) {
		free(fonts->faces[i].path);
		free(fonts->faces[i].coverage);
		free(fonts->faces[i].widths);
	}
	free(fonts);
}

static bool covers(struct face *face, uint16_t c)
{
	if (!face->was_read) {
		face->was_read = true;
		face->coverage = malloc(FONT_COVERAGE_BYTES);
		face->is_usable = face->path && face->coverage &&
				  font_file_coverage(face->path,
						     face->coverage,
						     &face->is_collection);
	}
	return face->is_usable && font_covers(face->coverage, c);
}

static bool load(struct fonts *fonts, struct face *face)
{
	unsigned c;

	if (face->handle < 0)
		face->handle = pdf_load_font(fonts->pdf, face->path,
					     face->is_collection);
	if (!face->widths) {
		face->widths = malloc(65536 * sizeof(*face->widths));
		for (c = 0; face->widths && c < 65536; c++)
			face->widths[c] = UNMEASURED;
	}
	face->is_usable = face->handle >= 0 && face->widths;
	return face->is_usable;
}

static int search(struct fonts *fonts, unsigned first_rank,
		  unsigned last_rank, uint16_t c)
{
	unsigned i;

	for (i = 0; i < fonts->count; i++) {
		struct face *face = &fonts->faces[i];

		if (face->path && face->rank >= first_rank &&
		    face->rank <= last_rank && covers(face, c) &&
		    load(fonts, face))
			return (int)i;
	}
	return -1;
}

/* Helvetica, when nothing better has a Latin character. */
static int search_standard(struct fonts *fonts, enum font_weight weight,
			   uint16_t c)
{
	static const char *const names[] = { "Helvetica", "Helvetica-Bold" };

	if (!pdf_standard_byte(c))
		return -1;
	if (fonts->standard[weight] < 0)
		fonts->standard[weight] = add_standard(fonts, names[weight]);
	return load(fonts, &fonts->faces[fonts->standard[weight]]) ?
	       fonts->standard[weight] : -1;
}

static int choose(struct fonts *fonts, enum font_weight weight, uint16_t c)
{
	int face = -1;

	/* Private use: an icon font's idea of it is not the writer's. */
	if (c >= 0xe000 && c <= 0xf8ff)
		return -1;
	if (weight == FONT_BOLD)
		face = search(fonts, RANK_BOLD, RANK_PLAIN - 1, c);
	if (face < 0)
		face = search(fonts, 0, RANK_BOLD - 1, c);
	if (face < 0)
		face = search_standard(fonts, weight, c);
	if (face < 0)
		face = search(fonts, RANK_BOLD, UINT32_MAX, c);
	return face;
}

int fonts_find(struct fonts *fonts, enum font_weight weight, uint32_t c)
{
	uint8_t *known;

	if (c > 0xffff)
		return -1;
	known = &fonts->choice[weight][c];
	if (*known == UNKNOWN) {
		int face = choose(fonts, weight, (uint16_t)c);

		*known = (uint8_t)(face < 0 ? NO_FACE : (unsigned)face + 1);
	}
	return *known == NO_FACE ? -1 : *known - 1;
}

int fonts_handle(const struct fonts *fonts, int face)
{
	return fonts->faces[face].handle;
}

unsigned fonts_width(struct fonts *fonts, int face, uint16_t c)
{
	struct face *f = &fonts->faces[face];

	if (f->widths[c] == UNMEASURED)
		f->widths[c] = (uint16_t)pdf_char_width(fonts->pdf, f->handle,
							c);
	return f->widths[c];
}
