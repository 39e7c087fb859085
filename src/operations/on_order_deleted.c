/*
 * on_order_deleted.c: POST /events/order-deleted
 *
 * The topic's HTTP subscription. Verifies the message, then believes the
 * deletion log, not the message: archives the deletion it names and queues the
 * mails. 200 only when the archive is durable; 403 only to a proven forgery;
 * trouble of ours is 503, so that it comes again. Repeatable.
 */
#include "deletion/archive_step.h"
#include "http/operation.h"
#include "base/banned.h"

static bool open_ports(struct ports *ports, const struct config *config,
		       struct error *err)
{
	ports->bell = bell_open(config);
	return database_open(&ports->database, config, false, err) &&
	       deletion_log_open(&ports->deletions, ports->database, config,
				 err) &&
	       object_archive_open(&ports->archive, config, err) &&
	       event_bus_open(&ports->events, config, err);
}

static bool read_event_id(const struct event *event, struct arena *arena,
			  const char **ret, struct error *err)
{
	struct json message;
	struct str id;

	if (!json_parse(&message, event->message, arena, err))
		return false;
	id = json_string(json_member(message, "event_id"));
	if (!uuid_is_valid(id))
		return error_set(err, ERROR_BAD_REQUEST,
				 "The message has no event_id.");
	*ret = arena_text(arena, id);
	return true;
}

static bool archive_event(struct ports *ports, const struct request *req,
			  const struct event *event, struct response *res,
			  struct error *err)
{
	struct deletion deletion;
	const char *event_id = NULL;
	struct error failure;
	bool changed;

	if (!read_event_id(event, req->arena, &event_id, err))
		return false;
	error_init(&failure);
	if (!deletion_log_get(ports->deletions, event_id, req->arena, &deletion,
			      &failure)) {
		if (failure.code != ERROR_NOT_FOUND)
			return error_cause(err, failure.code, "%s",
					   failure.cause);
		/* Genuine, but of another log (an older backup, say): there is
		 * nothing to archive, and asking again changes nothing. */
		buf_printf(&res->body,
			   "{\"event_id\":\"%s\",\"archived\":false}", event_id);
		return true;
	}
	if (!archive_deletion(ports->deletions, ports->archive, &deletion,
			      req->now_ms, req->arena, &changed, err))
		return false;
	if (changed)
		bell_ring(ports->bell);	/* its mails are due */
	buf_printf(&res->body, "{\"event_id\":\"%s\",\"archived\":%s}",
		   event_id, changed ? "true" : "false");
	return true;
}

static bool on_order_deleted(struct ports *ports, const struct request *req,
			     struct response *res, struct error *err)
{
	struct event event;

	if (!event_bus_verify(ports->events, req->body, req->now_ms, req->arena,
			      &event, err))
		return false;
	switch (event.type) {
	case EVENT_NOTIFICATION:
		return archive_event(ports, req, &event, res, err);
	case EVENT_SUBSCRIPTION_CONFIRMATION:
		buf_add_text(&res->body, "{\"confirmed\":true}");
		return event_bus_confirm(ports->events, event.token, err);
	case EVENT_UNSUBSCRIBE_CONFIRMATION:
		/* The relay finds that its endpoint is gone and subscribes
		 * again. */
		buf_add_text(&res->body, "{\"noted\":true}");
		return true;
	}
	return error_cause(err, ERROR_INTERNAL, "event type %d", event.type);
}

const struct operation operation = {
	.name = "on_order_deleted",
	.routes = {
		{ .methods = HTTP_POST, .path = "/events/order-deleted",
		  .allow = "POST", .accepts = "*/*", .offers = "*" },
	},
	.max_body_bytes = LIMIT_EVENT_BODY_BYTES,
	.limit_ms = LIMIT_EVENT_MS,
	.workers = 2, .batch = 1, .queue = 64,
	.open_ports = open_ports, .handle = on_order_deleted,
};
