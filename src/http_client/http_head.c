/*
 * http_head.c: reads status line and fields, strictly.
 */
#include "http_client/http_head.h"

#include "base/banned.h"

#define STATUS_LINE_MIN 12u	/* HTTP/1.1 200 */

/* A line without its end; false when none is left or it has no proper end. */
static bool take_line(struct str *rest, struct str *ret)
{
	const char *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;

	if (!end || end == rest->ptr || end[-1] != '\r')
		return false;
	*ret = (struct str){ rest->ptr, (size_t)(end - 1 - rest->ptr) };
	rest->len -= ret->len + 2;
	rest->ptr = end + 1;
	return !memchr(ret->ptr, '\r', ret->len) &&
	       !memchr(ret->ptr, '\0', ret->len);
}

static bool read_status(struct http_head *ret, struct str line)
{
	uint64_t status;

	if (line.len < STATUS_LINE_MIN || !str_starts(line, STR("HTTP/1.1 ")) ||
	    (line.len > STATUS_LINE_MIN && line.ptr[STATUS_LINE_MIN] != ' ') ||
	    !str_to_uint((struct str){ line.ptr + 9, 3 }, 599, &status) ||
	    status < 200)
		return false;
	ret->status = (int)status;
	return true;
}

static bool read_length(struct http_head *ret, struct str value,
			bool *has_length)
{
	if (*has_length)
		return false;
	*has_length = true;
	return str_to_uint(value, INT64_MAX, &ret->body_bytes);
}

static bool read_field(struct http_head *ret, struct str line,
		       bool *has_length)
{
	struct str value = line, name;

	if (!memchr(line.ptr, ':', line.len) || !str_next(&value, ':', &name) ||
	    !name.len || memchr(name.ptr, ' ', name.len) ||
	    memchr(name.ptr, '\t', name.len))
		return false;
	value = value.ptr ? str_trim(value) : STR("");
	switch (name.len) {
	case 10:
		if (str_eq_ignore_case(name, STR("Connection")))
			ret->keeps = str_eq_ignore_case(value,
							STR("keep-alive"));
		return true;
	case 14:
		return !str_eq_ignore_case(name, STR("Content-Length")) ||
		       read_length(ret, value, has_length);
	case 16:
		if (str_eq_ignore_case(name, STR("Content-Encoding")))
			ret->is_encoded = value.len &&
					  !str_eq_ignore_case(value,
							      STR("identity"));
		return true;
	case 17:
		return !str_eq_ignore_case(name, STR("Transfer-Encoding"));
	default:
		return true;
	}
}

bool http_head_read(struct http_head *ret, struct str text)
{
	struct str rest = text, line;
	bool has_length = false;

	*ret = (struct http_head){ .keeps = true };
	if (!take_line(&rest, &line) || !read_status(ret, line))
		return false;
	ret->fields = rest;
	while (rest.len)
		if (!take_line(&rest, &line) || !line.len ||
		    !read_field(ret, line, &has_length))
			return false;
	/* RFC 9112, 6.3: these have no body, whatever a field says. */
	if (ret->status == 204 || ret->status == 304)
		ret->body_bytes = 0;
	return has_length || ret->status == 204 || ret->status == 304;
}
