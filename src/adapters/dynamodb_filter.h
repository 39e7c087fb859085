/*
 * dynamodb_filter.h: what a query asks, of an index and of an order that was
 * read; and the keys and texts by which an order is found (docs/AWS.md,
 * "Lists").
 */
#ifndef ADAPTERS_DYNAMODB_FILTER_H
#define ADAPTERS_DYNAMODB_FILTER_H

#include "adapters/dynamodb.h"
#include "ports/order_store.h"

/* 15 digits of a time or 19 of a price, '#', the id, and what marks a bound. */
#define DYNAMODB_SORT_BYTES (19 + 1 + ORDER_ID_BYTES + 2)
#define DYNAMODB_TIME_MAX_MS 253402300799999	/* the year 9999 ends */

void dynamodb_sort_key(enum order_sort_key sort, int64_t value, const char *id,
		       char ret[DYNAMODB_SORT_BYTES]);
/* The order's folded words, a space before and behind each. */
struct str dynamodb_search_text(const struct order *order, struct arena *arena);

struct dynamodb_filter {
	const struct order_query *query;
	struct str *words;		/* each must be in the text */
	size_t word_count;
};

/* False when no order can fit. The query may move its position on later. */
bool dynamodb_filter_init(struct dynamodb_filter *filter,
			  const struct order_query *query, struct arena *arena);
/* Of the range key of an index in that order, both inclusive, behind the
 * query's position; false when nothing can be between. */
bool dynamodb_filter_bounds(const struct dynamodb_filter *filter,
			    enum order_sort_key sort,
			    char low[DYNAMODB_SORT_BYTES],
			    char high[DYNAMODB_SORT_BYTES]);
/* Adds all that such a key, and one of a single status, does not do. */
void dynamodb_filter_add(const struct dynamodb_filter *filter,
			 enum order_sort_key sort, bool one_status,
			 struct buf *text, struct buf *values);
/* Does the item still fit, and is `value` still what it is sorted by? */
bool dynamodb_filter_fits(const struct dynamodb_filter *filter,
			  struct json item, int64_t value);

#endif
