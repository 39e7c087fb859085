/*
 * turn.c: waits on a wake-up or the time, lets the job take its turn, stops
 * between two turns.
 */
#include "relay/turn.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/limits.h"
#include "base/log.h"
#include "relay/backoff.h"

#include "base/banned.h"

#define TURN_ARENA_BYTES (32u * MIB)
#define LARGE_BYTES (128 * KIB)
#define PAUSE_BASE_MS 200
#define PAUSE_CAP_MS 10000

void turn_again_in(struct turn *turn, int64_t wait_ms)
{
	if (wait_ms < 0)
		wait_ms = 0;
	if (wait_ms < turn->again_in_ms)
		turn->again_in_ms = wait_ms;
}

struct str turn_trace_id(struct str traceparent)
{
	if (traceparent.len < 35)
		return STR("");
	return (struct str){ traceparent.ptr + 3, 32 };
}

static void log_fact(const char *event)
{
	struct log_line line;

	log_begin(&line, "info", event);
	log_end(&line);
}

static void read_clocks(struct turn *turn, int64_t *ahead_ms)
{
	int64_t boot_ms = clock_boot_ms();

	turn->now_ms = clock_now_ms();
	if (turn->now_ms - boot_ms > *ahead_ms)
		*ahead_ms = turn->now_ms - boot_ms;
	turn->due_ms = boot_ms + *ahead_ms;
}

/* False: asked to stop. A wake file descriptor of -1 is not looked at. */
static bool wait_for_turn(int stop_fd, int wake_fd, int64_t wait_ms,
			  uint64_t *wakes)
{
	struct pollfd fds[] = {
		{ .fd = stop_fd, .events = POLLIN },
		{ .fd = wake_fd, .events = POLLIN },
	};

	*wakes = 0;
	if (poll(fds, ARRAY_LEN(fds), (int)wait_ms) < 0 && errno != EINTR) {
		log_say("error", "poll", "%s", strerror(errno));
		return false;
	}
	if (fds[1].revents)
		(void)eventfd_read(wake_fd, wakes);
	return !fds[0].revents;
}

static bool take_turn(const struct turn_job *job, void *state,
		      struct turn *turn)
{
	struct error err;
	struct log_line line;
	bool ok;

	error_init(&err);
	deadline_set_in(LIMIT_TURN_MS);
	ok = job->take(state, turn, &err);
	deadline_clear();
	if (ok)
		return true;
	log_begin(&line, "error", "turn_failed");
	log_text(&line, "cause", error_reason(&err));
	log_end(&line);
	return false;
}

static void loop(const struct turn_job *job, void *state, int stop_fd,
		 const struct turn_wires *wires, struct arena *arena)
{
	struct turn turn = { .arena = arena };
	int64_t ahead_ms = INT64_MIN;
	int64_t wait_ms = 0;
	unsigned failures = 0;

	while (wait_for_turn(stop_fd, failures ? -1 : wires->wake, wait_ms,
			     &turn.wakes)) {
		read_clocks(&turn, &ahead_ms);
		turn.again_in_ms = job->tick_ms;
		turn.progress = false;
		if (take_turn(job, state, &turn)) {
			failures = 0;
			wait_ms = turn.again_in_ms;
		} else {
			wait_ms = backoff_limit_ms(failures++, PAUSE_BASE_MS,
						   PAUSE_CAP_MS);
		}
		if (turn.progress && wires->follower >= 0)
			(void)eventfd_write(wires->follower, 1);
		arena_reset(arena);
	}
}

int turn_run(const struct turn_job *job, const struct config *config,
	     const struct turn_wires *wires)
{
	struct arena *arena CLEANUP(cleanup_arena) = NULL;
	int stop_fd CLEANUP(cleanup_fd) = -1;
	struct error err;
	sigset_t stops;
	void *state;

	/* Left alone, the C library raises this limit with the largest block
	 * that it ever freed, and keeps what lies below it: a list that was
	 * long once would stay in our memory (mallopt(3)). */
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	stop_fd = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
	if (stop_fd < 0) {
		log_say("error", "signalfd", "%s", strerror(errno));
		return 1;
	}
	error_init(&err);
	if (!job->open(&state, config, &err)) {
		log_say("error", "open", "%s", error_reason(&err));
		return 1;
	}
	arena = arena_new(job->name, TURN_ARENA_BYTES);
	log_fact("started");
	loop(job, state, stop_fd, wires, arena);
	job->close(state);
	log_fact("stopped");
	return 0;
}
