/*
 * database_fake.h: a database that stores nothing and counts what it is asked,
 * with knobs to fail. What it counts may lie in memory that a child shares.
 */
#ifndef FAKES_DATABASE_FAKE_H
#define FAKES_DATABASE_FAKE_H

#include "ports/database.h"

struct database_fake_facts {
	unsigned begins, snapshots, commits, rollbacks, marks, kept, undone;
	bool fail_begin, fail_commit, fail_mark, fail_release;
};

struct database_fake {
	struct database base;
	struct database_fake_facts *facts;
};

static inline struct database_fake_facts *
database_fake_facts(struct database *database)
{
	return ((struct database_fake *)database)->facts;
}

static inline bool database_fake_does(bool fails, unsigned *count,
				      struct error *err)
{
	++*count;
	return !fails || error_cause(err, ERROR_UNAVAILABLE,
				     "the fake database was told to fail");
}

static bool database_fake_begin(struct database *database, struct error *err)
{
	struct database_fake_facts *facts = database_fake_facts(database);

	return database_fake_does(facts->fail_begin, &facts->begins, err);
}

static bool database_fake_snapshot(struct database *database,
				   struct error *err)
{
	struct database_fake_facts *facts = database_fake_facts(database);

	return database_fake_does(facts->fail_begin, &facts->snapshots, err);
}

static bool database_fake_commit(struct database *database, struct error *err)
{
	struct database_fake_facts *facts = database_fake_facts(database);

	return database_fake_does(facts->fail_commit, &facts->commits, err);
}

static void database_fake_rollback(struct database *database)
{
	database_fake_facts(database)->rollbacks++;
}

static bool database_fake_mark(struct database *database, struct error *err)
{
	struct database_fake_facts *facts = database_fake_facts(database);

	return database_fake_does(facts->fail_mark, &facts->marks, err);
}

static bool database_fake_release(struct database *database, bool keep,
				  struct error *err)
{
	struct database_fake_facts *facts = database_fake_facts(database);

	return database_fake_does(facts->fail_release,
				  keep ? &facts->kept : &facts->undone, err);
}

static bool database_fake_check(struct database *database, struct error *err)
{
	(void)database;
	(void)err;
	return true;
}

static void database_fake_close(struct database *database)
{
	(void)database;
}

static const struct database_ops database_fake_ops = {
	.name = "fake", .begin = database_fake_begin,
	.snapshot = database_fake_snapshot, .commit = database_fake_commit,
	.rollback = database_fake_rollback, .mark = database_fake_mark,
	.release = database_fake_release, .check = database_fake_check,
	.close = database_fake_close,
};

#endif
