/*
 * ring.c: rings the bell for each recorded deletion that is not archived yet.
 *
 * A lost or doubled event does no harm (the deletion log is the truth), so a
 * ring that may have got through is simply repeated.
 */
#include "relay/ring.h"

#include "base/log.h"
#include "relay/backoff.h"

#include "base/banned.h"

#define RING_BASE_MS 200
#define RING_CAP_MS 60000
#define ASK_CAP_MS 5000
/* A subscription may end: an operator's hand, or a link in a message. */
#define LOOK_AGAIN_MS 600000
#define LOOK_AHEAD 64
#define WINDOW_MS 100
#define BURST_WAKES 10		/* commits with deletions, in one window */
#define YIELD_MS 3000
/* SNS's limit of one message */
#define MESSAGE_MAX_BYTES (256u * KIB)

static void log_ring(const char *level, const char *event,
		     const struct deletion *deletion, struct str reason)
{
	struct log_line line;

	log_begin(&line, level, event);
	log_text(&line, "event_id", deletion->event_id);
	log_text(&line, "order_id", deletion->order_id);
	log_int(&line, "attempt", deletion->attempts + 1);
	log_str(&line, "trace_id", turn_trace_id(deletion->traceparent));
	if (reason.len)
		log_str(&line, "reason", reason);
	log_end(&line);
}

/* Nobody hears a bell before our endpoint has confirmed its subscription. */
static bool ensure_confirmed(struct ring *ring, struct turn *turn)
{
	struct error err;

	if (ring->confirmed && turn->due_ms < ring->look_again_ms)
		return true;
	if (turn->due_ms < ring->ask_again_ms) {
		turn_again_in(turn, ring->ask_again_ms - turn->due_ms);
		return false;
	}
	error_init(&err);
	ring->look_again_ms = turn->due_ms + LOOK_AGAIN_MS;
	if (!event_bus_ensure_subscription(ring->bus, turn->now_ms, turn->arena,
					   &ring->confirmed, &err))
		log_say("warn", "subscription_failed", "%s",
			error_reason(&err));
	if (ring->confirmed) {
		ring->asked = 0;
		return true;
	}
	int64_t wait_ms = backoff_limit_ms(ring->asked++, RING_BASE_MS,
					   ASK_CAP_MS);
	ring->ask_again_ms = turn->due_ms + wait_ms;
	turn_again_in(turn, wait_ms);
	return false;
}

static void write_message(const struct deletion *deletion, struct buf *to)
{
	char deleted_at[TIME_TEXT_BYTES];

	time_format(deletion->deleted_ms, deleted_at);
	buf_printf(to, "{\"event_id\":\"%s\",\"deleted_at\":\"%s\",\"order\":",
		   deletion->event_id, deleted_at);
	buf_add_str(to, deletion->order_json);
	buf_add_char(to, '}');
}

static bool publish(struct ring *ring, const struct deletion *deletion,
		    struct turn *turn, bool *ret_permanent, struct error *err)
{
	struct buf message;

	buf_init(&message, turn->arena, MESSAGE_MAX_BYTES);
	write_message(deletion, &message);
	if (!buf_ok(&message)) {
		*ret_permanent = true;
		return error_cause(err, ERROR_INTERNAL,
				   "the event is larger than %u bytes",
				   MESSAGE_MAX_BYTES);
	}
	return event_bus_publish(ring->bus, STR("Order deleted"),
				 buf_str(&message), deletion->traceparent,
				 turn->now_ms, turn->arena, ret_permanent, err);
}

static bool ring_one(struct ring *ring, const struct deletion *deletion,
		     struct turn *turn, struct error *err)
{
	bool permanent = false;
	struct error failure;

	error_init(&failure);
	if (publish(ring, deletion, turn, &permanent, &failure)) {
		log_ring("info", "rung", deletion, STR(""));
		turn->progress = true;
		return deletion_log_note_attempt(ring->log, deletion->event_id,
						 true, false, 0, STR(""), err);
	}
	struct str reason = str_from(error_reason(&failure));
	bool dead = permanent || deletion->attempts + 1 >= ring->max_attempts;
	int64_t wait_ms = backoff_ms(deletion->attempts, RING_BASE_MS,
				     RING_CAP_MS);

	if (dead)
		log_ring("error", "dead_letter", deletion, reason);
	else
		log_ring("warn", "ring_failed", deletion, reason);
	return deletion_log_note_attempt(ring->log, deletion->event_id, false,
					 dead, turn->due_ms + wait_ms,
					 reason, err);
}

/* When nothing is due now: the first of those that will be. */
static bool look_ahead(struct ring *ring, struct turn *turn, struct error *err)
{
	struct deletion_page page;

	if (!deletion_log_list(ring->log, DELETIONS_PENDING, NULL, LOOK_AHEAD,
			       turn->due_ms, INT64_MAX, turn->arena, &page,
			       err))
		return false;
	for (size_t i = 0; i < page.count; i++) {
		const struct deletion *deletion = &page.deletions[i];

		if (!deletion->acknowledged && !deletion->dead)
			turn_again_in(turn, deletion->next_attempt_ms -
					    turn->due_ms);
	}
	return true;
}

/*
 * People first: ringing costs a signature and three flushes of the disk for
 * each deletion, so while deletions come by the hundred it waits for the end of
 * the burst, three seconds at most. A single deletion is rung at once.
 */
static bool yields(struct ring *ring, struct turn *turn)
{
	ring->wakes += turn->wakes;
	if (turn->due_ms - ring->window_ms >= WINDOW_MS) {
		if (ring->wakes < BURST_WAKES)
			ring->burst_ms = 0;
		else if (ring->burst_ms == 0)
			ring->burst_ms = turn->due_ms;
		ring->window_ms = turn->due_ms;
		ring->wakes = 0;
	}
	if (ring->burst_ms == 0 || turn->due_ms - ring->burst_ms >= YIELD_MS)
		return false;
	turn_again_in(turn, WINDOW_MS);
	return true;
}

bool ring_turn(struct ring *ring, struct turn *turn, struct error *err)
{
	struct deletion_page page;

	if (!ensure_confirmed(ring, turn) || yields(ring, turn))
		return true;
	if (!deletion_log_list(ring->log, DELETIONS_TO_RING, NULL, 1,
			       turn->due_ms, INT64_MAX, turn->arena, &page,
			       err))
		return false;
	if (page.count == 0)
		return look_ahead(ring, turn, err);
	turn_again_in(turn, 0);
	return ring_one(ring, &page.deletions[0], turn, err);
}

static void ring_close(void *job)
{
	struct ring *ring = job;

	event_bus_close(ring->bus);
	deletion_log_close(ring->log);
	database_close(ring->database);
}

static bool ring_open(void **ret, const struct config *config,
		      struct error *err)
{
	static struct ring the_ring;	/* one in a process */
	struct ring *ring = &the_ring;

	ring->max_attempts = (unsigned)config_int(config, "event_bus.attempts");
	if (database_open(&ring->database, config, false, err) &&
	    deletion_log_open(&ring->log, ring->database, config, err) &&
	    event_bus_open(&ring->bus, config, err)) {
		*ret = ring;
		return true;
	}
	ring_close(ring);
	return false;
}

static bool ring_take(void *job, struct turn *turn, struct error *err)
{
	return ring_turn(job, turn, err);
}

const struct turn_job ring_job = {
	.name = "ring", .tick_ms = 5000,
	.open = ring_open, .take = ring_take, .close = ring_close,
};
