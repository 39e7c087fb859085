/*
 * problem_test.c: does every error become a whole problem, with the headers that
 * its status asks for?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "http/operation.h"
#include "http/problem.h"

#include "base/banned.h"

static const struct route route = {
	.scope = "orders:write", .allow = "GET, PUT",
	.accepts = "application/json",
};

static struct arena *arena;
static struct request req;
static struct response res;
static struct error err;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new("problem_test", 4 * MIB);
	req = (struct request){ .arena = arena, .route = &route,
				.method = HTTP_PUT, .path = STR("/api/x"),
				.trace_id = "0af7651916cd43dd8448eb211c80319c",
				.caller = "" };
	response_init(&res, arena);
	error_init(&err);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* Renders it; the body is strict JSON. */
static struct json render(void)
{
	struct error damaged;
	struct json json;

	problem_render(&res, &req, &err);
	assert_string_equal(res.content_type, "application/problem+json");
	error_init(&damaged);
	if (!json_parse(&json, buf_str(&res.body), arena, &damaged))
		fail_msg("%s: %s", damaged.detail, res.body.ptr);
	return json;
}

static void assert_member(struct json json, const char *name,
			  const char *expected)
{
	struct str value = json_string(json_member(json, name));

	if (!str_is(value, expected))
		fail_msg("%s: %.*s instead of %s", name, STR_ARG(value),
			 expected);
}

static void assert_headers(const char *expected)
{
	assert_string_equal(res.headers.ptr, expected);
}

static void every_kind_of_error_is_a_problem(void **state)
{
	(void)state;
	for (int code = ERROR_NONE + 1; code < ERROR_CODE_COUNT; code++) {
		const struct error_kind *kind =
			error_kind((enum error_code)code);
		struct json json;

		error_init(&err);
		error_set(&err, (enum error_code)code, "%s", "");
		json = render();
		assert_int_equal(res.status, kind->status);
		assert_member(json, "type",
			      arena_printf(arena, "/problems/%s", kind->slug));
		assert_member(json, "title", kind->title);
		assert_member(json, "detail", kind->detail);
		assert_member(json, "instance", "/api/x");
		assert_member(json, "trace_id", req.trace_id);
		assert_true(str_is(json_literal(json_member(json, "status")),
				   arena_printf(arena, "%d", kind->status)));
	}
}

static void what_the_handler_had_begun_is_gone(void **state)
{
	struct json json;

	(void)state;
	res.status = 201;
	res.content_type = "text/csv";
	response_header(&res, "Location", "/x");
	buf_add_text(&res.body, "half of an ans");
	error_set(&err, ERROR_CONFLICT, "Twice.");
	json = render();
	assert_member(json, "detail", "Twice.");
	assert_headers("");
}

static void an_answer_that_was_too_long_becomes_a_problem_too(void **state)
{
	(void)state;
	buf_init(&res.body, arena, 4096);
	for (int i = 0; i < 5000; i++)
		buf_add_char(&res.body, 'x');
	assert_false(buf_ok(&res.body));
	error_cause(&err, ERROR_INTERNAL, "secret");
	render();
	assert_true(buf_ok(&res.body));
	assert_null(strstr(res.body.ptr, "secret"));
}

static void statuses_have_their_headers(void **state)
{
	(void)state;
	error_set(&err, ERROR_UNAUTHENTICATED, "%s", "");
	render();
	assert_headers("WWW-Authenticate: Bearer realm=\"ordermill\"\r\n");
	req.had_token = true;
	render();
	assert_headers("WWW-Authenticate: Bearer realm=\"ordermill\", error=\"invalid_token\"\r\n");
	error_init(&err);
	error_set(&err, ERROR_FORBIDDEN, "no");
	render();
	assert_headers("WWW-Authenticate: Bearer realm=\"ordermill\", error=\"insufficient_scope\", scope=\"orders:write\"\r\n");
	error_init(&err);
	error_set(&err, ERROR_METHOD_NOT_ALLOWED, "no");
	render();
	assert_headers("Allow: GET, PUT\r\n");
	error_init(&err);
	error_set(&err, ERROR_TOO_MANY, "%s", "");
	err.retry_after_s = 7;
	render();
	assert_headers("Retry-After: 7\r\n");
	error_init(&err);
	error_cause(&err, ERROR_UNAVAILABLE, "x");
	render();
	assert_headers("Retry-After: 1\r\n");
	error_init(&err);
	error_set(&err, ERROR_FORGED, "no");
	render();
	assert_headers("");
}

static void a_wrong_media_type_is_told_the_right_ones(void **state)
{
	(void)state;
	error_set(&err, ERROR_UNSUPPORTED_TYPE, "no");
	render();
	assert_headers("Accept: application/json\r\n");
	req.method = HTTP_POST;
	render();
	assert_headers("Accept-Post: application/json\r\n");
	req.method = HTTP_PATCH;
	render();
	assert_headers("Accept-Patch: application/json\r\n");
	req.route = NULL;
	render();
	assert_headers("");
}

static void the_current_etag_and_the_archive_are_named(void **state)
{
	struct json json;

	(void)state;
	snprintf(err.etag, sizeof(err.etag), "\"7\"");
	error_set(&err, ERROR_CHANGED, "%s", "");
	render();
	assert_headers("ETag: \"7\"\r\n");
	error_init(&err);
	error_set(&err, ERROR_GONE, "%s", "");
	snprintf(err.link, sizeof(err.link), "/api/archive/1");
	json = render();
	assert_headers("Link: </api/archive/1>; rel=\"archives\"\r\n");
	assert_member(json, "archive", "/api/archive/1");
}

static void wrong_members_are_listed(void **state)
{
	struct json errors, json;

	(void)state;
	for (unsigned i = 0; i < ERROR_MAX_ITEMS + 3; i++)
		error_item(&err, arena_printf(arena, "/a~1\"%u", i), "required",
			   "Say \"%s\".", "x\n");
	json = render();
	assert_int_equal(res.status, 422);
	errors = json_member(json, "errors");
	assert_int_equal(json_count(errors), ERROR_MAX_ITEMS);
	assert_member(json_element(errors, 1), "pointer", "/a~1\"1");
	assert_member(json_element(errors, 1), "code", "required");
	assert_member(json_element(errors, 1), "detail", "Say \"x\n\".");
}

/* Paths and texts of clients: bytes that are not UTF-8, quotes, controls. */
static void whatever_a_client_sent_the_problem_is_json(void **state)
{
	static const char *const bad[] = { "/\xff", "/\"\\", "/a\nb", "/\x7f",
					   "", "/\xc3\xa9" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		req.path = str_from(bad[i]);
		error_init(&err);
		error_set(&err, ERROR_BAD_REQUEST, "'%s' is wrong.", bad[i]);
		render();
	}
	req.path = (struct str){ 0 };
	assert_member(render(), "instance", "");
	req.path = STR("/a%C3%A9?");
	assert_member(render(), "instance", "/a%C3%A9?");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(every_kind_of_error_is_a_problem),
		TEST(what_the_handler_had_begun_is_gone),
		TEST(an_answer_that_was_too_long_becomes_a_problem_too),
		TEST(statuses_have_their_headers),
		TEST(a_wrong_media_type_is_told_the_right_ones),
		TEST(the_current_etag_and_the_archive_are_named),
		TEST(wrong_members_are_listed),
		TEST(whatever_a_client_sent_the_problem_is_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
