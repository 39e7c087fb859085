/*
 * dynamodb_faults_test.c: what is lost or doubled when a call to DynamoDB fails
 * at every place it can? Nothing. Needs ORDERMILL_TEST_DYNAMODB.
 */
#include "engine.h"

#include "adapters/dynamodb.h"
#include "base/limits.h"
#include "contract/dynamodb_proxy.h"

#include "base/banned.h"

#define DIGEST \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define READERS 250

static struct proxy proxy;

static int start_proxy(void **state)
{
	(void)state;
	if (!proxy_start(&proxy, getenv("ORDERMILL_TEST_DYNAMODB")))
		return -1;
	setenv("ORDERMILL_TEST_DYNAMODB", proxy.url, 1);
	return 0;
}

static int stop_proxy(void **state)
{
	(void)state;
	proxy_stop(&proxy);
	return 0;
}

/* A new process in the place of one that died. */
static void restart(struct desk *desk)
{
	proxy_calm(&proxy);
	desk_close(desk);
	desk_open(desk, false);
}

static const enum proxy_fault faults[] = {
	PROXY_NO_REPLY, PROXY_NO_REQUEST, PROXY_THROTTLED, PROXY_BROKEN,
	PROXY_CONFLICT, PROXY_HALF_REPLY,
};

static struct idempotency key_of(char name, const struct answer *answer)
{
	struct idempotency key = { .key = STR("key"), .now_ms = NOW,
				   .answer = answer };

	memset(key.scope, name, SHA256_BYTES);
	memset(key.body_digest, 'b', SHA256_BYTES);
	return key;
}

static const struct answer an_answer = {
	.status = 201, .content_type = { "application/json", 16 },
	.headers = { "ETag: \"1\"\r\n", 11 }, .body = { "{\"id\":1}", 8 },
};

static bool recalls(struct desk *desk, const struct idempotency *key)
{
	struct answer answer;
	bool found;

	assert_ok(desk, order_store_recall(desk->orders, key, desk->arena,
					   &answer, &found, &desk->err));
	return found;
}

static bool is_live(struct desk *desk, const char *id)
{
	struct stored_order stored;
	struct error err;

	error_init(&err);
	if (order_store_get(desk->orders, id, desk->arena, &stored, &err))
		return true;
	assert_true(err.code == ERROR_NOT_FOUND || err.code == ERROR_GONE);
	return false;
}

static size_t records_of(struct desk *desk, const char *order_id,
			 struct deletion *ret)
{
	struct deletion_page page;
	size_t count = 0;

	assert_ok(desk, deletion_log_list(desk->deletions, DELETIONS_ALL, NULL,
					  1000, NOW, 0, desk->arena, &page,
					  &desk->err));
	for (size_t i = 0; i < page.count; i++)
		if (!strcmp(page.deletions[i].order_id, order_id)) {
			*ret = page.deletions[i];
			count++;
		}
	return count;
}

/* Whatever was said, order and answer are both there or neither is. */
static void try_create(struct desk *desk, enum proxy_fault fault, int first,
		       int last, char name)
{
	struct order order = some_order("red shoes", NOW);
	struct idempotency key = key_of(name, &an_answer);
	struct error err;
	bool said, live;

	error_init(&err);
	proxy_disturb(&proxy, fault, first, last);
	said = order_store_create(desk->orders, &order, &key, desk->arena,
				  &err);
	restart(desk);
	live = is_live(desk, order.id);
	assert_int_equal(live, recalls(desk, &key));
	if (said)
		assert_true(live);
	else
		assert_int_equal(err.code, ERROR_UNAVAILABLE);
	if (last - first < 2)	/* the client's three attempts are enough */
		assert_true(said);
}

static void a_create_with_a_key_happens_whole_or_not_at_all(void **state)
{
	struct desk *desk = *state;
	char name = 1;

	for (size_t f = 0; f < ARRAY_LEN(faults); f++)
		for (int n = 1;; n++) {
			try_create(desk, faults[f], n, n, name++);
			if (!proxy.shared->hits)
				break;
			try_create(desk, faults[f], n, INT_MAX, name++);
		}
}

