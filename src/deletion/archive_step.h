/*
 * archive_step.h: the one step that on_order_deleted and
 * archive_deleted_orders share: a pending deletion becomes an archived one.
 */
#ifndef DELETION_ARCHIVE_STEP_H
#define DELETION_ARCHIVE_STEP_H

#include "deletion/archive_object.h"
#include "ports/object_archive.h"

/*
 * Writes the archive object (create-only, durable, read back), then advances
 * the record, which queues the mails. Already archived is success with
 * *ret_changed false. Repeatable at any point by any process.
 */
bool archive_deletion(struct deletion_log *log, struct object_archive *archive,
		      const struct deletion *deletion, int64_t now_ms,
		      struct arena *arena, bool *ret_changed,
		      struct error *err) MUST_CHECK;

struct archive_tally {
	unsigned examined, archived, already_archived, failed;
};
/* The same for all that are pending, oldest first, for about `limit_ms`; one
 * that fails is counted and holds up none of the others. False when they could
 * not be listed. */
bool archive_pending(struct deletion_log *log, struct object_archive *archive,
		     int64_t now_ms, int64_t limit_ms,
		     struct archive_tally *tally,
		     struct error *err) MUST_CHECK;

#endif
