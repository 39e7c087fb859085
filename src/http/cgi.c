/*
 * cgi.c: picks the FastCGI parameters that responders read.
 */
#include "http/cgi.h"

#include <stddef.h>

#include "base/cleanup.h"
#include "base/banned.h"

static const struct {
	struct str name;
	size_t offset;
} fields[] = {
#define FIELD(name, member) \
	{ { name, sizeof(name) - 1 }, offsetof(struct cgi, member) }
	FIELD("REQUEST_METHOD", method),
	FIELD("REQUEST_URI", uri),
	FIELD("CONTENT_TYPE", content_type),
	FIELD("CONTENT_LENGTH", content_length),
	FIELD("HTTP_AUTHORIZATION", authorization),
	FIELD("HTTP_ACCEPT", accept),
	FIELD("HTTP_ORIGIN", origin),
	FIELD("HTTP_IF_MATCH", if_match),
	FIELD("HTTP_IF_NONE_MATCH", if_none_match),
	FIELD("HTTP_IDEMPOTENCY_KEY", idempotency_key),
	FIELD("HTTP_TRACEPARENT", traceparent),
	FIELD("HTTP_X_REQUEST_ID", request_id),
	FIELD("HTTP_HOST", host),
	FIELD("REMOTE_ADDR", client),
#undef FIELD
};

void cgi_take(struct cgi *cgi, const char *parameter, struct arena *arena)
{
	struct str name = { parameter, strcspn(parameter, "=") };
	const char *value = parameter + name.len + 1;

	if (parameter[name.len] != '=')
		return;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		struct str *field =
			(struct str *)((char *)cgi + fields[i].offset);

		if (!str_eq(name, fields[i].name))
			continue;
		if (field->ptr)
			value = arena_printf(arena, "%.*s, %s",
					     STR_ARG(*field), value);
		*field = str_from(value);
		return;
	}
}
