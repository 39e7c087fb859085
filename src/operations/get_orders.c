/*
 * get_orders.c: GET /api/orders, GET /api/archive
 *
 * A page of live orders by filters, sort and search, or all of the selection as
 * CSV; or a page of deletions, newest first. Repeatable: changes nothing.
 */
#include "deletion/deletion_json.h"
#include "http/csv_answer.h"
#include "http/operation.h"
#include "http/order_answer.h"
#include "http/page_answer.h"
#include "base/banned.h"

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

static struct str cursor_at(const struct request *req,
			    const struct ports *ports,
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
	page_answer_end(res, req, query->limit, next, prev);
	return true;
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
		deletion_to_list_json(&page.deletions[i], &res->body);
	}
	if (page.has_more)
		next = str_from(page.deletions[page.count - 1].event_id);
	page_answer_end(res, req, (unsigned)limit, next, (struct str){ 0 });
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
		return csv_answer(res, ports->orders, &query, err);
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
	.workers = 2, .batch = 16, .queue = 128,
	.open_ports = open_ports, .handle = get_orders,
};
