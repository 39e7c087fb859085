/*
 * sqlite.c: the database adapter "sqlite": connection, statements,
 * transactions.
 *
 * WAL, synchronous=FULL, and no checkpoint but the relay's (sqlite_maintain.c):
 * SQLite before 3.51.3 can lose commits when one slips in while a checkpoint
 * starts (sqlite.org/wal.html, "The WAL-Reset Bug").
 */
#include "adapters/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/banned.h"

/* Nominal sums of the three steps below: 0.4 ms, 0.5 s, 10 s; a lock is held
 * for some 30 µs to a few ms. */
#define BUSY_FINE 20
#define BUSY_MEDIUM 5000
#define BUSY_MAX 14500

static const char *const own_sql[OWN_STATEMENTS] = {
	[OWN_BEGIN] = "BEGIN IMMEDIATE",
	[OWN_SNAPSHOT] = "BEGIN",
	[OWN_COMMIT] = "COMMIT",
	[OWN_ROLLBACK] = "ROLLBACK",
};

static int wait_for_lock(void *arg, int count)
{
	struct timespec pause = { 0, 20 * 1000 };

	(void)arg;
	if (count >= BUSY_MAX)
		return 0;
	if (count >= BUSY_MEDIUM)
		pause.tv_nsec = 1000 * 1000;
	else if (count >= BUSY_FINE)
		pause.tv_nsec = 100 * 1000;
	nanosleep(&pause, NULL);
	return 1;
}

void sqlite_wait_as_usual(struct sqlite *db)
{
	sqlite3_busy_handler(db->handle, wait_for_lock, NULL);
}

/*
 * After a failed fsync nobody knows what is on the disk, and a second one that
 * succeeds proves nothing: the kernel may have dropped the pages.
 */
static void die_of_fsync(struct sqlite *db)
{
	fprintf(stderr, "level=error event=fsync_failed database=%s error=\"%s\"\n",
		db->path, sqlite3_errmsg(db->handle));
	abort();
}

bool sqlite_fail(struct sqlite *db, const char *doing, struct error *err)
{
	int code = sqlite3_extended_errcode(db->handle);
	enum error_code kind;

	switch (code) {
	case SQLITE_IOERR_FSYNC:
	case SQLITE_IOERR_DIR_FSYNC:
		die_of_fsync(db);
	}
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_NOMEM:
	case SQLITE_READONLY:
	case SQLITE_INTERRUPT:
	case SQLITE_IOERR:
	case SQLITE_CORRUPT:
	case SQLITE_FULL:
	case SQLITE_CANTOPEN:
	case SQLITE_PROTOCOL:
	case SQLITE_SCHEMA:
	case SQLITE_NOTADB:
		kind = ERROR_UNAVAILABLE;
		break;
	default:
		kind = ERROR_INTERNAL;
	}
	if (db->in_transaction)
		db->broken = true;
	return error_cause(err, kind, "sqlite: %s: %s (%d)", doing,
			   sqlite3_errmsg(db->handle), code);
}

sqlite3_stmt *sqlite_statement(struct sqlite *db, sqlite3_stmt **slot,
			       const char *sql, struct error *err)
{
	if (!*slot &&
	    sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
			       slot, NULL) != SQLITE_OK) {
		sqlite_fail(db, "prepare", err);
		*slot = NULL;
	}
	return *slot;
}

void sqlite_finalize(sqlite3_stmt **statements, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		sqlite3_finalize(statements[i]);
		statements[i] = NULL;
	}
}

void sqlite_reset(sqlite3_stmt **statement)
{
	if (!*statement)
		return;
	sqlite3_reset(*statement);
	sqlite3_clear_bindings(*statement);
}

