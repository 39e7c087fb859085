/*
 * responder.h: one worker's event loop; the only place that knows libfcgi.
 *
 * A worker is one single-threaded process: an epoll set of the listener, a
 * signalfd and its kept connections. In one wake it takes every request that is
 * ready (at most `batch`), handles them, commits once where the operation
 * writes, and answers: nobody is answered before the commit, and if that fails
 * all are told 503. SIGTERM: no new connection is taken, what is in hand is
 * finished, then it returns.
 */
#ifndef HTTP_RESPONDER_H
#define HTTP_RESPONDER_H

#include "base/counters.h"
#include "http/operation.h"

/* For `careful_ms` after a worker ended (`*ended`, which all share, is not what
 * was `seen`), each has one request in hand at a time. Who dies of a fault of its
 * own adds to it before its connections close. */
struct crashes {
	uint64_t *ended;
	uint64_t seen;
	int64_t careful_ms;
};

/*
 * `listener`: a listening AF_UNIX socket, non-blocking. SIGTERM, SIGINT and
 * SIGPIPE are blocked by the caller before the fork. The exit status.
 */
int responder_run(const struct operation *op, const struct config *config,
		  struct counters *counters, int listener, unsigned batch,
		  struct crashes crashes);

#endif
