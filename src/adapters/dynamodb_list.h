/*
 * dynamodb_list.h: pages of orders from the table's indexes (docs/AWS.md,
 * "Lists").
 */
#ifndef ADAPTERS_DYNAMODB_LIST_H
#define ADAPTERS_DYNAMODB_LIST_H

#include "adapters/dynamodb.h"
#include "ports/order_store.h"

bool dynamodb_list(struct dynamodb *db, const struct order_query *query,
		   struct arena *arena, struct order_page *ret,
		   struct error *err) MUST_CHECK;

#endif
