/*
 * form.c: application/x-www-form-urlencoded text, read strictly.
 */
#include "base/form.h"
#include "base/limits.h"

#include "base/banned.h"

static bool decode(struct str from, struct arena *arena, struct str *ret,
		   struct error *err)
{
	char *to = arena_alloc(arena, from.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < from.len; i++) {
		char c = from.ptr[i];
		int high, low;

		if (c == '%') {
			if (from.len - i < 3 ||
			    (high = str_hex_digit(from.ptr[i + 1])) < 0 ||
			    (low = str_hex_digit(from.ptr[i + 2])) < 0)
				return error_set(err, ERROR_BAD_PARAMETER,
						 "A '%%' must be followed by "
						 "two hexadecimal digits.");
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		to[len++] = c;
	}
	to[len] = '\0';
	*ret = (struct str){ to, len };
	if (memchr(to, '\0', len) || !utf8_valid(*ret))
		return error_set(
			err, ERROR_BAD_PARAMETER,
			"Names and values must be UTF-8 text without NUL.");
	return true;
}

bool form_next(struct form_iterator *it, struct arena *arena, struct error *err)
{
	struct str value, name;

	do {
		if (!str_next(&it->rest, '&', &value))
			return false;
	} while (value.len == 0);
	if (++it->count > LIMIT_QUERY_PARAMETERS)
		return error_set(err, ERROR_BAD_PARAMETER,
				 "There are more than %u parameters.",
				 LIMIT_QUERY_PARAMETERS);
	str_next(&value, '=', &name);
	return decode(name, arena, &it->name, err) &&
	       decode(value, arena, &it->value, err);
}

bool form_parameter(struct str form, const char *name, struct arena *arena,
		    struct str *ret, struct error *err)
{
	struct form_iterator it = { .rest = form };

	*ret = (struct str){ NULL, 0 };
	while (form_next(&it, arena, err)) {
		if (!str_is(it.name, name))
			continue;
		if (ret->ptr)
			return error_set(err, ERROR_BAD_PARAMETER,
					 "The parameter '%s' is given twice.",
					 name);
		*ret = it.value;
	}
	return !error_is_set(err);
}
