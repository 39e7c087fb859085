/*
 * update_order.c: PATCH, PUT /api/orders/{id}
 *
 * Reads the order, checks If-Match, applies a merge patch (RFC 7396) or a whole
 * new draft, allows only legal status changes, and stores the next version.
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

static bool apply(struct order *order, const struct ports *ports,
		  const struct request *req, struct error *err)
{
	if (req->method == HTTP_PATCH)
		return order_patch(order, req->body, req->arena, err);
	return order_replace(order, req->body, ports->settings.currency,
			     req->arena, err);
}

static bool update_order(struct ports *ports, const struct request *req,
			 struct response *res, struct error *err)
{
	struct stored_order stored;
	struct order before, order;

	if (!order_store_get(ports->orders, req->id, req->arena, &stored, err))
		return false;
	if (!request_if_match(req, stored.version,
			      ports->settings.require_if_match, err))
		return false;
	if (!order_from_stored_json(&before, stored.json, req->arena, err))
		return false;
	order = before;
	if (!apply(&order, ports, req, err))
		return false;
	if (order.receipt.ptr) {
		if (!order_take_receipt(&order, req->now_ms,
					ports->settings.secret, req->arena, err))
			return false;
	} else if (!str_eq(order.description, before.description)) {
		order_image_outdated(&order);
	}
	if (!order_change(&order, &before, req->now_ms, err))
		return false;

	if (!order_answer(res, &order, ports->archive, req->now_ms, err))
		return false;
	return order_store_replace(ports->orders, &order, &before,
				   &req->idempotency, req->arena, err);
}

const struct operation operation = {
	.name = "update_order",
	.routes = {
		{ .methods = HTTP_PATCH, .path = "/api/orders/{id}",
		  .scope = "orders:write",
		  .allow = "GET, HEAD, PATCH, PUT, DELETE",
		  .accepts = "application/merge-patch+json, application/json" },
		{ .methods = HTTP_PUT, .path = "/api/orders/{id}",
		  .scope = "orders:write",
		  .allow = "GET, HEAD, PATCH, PUT, DELETE",
		  .accepts = "application/json" },
	},
	.max_body_bytes = LIMIT_JSON_BODY_BYTES,
	.writes = true, .takes_idempotency_key = true,
	.workers = 1, .batch = 64,
	.open_ports = open_ports, .handle = update_order,
};
