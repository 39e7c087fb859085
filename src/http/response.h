/*
 * response.h: the answer a handler builds. Whole before the first byte leaves,
 * unless the handler streams.
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "base/buf.h"
#include "base/error.h"
#include "ports/idempotency.h"

struct response {
	int status;			/* 200 unless set */
	const char *content_type;	/* application/json unless set */
	struct buf headers;		/* "Name: value\r\n" lines */
	struct buf body;
	struct answer answer;		/* the same, as idempotency stores it */
	/* For the log: what failed, though the answer is none; or absent. */
	struct str cause;
	/* The connection's: sends what the body holds and empties it. */
	bool (*flush)(struct response *);
	void *connection;
	bool streaming;
	size_t bytes_sent;
};

void response_init(struct response *res, struct arena *arena);
/* A control character in a value is a bug of ours and aborts. */
void response_header(struct response *res, const char *name, const char *fmt,
		     ...) PRINTF_LIKE(3, 4);
/* Completes res->answer from the fields above: call it last before a store
 * method that takes the idempotency record. */
void response_seal(struct response *res);
/* The stored answer to an earlier request with this Idempotency-Key. */
void response_replay(struct response *res, const struct answer *answer);
/* For an answer without a known end: sends the body so far. Only in operations
 * that do not write. ERROR_UNAVAILABLE when the client went away. */
bool response_flush(struct response *res, struct error *err) MUST_CHECK;

#endif
