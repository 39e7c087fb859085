/*
 * sqlite_list.h: pages of orders, for the order store.
 */
#ifndef ADAPTERS_SQLITE_LIST_H
#define ADAPTERS_SQLITE_LIST_H

#include "adapters/sqlite.h"
#include "ports/order_store.h"

#define SQLITE_LISTS_KEPT 8	/* shapes of lists whose statements are kept */

/* Zeroed, there are none yet. */
struct sqlite_lists {
	struct sqlite_list_statement {
		char *sql;
		sqlite3_stmt *statement;
		uint64_t used;
	} kept[SQLITE_LISTS_KEPT];
	uint64_t used;
};

/* As order_store_list. */
bool sqlite_list(struct sqlite *db, struct sqlite_lists *lists,
		 const struct order_query *query, struct arena *arena,
		 struct order_page *ret, struct error *err) MUST_CHECK;
void sqlite_lists_close(struct sqlite_lists *lists);

#endif
