/*
 * operation.h: what one operation declares. main.c knows exactly one:
 * `extern const struct operation operation`.
 */
#ifndef HTTP_OPERATION_H
#define HTTP_OPERATION_H

#include "base/limits.h"
#include "http/access.h"
#include "http/request.h"
#include "http/response.h"
#include "ports/ports.h"

#define OPERATION_MAX_ROUTES 5

struct route {
	unsigned methods;	/* HTTP_GET | HTTP_HEAD … */
	const char *path;	/* "/api/orders/{id}", {id} a UUID;
				 * "/objects/{key}", {key} all that follows */
	const char *scope;	/* NULL: no token needed */
	const char *allow;	/* every method of this path, for Allow */
	/* Media types of the body, comma-separated. NULL: a body is ignored;
	 * any type ("*" "/" "*"): the handler looks. */
	const char *accepts;
	const char *offers;	/* of the answer; NULL: application/json;
				 * "*": that, whatever Accept says */
	bool body_is_optional;
};

struct operation {
	const char *name;
	struct route routes[OPERATION_MAX_ROUTES];
	size_t max_body_bytes;
	int limit_ms;		/* deadline of a batch; 0: LIMIT_REQUEST_MS */
	bool writes;		/* runs in the batch's transaction */
	bool snapshot;		/* only reads, quickly: one snapshot a batch */
	bool takes_idempotency_key;
	/* defaults of `<name>.workers`, `<name>.batch` */
	unsigned workers, batch;
	/* Connections that may wait for a worker, where requests take long: who
	 * comes then is told at once to come later, rather than wait for longer
	 * than anybody does. 0: as many as the listener came with. */
	unsigned queue;
	bool (*open_ports)(struct ports *, const struct config *,
			   struct error *);
	bool (*handle)(struct ports *, const struct request *,
		       struct response *, struct error *);
	/* After the commit of a batch in which a request succeeded; or NULL. */
	void (*committed)(struct ports *);
};

extern const struct operation operation;

#endif
