/*
 * report_request.h: which report is asked for: period, time zone, title. Pure.
 */
#ifndef DELETION_REPORT_REQUEST_H
#define DELETION_REPORT_REQUEST_H

#include "base/arena.h"
#include "base/error.h"

struct report_request {
	char id[37];
	struct str title;		/* "" : the usual one */
	int64_t from_ms, to_ms;		/* of deletion, from ≤ t < to */
	const char *zone;
	int64_t now_ms;
};

/*
 * {"from": day, "to": day, "tz": zone, "title": text}, each optional, as is the
 * body: then all of the archive, in UTC. "to" is inclusive. A new id.
 */
bool report_request_from_json(struct report_request *ret, struct str text,
			      int64_t now_ms, struct arena *arena,
			      struct error *err) MUST_CHECK;

#endif
