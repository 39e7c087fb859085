/*
 * dynamodb_table_test.c: does init say of a table's time to live what it did,
 * on engines that have none, too?
 */
#include "http_listener.h"

#include "ports/database.h"

#include "base/banned.h"

#define INDEX(name, hash, range) \
	"{\"IndexName\":\"" name "\",\"IndexStatus\":\"ACTIVE\"," \
	"\"KeySchema\":[{\"AttributeName\":\"" hash "\"},{\"AttributeName\":\"" range "\"}]," \
	"\"Projection\":{\"ProjectionType\":\"ALL\"}}"
#define TABLE \
	"{\"Table\":{\"TableStatus\":\"ACTIVE\",\"KeySchema\":[" \
	"{\"AttributeName\":\"pk\"},{\"AttributeName\":\"sk\"}]," \
	"\"GlobalSecondaryIndexes\":[" INDEX("by_created", "mo", "ck") "," \
	INDEX("by_status", "st", "ck") "," INDEX("by_owner", "ow", "ck") "," \
	INDEX("by_kind", "kd", "ck") "," INDEX("by_updated", "kd", "uk") "," \
	INDEX("by_price", "kd", "rk") "," INDEX("by_work", "wk", "wo") "]}}"
#define LIVING(status, attribute) \
	"{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":\"" status "\"," \
	"\"AttributeName\":\"" attribute "\"}}"
#define UNKNOWN "{\"__type\":\"com.amazon.coral.service#" \
		"UnknownOperationException\",\"message\":\"no\"}"

static struct http_listener listener;
static struct config *config;
static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	listener_start(&listener);
	arena = arena_new("dynamodb_table_test", MIB);
	config = listener_config(&listener, "dynamodb",
				 "database.adapter = dynamodb\n", "");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	config_free(config);
	listener_stop(&listener);
	arena_free(arena);
	return 0;
}

static const char *http(const char *status, const char *body)
{
	return arena_printf(arena, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n"
			    "%s", status, strlen(body), body);
}

static struct database *open_database(bool migrate)
{
	struct database *database;
	struct error err;

	error_init(&err);
	if (!database_open(&database, config, migrate, &err))
		fail_msg("%s %s", err.detail, err.cause);
	return database;
}

static void a_time_to_live_that_cannot_be_is_said(void **state)
{
	const struct {
		const char *answer;
		enum setup_result result;
	} cases[] = {
		{ http("400 Bad Request", UNKNOWN), SETUP_SKIPPED },
		{ http("200 OK", LIVING("ENABLED", "ex")), SETUP_KEPT },
		{ http("200 OK", LIVING("ENABLING", "ex")), SETUP_KEPT },
	};
	const char *table = http("200 OK", TABLE);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct database *database;

		listener_play(&listener, table, table, cases[i].answer, table);
		database = open_database(true);
		assert_int_equal(database->time_to_live, cases[i].result);
		assert_false(database->made);
		assert_int_equal(listener.requests, 4);
		database_close(database);
	}
}

static void check_tells_of_one_that_is_off_or_on_another_attribute(void **state)
{
	const struct {
		const char *answer;
		bool lacks;
	} cases[] = {
		{ http("200 OK", LIVING("DISABLED", "ex")), true },
		{ http("200 OK", LIVING("ENABLED", "other")), true },
		{ http("200 OK", LIVING("ENABLED", "ex")), false },
		{ http("400 Bad Request", UNKNOWN), false },
	};
	struct database *database = open_database(false);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		listener_play(&listener, cases[i].answer, NULL, NULL, NULL);
		assert_int_equal(!!database_lacks(database), cases[i].lacks);
		assert_int_equal(listener.requests, 1);
	}
	database_close(database);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_time_to_live_that_cannot_be_is_said),
		TEST(check_tells_of_one_that_is_off_or_on_another_attribute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
