/*
 * engine.h: what the contract tests of the three stores share: the engines they
 * run against, each test on a fresh one, and orders to put in.
 */
#ifndef CONTRACT_ENGINE_H
#define CONTRACT_ENGINE_H

#include "test_setup.h"

#include <stdlib.h>
#include <unistd.h>

#include "ports/database.h"
#include "ports/deletion_log.h"
#include "ports/order_store.h"
#include "ports/subscriber_list.h"

/* Values of `database.adapter`. DynamoDB is tried where ORDERMILL_TEST_DYNAMODB
 * names an endpoint, each test in a table of its own. */
static const char *const engines[] = { "sqlite", "dynamodb" };

#define NOW 1764000000000

struct desk {
	char folder[TEST_FOLDER_BYTES];
	struct config *config;
	struct arena *arena;
	struct database *database;
	struct order_store *orders;
	struct deletion_log *deletions;
	struct subscriber_list *subscribers;
	struct error err;
};

static const char *current_engine;

static inline const char *dynamodb_endpoint(void)
{
	const char *url = getenv("ORDERMILL_TEST_DYNAMODB");

	return url && *url ? url : NULL;
}

static inline bool is_engine(const char *name)
{
	return !strcmp(current_engine ? current_engine : engines[0], name);
}

/* DynamoDB has none: what was written stays written. */
static inline bool has_open_transactions(void)
{
	return is_engine("sqlite");
}

/* Shows the error of a call that must succeed. */
#define assert_ok(desk, call) \
	do { \
		error_init(&(desk)->err); \
		if (!(call)) \
			fail_msg("%s: %s %s", #call, (desk)->err.detail, \
				 (desk)->err.cause); \
	} while (0)
#define assert_refused(desk, wanted, call) \
	do { \
		error_init(&(desk)->err); \
		assert_false(call); \
		assert_int_equal((desk)->err.code, wanted); \
	} while (0)

static inline void desk_open(struct desk *desk, bool migrate)
{
	assert_ok(desk, database_open(&desk->database, desk->config, migrate,
				      &desk->err));
	assert_ok(desk, order_store_open(&desk->orders, desk->database,
					 desk->config, &desk->err));
	assert_ok(desk, deletion_log_open(&desk->deletions, desk->database,
					  desk->config, &desk->err));
	assert_ok(desk, subscriber_list_open(&desk->subscribers,
					     desk->database, desk->config,
					     &desk->err));
}

static inline void desk_close(struct desk *desk)
{
	order_store_close(desk->orders);
	deletion_log_close(desk->deletions);
	subscriber_list_close(desk->subscribers);
	database_close(desk->database);
}

static inline int desk_setup(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	static unsigned tables;
	const char *more = "";

	desk->arena = arena_new("test", 256 * MIB);
	test_folder_make(desk->folder, "desk");
	if (is_engine("dynamodb")) {
		setenv("AWS_ACCESS_KEY_ID", "test", 0);
		setenv("AWS_SECRET_ACCESS_KEY", "test", 0);
		more = arena_printf(desk->arena, "database.table = test.%d.%u\n"
				    "aws.endpoint.dynamodb = %s\n"
				    "aws.region = eu-test-1\n", getpid(),
				    tables++, dynamodb_endpoint());
	}
	desk->config = test_config("state.directory = %s\n"
				   "database.adapter = %s\n%s", desk->folder,
				   current_engine ? current_engine : engines[0],
				   more);
	desk_open(desk, true);
	*state = desk;
	return 0;
}

static inline int desk_teardown(void **state)
{
	struct desk *desk = *state;

	desk_close(desk);
	arena_free(desk->arena);
	config_free(desk->config);
	test_folder_remove(desk->folder);
	free(desk);
	return 0;
}

#define desk_test(test) \
	cmocka_unit_test_setup_teardown(test, desk_setup, desk_teardown)

/* Runs the tests against every engine; the number of failed ones. */
static inline int run_on_every_engine(const struct CMUnitTest *tests,
				      size_t count)
{
	int failed = 0;

	for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
		current_engine = engines[i];
		if (is_engine("dynamodb") && !dynamodb_endpoint()) {
			printf("[ SKIPPED  ] dynamodb: "
			       "ORDERMILL_TEST_DYNAMODB is not set\n");
			continue;
		}
		failed += _cmocka_run_group_tests(engines[i], tests, count,
						  NULL, NULL);
	}
	return failed;
}

/* A plain order: description, 5.00 EUR, placed at `now_ms`. */
static inline struct order some_order(const char *description, int64_t now_ms)
{
	struct order order = {
		.description = str_from(description),
		.customer_name = STR(""), .customer_email = STR(""),
		.currency = "EUR", .price_minor = 500, .notes = STR(""),
		.image = { .confidence_permille = -1 },
	};

	order_place(&order, now_ms);
	return order;
}

static inline struct str json_of(struct desk *desk, const struct order *order)
{
	struct buf json;

	buf_init(&json, desk->arena, MIB);
	order_to_json(order, &json);
	return buf_str(&json);
}

static inline void create_order(struct desk *desk, const struct order *order)
{
	assert_ok(desk, order_store_create(desk->orders, order, NULL,
					   desk->arena, &desk->err));
}

static inline struct deletion deletion_of(const struct order *order,
					  int64_t now_ms)
{
	struct deletion deletion = {
		.order_version = order->version, .deleted_ms = now_ms,
		.traceparent = STR(""), .description = order->description,
		.customer_name = order->customer_name,
		.price_minor = order->price_minor,
		.next_attempt_ms = now_ms,
	};

	uuid7(now_ms, deletion.event_id);
	memcpy(deletion.order_id, order->id, sizeof(deletion.order_id));
	memcpy(deletion.currency, order->currency, sizeof(deletion.currency));
	return deletion;
}

/* An order that was created and removed again: its deletion. */
static inline struct deletion deleted_order(struct desk *desk,
					    const char *description,
					    int64_t now_ms)
{
	struct order order = some_order(description, now_ms);
	struct deletion deletion = deletion_of(&order, now_ms);

	create_order(desk, &order);
	assert_ok(desk, order_store_remove(desk->orders, 1, &deletion, NULL,
					   desk->arena, &desk->err));
	return deletion;
}

#endif
