/*
 * get_orders.c: GET /api/orders, GET /api/archive
 *
 * A page of live orders by filters, sort and search, or all of the selection as
 * CSV; or a page of deletions, newest first. Repeatable: changes nothing.
 */
#include "deletion/deletion_json.h"
#include "http/csv_answer.h"
#include "http/operation.h"
#include "http/page_answer.h"
#include "base/banned.h"

static bool open_ports(struct ports *ports, const struct config *config,
		       struct error *err)
{
	return database_open(&ports->database, config, false, err) &&
	       order_store_open(&ports->orders, ports->database, config, err) &&
	       deletion_log_open(&ports->deletions, ports->database, config,
				 err) &&
	       object_archive_open(&ports->archive, config, err);
}

static bool list_orders(struct ports *ports, const struct request *req,
			struct response *res, struct error *err)
{
	const struct settings *settings = &ports->settings;
	struct order_query query;
	struct order_page page;

	if (!order_query_parse(&query, req->query, settings->currency,
			       settings->secret, req->arena, err))
		return false;
	if (!strcmp(req->accept, "text/csv"))
		return csv_answer(res, ports->orders, &query, err);
	return order_store_list(ports->orders, &query, req->arena, &page,
				err) &&
	       page_answer_orders(res, req, &query, &page, ports->archive,
				  settings->secret, err);
}

static bool list_archive(struct ports *ports, const struct request *req,
			 struct response *res, struct error *err)
{
	struct deletion_page page;
	struct str next = { 0 };
	const char *after;
	uint64_t limit;

	if (!page_request(req, &limit, &after, err) ||
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
	if (str_is(req->path, "/api/archive"))
		return list_archive(ports, req, res, err);
	return list_orders(ports, req, res, err);
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
