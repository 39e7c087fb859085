/*
 * turn.h: the loop that the relay's processes share, and what a job gets of it.
 *
 * A job is asked to take a turn when somebody rang, when the time it named has
 * come, or after its tick. A turn does one piece of work and returns; it says
 * `again_in_ms = 0` when there is more, so a stop request waits for one piece
 * at most. A failed turn is logged, and the next one comes after a pause that
 * grows to ten seconds and that no bell shortens.
 */
#ifndef RELAY_TURN_H
#define RELAY_TURN_H

#include "base/arena.h"
#include "base/config.h"
#include "base/error.h"

struct turn {
	int64_t now_ms;		/* the wall clock */
	/* The wall clock as well, but it never goes back and never stands
	 * still while the machine runs: what was put off by a back-off comes
	 * due even when the wall clock was set back meanwhile. */
	int64_t due_ms;
	uint64_t wakes;		/* since the last turn; 0: its time had come */
	struct arena *arena;	/* reset after the turn */
	int64_t again_in_ms;	/* out; the job's tick unless lowered */
	bool progress;		/* out; wakes the job that follows */
};

struct turn_job {
	const char *name;
	int64_t tick_ms;
	bool (*open)(void **ret_job, const struct config *, struct error *);
	bool (*take)(void *job, struct turn *, struct error *);
	void (*close)(void *job);
};

/* Event file descriptors: read to be woken, written to wake. */
struct turn_wires {
	int wake;
	int follower;
};

/* Runs until SIGTERM or SIGINT, both blocked by the caller. The exit status. */
int turn_run(const struct turn_job *job, const struct config *config,
	     const struct turn_wires *wires);

/* Lowers again_in_ms. */
void turn_again_in(struct turn *turn, int64_t wait_ms);
/* The 32 digits of a traceparent (W3C Trace Context 3.2), or "". */
struct str turn_trace_id(struct str traceparent);

#endif
