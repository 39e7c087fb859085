/*
 * page_answer.h: how a page of a list ends: its place among the others, in the
 * body and in the Link header (RFC 8288).
 */
#ifndef HTTP_PAGE_ANSWER_H
#define HTTP_PAGE_ANSWER_H

#include "http/request.h"
#include "http/response.h"

/* Closes a body that began with {"data":[. Cursors: absent where there is no
 * such page. */
void page_answer_end(struct response *res, const struct request *req,
		     unsigned limit, struct str next, struct str prev);

#endif
