/*
 * str.c: text from outside: comparing, cutting, numbers, UTF-8.
 */
#include "base/str.h"

#include "base/banned.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool str_eq_ignore_case(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	}
	return true;
}

struct str str_trim(struct str a)
{
	while (a.len && is_space(a.ptr[a.len - 1]))
		a.len--;
	while (a.len && is_space(a.ptr[0])) {
		a.ptr++;
		a.len--;
	}
	return a;
}

bool str_next(struct str *rest, char separator, struct str *part)
{
	const char *at;

	if (!rest->ptr)
		return false;
	*part = *rest;
	at = rest->len ? memchr(rest->ptr, separator, rest->len) : NULL;
	if (!at) {
		*rest = (struct str){ NULL, 0 };
		return true;
	}
	part->len = (size_t)(at - rest->ptr);
	rest->ptr = at + 1;
	rest->len -= part->len + 1;
	return true;
}

bool str_has_word(struct str words, struct str word)
{
	struct str one;

	while (str_next(&words, ' ', &one))
		if (one.len && str_eq(one, word))
			return true;
	return false;
}

bool str_to_uint(struct str a, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (!a.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		unsigned digit = (unsigned)(unsigned char)a.ptr[i] - '0';

		if (digit > 9 || digit > max || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret = value;
	return true;
}

int str_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool str_eq_constant_time(struct str a, struct str b)
{
	volatile unsigned char difference = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		difference |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
	return difference == 0;
}

/* RFC 3629, 4 */
size_t utf8_sequence(struct str a)
{
	const unsigned char *p = (const unsigned char *)a.ptr;
	unsigned char low = 0x80, high = 0xbf;
	size_t bytes;

	if (!a.len)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	bytes = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (a.len < bytes)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;	/* overlong */
	else if (p[0] == 0xed)
		high = 0x9f;	/* surrogates */
	else if (p[0] == 0xf0)
		low = 0x90;	/* overlong */
	else if (p[0] == 0xf4)
		high = 0x8f;	/* above U+10FFFF */
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < bytes; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return bytes;
}

bool utf8_valid(struct str a)
{
	while (a.len) {
		size_t bytes = utf8_sequence(a);

		if (!bytes)
			return false;
		a.ptr += bytes;
		a.len -= bytes;
	}
	return true;
}

size_t utf8_length(struct str a)
{
	size_t length = 0;

	for (size_t i = 0; i < a.len; i++)
		length += ((unsigned char)a.ptr[i] & 0xc0) != 0x80;
	return length;
}

uint32_t utf8_next(const char **ptr, const char *end)
{
	const unsigned char *p = (const unsigned char *)*ptr;
	struct str rest = { *ptr, (size_t)(end - *ptr) };
	size_t bytes = utf8_sequence(rest);
	uint32_t point;

	if (bytes < 2) {
		*ptr += 1;
		return bytes ? p[0] : 0xfffd;
	}
	*ptr += bytes;
	point = p[0] & (0x7fu >> bytes);
	for (size_t i = 1; i < bytes; i++)
		point = point << 6 | (p[i] & 0x3f);
	return point;
}
