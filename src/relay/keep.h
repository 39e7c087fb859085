/*
 * keep.h: housekeeping: sweeps what the event path missed, closes what is
 * finished, keeps the database in shape.
 */
#ifndef RELAY_KEEP_H
#define RELAY_KEEP_H

#include "ports/database.h"
#include "ports/deletion_log.h"
#include "ports/object_archive.h"
#include "relay/turn.h"

struct http_client;

#define KEEP_DAMAGED 32

struct keep {
	const struct config *config;
	struct database *database;
	struct deletion_log *log;
	struct object_archive *archive;
	struct http_client *client;
	char *archive_url;
	int64_t sweep_after_ms;
	int64_t maintain_at_ms;

	unsigned sweeps_failed;		/* in a row */
	int64_t sweep_at_ms;
	int64_t issuer_at_ms;

	char after[ORDER_ID_BYTES];	/* where the next page to close starts */
	unsigned unread;		/* objects, in a row */
	int64_t close_at_ms;
	/* Records whose object was found damaged: looked at again, and said
	 * again, once a minute. */
	char damaged[KEEP_DAMAGED][ORDER_ID_BYTES];
	size_t damaged_count;
	int64_t forget_at_ms;
};

bool keep_turn(struct keep *keep, struct turn *turn,
	       struct error *err) MUST_CHECK;
/* What was missed: the turn of sweep_job. */
bool keep_sweep(struct keep *keep, struct turn *turn,
		struct error *err) MUST_CHECK;
/* One page of what is finished. */
bool keep_close_page(struct keep *keep, struct turn *turn,
		     struct error *err) MUST_CHECK;
/* Keeps access.jwt_keys_file fresh; what goes wrong is logged and tried again. */
void keep_issuer_keys(struct keep *keep, struct turn *turn);

extern const struct turn_job keep_job, sweep_job;

#endif