static void try_remove(struct desk *desk, enum proxy_fault fault, int first,
		       int last, char name)
{
	struct order order = some_order("red shoes", NOW);
	struct deletion deletion = deletion_of(&order, NOW), recorded;
	struct idempotency key = key_of(name, &an_answer);
	struct str bytes = json_of(desk, &order);
	struct error err;
	bool said, live;

	create_order(desk, &order);
	error_init(&err);
	proxy_disturb(&proxy, fault, first, last);
	said = order_store_remove(desk->orders, 1, &deletion, &key, desk->arena,
				  &err);
	restart(desk);
	live = is_live(desk, order.id);
	/* I2, I3, I6: live or recorded, never both; the answer with it */
	assert_int_equal(records_of(desk, order.id, &recorded), !live);
	assert_int_equal(recalls(desk, &key), !live);
	if (!live)
		assert_true(str_eq(recorded.order_json, bytes));
	if (said)
		assert_false(live);
	else
		assert_int_equal(err.code, ERROR_UNAVAILABLE);
	if (last == first)
		assert_true(said);
}

static void a_delete_happens_whole_or_not_at_all(void **state)
{
	struct desk *desk = *state;
	char name = 1;

	for (size_t f = 0; f < ARRAY_LEN(faults); f++)
		for (int n = 1;; n++) {
			try_remove(desk, faults[f], n, n, name++);
			if (!proxy.shared->hits)
				break;
			try_remove(desk, faults[f], n, INT_MAX, name++);
		}
}

static void try_replace(struct desk *desk, enum proxy_fault fault, int first,
			int last)
{
	struct order before = some_order("red shoes", NOW);
	struct order order = before;
	struct stored_order stored;
	struct error err;
	bool said;

	create_order(desk, &before);
	order.version = 2;
	order.description = STR("blue shoes");
	error_init(&err);
	proxy_disturb(&proxy, fault, first, last);
	said = order_store_replace(desk->orders, &order, &before, NULL,
				   desk->arena, &err);
	restart(desk);
	assert_ok(desk, order_store_get(desk->orders, order.id, desk->arena,
					&stored, &desk->err));
	assert_true(str_eq(stored.json,
			   json_of(desk, stored.version == 2 ? &order
							     : &before)));
	if (said)
		assert_int_equal(stored.version, 2);
	else
		assert_int_equal(err.code, ERROR_UNAVAILABLE);
	if (last == first)
		assert_true(said);
}

static void a_change_whose_answer_is_lost_is_no_conflict(void **state)
{
	struct desk *desk = *state;

	for (size_t f = 0; f < ARRAY_LEN(faults); f++)
		for (int n = 1;; n++) {
			try_replace(desk, faults[f], n, n);
			if (!proxy.shared->hits)
				break;
			try_replace(desk, faults[f], n, INT_MAX);
		}
}

/* Of two writes with one key one happens; the other is told so. */
static void a_key_that_another_one_used_meanwhile_writes_nothing(void **state)
{
	struct desk *desk = *state;
	struct order first = some_order("first", NOW);
	struct order second = some_order("second", NOW);
	struct deletion deletion = deletion_of(&first, NOW), recorded;
	struct idempotency key = key_of('k', &an_answer);

	assert_ok(desk, order_store_create(desk->orders, &first, &key,
					   desk->arena, &desk->err));
	assert_refused(desk, ERROR_IN_PROGRESS,
		       order_store_create(desk->orders, &second, &key,
					  desk->arena, &desk->err));
	assert_false(is_live(desk, second.id));
	assert_refused(desk, ERROR_IN_PROGRESS,
		       order_store_remove(desk->orders, 1, &deletion, &key,
					  desk->arena, &desk->err));
	assert_true(is_live(desk, first.id));
	assert_int_equal(records_of(desk, first.id, &recorded), 0);
}

static void an_order_beyond_the_limit_of_an_item_is_refused(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("x", NOW), before;
	char *notes = arena_alloc(desk->arena, 400 * KIB);

	memset(notes, 'n', 400 * KIB);
	before = order;
	create_order(desk, &before);
	order.version = 2;
	order.notes = (struct str){ notes, 190 * KIB };
	assert_ok(desk, order_store_replace(desk->orders, &order, &before, NULL,
					    desk->arena, &desk->err));
	before = order;
	order.version = 3;
	order.notes.len = 210 * KIB;	/* once as JSON, once to search in */
	assert_refused(desk, ERROR_TOO_LARGE,
		       order_store_replace(desk->orders, &order, &before, NULL,
					   desk->arena, &desk->err));
	order = some_order("x", NOW);
	order.notes = (struct str){ notes, 400 * KIB };
	assert_refused(desk, ERROR_TOO_LARGE,
		       order_store_create(desk->orders, &order, NULL,
					  desk->arena, &desk->err));
}

/* Mails to many readers: */

