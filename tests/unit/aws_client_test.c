/*
 * aws_client_test.c: is a call signed and sent as given, tried again when that
 * may help and not when it cannot, and does a peer that fails get no storm?
 */
#include "http_listener.h"

#include "aws/aws_client.h"
#include "aws/aws_retry.h"
#include "base/deadline.h"

#include "base/banned.h"

#define NOW_MS 1795536000000ll		/* Tue, 24 Nov 2026 16:00:00 GMT */
#define MANY 40u

static struct http_listener listener;
static struct config *config;
static struct aws_client *client;
static struct arena *arena;
static struct error err;
static struct aws_answer answer;
static struct aws_header target;
static struct aws_request request;

static int64_t slept_ms;
static unsigned sleeps;
static int64_t now_ms;

static int64_t fake_now(void)
{
	return now_ms;
}

static uint32_t fake_random(void)
{
	return UINT32_MAX;
}

static void fake_sleep(int64_t ms)
{
	slept_ms += ms;
	sleeps++;
}

static const struct aws_client_hooks fakes = {
	fake_now, fake_random, fake_sleep,
};

static int set_up(void **state)
{
	(void)state;
	setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI", 1);
	setenv("AWS_SESSION_TOKEN", "token", 1);
	listener_start(&listener);
	arena = arena_new("aws_client_test", 64 * MIB);
	error_init(&err);
	config = test_config("aws.region = eu-central-1\n"
			     "aws.endpoint.dynamodb = %s\n"
			     "aws.endpoint.s3 = %s\n",
			     listener.url, listener.url);
	assert_true(aws_client_open(&client, config, AWS_DYNAMODB, &err));
	aws_client_set_hooks(client, &fakes);
	target = (struct aws_header){ STR("X-Amz-Target"),
				      STR("DynamoDB_20120810.GetItem") };
	request = (struct aws_request){
		.method = STR("POST"), .path = STR("/"),
		.headers = &target, .header_count = 1,
		.body = STR("{}"), .answer_max_bytes = 64 * KIB,
	};
	now_ms = NOW_MS;
	slept_ms = 0;
	sleeps = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	deadline_clear();
	aws_client_close(client);
	listener_stop(&listener);
	config_free(config);
	arena_free(arena);
	return 0;
}


static bool call(void)
{
	error_init(&err);
	return aws_call(client, &request, arena, &answer, &err);
}

#define BODY(status_line, headers, length, body) \
	"HTTP/1.1 " status_line "\r\n" headers "Content-Length: " length \
	"\r\n\r\n" body
#define THROTTLED \
	BODY("400 Bad Request", "x-amzn-RequestId: R7\r\n", "34", \
	     "{\"__type\":\"a#ThrottlingException\"}")
#define SKEWED(date) \
	BODY("403 No", "Date: " date "\r\n", "33", \
	     "{\"__type\":\"RequestTimeTooSkewed\"} ")

/* --- what goes out ------------------------------------------------------- */

static void a_call_is_signed_and_sent_as_given(void **state)
{
	(void)state;
	listener.answer = BODY("200 OK", "x-amzn-RequestId: R1\r\n", "2", "{}");
	assert_true(call());
	assert_int_equal(answer.status, 200);
	assert_true(str_is(answer.body, "{}"));
	assert_true(str_is(answer.request_id, "R1"));
	assert_memory_equal(listener.request, "POST / HTTP/1.1\r\n", 17);
	assert_non_null(strstr(listener.request,
			       "\r\nX-Amz-Date: 20261124T160000Z\r\n"));
	assert_non_null(strstr(listener.request,
			       "\r\nX-Amz-Security-Token: token\r\n"));
	assert_non_null(strstr(
		listener.request,
		"Credential=AKIDEXAMPLE/20261124/eu-central-1/dynamodb/"
		"aws4_request, SignedHeaders=host;x-amz-date;"
		"x-amz-security-token;x-amz-target, Signature="));
	assert_null(strcasestr(listener.request, "\r\nContent-Type:"));
	assert_string_equal(listener_body(&listener), "{}");
}

