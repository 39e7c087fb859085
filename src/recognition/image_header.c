/*
 * image_header.c: signatures and dimensions.
 */
#include "recognition/image_header.h"

#include "base/limits.h"
#include "base/banned.h"

static uint32_t big(const uint8_t *at, unsigned bytes)
{
	uint32_t value = 0;

	while (bytes--)
		value = value << 8 | *at++;
	return value;
}

static uint32_t little(const uint8_t *at, unsigned bytes)
{
	uint32_t value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

/* SOF0 to SOF15 without DHT, JPG and DAC, which share the range. */
static bool is_frame(uint8_t marker)
{
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 &&
	       marker != 0xc8 && marker != 0xcc;
}

static bool read_jpeg(const uint8_t *bytes, size_t len, struct image_header *ret)
{
	size_t at = 2;

	while (at + 9 <= len && bytes[at] == 0xff) {
		uint8_t marker = bytes[at + 1];
		size_t segment = big(bytes + at + 2, 2);

		if (marker == 0xff) {	/* fill byte */
			at++;
			continue;
		}
		if (is_frame(marker)) {
			ret->height = big(bytes + at + 5, 2);
			ret->width = big(bytes + at + 7, 2);
			return segment >= 8;
		}
		if (segment < 2 || marker == 0xda || marker == 0xd9)
			return false;
		at += 2 + segment;
	}
	return false;
}

static bool read_webp(const uint8_t *bytes, size_t len, struct image_header *ret)
{
	if (len < 30)
		return false;
	if (!memcmp(bytes + 12, "VP8 ", 4)) {
		ret->width = little(bytes + 26, 2) & 0x3fff;
		ret->height = little(bytes + 28, 2) & 0x3fff;
		return !memcmp(bytes + 23, "\x9d\x01\x2a", 3);
	}
	if (!memcmp(bytes + 12, "VP8L", 4)) {
		uint32_t bits = little(bytes + 21, 4);

		ret->width = (bits & 0x3fff) + 1;
		ret->height = (bits >> 14 & 0x3fff) + 1;
		return bytes[20] == 0x2f;
	}
	ret->width = little(bytes + 24, 3) + 1;
	ret->height = little(bytes + 27, 3) + 1;
	return !memcmp(bytes + 12, "VP8X", 4);
}

bool image_header_read(struct str image, struct image_header *ret)
{
	const uint8_t *bytes = (const uint8_t *)image.ptr;
	size_t len = image.len;

	*ret = (struct image_header){ 0 };
	if (len >= 4 && !memcmp(bytes, "\xff\xd8\xff", 3)) {
		ret->media_type = "image/jpeg";
		ret->ending = "jpg";
		return read_jpeg(bytes, len, ret);
	}
	if (len >= 24 && !memcmp(bytes, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16)) {
		ret->media_type = "image/png";
		ret->ending = "png";
		ret->width = big(bytes + 16, 4);
		ret->height = big(bytes + 20, 4);
		return true;
	}
	if (len >= 16 && !memcmp(bytes, "RIFF", 4) &&
	    !memcmp(bytes + 8, "WEBP", 4)) {
		ret->media_type = "image/webp";
		ret->ending = "webp";
		return read_webp(bytes, len, ret);
	}
	return false;
}

bool image_header_check(struct str image, struct image_header *ret,
			struct error *err)
{
	if (image.len > LIMIT_IMAGE_BODY_BYTES)
		return error_set(err, ERROR_TOO_LARGE,
				 "A photo may have at most %u bytes.",
				 LIMIT_IMAGE_BODY_BYTES);
	if (!image_header_read(image, ret))
		return error_set(err, ERROR_UNSUPPORTED_TYPE,
				 "The bytes are not a whole JPEG, PNG or WebP picture.");
	if (ret->width < IMAGE_MIN_SIDE || ret->height < IMAGE_MIN_SIDE ||
	    ret->width > IMAGE_MAX_SIDE || ret->height > IMAGE_MAX_SIDE ||
	    (uint64_t)ret->width * ret->height > IMAGE_MAX_PIXELS)
		return error_item(err, "/image", "out_of_range",
				  "The photo is %u x %u pixels. Each side takes %u to %u, both together 40 million.",
				  ret->width, ret->height, IMAGE_MIN_SIDE,
				  IMAGE_MAX_SIDE);
	return true;
}
