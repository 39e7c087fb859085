/*
 * deletion_json.h: a deletion as clients get it. Pure.
 */
#ifndef DELETION_DELETION_JSON_H
#define DELETION_DELETION_JSON_H

#include "base/buf.h"
#include "ports/deletion_log.h"

/* In a list: what the order was, and how far its deletion has come. */
void deletion_to_list_json(const struct deletion *deletion, struct buf *to);
/* Beside its order: how far it has come, and where the order is archived. */
void deletion_to_json(const struct deletion *deletion, struct buf *to);

#endif
