/*
 * single_commits.c: the reference: one SQLite connection that commits single
 * rows of an order's size, WAL and synchronous=FULL, for some seconds; also as
 * UPDATE and DELETE of single rows. Prints commits per second.
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Rows 1 to *rows, once each; an insert adds to them until the time is up. */
static double measure(sqlite3 *db, const char *sql, double seconds, long *rows)
{
	sqlite3_stmt *statement;
	double start = now(), end = start + seconds;
	bool inserts = sql[0] == 'I';
	long count = 0;
	char body[600];

	/* SQLite writes nothing when an update changes nothing. */
	memset(body, sql[0], sizeof(body));
	sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	while (now() < end && (inserts || count < *rows)) {
		sqlite3_bind_int64(statement, 1, ++count);
		if (sqlite3_bind_parameter_count(statement) > 1)
			sqlite3_bind_text(statement, 2, body, sizeof(body),
					  SQLITE_STATIC);
		if (sqlite3_step(statement) != SQLITE_DONE) {
			fprintf(stderr, "%s\n", sqlite3_errmsg(db));
			exit(1);
		}
		sqlite3_reset(statement);
	}
	sqlite3_finalize(statement);
	if (inserts)
		*rows = count;
	return (double)count / (now() - start);
}

int main(int argc, char **argv)
{
	double seconds = argc > 2 ? atof(argv[2]) : 3;
	long rows = 0;
	sqlite3 *db;

	if (argc < 2 || sqlite3_open(argv[1], &db) != SQLITE_OK)
		return 1;
	sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		     "CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT)",
		     NULL, NULL, NULL);
	printf("%.0f", measure(db, "INSERT INTO t VALUES(?1, ?2)", seconds, &rows));
	printf(" %.0f", measure(db, "UPDATE t SET body = ?2 WHERE id = ?1",
				seconds, &rows));
	printf(" %.0f\n", measure(db, "DELETE FROM t WHERE id = ?1", seconds,
				  &rows));
	sqlite3_close(db);
	return 0;
}
