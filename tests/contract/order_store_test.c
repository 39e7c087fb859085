/*
 * order_store_test.c: does every order store keep order_store.h's promises?
 */
#include "engine.h"

#include "base/limits.h"

#include "base/banned.h"

#define DAY_MS (24ll * 3600 * 1000)
#define NOBODY "01930000-0000-7000-8000-000000000000"

static struct stored_order get_order(struct desk *desk, const char *id)
{
	struct stored_order stored;

	assert_ok(desk, order_store_get(desk->orders, id, desk->arena, &stored,
					&desk->err));
	return stored;
}

static void assert_get_refused(struct desk *desk, const char *id,
			       enum error_code code)
{
	struct stored_order stored;

	assert_refused(desk, code, order_store_get(desk->orders, id,
						   desk->arena, &stored,
						   &desk->err));
}

static void replace_order(struct desk *desk, const struct order *order,
			  const struct order *before)
{
	assert_ok(desk, order_store_replace(desk->orders, order, before, NULL,
					    desk->arena, &desk->err));
}

static void remove_order(struct desk *desk, const struct deletion *deletion)
{
	assert_ok(desk, order_store_remove(desk->orders, 0, deletion, NULL,
					   desk->arena, &desk->err));
}

static void begin(struct desk *desk)
{
	assert_ok(desk, database_begin(desk->database, &desk->err));
}

static void commit(struct desk *desk)
{
	assert_ok(desk, database_commit(desk->database, &desk->err));
}

static void mark(struct desk *desk)
{
	assert_ok(desk, database_mark(desk->database, &desk->err));
}

static void release(struct desk *desk, bool keep)
{
	assert_ok(desk, database_release(desk->database, keep, &desk->err));
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

static void create_refuses_an_id_that_exists(void **state)
{
	struct desk *desk = *state;
	struct order first = some_order("first", NOW);
	struct order second = some_order("second", NOW);

	memcpy(second.id, first.id, sizeof(second.id));
	create_order(desk, &first);
	assert_refused(desk, ERROR_CONFLICT,
		       order_store_create(desk->orders, &second, NULL,
					  desk->arena, &desk->err));
	assert_true(str_eq(get_order(desk, first.id).json,
			   json_of(desk, &first)));
}

static void a_refused_create_does_not_spoil_its_transaction(void **state)
{
	struct desk *desk = *state;
	struct order first = some_order("first", NOW);
	struct order again = first;
	struct order other = some_order("other", NOW);

	begin(desk);
	create_order(desk, &first);
	assert_refused(desk, ERROR_CONFLICT,
		       order_store_create(desk->orders, &again, NULL,
					  desk->arena, &desk->err));
	create_order(desk, &other);
	commit(desk);
	get_order(desk, first.id);
	get_order(desk, other.id);
}

static void get_of_an_unknown_id_is_not_found(void **state)
{
	struct desk *desk = *state;

	assert_get_refused(desk, NOBODY, ERROR_NOT_FOUND);
	assert_string_equal(desk->err.detail,
			    "There is no order with this id.");
	assert_get_refused(desk, "", ERROR_NOT_FOUND);
	assert_get_refused(desk, "' OR 1=1 --", ERROR_NOT_FOUND);
}

static void get_of_a_deleted_order_is_gone_with_its_archive_entry(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "old", NOW);
	char link[80];

	snprintf(link, sizeof(link), "/api/archive/%s", deletion.order_id);
	assert_get_refused(desk, deletion.order_id, ERROR_GONE);
	assert_string_equal(desk->err.link, link);
}

static void replace_stores_the_next_version(void **state)
{
	struct desk *desk = *state;
	struct order before = some_order("red shoes", NOW);
	struct order order = before;
	struct stored_order stored;

	create_order(desk, &before);
	order.status = STATUS_CONFIRMED;
	order.version = 2;
	order.updated_ms = NOW + 1;
	replace_order(desk, &order, &before);
	stored = get_order(desk, order.id);
	assert_int_equal(stored.version, 2);
	assert_true(str_eq(stored.json, json_of(desk, &order)));
}

static void replace_of_a_stale_version_is_refused_with_the_etag(void **state)
{
	struct desk *desk = *state;
	struct order first = some_order("red shoes", NOW);
	struct order second = first;

	create_order(desk, &first);
	second.version = 2;
	replace_order(desk, &second, &first);
	assert_refused(desk, ERROR_CHANGED,
		       order_store_replace(desk->orders, &second, &first, NULL,
					   desk->arena, &desk->err));
	assert_string_equal(desk->err.etag, "\"2\"");
	assert_int_equal(get_order(desk, first.id).version, 2);
}

