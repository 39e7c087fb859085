/*
 * get_order_by_id.c: GET /api/orders/{id}, GET /api/archive/{id}
 *
 * One live order; 304 when the client has it already, 410 with a link when it
 * was deleted. Or one deleted order with what became of its deletion.
 * Repeatable: changes nothing.
 */
#include "deletion/archive_object.h"
#include "deletion/deletion_json.h"
#include "http/operation.h"
#include "http/order_answer.h"
#include "base/banned.h"

#define OBJECT_MAX_BYTES (1u * MIB)

static bool open_ports(struct ports *ports, const struct config *config,
		       struct error *err)
{
	return database_open(&ports->database, config, false, err) &&
	       order_store_open(&ports->orders, ports->database, config, err) &&
	       deletion_log_open(&ports->deletions, ports->database, config,
				 err) &&
	       object_archive_open(&ports->archive, config, err);
}

static bool get_live(struct ports *ports, const struct request *req,
		     struct response *res, struct error *err)
{
	struct stored_order stored;
	char etag[ORDER_ETAG_BYTES];

	if (!order_store_get(ports->orders, req->id, req->arena, &stored, err))
		return false;
	order_etag(stored.json, stored.version, req->now_ms, etag);
	response_header(res, "ETag", "%s", etag);
	if (request_if_none_match(req, etag)) {
		res->status = 304;
		return true;
	}
	return order_json_for_client(&res->body, stored.json, ports->archive,
				     req->now_ms, err);
}

/* The log holds the order until the record is done; then the archive does. */
static bool order_of(const struct deletion *deletion, struct ports *ports,
		     const struct request *req, struct str *ret,
		     struct error *err)
{
	struct deletion archived;
	struct str object;

	*ret = deletion->order_json;
	if (ret->len > 0)
		return true;
	if (!object_archive_get(ports->archive, deletion->archive_key,
				OBJECT_MAX_BYTES, req->arena, &object, err) ||
	    !archive_object_parse(object, req->arena, &archived, err))
		return false;
	*ret = archived.order_json;
	return true;
}

static bool get_archived(struct ports *ports, const struct request *req,
			 struct response *res, struct error *err)
{
	struct deletion deletion;
	struct str order;

	if (!deletion_log_find(ports->deletions, req->id, req->arena, &deletion,
			       err) ||
	    !order_of(&deletion, ports, req, &order, err))
		return false;
	buf_add_text(&res->body, "{\"order\":");
	if (!order_json_for_client(&res->body, order, ports->archive,
				   req->now_ms, err))
		return false;
	buf_add_text(&res->body, ",\"deletion\":");
	deletion_to_json(&deletion, &res->body);
	buf_add_char(&res->body, '}');
	return true;
}

static bool get_order_by_id(struct ports *ports, const struct request *req,
			    struct response *res, struct error *err)
{
	if (str_starts(req->path, STR("/api/archive/")))
		return get_archived(ports, req, res, err);
	return get_live(ports, req, res, err);
}

const struct operation operation = {
	.name = "get_order_by_id",
	.routes = {
		{ .methods = HTTP_GET, .path = "/api/orders/{id}",
		  .scope = "orders:read",
		  .allow = "GET, HEAD, PATCH, PUT, DELETE" },
		{ .methods = HTTP_GET, .path = "/api/archive/{id}",
		  .scope = "orders:read", .allow = "GET, HEAD" },
	},
	.snapshot = true,
	.workers = 2, .batch = 64,
	.open_ports = open_ports, .handle = get_order_by_id,
};
