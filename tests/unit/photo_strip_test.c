/*
 * photo_strip_test.c: is what a photo tells beside the picture gone, and the
 * picture whole?
 */
#include "recognition/photo_strip.h"
#include "test_arena.h"

#include "base/banned.h"

#define JFIF "\xff\xe0\0\x07JFIF\0"
#define TIFF_6 "MM\0*\0\0\0\x08\0\2\1\0\0\3\0\0\0\1\0\1\0\0" \
	       "\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0GPS"
#define TIFF_6_LITTLE "II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"
#define EXIF "\xff\xe1\0\x31" "Exif\0\0" TIFF_6
#define ONLY_6 "\xff\xe1\0\x22" "Exif\0\0MM\0*\0\0\0\x08\0\1" \
	       "\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
#define XMP "\xff\xe1\0\x09http://"
#define TABLES "\xff\xdb\0\4ab\xff\xc0\0\x0b\x08\0\x10\0\x10\1\1\x11\0"
#define SCAN "\xff\xda\0\4ab" "data\xff\0more\xff\xd0rest\xff\xff"

#define PNG "\x89PNG\r\n\x1a\n"
#define CHUNK(type, data, size) "\0\0\0" size type data "CRC4"
#define IHDR CHUNK("IHDR", "wwwwhhhh12345", "\x0d")
#define IDAT CHUNK("IDAT", "pixel", "\x05")
#define IEND CHUNK("IEND", "", "\0")

#define VP8X "VP8X\x0a\0\0\0"
#define VP8 "VP8 \4\0\0\0pixl"

static unsigned orientation;

/* In a block of just its size: AddressSanitizer sees its end. */
static bool strip(struct str photo, struct buf *to)
{
	char *copy = malloc(photo.len ? photo.len : 1);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, photo.ptr, photo.len);
	buf_init(to, arena, photo.len + PHOTO_STRIP_MORE_BYTES);
	ok = photo_strip((struct str){ copy, photo.len }, to, &orientation);
	free(copy);
	assert_true(buf_ok(to));
	return ok;
}

static void assert_becomes(struct str photo, struct str expected)
{
	struct buf to;

	assert_true(strip(photo, &to));
	assert_int_equal(to.len, expected.len);
	assert_memory_equal(to.ptr, expected.ptr, expected.len);
}

static void a_jpeg_keeps_its_picture_and_how_it_was_held(void **state)
{
	(void)state;
	assert_becomes(STR("\xff\xd8" JFIF EXIF XMP "\xff\xfe\0\6note" TABLES
			   SCAN "\xff\xc4\0\4ab" SCAN "\xff\xd9"),
		       STR("\xff\xd8" JFIF ONLY_6 TABLES SCAN
			   "\xff\xc4\0\4ab" SCAN "\xff\xd9"));
	assert_int_equal(orientation, 6);
	/* twice is said once */
	assert_becomes(STR("\xff\xd8" EXIF EXIF TABLES SCAN "\xff\xd9"),
		       STR("\xff\xd8" ONLY_6 TABLES SCAN "\xff\xd9"));
}

static void upright_needs_no_exif(void **state)
{
	(void)state;
	assert_becomes(STR("\xff\xd8\xff\xe1\0\x22" "Exif\0\0MM\0*\0\0\0\x08\0\1"
			   "\1\x12\0\3\0\0\0\1\0\1\0\0\0\0\0\0" TABLES SCAN
			   "\xff\xd9"),
		       STR("\xff\xd8" TABLES SCAN "\xff\xd9"));
	assert_int_equal(orientation, 1);
}

static void colours_stay_as_meant(void **state)
{
	(void)state;
	assert_becomes(STR("\xff\xd8\xff\xe2\0\x10ICC_PROFILE\0ab"
			   "\xff\xe2\0\6MPF\0" "\xff\xee\0\7Adobe"
			   "\xff\xee\0\6Othr" TABLES SCAN "\xff\xd9"),
		       STR("\xff\xd8\xff\xe2\0\x10ICC_PROFILE\0ab"
			   "\xff\xee\0\7Adobe" TABLES SCAN "\xff\xd9"));
}

static void what_hangs_behind_the_end_goes(void **state)
{
	(void)state;
	assert_becomes(STR("\xff\xd8" TABLES SCAN "\xff\xd9PK\3\4 a zip"),
		       STR("\xff\xd8" TABLES SCAN "\xff\xd9"));
	assert_becomes(STR(PNG IHDR IDAT IEND "<script>"),
		       STR(PNG IHDR IDAT IEND));
}

static void a_png_keeps_picture_and_colours(void **state)
{
	(void)state;
	assert_becomes(STR(PNG IHDR CHUNK("gAMA", "1234", "\4")
			   CHUNK("tEXt", "Author\0me", "\x09")
			   CHUNK("eXIf", TIFF_6, "\x29")
			   CHUNK("acTL", "12345678", "\x08") IDAT
			   CHUNK("zTXt", "bomb", "\4") IDAT IEND),
		       STR(PNG IHDR CHUNK("gAMA", "1234", "\4") IDAT IDAT
			   IEND));
	assert_int_equal(orientation, 6);
}