static void replace_of_what_is_not_live_is_gone_or_not_found(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "old", NOW);
	struct order order = some_order("never stored", NOW);

	assert_refused(desk, ERROR_NOT_FOUND,
		       order_store_replace(desk->orders, &order, &order, NULL,
					   desk->arena, &desk->err));
	memcpy(order.id, deletion.order_id, sizeof(order.id));
	assert_refused(desk, ERROR_GONE,
		       order_store_replace(desk->orders, &order, &order, NULL,
					   desk->arena, &desk->err));
	assert_true(desk->err.link[0]);
}

static void remove_records_the_stored_bytes_not_the_callers(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red shoes", NOW);
	struct deletion deletion = deletion_of(&order, NOW + 5);
	struct deletion recorded;

	create_order(desk, &order);
	deletion.order_json = STR("{\"stale\":true}");
	deletion.order_version = 7;
	deletion.traceparent = STR("00-trace");
	remove_order(desk, &deletion);
	assert_ok(desk, deletion_log_get(desk->deletions, deletion.event_id,
					 desk->arena, &recorded, &desk->err));
	assert_true(str_eq(recorded.order_json, json_of(desk, &order)));
	assert_int_equal(recorded.order_version, 1);
	assert_int_equal(recorded.deleted_ms, NOW + 5);
	assert_int_equal(recorded.state, DELETION_PENDING);
	assert_string_equal(recorded.order_id, order.id);
	assert_true(str_is(recorded.traceparent, "00-trace"));
	assert_true(str_is(recorded.description, "red shoes"));
	assert_string_equal(recorded.currency, "EUR");
	assert_int_equal(recorded.price_minor, 500);
}

static void remove_of_a_stale_version_leaves_the_order(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red shoes", NOW);
	struct deletion deletion = deletion_of(&order, NOW);
	struct deletion recorded;

	create_order(desk, &order);
	assert_refused(desk, ERROR_CHANGED,
		       order_store_remove(desk->orders, 2, &deletion, NULL,
					  desk->arena, &desk->err));
	assert_string_equal(desk->err.etag, "\"1\"");
	get_order(desk, order.id);
	assert_refused(desk, ERROR_NOT_FOUND,
		       deletion_log_get(desk->deletions, deletion.event_id,
					desk->arena, &recorded, &desk->err));
}

static void remove_twice_is_gone_and_makes_one_record(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "old", NOW);
	struct deletion again = deletion;
	struct deletion_page page;

	uuid7(NOW + 1, again.event_id);
	assert_refused(desk, ERROR_GONE,
		       order_store_remove(desk->orders, 0, &again, NULL,
					  desk->arena, &desk->err));
	assert_ok(desk, deletion_log_list(desk->deletions, DELETIONS_ALL, NULL,
					  10, NOW, 0, desk->arena, &page,
					  &desk->err));
	assert_int_equal(page.count, 1);
}

static void remove_of_an_unknown_id_is_not_found(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("never stored", NOW);
	struct deletion deletion = deletion_of(&order, NOW);

	assert_refused(desk, ERROR_NOT_FOUND,
		       order_store_remove(desk->orders, 0, &deletion, NULL,
					  desk->arena, &desk->err));
}

/* Idempotency: */

static const struct answer created = {
	.status = 201, .content_type = { "application/json", 16 },
	.headers = { "ETag: \"1\"\r\n", 11 }, .body = { "{\"id\":1}", 8 },
};

static struct idempotency key_of(char name, int64_t now_ms)
{
	struct idempotency idempotency = {
		.key = STR("key"), .now_ms = now_ms, .answer = &created,
	};

	memset(idempotency.scope, name, SHA256_BYTES);
	memset(idempotency.body_digest, 'b', SHA256_BYTES);
	return idempotency;
}

static bool recall(struct desk *desk, const struct idempotency *key,
		   struct answer *ret)
{
	bool found;

	assert_ok(desk, order_store_recall(desk->orders, key, desk->arena, ret,
					   &found, &desk->err));
	return found;
}

static void create_with_key(struct desk *desk, const struct order *order,
			    const struct idempotency *key)
{
	assert_ok(desk, order_store_create(desk->orders, order, key,
					   desk->arena, &desk->err));
}

