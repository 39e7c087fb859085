/*
 * deletion_log_sqlite.c: the recorded deletions in SQLite.
 *
 * A record counts its mails (total, sent, dead); every statement that changes
 * the state of a deletion mail changes the count in the same transaction.
 */
#include "adapters/sqlite.h"
#include "ports/deletion_log.h"
#include "ports/subscriber_list.h"

#include "base/banned.h"

#define COLUMNS \
	"SELECT event_id, order_id, order_version, deleted_ms, state," \
	" traceparent, description, customer_name, currency, price_minor," \
	" archived_ms, archive_key, archive_digest, mails_total, mails_sent," \
	" mails_dead, attempts, next_attempt_ms, acknowledged, dead," \
	" last_error, order_json FROM deletions"

/* ?1 now, ?2 older than, ?3 after, ?4 limit */
#define OLD " AND deleted_ms < ?2 AND event_id > ?3" \
	    " ORDER BY event_id LIMIT ?4"

enum statement {
	GET, FIND, LIST_ALL, LIST_OPEN, LIST_PENDING, LIST_TO_RING,
	LIST_TO_CLOSE, LIST_DEAD, STATE, SET_ARCHIVED, QUEUE_MAILS,
	SET_STATE, NOTE_ATTEMPT, REDRIVE_EVENTS, REDRIVE_COUNTS, REDRIVE_MAILS,
	STATS, STATEMENTS
};

/* The WHERE clauses repeat those of the partial indexes word for word: that is
 * how SQLite sees that an index serves. */
static const char *const sql[STATEMENTS] = {
	[GET] = COLUMNS " WHERE event_id = ?1",
	[FIND] = COLUMNS " WHERE order_id = ?1 ORDER BY event_id DESC LIMIT 1",
	[LIST_ALL] = COLUMNS " WHERE deleted_ms < ?2"
			     " AND (?3 IS NULL OR event_id < ?3)"
			     " ORDER BY event_id DESC LIMIT ?4",
	[LIST_OPEN] = COLUMNS " WHERE state < 3" OLD,
	[LIST_PENDING] = COLUMNS " WHERE state = 0" OLD,
	[LIST_TO_RING] = COLUMNS " WHERE state = 0 AND acknowledged = 0"
				 " AND dead = 0 AND next_attempt_ms <= ?1" OLD,
	[LIST_TO_CLOSE] = COLUMNS " WHERE state IN (1, 2)"
				  " AND mails_total = mails_sent + mails_dead"
				  OLD,
	[LIST_DEAD] = COLUMNS " WHERE dead + mails_dead > 0" OLD,
	[STATE] = "SELECT state, mails_total - mails_sent - mails_dead"
		  " FROM deletions WHERE event_id = ?1",
	[SET_ARCHIVED] = "UPDATE deletions SET state = 1, archive_key = ?2,"
			 " archive_digest = ?3, archived_ms = ?4, dead = 0,"
			 " mails_total = ?5 WHERE event_id = ?1",
	[QUEUE_MAILS] = "INSERT INTO mails(id, kind, subscriber_id, address,"
			" event_id, queued_ms, next_ms)"
			" SELECT new_id(?2), ?3, id, email, ?1, ?2, ?2"
			" FROM subscribers WHERE confirmed_ms > 0",
	/* done: the archive has the order, the record need not */
	[SET_STATE] = "UPDATE deletions SET state = ?2,"
		      " order_json = iif(?2 = 3, NULL, order_json)"
		      " WHERE event_id = ?1",
	[NOTE_ATTEMPT] = "UPDATE deletions SET attempts = attempts + 1,"
			 " acknowledged = max(acknowledged, ?2), dead = ?3,"
			 " next_attempt_ms = ?4, last_error = ?5"
			 " WHERE event_id = ?1",
	[REDRIVE_EVENTS] = "UPDATE deletions SET dead = 0, attempts = 0,"
			   " next_attempt_ms = 0"
			   " WHERE dead + mails_dead > 0 AND dead = 1"
			   " AND (?1 IS NULL OR event_id = ?1)",
	/* mailed means that no mail waits: such a record is archived again */
	[REDRIVE_COUNTS] = "UPDATE deletions SET mails_dead = 0,"
			   " state = iif(state = 2, 1, state)"
			   " WHERE dead + mails_dead > 0 AND mails_dead > 0"
			   " AND (?1 IS NULL OR event_id = ?1)",
	[REDRIVE_MAILS] = "UPDATE mails SET state = 0, attempts = 0,"
			  " next_ms = queued_ms, ended_ms = NULL"
			  " WHERE state = 2"
			  " AND (?1 IS NULL OR event_id = ?1)",
	[STATS] = "SELECT"
		  " (SELECT count(*) FROM deletions WHERE state < 3),"
		  " (SELECT deleted_ms FROM deletions WHERE state < 3"
		  "  ORDER BY event_id LIMIT 1),"
		  " (SELECT count(*) FROM deletions"
		  "  WHERE dead + mails_dead > 0 AND dead = 1)",
};

