/*
 * exchange_test.c: does every request leave with a whole answer, and does only
 * what succeeded count as written?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/exchange.h"
#include "fakes/database_fake.h"
#include "fakes/order_store_fake.h"

#include "base/banned.h"

#define NOW_MS 1795536000000ll

static struct arena *arena;
static struct exchange ex;
static struct error failure;	/* why ports are not open */
static struct database_fake_facts facts;
static struct database_fake database = { { .ops = &database_fake_ops }, &facts };
static struct order_store_fake orders;
static struct ports ports;
static unsigned handled;
static bool answered_meanwhile;
static unsigned changes;	/* by others, before we come through */

static bool handle(struct ports *all, const struct request *req,
		   struct response *res, struct error *err)
{
	static const char block[KIB];

	(void)all;
	handled++;
	orders.has_answer |= answered_meanwhile;
	response_header(res, "X-Try", "%u", handled);
	if (changes && changes--)
		return error_set(err, ERROR_CHANGED, "by another");
	if (str_is(req->query, "gone"))
		return error_set(err, ERROR_GONE, "told so");
	if (str_is(req->query, "large"))
		for (unsigned i = 0; i < LIMIT_RESPONSE_BYTES / KIB + 1; i++)
			buf_add(&res->body, block, sizeof(block));
	if (str_is(req->query, "headers"))
		for (unsigned i = 0; i < 100; i++)
			response_header(res, "X", "%0100d", 0);
	if (str_is(req->query, "not modified"))
		res->status = 304;
	response_header(res, "ETag", "\"1\"");
	buf_add_text(&res->body, "done");
	return true;
}

#define ROUTES \
	{ { .methods = HTTP_GET, .path = "/t", .allow = "GET, HEAD, POST" }, \
	  { .methods = HTTP_POST, .path = "/t", .allow = "GET, HEAD, POST", \
	    .accepts = "*/*" }, \
	  { .methods = HTTP_GET, .path = "/closed", .scope = "orders:read", \
	    .allow = "GET, HEAD" } }

static const struct operation reading = {
	.name = "reading", .routes = ROUTES, .max_body_bytes = KIB,
	.handle = handle,
};
static const struct operation writing = {
	.name = "writing", .routes = ROUTES, .max_body_bytes = KIB,
	.writes = true, .takes_idempotency_key = true, .handle = handle,
};

/* For access: no tokens, one origin. */
static int open_access(void **state)
{
	static struct config *config;
	char path[] = "/tmp/exchange.XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");
	struct error err;

	(void)state;
	assert_non_null(file);
	fputs("state.directory = /nonexistent\n"
	      "access.origins = https://a.example\n", file);
	fclose(file);
	error_init(&err);
	if (!config_load(&config, path, &err))
		fail_msg("%s", err.cause);
	unlink(path);
	access_open(config);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_new("exchange_test", 96 * MIB);
	facts = (struct database_fake_facts){ 0 };
	orders = (struct order_store_fake)ORDER_STORE_FAKE;
	ports = (struct ports){ .database = &database.base,
				.orders = &orders.base };
	error_init(&failure);
	handled = 0;
	answered_meanwhile = false;
	changes = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static void ask(const struct operation *op, const char *method,
		const char *uri)
{
	struct cgi cgi = { .method = str_from(method), .uri = str_from(uri),
			   .content_length = STR("0") };

	ex = (struct exchange){ .arena = arena, .cgi = cgi };
	exchange_handle(&ex, op, &ports, &failure, NOW_MS);
}

static void ask_with_key(const char *uri)
{
	struct cgi cgi = { .method = STR("POST"), .uri = str_from(uri),
			   .content_length = STR("0"),
			   .idempotency_key = STR("k") };

	ex = (struct exchange){ .arena = arena, .cgi = cgi };
	exchange_handle(&ex, &writing, &ports, &failure, NOW_MS);
}

static const char *headers(void)
{
	struct buf all;

	buf_init(&all, arena, 32 * KIB);
	exchange_headers(&ex, (int64_t)ex.res.body.len, &all);
	assert_true(buf_ok(&all));
	return all.ptr;
}