/* A bind fails only for a column that the statement does not have. */
static void bound(int code)
{
	if (code != SQLITE_OK)
		abort();
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool id_bytes(const char *id, uint8_t ret[16])
{
	for (int i = 0; i < 16; i++) {
		int high, low;

		if (i == 4 || i == 6 || i == 8 || i == 10)
			if (*id++ != '-')
				return false;
		high = hex_digit(*id);
		if (high < 0)
			return false;
		low = hex_digit(id[1]);
		if (low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
		id += 2;
	}
	return *id == '\0';
}

void sqlite_bind_id(sqlite3_stmt *statement, int column, const char *id)
{
	uint8_t bytes[16];

	if (id && id_bytes(id, bytes))
		bound(sqlite3_bind_blob(statement, column, bytes, 16,
					SQLITE_TRANSIENT));
	else
		bound(sqlite3_bind_null(statement, column));
}

void sqlite_bind_str(sqlite3_stmt *statement, int column, struct str text)
{
	bound(sqlite3_bind_text64(statement, column, text.ptr, text.len,
				  SQLITE_STATIC, SQLITE_UTF8));
}

void sqlite_bind_blob(sqlite3_stmt *statement, int column, const void *bytes,
		      size_t length)
{
	bound(sqlite3_bind_blob64(statement, column, bytes, length,
				  SQLITE_STATIC));
}

void sqlite_bind_int(sqlite3_stmt *statement, int column, int64_t value)
{
	bound(sqlite3_bind_int64(statement, column, value));
}

enum sqlite_step sqlite_step(struct sqlite *db, sqlite3_stmt *statement,
			     struct error *err)
{
	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		return STEP_ROW;
	case SQLITE_DONE:
		return STEP_DONE;
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
		return STEP_TAKEN;
	default:
		sqlite_fail(db, sqlite3_sql(statement), err);
		return STEP_FAILED;
	}
}

bool sqlite_run(struct sqlite *db, sqlite3_stmt *statement, struct error *err)
{
	if (sqlite_step(db, statement, err) == STEP_DONE)
		return true;
	return sqlite_fail(db, sqlite3_sql(statement), err);
}

bool sqlite_execute(struct sqlite *db, const char *sql, struct error *err)
{
	if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_fail(db, sql, err);
	return true;
}

bool sqlite_read_int(struct sqlite *db, const char *sql, int64_t *ret,
		     struct error *err)
{
	sqlite3_stmt *statement = NULL;
	bool ok = false;

	*ret = 0;
	if (!sqlite_statement(db, &statement, sql, err))
		return false;
	switch (sqlite_step(db, statement, err)) {
	case STEP_ROW:
		*ret = sqlite3_column_int64(statement, 0);
		ok = true;
		break;
	case STEP_DONE:
		ok = true;
		break;
	case STEP_TAKEN:
	case STEP_FAILED:
		break;
	}
	sqlite3_finalize(statement);
	return ok;
}

void sqlite_column_id(sqlite3_stmt *statement, int column,
		      char ret[ORDER_ID_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = sqlite3_column_blob(statement, column);

	if (!bytes || sqlite3_column_bytes(statement, column) != 16) {
		ret[0] = '\0';
		return;
	}
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*ret++ = '-';
		*ret++ = digits[bytes[i] >> 4];
		*ret++ = digits[bytes[i] & 15];
	}
	*ret = '\0';
}

struct str sqlite_column_str(sqlite3_stmt *statement, int column,
			     struct arena *arena)
{
	/* As a blob the text is not copied once more to be terminated. */
	struct str text;

	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		return (struct str){ NULL, 0 };
	text.ptr = sqlite3_column_blob(statement, column);
	text.len = (size_t)sqlite3_column_bytes(statement, column);
	return arena_str(arena, text.ptr ? text : STR(""));
}

static sqlite3_stmt *own(struct sqlite *db, enum sqlite_own_statement which,
			 struct error *err)
{
	return sqlite_statement(db, &db->statements[which], own_sql[which],
				err);
}

static bool run_own(struct sqlite *db, enum sqlite_own_statement which,
		    struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *statement = own(db, which, err);

	return statement && sqlite_run(db, statement, err);
}

static bool sqlite_begin(struct database *database, struct error *err)
{
	struct sqlite *db = sqlite_of(database);

	if (!run_own(db, OWN_BEGIN, err))
		return false;
	db->in_transaction = true;
	db->broken = false;
	return true;
}

static bool sqlite_snapshot(struct database *database, struct error *err)
{
	return run_own(sqlite_of(database), OWN_SNAPSHOT, err);
}

static void sqlite_rollback(struct database *database)
{
	struct sqlite *db = sqlite_of(database);
	struct error ignored;

	sqlite_search_forget(db, 0);
	db->in_transaction = false;
	db->broken = false;
	/* SQLite rolls back by itself after some errors (disk full, I/O). */
	if (sqlite3_get_autocommit(db->handle))
		return;
	error_init(&ignored);
	if (!run_own(db, OWN_ROLLBACK, &ignored))
		return;
}

static bool broken(struct error *err)
{
	return error_cause(err, ERROR_UNAVAILABLE,
			   "sqlite: an earlier write of the batch failed");
}

static bool sqlite_commit(struct database *database, struct error *err)
{
	struct sqlite *db = sqlite_of(database);
	bool ok;

	if (db->broken)
		ok = broken(err);
	else
		ok = sqlite_search_flush(db, err) &&
		     run_own(db, OWN_COMMIT, err);
	if (!ok) {
		sqlite_rollback(database);
		return false;
	}
	db->in_transaction = false;
	return true;
}

/*
 * A savepoint would copy every page that a request touches (a tenth of a
 * create). A request that fails has written nothing, as a rule: each method
 * decides before it writes. One that did spoils the transaction.
 */
static bool sqlite_mark(struct database *database, struct error *err)
{
	struct sqlite *db = sqlite_of(database);

	if (db->broken)
		return broken(err);
	db->search_mark = db->search_count;
	db->changes_mark = sqlite3_total_changes64(db->handle);
	return true;
}

static bool sqlite_release(struct database *database, bool keep,
			   struct error *err)
{
	struct sqlite *db = sqlite_of(database);

	if (keep)
		return db->broken ? broken(err) : true;
	sqlite_search_forget(db, db->search_mark);
	if (sqlite3_total_changes64(db->handle) != db->changes_mark)
		db->broken = true;
	return true;
}

bool sqlite_enter(struct sqlite *db, bool *ret_own, struct error *err)
{
	*ret_own = !db->in_transaction;
	if (*ret_own)
		return sqlite_begin(&db->base, err);
	return db->broken ? broken(err) : true;
}

bool sqlite_leave(struct sqlite *db, bool own_transaction, bool ok,
		  struct error *err)
{
	if (!own_transaction)
		return ok;
	if (ok)
		return sqlite_commit(&db->base, err);
	sqlite_rollback(&db->base);
	return false;
}

/* sqlite3_db_config answers with what is in force. */
static bool configure(struct sqlite *db, int option, struct error *err)
{
	int now = 0;

	if (sqlite3_db_config(db->handle, option, 1, &now) != SQLITE_OK || !now)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "sqlite: option %d is not available", option);
	return true;
}

