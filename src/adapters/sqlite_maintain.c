/*
 * sqlite_maintain.c: the relay's housekeeping: checkpoints, and what expires.
 *
 * A checkpoint here holds the writer lock from its start to its end, so that no
 * commit can slip in (sqlite.org/wal.html, "The WAL-Reset Bug"). It is not a
 * TRUNCATE one but, with the same locks, RESTART: the WAL keeps its blocks, and
 * a commit over old blocks costs half of one that appends to an empty file.
 *
 * SQLite turns a checkpoint that does not get the writer lock into a PASSIVE
 * one, without the lock; so its busy handler does not give up there. But once
 * it has the lock and waits for readers, all writers wait too: there it does
 * give up (a reader that sleeps on an old snapshot must not stop the desk).
 * Which of the two it is, the lock itself tells.
 */
#include "adapters/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/limits.h"

#include "base/banned.h"

#define WAL_FULL_BYTES (16 * MIB)	/* checkpoint, however busy */
#define WAL_KEPT_BYTES (64 * MIB)	/* longer files are cut when it is quiet */
#define QUIET_MS 1000
#define READERS_PATIENCE 2000		/* times 0.1 ms: writers wait too */
#define RETRY_MS 5000
#define EXPIRY_PORTION 1000
#define MAILS_KEPT_MS (30ll * 24 * 3600 * 1000)

/* sqlite.org/walformat.html, 2.1 and 2.3: the WAL-index header and locks */
#define WAL_INDEX_BYTES 100
#define WAL_INDEX_CHANGE 8
#define WAL_INDEX_FRAMES 16
#define WAL_INDEX_BACKFILLED 96
#define WAL_WRITE_LOCK 120
#define WAL_FRAME_BYTES (24 + 4096)

struct sqlite_keeper {
	int wal_index;		/* closing it would drop the connection's locks */
	uint32_t change;	/* of the last commit seen */
	int64_t change_ms;	/* when it was new */
	int64_t retry_ms;	/* no checkpoint before */
	int64_t expired_ms;	/* the last look for what expired */
	int waited_for_readers;
};

struct wal_state {
	uint32_t change, frames, backfilled;
};

static const char due_sql[] =
	"SELECT (SELECT created_ms <= ?1 FROM answers ORDER BY number LIMIT 1)"
	" OR EXISTS (SELECT 1 FROM subscribers"
	" WHERE confirmed_ms = 0 AND mailed_ms <= ?2)"
	" OR EXISTS (SELECT 1 FROM mails"
	" WHERE ended_ms IS NOT NULL AND ended_ms <= ?3)";
/* Numbers rise with time, near enough: no index by time is needed. */
static const char expire_answers_sql[] =
	"DELETE FROM answers WHERE created_ms <= ?1 AND number IN"
	" (SELECT number FROM answers ORDER BY number LIMIT ?2)";
static const char expire_mails_of_subscribers_sql[] =
	"DELETE FROM mails WHERE state <> 1 AND subscriber_id IN"
	" (SELECT id FROM subscribers WHERE confirmed_ms = 0"
	" AND mailed_ms <= ?1 ORDER BY mailed_ms LIMIT ?2)";
static const char expire_subscribers_sql[] =
	"DELETE FROM subscribers WHERE number IN"
	" (SELECT number FROM subscribers WHERE confirmed_ms = 0"
	" AND mailed_ms <= ?1 ORDER BY mailed_ms LIMIT ?2)";
static const char expire_mails_sql[] =
	"DELETE FROM mails WHERE number IN"
	" (SELECT number FROM mails WHERE ended_ms IS NOT NULL"
	" AND ended_ms <= ?1 ORDER BY ended_ms LIMIT ?2)";

static bool keeper_open(struct sqlite *db, struct error *err)
{
	struct sqlite_keeper *keeper;
	char path[4096];

	if (db->keeper)
		return true;
	keeper = calloc(1, sizeof(*keeper));
	if (!keeper)
		return error_cause(err, ERROR_UNAVAILABLE, "no memory");
	snprintf(path, sizeof(path), "%s-shm", db->path);
	keeper->wal_index = open(path, O_RDONLY | O_CLOEXEC);
	if (keeper->wal_index < 0) {
		free(keeper);
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
				   strerror(errno));
	}
	db->keeper = keeper;
	return true;
}

void sqlite_keeper_close(struct sqlite *db)
{
	if (!db->keeper)
		return;
	close(db->keeper->wal_index);
	free(db->keeper);
}

static uint32_t native_u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Of another process's making, but four bytes are read whole. */
static struct wal_state wal_state(const struct sqlite_keeper *keeper)
{
	uint8_t header[WAL_INDEX_BYTES];

	if (pread(keeper->wal_index, header, sizeof(header), 0) !=
	    (ssize_t)sizeof(header))
		return (struct wal_state){ 0 };
	return (struct wal_state){
		.change = native_u32(header + WAL_INDEX_CHANGE),
		.frames = native_u32(header + WAL_INDEX_FRAMES),
		.backfilled = native_u32(header + WAL_INDEX_BACKFILLED),
	};
}

