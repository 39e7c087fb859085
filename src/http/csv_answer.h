/*
 * csv_answer.h: all orders of a selection as a CSV file, streamed.
 */
#ifndef HTTP_CSV_ANSWER_H
#define HTTP_CSV_ANSWER_H

#include "http/response.h"
#include "ports/order_store.h"

/* From where `query` starts to the end, whatever its limit. */
bool csv_answer(struct response *res, struct order_store *orders,
		struct order_query *query, struct error *err) MUST_CHECK;

#endif
