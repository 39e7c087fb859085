/*
 * font_file_test.c: is a font's table of characters read right, and a broken
 * one without harm?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "report/font_file.h"

#include "base/banned.h"

#define FONT "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"

static uint8_t coverage[FONT_COVERAGE_BYTES];

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

struct segment {
	unsigned start, end, delta, offset;
};

/* A cmap table with one format 4 subtable, and `glyphs` behind it. */
static struct str make_cmap(uint8_t *to, const struct segment *segments,
			    unsigned count, const unsigned *glyphs,
			    unsigned glyph_count)
{
	uint8_t *table = to + 12;
	unsigned bytes = 16 + 8 * count + 2 * glyph_count;

	memset(to, 0, 12 + bytes);
	put16(to + 2, 1);
	put16(to + 4, 3);
	put16(to + 6, 1);
	put16(to + 10, 12);
	put16(table, 4);
	put16(table + 2, bytes);
	put16(table + 6, count * 2);
	for (unsigned i = 0; i < count; i++) {
		put16(table + 14 + 2 * i, segments[i].end);
		put16(table + 16 + 2 * (count + i), segments[i].start);
		put16(table + 16 + 2 * (2 * count + i), segments[i].delta);
		put16(table + 16 + 2 * (3 * count + i), segments[i].offset);
	}
	for (unsigned i = 0; i < glyph_count; i++)
		put16(table + 16 + 8 * count + 2 * i, glyphs[i]);
	return (struct str){ (char *)to, 12 + bytes };
}

static unsigned covered(void)
{
	unsigned count = 0;

	for (unsigned c = 0; c < 65536; c++)
		count += font_covers(coverage, (uint16_t)c);
	return count;
}

static bool read_cmap(struct str cmap)
{
	memset(coverage, 0, sizeof(coverage));
	return font_cmap_coverage(cmap, 100, coverage);
}

static void characters_with_a_glyph_are_covered(void **state)
{
	static const struct segment segments[] = {
		{ 0x20, 0x2f, (unsigned)-0x1f & 0xffff, 0 }, /* glyphs 1 to 16 */
		{ 0x41, 0x43, 0, 4 },		/* the glyphs below */
		{ 0xffff, 0xffff, 1, 0 },
	};
	static const unsigned glyphs[] = { 7, 0, 9 };
	uint8_t bytes[256];

	(void)state;
	assert_true(read_cmap(make_cmap(bytes, segments, 3, glyphs, 3)));
	assert_true(font_covers(coverage, 0x20));
	assert_true(font_covers(coverage, 0x2f));
	assert_false(font_covers(coverage, 0x1f));
	assert_false(font_covers(coverage, 0x30));
	assert_true(font_covers(coverage, 0x41));
	assert_false(font_covers(coverage, 0x42));
	assert_true(font_covers(coverage, 0x43));
	assert_int_equal(covered(), 18);
}

static void glyphs_that_do_not_exist_cover_nothing(void **state)
{
	static const struct segment segments[] = {
		{ 0x20, 0x40, 90 - 0x20, 0 },	/* glyphs 90 to 122 of 100 */
		{ 0xffff, 0xffff, 1, 0 },
	};
	uint8_t bytes[256];

	(void)state;
	assert_true(read_cmap(make_cmap(bytes, segments, 2, NULL, 0)));
	assert_int_equal(covered(), 10);
}

static void what_points_outside_the_table_covers_nothing(void **state)
{
	static const struct segment segments[] = {
		{ 0x20, 0xfffe, 0, 0xfffe }, { 0xffff, 0xffff, 1, 0 },
	};
	uint8_t bytes[256];

	(void)state;
	assert_true(read_cmap(make_cmap(bytes, segments, 2, NULL, 0)));
	assert_int_equal(covered(), 0);
}

static void a_table_cut_anywhere_does_no_harm(void **state)
{
	static const struct segment segments[] = {
		{ 0x20, 0x2f, 0, 4 }, { 0xffff, 0xffff, 1, 0 },
	};
	static const unsigned glyphs[] = { 1, 2, 3, 4 };
	uint8_t bytes[256];
	struct str whole = make_cmap(bytes, segments, 2, glyphs, 4);

	(void)state;
	for (size_t len = 0; len <= whole.len; len++) {
		/* A block of just this size: sanitizers see its end. */
		char *copy = malloc(len ? len : 1);

		memcpy(copy, whole.ptr, len);
		read_cmap((struct str){ copy, len });
		free(copy);
	}
	assert_true(font_covers(coverage, 0x23));
}

static void random_tables_do_no_harm(void **state)
{
	unsigned seed = 7;
	uint8_t bytes[200];

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1103515245 + 12345;
			bytes[i] = (uint8_t)(seed >> 20 & seed >> 9);
		}
		memcpy(bytes, "\0\0\0\1\0\3\0\1\0\0\0\14\0\4", 14);
		read_cmap((struct str){ (char *)bytes, sizeof(bytes) });
	}
	assert_false(read_cmap((struct str){ (char *)bytes, 12 }));
}

static void a_table_of_another_encoding_is_refused(void **state)
{
	static const struct segment segments[] = { { 0xffff, 0xffff, 1, 0 } };
	uint8_t bytes[64];
	struct str cmap = make_cmap(bytes, segments, 1, NULL, 0);

	(void)state;
	put16(bytes + 4, 1);		/* Macintosh */
	assert_false(read_cmap(cmap));
	put16(bytes + 4, 3);
	put16(bytes + 6, 10);		/* UCS-4 */
	assert_false(read_cmap(cmap));
	put16(bytes + 6, 1);
	put16(bytes + 12, 12);		/* format 12 */
	assert_false(read_cmap(cmap));
}

static void an_installed_font_covers_what_it_has(void **state)
{
	bool is_collection;

	(void)state;
	if (access(FONT, R_OK))
		skip();
	assert_true(font_file_coverage(FONT, coverage, &is_collection));
	assert_false(is_collection);
	assert_true(font_covers(coverage, 'A'));
	assert_true(font_covers(coverage, 0x3a9));
	assert_true(font_covers(coverage, 0x5d0));
	assert_false(font_covers(coverage, 0x4e2d));
	assert_false(font_covers(coverage, 0xffff));
}

static void what_is_no_font_is_refused(void **state)
{
	bool is_collection;

	(void)state;
	assert_false(font_file_coverage("/nonexistent", coverage,
					&is_collection));
	assert_false(font_file_coverage("/", coverage, &is_collection));
	assert_false(font_file_coverage("/etc/passwd", coverage,
					&is_collection));
	assert_int_equal(covered(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_with_a_glyph_are_covered),
		cmocka_unit_test(glyphs_that_do_not_exist_cover_nothing),
		cmocka_unit_test(what_points_outside_the_table_covers_nothing),
		cmocka_unit_test(a_table_cut_anywhere_does_no_harm),
		cmocka_unit_test(random_tables_do_no_harm),
		cmocka_unit_test(a_table_of_another_encoding_is_refused),
		cmocka_unit_test(an_installed_font_covers_what_it_has),
		cmocka_unit_test(what_is_no_font_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
