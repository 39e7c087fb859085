/*
 * font_file.c: the few tables of a TrueType file that say what it covers.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "report/font_file.h"

#include "base/banned.h"

#define MAX_TABLES 64u
#define MAX_CMAP_BYTES (1u * MIB)

struct table {
	uint32_t offset, length;
};

static unsigned get16(const char *at)
{
	const unsigned char *p = (const unsigned char *)at;

	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t get32(const char *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static bool read_at(int fd, uint32_t offset, char *ret, size_t bytes)
{
	return pread(fd, ret, bytes, offset) == (ssize_t)bytes;
}

/* The table directory behind the 12 bytes of its head. */
static bool find_table(const char *directory, unsigned count, const char *tag,
		       struct table *ret)
{
	unsigned i;

	for (i = 0; i < count; i++, directory += 16) {
		if (memcmp(directory, tag, 4))
			continue;
		ret->offset = get32(directory + 8);
		ret->length = get32(directory + 12);
		return true;
	}
	return false;
}

/* libharu looks for glyphs only when it writes, when it is too late. */
static bool is_whole(int fd, const char *directory, unsigned count)
{
	struct stat st;
	unsigned i;

	if (fstat(fd, &st))
		return false;
	for (i = 0; i < count; i++, directory += 16)
		if ((int64_t)get32(directory + 8) + get32(directory + 12) >
		    st.st_size)
			return false;
	return true;
}

static bool may_be_embedded(int fd, const char *directory, unsigned count)
{
	struct table os2;
	char type[2];

	/* OS/2 fsType: bit 1 forbids embedding, 9 all but bitmaps, 8 subsets */
	return find_table(directory, count, "OS/2", &os2) &&
	       read_at(fd, os2.offset + 8, type, 2) &&
	       !(get16(type) & 0x0302);
}

static bool has_outlines(const char *directory, unsigned count)
{
	static const char *const needed[] = {
		"glyf", "loca", "head", "hhea", "hmtx", "name", "post"
	};
	struct table table;
	size_t i;

	for (i = 0; i < ARRAY_LEN(needed); i++)
		if (!find_table(directory, count, needed[i], &table))
			return false;
	return true;
}

static bool read_tables(int fd, uint32_t start,
			uint8_t ret[FONT_COVERAGE_BYTES])
{
	char head[12], directory[MAX_TABLES * 16], glyphs[2];
	char *bytes CLEANUP(cleanup_free) = NULL;
	struct table cmap, maxp;
	unsigned count;

	if (!read_at(fd, start, head, sizeof(head)))
		return false;
	count = get16(head + 4);
	if ((get32(head) != 0x00010000 && memcmp(head, "true", 4)) ||
	    count > MAX_TABLES ||
	    !read_at(fd, start + 12, directory, (size_t)count * 16))
		return false;
	if (!is_whole(fd, directory, count) ||
	    !has_outlines(directory, count) ||
	    !may_be_embedded(fd, directory, count) ||
	    !find_table(directory, count, "maxp", &maxp) ||
	    !read_at(fd, maxp.offset + 4, glyphs, 2) ||
	    !find_table(directory, count, "cmap", &cmap) ||
	    cmap.length > MAX_CMAP_BYTES)
		return false;
	bytes = malloc(cmap.length + 1);
	return bytes && read_at(fd, cmap.offset, bytes, cmap.length) &&
	       font_cmap_coverage((struct str){ bytes, cmap.length },
				  get16(glyphs), ret);
}

bool font_file_coverage(const char *path, uint8_t ret[FONT_COVERAGE_BYTES],
			bool *ret_is_collection)
{
	int fd CLEANUP(cleanup_fd) = open(path, O_RDONLY | O_CLOEXEC);
	char head[16];

	memset(ret, 0, FONT_COVERAGE_BYTES);
	if (fd < 0 || !read_at(fd, 0, head, sizeof(head)))
		return false;
	*ret_is_collection = !memcmp(head, "ttcf", 4);
	return read_tables(fd, *ret_is_collection ? get32(head + 12) : 0, ret);
}

/* The characters of segment `i`; `cmap` is the subtable to its very end. */
static void cover_segment(struct str table, size_t segments, size_t i,
			  unsigned glyph_count, uint8_t *ret)
{
	const char *ends = table.ptr + 14;
	const char *starts = ends + 2 * segments + 2;
	const char *deltas = starts + 2 * segments;
	const char *offsets = deltas + 2 * segments;
	unsigned end = get16(ends + 2 * i), c = get16(starts + 2 * i);
	unsigned delta = get16(deltas + 2 * i);
	unsigned offset = get16(offsets + 2 * i);

	for (; c <= end && c < 0xffff; c++) {
		unsigned start = get16(starts + 2 * i), glyph = c;
		size_t at = (size_t)(offsets - table.ptr) + 2 * i + offset +
			    2 * (size_t)(c - start);

		if (offset) {
			if (at + 2 > table.len)
				return;
			glyph = get16(table.ptr + at);
			if (!glyph)
				continue;
		}
		glyph = (glyph + delta) & 0xffff;
		if (glyph && glyph < glyph_count)
			ret[c >> 3] |= (uint8_t)(1u << (c & 7));
	}
}

bool font_cmap_coverage(struct str cmap, unsigned glyph_count,
			uint8_t ret[FONT_COVERAGE_BYTES])
{
	size_t tables = cmap.len >= 4 ? get16(cmap.ptr + 2) : 0, i, segments;
	struct str table = { NULL, 0 };

	for (i = 0; i < tables && 4 + 8 * (i + 1) <= cmap.len; i++) {
		const char *record = cmap.ptr + 4 + 8 * i;
		size_t offset = get32(record + 4);

		if (get32(record) != (3u << 16 | 1) || offset > cmap.len ||
		    cmap.len - offset < 16 || get16(cmap.ptr + offset) != 4)
			continue;
		table = (struct str){ cmap.ptr + offset, cmap.len - offset };
		break;
	}
	if (!table.len)
		return false;
	segments = get16(table.ptr + 6) / 2;
	if (16 + 8 * segments > table.len)
		return false;
	for (i = 0; i < segments; i++)
		cover_segment(table, segments, i, glyph_count, ret);
	return true;
}