static void an_answer_is_recalled_byte_for_byte(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red shoes", NOW);
	struct idempotency key = key_of('1', NOW);
	struct idempotency other = key_of('2', NOW);
	struct answer answer;

	assert_false(recall(desk, &key, &answer));
	create_with_key(desk, &order, &key);
	assert_true(recall(desk, &key, &answer));
	assert_int_equal(answer.status, 201);
	assert_true(str_eq(answer.content_type, created.content_type));
	assert_true(str_eq(answer.headers, created.headers));
	assert_true(str_eq(answer.body, created.body));
	assert_false(recall(desk, &other, &answer));
}

static void every_write_stores_its_answer(void **state)
{
	struct desk *desk = *state;
	struct order before = some_order("red shoes", NOW);
	struct order order = before;
	struct deletion deletion = deletion_of(&before, NOW);
	struct idempotency update = key_of('u', NOW);
	struct idempotency removal = key_of('r', NOW);
	struct answer answer;

	create_order(desk, &before);
	order.version = 2;
	assert_ok(desk, order_store_replace(desk->orders, &order, &before,
					    &update, desk->arena, &desk->err));
	assert_true(recall(desk, &update, &answer));
	assert_ok(desk, order_store_remove(desk->orders, 0, &deletion, &removal,
					   desk->arena, &desk->err));
	assert_true(recall(desk, &removal, &answer));
}

static void another_body_under_the_key_is_refused(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red shoes", NOW);
	struct idempotency key = key_of('1', NOW);
	struct answer answer;
	bool found;

	create_with_key(desk, &order, &key);
	key.body_digest[31] ^= 1;
	assert_refused(desk, ERROR_KEY_REUSED,
		       order_store_recall(desk->orders, &key, desk->arena,
					  &answer, &found, &desk->err));
}

static void without_a_key_nothing_is_recalled(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red shoes", NOW);
	struct idempotency key = key_of('1', NOW);
	struct answer answer;

	key.key = (struct str){ NULL, 0 };
	create_with_key(desk, &order, &key);
	assert_false(recall(desk, &key, &answer));
	key.key = STR("key");
	assert_false(recall(desk, &key, &answer));
}

static void an_answer_is_kept_for_24_hours(void **state)
{
	struct desk *desk = *state;
	struct order first = some_order("first", NOW);
	struct order second = some_order("second", NOW);
	struct idempotency key = key_of('1', NOW);
	struct answer answer;

	create_with_key(desk, &first, &key);
	key.now_ms = NOW + DAY_MS - 1;
	assert_true(recall(desk, &key, &answer));
	key.now_ms = NOW + DAY_MS;
	assert_false(recall(desk, &key, &answer));
	create_with_key(desk, &second, &key);
	assert_true(recall(desk, &key, &answer));
}

static void a_key_in_use_lets_no_second_write_through(void **state)
{
	struct desk *desk = *state;
	struct order first = some_order("first", NOW);
	struct order second = some_order("second", NOW);
	struct idempotency key = key_of('1', NOW);

	begin(desk);
	mark(desk);
	create_with_key(desk, &first, &key);
	release(desk, true);
	mark(desk);
	assert_refused(desk, ERROR_IN_PROGRESS,
		       order_store_create(desk->orders, &second, &key,
					  desk->arena, &desk->err));
	release(desk, false);
	commit(desk);
	get_order(desk, first.id);
	assert_get_refused(desk, second.id, ERROR_NOT_FOUND);
}

static void a_refused_write_stores_no_answer(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("first", NOW);
	struct idempotency key = key_of('1', NOW);
	struct answer answer;

	create_order(desk, &order);
	assert_refused(desk, ERROR_CONFLICT,
		       order_store_create(desk->orders, &order, &key,
					  desk->arena, &desk->err));
	assert_false(recall(desk, &key, &answer));
}

/* Transactions: */

static struct order_query all_orders(void)
{
	return (struct order_query){
		.price_from_minor = INT64_MIN, .price_to_minor = INT64_MAX,
		.created_from_ms = INT64_MIN, .created_to_ms = INT64_MAX,
		.descending = true, .limit = 50,
	};
}

static struct order_page list_orders(struct desk *desk,
				     const struct order_query *query)
{
	struct order_page page;

	assert_ok(desk, order_store_list(desk->orders, query, desk->arena,
					 &page, &desk->err));
	return page;
}

static size_t found_by(struct desk *desk, const char *search)
{
	struct order_query query = all_orders();

	query.search = str_from(search);
	return list_orders(desk, &query).count;
}