static void subscribe_readers(struct desk *desk, int count)
{
	struct queued_mail *mails;
	char email[64];
	size_t n;

	for (int i = 0; i < count; i++) {
		snprintf(email, sizeof(email), "reader%d@example.org", i);
		assert_ok(desk, subscriber_list_subscribe(
					desk->subscribers, str_from(email), NOW,
					&desk->err));
	}
	assert_ok(desk, subscriber_list_due_mails(desk->subscribers, NOW, 1000,
						  desk->arena, &mails, &n,
						  &desk->err));
	assert_int_equal(n, count);
	for (size_t i = 0; i < n; i++) {
		assert_ok(desk, subscriber_list_confirm(
					desk->subscribers,
					mails[i].subscriber_id, NOW,
					&desk->err));
		assert_ok(desk, subscriber_list_mail_sent(desk->subscribers,
							  mails[i].id, NOW,
							  &desk->err));
	}
}

static bool archive(struct desk *desk, const char *event_id)
{
	struct error err;
	bool changed;

	error_init(&err);
	return deletion_log_set_archived(desk->deletions, event_id, STR("key"),
					 DIGEST, NOW, &changed, &err);
}

static bool is_to_close(struct desk *desk, const char *event_id)
{
	struct deletion_page page;

	assert_ok(desk, deletion_log_list(desk->deletions, DELETIONS_TO_CLOSE,
					  NULL, 100, NOW, 0, desk->arena, &page,
					  &desk->err));
	for (size_t i = 0; i < page.count; i++)
		if (!strcmp(page.deletions[i].event_id, event_id))
			return true;
	return false;
}

static int by_subscriber(const void *a, const void *b)
{
	const struct queued_mail *x = a, *y = b;

	return strcmp(x->subscriber_id, y->subscriber_id);
}

/* One mail each, and one is sent before the rest is queued. */
static void assert_all_mailed_once(struct desk *desk, const char *event_id,
				   size_t already)
{
	struct queued_mail *mails;
	struct deletion deletion;
	size_t n;

	assert_ok(desk, subscriber_list_due_mails(desk->subscribers, NOW, 1000,
						  desk->arena, &mails, &n,
						  &desk->err));
	assert_int_equal(n + already, READERS);
	qsort(mails, n, sizeof(*mails), by_subscriber);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(mails[i].event_id, event_id);
		if (i)
			assert_string_not_equal(mails[i].subscriber_id,
						mails[i - 1].subscriber_id);
	}
	assert_ok(desk, deletion_log_get(desk->deletions, event_id, desk->arena,
					 &deletion, &desk->err));
	assert_int_equal(deletion.state, DELETION_ARCHIVED);
	assert_int_equal(deletion.mails_total, READERS);
	assert_int_equal(deletion.mails_sent, already);
}

static size_t send_one(struct desk *desk)
{
	struct queued_mail *mails;
	size_t n;

	assert_ok(desk, subscriber_list_due_mails(desk->subscribers, NOW, 1,
						  desk->arena, &mails, &n,
						  &desk->err));
	if (n)
		assert_ok(desk, subscriber_list_mail_sent(desk->subscribers,
							  mails[0].id, NOW,
							  &desk->err));
	return n;
}

static void drop_event_mails(struct desk *desk)
{
	struct queued_mail *mails;
	size_t n;

	assert_ok(desk, subscriber_list_due_mails(desk->subscribers, NOW, 1000,
						  desk->arena, &mails, &n,
						  &desk->err));
	for (size_t i = 0; i < n; i++)
		assert_ok(desk, subscriber_list_mail_sent(desk->subscribers,
							  mails[i].id, NOW,
							  &desk->err));
}

/* Killed before and behind each call of the fan-out; the next one ends it. */
static void mails_to_many_are_queued_once_whoever_dies(void **state)
{
	static const enum proxy_fault deaths[] = { PROXY_NO_REQUEST,
						   PROXY_NO_REPLY };
	struct desk *desk = *state;
	int calls = 0;

	subscribe_readers(desk, READERS);
	for (size_t d = 0; d < ARRAY_LEN(deaths); d++)
		for (int n = 1;; n++) {
			struct deletion deletion = deleted_order(desk, "x",
								 NOW);
			size_t sent;

			proxy_disturb(&proxy, deaths[d], n, INT_MAX);
			if (archive(desk, deletion.event_id)) {
				assert_int_equal(proxy.shared->hits, 0);
				calls = proxy.shared->calls;
				proxy_calm(&proxy);
				assert_all_mailed_once(desk, deletion.event_id,
						       0);
				drop_event_mails(desk);
				break;
			}
			restart(desk);
			assert_false(is_to_close(desk, deletion.event_id));
			sent = send_one(desk);
			assert_false(is_to_close(desk, deletion.event_id));
			assert_true(archive(desk, deletion.event_id));
			assert_all_mailed_once(desk, deletion.event_id, sent);
			drop_event_mails(desk);
			assert_true(is_to_close(desk, deletion.event_id));
		}
	assert_true(calls >= 6);	/* three reads, three transactions */
}

