/*
 * photo_strip.c: goes through a photo's parts and keeps those on the list.
 */
#include "recognition/photo_strip.h"

#include "base/banned.h"

#define ORIENTATION 0x0112u
#define EXIF_AT 6u		/* "Exif\0\0" */

struct walk {
	const uint8_t *bytes;
	size_t len, at;
	struct buf *to;
	unsigned *orientation;
};

static uint32_t number(const uint8_t *at, unsigned bytes, bool big)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | at[big ? i : bytes - 1 - i];
	return value;
}

static size_t left(const struct walk *walk)
{
	return walk->len - walk->at;
}

static bool begins(const struct walk *walk, size_t at, const char *with,
		   size_t bytes)
{
	return walk->len >= at && walk->len - at >= bytes &&
	       !memcmp(walk->bytes + at, with, bytes);
}

/* The first directory of a TIFF block (TIFF 6.0, 2); 1 when it does not say. */
static unsigned read_orientation(const uint8_t *tiff, size_t len)
{
	bool big = len >= 8 && tiff[0] == 'M';
	size_t at;
	unsigned count;

	if (len < 8 || memcmp(tiff, big ? "MM\0*" : "II*\0", 4))
		return 1;
	at = number(tiff + 4, 4, big);
	if (at > len || len - at < 2)
		return 1;
	count = number(tiff + at, 2, big);
	for (at += 2; count-- && len - at >= 12; at += 12) {
		unsigned value = number(tiff + at + 8, 2, big);

		if (number(tiff + at, 2, big) == ORIENTATION)
			return value >= 1 && value <= 8 ? value : 1;
	}
	return 1;
}

static void keep(struct walk *walk, size_t bytes)
{
	if (walk->to)
		buf_add(walk->to, walk->bytes + walk->at, bytes);
	walk->at += bytes;
}

/* Exif with one directory of one entry, as a whole segment. */
static void keep_orientation(struct walk *walk)
{
	char segment[] = "\xff\xe1\0\x22" "Exif\0\0" "MM\0*\0\0\0\x08"
			 "\0\1" "\1\x12\0\3\0\0\0\1\0\0\0\0" "\0\0\0\0";

	segment[29] = (char)*walk->orientation;
	buf_add(walk->to, segment, sizeof(segment) - 1);
}

static void take_exif_segment(struct walk *walk, size_t segment)
{
	size_t at = walk->at + 4 + EXIF_AT;

	if (*walk->orientation != 1)
		return;		/* the first that says it counts */
	*walk->orientation = read_orientation(walk->bytes + at,
					      segment - 2 - EXIF_AT);
	if (*walk->orientation != 1 && walk->to)
		keep_orientation(walk);
}

/* SOF, DHT, DAC, SOS, DQT, DNL, DRI and those of hierarchical coding are the
 * picture; of the application's segments three say how its colours are meant. */
static bool is_kept_segment(const struct walk *walk, uint8_t marker)
{
	size_t at = walk->at + 4;

	switch (marker) {
	case 0xe0:
		return begins(walk, at, "JFIF\0", 5);
	case 0xe2:
		return begins(walk, at, "ICC_PROFILE\0", 12);
	case 0xee:
		return begins(walk, at, "Adobe", 5);
	default:
		return marker >= 0xc0 && marker <= 0xdf;
	}
}

/* Entropy-coded bytes reach to the next marker that is no RST (B.1.1.5). */
static void keep_scan(struct walk *walk)
{
	size_t end = walk->at;

	while (end + 1 < walk->len) {
		const uint8_t *next = memchr(walk->bytes + end, 0xff,
					     walk->len - 1 - end);

		if (!next) {
			end = walk->len;
			break;
		}
		end = (size_t)(next - walk->bytes);
		if (next[1] != 0 && next[1] != 0xff &&
		    (next[1] < 0xd0 || next[1] > 0xd7))
			break;
		end += 1 + (next[1] != 0xff);
	}
	keep(walk, (end + 1 < walk->len ? end : walk->len) - walk->at);
}

