/*
 * create_order.c: POST /api/orders
 *
 * Reads a draft, prices it, checks the image receipt and stores the order.
 * Repeatable: the idempotency record is stored with the order.
 */
#include "http/operation.h"
#include "http/order_answer.h"
#include "order/receipt.h"
#include "base/banned.h"

static bool open_ports(struct ports *ports, const struct config *config,
		       struct error *err)
{
	return database_open(&ports->database, config, false, err) &&
	       order_store_open(&ports->orders, ports->database, config, err) &&
	       object_archive_open(&ports->archive, config, err);
}

static bool create_order(struct ports *ports, const struct request *req,
			 struct response *res, struct error *err)
{
	struct order order;

	if (!order_from_json(&order, req->body, ports->settings.currency,
			     req->arena, err))
		return false;
	if (!order_take_receipt(&order, req->now_ms, ports->settings.secret,
				req->arena, err))
		return false;
	order_place(&order, req->now_ms);

	res->status = 201;
	response_header(res, "Location", "/api/orders/%s", order.id);
	if (!order_answer(res, &order, ports->archive, req->now_ms, err))
		return false;
	return order_store_create(ports->orders, &order, &req->idempotency,
				  req->arena, err);
}

const struct operation operation = {
	.name = "create_order",
	.routes = {
		{ .methods = HTTP_POST, .path = "/api/orders",
		  .scope = "orders:write", .allow = "GET, HEAD, POST",
		  .accepts = "application/json" },
	},
	.max_body_bytes = LIMIT_JSON_BODY_BYTES,
	.writes = true, .takes_idempotency_key = true,
	.workers = 1, .batch = 64,
	.open_ports = open_ports, .handle = create_order,
};