static void a_failed_request_that_wrote_is_never_stored(void **state)
{
	struct desk *desk = *state;
	struct order kept = some_order("kept", NOW);
	struct order undone = some_order("undone", NOW);
	struct idempotency key = key_of('u', NOW);
	struct answer answer;

	if (!has_open_transactions())
		skip();
	begin(desk);
	mark(desk);
	create_order(desk, &kept);
	release(desk, true);
	mark(desk);
	create_with_key(desk, &undone, &key);
	release(desk, false);
	assert_refused(desk, ERROR_UNAVAILABLE,
		       database_commit(desk->database, &desk->err));
	assert_get_refused(desk, kept.id, ERROR_NOT_FOUND);
	assert_get_refused(desk, undone.id, ERROR_NOT_FOUND);
	assert_false(recall(desk, &key, &answer));
	assert_int_equal(found_by(desk, "undone"), 0);

	/* taken again, alone */
	begin(desk);
	mark(desk);
	create_order(desk, &kept);
	release(desk, true);
	commit(desk);
	get_order(desk, kept.id);
	assert_int_equal(found_by(desk, "kept"), 1);
}

static void a_failed_request_that_wrote_nothing_spoils_nothing(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red shoes", NOW);
	struct order later = some_order("later", NOW);
	struct order missing = some_order("missing", NOW);
	struct deletion deletion = deletion_of(&missing, NOW);

	begin(desk);
	mark(desk);
	create_order(desk, &order);
	release(desk, true);
	mark(desk);
	assert_refused(desk, ERROR_NOT_FOUND,
		       order_store_remove(desk->orders, 0, &deletion, NULL,
					  desk->arena, &desk->err));
	release(desk, false);
	mark(desk);
	create_order(desk, &later);
	release(desk, true);
	commit(desk);
	get_order(desk, order.id);
	get_order(desk, later.id);
	assert_int_equal(found_by(desk, "shoes"), 1);
}

static void rollback_stores_nothing(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red shoes", NOW);

	struct order other = some_order("blue hat", NOW);

	if (!has_open_transactions())
		skip();
	begin(desk);
	create_order(desk, &order);
	database_rollback(desk->database);
	assert_get_refused(desk, order.id, ERROR_NOT_FOUND);
	create_order(desk, &other);
	assert_int_equal(found_by(desk, "red"), 0);
	assert_int_equal(found_by(desk, "blue"), 1);
}

static void a_transaction_sees_what_it_wrote(void **state)
{
	struct desk *desk = *state;
	struct order before = some_order("red shoes", NOW);
	struct order order = before;
	struct deletion deletion = deletion_of(&order, NOW);

	begin(desk);
	create_order(desk, &before);
	order.version = 2;
	replace_order(desk, &order, &before);
	assert_int_equal(get_order(desk, order.id).version, 2);
	remove_order(desk, &deletion);
	assert_get_refused(desk, order.id, ERROR_GONE);
	commit(desk);
	assert_get_refused(desk, order.id, ERROR_GONE);
	assert_int_equal(found_by(desk, "red"), 0);
}

static void what_was_stored_is_there_for_the_next_process(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red shoes", NOW);

	create_order(desk, &order);
	desk_close(desk);
	desk_open(desk, false);
	assert_true(str_eq(get_order(desk, order.id).json,
			   json_of(desk, &order)));
}

/* Restoring: */

static void close_deletion(struct desk *desk, const char *event_id)
{
	bool changed;

	assert_ok(desk, deletion_log_set_archived(desk->deletions, event_id,
						  STR("archive/x.json"), "00",
						  NOW, &changed, &desk->err));
	assert_ok(desk, deletion_log_set_state(desk->deletions, event_id,
					       DELETION_DONE, &desk->err));
}

static bool restore(struct desk *desk, const char *event_id, struct str json)
{
	error_init(&desk->err);
	return order_store_restore(desk->orders, event_id, json, desk->arena,
				   &desk->err);
}

static void restore_gives_the_same_id_bytes_and_version(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red shoes", NOW);
	struct deletion deletion = deletion_of(&order, NOW);
	struct deletion recorded;
	struct stored_order stored;
	struct str json;

	order.version = 4;
	json = json_of(desk, &order);
	create_order(desk, &order);
	remove_order(desk, &deletion);
	close_deletion(desk, deletion.event_id);
	assert_true(restore(desk, deletion.event_id, json));
	stored = get_order(desk, order.id);
	assert_true(str_eq(stored.json, json));
	assert_int_equal(stored.version, 4);
	assert_int_equal(found_by(desk, "shoes"), 1);
	assert_ok(desk, deletion_log_get(desk->deletions, deletion.event_id,
					 desk->arena, &recorded, &desk->err));
	assert_int_equal(recorded.state, DELETION_RESTORED);
}

