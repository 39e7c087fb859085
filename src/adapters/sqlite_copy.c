/*
 * sqlite_copy.c: a copy of the database while others write to it.
 *
 * One step copies all pages under one read lock, so the copy is one commit's
 * state (sqlite.org/backup.html): smaller steps would start again at each
 * commit of another process. Writers go on in the WAL meanwhile; only
 * checkpoints wait.
 */
#include "adapters/sqlite.h"

#include "base/banned.h"

static bool copy(struct sqlite *db, sqlite3 *to, struct error *err)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", db->handle,
						     "main");
	int code;

	if (!backup)
		return error_cause(err, ERROR_UNAVAILABLE, "sqlite: copy: %s",
				   sqlite3_errmsg(to));
	code = sqlite3_backup_step(backup, -1);
	sqlite3_backup_finish(backup);
	if (code != SQLITE_DONE)
		return error_cause(err, ERROR_UNAVAILABLE, "sqlite: copy: %s",
				   sqlite3_errstr(code));
	return true;
}

bool sqlite_copy(struct database *database, const char *path,
		 struct error *err)
{
	struct sqlite *db = sqlite_of(database);
	sqlite3 *to = NULL;
	bool ok;

	/* Whoever asked makes the file durable, with others: no fsync here. */
	ok = sqlite3_open_v2(path, &to,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				     SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
	     sqlite3_exec(to, "PRAGMA synchronous = OFF", NULL, NULL, NULL) ==
		     SQLITE_OK;
	if (!ok)
		error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
			    sqlite3_errmsg(to));
	ok = ok && copy(db, to, err);
	sqlite3_close(to);
	return ok;
}
