/*
 * buf.c: appending to a text that grows in an arena up to a named maximum.
 */
#include "base/buf.h"

#include <endian.h>
#include <stdarg.h>

#include "base/banned.h"

#define FIRST_BYTES 256u

void buf_init(struct buf *buf, struct arena *arena, size_t max_bytes)
{
	size_t size = max_bytes < FIRST_BYTES ? max_bytes + 1 : FIRST_BYTES;

	*buf = (struct buf){
		.arena = arena,
		.ptr = arena_alloc(arena, size),
		.size = size,
		.max_bytes = max_bytes,
	};
	buf->ptr[0] = '\0';
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->overflowed = false;
	buf->ptr[0] = '\0';
}

bool buf_grow(struct buf *buf, size_t bytes)
{
	size_t size = buf->size;

	if (buf->overflowed || bytes > buf->max_bytes - buf->len) {
		buf->overflowed = true;
		return false;
	}
	while (size <= buf->len + bytes)
		size = size > buf->max_bytes / 2 ? buf->max_bytes + 1 :
						   2 * size;
	if (size != buf->size) {
		buf->ptr = arena_grow(buf->arena, buf->ptr, buf->size, size);
		buf->size = size;
	}
	return true;
}

void buf_add(struct buf *buf, const void *ptr, size_t bytes)
{
	if (!bytes || !buf_has_room(buf, bytes))
		return;
	memcpy(buf->ptr + buf->len, ptr, bytes);
	buf->len += bytes;
	buf->ptr[buf->len] = '\0';
}

void buf_add_str(struct buf *buf, struct str s)
{
	buf_add(buf, s.ptr, s.len);
}

void buf_add_int(struct buf *buf, int64_t value)
{
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char text[20];
	char *at = text + sizeof(text);

	do {
		*--at = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (value < 0)
		*--at = '-';
	buf_add(buf, at, (size_t)(text + sizeof(text) - at));
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	size_t room = buf->size - buf->len;
	va_list args;
	int len;

	if (buf->overflowed)
		return;
	va_start(args, fmt);
	len = vsnprintf(buf->ptr + buf->len, room, fmt, args);
	va_end(args);
	if (len >= 0 && (size_t)len >= room) {
		buf->ptr[buf->len] = '\0';
		if (!buf_has_room(buf, (size_t)len))
			return;
		va_start(args, fmt);
		len = vsnprintf(buf->ptr + buf->len, (size_t)len + 1, fmt,
				args);
		va_end(args);
	}
	if (len < 0)
		buf->overflowed = true;
	else
		buf->len += (size_t)len;
}

/* RFC 8259, 7: two-character escapes, then 'u' for the other controls. */
static const char json_escapes[256] = {
	[0] = 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b', 't', 'n', 'u', 'f',
	'r', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u',
	'u', 'u', 'u', 'u', 'u', ['"'] = '"', ['\\'] = '\\', [0x7f] = 'u',
};

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline uint64_t zero_bytes(uint64_t eight)
{
	return (eight - EACH(1)) & ~eight & EACH(0x80);
}

/* How many of eight bytes stand for themselves before the first that does not.
 * A subtraction borrows from what is behind: only the first mark is right. */
static inline size_t count_plain(const char *at)
{
	uint64_t eight, marks;

	memcpy(&eight, at, sizeof(eight));
	eight = le64toh(eight);
	marks = zero_bytes(eight ^ EACH('"')) | zero_bytes(eight ^ EACH('\\')) |
		zero_bytes(eight ^ EACH(0x7f)) |
		((eight - EACH(0x20)) & ~eight & EACH(0x80));
	return marks ? (size_t)__builtin_ctzll(marks) / 8 : 8;
}

/* Into room for twice the text, up to the first control character; how many of
 * the text's bytes that were. */
static size_t add_simple_json(struct buf *buf, struct str s)
{
	const char *at = s.ptr, *end = s.ptr + s.len;
	char *to = buf->ptr + buf->len;

	while (at < end) {
		unsigned char c = (unsigned char)*at;

		if (json_escapes[c] == 'u')
			break;
		if (json_escapes[c]) {
			*to++ = '\\';
			*to++ = json_escapes[c];
			at++;
		} else if (end - at < 8) {
			*to++ = *at++;
		} else {
			size_t plain = count_plain(at);

			memcpy(to, at, 8);	/* the rest is written over */
			to += plain;
			at += plain;
		}
	}
	*to = '\0';
	buf->len = (size_t)(to - buf->ptr);
	return (size_t)(at - s.ptr);
}

void buf_add_json(struct buf *buf, struct str s)
{
	size_t from = 0;

	buf_add_char(buf, '"');
	/* A maximum that only the escapes might pass is not passed for it. */
	if (s.len < (buf->max_bytes - buf->len) / 2 && buf_has_room(buf, 2 * s.len))
		from = add_simple_json(buf, s);
	for (size_t i = from; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (!json_escapes[c])
			continue;
		buf_add(buf, s.ptr + from, i - from);
		from = i + 1;
		if (json_escapes[c] == 'u')
			buf_printf(buf, "\\u%04x", c);
		else
			buf_add(buf, (char[]){ '\\', json_escapes[c] }, 2);
	}
	if (from < s.len)
		buf_add(buf, s.ptr + from, s.len - from);
	buf_add_char(buf, '"');
}

void buf_add_html(struct buf *buf, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		switch (s.ptr[i]) {
		case '&':
			buf_add_text(buf, "&amp;");
			break;
		case '<':
			buf_add_text(buf, "&lt;");
			break;
		case '>':
			buf_add_text(buf, "&gt;");
			break;
		case '"':
			buf_add_text(buf, "&quot;");
			break;
		case '\'':
			buf_add_text(buf, "&#39;");
			break;
		default:
			buf_add_char(buf, s.ptr[i]);
		}
	}
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

void buf_add_uri(struct buf *buf, struct str s, bool keep_slash)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (is_unreserved(s.ptr[i]) || (keep_slash && c == '/'))
			buf_add_char(buf, s.ptr[i]);
		else
			buf_add(buf, (char[]){ '%', digits[c >> 4],
					       digits[c & 15] }, 3);
	}
}
