/*
 * order_query.h: which orders a list shows: filters, sort, page. Pure.
 *
 * Read from a query string by order_query_parse; a cursor is bound to the
 * filters and sort it was made for and signed, so that a made-up one is
 * ERROR_BAD_CURSOR, never a strange page.
 */
#ifndef ORDER_ORDER_QUERY_H
#define ORDER_ORDER_QUERY_H

#include "order/order.h"

enum order_sort_key { SORT_CREATED, SORT_UPDATED, SORT_PRICE };

/* Absent bounds: INT64_MIN, INT64_MAX. Ranges are from ≤ x < to. */
struct order_query {
	unsigned statuses;		/* bit 1 << status; 0: all */
	struct str customer_email;	/* lower case; absent: any */
	/* inclusive; at the default currency's scale */
	int64_t price_from_minor, price_to_minor;
	int64_t created_from_ms, created_to_ms;
	struct str search;		/* absent: any */
	enum order_sort_key sort;
	bool descending;
	unsigned limit;

	/* where the page starts: after (or, backwards, before) this order */
	bool has_position;
	bool backwards;
	int64_t position_value;		/* the sort key's value */
	char position_id[ORDER_ID_BYTES];
};

/* Towards greater values? Backwards is the other way round. */
static inline bool order_query_ascends(const struct order_query *query)
{
	return query->descending == query->backwards;
}
/* Positive: an order with that value and id comes behind the other one. */
int order_query_compare(const struct order_query *query, int64_t value,
			const char *id, int64_t other_value,
			const char *other_id);

/*
 * `query` is the raw query string. Unknown and repeated names, a limit outside
 * 1..LIMIT_PAGE, an unknown zone: ERROR_BAD_PARAMETER naming the parameter.
 * price_gte and price_lte are read at `default_currency`'s scale. `secret`
 * signs cursors.
 */
bool order_query_parse(struct order_query *ret, struct str query,
		       const char *default_currency, struct str secret,
		       struct arena *arena, struct error *err) MUST_CHECK;
/* The cursor that continues behind (backwards: before) the given order. */
void order_query_cursor(const struct order_query *query, struct str secret,
			bool backwards, int64_t value, const char *id,
			struct buf *to);

#endif
