/*
 * page_answer.c: "page":{…} and the same links as a header.
 */
#include "http/page_answer.h"

#include "base/limits.h"
#include "base/banned.h"

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
