/*
 * photo.c: which decoder, and what they share.
 */
#include "recognition/photo.h"

#include "recognition/image_header.h"
#include "recognition/photo_strip.h"

#include "base/banned.h"

bool photo_make(struct photo *ret, uint32_t width, uint32_t height,
		struct error *err)
{
	*ret = (struct photo){ .width = width, .height = height };
	ret->rgb = malloc((size_t)width * height * 3);
	return ret->rgb || error_set(err, ERROR_TOO_LARGE,
				     "there is not enough memory for it");
}

void photo_free(struct photo *photo)
{
	free(photo->rgb);
	photo->rgb = NULL;
}

uint32_t photo_divisor(uint32_t width, uint32_t height)
{
	uint32_t side = width > height ? width : height;

	return (side + PHOTO_MAX_SIDE - 1) / PHOTO_MAX_SIDE;
}

void photo_put_on_white(const uint8_t *rgba, uint32_t width, uint8_t *rgb)
{
	for (uint32_t x = 0; x < width; x++, rgba += 4, rgb += 3)
		for (int c = 0; c < 3; c++)
			rgb[c] = (uint8_t)((rgba[c] * rgba[3] +
					    255 * (255 - rgba[3]) + 127) / 255);
}

/*
 * Exif 2.32, 4.6.4, A: what the stored rows and columns are of the upright
 * picture. 2, 4, 5 and 7 are mirrored; from 5 on rows are columns.
 */
static bool turn(struct photo *photo, unsigned orientation, struct error *err)
{
	bool swap = orientation >= 5;
	bool mirror = orientation == 2 || orientation == 3 ||
		      orientation == 7 || orientation == 8;
	bool flip = orientation == 3 || orientation == 4 ||
		    orientation == 6 || orientation == 7;
	uint32_t w = photo->width, h = photo->height;
	struct photo to;
	uint8_t *pixel;

	if (orientation < 2)
		return true;
	if (!photo_make(&to, swap ? h : w, swap ? w : h, err))
		return false;
	to.damaged = photo->damaged;
	pixel = to.rgb;
	for (uint32_t y = 0; y < to.height; y++)
		for (uint32_t x = 0; x < to.width; x++, pixel += 3) {
			uint32_t column = swap ? y : x, row = swap ? x : y;

			column = mirror ? w - 1 - column : column;
			row = flip ? h - 1 - row : row;
			memcpy(pixel, photo->rgb + ((size_t)row * w + column) *
						   3, 3);
		}
	photo_free(photo);
	*photo = to;
	return true;
}

bool photo_decode(struct str bytes, struct photo *ret, struct error *err)
{
	struct image_header header;
	unsigned orientation;
	bool ok;

	*ret = (struct photo){ 0 };
	if (!image_header_check(bytes, &header, err))
		return false;
	if (!strcmp(header.ending, "jpg"))
		ok = decode_jpeg(bytes, ret, err);
	else if (!strcmp(header.ending, "png"))
		ok = decode_png(bytes, ret, err);
	else
		ok = decode_webp(bytes, ret, err);
	(void)photo_strip(bytes, NULL, &orientation);
	if (ok && turn(ret, orientation, err))
		return true;
	photo_free(ret);
	return false;
}
