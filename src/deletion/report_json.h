/*
 * report_json.h: a report as clients get it: how far it is, and once it is done
 * a link to it.
 */
#ifndef DELETION_REPORT_JSON_H
#define DELETION_REPORT_JSON_H

#include "deletion/report_job.h"

bool report_to_json(struct object_archive *archive,
		    const struct settings *settings, const char *id,
		    const struct report_status *status, int64_t now_ms,
		    struct buf *to, struct error *err) MUST_CHECK;

#endif
