/*
 * photo.h: a photo as pixels, and as a JPEG made anew from them.
 *
 * Decoders run on what strangers send: only in the recognizer's jail. Errors
 * say why: ERROR_UNSUPPORTED_TYPE (animation, CMYK, more than PHOTO_MAX_SCANS),
 * ERROR_TOO_LARGE (sides, or the memory there is), ERROR_INVALID (damaged).
 */
#ifndef RECOGNITION_PHOTO_H
#define RECOGNITION_PHOTO_H

#include "base/error.h"

/* A photo comes decoded at about this size, to which larger ones shrink. */
#define PHOTO_MAX_SIDE 2560u
#define PHOTO_MAX_SCANS 100
#define PHOTO_QUALITY 90

struct photo {
	uint8_t *rgb;		/* height rows of width * 3, malloc'ed */
	uint32_t width, height;
	bool damaged;		/* a part is missing or was guessed */
};

/* Upright: as the photo says it was held. */
bool photo_decode(struct str bytes, struct photo *ret,
		  struct error *err) MUST_CHECK;
/* As a baseline JPEG with nothing but the picture; `ret` is malloc'ed. */
bool photo_encode(const struct photo *photo, struct str *ret,
		  struct error *err) MUST_CHECK;
void photo_free(struct photo *photo);

/* Empty pixels of this size; ERROR_TOO_LARGE when memory ends. */
bool photo_make(struct photo *ret, uint32_t width, uint32_t height,
		struct error *err) MUST_CHECK;
/* The whole number that sides are divided by to be at most PHOTO_MAX_SIDE. */
uint32_t photo_divisor(uint32_t width, uint32_t height);
/* One row of RGBA, on white. */
void photo_put_on_white(const uint8_t *rgba, uint32_t width, uint8_t *rgb);

/* One format each, not yet turned upright. */
bool decode_jpeg(struct str bytes, struct photo *ret,
		 struct error *err) MUST_CHECK;
bool decode_png(struct str bytes, struct photo *ret,
		struct error *err) MUST_CHECK;
bool decode_webp(struct str bytes, struct photo *ret,
		 struct error *err) MUST_CHECK;

#endif
