/*
 * deletion_log.c: the list of deletion logs, one for each engine, and wrappers.
 */
#include "ports/deletion_log.h"

#include "base/banned.h"

static const struct {
	const char *database;
	bool (*open)(struct deletion_log **, struct database *, struct error *);
} adapters[] = {
	{ "dynamodb", deletion_log_dynamodb_open },
	{ "sqlite", deletion_log_sqlite_open },
};

static const char *const state_names[] = {
	[DELETION_PENDING] = "pending",
	[DELETION_ARCHIVED] = "archived",
	[DELETION_MAILED] = "mailed",
	[DELETION_DONE] = "done",
	[DELETION_RESTORED] = "restored",
};

const char *deletion_state_name(enum deletion_state state)
{
	return state_names[state];
}

bool deletion_log_open(struct deletion_log **ret, struct database *database,
		       const struct config *config, struct error *err)
{
	(void)config;
	for (size_t i = 0; i < ARRAY_LEN(adapters); i++)
		if (!strcmp(adapters[i].database, database->ops->name))
			return adapters[i].open(ret, database, err);
	return error_cause(err, ERROR_INTERNAL, "no deletion_log on %s",
			   database->ops->name);
}

void deletion_log_close(struct deletion_log *log)
{
	if (log)
		log->ops->close(log);
}

bool deletion_log_get(struct deletion_log *log, const char *event_id,
		      struct arena *arena, struct deletion *ret,
		      struct error *err)
{
	return log->ops->get(log, event_id, arena, ret, err);
}

bool deletion_log_find(struct deletion_log *log, const char *order_id,
		       struct arena *arena, struct deletion *ret,
		       struct error *err)
{
	return log->ops->find(log, order_id, arena, ret, err);
}

bool deletion_log_list(struct deletion_log *log,
		       enum deletion_selection selection, const char *after,
		       size_t limit, int64_t now_ms, int64_t older_than_ms,
		       struct arena *arena, struct deletion_page *ret,
		       struct error *err)
{
	return log->ops->list(log, selection, after, limit, now_ms,
			      older_than_ms, arena, ret, err);
}

bool deletion_log_set_archived(struct deletion_log *log, const char *event_id,
			       struct str key, const char *digest,
			       int64_t now_ms, bool *ret_changed,
			       struct error *err)
{
	return log->ops->set_archived(log, event_id, key, digest, now_ms,
				      ret_changed, err);
}

bool deletion_log_set_state(struct deletion_log *log, const char *event_id,
			    enum deletion_state state, struct error *err)
{
	return log->ops->set_state(log, event_id, state, err);
}

bool deletion_log_note_attempt(struct deletion_log *log, const char *event_id,
			       bool acknowledged, bool dead,
			       int64_t next_attempt_ms, struct str reason,
			       struct error *err)
{
	return log->ops->note_attempt(log, event_id, acknowledged, dead,
				      next_attempt_ms, reason, err);
}

bool deletion_log_redrive(struct deletion_log *log, const char *event_id,
			  uint64_t *ret_count, struct error *err)
{
	return log->ops->redrive(log, event_id, ret_count, err);
}

bool deletion_log_stats(struct deletion_log *log, struct deletion_stats *ret,
			struct error *err)
{
	return log->ops->stats(log, ret, err);
}
