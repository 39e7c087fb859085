/*
 * ring.h: publishes recorded deletions until the subscriber has them.
 */
#ifndef RELAY_RING_H
#define RELAY_RING_H

#include "ports/database.h"
#include "ports/deletion_log.h"
#include "ports/event_bus.h"
#include "relay/turn.h"

struct ring {
	struct database *database;
	struct deletion_log *log;
	struct event_bus *bus;
	unsigned max_attempts;
	bool confirmed;		/* our endpoint is subscribed */
	int64_t look_again_ms;	/* whether it still is */
	unsigned asked;
	int64_t ask_again_ms;
	/* a burst of deletions: counted in windows; 0: there is none */
	int64_t window_ms, burst_ms;
	uint64_t wakes;
};

bool ring_turn(struct ring *ring, struct turn *turn,
	       struct error *err) MUST_CHECK;

extern const struct turn_job ring_job;

#endif
