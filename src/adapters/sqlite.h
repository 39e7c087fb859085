/*
 * sqlite.h: the SQLite engine under order_store, deletion_log and
 * subscriber_list; the one home of sqlite3.h. Only those adapters include it.
 *
 * Statements are prepared at their first use and kept. Ids are stored as the 16
 * bytes of the UUID, states and kinds as the numbers of their enums.
 */
#ifndef ADAPTERS_SQLITE_H
#define ADAPTERS_SQLITE_H

#include <sqlite3.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "ports/database.h"

enum sqlite_own_statement {
	OWN_BEGIN,
	OWN_SNAPSHOT, OWN_COMMIT, OWN_ROLLBACK,
	OWN_SEARCH_ADD, OWN_SEARCH_DROP,
	OWN_EXPIRY_IS_DUE,
	OWN_STATEMENTS
};

struct sqlite {
	struct database base;
	sqlite3 *handle;
	const char *path;		/* owned by the config */
	sqlite3_stmt *statements[OWN_STATEMENTS];
	bool in_transaction;		/* begin, not yet commit or rollback */
	bool broken;			/* a write failed: it cannot commit */

	/* Folded texts on their way into the full-text index:
	 * sqlite_search.c */
	struct arena *search_arena;
	struct sqlite_search_entry *search_entries;
	size_t search_count, search_size;
	int64_t changes_mark;		/* sqlite3_total_changes64 at the last mark */
	size_t search_mark;		/* search_count at the last mark */

	/* The relay's housekeeping: sqlite_maintain.c */
	struct sqlite_keeper *keeper;
};

static inline struct sqlite *sqlite_of(struct database *database)
{
	return (struct sqlite *)database;	/* its first member */
}

/*
 * A write method of a store runs between enter and leave: in the open
 * transaction, or, outside one, in a transaction of its own that leave ends.
 * `ok` is the method's result so far; leave returns the final one.
 */
bool sqlite_enter(struct sqlite *db, bool *ret_own, struct error *err)
	MUST_CHECK;
bool sqlite_leave(struct sqlite *db, bool own, bool ok, struct error *err)
	MUST_CHECK;

/* The statement in `*slot`, prepared if it is not yet. NULL: the error is
 * set. */
sqlite3_stmt *sqlite_statement(struct sqlite *db, sqlite3_stmt **slot,
			       const char *sql, struct error *err) MUST_CHECK;
void sqlite_finalize(sqlite3_stmt **statements, size_t count);
/* CLEANUP(sqlite_reset): ends the statement, and with it a read transaction,
 * and forgets what was bound. */
void sqlite_reset(sqlite3_stmt **statement);

/* An id that is not the text of a UUID is bound as NULL, equal to nothing. */
void sqlite_bind_id(sqlite3_stmt *statement, int column, const char *id);
/* The bytes must live until the statement is reset. Absent is NULL. */
void sqlite_bind_str(sqlite3_stmt *statement, int column, struct str text);
void sqlite_bind_blob(sqlite3_stmt *statement, int column, const void *bytes,
		      size_t length);
void sqlite_bind_int(sqlite3_stmt *statement, int column, int64_t value);

enum sqlite_step {
	STEP_ROW, STEP_DONE,
	STEP_TAKEN,	/* a unique key exists; no error is set */
	STEP_FAILED	/* the error is set; an open transaction cannot commit */
};
enum sqlite_step sqlite_step(struct sqlite *db, sqlite3_stmt *statement,
			     struct error *err) MUST_CHECK;
/* Runs a statement that gives no rows; a taken key is a fault of ours. */
bool sqlite_run(struct sqlite *db, sqlite3_stmt *statement, struct error *err)
	MUST_CHECK;
/* `sql` holds any number of statements without parameters. */
bool sqlite_execute(struct sqlite *db, const char *sql, struct error *err)
	MUST_CHECK;
/* The first column of the first row, 0 without one. */
bool sqlite_read_int(struct sqlite *db, const char *sql, int64_t *ret,
		     struct error *err) MUST_CHECK;
/* The busy handler of all but checkpoints. */
void sqlite_wait_as_usual(struct sqlite *db);
/* What the engine's last error means to a caller. Always false. */
bool sqlite_fail(struct sqlite *db, const char *doing, struct error *err);

void sqlite_column_id(sqlite3_stmt *statement, int column,
		      char ret[ORDER_ID_BYTES]);
/* Copied into the arena; NULL comes as absent. */
struct str sqlite_column_str(sqlite3_stmt *statement, int column,
			     struct arena *arena);

/* sqlite_schema.c */
bool sqlite_schema_migrate(struct sqlite *db, struct error *err) MUST_CHECK;
bool sqlite_schema_check(struct sqlite *db, struct error *err) MUST_CHECK;

/* sqlite_search.c: an order's folded text goes into the index when the
 * transaction commits; a text goes out as exactly the bytes that went in. */
void sqlite_search_add(struct sqlite *db, int64_t number, struct str text);
void sqlite_search_drop(struct sqlite *db, int64_t number, struct str text);
bool sqlite_search_flush(struct sqlite *db, struct error *err) MUST_CHECK;
/* Forgets what was queued behind `count`. */
void sqlite_search_forget(struct sqlite *db, size_t count);

/* sqlite_copy.c */
bool sqlite_copy(struct database *database, const char *path,
		 struct error *err) MUST_CHECK;

/* sqlite_maintain.c */
bool sqlite_maintain(struct database *database, int64_t now_ms,
		     struct error *err) MUST_CHECK;
void sqlite_keeper_close(struct sqlite *db);

#endif