/* An open file description lock (fcntl(2), F_OFD_GETLK) conflicts with the
 * process's own POSIX locks too, so that the question has an answer. */
static bool writer_lock_is_ours(const struct sqlite_keeper *keeper)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = WAL_WRITE_LOCK, .l_len = 1,
	};

	return !fcntl(keeper->wal_index, F_OFD_GETLK, &lock) &&
	       lock.l_type != F_UNLCK && lock.l_pid == getpid();
}

static int wait_for_checkpoint(void *arg, int count)
{
	const struct timespec pause = { 0, 100 * 1000 };
	struct sqlite_keeper *keeper = arg;

	(void)count;
	if (writer_lock_is_ours(keeper) &&
	    ++keeper->waited_for_readers > READERS_PATIENCE)
		return 0;
	nanosleep(&pause, NULL);
	return 1;
}

static bool is_long(const struct sqlite *db)
{
	char path[4096];
	struct stat status;

	snprintf(path, sizeof(path), "%s-wal", db->path);
	return !stat(path, &status) && status.st_size > WAL_KEPT_BYTES;
}

static bool checkpoint(struct sqlite *db, bool quiet, int64_t now_ms,
		       struct error *err)
{
	int mode = quiet && is_long(db) ? SQLITE_CHECKPOINT_TRUNCATE
					: SQLITE_CHECKPOINT_RESTART;
	int code;

	db->keeper->waited_for_readers = 0;
	sqlite3_busy_handler(db->handle, wait_for_checkpoint, db->keeper);
	code = sqlite3_wal_checkpoint_v2(db->handle, "main", mode, NULL, NULL);
	sqlite_wait_as_usual(db);
	if ((code & 0xff) == SQLITE_BUSY) {
		db->keeper->retry_ms = now_ms + RETRY_MS;
		return true;
	}
	return code == SQLITE_OK || sqlite_fail(db, "checkpoint", err);
}

static bool checkpoint_when_due(struct sqlite *db, int64_t now_ms,
				struct error *err)
{
	struct sqlite_keeper *keeper = db->keeper;
	struct wal_state state = wal_state(keeper);
	bool quiet;

	if (state.change != keeper->change || now_ms < keeper->change_ms) {
		keeper->change = state.change;
		keeper->change_ms = now_ms;
	}
	quiet = now_ms - keeper->change_ms >= QUIET_MS;
	if (state.frames <= state.backfilled)
		return true;
	if (!quiet && state.frames < WAL_FULL_BYTES / WAL_FRAME_BYTES)
		return true;
	if (now_ms < keeper->retry_ms &&
	    keeper->retry_ms - now_ms <= RETRY_MS)
		return true;
	return checkpoint(db, quiet, now_ms, err);
}

static bool is_due(struct sqlite *db, int64_t now_ms, bool *ret,
		   struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *row = sqlite_statement(
		db, &db->statements[OWN_EXPIRY_IS_DUE], due_sql, err);

	if (!row)
		return false;
	sqlite_bind_int(row, 1, now_ms - IDEMPOTENCY_KEPT_MS);
	sqlite_bind_int(row, 2, now_ms - CONFIRM_VALID_MS);
	sqlite_bind_int(row, 3, now_ms - MAILS_KEPT_MS);
	if (sqlite_step(db, row, err) != STEP_ROW)
		return false;
	*ret = sqlite3_column_int(row, 0);
	return true;
}

/* Not often enough to be kept prepared. */
static bool expire_from(struct sqlite *db, const char *sql, int64_t before_ms,
			struct error *err)
{
	sqlite3_stmt *statement = NULL;
	bool ok;

	if (!sqlite_statement(db, &statement, sql, err))
		return false;
	sqlite_bind_int(statement, 1, before_ms);
	sqlite_bind_int(statement, 2, EXPIRY_PORTION);
	ok = sqlite_run(db, statement, err);
	sqlite3_finalize(statement);
	return ok;
}

static bool expire(struct sqlite *db, int64_t now_ms, struct error *err)
{
	int64_t unconfirmed_ms = now_ms - CONFIRM_VALID_MS;
	bool due, own, ok;

	if (!is_due(db, now_ms, &due, err))
		return false;
	if (!due)
		return true;
	if (!sqlite_enter(db, &own, err))
		return false;
	ok = expire_from(db, expire_answers_sql, now_ms - IDEMPOTENCY_KEPT_MS,
			 err) &&
	     expire_from(db, expire_mails_of_subscribers_sql, unconfirmed_ms,
			 err) &&
	     expire_from(db, expire_subscribers_sql, unconfirmed_ms, err) &&
	     expire_from(db, expire_mails_sql, now_ms - MAILS_KEPT_MS, err);
	return sqlite_leave(db, own, ok, err);
}

bool sqlite_maintain(struct database *database, int64_t now_ms,
		     struct error *err)
{
	struct sqlite *db = sqlite_of(database);

	if (!keeper_open(db, err) || !checkpoint_when_due(db, now_ms, err))
		return false;
	if (now_ms - db->keeper->expired_ms < QUIET_MS &&
	    now_ms >= db->keeper->expired_ms)
		return true;
	db->keeper->expired_ms = now_ms;
	return expire(db, now_ms, err);
}
