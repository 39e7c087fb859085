/*
 * dynamodb_list.h: pages of orders from the table's indexes, and the keys and
 * texts by which orders are in them (docs/AWS.md, "Lists").
 */
#ifndef ADAPTERS_DYNAMODB_LIST_H
#define ADAPTERS_DYNAMODB_LIST_H

#include "adapters/dynamodb.h"
#include "ports/order_store.h"

/* 15 digits of a time or 19 of a price, '#', the id, and what marks a bound. */
#define DYNAMODB_SORT_BYTES (19 + 1 + ORDER_ID_BYTES + 2)

void dynamodb_sort_key(enum order_sort_key sort, int64_t value, const char *id,
		       char ret[DYNAMODB_SORT_BYTES]);
/* The order's folded words, a space before and behind each. */
struct str dynamodb_search_text(const struct order *order, struct arena *arena);
bool dynamodb_list(struct dynamodb *db, const struct order_query *query,
		   struct arena *arena, struct order_page *ret,
		   struct error *err) MUST_CHECK;

#endif
