/*
 * order_store_fake.h: an order store that knows one stored answer, with a knob
 * to fail. Keeps the recall of order_store.h; the rest is not in it.
 */
#ifndef FAKES_ORDER_STORE_FAKE_H
#define FAKES_ORDER_STORE_FAKE_H

#include "ports/order_store.h"

struct order_store_fake {
	struct order_store base;
	enum error_code fail_next;	/* ERROR_NONE: the next call works */
	bool has_answer;
	struct answer answer;
	unsigned recalls;
};

static bool order_store_fake_recall(struct order_store *store,
				    const struct idempotency *idempotency,
				    struct arena *arena, struct answer *ret,
				    bool *found, struct error *err)
{
	struct order_store_fake *fake = (struct order_store_fake *)store;
	enum error_code code = fake->fail_next;

	(void)idempotency;
	(void)arena;
	fake->recalls++;
	fake->fail_next = ERROR_NONE;
	if (code != ERROR_NONE)
		return error_set(err, code, "the fake was told to fail");
	*found = fake->has_answer;
	*ret = fake->answer;
	return true;
}

static const struct order_store_ops order_store_fake_ops = {
	.name = "fake", .recall = order_store_fake_recall,
};

#define ORDER_STORE_FAKE { .base = { &order_store_fake_ops } }

#endif
