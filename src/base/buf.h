/*
 * buf.h: text that goes out, growing in an arena up to a maximum it must name.
 *
 * An append that would pass the maximum is dropped and the buffer stays
 * "overflowed": write everything, then ask buf_ok once. Always terminated, so
 * buf_text() is a C string (which may hold NULs if they were appended).
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/arena.h"

struct buf {
	struct arena *arena;
	char *ptr;
	size_t len;
	size_t size;
	size_t max_bytes;
	bool overflowed;
};

void buf_init(struct buf *buf, struct arena *arena, size_t max_bytes);
bool buf_grow(struct buf *buf, size_t bytes);	/* for buf_has_room alone */
/* Room for `bytes` more and the NUL; false, and overflowed, when they would pass
 * the maximum. The usual case is one comparison. */
static inline bool buf_has_room(struct buf *buf, size_t bytes)
{
	if (__builtin_expect(bytes < buf->size - buf->len &&
			     !buf->overflowed, 1))
		return true;
	return buf_grow(buf, bytes);
}
void buf_reset(struct buf *buf);
void buf_add(struct buf *buf, const void *ptr, size_t bytes);
void buf_add_str(struct buf *buf, struct str s);
/* The length of a literal is the compiler's business. */
static inline void buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}
static inline void buf_add_char(struct buf *buf, char c)
{
	if (!buf_has_room(buf, 1))
		return;
	buf->ptr[buf->len++] = c;
	buf->ptr[buf->len] = '\0';
}
void buf_add_int(struct buf *buf, int64_t value);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);

static inline bool buf_ok(const struct buf *buf)
{
	return !buf->overflowed;
}

static inline struct str buf_str(const struct buf *buf)
{
	return (struct str){ buf->ptr, buf->len };
}

/* Escapers: each appends `s` made safe for the named place. */
/* with the quotes; s is valid UTF-8 */
void buf_add_json(struct buf *buf, struct str s);
void buf_add_html(struct buf *buf, struct str s);	/* & < > " ' */
/* RFC 3986: all but unreserved characters as %XX; keep_slash leaves '/' */
void buf_add_uri(struct buf *buf, struct str s, bool keep_slash);

#endif
