/*
 * objects.c: GET, HEAD /objects/{key}?X-Amz-…
 *
 * The door that S3 has by itself: checks that the link is one that
 * object_archive_presign made for this host, and lets nginx send the file. What
 * is not there is nginx's 404. Repeatable: changes nothing.
 */
#include "http/operation.h"

#include "base/banned.h"

#define FILENAME_MAX_BYTES 100u

static bool open_ports(struct ports *ports, const struct config *config,
		       struct error *err)
{
	return object_archive_open(&ports->archive, config, err);
}

static const struct {
	const char *ending;
	const char *content_type;
} types[] = {
	{ ".json", "application/json" },
	{ ".pdf", "application/pdf" },
	{ ".jpg", "image/jpeg" },
	{ ".png", "image/png" },
	{ ".webp", "image/webp" },
};

static const char *content_type_of(struct str key)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		size_t len = strlen(types[i].ending);

		if (key.len > len && !memcmp(key.ptr + key.len - len,
					     types[i].ending, len))
			return types[i].content_type;
	}
	return "application/octet-stream";
}

static bool is_safe_name(struct str name)
{
	if (name.len == 0 || name.len > FILENAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != ' ' && c != '.' &&
		    c != '_' && c != '-')
			return false;
	}
	return true;
}

/* The forms that presign makes; the rest of RFC 6266 has no place here. */
static bool is_safe_disposition(struct str value)
{
	struct str start = STR("attachment; filename=\"");

	if (str_is(value, "inline") || str_is(value, "attachment"))
		return true;
	return str_starts(value, start) && value.len > start.len &&
	       value.ptr[value.len - 1] == '"' &&
	       is_safe_name((struct str){ value.ptr + start.len,
					  value.len - start.len - 1 });
}

static bool objects(struct ports *ports, const struct request *req,
		    struct response *res, struct error *err)
{
	struct str path = str_from(arena_printf(req->arena, "/objects/%.*s",
						STR_ARG(req->rest)));
	struct str disposition;
	int64_t expires_ms;

	if (!object_archive_verify_link(ports->archive, path, req->query,
					req->host, req->now_ms, req->arena,
					&expires_ms, err) ||
	    !form_parameter(req->query, "response-content-disposition",
			    req->arena, &disposition, err))
		return false;
	if (disposition.ptr && !is_safe_disposition(disposition))
		return error_set(err, ERROR_BAD_PARAMETER,
				 "response-content-disposition is inline, or "
				 "attachment with a plain file name.");
	if (!object_key_is_valid(req->rest))
		return error_set(err, ERROR_NOT_FOUND,
				 "That is not the key of an object.");

	res->content_type = content_type_of(req->rest);
	response_header(res, "X-Accel-Redirect", "/_objects/%.*s",
			STR_ARG(req->rest));
	response_header(res, "Cache-Control", "private, max-age=%lld",
			(long long)((expires_ms - req->now_ms) / 1000));
	if (disposition.ptr)
		response_header(res, "Content-Disposition", "%.*s",
				STR_ARG(disposition));
	return true;
}

const struct operation operation = {
	.name = "objects",
	.routes = {
		{ HTTP_GET, "/objects/{key}", .allow = "GET, HEAD",
		  .offers = "application/json, application/pdf, image/jpeg, "
			    "image/png, image/webp" },
	},
	.workers = 1, .batch = 64,
	.open_ports = open_ports, .handle = objects,
};
