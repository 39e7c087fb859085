/*
 * archive_step.h: the one step that on_order_deleted and
 * archive_deleted_orders share: a pending deletion becomes an archived one.
 */
#ifndef DELETION_ARCHIVE_STEP_H
#define DELETION_ARCHIVE_STEP_H

#include "ports/deletion_log.h"
#include "ports/object_archive.h"

/*
 * Writes the archive object (create-only, durable, read back), then advances the
 * record, which queues the mails. Already archived is success with *ret_changed
 * false. Repeatable at any point by any process.
 */
bool archive_deletion(struct deletion_log *log, struct object_archive *archive,
		      const struct deletion *deletion, int64_t now_ms,
		      struct arena *arena, bool *ret_changed,
		      struct error *err) MUST_CHECK;

/* archive/YYYY/MM/DD/<event id>.json */
void archive_key(const struct deletion *deletion, struct buf *to);
/* {"event_id":…,"deleted_at":…,"traceparent":…,"order":<canonical bytes>} */
void archive_object(const struct deletion *deletion, struct buf *to);
/* The order's canonical bytes within an archive object, and the facts around
 * them. ERROR_INTERNAL with a cause when the object is damaged. */
bool archive_object_parse(struct str object, struct arena *arena,
			  struct deletion *ret, struct error *err) MUST_CHECK;

#endif