struct sqlite_deletion_log {
	struct deletion_log base;
	struct sqlite *db;
	sqlite3_stmt *statements[STATEMENTS];
};

static struct sqlite_deletion_log *self_of(struct deletion_log *log)
{
	return (struct sqlite_deletion_log *)log;
}

static sqlite3_stmt *get_statement(struct sqlite_deletion_log *self,
				   enum statement which, struct error *err)
{
	return sqlite_statement(self->db, &self->statements[which], sql[which],
				err);
}

static bool unknown(struct error *err)
{
	return error_set(err, ERROR_NOT_FOUND,
			 "There is no deletion with this id.");
}

static void copy_column(sqlite3_stmt *row, int column, char *ret, size_t bytes)
{
	const char *text = (const char *)sqlite3_column_text(row, column);

	snprintf(ret, bytes, "%s", text ? text : "");
}

static void read_deletion(sqlite3_stmt *row, struct arena *arena,
			  struct deletion *ret)
{
	*ret = (struct deletion){
		.order_version = sqlite3_column_int64(row, 2),
		.deleted_ms = sqlite3_column_int64(row, 3),
		.state = (enum deletion_state)sqlite3_column_int(row, 4),
		.traceparent = sqlite_column_str(row, 5, arena),
		.description = sqlite_column_str(row, 6, arena),
		.customer_name = sqlite_column_str(row, 7, arena),
		.price_minor = sqlite3_column_int64(row, 9),
		.archived_ms = sqlite3_column_int64(row, 10),
		.archive_key = sqlite_column_str(row, 11, arena),
		.mails_total = (unsigned)sqlite3_column_int(row, 13),
		.mails_sent = (unsigned)sqlite3_column_int(row, 14),
		.mails_dead = (unsigned)sqlite3_column_int(row, 15),
		.attempts = (unsigned)sqlite3_column_int(row, 16),
		.next_attempt_ms = sqlite3_column_int64(row, 17),
		.acknowledged = sqlite3_column_int(row, 18),
		.dead = sqlite3_column_int(row, 19),
		.last_error = sqlite_column_str(row, 20, arena),
		.order_json = sqlite_column_str(row, 21, arena),
	};
	sqlite_column_id(row, 0, ret->event_id);
	sqlite_column_id(row, 1, ret->order_id);
	copy_column(row, 8, ret->currency, sizeof(ret->currency));
	copy_column(row, 12, ret->archive_digest, sizeof(ret->archive_digest));
}

static bool read_one(struct sqlite_deletion_log *self, enum statement which,
		     const char *id, struct arena *arena, struct deletion *ret,
		     struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *row =
		get_statement(self, which, err);
	enum sqlite_step step;

	if (!row)
		return false;
	sqlite_bind_id(row, 1, id);
	step = sqlite_step(self->db, row, err);
	if (step == STEP_DONE)
		return unknown(err);
	if (step != STEP_ROW)
		return false;
	read_deletion(row, arena, ret);
	return true;
}

static bool get(struct deletion_log *log, const char *event_id,
		struct arena *arena, struct deletion *ret, struct error *err)
{
	return read_one(self_of(log), GET, event_id, arena, ret, err);
}

static bool find(struct deletion_log *log, const char *order_id,
		 struct arena *arena, struct deletion *ret, struct error *err)
{
	return read_one(self_of(log), FIND, order_id, arena, ret, err);
}

static bool list(struct deletion_log *log, enum deletion_selection selection,
		 const char *after, size_t limit, int64_t now_ms,
		 int64_t older_than_ms, struct arena *arena,
		 struct deletion_page *ret, struct error *err)
{
	struct sqlite_deletion_log *self = self_of(log);
	CLEANUP(sqlite_reset) sqlite3_stmt *row = get_statement(
		self, LIST_ALL + (enum statement)selection, err);
	enum sqlite_step step;

