/*
 * str.h: text that came from outside, as pointer and length.
 *
 * Not terminated, may hold any byte, never owned: the memory belongs to whoever
 * made it (a request's arena, as a rule). {NULL, 0} is "absent"; an empty text
 * that is present has a non-NULL pointer.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *ptr;
	size_t len;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
/* For printf: "%.*s", STR_ARG(s) */
#define STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline struct str str_from(const char *text)
{
	return (struct str){ text, text ? strlen(text) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || !memcmp(a.ptr, b.ptr, a.len));
}

static inline bool str_is(struct str a, const char *text)
{
	return str_eq(a, str_from(text));
}

static inline bool str_starts(struct str a, struct str prefix)
{
	return a.len >= prefix.len &&
	       (prefix.len == 0 || !memcmp(a.ptr, prefix.ptr, prefix.len));
}

/* ASCII only: header names, media types, schemes. */
bool str_eq_ignore_case(struct str a, struct str b);
/* Without leading and trailing ASCII white space. */
struct str str_trim(struct str a);
/*
 * Takes the part before the first `separator` off `rest` into `part`;
 * false when `rest` is used up. "a,,b" gives "a", "", "b".
 */
bool str_next(struct str *rest, char separator, struct str *part);
/* Whether `word`, which is not empty, is one of those between spaces. */
bool str_has_word(struct str words, struct str word);
/* Decimal digits only, no sign, no space; false when not a number or > max. */
bool str_to_uint(struct str a, uint64_t max, uint64_t *ret);
/* The value of a hexadecimal digit, -1 of any other character. */
int str_hex_digit(char c);
/* True when both are equal; takes the same time wherever they differ. */
bool str_eq_constant_time(struct str a, struct str b);

/* Strict UTF-8 (RFC 3629): no overlong form, no surrogate, at most U+10FFFF. */
bool utf8_valid(struct str a);
/* Bytes of the first code point; 0 when it is ill-formed or `a` is empty. */
size_t utf8_sequence(struct str a);
/* Code points in valid UTF-8. */
size_t utf8_length(struct str a);
/*
 * Decodes one code point of valid UTF-8 at `*ptr` and moves `*ptr` behind it.
 * `*ptr` must be before `end`.
 */
uint32_t utf8_next(const char **ptr, const char *end);

#endif
