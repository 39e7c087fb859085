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

#endif