static bool expect(struct sqlite *db, const char *pragma, int64_t wanted,
		   struct error *err)
{
	int64_t value;

	if (!sqlite_read_int(db, pragma, &value, err))
		return false;
	if (value != wanted)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "sqlite: %s is %lld, must be %lld", pragma,
				   (long long)value, (long long)wanted);
	return true;
}

/* Durability hangs on these: set, then asked for. */
static bool settle(struct sqlite *db, struct error *err)
{
	return configure(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, err) &&
	       configure(db, SQLITE_DBCONFIG_DEFENSIVE, err) &&
	       sqlite_execute(db, "PRAGMA synchronous = FULL;"
				  "PRAGMA wal_autocheckpoint = 0;"
				  "PRAGMA temp_store = MEMORY;"
				  "PRAGMA mmap_size = 0;"
				  "PRAGMA trusted_schema = OFF;"
				  "PRAGMA cache_size = -2000;", err) &&
	       expect(db, "PRAGMA synchronous", 2, err) &&
	       expect(db, "PRAGMA wal_autocheckpoint", 0, err) &&
	       expect(db, "SELECT journal_mode = 'wal' "
			  "FROM pragma_journal_mode", 1, err);
}

/* The WAL files get the mode of the database. Others than owner and group
 * have no business in it. */
