/*
 * sqlite_list.c: pages of orders, each by one SELECT whose text depends on
 * which filters there are; their values are bound.
 */
#include "adapters/sqlite_list.h"

#include "base/limits.h"
#include "order/search.h"

#include "base/banned.h"

#define MATCH_BYTES (4u * LIMIT_JSON_BODY_BYTES)

enum parameter {
	POSITION_VALUE = 1, POSITION_ID, LIMIT, EMAIL, CREATED_FROM, CREATED_TO,
	PRICE_FROM, PRICE_TO, MATCH
};

static const char *const sort_columns[] = {
	[SORT_CREATED] = "created_ms",
	[SORT_UPDATED] = "updated_ms",
	[SORT_PRICE] = "price_minor",
};

/*
 * The index is named, not left to guesses: one customer's orders (few, sorted
 * when the sort is another than created); statuses one by one (add_page); else
 * the index that has the order of the sort. Price has none, and orders_created
 * is the smallest that holds it.
 */
static const char *index_of(const struct order_query *query, bool by_status)
{
	if (query->customer_email.ptr)
		return "orders_customer";
	if (by_status)
		return "orders_status";
	return query->sort == SORT_UPDATED ? "orders_updated"
					   : "orders_created";
}

/* One bound on each side of the index: of two SQLite might take the wider one
 * and read all pages before this one again. */
static void add_created_bounds(const struct order_query *query, struct buf *to)
{
	bool at = query->has_position && query->sort == SORT_CREATED;
	bool from_position = at && order_query_ascends(query) &&
			     query->position_value >= query->created_from_ms;
	bool to_position = at && !order_query_ascends(query) &&
			   query->position_value < query->created_to_ms;

	if (query->created_from_ms != INT64_MIN && !from_position)
		buf_add_text(to, " AND created_ms >= ?5");
	if (query->created_to_ms != INT64_MAX && !to_position)
		buf_add_text(to, " AND created_ms < ?6");
}

static void add_bounds(const struct order_query *query, struct buf *to)
{
	add_created_bounds(query, to);
	if (query->price_from_minor != INT64_MIN)
		buf_add_text(to, " AND price_minor >= ?7");
	if (query->price_to_minor != INT64_MAX)
		buf_add_text(to, " AND price_minor <= ?8");
	if (query->has_position)
		buf_printf(to, " AND (%s, id) %c (?1, ?2)",
			   sort_columns[query->sort],
			   order_query_ascends(query) ? '>' : '<');
}

static void add_statuses(const struct order_query *query, struct buf *to)
{
	const char *separator = " AND status IN (";

	for (int i = 0; i < STATUS_COUNT; i++) {
		if (!(query->statuses & 1u << i))
			continue;
		buf_printf(to, "%s%d", separator, i);
		separator = ", ";
	}
	buf_add_char(to, ')');
}

static void add_select(const struct order_query *query, int status,
		       bool search, struct buf *to)
{
	buf_printf(to, "SELECT number, %s AS value, id FROM ",
		   sort_columns[query->sort]);
	if (search)
		buf_add_text(to, "search CROSS JOIN orders"
				 " ON orders.number = search.rowid"
				 " WHERE search MATCH ?9");
	else
		buf_printf(to, "orders INDEXED BY %s WHERE true",
			   index_of(query, status >= 0));
	if (query->customer_email.ptr)
		buf_add_text(to, " AND customer_email = ?4");
	if (status >= 0)
		buf_printf(to, " AND status = %d", status);
	else if (query->statuses)
		add_statuses(query, to);
	add_bounds(query, to);
}

/*
 * Newest first with some statuses: each status has its part of orders_status,
 * in order; the parts are merged as they are read.
 */
static void add_page(const struct order_query *query, bool search,
		     struct buf *to)
{
	bool merge = query->statuses && query->sort == SORT_CREATED &&
		     !search && !query->customer_email.ptr;
	const char *direction = order_query_ascends(query) ? "" : " DESC";
	bool first = true;

	if (!merge)
		add_select(query, -1, search, to);
	for (int i = 0; merge && i < STATUS_COUNT; i++) {
		if (!(query->statuses & 1u << i))
			continue;
		if (!first)
			buf_add_text(to, " UNION ALL ");
		add_select(query, i, search, to);
		first = false;
	}
	buf_printf(to, " ORDER BY value%s, id%s LIMIT ?3", direction,
		   direction);
}

/* The rows of a page are found in the index alone, then read; no order is asked
 * for here (read_page), or SQLite would sort what is sorted, JSON and all. */
