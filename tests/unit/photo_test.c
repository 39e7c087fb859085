/*
 * photo_test.c: do photos come out as they went in, upright and no larger than
 * wanted, and is what is no photo refused for the right reason?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include <jpeglib.h>
#include <png.h>
#include <webp/encode.h>

#include "recognition/photo.h"

#include "base/banned.h"

static struct error err;
static struct photo seen;

/* Four quarters: red and green above, blue and white below. */
static uint8_t *quarters(uint32_t width, uint32_t height)
{
	static const uint8_t colours[4][3] = {
		{ 220, 0, 0 }, { 0, 220, 0 }, { 0, 0, 220 }, { 255, 255, 255 },
	};
	uint8_t *rgb = malloc((size_t)width * height * 3);
	uint8_t *pixel = rgb;

	assert_non_null(rgb);
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++, pixel += 3)
			memcpy(pixel, colours[(y >= height / 2) * 2 +
					      (x >= width / 2)], 3);
	return rgb;
}

/* "RGBW": the quarters' colours from the upper left on. */
static const char *layout(const struct photo *photo)
{
	static char text[5];

	for (uint32_t i = 0; i < 4; i++) {
		uint32_t x = photo->width * (1 + 2 * (i % 2)) / 4;
		uint32_t y = photo->height * (1 + 2 * (i / 2)) / 4;
		const uint8_t *at = photo->rgb +
				    ((size_t)y * photo->width + x) * 3;

		text[i] = at[0] > 150 && at[1] > 150 ? 'W' :
			  at[0] > 150 ? 'R' : at[1] > 150 ? 'G' :
			  at[2] > 150 ? 'B' : '?';
	}
	return text;
}

static bool decode(struct str bytes)
{
	char *copy = malloc(bytes.len ? bytes.len : 1);
	bool ok;

	assert_non_null(copy);
	memcpy(copy, bytes.ptr, bytes.len);
	photo_free(&seen);
	error_init(&err);
	ok = photo_decode((struct str){ copy, bytes.len }, &seen, &err);
	free(copy);
	return ok;
}

static void assert_refused(struct str bytes, enum error_code code)
{
	assert_false(decode(bytes));
	assert_int_equal(err.code, code);
	assert_null(seen.rgb);
}

static struct str encode(uint32_t width, uint32_t height)
{
	struct photo photo = { .rgb = quarters(width, height),
			       .width = width, .height = height };
	struct str made;

	error_init(&err);
	assert_true(photo_encode(&photo, &made, &err));
	free(photo.rgb);
	return made;
}

static void release(struct str made)
{
	free((void *)(uintptr_t)made.ptr);
}

static void a_photo_comes_out_as_it_went_in(void **state)
{
	struct str made = encode(64, 48);

	(void)state;
	assert_true(decode(made));
	assert_int_equal(seen.width, 64);
	assert_int_equal(seen.height, 48);
	assert_false(seen.damaged);
	assert_string_equal(layout(&seen), "RGBW");
	release(made);
}

static void every_orientation_becomes_upright(void **state)
{
	static const char *const layouts[] = {
		"RGBW", "GRWB", "WBGR", "BWRG", "RBGW", "BRWG", "WGBR", "GWRB",
	};
	struct str made = encode(64, 48);
	char bytes[16384];

	(void)state;
	assert_true(made.len + 36 < sizeof(bytes));
	for (unsigned i = 1; i <= 8; i++) {
		static const char exif[] =
			"\xff\xe1\0\x22" "Exif\0\0MM\0*\0\0\0\x08\0\1"
			"\1\x12\0\3\0\0\0\1\0\0\0\0\0\0\0\0";

		memcpy(bytes, made.ptr, 2);
		memcpy(bytes + 2, exif, 36);
		bytes[2 + 29] = (char)i;
		memcpy(bytes + 38, made.ptr + 2, made.len - 2);
		assert_true(decode((struct str){ bytes, made.len + 36 }));
		assert_int_equal(seen.width, i < 5 ? 64 : 48);
		assert_string_equal(layout(&seen), layouts[i - 1]);
	}
	release(made);
}

