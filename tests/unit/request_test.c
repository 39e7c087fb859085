/*
 * request_test.c: what does a handler get to see of a request, and what is
 * refused before?
 */
#include "http/operation.h"
#include "test_arena.h"

#include "base/banned.h"

#define NOW_MS 1795536000000ll
#define ID "0193a5c0-0000-7000-8000-00000000000a"

static const struct operation op = {
	.name = "test",
	.routes = {
		{ .methods = HTTP_GET, .path = "/api/things",
		  .allow = "GET, HEAD, POST",
		  .offers = "application/json, text/csv" },
		{ .methods = HTTP_POST, .path = "/api/things",
		  .allow = "GET, HEAD, POST", .accepts = "application/json" },
		{ .methods = HTTP_PATCH | HTTP_DELETE, .path = "/api/things/{id}",
		  .allow = "PATCH, DELETE",
		  .accepts = "application/merge-patch+json, application/json",
		  .body_is_optional = true },
		{ .methods = HTTP_POST, .path = "/any", .allow = "POST",
		  .accepts = "*/*", .offers = "*" },
		{ .methods = HTTP_GET, .path = "/objects/{key}",
		  .allow = "GET, HEAD" },
	},
	.max_body_bytes = 1000, .takes_idempotency_key = true,
};

static struct request req;

/* Parameters as nginx sends them, ended by NULL; the body's length is sent. */
static bool read_with(const char *body, ...)
{
	struct cgi cgi = { 0 };
	const char *parameter;
	va_list list;

	va_start(list, body);
	while ((parameter = va_arg(list, const char *)))
		cgi_take(&cgi, parameter, arena);
	va_end(list);
	if (body) {
		cgi.body = str_from(body);
		cgi_take(&cgi, arena_printf(arena, "CONTENT_LENGTH=%zu",
					    strlen(body)), arena);
	}
	error_init(&err);
	request_begin(&req, &cgi, arena, NOW_MS);
	return request_read(&req, &cgi, &op, &err);
}

#define GET "REQUEST_METHOD=GET"
#define POST "REQUEST_METHOD=POST"
#define PATCH "REQUEST_METHOD=PATCH"
#define THINGS "REQUEST_URI=/api/things"
#define THING "REQUEST_URI=/api/things/" ID
#define JSON "CONTENT_TYPE=application/json"

#define assert_read(...) \
	do { \
		if (!read_with(__VA_ARGS__, NULL)) \
			fail_msg("refused: %s", err.detail); \
	} while (0)
#define assert_refused(wanted, ...) \
	do { \
		assert_false(read_with(__VA_ARGS__, NULL)); \
		assert_int_equal(err.code, wanted); \
	} while (0)

/* --- path and method ------------------------------------------------------- */

static void path_and_query_are_cut_at_the_first_question_mark(void **state)
{
	(void)state;
	assert_read(NULL, GET, "REQUEST_URI=/api/things?a=b?c");
	assert_true(str_is(req.path, "/api/things"));
	assert_true(str_is(req.query, "a=b?c"));
	assert_read(NULL, GET, THINGS);
	assert_non_null(req.query.ptr);
	assert_int_equal(req.query.len, 0);
	assert_read(NULL, GET, "REQUEST_URI=/api/things?");
	assert_int_equal(req.query.len, 0);
}

static void an_id_is_a_uuid_in_lower_case(void **state)
{
	(void)state;
	assert_read("{}", PATCH, THING, JSON);
	assert_string_equal(req.id, ID);
	assert_refused(ERROR_NOT_FOUND, "{}", PATCH, JSON,
		       "REQUEST_URI=/api/things/" ID "/");
	assert_refused(ERROR_NOT_FOUND, "{}", PATCH, JSON,
		       "REQUEST_URI=/api/things/" ID "0");
	assert_refused(ERROR_NOT_FOUND, "{}", PATCH, JSON,
		       "REQUEST_URI=/api/things/"
		       "0193A5C0-0000-7000-8000-00000000000A");
	assert_refused(ERROR_NOT_FOUND, "{}", PATCH, JSON,
		       "REQUEST_URI=/api/things/"
		       "%30193a5c0-0000-7000-8000-00000000000a");
}

