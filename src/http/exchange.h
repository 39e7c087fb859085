/*
 * exchange.h: one request and its answer on the way through a batch:
 * read → handle → (commit) → send → log.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "base/counters.h"
#include "http/operation.h"

struct exchange {
	struct arena *arena;
	struct cgi cgi;
	struct request req;
	struct response res;
	struct error err;
	bool ran;		/* the answer hangs on the batch's transaction */
	bool wrote;		/* the handler ran and succeeded */
	bool is_probe;		/* /readyz or /metrics: not counted */
	int64_t started_us;
	void *connection;	/* the responder's */
	bool (*flush)(struct response *);	/* likewise */
};

/* Runs the operation on what cgi holds; always leaves a complete answer in res.
 * `open_failure`: why the ports are not open, if they are not. */
void exchange_handle(struct exchange *ex, const struct operation *op,
		     struct ports *ports, const struct error *open_failure,
		     int64_t now_ms);
/* The commit failed, or never began: whatever was answered, it is a 503 now. */
void exchange_fail(struct exchange *ex, const struct error *why);
/* Status line and headers, as CGI has them (RFC 3875, 6.3), into `to`.
 * `length` < 0: unknown. */
void exchange_headers(const struct exchange *ex, int64_t length,
		      struct buf *to);
/* Its log line and its place in the counters. */
void exchange_note(const struct exchange *ex, struct counters *counters);

#endif
