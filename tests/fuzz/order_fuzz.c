/*
 * order_fuzz.c: drafts, merge patches and replacements of arbitrary bytes.
 *
 * The input is bodies with a record separator (0x1e) between: the first makes
 * an order, the others change it. What is accepted must come back from its
 * canonical JSON to the same bytes and may be sent back as it was read; what is
 * refused says why, in valid UTF-8, and is never a fault of ours.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "order/order.h"
#include "order/order_query.h"
#include "order/search.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_refusal(const struct error *err)
{
	require(err->code == ERROR_INVALID || err->code == ERROR_NOT_JSON);
	require(utf8_valid(str_from(err->detail)));
	require((err->code == ERROR_INVALID) == (err->item_count > 0));
	for (unsigned i = 0; i < err->item_count; i++) {
		require(utf8_valid(str_from(err->items[i].pointer)));
		require(utf8_valid(str_from(err->items[i].detail)));
		require(err->items[i].detail[0] != '\0');
	}
}

static struct str canonical(const struct order *order, struct arena *arena)
{
	struct buf buf;

	buf_init(&buf, arena, 2 * MIB);
	order_to_json(order, &buf);
	require(buf_ok(&buf));
	return buf_str(&buf);
}

static void check_order(const struct order *order, struct arena *arena)
{
	struct str text = canonical(order, arena);
	struct order again;
	struct error err;
	struct buf buf;

	require(order->price_minor > 0 &&
		order->price_minor <= LIMIT_PRICE_MINOR);
	require(order->description.len > 0);
	require(utf8_valid(text));
	error_init(&err);
	require(order_from_stored_json(&again, text, arena, &err));
	require(str_eq(text, canonical(&again, arena)));
	require(order_replace(&again, text, "EUR", arena, &err));
	require(str_eq(text, canonical(&again, arena)));
	require(order_patch(&again, text, arena, &err));
	require(str_eq(text, canonical(&again, arena)));
	buf_init(&buf, arena, 2 * MIB);
	order_search_text(order, &buf);
	require(utf8_valid(buf_str(&buf)));
}

static void check_change(struct order *order, struct str body,
			 struct arena *arena)
{
	struct order patched = *order, replaced = *order;
	struct str before = canonical(order, arena);
	struct error err;

	error_init(&err);
	if (order_replace(&replaced, body, "JPY", arena, &err))
		check_order(&replaced, arena);
	else
		check_refusal(&err);
	error_init(&err);
	if (order_patch(&patched, body, arena, &err))
		check_order(&patched, arena);
	else
		check_refusal(&err);
	/* what the order before points at is untouched */
	require(str_eq(before, canonical(order, arena)));
	*order = patched;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct arena *arena;
	struct str rest = { bytes ? (const char *)data : "", bytes }, body;
	struct order order;
	struct error err;

	if (!arena)
		arena = arena_new("order_fuzz", LIMIT_REQUEST_ARENA_BYTES);
	arena_reset(arena);
	if (!str_next(&rest, 0x1e, &body) || body.len > LIMIT_JSON_BODY_BYTES)
		return 0;
	error_init(&err);
	if (!order_from_json(&order, body, "EUR", arena, &err)) {
		check_refusal(&err);
		return 0;
	}
	order_place(&order, 1795536000000);
	check_order(&order, arena);
	if (bytes % 2)
		order.image = (struct order_image){
			.id = STR("sha256:00"),
			.media_type = STR("image/png"),
			.verdict = VERDICT_UNSURE,
			.confidence_permille = 970,
			.model = STR(""),
			.label_count = 1,
			.labels = { { STR("Shoe"), 970 } },
		};
	while (str_next(&rest, 0x1e, &body))
		if (body.len <= LIMIT_JSON_BODY_BYTES)
			check_change(&order, body, arena);
	return 0;
}
