/*
 * archive_object.h: an archived order as an object: its key and its bytes.
 * Pure.
 */
#ifndef DELETION_ARCHIVE_OBJECT_H
#define DELETION_ARCHIVE_OBJECT_H

#include "ports/deletion_log.h"

/* archive/YYYY/MM/DD/<event id>.json */
void archive_key(const struct deletion *deletion, struct buf *to);
/* {"event_id":…,"deleted_at":…,"traceparent":…,"order":<canonical bytes>} */
void archive_object(const struct deletion *deletion, struct buf *to);
/* The order's canonical bytes within an archive object, and the facts around
 * them. ERROR_INTERNAL with a cause when the object is damaged. */
bool archive_object_parse(struct str object, struct arena *arena,
			  struct deletion *ret, struct error *err) MUST_CHECK;

#endif
