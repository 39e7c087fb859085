/*
 * delete_order.c: DELETE /api/orders/{id}
 *
 * Removes the order and records the deletion, in one commit; then wakes the
 * relay. The order is never absent from both. Repeatable: the idempotency
 * record is stored with the deletion; a second DELETE is 410.
 */
#include "http/operation.h"
#include "base/banned.h"

static bool open_ports(struct ports *ports, const struct config *config,
		       struct error *err)
{
	ports->bell = bell_open(config);
	return database_open(&ports->database, config, false, err) &&
	       order_store_open(&ports->orders, ports->database, config, err);
}

static void describe(struct deletion *deletion, const struct request *req,
		     const struct stored_order *stored)
{
	*deletion = (struct deletion){
		.order_version = stored->version,
		.deleted_ms = req->now_ms,
		.order_json = stored->json,
		.traceparent = str_from(req->traceparent),
	};
	uuid7(req->now_ms, deletion->event_id);
	snprintf(deletion->order_id, sizeof(deletion->order_id), "%s", req->id);
}

static void answer(struct response *res, const struct deletion *deletion)
{
	char deleted_at[TIME_TEXT_BYTES];

	time_format(deletion->deleted_ms, deleted_at);
	buf_printf(&res->body,
		   "{\"id\":\"%s\",\"deleted_at\":\"%s\",\"event_id\":\"%s\",\"archive\":\"/api/archive/%s\"}",
		   deletion->order_id, deleted_at, deletion->event_id,
		   deletion->order_id);
	response_seal(res);
}

static bool delete_order(struct ports *ports, const struct request *req,
			 struct response *res, struct error *err)
{
	struct stored_order stored;
	struct deletion deletion;
	struct order order;

	if (!order_store_get(ports->orders, req->id, req->arena, &stored, err))
		return false;
	if (!request_if_match(req, stored.version,
			      ports->settings.require_if_match, err))
		return false;
	if (!order_from_stored_json(&order, stored.json, req->arena, err))
		return false;

	describe(&deletion, req, &stored);
	deletion.description = order.description;
	deletion.customer_name = order.customer_name;
	deletion.price_minor = order.price_minor;
	memcpy(deletion.currency, order.currency, sizeof(order.currency));
	answer(res, &deletion);
	return order_store_remove(ports->orders, stored.version, &deletion,
				  &req->idempotency, req->arena, err);
}

static void committed(struct ports *ports)
{
	bell_ring(ports->bell);
}

const struct operation operation = {
	.name = "delete_order",
	.routes = {
		{ .methods = HTTP_DELETE, .path = "/api/orders/{id}",
		  .scope = "orders:delete",
		  .allow = "GET, HEAD, PATCH, PUT, DELETE" },
	},
	.max_body_bytes = LIMIT_JSON_BODY_BYTES,
	.writes = true, .takes_idempotency_key = true,
	.workers = 1, .batch = 64,
	.open_ports = open_ports, .handle = delete_order,
	.committed = committed,
};