static void a_path_of_s3_keeps_its_dots_and_odd_letters(void **state)
{
	struct aws_request get = {
		.method = STR("GET"), .path = STR("/b/a//../\xc3\xa9 +"),
		.query = STR("list-type=2"), .answer_max_bytes = KIB,
	};

	(void)state;
	aws_client_close(client);
	assert_true(aws_client_open(&client, config, AWS_S3, &err));
	assert_true(aws_call(client, &get, arena, &answer, &err));
	assert_memory_equal(listener.request,
			    "GET /b/a//../%C3%A9%20%2B?list-type=2 HTTP/1.1",
			    46);
	assert_non_null(strstr(listener.request,
			       "\r\nX-Amz-Content-Sha256: e3b0c442"));
}

/* --- what comes back ----------------------------------------------------- */

static void an_error_for_good_is_the_callers(void **state)
{
	(void)state;
	listener.answer = BODY("400 No", "", "46",
			       "{\"__type\":\"x#ConditionalCheckFailedException\"}"
			       );
	assert_true(call());
	assert_int_equal(answer.status, 400);
	assert_true(str_is(answer.error_code,
			   "ConditionalCheckFailedException"));
	assert_int_equal(listener.requests, 1);
}

static void trouble_that_passes_is_not_seen(void **state)
{
	static const char *const answers[] = {
		ANSWER("500 Oops"), ANSWER("503 Oops"), ANSWER("200 OK"), NULL,
	};

	(void)state;
	listener.answers = answers;
	assert_true(call());
	assert_int_equal(answer.status, 200);
	assert_int_equal(listener.requests, 3);
	assert_int_equal(slept_ms, 25 + 50);
}

static void three_attempts_are_all(void **state)
{
	(void)state;
	listener.answer = THROTTLED;
	assert_false(call());
	assert_int_equal(listener.requests, AWS_ATTEMPTS);
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.cause, "dynamodb GetItem: throttled"));
	assert_non_null(strstr(err.cause, "ThrottlingException"));
	assert_non_null(strstr(err.cause, "request id R7"));
	assert_non_null(strstr(err.cause, "attempts 3"));
	assert_int_equal(slept_ms, 1000 + 2000);
}

static void a_damaged_answer_is_asked_for_again(void **state)
{
	static const char *const answers[] = {
		BODY("200 OK", "x-amz-crc32: 1\r\n", "2", "{}"),
		BODY("200 OK", "x-amz-crc32: 2745614147\r\n", "2", "{}"), NULL,
	};

	(void)state;
	listener.answers = answers;
	assert_true(call());
	assert_int_equal(listener.requests, 2);
}

static void a_dropped_answer_is_asked_for_again(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"
		"X: Connection: close\r\n\r\nhalf",
		ANSWER("200 OK"), NULL,
	};

	(void)state;
	listener.answers = answers;
	assert_true(call());
	assert_int_equal(listener.requests, 2);
}

static void an_answer_over_the_limit_is_asked_for_once(void **state)
{
	struct aws_request small = request;

	(void)state;
	small.answer_max_bytes = 1;
	listener.answer = BODY("200 OK", "", "2", "{}");
	assert_false(aws_call(client, &small, arena, &answer, &err));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.cause, "over its limit"));
	assert_int_equal(listener.requests, 1);
}

static void an_encoded_answer_is_refused(void **state)
{
	(void)state;
	listener.answer = BODY("200 OK", "content-encoding: gzip\r\n", "2",
			       "{}");
	assert_false(call());
	assert_non_null(strstr(err.cause, "Content-Encoding"));
	listener.answer = BODY("200 OK", "content-encoding: identity\r\n", "2",
			       "{}");
	assert_true(call());
}

static void a_redirect_is_no_answer(void **state)
{
	(void)state;
	listener.answer = BODY("307 Go", "Location: http://127.0.0.1:1/\r\n",
			       "0", "");
	assert_false(call());
	assert_int_equal(listener.requests, 1);
	assert_non_null(strstr(err.cause, "redirected"));
}

