/*
 * archive_deleted_orders.c: POST /api/archive
 *
 * The reconciler: archives every recorded deletion that is not archived yet,
 * oldest first, and says how many. With {"redrive": true}, dead letters are
 * tried again as well. Repeatable by anybody at any time.
 */
#include "deletion/archive_step.h"
#include "http/operation.h"
#include "base/banned.h"

/* nginx waits 30 s, and a relay that is to stop waits for the call; the next one
 * goes on. */
#define TIME_MS 8000

static bool open_ports(struct ports *ports, const struct config *config,
		       struct error *err)
{
	ports->bell = bell_open(config);
	return database_open(&ports->database, config, false, err) &&
	       deletion_log_open(&ports->deletions, ports->database, config,
				 err) &&
	       subscriber_list_open(&ports->subscribers, ports->database,
				    config, err) &&
	       object_archive_open(&ports->archive, config, err);
}

static bool read_redrive(const struct request *req, bool *redrive,
			 struct error *err)
{
	static const char *const names[] = { "redrive", NULL };
	struct json body, member;

	*redrive = false;
	if (req->body.len == 0)
		return true;
	if (!json_parse_object(&body, req->body, names, req->arena, err))
		return false;
	member = json_member(body, "redrive");
	if (member.kind != JSON_ABSENT && member.kind != JSON_BOOL)
		return error_item(err, "/redrive", "wrong_type",
				  "Send true or false.");
	*redrive = json_bool(member);
	return true;
}

static bool archive_deleted_orders(struct ports *ports,
				   const struct request *req,
				   struct response *res, struct error *err)
{
	struct archive_tally tally = { 0 };
	uint64_t redriven = 0;
	bool redrive;

	if (!read_redrive(req, &redrive, err))
		return false;
	if (redrive && !deletion_log_redrive(ports->deletions, NULL, &redriven,
					     err))
		return false;
	if (!archive_pending(ports->deletions, ports->archive, req->now_ms,
			     TIME_MS, &tally, err))
		return false;
	bell_ring(ports->bell);
	buf_printf(&res->body,
		   "{\"examined\":%u,\"archived\":%u,\"already_archived\":%u,\"failed\":%u}",
		   tally.examined, tally.archived, tally.already_archived,
		   tally.failed);
	return true;
}

const struct operation operation = {
	.name = "archive_deleted_orders",
	.routes = {
		{ .methods = HTTP_POST, .path = "/api/archive",
		  .scope = "archive:run", .allow = "GET, HEAD, POST",
		  .accepts = "application/json", .body_is_optional = true },
	},
	.max_body_bytes = LIMIT_JSON_BODY_BYTES,
	.limit_ms = LIMIT_SWEEP_MS,
	.workers = 2, .batch = 1, .queue = 16,
	.open_ports = open_ports, .handle = archive_deleted_orders,
};
