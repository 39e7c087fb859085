/*
 * health.h: GET /readyz, of every responder: how what it stands on is, and what
 * is waiting.
 */
#ifndef HTTP_HEALTH_H
#define HTTP_HEALTH_H

#include "http/response.h"
#include "ports/ports.h"

struct waiting {
	struct deletion_stats deletions;
	struct mail_stats mails;
	bool known;	/* this responder has the ports that know */
};

/*
 * Each dependency with its state, the open deletions and the waiting mails. 200
 * with "ready" or "degraded" (dead letters, or a deletion that has been open
 * for longer than DELETION_SWEEP_MS), 503 with "unavailable".
 */
void health_render(struct response *res, const struct ports *ports,
		   const struct error *open_failure, int64_t now_ms);
/* The same, for GET /metrics; whether all dependencies answer. */
bool health_measure(const struct ports *ports, const struct error *open_failure,
		    struct arena *arena, struct waiting *ret);

#endif
