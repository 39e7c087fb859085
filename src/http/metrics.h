/*
 * metrics.h: GET /metrics, of every responder alike: what all programs of this
 * machine counted (base/counters.h), and what is waiting, in Prometheus' text
 * format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).
 */
#ifndef HTTP_METRICS_H
#define HTTP_METRICS_H

#include "http/health.h"

/* Where the counters and the note of the last backup are; the config stays. */
void metrics_open(const struct config *config);
void metrics_render(struct response *res, const struct ports *ports,
		    const struct error *open_failure, int64_t now_ms);

#endif
