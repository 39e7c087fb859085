/*
 * request.h: one request, read strictly. All text lives as long as the arena.
 *
 * Before a handler sees it: the route matched, the caller has the scope, the
 * body is complete and within its limit, its media type is accepted, If-Match
 * and Idempotency-Key are well formed.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/form.h"
#include "http/cgi.h"
#include "ports/idempotency.h"

enum http_method {
	HTTP_GET = 1, HTTP_HEAD = 2, HTTP_POST = 4, HTTP_PUT = 8,
	HTTP_PATCH = 16, HTTP_DELETE = 32, HTTP_OPTIONS = 64,
};

#define TRACEPARENT_BYTES 56

struct operation;
struct route;

struct request {
	struct arena *arena;
	enum http_method method;	/* HEAD comes as GET with head_only */
	bool head_only;
	const struct route *route;
	struct str path;		/* as the client sent it, without query */
	struct str query;		/* raw, "" when none */
	const char *id;			/* {id} of the route, or NULL */
	struct str rest;		/* {key} of the route, percent-decoded */
	struct str host;
	struct str content_type;	/* with parameters, as sent */
	const char *accept;		/* the media type of route->offers agreed on */
	struct str body;
	struct str if_match, if_none_match;	/* well formed, or absent */
	int64_t now_ms;
	char request_id[65];
	char traceparent[TRACEPARENT_BYTES];	/* of this request's own span */
	char trace_id[33];
	bool had_token;			/* an Authorization header came */
	const char *caller;		/* the token's name; "" without */
	struct idempotency idempotency;
};

/*
 * First part of reading: ids and trace only, never fails, so that the log line
 * and a problem have them.
 */
void request_begin(struct request *req, const struct cgi *cgi,
		   struct arena *arena, int64_t now_ms);
/* The rest. ERROR_METHOD_NOT_ALLOWED sets req->route for its Allow. */
bool request_read(struct request *req, const struct cgi *cgi,
		  const struct operation *op, struct error *err) MUST_CHECK;

/*
 * If-Match against the stored version, by strong comparison (RFC 9110, 13.1.1).
 * ERROR_CHANGED with the current ETag; ERROR_PRECONDITION_REQUIRED when absent
 * and `required`.
 */
bool request_if_match(const struct request *req, int64_t version, bool required,
		      struct error *err) MUST_CHECK;
/* If-None-Match holds this ETag (weak comparison): answer 304. */
bool request_if_none_match(const struct request *req, const char *etag);

/* The media type of content_type without parameters equals `type`. */
bool request_has_type(const struct request *req, const char *type);
/*
 * Of a multipart/form-data body (RFC 7578), the part of that name; absent when
 * there is none. ERROR_BAD_REQUEST when the body is malformed, or has two.
 */
bool multipart_field(const struct request *req, const char *name,
		     struct str *ret, struct error *err) MUST_CHECK;

#endif
