/*
 * mime.c: folding, encoded words, quoted-printable.
 */
#include "mail/mime.h"

#include "base/crypto.h"

#include "base/banned.h"

#define LINE_COLUMNS 76u /* RFC 2045, 6.7 (5) and RFC 2047, 2 */

/* Code points that must not take part in a line: they end it, hide or turn
 * what follows. */
static bool is_space_or_control(uint32_t c)
{
	return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0x2028 ||
	       c == 0x2029 || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0x3000 || c == 0xfeff;
}

struct str mime_one_line(struct arena *arena, struct str text,
			 size_t max_length)
{
	struct buf line;
	size_t length = 0;
	bool space = false;

	buf_init(&line, arena, max_length * 4 + 8);
	while (text.len) {
		size_t bytes = utf8_sequence(text);
		const char *next = text.ptr;
		uint32_t c = bytes ? utf8_next(&next, text.ptr + bytes) : 0xfffd;
		struct str piece = bytes ? (struct str){ text.ptr, bytes } :
					   STR("\xef\xbf\xbd");

		bytes += !bytes;
		text.ptr += bytes;
		text.len -= bytes;
		if (is_space_or_control(c)) {
			space = length > 0;
			continue;
		}
		if (length + space >= max_length) {
			buf_add_text(&line, "…");
			break;
		}
		if (space)
			buf_add_char(&line, ' ');
		buf_add_str(&line, piece);
		length += 1 + space;
		space = false;
	}
	return line.len ? buf_str(&line) : STR("");
}

static bool is_plain(struct str text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.ptr[i] < 0x20 || text.ptr[i] > 0x7e)
			return false;
	/* What looks like an encoded word would be decoded. */
	return !memmem(text.ptr, text.len, "=?", 2);
}

static size_t column_of(const struct buf *to)
{
	const char *end = memrchr(to->ptr, '\n', to->len);

	return end ? (size_t)(to->ptr + to->len - end) - 1 : to->len;
}

/* RFC 2047, 2 and 5 (3): at most 75 characters, never a part of a character. */
static void add_encoded_words(struct buf *to, struct str text)
{
	const char *end = text.ptr + text.len;

	while (text.ptr < end) {
		/* The names of our headers leave room in every line. */
		size_t room = (LINE_COLUMNS - 12 - column_of(to)) / 4 * 3;
		struct str chunk = { text.ptr, 0 };

		while (text.ptr < end) {
			const char *next = text.ptr;

			utf8_next(&next, end);
			if ((size_t)(next - chunk.ptr) > room)
				break;
			text.ptr = next;
		}
		chunk.len = (size_t)(text.ptr - chunk.ptr);
		buf_add_text(to, "=?utf-8?B?");
		buf_add_base64(to, chunk);
		buf_add_text(to, text.ptr < end ? "?=\r\n " : "?=");
	}
}

static void add_folded(struct buf *to, struct str text)
{
	struct str word;
	bool first = true;

	while (str_next(&text, ' ', &word)) {
		if (!first && column_of(to) + 1 + word.len > LINE_COLUMNS)
			buf_add_text(to, "\r\n");
		if (!first)
			buf_add_char(to, ' ');
		buf_add_str(to, word);
		first = false;
	}
}

void mime_add_header(struct buf *to, const char *name, struct str text)
{
	buf_add_text(to, name);
	buf_add_text(to, ": ");
	if (is_plain(text))
		add_folded(to, text);
	else
		add_encoded_words(to, text);
	buf_add_text(to, "\r\n");
}

/* RFC 5322, 3.2.3: a phrase of atoms needs no quotes. */
static bool is_phrase(struct str text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (strchr("()<>[]:;@\\,.\"", text.ptr[i]))
			return false;
	return true;
}

static void add_quoted(struct buf *to, struct str text)
{
	size_t i;

	buf_add_char(to, '"');
	for (i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"' || text.ptr[i] == '\\')
			buf_add_char(to, '\\');
		buf_add_char(to, text.ptr[i]);
	}
	buf_add_char(to, '"');
}

void mime_add_mailbox(struct buf *to, const char *name, struct str display,
		      struct str address)
{
	buf_add_text(to, name);
	buf_add_text(to, ": ");
	if (!is_plain(display))
		add_encoded_words(to, display);
	else if (!is_phrase(display))
		add_quoted(to, display);
	else
		add_folded(to, display);
	if (display.len)
		buf_add_text(to, column_of(to) + address.len + 3 >
				 LINE_COLUMNS ? "\r\n " : " ");
	buf_add_char(to, '<');
	buf_add_str(to, address);
	buf_add_text(to, ">\r\n");
}

void mime_add_quoted_printable(struct buf *to, struct str text)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t column = 0, i;

	for (i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		bool ends = i + 1 == text.len || text.ptr[i + 1] == '\n';
		/* a space that ends a line would be lost on the way */
		bool literal = (c > 0x20 && c < 0x7f && c != '=') ||
			       (c == ' ' && !ends);
		size_t width = literal ? 1 : 3;

		if (c == '\n') {
			buf_add_text(to, "\r\n");
			column = 0;
			continue;
		}
		if (column + width > LINE_COLUMNS - !ends) {
			buf_add_text(to, "=\r\n");
			column = 0;
		}
		if (literal)
			buf_add_char(to, (char)c);
		else
			buf_add(to, (char[]){ '=', hex[c >> 4], hex[c & 15] },
				3);
		column += width;
	}
}
