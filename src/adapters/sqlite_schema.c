/*
 * sqlite_schema.c: the tables, and how an older database becomes a newer one.
 *
 * The schema's version is PRAGMA user_version. A migration is one transaction;
 * a database of a newer program is refused, never guessed at.
 */
#include "adapters/sqlite.h"

#include "base/banned.h"

/* "ORDM": file(1) can tell, and another program's database is not touched. */
#define APPLICATION_ID 0x4f52444d

/*
 * orders_created holds all that the usual filters look at, so that a row is
 * fetched only when it is shown. Sorting by price has no index of its own (its
 * random writes would cost every create a fifth more): it reads orders_created.
 *
 * deletions counts its mails; the partial indexes hold only the records that
 * still wait for something, so that a million done ones cost nothing.
 */
static const char *const migrations[] = {
	"CREATE TABLE orders ("
	" number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
	" version INTEGER NOT NULL, status INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,"
	" price_minor INTEGER NOT NULL, customer_email TEXT,"
	" json TEXT NOT NULL) STRICT;"
	"CREATE INDEX orders_created"
	" ON orders(created_ms, id, status, price_minor);"
	"CREATE INDEX orders_status"
	" ON orders(status, created_ms, id, price_minor);"
	"CREATE INDEX orders_updated ON orders(updated_ms, id, status);"
	"CREATE INDEX orders_customer ON orders(customer_email, created_ms, id)"
	" WHERE customer_email IS NOT NULL;"

	"CREATE VIRTUAL TABLE search USING fts5(text, content='',"
	" columnsize=0, tokenize='ascii');"
	"INSERT INTO search(search, rank) VALUES ('automerge', 8);"

	"CREATE TABLE answers ("
	" number INTEGER PRIMARY KEY, scope BLOB NOT NULL UNIQUE,"
	" body_digest BLOB NOT NULL, status INTEGER NOT NULL,"
	" content_type TEXT, headers TEXT, body TEXT,"
	" created_ms INTEGER NOT NULL) STRICT;"

	"CREATE TABLE deletions ("
	" number INTEGER PRIMARY KEY, event_id BLOB NOT NULL UNIQUE,"
	" order_id BLOB NOT NULL, order_version INTEGER NOT NULL,"
	" deleted_ms INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,"
	" traceparent TEXT NOT NULL, description TEXT NOT NULL,"
	" customer_name TEXT NOT NULL, currency TEXT NOT NULL,"
	" price_minor INTEGER NOT NULL,"
	" archived_ms INTEGER NOT NULL DEFAULT 0,"
	" archive_key TEXT NOT NULL DEFAULT '',"
	" archive_digest TEXT NOT NULL DEFAULT '',"
	" mails_total INTEGER NOT NULL DEFAULT 0,"
	" mails_sent INTEGER NOT NULL DEFAULT 0,"
	" mails_dead INTEGER NOT NULL DEFAULT 0,"
	" attempts INTEGER NOT NULL DEFAULT 0,"
	" next_attempt_ms INTEGER NOT NULL DEFAULT 0,"
	" acknowledged INTEGER NOT NULL DEFAULT 0,"
	" dead INTEGER NOT NULL DEFAULT 0,"
	" last_error TEXT NOT NULL DEFAULT '',"
	" order_json TEXT) STRICT;"
	"CREATE INDEX deletions_order ON deletions(order_id, event_id);"
	"CREATE INDEX deletions_open ON deletions(event_id, deleted_ms)"
	" WHERE state < 3;"
	"CREATE INDEX deletions_pending"
	" ON deletions(event_id, deleted_ms, acknowledged, dead,"
	" next_attempt_ms) WHERE state = 0;"
	"CREATE INDEX deletions_to_close ON deletions(event_id, deleted_ms)"
	" WHERE state IN (1, 2) AND mails_total = mails_sent + mails_dead;"
	"CREATE INDEX deletions_dead ON deletions(event_id, deleted_ms, dead)"
	" WHERE dead + mails_dead > 0;"

	"CREATE TABLE subscribers ("
	" number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
	" email TEXT NOT NULL COLLATE NOCASE UNIQUE,"
	" confirmed_ms INTEGER NOT NULL DEFAULT 0,"
	" mail_id BLOB NOT NULL, mailed_ms INTEGER NOT NULL) STRICT;"
	"CREATE INDEX subscribers_unconfirmed ON subscribers(mailed_ms)"
	" WHERE confirmed_ms = 0;"

	"CREATE TABLE mails ("
	" number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
	" kind INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,"
	" subscriber_id BLOB NOT NULL, address TEXT NOT NULL, event_id BLOB,"
	" attempts INTEGER NOT NULL DEFAULT 0, queued_ms INTEGER NOT NULL,"
	" next_ms INTEGER NOT NULL, ended_ms INTEGER,"
	" last_error TEXT NOT NULL DEFAULT '') STRICT;"
	"CREATE INDEX mails_due ON mails(next_ms) WHERE state = 0;"
	"CREATE INDEX mails_of_subscriber ON mails(subscriber_id)"
	" WHERE state <> 1;"
	"CREATE INDEX mails_dead ON mails(event_id) WHERE state = 2;"
	"CREATE INDEX mails_ended ON mails(ended_ms)"
	" WHERE ended_ms IS NOT NULL;",
};

#define SCHEMA_VERSION ((int64_t)ARRAY_LEN(migrations))

static bool read_version(struct sqlite *db, int64_t *ret, struct error *err)
{
	int64_t application;

	if (!sqlite_read_int(db, "PRAGMA user_version", ret, err) ||
	    !sqlite_read_int(db, "PRAGMA application_id", &application, err))
		return false;
	if (application != (*ret ? APPLICATION_ID : 0))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "%s is another program's database",
				   db->path);
	if (*ret > SCHEMA_VERSION)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "%s has schema %lld, newer than this "
				   "program's %lld: upgrade the programs",
				   db->path, (long long)*ret,
				   (long long)SCHEMA_VERSION);
	return true;
}

bool sqlite_schema_check(struct sqlite *db, struct error *err)
{
	int64_t version;

	if (!read_version(db, &version, err))
		return false;
	if (version < SCHEMA_VERSION)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "%s has schema %lld, this program needs "
				   "%lld: run 'ordermill init'", db->path,
				   (long long)version,
				   (long long)SCHEMA_VERSION);
	return true;
}

static bool migrate_from(struct sqlite *db, int64_t version, struct error *err)
{
	char pragmas[120];

	for (; version < SCHEMA_VERSION; version++)
		if (!sqlite_execute(db, migrations[version], err))
			return false;
	snprintf(pragmas, sizeof(pragmas),
		 "PRAGMA user_version = %lld; PRAGMA application_id = %d;",
		 (long long)SCHEMA_VERSION, APPLICATION_ID);
	return sqlite_execute(db, pragmas, err);
}

bool sqlite_schema_migrate(struct sqlite *db, struct error *err)
{
	int64_t version;
	bool own, ok;

	if (!read_version(db, &version, err))
		return false;
	if (version == SCHEMA_VERSION)
		return true;
	if (!sqlite_enter(db, &own, err))
		return false;
	/* Asked again: another process may have been faster. */
	ok = read_version(db, &version, err) && migrate_from(db, version, err);
	return sqlite_leave(db, own, ok, err);
}