static void a_restored_order_can_be_deleted_again(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red shoes", NOW);
	struct deletion first = deletion_of(&order, NOW);
	struct deletion second = deletion_of(&order, NOW + 1);
	struct deletion newest;

	create_order(desk, &order);
	remove_order(desk, &first);
	close_deletion(desk, first.event_id);
	assert_true(restore(desk, first.event_id, json_of(desk, &order)));
	assert_false(restore(desk, first.event_id, json_of(desk, &order)));
	assert_int_equal(desk->err.code, ERROR_CONFLICT);
	remove_order(desk, &second);
	assert_ok(desk, deletion_log_find(desk->deletions, order.id,
					  desk->arena, &newest, &desk->err));
	assert_string_equal(newest.event_id, second.event_id);
	assert_int_equal(newest.state, DELETION_PENDING);
}

static void a_mailed_deletion_can_be_taken_back(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red shoes", NOW);
	struct deletion deletion = deletion_of(&order, NOW);
	bool changed;

	create_order(desk, &order);
	remove_order(desk, &deletion);
	assert_ok(desk, deletion_log_set_archived(desk->deletions,
						  deletion.event_id, STR("k"),
						  "00", NOW, &changed,
						  &desk->err));
	assert_false(restore(desk, deletion.event_id, json_of(desk, &order)));
	assert_int_equal(desk->err.code, ERROR_CONFLICT);
	assert_ok(desk, deletion_log_set_state(desk->deletions,
					       deletion.event_id,
					       DELETION_MAILED, &desk->err));
	assert_true(restore(desk, deletion.event_id, json_of(desk, &order)));
	get_order(desk, order.id);
}

static void restore_waits_until_the_deletion_is_mailed(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red shoes", NOW);
	struct deletion deletion = deletion_of(&order, NOW);

	create_order(desk, &order);
	remove_order(desk, &deletion);
	assert_false(restore(desk, deletion.event_id, json_of(desk, &order)));
	assert_int_equal(desk->err.code, ERROR_CONFLICT);
	assert_get_refused(desk, order.id, ERROR_GONE);
	assert_false(restore(desk, NOBODY, json_of(desk, &order)));
	assert_int_equal(desk->err.code, ERROR_NOT_FOUND);
}

static void restore_refuses_the_bytes_of_another_order(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "old", NOW);
	struct order other = some_order("other", NOW);

	close_deletion(desk, deletion.event_id);
	assert_false(restore(desk, deletion.event_id, json_of(desk, &other)));
	assert_int_equal(desk->err.code, ERROR_INTERNAL);
	assert_false(restore(desk, deletion.event_id, STR("{}")));
	assert_int_equal(desk->err.code, ERROR_INTERNAL);
	assert_get_refused(desk, other.id, ERROR_NOT_FOUND);
}

/* Lists. A model in memory says what each query must give: */

#define MODEL_ORDERS 300u

static uint32_t dice_state;

static uint32_t dice(uint32_t sides)
{
	dice_state = dice_state * 1664525u + 1013904223u;
	return (dice_state >> 8) % sides;
}

static const char *const emails[] = {
	"ada@example.org", "Bob@Example.org", "", "zoe@example.net",
};

static void make_model(struct desk *desk, struct order *orders, size_t count)
{
	begin(desk);
	for (size_t i = 0; i < count; i++) {
		struct order *order = &orders[i];

		/* few distinct values: many ties */
		*order = some_order(dice(2) ? "red shoes" : "blue hat",
				    NOW + dice(40));
		order->created_ms = NOW + dice(40);
		order->updated_ms = order->created_ms + dice(20);
		order->price_minor = 100 * (1 + dice(30));
		order->status = dice(STATUS_COUNT);
		order->customer_email = str_from(emails[dice(4)]);
		create_order(desk, order);
	}
	commit(desk);
}

static int64_t sort_value(const struct order *order, enum order_sort_key key)
{
	switch (key) {
	case SORT_CREATED:
		return order->created_ms;
	case SORT_UPDATED:
		return order->updated_ms;
	case SORT_PRICE:
		return order->price_minor;
	}
	abort();
}

static bool matches(const struct order *order, const struct order_query *query)
{
	return (!query->statuses || query->statuses & 1u << order->status) &&
	       (!query->customer_email.ptr ||
		str_eq_ignore_case(query->customer_email,
				   order->customer_email)) &&
	       order->price_minor >= query->price_from_minor &&
	       order->price_minor <= query->price_to_minor &&
	       order->created_ms >= query->created_from_ms &&
	       order->created_ms < query->created_to_ms &&
	       (!query->search.ptr || str_is(order->description, "red shoes"));
}