static void a_photo_cut_short_is_damaged(void **state)
{
	struct str made = encode(256, 256);

	(void)state;
	assert_true(decode((struct str){ made.ptr, made.len * 2 / 3 }));
	assert_true(seen.damaged);
	release(made);
}

static void a_large_photo_shrinks(void **state)
{
	struct str made = encode(5200, 64);

	(void)state;
	assert_true(decode(made));
	assert_int_equal(seen.width, 1300);
	assert_int_equal(seen.height, 16);
	assert_string_equal(layout(&seen), "RGBW");
	release(made);
}

static struct str png_of(png_image *image, const void *pixels,
			 char *space, size_t size)
{
	png_alloc_size_t bytes = size;

	image->version = PNG_IMAGE_VERSION;
	assert_true(png_image_write_to_memory(image, space, &bytes, 0, pixels,
					      0, NULL));
	return (struct str){ space, bytes };
}

static void a_png_is_read_in_rows(void **state)
{
	static char space[256 * KIB];
	uint8_t *rgb = quarters(5200, 66);
	png_image image = { .width = 64, .height = 48,
			    .format = PNG_FORMAT_RGB };
	uint8_t *small = quarters(64, 48);

	(void)state;
	assert_true(decode(png_of(&image, small, space, sizeof(space))));
	assert_string_equal(layout(&seen), "RGBW");
	assert_int_equal(seen.width, 64);
	image.width = 5200;
	image.height = 66;
	assert_true(decode(png_of(&image, rgb, space, sizeof(space))));
	assert_int_equal(seen.width, 1733);
	assert_int_equal(seen.height, 22);
	assert_string_equal(layout(&seen), "RGBW");
	free(rgb);
	free(small);
}

static void transparency_is_white_and_sixteen_bits_are_eight(void **state)
{
	static char space[256 * KIB];
	static uint8_t clear[32 * 32 * 4];
	static uint16_t grey[32 * 32];
	png_image image = { .width = 32, .height = 32,
			    .format = PNG_FORMAT_RGBA };

	(void)state;
	assert_true(decode(png_of(&image, clear, space, sizeof(space))));
	assert_int_equal(seen.rgb[0], 255);
	memset(grey, 0xff, sizeof(grey));
	image.format = PNG_FORMAT_LINEAR_Y;
	assert_true(decode(png_of(&image, grey, space, sizeof(space))));
	assert_int_equal(seen.rgb[0], 255);
	assert_int_equal(seen.rgb[32 * 32 * 3 - 1], 255);
}

static void a_png_cut_short_or_changed_is_refused(void **state)
{
	static char space[256 * KIB];
	uint8_t *rgb = quarters(64, 48);
	png_image image = { .width = 64, .height = 48,
			    .format = PNG_FORMAT_RGB };
	struct str png = png_of(&image, rgb, space, sizeof(space));

	(void)state;
	assert_refused((struct str){ png.ptr, png.len / 2 }, ERROR_INVALID);
	space[png.len / 2] ^= 0x55;
	assert_refused(png, ERROR_INVALID);
	free(rgb);
}

static void a_webp_is_read(void **state)
{
	uint8_t *rgb = quarters(2600, 64), *bytes;
	size_t len = WebPEncodeRGB(rgb, 2600, 64, 2600 * 3, 80, &bytes);

	(void)state;
	assert_true(len > 0);
	assert_true(decode((struct str){ (char *)bytes, len }));
	assert_int_equal(seen.width, 1300);
	assert_int_equal(seen.height, 32);
	assert_string_equal(layout(&seen), "RGBW");
	assert_refused((struct str){ (char *)bytes, len / 2 }, ERROR_INVALID);
	WebPFree(bytes);
	free(rgb);
}

static void a_webp_that_moves_is_refused(void **state)
{
	static const char moving[] =
		"RIFF\x2c\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x1f\0\0\x1f\0\0"
		"ANIM\6\0\0\0\0\0\0\0\0\0";

	(void)state;
	assert_refused((struct str){ moving, sizeof(moving) - 1 },
		       ERROR_UNSUPPORTED_TYPE);
}

