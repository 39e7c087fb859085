/*
 * response.c: status, headers and body of an answer.
 */
#include "http/response.h"

#include <stdarg.h>

#include "base/limits.h"
#include "base/banned.h"

#define HEADERS_MAX_BYTES (8u * KIB)

void response_init(struct response *res, struct arena *arena)
{
	*res = (struct response){ .status = 200,
				  .content_type = "application/json" };
	buf_init(&res->headers, arena, HEADERS_MAX_BYTES);
	buf_init(&res->body, arena, LIMIT_RESPONSE_BYTES);
}

void response_header(struct response *res, const char *name, const char *fmt,
		     ...)
{
	char value[1024];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(value))
		abort();
	for (int i = 0; i < len; i++)
		if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
			abort();
	buf_add_text(&res->headers, name);
	buf_add_text(&res->headers, ": ");
	buf_add(&res->headers, value, (size_t)len);
	buf_add_text(&res->headers, "\r\n");
}

void response_seal(struct response *res)
{
	res->answer = (struct answer){
		.status = res->status,
		.content_type = str_from(res->content_type),
		.headers = buf_str(&res->headers),
		.body = buf_str(&res->body),
	};
}

void response_replay(struct response *res, const struct answer *answer)
{
	struct arena *arena = res->body.arena;

	buf_reset(&res->headers);
	buf_reset(&res->body);
	res->status = answer->status;
	res->content_type = arena_text(arena, answer->content_type);
	buf_add_str(&res->headers, answer->headers);
	buf_add_str(&res->body, answer->body);
	response_header(res, "Idempotent-Replayed", "true");
}

bool response_flush(struct response *res, struct error *err)
{
	if (!res->flush(res))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "the client went away");
	return true;
}
