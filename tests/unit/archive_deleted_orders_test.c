/*
 * archive_deleted_orders_test.c: does one run archive all that is open, however
 * large the orders were, and say so?
 */
#include "contract/engine.h"

#include "deletion/archive_step.h"
#include "http/operation.h"
#include "ports/object_archive.h"

#include "base/banned.h"

static struct ports ports;
static struct response res;

static bool run(struct desk *desk, const char *body)
{
	struct request req = {
		.arena = desk->arena, .method = HTTP_POST,
		.route = &operation.routes[0], .path = STR("/api/archive"),
		.body = str_from(body), .now_ms = NOW + 1000, .caller = "",
	};

	error_init(&desk->err);
	response_init(&res, desk->arena);
	return operation.handle(&ports, &req, &res, &desk->err);
}

static int open_all(void **state)
{
	struct desk *desk;

	desk_setup(state);
	desk = *state;
	error_init(&desk->err);
	ports = (struct ports){ 0 };
	assert_ok(desk, operation.open_ports(&ports, desk->config, &desk->err));
	return 0;
}

static int close_all(void **state)
{
	bell_close(ports.bell);
	object_archive_close(ports.archive);
	subscriber_list_close(ports.subscribers);
	deletion_log_close(ports.deletions);
	database_close(ports.database);
	return desk_teardown(state);
}

static void delete_large_order(struct desk *desk, int64_t now_ms)
{
	struct order order = some_order("large", now_ms);
	char *notes = arena_zalloc(desk->arena, 70001);
	struct deletion deletion;

	memset(notes, 'n', 70000);
	order.notes = str_from(notes);
	create_order(desk, &order);
	deletion = deletion_of(&order, now_ms);
	assert_ok(desk, order_store_remove(desk->orders, 1, &deletion, NULL,
					   desk->arena, &desk->err));
}

static void all_that_is_open_is_archived_however_large(void **state)
{
	struct desk *desk = *state;

	for (int i = 0; i < 110; i++)	/* two pages */
		delete_large_order(desk, NOW + i);
	assert_ok(desk, run(desk, ""));
	assert_string_equal(res.body.ptr,
			    "{\"examined\":110,\"archived\":110,"
			    "\"already_archived\":0,\"failed\":0}");
	assert_ok(desk, run(desk, "{\"redrive\":true}"));
	assert_string_equal(res.body.ptr,
			    "{\"examined\":0,\"archived\":0,"
			    "\"already_archived\":0,\"failed\":0}");
}

static void a_run_ends_in_time_within_a_page_too(void **state)
{
	struct desk *desk = *state;
	struct archive_tally tally = { 0 };

	for (int i = 0; i < 60; i++)
		delete_large_order(desk, NOW + i);
	assert_ok(desk, archive_pending(ports.deletions, ports.archive,
					NOW + 1000, 1, &tally, &desk->err));
	assert_true(tally.examined < 60);
}

static void a_wrong_body_is_refused(void **state)
{
	struct desk *desk = *state;

	assert_refused(desk, ERROR_NOT_JSON, run(desk, "[1]"));
	assert_refused(desk, ERROR_NOT_JSON, run(desk, "{"));
	assert_refused(desk, ERROR_INVALID, run(desk, "{\"redrive\":1}"));
	assert_refused(desk, ERROR_INVALID, run(desk, "{\"redriven\":true}"));
	assert_refused(desk, ERROR_INVALID, run(desk, "{\"redrive\":null}"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
		TEST(all_that_is_open_is_archived_however_large),
		TEST(a_run_ends_in_time_within_a_page_too),
		TEST(a_wrong_body_is_refused),
	};

	return run_on_every_engine(tests, ARRAY_LEN(tests));
}
