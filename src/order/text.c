/*
 * text.c: what text from a person may hold.
 */
#include "order/text.h"

#include "base/banned.h"

static bool is_space(uint32_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xa0 ||
	       c == 0x1680 || (c >= 0x2000 && c <= 0x200b) || c == 0x2028 ||
	       c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x2060 ||
	       c == 0x3000 || c == 0xfeff;
}

/* The last character of a text that is not empty begins there. */
static const char *last_character(struct str text)
{
	const char *at = text.ptr + text.len - 1;

	while (at > text.ptr && ((unsigned char)*at & 0xc0) == 0x80)
		at--;
	return at;
}

struct str text_trim(struct str text)
{
	const char *end = text.ptr + text.len, *at, *behind;

	for (at = text.ptr; at < end; text.ptr = at)
		if (!is_space(utf8_next(&at, end)))
			break;
	text.len = (size_t)(end - text.ptr);
	while (text.len) {
		at = behind = last_character(text);
		if (!is_space(utf8_next(&behind, end)) ||
		    behind < text.ptr + text.len)	/* no UTF-8 */
			break;
		text.len = (size_t)(at - text.ptr);
	}
	return text.len ? text : STR("");
}

uint32_t text_bad_character(struct str text, bool several_lines)
{
	const char *at = text.ptr, *end = text.ptr + text.len;

	while (at < end) {
		uint32_t c;

		if (*at >= ' ' && *at < 0x7f) {	/* nearly always */
			at++;
			continue;
		}
		c = utf8_next(&at, end);
		if (several_lines && (c == '\t' || c == '\n'))
			continue;
		if (c < 0x20 || (c >= 0x7f && c < 0xa0) ||
		    (c >= 0x2028 && c <= 0x202e) ||
		    (c >= 0x2066 && c <= 0x2069))
			return c;
	}
	return 0;
}

struct str text_with_newlines(struct str text, struct arena *arena)
{
	char *to;
	size_t len = 0;

	if (!text.len || !memchr(text.ptr, '\r', text.len))
		return text;
	to = arena_alloc(arena, text.len);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != '\r')
			to[len++] = text.ptr[i];
		else if (i + 1 == text.len || text.ptr[i + 1] != '\n')
			to[len++] = '\n';
	}
	return (struct str){ to, len };
}

struct str text_lower(struct str text, struct arena *arena)
{
	char *to = arena_alloc(arena, text.len + 1);

	for (size_t i = 0; i < text.len; i++)
		to[i] = text.ptr[i] >= 'A' && text.ptr[i] <= 'Z'
				? (char)(text.ptr[i] | 0x20)
				: text.ptr[i];
	return (struct str){ to, text.len };
}
