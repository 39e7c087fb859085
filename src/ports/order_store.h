/*
 * order_store.h: the live orders.
 *
 * Promises of every adapter (tests/contract/order_store_test.c checks each):
 * - A method that returned true is in the open transaction of the database (or,
 *   outside one, durable). One that returned false wrote nothing.
 * - create with an id that exists is ERROR_CONFLICT.
 * - replace and remove compare `expected_version` with the stored one in the
 *   same commit; when they differ: ERROR_CHANGED with err->etag. An id that is
 *   not live: ERROR_GONE with err->link when the deletion log has it, else
 *   ERROR_NOT_FOUND.
 * - With idempotency->key present, the answer is stored in the same commit.
 * - remove records the deletion (id, bytes, time, trace) in the same commit.
 * - list never returns an empty page with has_more; keyset paging: an order that
 *   is there throughout is seen exactly once.
 * Memory: results live in the given arena. Times: ms. Threads: one.
 */
#ifndef PORTS_ORDER_STORE_H
#define PORTS_ORDER_STORE_H

#include "order/order.h"
#include "order/order_query.h"
#include "ports/database.h"
#include "ports/deletion_log.h"
#include "ports/idempotency.h"

struct order_store;

struct stored_order {
	struct str json;	/* canonical */
	int64_t version;
	int64_t sort_value;	/* of the list's sort key */
	char id[ORDER_ID_BYTES];
};

struct order_page {
	struct stored_order *orders;
	size_t count;
	bool has_more;		/* in the direction of the query */
	/* In the order of the sort, also when the query goes backwards. */
};

struct order_store_ops {
	const char *name;
	bool (*create)(struct order_store *, const struct order *,
		       const struct idempotency *, struct arena *,
		       struct error *);
	bool (*get)(struct order_store *, const char *id, struct arena *,
		    struct stored_order *ret, struct error *);
	bool (*replace)(struct order_store *, const struct order *,
			const struct order *before, /* its version is compared */
			const struct idempotency *, struct arena *,
			struct error *);
	bool (*remove)(struct order_store *, int64_t expected_version,
		       const struct deletion *, const struct idempotency *,
		       struct arena *, struct error *);
	/* Puts an archived order back, same id and bytes, and marks its
	 * deletion restored; ERROR_CONFLICT when it is live or the deletion is
	 * not `done` or `mailed`. */
	bool (*restore)(struct order_store *, const char *event_id,
			struct str json, struct arena *, struct error *);
	bool (*list)(struct order_store *, const struct order_query *,
		     struct arena *, struct order_page *ret, struct error *);
	/* The stored answer to a repeated key. *found false: none. Another
	 * body: ERROR_KEY_REUSED. */
	bool (*recall)(struct order_store *, const struct idempotency *,
		       struct arena *, struct answer *ret, bool *found,
		       struct error *);
	void (*close)(struct order_store *);
};

struct order_store {
	const struct order_store_ops *ops;
};

bool order_store_open(struct order_store **ret, struct database *database,
		      const struct config *config,
		      struct error *err) MUST_CHECK;
void order_store_close(struct order_store *store);
bool order_store_create(struct order_store *store, const struct order *order,
			const struct idempotency *idempotency,
			struct arena *arena, struct error *err) MUST_CHECK;
bool order_store_get(struct order_store *store, const char *id,
		     struct arena *arena, struct stored_order *ret,
		     struct error *err) MUST_CHECK;
bool order_store_replace(struct order_store *store, const struct order *order,
			 const struct order *before,
			 const struct idempotency *idempotency,
			 struct arena *arena, struct error *err) MUST_CHECK;
bool order_store_remove(struct order_store *store, int64_t expected_version,
			const struct deletion *deletion,
			const struct idempotency *idempotency,
			struct arena *arena, struct error *err) MUST_CHECK;
bool order_store_restore(struct order_store *store, const char *event_id,
			 struct str json, struct arena *arena,
			 struct error *err) MUST_CHECK;
bool order_store_list(struct order_store *store,
		      const struct order_query *query, struct arena *arena,
		      struct order_page *ret, struct error *err) MUST_CHECK;
bool order_store_recall(struct order_store *store,
			const struct idempotency *idempotency,
			struct arena *arena, struct answer *ret, bool *found,
			struct error *err) MUST_CHECK;

/* What an adapter has read, in the direction of the query and up to one more
 * than its limit, as the page that was asked for. */
void order_page_finish(struct order_page *page,
		       const struct order_query *query);

/* The adapters, for order_store_open. */
bool order_store_dynamodb_open(struct order_store **ret,
			       struct database *database,
			       struct error *err) MUST_CHECK;
bool order_store_sqlite_open(struct order_store **ret,
			     struct database *database,
			     struct error *err) MUST_CHECK;

#endif
