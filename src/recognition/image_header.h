/*
 * image_header.h: what an image says of itself in its first bytes, before
 * anything decodes it. Pure.
 *
 * The format is told by the bytes alone, never by the client's type. JPEG: the
 * first frame header (ITU-T T.81, B.2.2). PNG: IHDR (PNG 1.2, 11.2.2). WebP:
 * VP8, VP8L or VP8X (RFC 9649, 2.5 to 2.7).
 */
#ifndef RECOGNITION_IMAGE_HEADER_H
#define RECOGNITION_IMAGE_HEADER_H

#include "base/error.h"

#define IMAGE_MIN_SIDE 16u
#define IMAGE_MAX_SIDE 12000u
#define IMAGE_MAX_PIXELS 40000000u

struct image_header {
	const char *media_type;
	const char *ending;	/* jpg, png, webp */
	uint32_t width, height;
};

/* False when it is none of the three, or its header is cut short. */
bool image_header_read(struct str bytes, struct image_header *ret);
/* A photo to work with: one of the three, neither too long nor of sides that
 * are too short, too long, or together too many pixels. */
bool image_header_check(struct str image, struct image_header *ret,
			struct error *err) MUST_CHECK;

#endif
