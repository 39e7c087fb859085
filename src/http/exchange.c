/*
 * exchange.c: what happens to one request between its reading and its sending.
 */
#include "http/exchange.h"

#include <time.h>

#include "base/log.h"
#include "http/health.h"
#include "http/metrics.h"
#include "http/problem.h"
#include "base/banned.h"

#define CHANGED_TRIES 20u

static int64_t monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* 204 to a CORS preflight, and to any OPTIONS on a path that exists. */
static bool answer_options(struct exchange *ex)
{
	const struct route *route = ex->req.route;

	if (ex->err.code != ERROR_METHOD_NOT_ALLOWED || !route ||
	    !str_is(ex->cgi.method, "OPTIONS"))
		return false;
	error_init(&ex->err);
	ex->res.status = 204;
	response_header(&ex->res, "Allow", "%s", route->allow);
	if (access_origin_allowed(ex->cgi.origin)) {
		response_header(&ex->res, "Access-Control-Allow-Methods", "%s",
				route->allow);
		response_header(&ex->res, "Access-Control-Allow-Headers",
				"Authorization, Content-Type, Accept, If-Match, If-None-Match, Idempotency-Key, traceparent");
		response_header(&ex->res, "Access-Control-Max-Age", "600");
	}
	return true;
}

/* True when an earlier request with this key was answered: so is this one. */
static bool recall(struct exchange *ex, struct ports *ports, bool *replayed)
{
	struct answer answer;

	*replayed = false;
	if (ex->req.idempotency.key.len == 0)
		return true;
	if (!ports->orders->ops->recall(ports->orders, &ex->req.idempotency,
					ex->arena, &answer, replayed, &ex->err))
		return false;
	if (*replayed)
		response_replay(&ex->res, &answer);
	return true;
}

/* Who named no version asked for a change of whatever there is. With
 * transactions around it nobody comes in between. */
static bool may_try_again(const struct exchange *ex, unsigned tries)
{
	return ex->err.code == ERROR_CHANGED && tries < CHANGED_TRIES &&
	       (!ex->req.if_match.ptr || str_is(ex->req.if_match, "*"));
}

static bool handle(struct exchange *ex, const struct operation *op,
		   struct ports *ports)
{
	for (unsigned tries = 1;
	     !op->handle(ports, &ex->req, &ex->res, &ex->err); tries++) {
		if (!may_try_again(ex, tries))
			return false;
		error_init(&ex->err);
		buf_reset(&ex->res.headers);
		buf_reset(&ex->res.body);
	}
	if (!buf_ok(&ex->res.body) || !buf_ok(&ex->res.headers))
		return error_cause(&ex->err, ERROR_INTERNAL,
				   "the answer is over its limit");
	return true;
}

/*
 * Where a store has no transaction around its methods, another worker may have
 * finished the very same request between our look for its answer and our look
 * at the order: what refused us then is what it did itself.
 */
static bool answered_meanwhile(struct exchange *ex, struct ports *ports,
			       bool *replayed)
{
	const struct error refusal = ex->err;
	int status = error_kind(refusal.code)->status;

	if (!ex->req.idempotency.key.len ||
	    (status != 404 && status != 409 && status != 410 && status != 412))
		return false;
	error_init(&ex->err);
	if (recall(ex, ports, replayed) && *replayed)
		return true;
	ex->err = refusal;
	return false;
}

static bool run(struct exchange *ex, const struct operation *op,
		struct ports *ports)
{
	bool replayed, ok;

	if (!op->writes)
		return handle(ex, op, ports);
	ex->ran = true;
	if (!database_mark(ports->database, &ex->err))
		return false;
	ok = recall(ex, ports, &replayed) &&
	     (replayed || handle(ex, op, ports) ||
	      answered_meanwhile(ex, ports, &replayed));

	struct error undo;
	error_init(&undo);
	if (!database_release(ports->database, ok, ok ? &ex->err : &undo))
		return false;
	ex->wrote = ok && !replayed;
	return ok;
}

/* GET /readyz and /metrics, of every responder alike. */
static bool health_answer(struct exchange *ex, struct ports *ports,
			  const struct error *open_failure)
{
	bool metrics = str_is(ex->req.path, "/metrics");

	if (!metrics && !str_is(ex->req.path, "/readyz"))
		return false;
	ex->is_probe = true;
	ex->req.head_only = str_is(ex->cgi.method, "HEAD");
	if (!ex->req.head_only && !str_is(ex->cgi.method, "GET")) {
		static const struct route route = { .allow = "GET, HEAD" };

		ex->req.route = &route;
		error_set(&ex->err, ERROR_METHOD_NOT_ALLOWED,
			  "Allowed here: GET, HEAD.");
		if (!answer_options(ex))
			problem_render(&ex->res, &ex->req, &ex->err);
	} else if (metrics) {
		metrics_render(&ex->res, ports, open_failure, ex->req.now_ms);
	} else {
		health_render(&ex->res, ports, open_failure, ex->req.now_ms);
	}
	return true;
}

