/*
 * order_store.c: the list of order stores, one for each engine, and wrappers.
 */
#include "ports/order_store.h"

#include "base/banned.h"

static const struct {
	const char *database;
	bool (*open)(struct order_store **, struct database *, struct error *);
} adapters[] = {
	{ "dynamodb", order_store_dynamodb_open },
	{ "sqlite", order_store_sqlite_open },
};

bool order_store_open(struct order_store **ret, struct database *database,
		      const struct config *config, struct error *err)
{
	(void)config;
	for (size_t i = 0; i < ARRAY_LEN(adapters); i++)
		if (!strcmp(adapters[i].database, database->ops->name))
			return adapters[i].open(ret, database, err);
	return error_cause(err, ERROR_INTERNAL, "no order_store on %s",
			   database->ops->name);
}

void order_store_close(struct order_store *store)
{
	if (store)
		store->ops->close(store);
}

bool order_store_create(struct order_store *store, const struct order *order,
			const struct idempotency *idempotency,
			struct arena *arena, struct error *err)
{
	return store->ops->create(store, order, idempotency, arena, err);
}

bool order_store_get(struct order_store *store, const char *id,
		     struct arena *arena, struct stored_order *ret,
		     struct error *err)
{
	return store->ops->get(store, id, arena, ret, err);
}

bool order_store_replace(struct order_store *store, const struct order *order,
			 const struct order *before,
			 const struct idempotency *idempotency,
			 struct arena *arena, struct error *err)
{
	return store->ops->replace(store, order, before, idempotency, arena,
				   err);
}

bool order_store_remove(struct order_store *store, int64_t expected_version,
			const struct deletion *deletion,
			const struct idempotency *idempotency,
			struct arena *arena, struct error *err)
{
	return store->ops->remove(store, expected_version, deletion,
				  idempotency, arena, err);
}

bool order_store_restore(struct order_store *store, const char *event_id,
			 struct str json, struct arena *arena,
			 struct error *err)
{
	return store->ops->restore(store, event_id, json, arena, err);
}

bool order_store_list(struct order_store *store,
		      const struct order_query *query, struct arena *arena,
		      struct order_page *ret, struct error *err)
{
	return store->ops->list(store, query, arena, ret, err);
}

bool order_store_recall(struct order_store *store,
			const struct idempotency *idempotency,
			struct arena *arena, struct answer *ret, bool *found,
			struct error *err)
{
	return store->ops->recall(store, idempotency, arena, ret, found, err);
}

void order_page_finish(struct order_page *page,
		       const struct order_query *query)
{
	page->has_more = page->count > query->limit;
	page->count -= page->has_more;
	for (size_t i = 0; query->backwards && i < page->count / 2; i++) {
		struct stored_order *last = &page->orders[page->count - 1 - i];
		struct stored_order other = page->orders[i];

		page->orders[i] = *last;
		*last = other;
	}
}
