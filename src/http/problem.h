/*
 * problem.h: an error as application/problem+json (RFC 9457).
 */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include "http/request.h"
#include "http/response.h"

/* Replaces whatever the response held. */
void problem_render(struct response *res, const struct request *req,
		    const struct error *err);

#endif
