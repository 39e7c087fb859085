/*
 * csv_answer.c: page by page, so that memory does not grow with the selection.
 */
#include "http/csv_answer.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "order/order_csv.h"
#include "base/banned.h"

#define PAGE_BYTES (32u * MIB)	/* LIMIT_PAGE orders as they are stored */
#define ROW_BYTES (4u * MIB)
#define PART_BYTES (64u * KIB)	/* sent at once */

static bool add_row(const struct stored_order *stored, struct arena *arena,
		    struct response *res, struct error *err)
{
	struct order order;
	struct buf row;

	if (!order_from_stored_json(&order, stored->json, arena, err))
		return false;
	buf_init(&row, arena, MIB);
	order_csv_row(&order, &row);
	buf_add_str(&res->body, buf_str(&row));
	return res->body.len < PART_BYTES || response_flush(res, err);
}

/* One page of rows; *ret_more and the query's position for the next. */
static bool add_rows(struct order_store *orders, struct order_query *query,
		     struct arena *arena, struct response *res, bool *ret_more,
		     struct error *err)
{
	CLEANUP(cleanup_arena)
	struct arena *row_arena = arena_new("CSV row", ROW_BYTES);
	struct order_page page;

	if (!order_store_list(orders, query, arena, &page, err))
		return false;
	for (size_t i = 0; i < page.count; i++) {
		if (!add_row(&page.orders[i], row_arena, res, err))
			return false;
		arena_reset(row_arena);
		query->has_position = true;
		query->position_value = page.orders[i].sort_value;
		memcpy(query->position_id, page.orders[i].id, ORDER_ID_BYTES);
	}
	*ret_more = page.has_more;
	return true;
}

bool csv_answer(struct response *res, struct order_store *orders,
		struct order_query *query, struct error *err)
{
	CLEANUP(cleanup_arena)
	struct arena *arena = arena_new("CSV page", PAGE_BYTES);
	bool more = true;

	res->content_type = "text/csv; charset=utf-8";
	response_header(res, "Content-Disposition",
			"attachment; filename=\"orders.csv\"");
	query->limit = LIMIT_PAGE;
	order_csv_head(&res->body);
	while (more) {
		if (!add_rows(orders, query, arena, res, &more, err))
			return false;
		arena_reset(arena);
	}
	return true;
}
