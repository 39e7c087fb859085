/*
 * dynamodb_answer.h: the answers that are kept for idempotency keys, in the
 * table. An expired answer is none. Without a key all of this does nothing.
 */
#ifndef ADAPTERS_DYNAMODB_ANSWER_H
#define ADAPTERS_DYNAMODB_ANSWER_H

#include "adapters/dynamodb.h"
#include "ports/order_store.h"

/* Kept by the same commit, which is refused while the key has another one. */
bool dynamodb_answer_add(struct dynamodb_write *write,
			 const struct idempotency *idempotency,
			 const char *mark, struct error *err) MUST_CHECK;
/* As order_store_recall. */
bool dynamodb_answer_get(struct dynamodb *db,
			 const struct idempotency *idempotency,
			 struct arena *arena, struct answer *ret, bool *found,
			 struct error *err) MUST_CHECK;
/*
 * A write was refused: *ret_ours when it had been written before;
 * ERROR_IN_PROGRESS when its key belongs to another one.
 */
bool dynamodb_answer_settle(struct dynamodb *db,
			    const struct idempotency *idempotency,
			    const char *mark, bool *ret_ours,
			    struct error *err) MUST_CHECK;

#endif
