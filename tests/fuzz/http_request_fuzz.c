/*
 * http_request_fuzz.c: arbitrary FastCGI parameters and bodies: lines of
 * NAME=value, an empty line, the body.
 *
 * What is read is within its limits and points into the request; what is refused
 * is a 4xx whose problem is strict JSON. Any body is also looked at as a picture.
 */
#include "base/json.h"
#include "http/operation.h"
#include "http/problem.h"
#include "recognition/image_header.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const struct operation op = {
	.name = "fuzz",
	.routes = {
		{ .methods = HTTP_GET, .path = "/o", .allow = "GET, HEAD",
		  .offers = "application/json, text/csv" },
		{ .methods = HTTP_POST, .path = "/o", .allow = "POST",
		  .accepts = "application/json, multipart/form-data" },
		{ .methods = HTTP_PATCH | HTTP_PUT | HTTP_DELETE,
		  .path = "/o/{id}", .allow = "PATCH",
		  .accepts = "application/json", .body_is_optional = true },
		{ .methods = HTTP_POST, .path = "/any", .allow = "POST",
		  .accepts = "*/*", .offers = "*" },
		{ .methods = HTTP_GET, .path = "/k/{key}", .allow = "GET" },
	},
	.max_body_bytes = 64 * KIB, .takes_idempotency_key = true,
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static bool is_within(struct str part, struct str whole)
{
	return !part.ptr || (part.ptr >= whole.ptr &&
			     part.ptr + part.len <= whole.ptr + whole.len);
}

static void read_parameters(struct cgi *cgi, struct str *input,
			    struct arena *arena)
{
	struct str line;

	while (str_next(input, '\n', &line) && line.len > 0)
		cgi_take(cgi, arena_text(arena, line), arena);
	if (!input->ptr)
		return;
	cgi->body = *input;
	/* as the responder finds it, unless the input says otherwise */
	if (!cgi->content_length.ptr)
		cgi_take(cgi, arena_printf(arena, "CONTENT_LENGTH=%zu",
					   input->len), arena);
}

static void check_taken(const struct request *req)
{
	struct error err;
	struct str part;

	require(req->route && req->accept && req->body.ptr && req->query.ptr);
	require(req->query.len <= LIMIT_QUERY_BYTES);
	require(!req->id || uuid_is_valid(str_from(req->id)));
	require(req->idempotency.key.len <= LIMIT_IDEMPOTENCY_KEY_BYTES);
	error_init(&err);
	if (!request_if_match(req, 3, false, &err))
		require(err.code == ERROR_CHANGED);
	(void)request_if_none_match(req, "\"3\"");
	error_init(&err);
	if (request_has_type(req, "multipart/form-data") &&
	    multipart_field(req, "image", &part, &err))
		require(is_within(part, req->body));
	else
		require(!error_is_set(&err) || err.code == ERROR_BAD_REQUEST);
}

static void check_refused(const struct request *req, const struct error *err,
			  struct arena *arena)
{
	struct response res;
	struct error damaged;
	struct json json;

	response_init(&res, arena);
	problem_render(&res, req, err);
	require(res.status >= 400 && res.status < 500);
	error_init(&damaged);
	require(json_parse(&json, buf_str(&res.body), arena, &damaged));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct arena *arena;
	struct str input = { bytes ? (const char *)data : "", bytes };
	struct image_header header;
	struct cgi cgi = { 0 };
	struct request req;
	struct error err;

	if (!arena)
		arena = arena_new("http_request_fuzz",
				  LIMIT_REQUEST_ARENA_BYTES);
	arena_reset(arena);
	if (image_header_read(input, &header))
		require(header.media_type && header.ending);
	read_parameters(&cgi, &input, arena);
	if (image_header_read(cgi.body, &header))
		require(header.media_type && header.ending);
	request_begin(&req, &cgi, arena, 1795536000000);
	require(strlen(req.traceparent) == 55 && strlen(req.trace_id) == 32 &&
		req.request_id[0]);
	error_init(&err);
	if (request_read(&req, &cgi, &op, &err))
		check_taken(&req);
	else
		check_refused(&req, &err, arena);
	return 0;
}
