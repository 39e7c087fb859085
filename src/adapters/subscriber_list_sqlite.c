/*
 * subscriber_list_sqlite.c: subscribers and the mails owed to them, in SQLite.
 *
 * An address is one subscriber however its letters are cased, or else anybody
 * could have one person mailed a thousand times. It is gone from the list once
 * unsubscribed.
 */
#include "adapters/sqlite.h"
#include "ports/subscriber_list.h"

#include "base/banned.h"

#define MAIL_PAUSE_MS (10ll * 60 * 1000)

enum statement {
	SUBSCRIBE, IS_CONFIRMED, CONFIRM, COUNT_OUT, DROP_MAILS, UNSUBSCRIBE,
	QUEUE_MAIL, DUE_MAILS, FIND_MAIL, SENT, FAILED, ADD_TO_RECORD, STATS,
	STATEMENTS
};

static const char *const sql[STATEMENTS] = {
	/* An unconfirmed address is taken as it was typed last. A mail is due
	 * when the row took the new mail's id. */
	[SUBSCRIBE] =
		"INSERT INTO subscribers(id, email, mailed_ms, mail_id)"
		" VALUES (?1, ?2, ?3, ?5) ON CONFLICT(email) DO UPDATE SET"
		" email = iif(confirmed_ms > 0, email, ?2),"
		" mail_id = iif(mailed_ms <= ?3 - ?4, ?5, mail_id),"
		" mailed_ms = iif(mailed_ms <= ?3 - ?4, ?3, mailed_ms)"
		" RETURNING id, email, confirmed_ms, mail_id = ?5",
	[IS_CONFIRMED] = "SELECT confirmed_ms > 0 FROM subscribers"
			 " WHERE id = ?1",
	[CONFIRM] = "UPDATE subscribers SET confirmed_ms = ?2 WHERE id = ?1",
	/* Dead mails too: nobody who has left is mailed by a redrive. */
	[COUNT_OUT] = "UPDATE deletions SET mails_total = mails_total - 1,"
		      " mails_dead = mails_dead - (mail.state = 2)"
		      " FROM (SELECT event_id, state FROM mails"
		      " WHERE state <> 1 AND subscriber_id = ?1) AS mail"
		      " WHERE deletions.event_id = mail.event_id",
	[DROP_MAILS] = "DELETE FROM mails WHERE state <> 1"
		       " AND subscriber_id = ?1",
	[UNSUBSCRIBE] = "DELETE FROM subscribers WHERE id = ?1",
	[QUEUE_MAIL] = "INSERT INTO mails(id, kind, subscriber_id, address,"
		       " queued_ms, next_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
	[DUE_MAILS] = "SELECT id, kind, subscriber_id, address, event_id,"
		      " attempts, queued_ms FROM mails"
		      " WHERE state = 0 AND next_ms <= ?1"
		      " ORDER BY next_ms, number LIMIT ?2",
	[FIND_MAIL] = "SELECT state, kind, event_id FROM mails WHERE id = ?1",
	[SENT] = "UPDATE mails SET state = 1, attempts = attempts + 1,"
		 " ended_ms = ?2, last_error = '' WHERE id = ?1",
	/* a dead deletion mail is kept until it is redriven */
	[FAILED] = "UPDATE mails SET attempts = attempts + 1, state = ?2,"
		   " next_ms = ?3, last_error = ?4,"
		   " ended_ms = iif(?2 = 2 AND event_id IS NULL, ?3, NULL)"
		   " WHERE id = ?1",
	[ADD_TO_RECORD] = "UPDATE deletions SET mails_sent = mails_sent + ?2,"
			  " mails_dead = mails_dead + ?3 WHERE event_id = ?1",
	[STATS] = "SELECT (SELECT count(*) FROM mails WHERE state = 0),"
		  " (SELECT count(*) FROM mails WHERE state = 2)",
};

enum mail_state { MAIL_WAITING, MAIL_SENT, MAIL_DEAD };

struct sqlite_subscriber_list {
	struct subscriber_list base;
	struct sqlite *db;
	sqlite3_stmt *statements[STATEMENTS];
};

static struct sqlite_subscriber_list *self_of(struct subscriber_list *list)
{
	return (struct sqlite_subscriber_list *)list;
}

static sqlite3_stmt *get_statement(struct sqlite_subscriber_list *self,
				   enum statement which, struct error *err)
{
	return sqlite_statement(self->db, &self->statements[which], sql[which],
				err);
}

/* One statement with an id as its first parameter, and a time as its second
 * where it has one. */
static bool run_for(struct sqlite_subscriber_list *self, enum statement which,
		    const char *id, int64_t time_ms, struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *statement =
		get_statement(self, which, err);

	if (!statement)
		return false;
	sqlite_bind_id(statement, 1, id);
	if (sqlite3_bind_parameter_count(statement) > 1)
		sqlite_bind_int(statement, 2, time_ms);
	return sqlite_run(self->db, statement, err);
}