static void refused_credentials_are_said_once(void **state)
{
	(void)state;
	listener.answer = BODY("403 No", "", "40",
			       "<Code>InvalidClientTokenId</Code>        ");
	assert_false(call());
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.cause, "InvalidClientTokenId"));
	assert_null(strstr(err.cause, "wJalr"));
	assert_int_equal(listener.requests, 1);
}

/* --- clock --------------------------------------------------------------- */

static void a_clock_that_is_wrong_is_corrected_and_stays_so(void **state)
{
	static const char *const answers[] = {
		SKEWED("Tue, 24 Nov 2026 17:00:00 GMT"), ANSWER("200 OK"),
		NULL,
	};

	(void)state;
	listener.answers = answers;
	assert_true(call());
	assert_int_equal(listener.requests, 2);
	assert_non_null(strstr(listener.request,
			       "X-Amz-Date: 20261124T170000Z"));
	assert_int_equal(sleeps, 0);
	assert_true(call());
	assert_int_equal(listener.requests, 3);
}

static void a_clock_is_corrected_once_a_call(void **state)
{
	static const char *const answers[] = {
		SKEWED("Tue, 24 Nov 2026 17:00:00 GMT"),
		SKEWED("Tue, 24 Nov 2026 19:00:00 GMT"), NULL,
	};

	(void)state;
	listener.answers = answers;
	assert_false(call());
	assert_int_equal(listener.requests, 2);
}

static void a_signature_refused_at_the_right_time_is_final(void **state)
{
	(void)state;
	listener.answer = SKEWED("Tue, 24 Nov 2026 16:00:09 GMT");
	assert_false(call());
	assert_int_equal(listener.requests, 1);
}

/* --- time and quota ------------------------------------------------------ */

static void no_attempt_begins_after_the_deadline(void **state)
{
	(void)state;
	deadline_set_in(0);
	assert_false(call());
	assert_int_equal(listener.requests, 0);
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
}

static void a_wait_that_passes_the_deadline_is_not_begun(void **state)
{
	(void)state;
	listener.answer = THROTTLED;
	deadline_set_in(1500);
	assert_false(call());
	assert_int_equal(listener.requests, 2);
	assert_int_equal(slept_ms, 1000);
}

static void a_peer_that_fails_steadily_gets_no_storm(void **state)
{
	(void)state;
	listener.answer = ANSWER("500 Oops");
	for (unsigned i = 0; i < 1000; i++)
		assert_false(call());
	assert_int_equal(listener.requests, 1000 + AWS_QUOTA_FULL /
							   AWS_QUOTA_RETRY);
	listener.answer = ANSWER("200 OK");
	for (unsigned i = 0; i < AWS_QUOTA_RETRY; i++)
		assert_true(call());
	listener.answer = ANSWER("500 Oops");
	listener.requests = 0;
	assert_false(call());
	assert_int_equal(listener.requests, 2);
}

/* --- many at once -------------------------------------------------------- */

static void many_calls_are_each_answered(void **state)
{
	struct aws_request requests[MANY];
	struct aws_answer answers[MANY];

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		requests[i] = request;
		requests[i].path = str_from(arena_printf(arena, "/%zu", i));
	}
	listener.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
			  "X: Connection: close\r\n\r\n{}";
	assert_true(aws_call_many(client, requests, MANY, arena, answers,
				  &err));
	assert_int_equal(listener.requests, MANY);
	for (size_t i = 0; i < MANY; i++)
		assert_true(str_is(answers[i].body, "{}"));
	assert_true(aws_call_many(client, requests, 0, arena, answers, &err));
}

static void one_of_many_that_fails_is_named(void **state)
{
	struct aws_request requests[2] = { request, request };
	struct aws_answer answers[2];
	static const char *const script[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
		"X: Connection: close\r\n\r\n",
		ANSWER("403 No"), NULL,
	};

	(void)state;
	listener.answers = script;
	assert_false(aws_call_many(client, requests, 2, arena, answers, &err));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
}

