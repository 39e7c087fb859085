/*
 * health.h: GET /readyz, of every responder: each dependency with its state.
 */
#ifndef HTTP_HEALTH_H
#define HTTP_HEALTH_H

#include "http/response.h"
#include "ports/ports.h"

/* 200 when all that the operation opened answers, else 503. */
void health_render(struct response *res, const struct ports *ports,
		   const struct error *open_failure);

#endif