static bool queue_mail(struct sqlite_subscriber_list *self, const char *id,
		       enum mail_kind kind, const char *subscriber_id,
		       struct str address, int64_t now_ms, struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *insert =
		get_statement(self, QUEUE_MAIL, err);

	if (!insert)
		return false;
	sqlite_bind_id(insert, 1, id);
	sqlite_bind_int(insert, 2, kind);
	sqlite_bind_id(insert, 3, subscriber_id);
	sqlite_bind_str(insert, 4, address);
	sqlite_bind_int(insert, 5, now_ms);
	return sqlite_run(self->db, insert, err);
}

static bool upsert(struct sqlite_subscriber_list *self, struct str email,
		   int64_t now_ms, struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *row =
		get_statement(self, SUBSCRIBE, err);
	char id[ORDER_ID_BYTES], mail_id[ORDER_ID_BYTES];
	struct str address;
	enum mail_kind kind;

	if (!row)
		return false;
	uuid7(now_ms, id);
	uuid7(now_ms, mail_id);
	sqlite_bind_id(row, 1, id);
	sqlite_bind_id(row, 5, mail_id);
	sqlite_bind_str(row, 2, email);
	sqlite_bind_int(row, 3, now_ms);
	sqlite_bind_int(row, 4, MAIL_PAUSE_MS);
	if (sqlite_step(self->db, row, err) != STEP_ROW)
		return false;
	if (!sqlite3_column_int(row, 3))
		return true;
	sqlite_column_id(row, 0, id);
	address.ptr = sqlite3_column_blob(row, 1);
	address.len = (size_t)sqlite3_column_bytes(row, 1);
	kind = sqlite3_column_int64(row, 2) ? MAIL_ALREADY : MAIL_CONFIRM;
	return queue_mail(self, mail_id, kind, id, address, now_ms, err);
}

static bool subscribe(struct subscriber_list *list, struct str email,
		      int64_t now_ms, struct error *err)
{
	struct sqlite_subscriber_list *self = self_of(list);
	bool own, ok;

	if (!sqlite_enter(self->db, &own, err))
		return false;
	ok = upsert(self, email, now_ms, err);
	return sqlite_leave(self->db, own, ok, err);
}

static bool confirm_row(struct sqlite_subscriber_list *self, const char *id,
			int64_t now_ms, struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *row =
		get_statement(self, IS_CONFIRMED, err);
	enum sqlite_step step;

	if (!row)
		return false;
	sqlite_bind_id(row, 1, id);
	step = sqlite_step(self->db, row, err);
	if (step == STEP_DONE)
		return error_set(err, ERROR_NOT_FOUND,
				 "There is no such subscription any more.");
	if (step != STEP_ROW)
		return false;
	return sqlite3_column_int(row, 0) ||
	       run_for(self, CONFIRM, id, now_ms, err);
}

static bool confirm(struct subscriber_list *list, const char *subscriber_id,
		    int64_t now_ms, struct error *err)
{
	struct sqlite_subscriber_list *self = self_of(list);
	bool own, ok;

	if (!sqlite_enter(self->db, &own, err))
		return false;
	ok = confirm_row(self, subscriber_id, now_ms, err);
	return sqlite_leave(self->db, own, ok, err);
}

static bool unsubscribe(struct subscriber_list *list,
			const char *subscriber_id, struct error *err)
{
	struct sqlite_subscriber_list *self = self_of(list);
	bool own, ok;

	if (!sqlite_enter(self->db, &own, err))
		return false;
	ok = run_for(self, COUNT_OUT, subscriber_id, 0, err) &&
	     run_for(self, DROP_MAILS, subscriber_id, 0, err) &&
	     run_for(self, UNSUBSCRIBE, subscriber_id, 0, err);
	return sqlite_leave(self->db, own, ok, err);
}

static bool due_mails(struct subscriber_list *list, int64_t now_ms,
		      size_t limit, struct arena *arena,
		      struct queued_mail **ret, size_t *ret_count,
		      struct error *err)
{
	struct sqlite_subscriber_list *self = self_of(list);
	CLEANUP(sqlite_reset) sqlite3_stmt *row =
		get_statement(self, DUE_MAILS, err);
	struct queued_mail *mail;
	enum sqlite_step step;

	*ret_count = 0;
	*ret = arena_alloc(arena, limit * sizeof(**ret));
	if (!row)
		return false;
	sqlite_bind_int(row, 1, now_ms);
	sqlite_bind_int(row, 2, (int64_t)limit);
	while ((step = sqlite_step(self->db, row, err)) == STEP_ROW) {
		mail = &(*ret)[(*ret_count)++];
		sqlite_column_id(row, 0, mail->id);
		mail->kind = (enum mail_kind)sqlite3_column_int(row, 1);
		sqlite_column_id(row, 2, mail->subscriber_id);
		mail->address = sqlite_column_str(row, 3, arena);
		sqlite_column_id(row, 4, mail->event_id);
		mail->attempts = (unsigned)sqlite3_column_int(row, 5);
		mail->queued_ms = sqlite3_column_int64(row, 6);
	}
	return step == STEP_DONE;
}

