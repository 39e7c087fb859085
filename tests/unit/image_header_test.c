/*
 * image_header_test.c: is a picture told by its bytes, and by nothing beyond
 * them?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "recognition/image_header.h"

#include "base/banned.h"

#define PNG "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
#define RIFF "RIFF\xff\0\0\0WEBP"
#define FRAME "\0\x0b\x08\x01\x02\x03\x04"	/* 258 high, 772 wide */

/* In a block of just its size: AddressSanitizer sees its end. */
static bool read_header(struct str bytes, struct image_header *ret)
{
	char *copy = malloc(bytes.len ? bytes.len : 1);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, bytes.ptr, bytes.len);
	ok = image_header_read((struct str){ copy, bytes.len }, ret);
	free(copy);
	return ok;
}

static void assert_is(struct str bytes, const char *type, const char *ending,
		      uint32_t width, uint32_t height)
{
	struct image_header header;

	assert_true(read_header(bytes, &header));
	assert_string_equal(header.media_type, type);
	assert_string_equal(header.ending, ending);
	assert_int_equal(header.width, width);
	assert_int_equal(header.height, height);
	/* and nothing shorter is, down to where its figures are */
	for (size_t len = 0; len < bytes.len; len++)
		assert_false(read_header((struct str){ bytes.ptr, len },
					 &header));
}

static void a_jpeg_has_its_first_frame(void **state)
{
	(void)state;
	assert_is(STR("\xff\xd8\xff\xc0" FRAME), "image/jpeg", "jpg", 772, 258);
	assert_is(STR("\xff\xd8\xff\xe0\0\4ab\xff\xfe\0\2\xff\xff\xff\xc2" FRAME),
		  "image/jpeg", "jpg", 772, 258);
	/* DHT and DAC are no frames */
	assert_is(STR("\xff\xd8\xff\xc4\0\4ab\xff\xcc\0\2\xff\xcf" FRAME),
		  "image/jpeg", "jpg", 772, 258);
}

static void a_png_has_its_first_chunk(void **state)
{
	(void)state;
	assert_is(STR(PNG "\0\0\1\2\0\0\3\4"), "image/png", "png", 258, 772);
	assert_is(STR(PNG "\xff\xff\xff\xff\0\0\0\0"), "image/png", "png",
		  4294967295u, 0);
}

static void a_webp_is_lossy_lossless_or_extended(void **state)
{
	(void)state;
	assert_is(STR(RIFF "VP8 \0\0\0\0abc\x9d\x01\x2a\x02\x41\x04\x83"),
		  "image/webp", "webp", 258, 772);
	/* 14 bits of width - 1, 14 of height - 1 */
	assert_is(STR(RIFF "VP8L\0\0\0\0\x2f\x01\xc1\xc0\0" "12345"),
		  "image/webp", "webp", 258, 772);
	assert_is(STR(RIFF "VP8X\0\0\0\0" "1234" "\1\1\0\3\3\0"), "image/webp",
		  "webp", 258, 772);
}

static void anything_else_is_no_picture(void **state)
{
	static const struct str bad[] = {
		{ "", 0 },
		{ "GIF89a..........................", 32 },
		{ "<svg xmlns='http://www.w3.org/2000/svg'/>", 40 },
		{ "%PDF-1.7........................", 32 },
		{ "\x89PNG\r\n\x1a\n\0\0\0\rIDAT\0\0\1\2\0\0\3\4", 24 },
		{ "\x89PNG\n\x1a\n\0\0\0\rIHDR\0\0\1\2\0\0\3\4.", 24 },
		{ RIFF "VP8Z\0\0\0\0" "1234" "\1\1\0\3\3\0", 30 },
		{ RIFF "VP8 \0\0\0\0abc\x9d\x01\x2b\x02\x41\x04\x83", 30 },
		{ RIFF "VP8L\0\0\0\0\x2e\x01\x81\xc0\0" "12345", 30 },
		{ "RIFF\xff\0\0\0WAVEVP8X..................", 34 },
		/* a scan, an end, a segment of nothing, no marker, all fill */
		{ "\xff\xd8\xff\xda\0\4ab\xff\xc0" FRAME, 17 },
		{ "\xff\xd8\xff\xd9\0\4ab\xff\xc0" FRAME, 17 },
		{ "\xff\xd8\xff\xe0\0\1\xff\xc0" FRAME, 15 },
		{ "\xff\xd8\xff\xe0\0\4abc\xff\xc0" FRAME, 18 },
		{ "\xff\xd8\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12 },
		{ "\xff\xd8\xff\xe0\xff\xff" "abcdefgh", 14 },
		{ "\xff\xd8\xff\xc0\0\7\x08\x01\x02\x03\x04", 11 },
		{ "\xff\xd8\xfe\xc0" FRAME, 11 },
	};
	struct image_header header;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (read_header(bad[i], &header))
			fail_msg("input %zu is a picture", i);
}

static enum error_code check_png(uint32_t width, uint32_t height)
{
	char bytes[] = PNG "wwwwhhhh";
	struct image_header header;
	struct error err;

	for (int i = 0; i < 4; i++) {
		bytes[16 + i] = (char)(width >> (24 - 8 * i));
		bytes[20 + i] = (char)(height >> (24 - 8 * i));
	}
	error_init(&err);
	return image_header_check((struct str){ bytes, 24 }, &header, &err) ?
		       ERROR_NONE : err.code;
}

static void sides_and_pixels_have_limits(void **state)
{
	(void)state;
	assert_int_equal(check_png(16, 16), ERROR_NONE);
	assert_int_equal(check_png(12000, 3333), ERROR_NONE);
	assert_int_equal(check_png(8000, 5000), ERROR_NONE);
	assert_int_equal(check_png(15, 16), ERROR_INVALID);
	assert_int_equal(check_png(16, 15), ERROR_INVALID);
	assert_int_equal(check_png(12001, 16), ERROR_INVALID);
	assert_int_equal(check_png(16, 12001), ERROR_INVALID);
	assert_int_equal(check_png(8000, 5001), ERROR_INVALID);
}

static void what_is_no_picture_is_an_unsupported_type(void **state)
{
	struct image_header header;
	struct error err;

	(void)state;
	error_init(&err);
	assert_false(image_header_check(STR("GIF89a"), &header, &err));
	assert_int_equal(err.code, ERROR_UNSUPPORTED_TYPE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_jpeg_has_its_first_frame),
		cmocka_unit_test(a_png_has_its_first_chunk),
		cmocka_unit_test(a_webp_is_lossy_lossless_or_extended),
		cmocka_unit_test(anything_else_is_no_picture),
		cmocka_unit_test(sides_and_pixels_have_limits),
		cmocka_unit_test(what_is_no_picture_is_an_unsupported_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
