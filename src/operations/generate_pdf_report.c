/*
 * generate_pdf_report.c: POST /api/reports, GET /api/reports/{id}
 *
 * Draws the report of a period from the archive and answers with a presigned
 * link. A large one is drawn in a process of its own; its progress is at
 * Location. Repeatable: every POST makes a report of its own.
 */
#include "deletion/report_job.h"
#include "deletion/report_json.h"
#include "http/operation.h"
#include "base/banned.h"

#define AT_ONCE 15000u	/* archive objects drawn while the client waits */

static bool open_ports(struct ports *ports, const struct config *config,
		       struct error *err)
{
	return object_archive_open(&ports->archive, config, err);
}

static bool answer(struct ports *ports, const struct request *req,
		   struct response *res, const char *id,
		   const struct report_status *status, struct error *err)
{
	return report_to_json(ports->archive, &ports->settings, id, status,
			      req->now_ms, &res->body, err);
}

static bool make(struct ports *ports, const struct request *req,
		 struct response *res, struct error *err)
{
	struct report_status status = { .detail = STR("") };
	struct report_request request;
	uint64_t total;

	if (!report_request_from_json(&request, req->body, req->now_ms,
				      req->arena, err) ||
	    !report_count(ports->archive, &request, UINT64_MAX, &total, err))
		return false;
	response_header(res, "Location", "/api/reports/%s", request.id);
	if (total > AT_ONCE) {
		res->status = 202;
		status.total = total;
		return report_start(ports->archive, &ports->settings, &request,
				    total, err) &&
		       answer(ports, req, res, request.id, &status, err);
	}
	res->status = 201;
	return report_draw(ports->archive, &ports->settings, &request, total,
			   &status, err) &&
	       answer(ports, req, res, request.id, &status, err);
}

static bool generate_pdf_report(struct ports *ports, const struct request *req,
				struct response *res, struct error *err)
{
	struct report_status status;

	if (req->method == HTTP_POST)
		return make(ports, req, res, err);
	return report_status(ports->archive, req->id, req->now_ms, req->arena,
			     &status, err) &&
	       answer(ports, req, res, req->id, &status, err);
}

const struct operation operation = {
	.name = "generate_pdf_report",
	.routes = {
		{ .methods = HTTP_POST, .path = "/api/reports",
		  .scope = "reports:write", .allow = "POST",
		  .accepts = "application/json", .body_is_optional = true },
		{ .methods = HTTP_GET, .path = "/api/reports/{id}",
		  .scope = "reports:write", .allow = "GET, HEAD" },
	},
	.max_body_bytes = LIMIT_JSON_BODY_BYTES,
	.limit_ms = LIMIT_REPORT_MS,
	.workers = 2, .batch = 1, .queue = 16,
	.open_ports = open_ports, .handle = generate_pdf_report,
};