static const struct order_query *comparing;

static int compare(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	int64_t vx = sort_value(x, comparing->sort);
	int64_t vy = sort_value(y, comparing->sort);
	int order = vx < vy ? -1 : vx > vy;

	if (!order)
		order = strcmp(x->id, y->id);
	return comparing->descending ? -order : order;
}

static size_t select_orders(const struct order *orders, size_t count,
			    const struct order_query *query,
			    struct order *ret)
{
	size_t selected = 0;

	for (size_t i = 0; i < count; i++)
		if (matches(&orders[i], query))
			ret[selected++] = orders[i];
	comparing = query;
	qsort(ret, selected, sizeof(*ret), compare);
	return selected;
}

static void start_at(struct order_query *query, const struct stored_order *at,
		     bool backwards)
{
	query->has_position = true;
	query->backwards = backwards;
	query->position_value = at->sort_value;
	memcpy(query->position_id, at->id, sizeof(at->id));
}

static void assert_same(struct desk *desk, const struct order_page *page,
			const struct order *expected)
{
	for (size_t i = 0; i < page->count; i++) {
		assert_string_equal(page->orders[i].id, expected[i].id);
		assert_true(str_eq(page->orders[i].json,
				   json_of(desk, &expected[i])));
	}
}

/* All pages there, then all pages back: each is what the model says. */
static void walk(struct desk *desk, struct order_query query,
		 const struct order *expected, size_t count)
{
	struct order_page page = list_orders(desk, &query);
	size_t at = 0;

	for (;;) {
		assert_int_equal(page.count, count - at < query.limit ?
						     count - at : query.limit);
		assert_same(desk, &page, expected + at);
		at += page.count;
		assert_int_equal(page.has_more, at < count);
		if (!page.has_more)
			break;
		start_at(&query, &page.orders[page.count - 1], false);
		page = list_orders(desk, &query);
	}
	at = count - page.count;
	while (at > 0) {
		size_t step = at < query.limit ? at : query.limit;

		start_at(&query, &page.orders[0], true);
		page = list_orders(desk, &query);
		assert_int_equal(page.count, step);
		at -= step;
		assert_same(desk, &page, expected + at);
		assert_int_equal(page.has_more, at > 0);
	}
}

static struct order_query random_query(void)
{
	struct order_query query = all_orders();

	query.sort = dice(3);
	query.descending = dice(2);
	query.limit = 1 + dice(60);
	if (!dice(2))
		query.statuses = dice(1u << STATUS_COUNT);
	if (!dice(3))
		query.customer_email = dice(2) ? STR("ada@example.org")
					       : STR("bob@example.org");
	if (!dice(3))
		query.created_from_ms = NOW + dice(40);
	if (!dice(3))
		query.created_to_ms = NOW + dice(40);
	if (!dice(3))
		query.price_from_minor = 100 * (1 + dice(30));
	if (!dice(3))
		query.price_to_minor = 100 * (1 + dice(30));
	if (!dice(4))
		query.search = STR("shoes red");
	return query;
}

static void lists_give_what_a_model_in_memory_gives(void **state)
{
	struct desk *desk = *state;
	static struct order orders[MODEL_ORDERS], expected[MODEL_ORDERS];

	dice_state = 7;
	make_model(desk, orders, MODEL_ORDERS);
	for (int i = 0; i < 250; i++) {
		struct order_query query = random_query();
		size_t count = select_orders(orders, MODEL_ORDERS, &query,
					     expected);

		walk(desk, query, expected, count);
	}
}

static void a_page_may_start_at_an_order_that_is_gone(void **state)
{
	struct desk *desk = *state;
	struct order orders[5];
	struct order_query query = all_orders();
	struct deletion deletion;
	struct order_page page;

	for (int i = 0; i < 5; i++) {
		orders[i] = some_order("x", NOW + i);
		create_order(desk, &orders[i]);
	}
	query.limit = 2;
	page = list_orders(desk, &query);
	start_at(&query, &page.orders[1], false);
	deletion = deletion_of(&orders[3], NOW);
	remove_order(desk, &deletion);
	page = list_orders(desk, &query);
	assert_int_equal(page.count, 2);
	assert_string_equal(page.orders[0].id, orders[2].id);
	assert_string_equal(page.orders[1].id, orders[1].id);
	assert_true(page.has_more);
}