static bool strip_jpeg(struct walk *walk)
{
	bool scanned = false;

	keep(walk, 2);
	while (left(walk) >= 4 || (scanned && left(walk) >= 2)) {
		uint8_t marker = walk->bytes[walk->at + 1];
		size_t segment;

		if (walk->bytes[walk->at] != 0xff)
			return scanned;
		if (marker == 0xff) {
			walk->at++;
			continue;
		}
		if (marker == 0xd9) {
			keep(walk, 2);
			return scanned;
		}
		if (left(walk) < 4)
			break;
		segment = number(walk->bytes + walk->at + 2, 2, true);
		if (segment < 2 || segment > left(walk) - 2)
			return scanned;
		if (marker == 0xe1 && segment >= 2 + EXIF_AT &&
		    begins(walk, walk->at + 4, "Exif\0", 5))
			take_exif_segment(walk, segment);
		if (!is_kept_segment(walk, marker)) {
			walk->at += 2 + segment;
			continue;
		}
		keep(walk, 2 + segment);
		if (marker == 0xda) {
			keep_scan(walk);
			scanned = true;
		}
	}
	return scanned;
}

static bool is_kept_chunk(const uint8_t *type, const char *kept)
{
	for (; *kept; kept += 4)
		if (!memcmp(type, kept, 4))
			return true;
	return false;
}

static bool strip_png(struct walk *walk)
{
	bool has_picture = false;

	keep(walk, 8);
	while (left(walk) >= 12) {
		const uint8_t *type = walk->bytes + walk->at + 4;
		size_t data = number(walk->bytes + walk->at, 4, true);
		bool is_kept = is_kept_chunk(type, "IHDRPLTEIDATIENDtRNSgAMA"
						   "cHRMsRGBsBITbKGDpHYsiCCP");
		bool is_cut = data > left(walk) - 12;

		has_picture |= !memcmp(type, "IDAT", 4);
		if (!memcmp(type, "eXIf", 4) && !is_cut)
			*walk->orientation = read_orientation(type + 4, data);
		if (is_cut && !is_kept)
			break;
		if (is_kept)
			keep(walk, is_cut ? left(walk) : 12 + data);
		else
			walk->at += 12 + data;
		if (!memcmp(type, "IEND", 4))
			break;
	}
	return has_picture;
}

/* Some write the segment's head of a JPEG in front. */
static void take_exif_chunk(struct walk *walk, size_t at, size_t bytes)
{
	size_t head = bytes >= EXIF_AT && begins(walk, at, "Exif\0\0", EXIF_AT) ?
			      EXIF_AT : 0;

	*walk->orientation = read_orientation(walk->bytes + at + head,
					      bytes - head);
}

/* The head of the file says how long it is, VP8X what it holds. */
static void mend_webp(struct buf *to, size_t riff)
{
	size_t bytes = to->len - riff - 8;

	if (!buf_ok(to))
		return;
	for (unsigned i = 0; i < 4; i++)
		to->ptr[riff + 4 + i] = (char)(bytes >> (8 * i));
	if (bytes >= 4 + 8 + 1 && !memcmp(to->ptr + riff + 12, "VP8X", 4))
		to->ptr[riff + 20] &= ~0x0c;	/* neither Exif nor XMP */
}

static bool strip_webp(struct walk *walk)
{
	size_t riff = walk->to ? walk->to->len : 0;
	bool has_picture = false;

	keep(walk, 12);
	while (left(walk) >= 8) {
		const uint8_t *type = walk->bytes + walk->at;
		size_t data = number(type + 4, 4, false);

		data = data < left(walk) - 8 ? data : left(walk) - 8;
		if (!memcmp(type, "EXIF", 4))
			take_exif_chunk(walk, walk->at + 8, data);
		has_picture |= is_kept_chunk(type, "VP8 VP8LANMF");
		data += (data & 1) && data < left(walk) - 8;	/* padding */
		if (is_kept_chunk(type, "VP8 VP8LVP8XALPHANIMANMFICCP"))
			keep(walk, 8 + data);
		else
			walk->at += 8 + data;
	}
	if (walk->to)
		mend_webp(walk->to, riff);
	return has_picture;
}

bool photo_strip(struct str photo, struct buf *to, unsigned *ret_orientation)
{
	struct walk walk = { .bytes = (const uint8_t *)photo.ptr,
			     .len = photo.len, .to = to,
			     .orientation = ret_orientation };

	*ret_orientation = 1;
	if (begins(&walk, 0, "\xff\xd8\xff", 3))
		return strip_jpeg(&walk);
	if (begins(&walk, 0, "\x89PNG\r\n\x1a\n", 8))
		return strip_png(&walk);
	if (begins(&walk, 0, "RIFF", 4) && begins(&walk, 8, "WEBP", 4))
		return strip_webp(&walk);
	return false;
}