	*ret = (struct deletion_page){ 0 };
	if (!row)
		return false;
	sqlite_bind_int(row, 1, now_ms);
	sqlite_bind_int(row, 2, older_than_ms ? older_than_ms : INT64_MAX);
	if (after)
		sqlite_bind_id(row, 3, after);
	else if (selection != DELETIONS_ALL)
		sqlite_bind_blob(row, 3, "", 0);	/* before all */
	sqlite_bind_int(row, 4, (int64_t)limit + 1);
	ret->deletions = arena_alloc(arena, limit * sizeof(*ret->deletions));
	while ((step = sqlite_step(self->db, row, err)) == STEP_ROW) {
		if (ret->count == limit) {
			ret->has_more = true;
			return true;
		}
		read_deletion(row, arena, &ret->deletions[ret->count++]);
	}
	return step == STEP_DONE;
}

/* Where the record is, and how many of its mails wait. */
static bool read_state(struct sqlite_deletion_log *self, const char *event_id,
		       enum deletion_state *ret, int64_t *ret_waiting,
		       struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *row =
		get_statement(self, STATE, err);
	enum sqlite_step step;

	if (!row)
		return false;
	sqlite_bind_id(row, 1, event_id);
	step = sqlite_step(self->db, row, err);
	if (step == STEP_DONE)
		return unknown(err);
	if (step != STEP_ROW)
		return false;
	*ret = (enum deletion_state)sqlite3_column_int(row, 0);
	*ret_waiting = sqlite3_column_int64(row, 1);
	return true;
}

static bool queue_mails(struct sqlite_deletion_log *self, const char *event_id,
			int64_t now_ms, int64_t *ret_count, struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *insert =
		get_statement(self, QUEUE_MAILS, err);

	if (!insert)
		return false;
	sqlite_bind_id(insert, 1, event_id);
	sqlite_bind_int(insert, 2, now_ms);
	sqlite_bind_int(insert, 3, MAIL_DELETION);
	if (!sqlite_run(self->db, insert, err))
		return false;
	*ret_count = sqlite3_changes64(self->db->handle);
	return true;
}

static bool archive(struct sqlite_deletion_log *self, const char *event_id,
		    struct str key, const char *digest, int64_t now_ms,
		    bool *ret_changed, struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *update = NULL;
	enum deletion_state state;
	int64_t mails;

	if (!read_state(self, event_id, &state, &mails, err))
		return false;
	if (state != DELETION_PENDING)
		return true;
	if (!queue_mails(self, event_id, now_ms, &mails, err))
		return false;
	update = get_statement(self, SET_ARCHIVED, err);
	if (!update)
		return false;
	sqlite_bind_id(update, 1, event_id);
	sqlite_bind_str(update, 2, key);
	sqlite_bind_str(update, 3, str_from(digest));
	sqlite_bind_int(update, 4, now_ms);
	sqlite_bind_int(update, 5, mails);
	*ret_changed = true;
	return sqlite_run(self->db, update, err);
}

static bool set_archived(struct deletion_log *log, const char *event_id,
			 struct str key, const char *digest, int64_t now_ms,
			 bool *ret_changed, struct error *err)
{
	struct sqlite_deletion_log *self = self_of(log);
	bool own, ok;

	*ret_changed = false;
	if (!sqlite_enter(self->db, &own, err))
		return false;
	ok = archive(self, event_id, key, digest, now_ms, ret_changed, err);
	return sqlite_leave(self->db, own, ok, err);
}

static bool advance(struct sqlite_deletion_log *self, const char *event_id,
		    enum deletion_state to, struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *update = NULL;
	enum deletion_state state;
	int64_t waiting;

	if (!read_state(self, event_id, &state, &waiting, err))
		return false;
	if (state >= to)
		return true;
	if (state == DELETION_PENDING || to == DELETION_RESTORED)
		return error_set(err, ERROR_CONFLICT,
				 "A deletion that is %s does not become %s so.",
				 deletion_state_name(state),
				 deletion_state_name(to));
	if (waiting)
		return error_set(err, ERROR_CONFLICT,
				 "%lld mails of the deletion are waiting.",
				 (long long)waiting);
	update = get_statement(self, SET_STATE, err);
	if (!update)
		return false;
	sqlite_bind_id(update, 1, event_id);
	sqlite_bind_int(update, 2, to);
	return sqlite_run(self->db, update, err);
}

static bool set_state(struct deletion_log *log, const char *event_id,
		      enum deletion_state state, struct error *err)
{
	struct sqlite_deletion_log *self = self_of(log);
	bool own, ok;