static bool make_file(const char *path, struct error *err)
{
	CLEANUP(cleanup_fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC,
					  0660);

	if (fd < 0)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
				   strerror(errno));
	return true;
}

/* new_id(ms): a UUIDv7, for INSERT … SELECT. */
static void new_id(sqlite3_context *context, int count, sqlite3_value **values)
{
	char id[ORDER_ID_BYTES];
	uint8_t bytes[16];

	(void)count;
	uuid7(sqlite3_value_int64(values[0]), id);
	if (id_bytes(id, bytes))
		sqlite3_result_blob(context, bytes, 16, SQLITE_TRANSIENT);
}

static bool add_functions(struct sqlite *db, struct error *err)
{
	return sqlite3_create_function_v2(db->handle, "new_id", 1,
					  SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL,
					  new_id, NULL, NULL, NULL) ==
		       SQLITE_OK ||
	       sqlite_fail(db, "new_id", err);
}

/* Two first starts at once: the busy handler is not asked for this change. */
static bool use_wal(struct sqlite *db, struct error *err)
{
	int code = SQLITE_BUSY;

	for (int i = 0; i < BUSY_MAX && code == SQLITE_BUSY; i++) {
		code = sqlite3_exec(db->handle, "PRAGMA journal_mode = WAL",
				    NULL, NULL, NULL) & 0xff;
		if (code == SQLITE_BUSY)
			wait_for_lock(NULL, i);
	}
	return code == SQLITE_OK ||
	       sqlite_fail(db, "PRAGMA journal_mode = WAL", err);
}

/* The database and its WAL are in their folder for good; SQLite asks for that
 * too, but does not look whether it was done. */
static bool sync_folder(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char folder[4096];
	CLEANUP(cleanup_fd) int fd = -1;

	snprintf(folder, sizeof(folder), "%.*s",
		 slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", folder,
				   strerror(errno));
	return true;
}

static bool connect_to(struct sqlite *db, bool migrate, struct error *err)
{
	if (migrate && !make_file(db->path, err))
		return false;
	if (sqlite3_open_v2(db->path, &db->handle,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
			    SQLITE_OPEN_EXRESCODE, NULL) != SQLITE_OK)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", db->path,
				   sqlite3_errmsg(db->handle));
	sqlite_wait_as_usual(db);
	if (migrate && !use_wal(db, err))
		return false;
	if (!add_functions(db, err) || !settle(db, err))
		return false;
	if (!migrate)
		return sqlite_schema_check(db, err);
	return sqlite_schema_migrate(db, err) && sync_folder(db->path, err);
}

static bool sqlite_check(struct database *database, struct error *err)
{
	return sqlite_schema_check(sqlite_of(database), err);
}

static void sqlite_close(struct database *database)
{
	struct sqlite *db = sqlite_of(database);

	if (!db)
		return;
	if (db->in_transaction)
		sqlite_rollback(database);
	sqlite_finalize(db->statements, OWN_STATEMENTS);
	/* _v2: a store that is closed later still has statements */
	sqlite3_close_v2(db->handle);
	sqlite_keeper_close(db);
	arena_free(db->search_arena);
	free(db);
}

static const char *sqlite_lacks(struct database *database)
{
	(void)database;
	return NULL;
}

static const struct database_ops sqlite_ops = {
	.name = "sqlite",
	.begin = sqlite_begin,
	.snapshot = sqlite_snapshot,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.mark = sqlite_mark,
	.release = sqlite_release,
	.check = sqlite_check,
	.lacks = sqlite_lacks,
	.maintain = sqlite_maintain,
	.copy = sqlite_copy,
	.close = sqlite_close,
};

bool database_sqlite_open(struct database **ret, const struct config *config,
			  bool migrate, struct error *err)
{
	struct sqlite *db = calloc(1, sizeof(*db));

	if (!db)
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	db->base.ops = &sqlite_ops;
	db->path = config_text(config, "database.path");
	/* Nobody asks for SQLite's memory statistics; without them no lock is
	 * taken at each allocation. Ignored once the library is in use. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if (!connect_to(db, migrate, err)) {
		sqlite_close(&db->base);
		return false;
	}
	*ret = &db->base;
	return true;
}
