/*
 * page_answer.h: a page of a list, and its place among the others, in the body
 * and in the Link header (RFC 8288).
 */
#ifndef HTTP_PAGE_ANSWER_H
#define HTTP_PAGE_ANSWER_H

#include "http/request.h"
#include "http/response.h"
#include "ports/object_archive.h"
#include "ports/order_store.h"

/* The parameters of a list whose cursors are ids: *after NULL for the first
 * page. ERROR_BAD_PARAMETER, ERROR_BAD_CURSOR. */
bool page_request(const struct request *req, uint64_t *limit,
		  const char **after, struct error *err) MUST_CHECK;
/* Closes a body that began with {"data":[. Cursors: absent where there is no
 * such page. */
void page_answer_end(struct response *res, const struct request *req,
		     unsigned limit, struct str next, struct str prev);
/* All of it; cursors are sealed with `secret`. */
bool page_answer_orders(struct response *res, const struct request *req,
			const struct order_query *query,
			const struct order_page *page,
			struct object_archive *archive, struct str secret,
			struct error *err) MUST_CHECK;

#endif
