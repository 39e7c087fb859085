/*
 * problem.c: the one place where errors become answers.
 */
#include "http/problem.h"

#include "http/operation.h"
#include "base/banned.h"

#define RETRY_AFTER_S 1u

static void add_member(struct buf *to, const char *name, const char *value)
{
	buf_printf(to, ",\"%s\":", name);
	buf_add_json(to, str_from(value));
}

static void add_items(struct buf *to, const struct error *err)
{
	buf_add_text(to, ",\"errors\":[");
	for (unsigned i = 0; i < err->item_count; i++) {
		const struct error_item *item = &err->items[i];

		buf_add_text(to, i ? ",{\"pointer\":" : "{\"pointer\":");
		buf_add_json(to, str_from(item->pointer));
		add_member(to, "code", item->code);
		add_member(to, "detail", item->detail);
		buf_add_char(to, '}');
	}
	buf_add_char(to, ']');
}

/* The headers that RFC 9110 asks for beside some statuses. */
static void add_headers(struct response *res, const struct request *req,
			const struct error *err, int status)
{
	const struct route *route = req->route;

	if (status == 401)
		response_header(res, "WWW-Authenticate",
				"Bearer realm=\"ordermill\"%s",
				req->had_token ? ", error=\"invalid_token\"" : "");
	if (err->code == ERROR_FORBIDDEN && route && route->scope)
		response_header(res, "WWW-Authenticate",
				"Bearer realm=\"ordermill\", error=\"insufficient_scope\", scope=\"%s\"",
				route->scope);
	if (status == 405 && route)
		response_header(res, "Allow", "%s", route->allow);
	if (status == 415 && route && route->accepts)
		response_header(res,
				req->method == HTTP_PATCH ? "Accept-Patch" :
				req->method == HTTP_POST  ? "Accept-Post" :
							    "Accept",
				"%s", route->accepts);
	if (status == 412 && err->etag[0])
		response_header(res, "ETag", "%s", err->etag);
	if (status == 429 || status == 503)
		response_header(res, "Retry-After", "%u",
				err->retry_after_s ? err->retry_after_s :
						     RETRY_AFTER_S);
	if (err->link[0])
		response_header(res, "Link", "<%s>; rel=\"archives\"",
				err->link);
}

/* Bytes that are not UTF-8 may stand in a path: only ASCII is repeated. */
static struct str printable_path(const struct request *req)
{
	for (size_t i = 0; i < req->path.len; i++)
		if (req->path.ptr[i] <= 0x20 || req->path.ptr[i] >= 0x7f)
			return STR("");
	return req->path;
}

void problem_render(struct response *res, const struct request *req,
		    const struct error *err)
{
	const struct error_kind *kind = error_kind(err->code);
	struct buf *to = &res->body;

	buf_reset(&res->headers);
	buf_reset(to);
	res->status = kind->status;
	res->content_type = "application/problem+json";
	add_headers(res, req, err, kind->status);

	buf_printf(to, "{\"type\":\"/problems/%s\"", kind->slug);
	add_member(to, "title", kind->title);
	buf_printf(to, ",\"status\":%d", kind->status);
	add_member(to, "detail", err->detail[0] ? err->detail : kind->detail);
	buf_add_text(to, ",\"instance\":");
	buf_add_json(to, printable_path(req));
	if (err->item_count > 0)
		add_items(to, err);
	if (err->link[0])
		add_member(to, "archive", err->link);
	add_member(to, "trace_id", req->trace_id);
	buf_add_char(to, '}');
}
