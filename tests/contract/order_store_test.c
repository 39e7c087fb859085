/*
 * order_store_test.c: does every order store keep order_store.h's promises?
 */
#include "engine.h"

#include "base/banned.h"

static struct stored_order get_order(struct desk *desk, const char *id)
{
	struct stored_order stored;

	assert_ok(desk, order_store_get(desk->orders, id, desk->arena, &stored,
					&desk->err));
	return stored;
}

static void create_then_get_gives_the_same_bytes(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red shoes", NOW);
	struct stored_order stored;

	create_order(desk, &order);
	stored = get_order(desk, order.id);
	assert_true(str_eq(stored.json, json_of(desk, &order)));
	assert_int_equal(stored.version, 1);
	assert_string_equal(stored.id, order.id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		desk_test(create_then_get_gives_the_same_bytes),
	};

	return run_on_every_engine(tests);
}
