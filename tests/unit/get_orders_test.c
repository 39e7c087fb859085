/*
 * get_orders_test.c: does a list stay within its memory, whatever orders hold,
 * and within its headers, whatever the query holds?
 */
#include "contract/engine.h"

#include "http/operation.h"

#include "base/banned.h"

static struct ports ports;
static struct response res;
static size_t streamed, flushes;

static bool count_and_empty(struct response *response)
{
	streamed += response->body.len;
	flushes++;
	response->streaming = true;
	buf_reset(&response->body);
	return true;
}

static bool ask(struct desk *desk, struct arena *arena, const char *query,
		const char *accept)
{
	struct request req = {
		.arena = arena, .method = HTTP_GET,
		.route = &operation.routes[0], .path = STR("/api/orders"),
		.query = str_from(query), .accept = accept, .now_ms = NOW,
		.caller = "",
	};

	ports = (struct ports){
		.database = desk->database, .orders = desk->orders,
		.deletions = desk->deletions,
		.settings = { .currency = "EUR",
			      .secret = STR("0123456789abcdef0123456789abcdef") },
	};
	error_init(&desk->err);
	response_init(&res, arena);
	res.flush = count_and_empty;
	streamed = flushes = 0;
	return operation.handle(&ports, &req, &res, &desk->err);
}

/* As large as an order gets: 64 KiB of JSON. */
static void create_large_order(struct desk *desk, int64_t now_ms)
{
	struct order order = some_order("large", now_ms);
	char *name = arena_zalloc(desk->arena, 201);

	order.line_count = 200;
	order.lines = arena_zalloc(desk->arena,
				   200 * sizeof(struct order_line));
	memset(name, '"', 120);
	for (int i = 0; i < 200; i++)
		order.lines[i] = (struct order_line){
			.sku = STR("SKU"), .name = str_from(name),
			.quantity = 1, .unit_price_minor = 100 };
	create_order(desk, &order);
}

static void a_csv_of_large_orders_stays_within_its_memory(void **state)
{
	struct desk *desk = *state;
	struct arena *arena = arena_new("request", LIMIT_REQUEST_ARENA_BYTES);

	for (int i = 0; i < 250; i++)
		create_large_order(desk, NOW - i);
	assert_ok(desk, ask(desk, arena, "", "text/csv"));
	assert_string_equal(res.content_type, "text/csv; charset=utf-8");
	assert_true(streamed + res.body.len > 250u * 40000);
	assert_true(flushes > 1);
	assert_true(arena_used_bytes(arena) < 4 * MIB);
	arena_free(arena);
}

static void a_small_csv_is_not_streamed(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("=1+1", NOW);

	create_order(desk, &order);
	assert_ok(desk, ask(desk, desk->arena, "", "text/csv"));
	assert_int_equal(flushes, 0);
	assert_non_null(strstr(res.body.ptr, ",\"'=1+1\","));
}

static void a_wrong_parameter_is_refused_before_anything_is_sent(void **state)
{
	struct desk *desk = *state;

	assert_refused(desk, ERROR_BAD_PARAMETER,
		       ask(desk, desk->arena, "limit=0", "text/csv"));
	assert_int_equal(flushes, 0);
}

/* What is no part of a URI must not end the link, nor the header, nor us. */
static void a_link_is_a_uri_whatever_was_asked(void **state)
{
	static const char *const queries[] = {
		"q=a>b&limit=2", "q=a%3Eb&limit=2&", "q=a\"b&limit=2",
		"q=a<b>, <https://b.example>;x&limit=2",
		"q=a+\xc3\xa9&limit=2", "q=a\x7f" "b&limit=2",
		"q=a\x01" "b&limit=2", "q=a\r\nX:+b&limit=2"
	};
	struct desk *desk = *state;

	for (int i = 0; i < 3; i++) {
		struct order order = some_order("a b \u00e9 https example X x",
						NOW - i);

		create_order(desk, &order);
	}
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		const char *link, *end;

		if (!ask(desk, desk->arena, queries[i], "application/json")) {
			assert_int_equal(desk->err.code, ERROR_BAD_PARAMETER);
			continue;
		}
		link = strstr(res.headers.ptr, "Link: <");
		assert_non_null(link);
		end = strstr(link, "\r\n");
		assert_non_null(end);
		assert_ptr_equal(strchr(link, '>'), end - strlen(">; rel=\"next\""));
		for (link += 7; *link != '>'; link++)
			if (*link <= ' ' || strchr("<\"", *link) || *link > '~')
				fail_msg("%s: %s", queries[i], res.headers.ptr);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		desk_test(a_csv_of_large_orders_stays_within_its_memory),
		desk_test(a_small_csv_is_not_streamed),
		desk_test(a_wrong_parameter_is_refused_before_anything_is_sent),
		desk_test(a_link_is_a_uri_whatever_was_asked),
	};

	return run_on_every_engine(tests, ARRAY_LEN(tests));
}
