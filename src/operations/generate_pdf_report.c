/*
 * generate_pdf_report.c: POST /api/reports, GET /api/reports/{id}
 *
 * Draws the report of a period from the archive and answers with a presigned
 * link. A large one is drawn in a process of its own; its progress is at
 * Location. Repeatable: every POST makes a report of its own.
 */
#include "deletion/report_job.h"
#include "http/operation.h"
#include "order/text.h"
#include "base/banned.h"

#define AT_ONCE 15000u	/* archive objects drawn while the client waits */
#define TITLE_LENGTH 200u

static bool open_ports(struct ports *ports, const struct config *config,
		       struct error *err)
{
	return object_archive_open(&ports->archive, config, err);
}

static bool read_text(struct json body, const char *name, const char *pointer,
		      struct str *ret, struct error *err)
{
	struct json member = json_member(body, name);

	*ret = (struct str){ 0 };
	if (member.kind == JSON_ABSENT || member.kind == JSON_NULL)
		return true;
	if (member.kind != JSON_STRING)
		return error_item(err, pointer, "wrong_type", "Send text.");
	*ret = json_string(member);
	return true;
}

#define NOON_TOMORROW_MS (36ll * 3600 * 1000)

/* First instant of a local day or, for "to", which is inclusive, of the next. */
static bool read_day(struct json body, const char *name, const char *pointer,
		     const char *zone, bool next, int64_t *ret_ms,
		     struct error *err)
{
	int year, month, day;
	struct str text;

	if (!read_text(body, name, pointer, &text, err))
		return false;
	if (!text.ptr)
		return true;
	if (!date_parse(text, &year, &month, &day) ||
	    !time_of_local_day(zone, year, month, day, ret_ms))
		return error_item(err, pointer, "invalid",
				  "Send a day such as 2026-11-24.");
	if (!next)
		return true;
	local_day_of(zone, *ret_ms + NOON_TOMORROW_MS, &year, &month, &day);
	if (!time_of_local_day(zone, year, month, day, ret_ms))
		*ret_ms = INT64_MAX;
	return true;
}

static bool read_title(struct json body, const struct request *req,
		       struct str *ret, struct error *err)
{
	if (!read_text(body, "title", "/title", ret, err))
		return false;
	*ret = ret->ptr ? text_trim(*ret) : STR("");
	if (utf8_length(*ret) > TITLE_LENGTH)
		return error_item(err, "/title", "too_long",
				  "At most %u characters.", TITLE_LENGTH);
	if (text_bad_character(*ret, false))
		return error_item(err, "/title", "control_character",
				  "Write the title in one line of plain text.");
	*ret = arena_str(req->arena, *ret);
	return true;
}

static bool read_request(const struct request *req,
			 struct report_request *ret, struct error *err)
{
	static const char *const names[] = { "from", "to", "tz", "title", NULL };
	struct json body = { .kind = JSON_OBJECT };
	struct str zone;

	*ret = (struct report_request){ .from_ms = INT64_MIN,
					.to_ms = INT64_MAX, .zone = "UTC",
					.now_ms = req->now_ms };
	uuid7(req->now_ms, ret->id);
	if (req->body.len > 0 &&
	    !json_parse(&body, req->body, req->arena, err))
		return false;
	if (body.kind != JSON_OBJECT)
		return error_set(err, ERROR_NOT_JSON,
				 "The body must be a JSON object.");
	if (!json_only(body, "", names, err) ||
	    !read_text(body, "tz", "/tz", &zone, err))
		return false;
	if (zone.ptr) {
		ret->zone = arena_text(req->arena, zone);
		if (strlen(ret->zone) != zone.len || !zone_is_known(ret->zone))
			return error_item(err, "/tz", "invalid",
					  "Send an IANA time zone such as Europe/Berlin.");
	}
	if (!read_day(body, "from", "/from", ret->zone, false, &ret->from_ms,
		      err) ||
	    !read_day(body, "to", "/to", ret->zone, true, &ret->to_ms, err) ||
	    !read_title(body, req, &ret->title, err))
		return false;
	if (ret->from_ms >= ret->to_ms)
		return error_item(err, "/to", "out_of_range",
				  "The last day must not be before the first.");
	return true;
}

static bool answer(struct ports *ports, const struct request *req,
		   struct response *res, const char *id,
		   const struct report_status *status, struct error *err)
{
	static const char *const states[] = { "running", "done", "failed" };
	struct buf *to = &res->body;
	char expires_at[TIME_TEXT_BYTES];
	int64_t expires_ms;
	struct buf url;

	buf_printf(to, "{\"id\":\"%s\",\"state\":\"%s\",\"done\":%llu,\"total\":%llu",
		   id, states[status->state], (unsigned long long)status->done,
		   (unsigned long long)status->total);
	if (status->state == REPORT_DONE) {
		buf_init(&url, req->arena, 4 * KIB);
		if (!object_archive_presign(
			    ports->archive,
			    str_from(arena_printf(req->arena, "reports/%s.pdf",
						  id)),
			    (struct str){ 0 }, req->now_ms, ports->settings.link_valid_s,
			    &url, &expires_ms, err))
			return false;
		time_format(expires_ms, expires_at);
		buf_add_text(to, ",\"url\":");
		buf_add_json(to, buf_str(&url));
		buf_printf(to,
			   ",\"expires_at\":\"%s\",\"sha256\":\"%s\",\"orders\":%llu,\"pages\":%llu",
			   expires_at, status->digest,
			   (unsigned long long)status->orders,
			   (unsigned long long)status->pages);
	}
	buf_add_text(to, ",\"detail\":");
	buf_add_json(to, status->detail);
	buf_add_char(to, '}');
	return true;
}

static bool make(struct ports *ports, const struct request *req,
		 struct response *res, struct error *err)
{
	struct report_status status = { .detail = STR("") };
	struct report_request request;
	uint64_t total;

	if (!read_request(req, &request, err) ||
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
	.workers = 2, .batch = 1,
	.open_ports = open_ports, .handle = generate_pdf_report,
};