static void other_paths_are_not_found(void **state)
{
	(void)state;
	assert_refused(ERROR_NOT_FOUND, NULL, GET, "REQUEST_URI=");
	assert_refused(ERROR_NOT_FOUND, NULL, GET, "REQUEST_URI=?");
	assert_refused(ERROR_NOT_FOUND, NULL, GET, "REQUEST_URI=*");
	assert_refused(ERROR_NOT_FOUND, NULL, GET, "REQUEST_URI=/api/things/");
	assert_refused(ERROR_NOT_FOUND, NULL, GET, "REQUEST_URI=/api/thing");
	assert_refused(ERROR_NOT_FOUND, NULL, GET, "REQUEST_URI=//api/things");
	assert_refused(ERROR_NOT_FOUND, NULL, GET, "REQUEST_URI=/api/%74hings");
	assert_refused(ERROR_NOT_FOUND, NULL, GET, "REQUEST_URI=/objects/");
	assert_refused(ERROR_NOT_FOUND, NULL, GET);
	assert_null(req.route);
}

static void a_key_is_decoded_and_its_escapes_are_whole(void **state)
{
	(void)state;
	assert_read(NULL, GET, "REQUEST_URI=/objects/a%2Fb%c3%A9/c?x");
	assert_true(str_is(req.rest, "a/b\u00e9/c"));
	assert_read(NULL, GET, "REQUEST_URI=/objects/a%00");
	assert_int_equal(req.rest.len, 2);
	assert_refused(ERROR_BAD_REQUEST, NULL, GET, "REQUEST_URI=/objects/%");
	assert_refused(ERROR_BAD_REQUEST, NULL, GET, "REQUEST_URI=/objects/%4");
	assert_refused(ERROR_BAD_REQUEST, NULL, GET,
		       "REQUEST_URI=/objects/%4g");
}

static void head_is_a_get_without_a_body(void **state)
{
	(void)state;
	assert_read(NULL, "REQUEST_METHOD=HEAD", THINGS);
	assert_int_equal(req.method, HTTP_GET);
	assert_true(req.head_only);
	assert_read(NULL, GET, THINGS);
	assert_false(req.head_only);
	assert_refused(ERROR_METHOD_NOT_ALLOWED, NULL, "REQUEST_METHOD=HEAD",
		       THING);
}

static void other_methods_are_405_with_what_is_allowed(void **state)
{
	static const char *const wrong[] = { "PUT", "OPTIONS", "TRACE", "get",
					     "GETS", "", "PROPFIND" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_refused(ERROR_METHOD_NOT_ALLOWED, NULL, THINGS,
			       arena_printf(arena, "REQUEST_METHOD=%s",
					    wrong[i]));
		assert_string_equal(req.route->allow, "GET, HEAD, POST");
	}
	assert_refused(ERROR_METHOD_NOT_ALLOWED, NULL, THINGS);
	assert_refused(ERROR_NOT_FOUND, NULL, "REQUEST_METHOD=PUT",
		       "REQUEST_URI=/nothing");
}

static void a_query_has_a_limit(void **state)
{
	char *query = arena_zalloc(arena, LIMIT_QUERY_BYTES + 2);

	(void)state;
	memset(query, 'q', LIMIT_QUERY_BYTES);
	assert_read(NULL, GET, arena_printf(arena, "REQUEST_URI=/api/things?%s",
					    query));
	query[LIMIT_QUERY_BYTES] = 'q';
	assert_refused(ERROR_URI_TOO_LONG, NULL, GET,
		       arena_printf(arena, "REQUEST_URI=/api/things?%s",
				    query));
}

/* --- body -------------------------------------------------------------------- */