/* Writes a JPEG by libjpeg itself, as photo_encode never would. */
static struct str odd_jpeg(int components, J_COLOR_SPACE colours,
			   const jpeg_scan_info *scans, int scan_count)
{
	static uint8_t pixels[32 * 32 * 4];
	struct jpeg_compress_struct out;
	struct jpeg_error_mgr errors;
	unsigned char *bytes = NULL;
	unsigned long len = 0;

	out.err = jpeg_std_error(&errors);
	jpeg_create_compress(&out);
	jpeg_mem_dest(&out, &bytes, &len);
	out.image_width = out.image_height = 32;
	out.input_components = components;
	out.in_color_space = colours;
	jpeg_set_defaults(&out);
	out.scan_info = scans;
	out.num_scans = scan_count;
	jpeg_start_compress(&out, TRUE);
	while (out.next_scanline < 32) {
		JSAMPROW row = pixels + out.next_scanline * 32u *
					(unsigned)components;

		jpeg_write_scanlines(&out, &row, 1);
	}
	jpeg_finish_compress(&out);
	jpeg_destroy_compress(&out);
	return (struct str){ (char *)bytes, len };
}

static void cmyk_is_refused(void **state)
{
	struct str made = odd_jpeg(4, JCS_CMYK, NULL, 0);

	(void)state;
	assert_refused(made, ERROR_UNSUPPORTED_TYPE);
	release(made);
}

static void grey_is_read(void **state)
{
	struct str made = odd_jpeg(1, JCS_GRAYSCALE, NULL, 0);

	(void)state;
	assert_true(decode(made));
	assert_int_equal(seen.rgb[2], 0);
	release(made);
}

static void many_scans_are_refused_and_some_are_not(void **state)
{
	jpeg_scan_info scans[1 + 3 * 63];
	int count = 0;
	struct str made;

	(void)state;
	scans[count++] = (jpeg_scan_info){ 3, { 0, 1, 2 }, 0, 0, 0, 0 };
	for (int component = 0; component < 3; component++)
		for (int at = 1; at <= 63; at++)
			scans[count++] = (jpeg_scan_info){
				1, { component }, at, at, 0, 0 };
	made = odd_jpeg(3, JCS_RGB, scans, count);
	assert_refused(made, ERROR_UNSUPPORTED_TYPE);
	release(made);
	made = odd_jpeg(3, JCS_RGB, scans, 1 + 63);
	assert_true(decode(made));
	release(made);
}

static void what_is_no_photo_is_refused(void **state)
{
	(void)state;
	assert_refused(STR(""), ERROR_UNSUPPORTED_TYPE);
	assert_refused(STR("<svg xmlns='http://www.w3.org/2000/svg'/>"),
		       ERROR_UNSUPPORTED_TYPE);
	/* sides that only the header has */
	assert_refused(STR("\xff\xd8\xff\xc0\0\x0b\x08\xff\xdc\xff\xdc\1\1\x11\0"),
		       ERROR_INVALID);
	assert_refused(STR("\xff\xd8\xff\xc0\0\x0b\x08\0\x20\0\x20\1\1\x11\0"),
		       ERROR_INVALID);
}

static int forget(void **state)
{
	(void)state;
	photo_free(&seen);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_photo_comes_out_as_it_went_in),
		cmocka_unit_test(every_orientation_becomes_upright),
		cmocka_unit_test(a_photo_cut_short_is_damaged),
		cmocka_unit_test(a_large_photo_shrinks),
		cmocka_unit_test(a_png_is_read_in_rows),
		cmocka_unit_test(
			transparency_is_white_and_sixteen_bits_are_eight),
		cmocka_unit_test(a_png_cut_short_or_changed_is_refused),
		cmocka_unit_test(a_webp_is_read),
		cmocka_unit_test(a_webp_that_moves_is_refused),
		cmocka_unit_test(cmyk_is_refused),
		cmocka_unit_test(grey_is_read),
		cmocka_unit_test(many_scans_are_refused_and_some_are_not),
		cmocka_unit_test(what_is_no_photo_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, forget);
}