static void assert_header(const char *wanted)
{
	char *all = arena_printf(arena, "\r\n%s", headers());

	if (!strstr(all, arena_printf(arena, "\r\n%s\r\n", wanted)))
		fail_msg("no \"%s\" in%s", wanted, all);
}

static void assert_no_header(const char *name)
{
	char *all = arena_printf(arena, "\r\n%s", headers());

	if (strstr(all, arena_printf(arena, "\r\n%s:", name)))
		fail_msg("\"%s\" in%s", name, all);
}

static void assert_problem(int status)
{
	assert_int_equal(ex.res.status, status);
	assert_true(error_is_set(&ex.err));
	assert_false(ex.wrote);
	assert_int_equal(strncmp(headers(),
				 arena_printf(arena, "Status: %d ", status),
				 12), 0);
	assert_header("Content-Type: application/problem+json");
}

static void a_success_is_complete(void **state)
{
	(void)state;
	ask(&reading, "GET", "/t");
	assert_header("Status: 200 OK");
	assert_header("Content-Type: application/json");
	assert_header("Content-Length: 4");
	assert_header("ETag: \"1\"");
	assert_header("Cache-Control: private, no-cache");
	assert_non_null(strstr(headers(), "\r\nX-Request-Id: "));
	assert_false(ex.ran);
	assert_false(ex.wrote);
}

static void a_304_has_headers_and_no_length(void **state)
{
	(void)state;
	ask(&reading, "GET", "/t?not modified");
	assert_header("Status: 304 Not Modified");
	assert_header("ETag: \"1\"");
	assert_no_header("Content-Length");
	assert_no_header("Content-Type");
}

static void every_status_of_the_table_of_errors_has_a_phrase(void **state)
{
	(void)state;
	ask(&reading, "GET", "/t");
	for (int code = ERROR_NONE + 1; code < ERROR_CODE_COUNT; code++) {
		ex.res.status = error_kind((enum error_code)code)->status;
		assert_null(strstr(headers(), " Status\r\n"));
	}
}

static void a_failure_leaves_nothing_of_the_handler(void **state)
{
	(void)state;
	ask(&reading, "GET", "/t?gone");
	assert_problem(410);
	assert_no_header("ETag");
	ask(&reading, "GET", "/nothing");
	assert_problem(404);
}

static void an_answer_over_its_limit_is_500(void **state)
{
	(void)state;
	ask(&reading, "GET", "/t?large");
	assert_problem(500);
	/* and nothing of it is stored */
	ask(&writing, "GET", "/t?headers");
	assert_problem(500);
	assert_int_equal(facts.kept, 0);
	assert_int_equal(facts.undone, 1);
}

static void a_method_that_is_not_allowed_is_405(void **state)
{
	(void)state;
	ask(&reading, "PUT", "/t");
	assert_problem(405);
	assert_header("Allow: GET, HEAD, POST");
	ask(&reading, "PUT", "/nothing");
	assert_problem(404);
	assert_no_header("Allow");
}

static void options_is_answered_where_there_is_a_path(void **state)
{
	(void)state;
	ask(&writing, "OPTIONS", "/t");
	assert_int_equal(ex.res.status, 204);
	assert_false(error_is_set(&ex.err));
	assert_header("Allow: GET, HEAD, POST");
	assert_no_header("Access-Control-Allow-Origin");
	assert_no_header("Content-Length");
	assert_int_equal(ex.res.body.len, 0);
	ask(&writing, "OPTIONS", "/nothing");
	assert_problem(404);
}

static void ask_from(const char *origin, const char *method, const char *uri)
{
	struct cgi cgi = { .method = str_from(method), .uri = str_from(uri),
			   .origin = str_from(origin) };

	ex = (struct exchange){ .arena = arena, .cgi = cgi };
	exchange_handle(&ex, &reading, &ports, &failure, NOW_MS);
}

static void pages_of_an_allowed_origin_may_read_answers(void **state)
{
	(void)state;
	ask_from("https://a.example", "OPTIONS", "/t");
	assert_header("Access-Control-Allow-Origin: https://a.example");
	assert_header("Access-Control-Allow-Methods: GET, HEAD, POST");
	assert_header("Vary: Origin");
	ask_from("https://a.example", "GET", "/t");
	assert_header("Access-Control-Allow-Origin: https://a.example");
	assert_no_header("Access-Control-Allow-Methods");
	/* and what went wrong */
	ask_from("https://a.example", "GET", "/closed");
	assert_problem(401);
	assert_header("Access-Control-Allow-Origin: https://a.example");
	ask_from("https://b.example", "OPTIONS", "/t");
	assert_int_equal(ex.res.status, 204);
	assert_no_header("Access-Control-Allow-Origin");
	assert_no_header("Access-Control-Allow-Methods");
	assert_no_header("Access-Control-Allow-Headers");
}