static void a_webp_keeps_picture_and_says_that_no_exif_is_there(void **state)
{
	(void)state;
	assert_becomes(STR("RIFF\x50\0\0\0WEBP" VP8X "\x3e\0\0\0wwwhhh" VP8
			   "EXIF\x1a\0\0\0" TIFF_6_LITTLE "XMP \3\0\0\0abc\0"),
		       STR("RIFF\x22\0\0\0WEBP" VP8X "\x32\0\0\0wwwhhh" VP8));
	assert_int_equal(orientation, 6);
	assert_becomes(STR("RIFF\x50\0\0\0WEBP" VP8
			   "EXIF\x20\0\0\0Exif\0\0" TIFF_6_LITTLE),
		       STR("RIFF\x10\0\0\0WEBP" VP8));
	assert_int_equal(orientation, 6);
}

static void a_picture_cut_short_is_stripped_all_the_same(void **state)
{
	(void)state;
	assert_becomes(STR("\xff\xd8" EXIF TABLES "\xff\xda\0\4ab" "data"),
		       STR("\xff\xd8" ONLY_6 TABLES "\xff\xda\0\4ab" "data"));
	assert_becomes(STR("\xff\xd8" TABLES "\xff\xda\0\4ab" "da\xff"),
		       STR("\xff\xd8" TABLES "\xff\xda\0\4ab" "da\xff"));
	assert_becomes(STR(PNG IHDR CHUNK("IDAT", "pix", "\x55")),
		       STR(PNG IHDR CHUNK("IDAT", "pix", "\x55")));
	assert_becomes(STR("RIFF\x50\0\0\0WEBPVP8 \x44\0\0\0pix"),
		       STR("RIFF\x0f\0\0\0WEBPVP8 \x44\0\0\0pix"));
}

static void what_does_not_add_up_is_refused(void **state)
{
	static const struct str bad[] = {
		{ "", 0 },
		{ "GIF89a......", 12 },
		{ "\xff\xd8\xff", 3 },
		{ "\xff\xd8\xff\xd9", 4 },
		{ "\xff\xd8" TABLES "\xff\xd9", 21 },
		{ "\xff\xd8\xff\xe1\0\1..", 8 },
		{ "\xff\xd8\xff\xe1\xff\xff..", 8 },
		{ "\xff\xd8 no marker", 12 },
		{ PNG, 8 },
		{ PNG IHDR, 33 },
		{ PNG CHUNK("tEXt", "", "\x55") IDAT, 37 },
		{ "RIFF\4\0\0\0WEBP", 12 },
		{ "RIFF\4\0\0\0WEBPEXIF\0\0\0\0", 20 },
		{ "RIFF\4\0\0\0WAVEVP8 \0\0\0\0", 20 },
	};
	struct buf to;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (strip(bad[i], &to))
			fail_msg("input %zu is taken", i);
}

static void an_orientation_that_is_none_is_upright(void **state)
{
	static const struct str tiffs[] = {
		{ "", 0 },
		{ "MM\0*\0\0\0\x08", 8 },
		{ "MM\0*\xff\xff\xff\xff\0\1", 10 },
		{ "MM\0*\0\0\0\x08\xff\xff\1\x12\0\3", 14 },
		{ "MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x09\0\0", 22 },
		{ "MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\0\0\0", 22 },
		{ "XX\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0", 22 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tiffs); i++) {
		struct buf photo, to;

		buf_init(&photo, arena, 4 * KIB);
		buf_add(&photo, "\xff\xd8\xff\xe1\0", 5);
		buf_add_char(&photo, (char)(8 + tiffs[i].len));
		buf_add(&photo, "Exif\0\0", 6);
		buf_add_str(&photo, tiffs[i]);
		buf_add_str(&photo, STR(TABLES SCAN "\xff\xd9"));
		assert_true(strip(buf_str(&photo), &to));
		assert_int_equal(orientation, 1);
		assert_int_equal(to.len, 2 + sizeof(TABLES SCAN) - 1 + 2);
	}
}

static uint32_t next_number(uint32_t *state)
{
	return (*state = *state * 1664525u + 1013904223u) >> 8;
}

/* Whatever is done to a photo, nothing beyond its end is looked at, and the
 * result is never longer than it may be. */
static void a_mutated_photo_stays_within_its_bounds(void **state)
{
	const struct str photos[] = {
		STR("\xff\xd8" JFIF EXIF XMP TABLES SCAN SCAN "\xff\xd9"),
		STR(PNG IHDR CHUNK("eXIf", TIFF_6, "\x29") IDAT IEND),
		STR("RIFF\x50\0\0\0WEBP" VP8X "\x3e\0\0\0wwwhhh" VP8
		    "EXIF\x1a\0\0\0" TIFF_6_LITTLE "XMP \3\0\0\0abc\0"),
	};
	uint32_t random = 1;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct str photo = photos[i % ARRAY_LEN(photos)];
		char bytes[512];
		struct buf to;

		memcpy(bytes, photo.ptr, photo.len);
		for (unsigned n = 1 + i % 4; n; n--)
			bytes[8 + next_number(&random) % (photo.len - 8)] =
				(char)(n & 1 ? 0xff : next_number(&random));
		(void)strip((struct str){ bytes, photo.len -
			    next_number(&random) % 9 }, &to);
		arena_reset(arena);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_jpeg_keeps_its_picture_and_how_it_was_held),
		TEST(upright_needs_no_exif),
		TEST(colours_stay_as_meant),
		TEST(what_hangs_behind_the_end_goes),
		TEST(a_png_keeps_picture_and_colours),
		TEST(a_webp_keeps_picture_and_says_that_no_exif_is_there),
		TEST(a_picture_cut_short_is_stripped_all_the_same),
		TEST(what_does_not_add_up_is_refused),
		TEST(an_orientation_that_is_none_is_upright),
		TEST(a_mutated_photo_stays_within_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