static void list_sql(const struct order_query *query, bool search,
		     struct buf *to)
{
	buf_add_text(to, "SELECT orders.id, version, value, json FROM (");
	add_page(query, search, to);
	buf_add_text(to, ") AS page CROSS JOIN orders"
			 " ON orders.number = page.number");
}

static sqlite3_stmt *list_statement(struct sqlite *db,
				    struct sqlite_lists *lists,
				    const char *text, struct error *err)
{
	struct sqlite_list_statement *oldest = &lists->kept[0];

	for (size_t i = 0; i < ARRAY_LEN(lists->kept); i++) {
		struct sqlite_list_statement *one = &lists->kept[i];

		if (one->sql && !strcmp(one->sql, text)) {
			one->used = ++lists->used;
			return one->statement;
		}
		if (one->used < oldest->used)
			oldest = one;
	}
	sqlite_finalize(&oldest->statement, 1);
	free(oldest->sql);
	oldest->used = 0;
	oldest->sql = strdup(text);
	if (!oldest->sql) {
		error_cause(err, ERROR_UNAVAILABLE, "no memory");
		return NULL;
	}
	if (sqlite_statement(db, &oldest->statement, oldest->sql, err))
		oldest->used = ++lists->used;
	return oldest->statement;
}

static void bind_list(sqlite3_stmt *list, const struct order_query *query,
		      struct str match)
{
	const int last = sqlite3_bind_parameter_count(list);
	const struct {
		enum parameter parameter;
		int64_t value;
	} integers[] = {
		{ POSITION_VALUE, query->position_value },
		{ LIMIT, (int64_t)query->limit + 1 },
		{ CREATED_FROM, query->created_from_ms },
		{ CREATED_TO, query->created_to_ms },
		{ PRICE_FROM, query->price_from_minor },
		{ PRICE_TO, query->price_to_minor },
	};

	for (size_t i = 0; i < ARRAY_LEN(integers); i++)
		if ((int)integers[i].parameter <= last)
			sqlite_bind_int(list, integers[i].parameter,
					integers[i].value);
	if (query->has_position)
		sqlite_bind_id(list, POSITION_ID, query->position_id);
	if (EMAIL <= last)
		sqlite_bind_str(list, EMAIL, query->customer_email);
	if (MATCH <= last)
		sqlite_bind_str(list, MATCH, match);
}

/* SQL promises no order for the outer SELECT. The rows do come in order, so
 * that this is one comparison each. */
static void move_to_its_place(struct stored_order *orders, size_t last,
			      const struct order_query *query)
{
	struct stored_order order = orders[last];

	for (; last; last--) {
		const struct stored_order *before = &orders[last - 1];

		if (order_query_compare(query, before->sort_value, before->id,
					order.sort_value, order.id) <= 0)
			break;
		orders[last] = *before;
	}
	orders[last] = order;
}

static bool read_page(struct sqlite *db, sqlite3_stmt *list,
		      const struct order_query *query, struct arena *arena,
		      struct order_page *ret, struct error *err)
{
	enum sqlite_step step;

	ret->orders = arena_alloc(arena, ((size_t)query->limit + 1) *
						 sizeof(*ret->orders));
	while ((step = sqlite_step(db, list, err)) == STEP_ROW) {
		struct stored_order *order = &ret->orders[ret->count];

		sqlite_column_id(list, 0, order->id);
		order->version = sqlite3_column_int64(list, 1);
		order->sort_value = sqlite3_column_int64(list, 2);
		order->json = sqlite_column_str(list, 3, arena);
		move_to_its_place(ret->orders, ret->count++, query);
	}
	order_page_finish(ret, query);
	return step == STEP_DONE;
}

bool sqlite_list(struct sqlite *db, struct sqlite_lists *lists,
		 const struct order_query *query, struct arena *arena,
		 struct order_page *ret, struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *statement = NULL;
	struct buf text, match;

	*ret = (struct order_page){ 0 };
	buf_init(&match, arena, MATCH_BYTES);
	if (query->search.ptr && !search_fts5_query(query->search, &match))
		return true;
	buf_init(&text, arena, 4 * KIB);
	list_sql(query, query->search.ptr, &text);
	statement = list_statement(db, lists, text.ptr, err);
	if (!statement)
		return false;
	bind_list(statement, query, buf_str(&match));
	return read_page(db, statement, query, arena, ret, err);
}

void sqlite_lists_close(struct sqlite_lists *lists)
{
	for (size_t i = 0; i < ARRAY_LEN(lists->kept); i++) {
		sqlite_finalize(&lists->kept[i].statement, 1);
		free(lists->kept[i].sql);
	}
}