void exchange_handle(struct exchange *ex, const struct operation *op,
		     struct ports *ports, const struct error *open_failure,
		     int64_t now_ms)
{
	bool ok;

	ex->started_us = monotonic_us();
	ex->ran = ex->wrote = ex->is_probe = false;
	error_init(&ex->err);
	response_init(&ex->res, ex->arena);
	ex->res.flush = ex->flush;
	ex->res.connection = ex;
	request_begin(&ex->req, &ex->cgi, ex->arena, now_ms);
	ex->req.idempotency.answer = &ex->res.answer;

	if (health_answer(ex, ports, open_failure))
		return;
	ok = request_read(&ex->req, &ex->cgi, op, &ex->err);
	if (ok && error_is_set(open_failure))
		ok = error_cause(&ex->err, ERROR_UNAVAILABLE, "%s",
				 open_failure->cause);
	if (ok)
		ok = run(ex, op, ports);
	if (!ok && !answer_options(ex) && !ex->res.streaming)
		problem_render(&ex->res, &ex->req, &ex->err);
}

void exchange_fail(struct exchange *ex, const struct error *why)
{
	error_init(&ex->err);
	error_cause(&ex->err, ERROR_UNAVAILABLE, "%s", why->cause);
	ex->wrote = false;
	problem_render(&ex->res, &ex->req, &ex->err);
}

/* RFC 9110, 15. nginx repeats it as it is, and a status line without even the
 * space in front of a phrase is none (RFC 9112, 4). */
static const char *phrase_of(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} phrases[] = {
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
		{ 204, "No Content" }, { 303, "See Other" },
		{ 304, "Not Modified" }, { 400, "Bad Request" },
		{ 401, "Unauthorized" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" }, { 409, "Conflict" }, { 410, "Gone" },
		{ 411, "Length Required" }, { 412, "Precondition Failed" },
		{ 413, "Content Too Large" }, { 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 422, "Unprocessable Content" },
		{ 428, "Precondition Required" }, { 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Status";
}

void exchange_headers(const struct exchange *ex, int64_t length, struct buf *to)
{
	const struct response *res = &ex->res;

	buf_add_text(to, "Status: ");
	buf_add_int(to, res->status);
	buf_add_char(to, ' ');
	buf_add_text(to, phrase_of(res->status));
	if (res->status != 204 && res->status != 304) {
		buf_add_text(to, "\r\nContent-Type: ");
		buf_add_text(to, res->content_type);
		if (length >= 0) {
			buf_add_text(to, "\r\nContent-Length: ");
			buf_add_int(to, length);
		}
	}
	buf_add_text(to, "\r\nX-Request-Id: ");
	buf_add_text(to, ex->req.request_id);
	buf_add_text(to, "\r\n");
	if (ex->cgi.origin.len > 0 && access_origin_allowed(ex->cgi.origin)) {
		buf_add_text(to, "Access-Control-Allow-Origin: ");
		buf_add_str(to, ex->cgi.origin);
		buf_add_text(to,
			     "\r\nVary: Origin\r\nAccess-Control-Expose-Headers: ETag, Location, Link, Retry-After, X-Request-Id, Idempotent-Replayed\r\n");
	}
	/* What the API says is for one caller, and may change at any moment. */
	if (!memmem(res->headers.ptr, res->headers.len, "Cache-Control:", 14))
		buf_add_text(to, "Cache-Control: private, no-cache\r\n");
	buf_add_str(to, buf_str(&res->headers));
	buf_add_text(to, "\r\n");
}

void exchange_note(const struct exchange *ex, struct counters *counters)
{
	int64_t duration_us = monotonic_us() - ex->started_us;
	const struct request *req = &ex->req;
	struct log_line line;

	if (!ex->is_probe)
		counters_note(counters, ex->res.status, ex->err.code,
			      duration_us);
	log_begin(&line, ex->res.status >= 500 ? "error" :
			 ex->res.cause.len ? "warn" : "info", "request");
	log_str(&line, "client", ex->cgi.client);
	log_str(&line, "method", ex->cgi.method);
	log_str(&line, "path", req->path);
	log_int(&line, "status", ex->res.status);
	log_int(&line, "duration_us", duration_us);
	log_text(&line, "request_id", req->request_id);
	log_text(&line, "trace_id", req->trace_id);
	if (req->caller[0])
		log_text(&line, "caller", req->caller);
	log_int(&line, "bytes_in", (int64_t)ex->cgi.body.len);
	log_int(&line, "bytes_out", (int64_t)ex->res.bytes_sent);
	if (error_is_set(&ex->err)) {
		log_text(&line, "problem", error_kind(ex->err.code)->slug);
		log_text(&line, "cause", error_reason(&ex->err));
	} else if (ex->res.cause.len) {
		log_str(&line, "cause", ex->res.cause);
	}
	log_end(&line);
}
