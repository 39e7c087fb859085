/*
 * get_orders.c: GET /api/orders, GET /api/archive
 *
 * A page of live orders by filters, sort and search, or all of the selection as
 * CSV; or a page of deletions, newest first. Repeatable: changes nothing.
 */
#include "http/operation.h"
#include "http/order_answer.h"
#include "order/money.h"
#include "order/order_csv.h"
#include "base/banned.h"

#define CSV_PAGE_BYTES (32u * MIB)	/* LIMIT_PAGE orders as they are stored */
#define CSV_ROW_BYTES (4u * MIB)
#define CSV_PART_BYTES (64u * KIB)	/* sent at once */
#define CURSOR_MAX_BYTES 512u

static bool open_ports(struct ports *ports, const struct config *config,
		       struct error *err)
{
	return database_open(&ports->database, config, false, err) &&
	       order_store_open(&ports->orders, ports->database, config, err) &&
	       deletion_log_open(&ports->deletions, ports->database, config,
				 err) &&
	       object_archive_open(&ports->archive, config, err);
}

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

static void end_page(struct response *res, const struct request *req,
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
	if (links.len > 0 && links.len < 1000)
		response_header(res, "Link", "%.*s", STR_ARG(buf_str(&links)));
}

static struct str cursor_at(const struct request *req, const struct ports *ports,
			    const struct order_query *query, bool backwards,
			    const struct stored_order *at)
{
	struct buf cursor;

	buf_init(&cursor, req->arena, CURSOR_MAX_BYTES);
	order_query_cursor(query, ports->settings.secret, backwards,
			   at->sort_value, at->id, &cursor);
	return buf_str(&cursor);
}

static bool list_as_json(struct ports *ports, const struct request *req,
			 const struct order_query *query, struct response *res,
			 struct error *err)
{
	struct order_page page;
	struct str next = { 0 }, prev = { 0 };

	if (!order_store_list(ports->orders, query, req->arena, &page, err))
		return false;
	buf_add_text(&res->body, "{\"data\":[");
	for (size_t i = 0; i < page.count; i++) {
		if (i > 0)
			buf_add_char(&res->body, ',');
		if (!order_json_for_client(&res->body, page.orders[i].json,
					   ports->archive, req->now_ms, err))
			return false;
	}
	if (page.count > 0 && (query->backwards || page.has_more))
		next = cursor_at(req, ports, query, false,
				 &page.orders[page.count - 1]);
	if (page.count > 0 &&
	    (query->backwards ? page.has_more : query->has_position))
		prev = cursor_at(req, ports, query, true, &page.orders[0]);
	end_page(res, req, query->limit, next, prev);
	return true;
}

static bool add_row(const struct stored_order *stored, struct arena *arena,
		    struct response *res, struct error *err)
{
	struct order order;
	struct buf row;

	if (!order_from_stored_json(&order, stored->json, arena, err))
		return false;
	buf_init(&row, arena, MIB);
	order_csv_row(&order, &row);
	buf_add_str(&res->body, buf_str(&row));
	return res->body.len < CSV_PART_BYTES || response_flush(res, err);
}

/* One page of rows; *ret_more and the query's position for the next. */
static bool add_rows(struct ports *ports, struct order_query *query,
		     struct arena *arena, struct response *res, bool *ret_more,
		     struct error *err)
{
	CLEANUP(cleanup_arena)
	struct arena *row_arena = arena_new("CSV row", CSV_ROW_BYTES);
	struct order_page page;

	if (!order_store_list(ports->orders, query, arena, &page, err))
		return false;
	for (size_t i = 0; i < page.count; i++) {
		if (!add_row(&page.orders[i], row_arena, res, err))
			return false;
		arena_reset(row_arena);
		query->has_position = true;
		query->position_value = page.orders[i].sort_value;
		memcpy(query->position_id, page.orders[i].id, ORDER_ID_BYTES);
	}
	*ret_more = page.has_more;
	return true;
}

static bool list_as_csv(struct ports *ports, struct order_query *query,
			struct response *res, struct error *err)
{
	CLEANUP(cleanup_arena)
	struct arena *arena = arena_new("CSV page", CSV_PAGE_BYTES);
	bool more = true;

	res->content_type = "text/csv; charset=utf-8";
	response_header(res, "Content-Disposition",
			"attachment; filename=\"orders.csv\"");
	query->limit = LIMIT_PAGE;
	order_csv_head(&res->body);
	while (more) {
		if (!add_rows(ports, query, arena, res, &more, err))
			return false;
		arena_reset(arena);
	}
	return true;
}

static void add_deletion(struct buf *to, const struct deletion *deletion)
{
	char deleted_at[TIME_TEXT_BYTES], price[MONEY_TEXT_BYTES];

	time_format(deletion->deleted_ms, deleted_at);
	money_format(deletion->price_minor, currency_scale(deletion->currency),
		     price);
	buf_printf(to,
		   "{\"order_id\":\"%s\",\"event_id\":\"%s\",\"description\":",
		   deletion->order_id, deletion->event_id);
	buf_add_json(to, deletion->description);
	buf_add_text(to, ",\"customer_name\":");
	buf_add_json(to, deletion->customer_name);
	buf_printf(to,
		   ",\"price\":\"%s\",\"currency\":\"%s\",\"deleted_at\":\"%s\",\"state\":\"%s\",\"mails\":{\"total\":%u,\"sent\":%u,\"failed\":%u}}",
		   price, deletion->currency, deleted_at,
		   deletion_state_name(deletion->state), deletion->mails_total,
		   deletion->mails_sent, deletion->mails_dead);
}

static bool read_archive_page(const struct request *req, uint64_t *limit,
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

static bool list_archive(struct ports *ports, const struct request *req,
			 struct response *res, struct error *err)
{
	struct deletion_page page;
	struct str next = { 0 };
	const char *after;
	uint64_t limit;

	if (!read_archive_page(req, &limit, &after, err) ||
	    !deletion_log_list(ports->deletions, DELETIONS_ALL, after, limit,
			       req->now_ms, INT64_MAX, req->arena, &page, err))
		return false;
	buf_add_text(&res->body, "{\"data\":[");
	for (size_t i = 0; i < page.count; i++) {
		if (i > 0)
			buf_add_char(&res->body, ',');
		add_deletion(&res->body, &page.deletions[i]);
	}
	if (page.has_more)
		next = str_from(page.deletions[page.count - 1].event_id);
	end_page(res, req, (unsigned)limit, next, (struct str){ 0 });
	return true;
}

static bool get_orders(struct ports *ports, const struct request *req,
		       struct response *res, struct error *err)
{
	struct order_query query;

	if (str_is(req->path, "/api/archive"))
		return list_archive(ports, req, res, err);
	if (!order_query_parse(&query, req->query, ports->settings.currency,
			       ports->settings.secret, req->arena, err))
		return false;
	if (!strcmp(req->accept, "text/csv"))
		return list_as_csv(ports, &query, res, err);
	return list_as_json(ports, req, &query, res, err);
}

const struct operation operation = {
	.name = "get_orders",
	.routes = {
		{ .methods = HTTP_GET, .path = "/api/orders",
		  .scope = "orders:read", .allow = "GET, HEAD, POST",
		  .offers = "application/json, text/csv" },
		{ .methods = HTTP_GET, .path = "/api/archive",
		  .scope = "orders:read", .allow = "GET, HEAD, POST" },
	},
	.workers = 2, .batch = 16,
	.open_ports = open_ports, .handle = get_orders,
};