static void one_lost_answer_of_the_fan_out_is_made_good(void **state)
{
	struct desk *desk = *state;

	subscribe_readers(desk, READERS);
	for (size_t f = 0; f < ARRAY_LEN(faults); f++)
		for (int n = 1; n < 12; n++) {
			struct deletion deletion = deleted_order(desk, "x",
								 NOW);

			proxy_disturb(&proxy, faults[f], n, n);
			assert_true(archive(desk, deletion.event_id));
			proxy_calm(&proxy);
			assert_all_mailed_once(desk, deletion.event_id, 0);
			if (!proxy.shared->hits)
				n = 12;
			drop_event_mails(desk);
		}
}

/* A sent mail whose note is lost is noted once. */
static void a_mail_is_counted_once_whichever_answer_is_lost(void **state)
{
	struct desk *desk = *state;
	struct queued_mail *mails;
	struct deletion deletion;
	size_t count;

	subscribe_readers(desk, 1);
	for (size_t f = 0; f < ARRAY_LEN(faults); f++)
		for (int n = 1; n < 6; n++) {
			deletion = deleted_order(desk, "x", NOW);
			assert_true(archive(desk, deletion.event_id));
			assert_ok(desk, subscriber_list_due_mails(
						desk->subscribers, NOW, 10,
						desk->arena, &mails, &count,
						&desk->err));
			assert_int_equal(count, 1);
			proxy_disturb(&proxy, faults[f], n, n);
			assert_ok(desk, subscriber_list_mail_sent(
						desk->subscribers, mails[0].id,
						NOW, &desk->err));
			proxy_calm(&proxy);
			assert_ok(desk, deletion_log_get(
						desk->deletions,
						deletion.event_id, desk->arena,
						&deletion, &desk->err));
			assert_int_equal(deletion.mails_sent, 1);
			assert_int_equal(deletion.mails_total, 1);
			assert_true(is_to_close(desk, deletion.event_id));
		}
}

/* As an index shows an order that has just changed, to who asked before and
 * after: under the key that it had as well. */
static void show_twice(struct desk *desk, const struct order *order,
		       const char *name, const char *value)
{
	struct dynamodb *db = dynamodb_of(desk->database);
	struct dynamodb_write write;
	struct buf item;

	dynamodb_fresh(db);
	item = dynamodb_key(db, "shadow", str_from(name), "shadow");
	dynamodb_add_str(&item, name, str_from(value));
	dynamodb_add_str(&item, name[0] == 's' ? "ck" : "kd",
			 name[0] == 's' ?
				 str_from(arena_printf(desk->arena,
						       "%015lld#%s",
						       (long long)NOW,
						       order->id)) :
				 STR("order"));
	dynamodb_write_init(&write, db);
	dynamodb_write_add(&write, "Put", &item, NULL, NULL, NULL);
	assert_int_equal(dynamodb_commit(&write, &desk->err),
			 DYNAMODB_WRITTEN);
}

static void assert_listed_once(struct desk *desk,
			       const struct order_query *query,
			       const struct order *order)
{
	struct order_page page;

	assert_ok(desk, order_store_list(desk->orders, query, desk->arena,
					 &page, &desk->err));
	assert_int_equal(page.count, 1);
	assert_string_equal(page.orders[0].id, order->id);
}

static void an_order_that_changes_while_it_is_listed_is_listed_once(
	void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("x", NOW);
	struct order_query query = {
		.price_from_minor = INT64_MIN, .price_to_minor = INT64_MAX,
		.created_from_ms = INT64_MIN, .created_to_ms = INT64_MAX,
		.limit = 50,
		.statuses = 1u << STATUS_PENDING | 1u << STATUS_CONFIRMED,
	};

	create_order(desk, &order);
	show_twice(desk, &order, "st", "confirmed");
	assert_listed_once(desk, &query, &order);
	show_twice(desk, &order, "uk",
		   arena_printf(desk->arena, "%015lld#%s", (long long)NOW - 5,
				order.id));
	query.statuses = 0;
	query.sort = SORT_UPDATED;
	assert_listed_once(desk, &query, &order);
	query.descending = true;
	assert_listed_once(desk, &query, &order);
}