static void a_position_outside_the_filters_widens_nothing(void **state)
{
	struct desk *desk = *state;
	struct order_query query = all_orders();
	struct order orders[4];

	for (int i = 0; i < 4; i++) {
		orders[i] = some_order("x", NOW + i);
		create_order(desk, &orders[i]);
	}
	query.created_from_ms = NOW + 1;
	query.created_to_ms = NOW + 3;
	query.has_position = true;
	query.position_value = NOW + 100;
	memcpy(query.position_id, orders[0].id, sizeof(orders[0].id));
	assert_int_equal(list_orders(desk, &query).count, 2);
	query.descending = false;
	query.position_value = 0;
	assert_int_equal(list_orders(desk, &query).count, 2);
}

static void a_changed_order_is_listed_as_it_is_now(void **state)
{
	struct desk *desk = *state;
	struct order before = some_order("red shoes", NOW);
	struct order order = before;
	struct order_query query = all_orders();

	before.customer_email = STR("ada@example.org");
	create_order(desk, &before);
	order.customer_email = STR("Bob@Example.org");
	order.status = STATUS_CONFIRMED;
	order.version = 2;
	replace_order(desk, &order, &before);
	query.customer_email = STR("ada@example.org");
	assert_int_equal(list_orders(desk, &query).count, 0);
	query.customer_email = STR("bob@example.org");
	assert_int_equal(list_orders(desk, &query).count, 1);
	query.statuses = 1u << STATUS_PENDING;
	assert_int_equal(list_orders(desk, &query).count, 0);
}

static void no_orders_are_an_empty_page(void **state)
{
	struct desk *desk = *state;
	struct order_query query = all_orders();
	struct order_page page = list_orders(desk, &query);

	assert_int_equal(page.count, 0);
	assert_false(page.has_more);
}

/* Orders come and go between pages; those that stay are seen once each. */
static void paging_sees_what_stays_exactly_once(void **state)
{
	struct desk *desk = *state;
	enum { STAY = 60, COME_AND_GO = 120 };
	struct order stay[STAY], others[COME_AND_GO];
	struct order_query query = all_orders();
	int seen[STAY] = { 0 };
	struct order_page page;
	int come = 0, go = 0;

	for (int i = 0; i < STAY; i++) {
		stay[i] = some_order("stays", NOW + i * 10);
		create_order(desk, &stay[i]);
	}
	query.limit = 7;
	do {
		for (int i = 0; i < 10 && come < COME_AND_GO; i++, come++) {
			others[come] = some_order("passes",
						  NOW + dice(STAY * 10));
			create_order(desk, &others[come]);
		}
		while (go < come - 5) {
			struct deletion deletion = deletion_of(&others[go++],
							       NOW);

			remove_order(desk, &deletion);
		}
		page = list_orders(desk, &query);
		for (size_t i = 0; i < page.count; i++)
			for (int k = 0; k < STAY; k++)
				seen[k] += !strcmp(page.orders[i].id,
						   stay[k].id);
		if (page.count)
			start_at(&query, &page.orders[page.count - 1], false);
	} while (page.has_more);
	for (int i = 0; i < STAY; i++)
		assert_int_equal(seen[i], 1);
}

/* Search: */

static void an_order_is_found_as_soon_as_it_is_stored(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("Grüne Schuhe, Größe 42", NOW);

	order.customer_name = STR("Zoë Kowalska");
	order.customer_email = STR("zoe@example.org");
	order.notes = STR("赤いランニングシューズを二足");
	create_order(desk, &order);
	assert_int_equal(found_by(desk, "schuhe"), 1);
	assert_int_equal(found_by(desk, "SCHUHE grune"), 1);
	assert_int_equal(found_by(desk, "schu"), 1);
	assert_int_equal(found_by(desk, "zoe"), 1);
	assert_int_equal(found_by(desk, "ランニング"), 1);
	assert_int_equal(found_by(desk, "シューズを"), 1);
	assert_int_equal(found_by(desk, order_short_id(order.id)), 1);
	assert_int_equal(found_by(desk, "schuhe rot"), 0);
	assert_int_equal(found_by(desk, "chuhe"), 0);
	assert_int_equal(found_by(desk, "ズシュー"), 0);
}

static void a_changed_text_is_found_by_its_new_words_alone(void **state)
{
	struct desk *desk = *state;
	struct order before = some_order("red shoes", NOW);
	struct order order = before;
	struct order other = some_order("red hat", NOW);

	create_order(desk, &before);
	create_order(desk, &other);
	order.description = STR("blue shoes");
	order.version = 2;
	replace_order(desk, &order, &before);
	assert_int_equal(found_by(desk, "red"), 1);
	assert_int_equal(found_by(desk, "blue"), 1);
	assert_int_equal(found_by(desk, "shoes"), 1);
}