	if (!sqlite_enter(self->db, &own, err))
		return false;
	ok = advance(self, event_id, state, err);
	return sqlite_leave(self->db, own, ok, err);
}

static bool note(struct sqlite_deletion_log *self, const char *event_id,
		 bool acknowledged, bool dead, int64_t next_attempt_ms,
		 struct str reason, struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *update = NULL;
	enum deletion_state state;
	int64_t waiting;

	if (!read_state(self, event_id, &state, &waiting, err))
		return false;
	/* The state says so already: a commit less for each deletion. */
	if (acknowledged && state != DELETION_PENDING)
		return true;
	update = get_statement(self, NOTE_ATTEMPT, err);
	if (!update)
		return false;
	sqlite_bind_id(update, 1, event_id);
	sqlite_bind_int(update, 2, acknowledged);
	/* once archived nothing is lost by a bell that did not ring */
	sqlite_bind_int(update, 3, dead && state == DELETION_PENDING);
	sqlite_bind_int(update, 4, next_attempt_ms);
	sqlite_bind_str(update, 5, reason.ptr ? reason : STR(""));
	return sqlite_run(self->db, update, err);
}

static bool note_attempt(struct deletion_log *log, const char *event_id,
			 bool acknowledged, bool dead, int64_t next_attempt_ms,
			 struct str reason, struct error *err)
{
	struct sqlite_deletion_log *self = self_of(log);
	bool own, ok;

	if (!sqlite_enter(self->db, &own, err))
		return false;
	ok = note(self, event_id, acknowledged, dead, next_attempt_ms, reason,
		  err);
	return sqlite_leave(self->db, own, ok, err);
}

static bool redrive_with(struct sqlite_deletion_log *self,
			 enum statement which, const char *event_id,
			 uint64_t *count, struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *update =
		get_statement(self, which, err);

	if (!update)
		return false;
	if (event_id)
		sqlite_bind_id(update, 1, event_id);
	if (!sqlite_run(self->db, update, err))
		return false;
	*count += (uint64_t)sqlite3_changes64(self->db->handle);
	return true;
}

static bool redrive(struct deletion_log *log, const char *event_id,
		    uint64_t *ret_count, struct error *err)
{
	struct sqlite_deletion_log *self = self_of(log);
	enum deletion_state state;
	int64_t waiting;
	uint64_t records = 0;
	bool own, ok;

	*ret_count = 0;
	if (!sqlite_enter(self->db, &own, err))
		return false;
	ok = (!event_id ||
	      read_state(self, event_id, &state, &waiting, err)) &&
	     redrive_with(self, REDRIVE_EVENTS, event_id, ret_count, err) &&
	     redrive_with(self, REDRIVE_COUNTS, event_id, &records, err) &&
	     redrive_with(self, REDRIVE_MAILS, event_id, ret_count, err);
	return sqlite_leave(self->db, own, ok, err);
}

static bool stats(struct deletion_log *log, struct deletion_stats *ret,
		  struct error *err)
{
	struct sqlite_deletion_log *self = self_of(log);
	CLEANUP(sqlite_reset) sqlite3_stmt *row =
		get_statement(self, STATS, err);

	if (!row || sqlite_step(self->db, row, err) != STEP_ROW)
		return false;
	ret->open = (uint64_t)sqlite3_column_int64(row, 0);
	ret->oldest_open_ms = sqlite3_column_int64(row, 1);
	ret->dead = (uint64_t)sqlite3_column_int64(row, 2);
	return true;
}

static void close_log(struct deletion_log *log)
{
	struct sqlite_deletion_log *self = self_of(log);

	sqlite_finalize(self->statements, STATEMENTS);
	free(self);
}

static const struct deletion_log_ops ops = {
	.name = "sqlite",
	.get = get,
	.find = find,
	.list = list,
	.set_archived = set_archived,
	.set_state = set_state,
	.note_attempt = note_attempt,
	.redrive = redrive,
	.stats = stats,
	.close = close_log,
};

bool deletion_log_sqlite_open(struct deletion_log **ret,
			      struct database *database, struct error *err)
{
	struct sqlite_deletion_log *self = calloc(1, sizeof(*self));

	if (!self)
		return error_cause(err, ERROR_UNAVAILABLE, "no memory");
	self->base.ops = &ops;
	self->db = sqlite_of(database);
	*ret = &self->base;
	return true;
}
