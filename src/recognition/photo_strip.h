/*
 * photo_strip.h: a photo without what it tells beside the picture: where and
 * when it was taken, with what, by whom, thumbnails, and whatever hangs behind
 * its end. Nothing is decoded: the picture's own bytes stay as they are. Pure.
 *
 * What stays is a list; the unknown goes. JPEG: JFIF, Adobe and ICC segments,
 * tables, frames, scans (ITU-T T.81, B.1 and B.2). PNG: critical chunks and
 * those of colour (PNG 1.2, 4). WebP: RFC 9649, 2.7.
 */
#ifndef RECOGNITION_PHOTO_STRIP_H
#define RECOGNITION_PHOTO_STRIP_H

#include "base/buf.h"

/* Room that the result may need beyond the photo's own length. */
#define PHOTO_STRIP_MORE_BYTES 64u

/*
 * Appends the stripped photo. How it was held (Exif 2.32, 4.6.4: 1 to 8; 1 when
 * it does not say) comes in `ret_orientation`, and a JPEG keeps it, as Exif with
 * that one entry: without it, phones' photos would lie on their side. False
 * when the bytes are no JPEG, PNG or WebP, or their parts do not add up; a photo
 * whose picture is cut short is stripped all the same. `to` NULL: only how it was
 * held is asked for.
 */
bool photo_strip(struct str photo, struct buf *to, unsigned *ret_orientation);

#endif
