/*
 * report_job.h: a report drawn from the archive: here and now, or, when it is
 * large, by a process of its own whose progress can be asked for.
 *
 * A report <id> is two objects: reports/<id>.pdf, and reports/<id>.json, which
 * says {"state":"running|done|failed", "done", "total", "updated_at", …}.
 */
#ifndef DELETION_REPORT_JOB_H
#define DELETION_REPORT_JOB_H

#include "deletion/report_request.h"
#include "ports/object_archive.h"
#include "ports/settings.h"

enum report_state { REPORT_RUNNING, REPORT_DONE, REPORT_FAILED };
const char *report_state_name(enum report_state state);

struct report_status {
	enum report_state state;
	uint64_t done, total;		/* archive objects */
	int64_t updated_ms;
	/* when done: */
	uint64_t orders, pages;
	char digest[65];		/* of the PDF */
	struct str filename;
	/* when failed, in words */
	struct str detail;
};

/* The number of archive objects in the period, counted up to `most`. */
bool report_count(struct object_archive *archive,
		  const struct report_request *request, uint64_t most,
		  uint64_t *ret, struct error *err) MUST_CHECK;
/* Draws and stores it; *ret is what report_status would say. */
bool report_draw(struct object_archive *archive,
		 const struct settings *settings,
		 const struct report_request *request, uint64_t total,
		 struct report_status *ret, struct error *err) MUST_CHECK;
/* Draws in a process of its own, which outlives the caller's. */
bool report_start(struct object_archive *archive,
		  const struct settings *settings,
		  const struct report_request *request, uint64_t total,
		  struct error *err) MUST_CHECK;
/* ERROR_NOT_FOUND. A job that has been silent for two minutes has failed. */
bool report_status(struct object_archive *archive, const char *id,
		   int64_t now_ms, struct arena *arena,
		   struct report_status *ret, struct error *err) MUST_CHECK;

#endif
