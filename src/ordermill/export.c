/*
 * export.c: `ordermill export` writes every live order as one line of JSON.
 */
#include "base/limits.h"
#include "ordermill/ordermill.h"
#include "ports/order_store.h"

#include "base/banned.h"

struct handles {
	struct database *database;
	struct order_store *orders;
};

static void close_handles(struct handles *handles)
{
	order_store_close(handles->orders);
	database_close(handles->database);
}

static bool print_page(struct handles *handles, struct order_query *query,
		       struct arena *arena, bool *ret_more, struct error *err)
{
	struct order_page page;

	arena_reset(arena);
	if (!order_store_list(handles->orders, query, arena, &page, err))
		return false;
	for (size_t i = 0; i < page.count; i++) {
		fwrite(page.orders[i].json.ptr, 1, page.orders[i].json.len,
		       stdout);
		putchar('\n');
	}
	if (page.count) {
		const struct stored_order *last = &page.orders[page.count - 1];

		query->has_position = true;
		query->position_value = last->sort_value;
		memcpy(query->position_id, last->id, sizeof(last->id));
	}
	*ret_more = page.has_more && page.count;
	return true;
}

int command_export(struct desk *desk, int argc, char **argv)
{
	struct handles handles CLEANUP(close_handles) = { 0 };
	struct order_query query = {
		.price_from_minor = INT64_MIN, .price_to_minor = INT64_MAX,
		.created_from_ms = INT64_MIN, .created_to_ms = INT64_MAX,
		.sort = SORT_CREATED, .limit = LIMIT_PAGE,
	};
	struct error err;
	bool more = true;

	(void)argv;
	if (argc != 1)
		return EXIT_USAGE;
	error_init(&err);
	if (!database_open(&handles.database, desk->config, false, &err) ||
	    !order_store_open(&handles.orders, handles.database, desk->config,
			      &err))
		return say_failure(&err);
	while (more && !ferror(stdout))
		if (!print_page(&handles, &query, desk->arena, &more, &err))
			return say_failure(&err);
	return EXIT_GOOD;
}