static void without_a_token_a_closed_route_is_401(void **state)
{
	(void)state;
	ask(&reading, "GET", "/closed");
	assert_problem(401);
	assert_header("WWW-Authenticate: Bearer realm=\"ordermill\"");
	assert_int_equal(handled, 0);
}

static void ports_that_are_not_open_are_503_for_good_requests(void **state)
{
	(void)state;
	error_cause(&failure, ERROR_UNAVAILABLE, "the disk is on fire");
	ask(&writing, "POST", "/t");
	assert_problem(503);
	assert_header("Retry-After: 1");
	assert_null(strstr(ex.res.body.ptr, "fire"));
	assert_string_equal(ex.err.cause, "the disk is on fire");
	ask(&writing, "POST", "/nothing");
	assert_problem(404);
	assert_int_equal(handled, 0);
	assert_int_equal(facts.marks, 0);
}

static void a_write_is_kept_and_a_failure_undone(void **state)
{
	(void)state;
	ask(&writing, "POST", "/t");
	assert_true(ex.ran);
	assert_true(ex.wrote);
	assert_int_equal(facts.kept, 1);
	ask(&writing, "POST", "/t?gone");
	assert_problem(410);
	assert_true(ex.ran);
	assert_int_equal(facts.kept, 1);
	assert_int_equal(facts.undone, 1);
}

static void a_release_that_fails_is_503(void **state)
{
	(void)state;
	facts.fail_release = true;
	ask(&writing, "POST", "/t");
	assert_problem(503);
	/* the first failure counts */
	ask(&writing, "POST", "/t?gone");
	assert_problem(410);
}

static void a_stored_answer_is_given_again(void **state)
{
	(void)state;
	orders.has_answer = true;
	orders.answer = (struct answer){
		.status = 201, .content_type = STR("application/json"),
		.headers = STR("Location: /t/1\r\n"), .body = STR("{}") };
	ask_with_key("/t");
	assert_int_equal(ex.res.status, 201);
	assert_header("Location: /t/1");
	assert_header("Idempotent-Replayed: true");
	assert_string_equal(ex.res.body.ptr, "{}");
	assert_int_equal(handled, 0);
	/* nothing to commit, but it hangs on the transaction */
	assert_false(ex.wrote);
	assert_true(ex.ran);
}

/* The first of two that are the same was in another worker's hands. */
static void what_the_same_request_did_meanwhile_is_no_refusal(void **state)
{
	(void)state;
	answered_meanwhile = true;
	orders.answer = (struct answer){
		.status = 200, .content_type = STR("application/json"),
		.headers = STR("ETag: \"2\"\r\n"), .body = STR("{}") };
	ask_with_key("/t?gone");
	assert_int_equal(ex.res.status, 200);
	assert_header("Idempotent-Replayed: true");
	assert_string_equal(ex.res.body.ptr, "{}");
	assert_false(ex.wrote);
}

static void a_refusal_that_has_no_answer_stays_one(void **state)
{
	(void)state;
	ask_with_key("/t?gone");
	assert_problem(410);
	assert_int_equal(orders.recalls, 2);
	orders.recalls = 0;
	ask_with_key("/t?large");
	assert_problem(500);
	assert_int_equal(orders.recalls, 1);
	ask(&writing, "POST", "/t?gone");
	assert_problem(410);
	assert_int_equal(orders.recalls, 1);
}

static void ask_if_match(const char *if_match)
{
	struct cgi cgi = { .method = STR("POST"), .uri = STR("/t"),
			   .content_length = STR("0"),
			   .if_match = str_from(if_match) };

	ex = (struct exchange){ .arena = arena, .cgi = cgi };
	exchange_handle(&ex, &writing, &ports, &failure, NOW_MS);
}