static void a_connection_is_kept(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++)
		assert_true(call());
	assert_int_equal(listener.connections, 1);
}

/* --- settings ------------------------------------------------------------ */

static void assert_refused(const char *text, const char *setting)
{
	struct config *bad = test_config("%s", text);
	struct aws_client *none;

	error_init(&err);
	assert_false(aws_client_open(&none, bad, AWS_SNS, &err));
	assert_int_equal(err.code, ERROR_INTERNAL);
	assert_non_null(strstr(err.cause, setting));
	config_free(bad);
}

static void a_wrong_setting_is_named(void **state)
{
	(void)state;
	unsetenv("AWS_REGION");
	unsetenv("AWS_DEFAULT_REGION");
	setenv("AWS_CONFIG_FILE", "/nonexistent", 1);
	assert_refused("", "aws.region");
	assert_refused("aws.region = x.evil.example/\n", "aws.region");
	setenv("AWS_ENDPOINT_URL_SNS", "http://a@b", 1);
	assert_refused("aws.region = a\n", "AWS_ENDPOINT_URL_SNS");
	unsetenv("AWS_ENDPOINT_URL_SNS");
	setenv("AWS_ENDPOINT_URL", "ftp://b", 1);
	assert_refused("aws.region = a\n", "AWS_ENDPOINT_URL");
	unsetenv("AWS_ENDPOINT_URL");
}

static void without_credentials_a_call_is_unavailable(void **state)
{
	struct aws_client *nobody;

	(void)state;
	unsetenv("AWS_ACCESS_KEY_ID");
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
	setenv("AWS_CONFIG_FILE", "/nonexistent", 1);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	assert_true(aws_client_open(&nobody, config, AWS_DYNAMODB, &err));
	assert_false(aws_call(nobody, &request, arena, &answer, &err));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.cause, "credentials"));
	aws_client_close(nobody);
}

static void a_presigned_url_holds_what_a_link_needs(void **state)
{
	struct buf url;
	int64_t expires_ms;

	(void)state;
	buf_init(&url, arena, 4 * KIB);
	assert_true(aws_presigned_url(client, STR("/b/a key"), STR("x=1"), 60,
				      NOW_MS, arena, &url, &expires_ms, &err));
	assert_int_equal(expires_ms, NOW_MS + 60000);
	assert_memory_equal(url.ptr, listener.url, strlen(listener.url));
	assert_non_null(strstr(url.ptr, "/b/a%20key?X-Amz-Algorithm="));
	assert_non_null(strstr(url.ptr, "&X-Amz-Expires=60&"));
	assert_non_null(strstr(url.ptr, "&X-Amz-Security-Token=token&"));
	assert_non_null(strstr(url.ptr, "&x=1&X-Amz-Signature="));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_call_is_signed_and_sent_as_given),
		TEST(a_path_of_s3_keeps_its_dots_and_odd_letters),
		TEST(an_error_for_good_is_the_callers),
		TEST(trouble_that_passes_is_not_seen),
		TEST(three_attempts_are_all),
		TEST(a_damaged_answer_is_asked_for_again),
		TEST(a_dropped_answer_is_asked_for_again),
		TEST(an_answer_over_the_limit_is_asked_for_once),
		TEST(an_encoded_answer_is_refused),
		TEST(a_redirect_is_no_answer),
		TEST(refused_credentials_are_said_once),
		TEST(a_clock_that_is_wrong_is_corrected_and_stays_so),
		TEST(a_clock_is_corrected_once_a_call),
		TEST(a_signature_refused_at_the_right_time_is_final),
		TEST(no_attempt_begins_after_the_deadline),
		TEST(a_wait_that_passes_the_deadline_is_not_begun),
		TEST(a_peer_that_fails_steadily_gets_no_storm),
		TEST(many_calls_are_each_answered),
		TEST(one_of_many_that_fails_is_named),
		TEST(a_connection_is_kept),
		TEST(a_wrong_setting_is_named),
		TEST(without_credentials_a_call_is_unavailable),
		TEST(a_presigned_url_holds_what_a_link_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
