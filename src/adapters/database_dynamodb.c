/*
 * database_dynamodb.c: the database adapter "dynamodb". It has no open
 * transactions: each method of a store is one call that happens whole or not at
 * all, and the bracket around methods is nothing.
 */
#include "adapters/dynamodb.h"

#include "base/banned.h"

/* The largest is a batch of orders: as received, and parsed. */
#define SCRATCH_BYTES (256u * MIB)

static bool nothing(struct database *database, struct error *err)
{
	(void)database;
	(void)err;
	return true;
}

static void rollback(struct database *database)
{
	(void)database;
}

static bool release(struct database *database, bool keep, struct error *err)
{
	(void)database;
	(void)keep;
	(void)err;
	return true;
}

static bool check(struct database *database, struct error *err)
{
	return dynamodb_table_check(dynamodb_of(database), err);
}

static const char *lacks(struct database *database)
{
	return dynamodb_table_lacks(dynamodb_of(database));
}

/* What expires is the table's TTL's business (docs/AWS.md). */
static bool maintain(struct database *database, int64_t now_ms,
		     struct error *err)
{
	(void)now_ms;
	return nothing(database, err);
}

static void close_database(struct database *database)
{
	struct dynamodb *db = dynamodb_of(database);

	aws_client_close(db->client);
	arena_free(db->scratch);
	free(db->months);
	free(db);
}

static const struct database_ops ops = {
	.name = "dynamodb",
	.begin = nothing,
	.snapshot = nothing,
	.commit = nothing,
	.rollback = rollback,
	.mark = nothing,
	.release = release,
	.check = check,
	.lacks = lacks,
	.maintain = maintain,
	.close = close_database,
};

bool database_dynamodb_open(struct database **ret, const struct config *config,
			    bool migrate, struct error *err)
{
	struct dynamodb *db = calloc(1, sizeof(*db));

	if (!db)
		return error_cause(err, ERROR_UNAVAILABLE, "no memory");
	db->base.ops = &ops;
	db->table = config_text(config, "database.table");
	db->leased_ms = INT64_MIN;
	dynamodb_lease_init(db, config_text(config, "state.directory"));
	if (!aws_client_open(&db->client, config, AWS_DYNAMODB, err)) {
		free(db);
		return false;
	}
	db->scratch = arena_new("dynamodb", SCRATCH_BYTES);
	if (migrate && !dynamodb_table_make(db, err)) {
		close_database(&db->base);
		return false;
	}
	*ret = &db->base;
	return true;
}
