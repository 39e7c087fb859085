/*
 * deletion_log.h: every removal of an order as a recorded fact.
 *
 * A record is written by order_store_remove, in one commit with the removal.
 * States: pending → archived → mailed → done (→ restored). Every step may be
 * taken again by any process without harm: advancing a record that is already
 * further is success and changes nothing.
 * - archived: the archive object was written create-only, made durable and read
 *   back with the digest noted here. In the same commit one mail is queued for
 *   each confirmed subscriber (subscriber_list.h).
 * - mailed: no mail of the record is waiting (sent, or dead).
 * - done: the archived bytes were read back once more; the record then drops its
 *   copy of the order.
 * Contract test: tests/contract/deletion_log_test.c. Memory: the given arena.
 */
#ifndef PORTS_DELETION_LOG_H
#define PORTS_DELETION_LOG_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "ports/database.h"

struct deletion_log;

enum deletion_state {
	DELETION_PENDING, DELETION_ARCHIVED, DELETION_MAILED, DELETION_DONE,
	DELETION_RESTORED
};
const char *deletion_state_name(enum deletion_state state);

struct deletion {
	char event_id[ORDER_ID_BYTES];	/* UUIDv7 of the deletion's time */
	char order_id[ORDER_ID_BYTES];
	int64_t order_version;
	int64_t deleted_ms;
	enum deletion_state state;
	struct str order_json;		/* canonical bytes; absent once done */
	struct str traceparent;		/* of the request, "" when none */
	/* short facts for lists, kept when order_json is dropped */
	struct str description, customer_name;
	char currency[4];
	int64_t price_minor;

	int64_t archived_ms;		/* 0: not yet */
	struct str archive_key;		/* "" until archived */
	char archive_digest[SHA256_HEX + 1]; /* of the archive object's bytes */
	unsigned mails_total, mails_sent, mails_dead;

	/* the bell: delivery of the event */
	unsigned attempts;
	int64_t next_attempt_ms;
	bool acknowledged;		/* the subscriber answered 2xx */
	bool dead;			/* attempts used up: a dead letter */
	struct str last_error;
};

enum deletion_selection {
	DELETIONS_ALL,		/* newest first */
	DELETIONS_OPEN,		/* not done, not restored; oldest first */
	DELETIONS_PENDING,	/* not archived; oldest first */
	DELETIONS_TO_RING,	/* pending, not acknowledged, not dead,
				 * next_attempt_ms ≤ now; oldest first */
	DELETIONS_TO_CLOSE,	/* archived or mailed with no mail waiting;
				 * oldest first */
	DELETIONS_DEAD
};

struct deletion_stats {
	uint64_t open;
	int64_t oldest_open_ms;		/* 0: none */
	uint64_t dead;
};

struct deletion_page {
	struct deletion *deletions;
	size_t count;
	bool has_more;
};

struct deletion_log_ops {
	const char *name;
	/* By event id, or the newest record of an order id. ERROR_NOT_FOUND. */
	bool (*get)(struct deletion_log *, const char *event_id, struct arena *,
		    struct deletion *ret, struct error *);
	bool (*find)(struct deletion_log *, const char *order_id,
		     struct arena *, struct deletion *ret, struct error *);
	/* `after`: event id behind which the page starts, or NULL. Times
	 * compare with `now_ms`; older_than_ms: only records deleted before
	 * that instant, 0: all. */
	bool (*list)(struct deletion_log *, enum deletion_selection,
		     const char *after, size_t limit, int64_t now_ms,
		     int64_t older_than_ms, struct arena *,
		     struct deletion_page *ret, struct error *);
	/* pending → archived, and queues the mails; *ret_changed false when it
	 * was already. */
	bool (*set_archived)(struct deletion_log *, const char *event_id,
			     struct str key, const char *digest,
			     int64_t now_ms, bool *ret_changed, struct error *);
	/* archived → mailed → done; ERROR_CONFLICT while a mail is waiting. */
	bool (*set_state)(struct deletion_log *, const char *event_id,
			  enum deletion_state, struct error *);
	/* What became of ringing once. Nothing is noted of an acknowledged one
	 * whose record is archived already. */
	bool (*note_attempt)(struct deletion_log *, const char *event_id,
			     bool acknowledged, bool dead,
			     int64_t next_attempt_ms, struct str reason,
			     struct error *);
	/* Dead letters (one, or all when NULL), of events and of mails, are
	 * tried again from now on. Returns their number. */
	bool (*redrive)(struct deletion_log *, const char *event_id,
			uint64_t *ret_count, struct error *);
	bool (*stats)(struct deletion_log *, struct deletion_stats *ret,
		      struct error *);
	void (*close)(struct deletion_log *);
};

struct deletion_log {
	const struct deletion_log_ops *ops;
};

bool deletion_log_open(struct deletion_log **ret, struct database *database,
		       const struct config *config,
		       struct error *err) MUST_CHECK;
void deletion_log_close(struct deletion_log *log);
bool deletion_log_get(struct deletion_log *log, const char *event_id,
		      struct arena *arena, struct deletion *ret,
		      struct error *err) MUST_CHECK;
bool deletion_log_find(struct deletion_log *log, const char *order_id,
		       struct arena *arena, struct deletion *ret,
		       struct error *err) MUST_CHECK;
bool deletion_log_list(struct deletion_log *log,
		       enum deletion_selection selection, const char *after,
		       size_t limit, int64_t now_ms, int64_t older_than_ms,
		       struct arena *arena, struct deletion_page *ret,
		       struct error *err) MUST_CHECK;
bool deletion_log_set_archived(struct deletion_log *log, const char *event_id,
			       struct str key, const char *digest,
			       int64_t now_ms, bool *ret_changed,
			       struct error *err) MUST_CHECK;
bool deletion_log_set_state(struct deletion_log *log, const char *event_id,
			    enum deletion_state state,
			    struct error *err) MUST_CHECK;
bool deletion_log_note_attempt(struct deletion_log *log, const char *event_id,
			       bool acknowledged, bool dead,
			       int64_t next_attempt_ms, struct str reason,
			       struct error *err) MUST_CHECK;
bool deletion_log_redrive(struct deletion_log *log, const char *event_id,
			  uint64_t *ret_count, struct error *err) MUST_CHECK;
bool deletion_log_stats(struct deletion_log *log, struct deletion_stats *ret,
			struct error *err) MUST_CHECK;

/* The adapters, for deletion_log_open. */
bool deletion_log_dynamodb_open(struct deletion_log **ret,
				struct database *database,
				struct error *err) MUST_CHECK;
bool deletion_log_sqlite_open(struct deletion_log **ret,
			      struct database *database,
			      struct error *err) MUST_CHECK;

#endif
