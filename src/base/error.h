/*
 * error.h: what went wrong, said once.
 *
 * A function that can fail returns bool and takes `struct error *err` last.
 * `return error_set(…)` is the only failure statement; it always returns false.
 * The first failure wins: setting an error that is already set changes nothing,
 * except that error_item adds further entries to a list of invalid members.
 *
 * `detail` is for the client and never holds a secret or a path; `cause` is for
 * the log. One table (error_kinds) maps code → status → problem type (RFC 9457)
 * and makes docs/ERRORS.md and the pages under /problems/.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/cleanup.h"
#include "base/str.h"

/* code, HTTP status, slug of the problem type, title, default detail */
#define ERROR_KINDS(X) \
	X(BAD_REQUEST, 400, "bad-request", "The request is malformed", "") \
	X(NOT_JSON, 400, "not-json", "The body is not valid JSON", "") \
	X(BAD_CURSOR, 400, "bad-cursor", "The cursor is not valid", "Start again without a cursor.") \
	X(BAD_PARAMETER, 400, "bad-parameter", "A query parameter is not valid", "") \
	X(UNAUTHENTICATED, 401, "unauthenticated", "A valid token is required", "Send 'Authorization: Bearer TOKEN'.") \
	X(FORBIDDEN, 403, "forbidden", "The token lacks a scope", "") \
	X(FORGED, 403, "forged", "The signature is not genuine", "") \
	X(BAD_LINK, 403, "bad-link", "The link is not valid", "Ask for a new one.") \
	X(NOT_FOUND, 404, "not-found", "There is nothing here", "") \
	X(GONE, 410, "deleted", "The order was deleted", "") \
	X(METHOD_NOT_ALLOWED, 405, "method-not-allowed", "The method is not allowed here", "") \
	X(NOT_ACCEPTABLE, 406, "not-acceptable", "No representation fits the Accept header", "") \
	X(CONFLICT, 409, "conflict", "The request conflicts with the order's state", "") \
	X(ILLEGAL_STATUS, 409, "illegal-status-change", "The status change is not legal", "") \
	X(MISMATCH, 409, "image-mismatch", "The photo does not show what the description says", "") \
	X(IN_PROGRESS, 409, "in-progress", "A request with this Idempotency-Key is still running", "") \
	X(LENGTH_REQUIRED, 411, "length-required", "A Content-Length is required", "Send the length of the body in Content-Length.") \
	X(CHANGED, 412, "changed", "The order has changed since it was read", "Read the order again and repeat the change.") \
	X(TOO_LARGE, 413, "too-large", "The body is too large", "") \
	X(URI_TOO_LONG, 414, "uri-too-long", "The request target is too long", "") \
	X(UNSUPPORTED_TYPE, 415, "unsupported-media-type", "The body's media type is not supported", "") \
	X(INVALID, 422, "invalid", "Members are missing or not valid", "") \
	X(KEY_REUSED, 422, "idempotency-key-reused", "The Idempotency-Key was used with another body", "") \
	X(PRECONDITION_REQUIRED, 428, "precondition-required", "If-Match is required", "Read the order and send its ETag as If-Match.") \
	X(TOO_MANY, 429, "too-many-requests", "Too many requests", "Wait a moment and try again.") \
	X(INTERNAL, 500, "internal", "The desk made a mistake", "The fault is on our side and has been logged.") \
	X(UNAVAILABLE, 503, "unavailable", "The desk is busy or a dependency is down", "Try again in a moment.")

enum error_code {
	ERROR_NONE,
#define X(code, status, slug, title, detail) ERROR_##code,
	ERROR_KINDS(X)
#undef X
	ERROR_CODE_COUNT
};

struct error_kind {
	enum error_code code;
	int status;
	const char *slug;
	const char *title;
	const char *detail;
};

#define ERROR_MAX_ITEMS 16u

struct error_item {
	char pointer[160];	/* RFC 6901 */
	char code[32];		/* required, too_long, unknown_member, not_a_number … */
	char detail[200];
};

struct error {
	enum error_code code;
	char detail[400];
	char cause[400];
	char etag[80];			/* with CHANGED: the current ETag, quoted; else "" */
	char link[160];			/* with GONE: the archive entry; with IN_PROGRESS … ; else "" */
	unsigned retry_after_s;		/* with TOO_MANY, UNAVAILABLE; 0: the default */
	unsigned item_count;
	struct error_item items[ERROR_MAX_ITEMS];
};

/* Cheap: does not clear the items. */
void error_init(struct error *err);
static inline bool error_is_set(const struct error *err)
{
	return err->code != ERROR_NONE;
}

/* `detail_fmt` "" gives the kind's default detail. Always false. */
bool error_set(struct error *err, enum error_code code,
	       const char *detail_fmt, ...) PRINTF_LIKE(3, 4);
/* For faults of ours and of what we stand on: default detail, cause for the log. */
bool error_cause(struct error *err, enum error_code code,
		 const char *cause_fmt, ...) PRINTF_LIKE(3, 4);
/* ERROR_INVALID with one more entry. Always false. */
bool error_item(struct error *err, const char *pointer, const char *code,
		const char *detail_fmt, ...) PRINTF_LIKE(4, 5);

const struct error_kind *error_kind(enum error_code code);
/* For an operator: the cause, else the detail, else the kind's title. */
const char *error_reason(const struct error *err);

#endif
