/*
 * multipart.c: multipart/form-data (RFC 7578, RFC 2046 5.1), enough for one
 * photo or one token: parts are found by the delimiter, nothing is copied.
 */
#include "http/request.h"

#include "base/banned.h"

#define BOUNDARY_MAX_BYTES 70u	/* RFC 2046, 5.1.1 */

/* The value of a parameter such as `; name="x"`; quoted pairs are not
 * undone. */
static bool parameter_of(struct str header, const char *name, struct str *ret)
{
	struct str rest = header, part;

	if (!str_next(&rest, ';', &part))
		return false;
	while (str_next(&rest, ';', &part)) {
		struct str value = str_trim(part), key;

		if (!str_next(&value, '=', &key) || !value.ptr ||
		    !str_eq_ignore_case(str_trim(key), str_from(name)))
			continue;
		value = str_trim(value);
		if (value.len >= 2 && value.ptr[0] == '"' &&
		    value.ptr[value.len - 1] == '"')
			value = (struct str){ value.ptr + 1, value.len - 2 };
		*ret = value;
		return true;
	}
	return false;
}

static struct str up_to(struct str from, const char *at)
{
	return (struct str){ from.ptr, (size_t)(at - from.ptr) };
}

static struct str behind(struct str from, const char *at)
{
	return (struct str){ at, from.len - (size_t)(at - from.ptr) };
}

/* The part's name by its Content-Disposition, and where its content starts. */
static bool read_part_headers(struct str part, struct str *name,
			      struct str *content)
{
	*name = (struct str){ 0 };
	for (;;) {
		const char *end = memmem(part.ptr, part.len, "\r\n", 2);
		struct str line, field;

		if (!end)
			return false;
		line = up_to(part, end);
		part = behind(part, end + 2);
		if (line.len == 0)
			break;
		struct str rest = line;

		if (str_next(&rest, ':', &field) && rest.ptr &&
		    str_eq_ignore_case(field, STR("Content-Disposition")))
			(void)parameter_of(rest, "name", name);
	}
	*content = part;
	return true;
}

bool multipart_field(const struct request *req, const char *name,
		     struct str *ret, struct error *err)
{
	struct str boundary, rest = req->body;

	*ret = (struct str){ 0 };
	if (!parameter_of(req->content_type, "boundary", &boundary) ||
	    boundary.len == 0 || boundary.len > BOUNDARY_MAX_BYTES)
		return error_set(err, ERROR_BAD_REQUEST,
				 "multipart/form-data needs a boundary.");

	char *delimiter = arena_printf(req->arena, "\r\n--%.*s",
				       STR_ARG(boundary));
	size_t len = strlen(delimiter);

	if (!str_starts(rest, (struct str){ delimiter + 2, len - 2 }))
		return error_set(err, ERROR_BAD_REQUEST,
				 "The body does not start with its boundary.");
	rest = behind(rest, rest.ptr + len - 2);
	while (!str_starts(rest, STR("--"))) {
		struct str part_name, content;
		const char *end = NULL;

		/* The CR LF before a delimiter is the delimiter's, so the one
		 * behind the last delimiter cannot begin the next. */
		if (str_starts(rest, STR("\r\n"))) {
			rest = behind(rest, rest.ptr + 2);
			end = memmem(rest.ptr, rest.len, delimiter, len);
		}
		if (!end)
			return error_set(err, ERROR_BAD_REQUEST,
					 "A part of the body has no end.");
		if (!read_part_headers(up_to(rest, end), &part_name, &content))
			return error_set(err, ERROR_BAD_REQUEST,
					 "The headers of a part have no end.");
		if (str_is(part_name, name)) {
			if (ret->ptr)
				return error_set(err, ERROR_BAD_REQUEST,
						 "The part '%s' is there twice.",
						 name);
			*ret = content;
		}
		rest = behind(rest, end + len);
	}
	return true;
}
