/*
 * page_answer.c: "data":[…], "page":{…}, and the same links as a header.
 */
#include "http/page_answer.h"

#include "base/clock.h"
#include "base/form.h"
#include "base/limits.h"
#include "http/order_answer.h"
#include "base/banned.h"

#define CURSOR_MAX_BYTES 512u

/* A header holds no more; the body has the cursors too. */
#define LINKS_MAX_BYTES 1000u

/* As it was sent, but for bytes that have no place in a URI (RFC 3986, 2). */
static void add_as_uri(struct buf *to, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c > ' ' && c < 0x7f && !strchr("\"<>\\^`{|}", c))
			buf_add_char(to, c);
		else
			buf_add_uri(to, (struct str){ &c, 1 }, false);
	}
}

/* The query with another cursor, for the Link header (RFC 8288). */
static void add_link(struct buf *to, const struct request *req,
		     const char *relation, struct str cursor)
{
	struct str rest = req->query, part;

	buf_printf(to, "%s<%.*s?", to->len ? ", " : "", STR_ARG(req->path));
	while (str_next(&rest, '&', &part)) {
		if (part.len == 0 || str_starts(part, STR("cursor=")))
			continue;
		add_as_uri(to, part);
		buf_add_char(to, '&');
	}
	buf_add_text(to, "cursor=");
	buf_add_str(to, cursor);
	buf_printf(to, ">; rel=\"%s\"", relation);
}

static void add_cursor(struct buf *to, struct buf *links,
		       const struct request *req, const char *relation,
		       struct str cursor)
{
	buf_printf(to, ",\"%s\":", relation);
	if (cursor.len == 0) {
		buf_add_text(to, "null");
		return;
	}
	buf_add_json(to, cursor);
	add_link(links, req, relation, cursor);
}

void page_answer_end(struct response *res, const struct request *req,
		     unsigned limit, struct str next, struct str prev)
{
	struct buf *to = &res->body;
	struct buf links;

	buf_init(&links, req->arena, 16 * KIB);
	buf_printf(to, "],\"page\":{\"limit\":%u,\"has_more\":%s", limit,
		   next.len ? "true" : "false");
	add_cursor(to, &links, req, "next", next);
	add_cursor(to, &links, req, "prev", prev);
	buf_add_text(to, "}}");
	if (links.len > 0 && links.len < LINKS_MAX_BYTES)
		response_header(res, "Link", "%.*s", STR_ARG(buf_str(&links)));
}

bool page_request(const struct request *req, uint64_t *limit,
		  const char **after, struct error *err)
{
	struct form_iterator it = { .rest = req->query };

	*limit = DEFAULT_PAGE;
	*after = NULL;
	while (form_next(&it, req->arena, err)) {
		if (str_is(it.name, "limit")) {
			if (!str_to_uint(it.value, LIMIT_PAGE, limit) ||
			    *limit == 0)
				return error_set(err, ERROR_BAD_PARAMETER,
						 "limit takes 1 to %u.",
						 LIMIT_PAGE);
		} else if (str_is(it.name, "cursor")) {
			if (!uuid_is_valid(it.value))
				return error_set(err, ERROR_BAD_CURSOR, "");
			*after = arena_text(req->arena, it.value);
		} else {
			return error_set(err, ERROR_BAD_PARAMETER,
					 "Known here: limit, cursor.");
		}
	}
	return !error_is_set(err);
}

static struct str cursor_at(const struct order_query *query, bool backwards,
			    const struct stored_order *at, struct str secret,
			    struct arena *arena)
{
	struct buf cursor;

	buf_init(&cursor, arena, CURSOR_MAX_BYTES);
	order_query_cursor(query, secret, backwards, at->sort_value, at->id,
			   &cursor);
	return buf_str(&cursor);
}

bool page_answer_orders(struct response *res, const struct request *req,
			const struct order_query *query,
			const struct order_page *page,
			struct object_archive *archive, struct str secret,
			struct error *err)
{
	bool more = query->backwards || page->has_more;
	bool before = query->backwards ? page->has_more : query->has_position;
	struct str next = { 0 }, prev = { 0 };

	buf_add_text(&res->body, "{\"data\":[");
	for (size_t i = 0; i < page->count; i++) {
		if (i > 0)
			buf_add_char(&res->body, ',');
		if (!order_json_for_client(&res->body, page->orders[i].json,
					   archive, req->now_ms, err))
			return false;
	}
	if (page->count > 0 && more)
		next = cursor_at(query, false, &page->orders[page->count - 1],
				 secret, req->arena);
	if (page->count > 0 && before)
		prev = cursor_at(query, true, &page->orders[0], secret,
				 req->arena);
	page_answer_end(res, req, query->limit, next, prev);
	return true;
}