static void several_changes_in_one_transaction_end_in_the_last(void **state)
{
	struct desk *desk = *state;
	struct order first = some_order("red", NOW);
	struct order second = first, third = first;

	second.description = STR("green");
	second.version = 2;
	third.description = STR("blue");
	third.version = 3;
	begin(desk);
	create_order(desk, &first);
	replace_order(desk, &second, &first);
	replace_order(desk, &third, &second);
	commit(desk);
	assert_int_equal(found_by(desk, "red"), 0);
	assert_int_equal(found_by(desk, "green"), 0);
	assert_int_equal(found_by(desk, "blue"), 1);
}

static void a_removed_order_is_not_found(void **state)
{
	struct desk *desk = *state;

	deleted_order(desk, "red shoes", NOW);
	assert_int_equal(found_by(desk, "shoes"), 0);
	/* nor by an order that takes its place */
	create_order(desk, &(struct order[]){ some_order("hat", NOW) }[0]);
	assert_int_equal(found_by(desk, "shoes"), 0);
	assert_int_equal(found_by(desk, "hat"), 1);
}

static void a_search_is_words_and_no_operators(void **state)
{
	static const char *const questions[] = {
		"red AND", "red OR nothing", "NOT", "\"red", "red*", "*",
		"text:red", "NEAR(red shoes)", "(red", "red)", "-red", "^red",
		"{text}: red", "red\" OR \"x", "';--", "%", "\\",
	};
	struct desk *desk = *state;
	struct order order = some_order("red shoes", NOW);

	create_order(desk, &order);
	for (size_t i = 0; i < ARRAY_LEN(questions); i++)
		assert_true(found_by(desk, questions[i]) <= 1);
	assert_int_equal(found_by(desk, "red OR nothing"), 0);
	assert_int_equal(found_by(desk, "!!! ..."), 0);
	assert_int_equal(found_by(desk, "red*"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		desk_test(create_then_get_gives_the_same_bytes),
		desk_test(create_refuses_an_id_that_exists),
		desk_test(a_refused_create_does_not_spoil_its_transaction),
		desk_test(get_of_an_unknown_id_is_not_found),
		desk_test(get_of_a_deleted_order_is_gone_with_its_archive_entry),
		desk_test(replace_stores_the_next_version),
		desk_test(replace_of_a_stale_version_is_refused_with_the_etag),
		desk_test(replace_of_what_is_not_live_is_gone_or_not_found),
		desk_test(remove_records_the_stored_bytes_not_the_callers),
		desk_test(remove_of_a_stale_version_leaves_the_order),
		desk_test(remove_twice_is_gone_and_makes_one_record),
		desk_test(remove_of_an_unknown_id_is_not_found),
		desk_test(an_answer_is_recalled_byte_for_byte),
		desk_test(every_write_stores_its_answer),
		desk_test(another_body_under_the_key_is_refused),
		desk_test(without_a_key_nothing_is_recalled),
		desk_test(an_answer_is_kept_for_24_hours),
		desk_test(a_key_in_use_lets_no_second_write_through),
		desk_test(a_refused_write_stores_no_answer),
		desk_test(a_failed_request_that_wrote_is_never_stored),
		desk_test(a_failed_request_that_wrote_nothing_spoils_nothing),
		desk_test(rollback_stores_nothing),
		desk_test(a_transaction_sees_what_it_wrote),
		desk_test(what_was_stored_is_there_for_the_next_process),
		desk_test(restore_gives_the_same_id_bytes_and_version),
		desk_test(a_restored_order_can_be_deleted_again),
		desk_test(a_mailed_deletion_can_be_taken_back),
		desk_test(restore_waits_until_the_deletion_is_mailed),
		desk_test(restore_refuses_the_bytes_of_another_order),
		desk_test(lists_give_what_a_model_in_memory_gives),
		desk_test(a_page_may_start_at_an_order_that_is_gone),
		desk_test(a_position_outside_the_filters_widens_nothing),
		desk_test(a_changed_order_is_listed_as_it_is_now),
		desk_test(no_orders_are_an_empty_page),
		desk_test(paging_sees_what_stays_exactly_once),
		desk_test(an_order_is_found_as_soon_as_it_is_stored),
		desk_test(a_changed_text_is_found_by_its_new_words_alone),
		desk_test(several_changes_in_one_transaction_end_in_the_last),
		desk_test(a_removed_order_is_not_found),
		desk_test(a_search_is_words_and_no_operators),
	};

	return run_on_every_engine(tests, ARRAY_LEN(tests));
}
