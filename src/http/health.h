/*
 * health.h: GET /readyz and GET /metrics, of every responder: how what it
 * stands on is, and what is waiting.
 */
#ifndef HTTP_HEALTH_H
#define HTTP_HEALTH_H

#include "http/response.h"
#include "ports/ports.h"

/*
 * Each dependency with its state, the open deletions and the waiting mails. 200
 * with "ready" or "degraded" (dead letters, or a deletion that has been open
 * for longer than DELETION_SWEEP_MS), 503 with "unavailable".
 */
void health_render(struct response *res, const struct ports *ports,
		   const struct error *open_failure, int64_t now_ms);
/* The same numbers in Prometheus' text format 0.0.4. */
void health_metrics(struct response *res, const struct ports *ports,
		    const struct error *open_failure, int64_t now_ms);

#endif