static void a_body_has_one_of_the_types(void **state)
{
	static const char *const good[] = {
		"application/json", "Application/JSON",
		"application/json; charset=utf-8",
		"application/json;charset=\"UTF-8\"",
		" application/json ;x=y", "application/merge-patch+json"
	};
	static const char *const bad[] = {
		"", "text/plain", "application/jsonp", "application/json2",
		"application", "application/json; charset=latin1",
		"application/json, text/plain", "*/*",
		"application/json; charset=utf-16", ";application/json"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_read("{}", PATCH, THING,
			    arena_printf(arena, "CONTENT_TYPE=%s", good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_refused(ERROR_UNSUPPORTED_TYPE, "{}", PATCH, THING,
			       arena_printf(arena, "CONTENT_TYPE=%s", bad[i]));
	assert_refused(ERROR_UNSUPPORTED_TYPE, "{}", PATCH, THING);
	assert_read("x", POST, "REQUEST_URI=/any");
	assert_read("x", POST, "REQUEST_URI=/any", "CONTENT_TYPE=text/plain");
}

static void a_length_is_needed_where_a_body_is(void **state)
{
	(void)state;
	assert_refused(ERROR_LENGTH_REQUIRED, NULL, POST, THINGS, JSON);
	assert_refused(ERROR_LENGTH_REQUIRED, NULL, POST, THINGS, JSON,
		       "CONTENT_LENGTH=");
	assert_string_not_equal(err.detail, "");
	assert_read("", POST, THINGS, JSON);
	assert_int_equal(req.body.len, 0);
	assert_non_null(req.body.ptr);
	/* where it is optional, its type does not matter without one */
	assert_read(NULL, PATCH, THING);
	assert_read("", PATCH, THING, "CONTENT_TYPE=text/plain");
}

static void a_length_is_a_number_within_the_limit(void **state)
{
	static const char *const bad[] = { "x", "-1", "+1", " 1", "1 ", "1,1",
					   "0x1", "1e3",
					   "99999999999999999999999" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_refused(ERROR_BAD_REQUEST, NULL, POST, THINGS, JSON,
			       arena_printf(arena, "CONTENT_LENGTH=%s",
					    bad[i]));
	assert_refused(ERROR_TOO_LARGE, NULL, POST, THINGS, JSON,
		       "CONTENT_LENGTH=1001");
	assert_refused(ERROR_TOO_LARGE, NULL, POST, THINGS, JSON,
		       "CONTENT_LENGTH=9223372036854775000");
}

static void a_short_body_is_refused(void **state)
{
	struct cgi cgi = { .body = STR("{"), .body_is_short = true };

	(void)state;
	cgi_take(&cgi, POST, arena);
	cgi_take(&cgi, THINGS, arena);
	cgi_take(&cgi, JSON, arena);
	cgi_take(&cgi, "CONTENT_LENGTH=2", arena);
	error_init(&err);
	request_begin(&req, &cgi, arena, NOW_MS);
	assert_false(request_read(&req, &cgi, &op, &err));
	assert_int_equal(err.code, ERROR_BAD_REQUEST);
}

/* RFC 9110, 9.3.1: it has no meaning; some clients send one all the same. */
static void a_body_of_a_get_is_ignored(void **state)
{
	(void)state;
	assert_read("{}", GET, THINGS, JSON);
	assert_int_equal(req.body.len, 0);
	assert_read(NULL, GET, THINGS, "CONTENT_LENGTH=1001");
	assert_read(NULL, GET, THINGS, "CONTENT_LENGTH=0");
}

/* --- Accept ------------------------------------------------------------------ */

static const char *agreed(const char *accept)
{
	assert_read(NULL, GET, THINGS,
		    arena_printf(arena, "HTTP_ACCEPT=%s", accept));
	return req.accept;
}

static void accept_chooses_among_what_is_offered(void **state)
{
	static const char *const json[] = {
		"", "*/*", "application/*", "application/json",
		"APPLICATION/JSON", "text/csv;q=0.5, application/json",
		"text/csv;q=0.9,*/*;q=1", "text/html, */*",
		"text/csv;q=0, */*", "application/json;version=1",
		"*/*;q=0.1, text/csv;q=0.05",
		"text/html,application/xhtml+xml,*/*;q=0.8"
	};
	static const char *const csv[] = {
		"text/csv", "text/*", "Text/CSV; charset=utf-8",
		"text/csv, */*;q=0.1", "application/json;q=0.4,text/csv;q=0.5",
		"application/json;q=0.999,text/csv;q=1.000",
		"*/*, application/json;q=0", "text/csv ; Q=0.3"
	};

	(void)state;
	assert_read(NULL, GET, THINGS);
	assert_string_equal(req.accept, "application/json");
	for (size_t i = 0; i < ARRAY_LEN(json); i++)
		assert_string_equal(agreed(json[i]), "application/json");
	for (size_t i = 0; i < ARRAY_LEN(csv); i++)
		assert_string_equal(agreed(csv[i]), "text/csv");
}

static void accept_that_fits_nothing_is_406(void **state)
{
	static const char *const bad[] = {
		"text/html", "image/*", "*/*;q=0", "application/json;q=0",
		"text/csv;q=0.000, application/json;q=0", "json", ",", ";", "/",
		"*", "text", "application/json;q=0.0, text/csv;q=0"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_refused(ERROR_NOT_ACCEPTABLE, NULL, GET, THINGS,
			       arena_printf(arena, "HTTP_ACCEPT=%s", bad[i]));
}

/* Mail programs and event buses do not choose. */
static void where_anything_is_offered_accept_does_not_matter(void **state)
{
	(void)state;
	assert_read("x", POST, "REQUEST_URI=/any", "HTTP_ACCEPT=text/html");
	assert_string_equal(req.accept, "application/json");
	assert_read("x", POST, "REQUEST_URI=/any", "HTTP_ACCEPT=*/*;q=0");
}

/* --- If-Match, If-None-Match -------------------------------------------------- */

static bool matches(const char *if_match, int64_t version)
{
	assert_read("{}", PATCH, THING, JSON,
		    arena_printf(arena, "HTTP_IF_MATCH=%s", if_match));
	error_init(&err);
	return request_if_match(&req, version, true, &err);
}

static void if_match_compares_strongly(void **state)
{
	(void)state;
	assert_true(matches("\"3\"", 3));
	assert_true(matches("*", 3));
	assert_true(matches(" \"1\" , \"3\" ", 3));
	assert_true(matches("\"1\",\t\"3\"", 3));
	assert_true(matches(",\"1\",,\"3\",", 3));
	assert_true(matches("W/\"3\", \"3\"", 3));
	assert_true(matches("\"3.495539\"", 3));
	assert_false(matches("W/\"3\"", 3));
	assert_false(matches("\"33\"", 3));
	assert_false(matches("\"3\"", 33));
	assert_false(matches("\"03\"", 3));
	assert_false(matches("\"\"", 3));
	assert_int_equal(err.code, ERROR_CHANGED);
	assert_string_equal(err.etag, "\"3\"");
}

static void a_malformed_if_match_is_400(void **state)
{
	static const char *const bad[] = {
		"", " ", ",", "3", "\"3", "3\"", "\"", "\"3\" 4", "\"3\"\"4\"",
		"\"3\" \"4\"", "*, \"3\"", "\"3\", *", "w/\"3\"", "W/3",
		"W/ \"3\"", "\"a b\"", "\"a\tb\"", "**"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_refused(ERROR_BAD_REQUEST, "{}", PATCH, THING, JSON,
			       arena_printf(arena, "HTTP_IF_MATCH=%s", bad[i]));
}

static void without_if_match_only_a_required_one_fails(void **state)
{
	(void)state;
	assert_read("{}", PATCH, THING, JSON);
	assert_true(request_if_match(&req, 3, false, &err));
	assert_false(request_if_match(&req, 3, true, &err));
	assert_int_equal(err.code, ERROR_PRECONDITION_REQUIRED);
}

static bool is_known(const char *if_none_match)
{
	assert_read(NULL, GET, THINGS,
		    arena_printf(arena, "HTTP_IF_NONE_MATCH=%s",
				 if_none_match));
	return request_if_none_match(&req, "\"3\"");
}

static void if_none_match_compares_weakly_and_never_fails(void **state)
{
	(void)state;
	assert_true(is_known("\"3\""));
	assert_true(is_known("W/\"3\""));
	assert_true(is_known("*"));
	assert_true(is_known("\"1\", W/\"2\",\t\"3\""));
	assert_false(is_known("\"4\""));
	assert_false(is_known("3"));
	assert_false(is_known(""));
	assert_false(is_known("\"33\""));
	assert_false(is_known("\"3"));
	assert_read(NULL, GET, THINGS);
	assert_false(request_if_none_match(&req, "\"3\""));
}

/* --- Idempotency-Key ------------------------------------------------------------ */

static void read_key(const char *key)
{
	assert_read("{}", PATCH, THING, JSON,
		    arena_printf(arena, "HTTP_IDEMPOTENCY_KEY=%s", key));
}

static void a_key_is_the_same_quoted_or_bare(void **state)
{
	uint8_t scope[SHA256_BYTES];

	(void)state;
	read_key("a1-b2");
	assert_true(str_is(req.idempotency.key, "a1-b2"));
	assert_int_equal(req.idempotency.now_ms, NOW_MS);
	memcpy(scope, req.idempotency.scope, sizeof(scope));
	read_key(" \"a1-b2\" ");
	assert_true(str_is(req.idempotency.key, "a1-b2"));
	assert_memory_equal(req.idempotency.scope, scope, sizeof(scope));
	read_key(arena_printf(arena, "%0255d", 0));
	assert_int_equal(req.idempotency.key.len, 255);
	read_key(arena_printf(arena, "\"%0255d\"", 0));
	assert_int_equal(req.idempotency.key.len, 255);
}

static void a_key_is_its_method_and_paths(void **state)
{
	uint8_t scope[SHA256_BYTES], digest[SHA256_BYTES];

	(void)state;
	read_key("k");
	memcpy(scope, req.idempotency.scope, sizeof(scope));
	memcpy(digest, req.idempotency.body_digest, sizeof(digest));
	assert_read("{}", "REQUEST_METHOD=DELETE", THING, JSON,
		    "HTTP_IDEMPOTENCY_KEY=k");
	assert_memory_not_equal(req.idempotency.scope, scope, sizeof(scope));
	assert_memory_equal(req.idempotency.body_digest, digest,
			    sizeof(digest));
	assert_read("[]", POST, THINGS, JSON, "HTTP_IDEMPOTENCY_KEY=k");
	assert_memory_not_equal(req.idempotency.scope, scope, sizeof(scope));
	assert_memory_not_equal(req.idempotency.body_digest, digest,
				sizeof(digest));
}

static void a_malformed_key_is_400(void **state)
{
	static const char *const bad[] = {
		"", " ", "\"\"", "\"", "a b", "\"a b\"", "a\"b", "\"a", "a\"",
		"a\\b", "\xc3\xa9", "a\x7f", "a, b", "\"a\",\"b\""
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_refused(ERROR_BAD_REQUEST, "{}", PATCH, THING, JSON,
			       arena_printf(arena, "HTTP_IDEMPOTENCY_KEY=%s",
					    bad[i]));
	assert_refused(ERROR_BAD_REQUEST, "{}", PATCH, THING, JSON,
		       arena_printf(arena, "HTTP_IDEMPOTENCY_KEY=%0256d", 0));
	assert_read("{}", PATCH, THING, JSON);
	assert_int_equal(req.idempotency.key.len, 0);
}

static void a_parameter_is_known_by_its_whole_name(void **state)
{
	(void)state;
	assert_read(NULL, GET, THINGS, "HTTP_ACCEPT_LANGUAGE=text/csv",
		    "HTTP_ACCEP=text/csv", "HTTP_ACCEPT");
	assert_string_equal(req.accept, "application/json");
}

/* --- headers that come twice (RFC 9110, 5.3) ------------------------------------- */

static void lists_may_come_in_two_headers(void **state)
{
	(void)state;
	assert_read("{}", PATCH, THING, JSON, "HTTP_IF_MATCH=\"3\"",
		    "HTTP_IF_MATCH=\"4\"");
	assert_true(request_if_match(&req, 3, true, &err));
	assert_true(request_if_match(&req, 4, true, &err));
	assert_read(NULL, GET, THINGS, "HTTP_ACCEPT=text/html",
		    "HTTP_ACCEPT=text/csv");
	assert_string_equal(req.accept, "text/csv");
}

static void what_is_no_list_may_not(void **state)
{
	(void)state;
	assert_refused(ERROR_BAD_REQUEST, "{}", PATCH, THING, JSON,
		       "HTTP_IDEMPOTENCY_KEY=a", "HTTP_IDEMPOTENCY_KEY=b");
	assert_refused(ERROR_BAD_REQUEST, "{}", PATCH, THING, JSON,
		       "HTTP_IF_MATCH=*", "HTTP_IF_MATCH=\"4\"");
}

/* --- trace and ids ----------------------------------------------------------------- */

static void ids_come_from_the_request_or_are_made(void **state)
{
	char first[37];

	(void)state;
	assert_read(NULL, GET, THINGS, "HTTP_X_REQUEST_ID=abc-1_2.Z");
	assert_string_equal(req.request_id, "abc-1_2.Z");
	assert_read(NULL, GET, THINGS);
	assert_true(uuid_is_valid(str_from(req.request_id)));
	memcpy(first, req.request_id, sizeof(first));
	assert_read(NULL, GET, THINGS, "HTTP_X_REQUEST_ID=a\rb");
	assert_true(uuid_is_valid(str_from(req.request_id)));
	assert_string_not_equal(req.request_id, first);
	assert_read(NULL, GET, THINGS,
		    arena_printf(arena, "HTTP_X_REQUEST_ID=%065d", 0));
	assert_true(uuid_is_valid(str_from(req.request_id)));
}

static void a_trace_goes_on_in_a_span_of_its_own(void **state)
{
#define TRACE "0af7651916cd43dd8448eb211c80319c"
	(void)state;
	assert_read(NULL, GET, THINGS, "HTTP_TRACEPARENT=00-" TRACE
				       "-b7ad6b7169203331-00");
	assert_string_equal(req.trace_id, TRACE);
	assert_int_equal(strlen(req.traceparent), 55);
	assert_memory_equal(req.traceparent, "00-" TRACE "-", 36);
	assert_memory_not_equal(req.traceparent + 36, "b7ad6b7169203331", 16);
	assert_string_equal(req.traceparent + 52, "-00");
}

static void a_malformed_trace_is_started_here(void **state)
{
	static const char *const bad[] = {
		"", "00", "00-" TRACE "-b7ad6b7169203331-0",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01",
		"00-" TRACE "-0000000000000000-01",
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
		"00-" TRACE "-b7ad6b7169203331-01-x"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_read(NULL, GET, THINGS,
			    arena_printf(arena, "HTTP_TRACEPARENT=%s", bad[i]));
		assert_string_not_equal(req.trace_id, TRACE);
		assert_int_equal(strlen(req.trace_id), 32);
		assert_string_equal(req.traceparent + 52, "-01");
	}
}

static void other_parameters_are_ignored(void **state)
{
	(void)state;
	assert_read(NULL, GET, THINGS, "HTTP_X=y", "", "=", "NOTHING",
		    "REQUEST_METHODS=POST", "HTTP_HOST=desk", "http_host=x");
	assert_true(str_is(req.host, "desk"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(path_and_query_are_cut_at_the_first_question_mark),
		TEST(an_id_is_a_uuid_in_lower_case),
		TEST(other_paths_are_not_found),
		TEST(a_key_is_decoded_and_its_escapes_are_whole),
		TEST(head_is_a_get_without_a_body),
		TEST(other_methods_are_405_with_what_is_allowed),
		TEST(a_query_has_a_limit),
		TEST(a_body_has_one_of_the_types),
		TEST(a_length_is_needed_where_a_body_is),
		TEST(a_length_is_a_number_within_the_limit),
		TEST(a_short_body_is_refused),
		TEST(a_body_of_a_get_is_ignored),
		TEST(accept_chooses_among_what_is_offered),
		TEST(accept_that_fits_nothing_is_406),
		TEST(where_anything_is_offered_accept_does_not_matter),
		TEST(if_match_compares_strongly),
		TEST(a_malformed_if_match_is_400),
		TEST(without_if_match_only_a_required_one_fails),
		TEST(if_none_match_compares_weakly_and_never_fails),
		TEST(a_key_is_the_same_quoted_or_bare),
		TEST(a_key_is_its_method_and_paths),
		TEST(a_malformed_key_is_400),
		TEST(a_parameter_is_known_by_its_whole_name),
		TEST(a_parameter_is_known_by_its_whole_name),
		TEST(lists_may_come_in_two_headers),
		TEST(what_is_no_list_may_not),
		TEST(ids_come_from_the_request_or_are_made),
		TEST(a_trace_goes_on_in_a_span_of_its_own),
		TEST(a_malformed_trace_is_started_here),
		TEST(other_parameters_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