/* *ret_waiting false: there is nothing to note (any more). The subscriber may
 * have gone while his mail was under way. */
static bool find_mail(struct sqlite_subscriber_list *self, const char *mail_id,
		      bool *ret_waiting, char ret_event_id[ORDER_ID_BYTES],
		      struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *row =
		get_statement(self, FIND_MAIL, err);
	enum sqlite_step step;

	*ret_waiting = false;
	if (!row)
		return false;
	sqlite_bind_id(row, 1, mail_id);
	step = sqlite_step(self->db, row, err);
	if (step == STEP_ROW) {
		*ret_waiting = sqlite3_column_int(row, 0) == MAIL_WAITING;
		sqlite_column_id(row, 2, ret_event_id);
	}
	return step == STEP_ROW || step == STEP_DONE;
}

static bool add_to_record(struct sqlite_subscriber_list *self,
			  const char *event_id, int sent, int dead,
			  struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *update = NULL;

	if (!*event_id || sent + dead == 0)
		return true;
	update = get_statement(self, ADD_TO_RECORD, err);
	if (!update)
		return false;
	sqlite_bind_id(update, 1, event_id);
	sqlite_bind_int(update, 2, sent);
	sqlite_bind_int(update, 3, dead);
	return sqlite_run(self->db, update, err);
}

static bool mail_sent(struct subscriber_list *list, const char *mail_id,
		      int64_t now_ms, struct error *err)
{
	struct sqlite_subscriber_list *self = self_of(list);
	char event_id[ORDER_ID_BYTES];
	bool own, ok, waiting;

	if (!sqlite_enter(self->db, &own, err))
		return false;
	ok = find_mail(self, mail_id, &waiting, event_id, err) &&
	     (!waiting || (run_for(self, SENT, mail_id, now_ms, err) &&
			   add_to_record(self, event_id, 1, 0, err)));
	return sqlite_leave(self->db, own, ok, err);
}

static bool fail_mail(struct sqlite_subscriber_list *self, const char *mail_id,
		      bool dead, int64_t next_ms, struct str reason,
		      struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *update =
		get_statement(self, FAILED, err);

	if (!update)
		return false;
	sqlite_bind_id(update, 1, mail_id);
	sqlite_bind_int(update, 2, dead ? MAIL_DEAD : MAIL_WAITING);
	sqlite_bind_int(update, 3, next_ms);
	sqlite_bind_str(update, 4, reason.ptr ? reason : STR(""));
	return sqlite_run(self->db, update, err);
}

static bool mail_failed(struct subscriber_list *list, const char *mail_id,
			bool dead, int64_t next_ms, struct str reason,
			struct error *err)
{
	struct sqlite_subscriber_list *self = self_of(list);
	char event_id[ORDER_ID_BYTES];
	bool own, ok, waiting;

	if (!sqlite_enter(self->db, &own, err))
		return false;
	ok = find_mail(self, mail_id, &waiting, event_id, err) &&
	     (!waiting ||
	      (fail_mail(self, mail_id, dead, next_ms, reason, err) &&
	       add_to_record(self, event_id, 0, dead, err)));
	return sqlite_leave(self->db, own, ok, err);
}

static bool stats(struct subscriber_list *list, struct mail_stats *ret,
		  struct error *err)
{
	struct sqlite_subscriber_list *self = self_of(list);
	CLEANUP(sqlite_reset) sqlite3_stmt *row =
		get_statement(self, STATS, err);

	if (!row || sqlite_step(self->db, row, err) != STEP_ROW)
		return false;
	ret->waiting = (uint64_t)sqlite3_column_int64(row, 0);
	ret->dead = (uint64_t)sqlite3_column_int64(row, 1);
	return true;
}

static void close_list(struct subscriber_list *list)
{
	struct sqlite_subscriber_list *self = self_of(list);

	sqlite_finalize(self->statements, STATEMENTS);
	free(self);
}

static const struct subscriber_list_ops ops = {
	.name = "sqlite",
	.subscribe = subscribe,
	.confirm = confirm,
	.unsubscribe = unsubscribe,
	.due_mails = due_mails,
	.mail_sent = mail_sent,
	.mail_failed = mail_failed,
	.stats = stats,
	.close = close_list,
};

bool subscriber_list_sqlite_open(struct subscriber_list **ret,
				 struct database *database, struct error *err)
{
	struct sqlite_subscriber_list *self = calloc(1, sizeof(*self));

	if (!self)
		return error_cause(err, ERROR_UNAVAILABLE, "no memory");
	self->base.ops = &ops;
	self->db = sqlite_of(database);
	*ret = &self->base;
	return true;
}