static void who_named_no_version_is_not_refused_for_one(void **state)
{
	(void)state;
	changes = 3;
	ask(&writing, "POST", "/t");
	assert_int_equal(ex.res.status, 200);
	assert_string_equal(ex.res.body.ptr, "done");
	assert_header("X-Try: 4");
	assert_null(strstr(headers(), "X-Try: 1"));
	assert_true(ex.wrote);
	changes = 1;
	ask_if_match("*");
	assert_int_equal(ex.res.status, 200);
}

static void who_named_a_version_is_refused_at_once(void **state)
{
	(void)state;
	changes = 1;
	ask_if_match("\"1\"");
	assert_problem(412);
	assert_int_equal(handled, 1);
}

static void an_order_that_never_rests_is_refused(void **state)
{
	(void)state;
	changes = 1000;
	ask(&writing, "POST", "/t");
	assert_problem(412);
	assert_in_range(handled, 10, 100);
}

static void a_key_without_an_answer_is_handled(void **state)
{
	(void)state;
	ask_with_key("/t");
	assert_int_equal(orders.recalls, 1);
	assert_int_equal(handled, 1);
	assert_no_header("Idempotent-Replayed");
	ask(&writing, "POST", "/t");
	assert_int_equal(orders.recalls, 1);
}

static void a_key_used_otherwise_is_refused(void **state)
{
	(void)state;
	orders.fail_next = ERROR_KEY_REUSED;
	ask_with_key("/t");
	assert_problem(422);
	assert_int_equal(handled, 0);
	assert_int_equal(facts.undone, 1);
}

static void what_was_not_committed_is_503(void **state)
{
	struct error why;

	(void)state;
	ask(&writing, "POST", "/t");
	error_init(&why);
	error_cause(&why, ERROR_UNAVAILABLE, "no commit");
	exchange_fail(&ex, &why);
	assert_problem(503);
	assert_no_header("ETag");
	assert_header("Retry-After: 1");
	assert_string_equal(ex.err.cause, "no commit");
	assert_null(strstr(ex.res.body.ptr, "done"));
}

static void health_is_asked_with_get_and_head(void **state)
{
	(void)state;
	ask(&reading, "GET", "/readyz");
	assert_int_equal(ex.res.status, 200);
	assert_non_null(strstr(ex.res.body.ptr, "\"ready\""));
	ask(&reading, "HEAD", "/metrics");
	assert_int_equal(ex.res.status, 200);
	assert_true(ex.req.head_only);
	ask(&reading, "POST", "/readyz");
	assert_problem(405);
	assert_header("Allow: GET, HEAD");
	error_cause(&failure, ERROR_UNAVAILABLE, "down");
	ask(&reading, "GET", "/readyz?x");
	assert_int_equal(ex.res.status, 503);
	assert_non_null(strstr(ex.res.body.ptr, "\"unavailable\""));
	assert_header("Retry-After: 1");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_success_is_complete),
		TEST(a_304_has_headers_and_no_length),
		TEST(every_status_of_the_table_of_errors_has_a_phrase),
		TEST(a_failure_leaves_nothing_of_the_handler),
		TEST(an_answer_over_its_limit_is_500),
		TEST(a_method_that_is_not_allowed_is_405),
		TEST(options_is_answered_where_there_is_a_path),
		TEST(pages_of_an_allowed_origin_may_read_answers),
		TEST(without_a_token_a_closed_route_is_401),
		TEST(ports_that_are_not_open_are_503_for_good_requests),
		TEST(a_write_is_kept_and_a_failure_undone),
		TEST(a_release_that_fails_is_503),
		TEST(a_stored_answer_is_given_again),
		TEST(who_named_no_version_is_not_refused_for_one),
		TEST(who_named_a_version_is_refused_at_once),
		TEST(an_order_that_never_rests_is_refused),
		TEST(what_the_same_request_did_meanwhile_is_no_refusal),
		TEST(a_refusal_that_has_no_answer_stays_one),
		TEST(a_key_without_an_answer_is_handled),
		TEST(a_key_used_otherwise_is_refused),
		TEST(what_was_not_committed_is_503),
		TEST(health_is_asked_with_get_and_head),
	};

	return cmocka_run_group_tests(tests, open_access, NULL);
}
