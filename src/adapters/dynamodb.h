/*
 * dynamodb.h: the DynamoDB engine under order_store, deletion_log and
 * subscriber_list: one table (docs/AWS.md, "The table"), its items as JSON,
 * reads and conditional writes. Only those adapters include it.
 *
 * Every call may be sent twice, and its answer lost: each write has a condition
 * that holds once, and whoever is refused looks whether it was he himself.
 */
#ifndef ADAPTERS_DYNAMODB_H
#define ADAPTERS_DYNAMODB_H

#include "aws/aws_client.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "ports/database.h"

#define DYNAMODB_MONTH_BYTES 8		/* "2026-11" and its NUL */
/* How often a write that lost a race is decided anew. */
#define DYNAMODB_RACES 12
#define DYNAMODB_MARK_BYTES 33
#define DYNAMODB_REQUEST_BYTES (5u * MIB)	/* a transaction holds 4 MB */

struct dynamodb {
	struct database base;
	struct aws_client *client;
	const char *table;		/* owned by the config */
	struct arena *scratch;		/* of one method: dynamodb_fresh */
	/* The months that have orders, as last seen; sorted. */
	char (*months)[DYNAMODB_MONTH_BYTES];
	size_t month_count;
	/* dynamodb_lease.c */
	char holder[SHA256_HEX + 1];
	int64_t leased_ms;		/* when last; INT64_MIN: not ours */
};

static inline struct dynamodb *dynamodb_of(struct database *database)
{
	return (struct dynamodb *)database;	/* its first member */
}

/* A method begins: what the last one left in `scratch` is gone. */
void dynamodb_fresh(struct dynamodb *db);
/* Waits a moment at random, longer with each try; false: that was the last. */
bool dynamodb_try_again(unsigned tries, struct error *err) MUST_CHECK;

/*
 * Items. A map is the inside of a JSON object, `"pk":{"S":"…"},…`, in a buffer
 * of `scratch`.
 */
struct buf dynamodb_map(struct dynamodb *db);
void dynamodb_add_str(struct buf *map, const char *name, struct str value);
void dynamodb_add_int(struct buf *map, const char *name, int64_t value);
/* pk: prefix and id; sk. */
struct buf dynamodb_key(struct dynamodb *db, const char *prefix, struct str id,
			const char *sk);
/* Absent, 0 where there is no such attribute. */
struct str dynamodb_str(struct json item, const char *name);
int64_t dynamodb_int(struct json item, const char *name);
void dynamodb_id(struct json item, const char *name,
		 char ret[ORDER_ID_BYTES]);
/* Into the arena; an attribute that is not there is "". */
struct str dynamodb_text(struct json item, const char *name,
			 struct arena *arena);
static inline bool dynamodb_is(struct json item)
{
	return item.kind == JSON_OBJECT;
}

/* Members of a request: a map, a text (none of it when it is NULL or ""). */
void dynamodb_body_map(struct buf *body, const char *name, struct str map);
void dynamodb_body_text(struct buf *body, const char *name, const char *text);

/* dynamodb_read.c: consistent, except by an index. Results are in `arena`. */
bool dynamodb_get(struct dynamodb *db, const struct buf *key,
		  struct arena *arena, struct json *ret,
		  struct error *err) MUST_CHECK;

struct dynamodb_name {
	struct str pk, sk;
};
/* ret[i] is the item of keys[i], or absent. */
bool dynamodb_get_many(struct dynamodb *db, const struct dynamodb_name *keys,
		       size_t count, struct arena *arena, struct json *ret,
		       struct error *err) MUST_CHECK;

struct dynamodb_query {
	const char *index;		/* NULL: the table itself */
	const char *condition, *filter;	/* filter may be NULL */
	struct buf values;		/* of both, a map */
	bool descending, count_only;
	unsigned limit;			/* 0: what a megabyte holds */
	struct str start;		/* where to go on; absent once done */
};
/* One page; `*ret` is the array of items. */
bool dynamodb_query(struct dynamodb *db, struct dynamodb_query *query,
		    struct arena *arena, struct json *ret,
		    struct error *err) MUST_CHECK;
/* All pages of a query that only counts. */
bool dynamodb_count(struct dynamodb *db, struct dynamodb_query *query,
		    uint64_t *ret, struct error *err) MUST_CHECK;

/* Writes: one action, or some that happen together (at most 100). */
struct dynamodb_write {
	struct dynamodb *db;
	struct buf actions;
	unsigned count;
	const char *verb;		/* of the last action, which begins */
	size_t begin;			/* there */
};
enum dynamodb_result {
	DYNAMODB_WRITTEN,
	DYNAMODB_REFUSED,	/* a condition did not hold; no error is set */
	DYNAMODB_FAILED
};
void dynamodb_write_init(struct dynamodb_write *write, struct dynamodb *db);
/* `verb` is Put, Update, Delete or ConditionCheck; `item` the item of a Put,
 * else the key; update, condition and values may be NULL. */
void dynamodb_write_add(struct dynamodb_write *write, const char *verb,
			const struct buf *item, const char *update,
			const char *condition, const struct buf *values);
enum dynamodb_result dynamodb_commit(struct dynamodb_write *write,
				     struct error *err) MUST_CHECK;
/* Whether an item of so many bytes of text is small enough. */
bool dynamodb_fits(size_t bytes, struct error *err) MUST_CHECK;

/*
 * A write that is decided anew as long as others change the same items:
 *
 *	dynamodb_race_init(&race);
 *	while (dynamodb_race_on(&race, err)) {
 *		read, decide
 *		race.result = dynamodb_commit(&write, err);
 *	}
 *	return race.result == DYNAMODB_WRITTEN;
 */
struct dynamodb_race {
	char mark[DYNAMODB_MARK_BYTES];	/* by which its author knows it again */
	unsigned tries;			/* which one this is, from 1 */
	enum dynamodb_result result;
};
void dynamodb_race_init(struct dynamodb_race *race);
bool dynamodb_race_on(struct dynamodb_race *race,
		      struct error *err) MUST_CHECK;

/* Any other call; `body` as it is sent. False with *ret_code set when the
 * service refused it, "" when it failed. */
bool dynamodb_call(struct dynamodb *db, const char *action, struct str body,
		   struct arena *arena, struct json *ret, struct str *ret_code,
		   struct error *err) MUST_CHECK;

/* dynamodb_table.c */
bool dynamodb_table_make(struct dynamodb *db, struct error *err) MUST_CHECK;
bool dynamodb_table_check(struct dynamodb *db, struct error *err) MUST_CHECK;
const char *dynamodb_table_lacks(struct dynamodb *db);

/* dynamodb_months.c: months[] follows the item in the table. */
void dynamodb_month_of(int64_t time_ms, char ret[DYNAMODB_MONTH_BYTES]);
bool dynamodb_month_add(struct dynamodb *db, int64_t time_ms,
			struct error *err) MUST_CHECK;
/* Whether `item` (absent: none) has others than months[]; takes them. */
bool dynamodb_months_changed(struct dynamodb *db, struct json item);

/*
 * dynamodb_lease.c: of the machines that share a table one sends the mails. Its
 * lease, of a few minutes, is taken anew while mails are due; another one's turn
 * comes when it has run out.
 */
void dynamodb_lease_init(struct dynamodb *db, const char *state_directory);
bool dynamodb_lease_take(struct dynamodb *db, int64_t now_ms, bool *ret_ours,
			 struct error *err) MUST_CHECK;

#endif