static struct json ask_table(struct desk *desk, const char *action,
			     const char *rest)
{
	struct dynamodb *db = dynamodb_of(desk->database);
	struct json answer;
	struct str code;

	dynamodb_fresh(db);
	assert_ok(desk, dynamodb_call(db, action,
				      str_from(arena_printf(
					      db->scratch,
					      "{\"TableName\":\"%s\"%s}",
					      db->table, rest)),
				      db->scratch, &answer, &code,
				      &desk->err));
	return answer;
}

/* As an init leaves it that died between the two calls. */
static void init_sets_the_time_to_live_of_a_table_that_has_none(void **state)
{
	struct desk *desk = *state;
	struct json described;

	ask_table(desk, "UpdateTimeToLive", ",\"TimeToLiveSpecification\":"
		  "{\"AttributeName\":\"ex\",\"Enabled\":false}");
	assert_non_null(strstr(database_lacks(desk->database),
			       "time to live is off"));
	desk_close(desk);
	desk_open(desk, true);
	assert_int_equal(desk->database->time_to_live, SETUP_MADE);
	assert_null(database_lacks(desk->database));
	described = json_member(ask_table(desk, "DescribeTimeToLive", ""),
				"TimeToLiveDescription");
	assert_true(str_is(json_string(json_member(described,
						   "TimeToLiveStatus")),
			   "ENABLED"));
	desk_close(desk);
	desk_open(desk, true);
	assert_int_equal(desk->database->time_to_live, SETUP_KEPT);
}

static size_t due_at(struct desk *desk, int64_t now_ms)
{
	struct queued_mail *mails;
	size_t count;

	assert_ok(desk, subscriber_list_due_mails(desk->subscribers, now_ms, 9,
						  desk->arena, &mails, &count,
						  &desk->err));
	return count;
}

/* Of several machines one sends: else each would send every mail. */
static void mails_are_due_to_one_machine_at_a_time(void **state)
{
	struct desk *desk = *state;
	struct desk other = { .arena = desk->arena };
	const int64_t turn_ms = LIMIT_TURN_MS;

	other.config = test_config("state.directory = %s/other\n"
				   "database.adapter = dynamodb\n"
				   "database.table = %s\n"
				   "aws.endpoint.dynamodb = %s\n"
				   "aws.region = eu-test-1\n", desk->folder,
				   dynamodb_of(desk->database)->table,
				   dynamodb_endpoint());
	desk_open(&other, false);
	assert_ok(desk, subscriber_list_subscribe(desk->subscribers,
						  STR("a@example.org"), NOW,
						  &desk->err));
	assert_int_equal(due_at(desk, NOW), 1);
	assert_int_equal(due_at(&other, NOW), 0);
	assert_int_equal(due_at(&other, NOW + turn_ms), 0);
	restart(desk);
	assert_int_equal(due_at(desk, NOW + turn_ms), 1);
	assert_int_equal(due_at(&other, NOW + 2 * turn_ms), 0);
	assert_int_equal(due_at(&other, NOW + 3 * turn_ms), 1);
	assert_int_equal(due_at(desk, NOW + 3 * turn_ms), 0);
	desk_close(&other);
	config_free(other.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		desk_test(a_create_with_a_key_happens_whole_or_not_at_all),
		desk_test(a_delete_happens_whole_or_not_at_all),
		desk_test(a_change_whose_answer_is_lost_is_no_conflict),
		desk_test(a_key_that_another_one_used_meanwhile_writes_nothing),
		desk_test(an_order_beyond_the_limit_of_an_item_is_refused),
		desk_test(mails_to_many_are_queued_once_whoever_dies),
		desk_test(one_lost_answer_of_the_fan_out_is_made_good),
		desk_test(a_mail_is_counted_once_whichever_answer_is_lost),
		desk_test(mails_are_due_to_one_machine_at_a_time),
		desk_test(
		  init_sets_the_time_to_live_of_a_table_that_has_none),
		desk_test(
		  an_order_that_changes_while_it_is_listed_is_listed_once),
	};

	current_engine = "dynamodb";
	if (!dynamodb_endpoint()) {
		puts("[ SKIPPED  ] ORDERMILL_TEST_DYNAMODB is not set");
		return 77;
	}
	return cmocka_run_group_tests(tests, start_proxy, stop_proxy);
}
