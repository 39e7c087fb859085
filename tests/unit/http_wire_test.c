/*
 * http_wire_test.c: does a request that may be sent twice arrive as it was
 * given, on a connection that is kept, and is every answer that is not simple
 * left to libcurl or refused?
 */
#include "http_client_setup.h"

#include <sys/wait.h>

#include "base/clock.h"
#include "base/deadline.h"
#include "http_client/http_wire.h"

#include "base/banned.h"

#define OK "HTTP/1.1 200 OK\r\n"

static const char *const fields[] = {
	"X-A: b; c;", "X-Empty;", NULL,
};

static struct http_client_request request;
static struct http_client_answer answer;

static int set_up(void **state)
{
	(void)state;
	open_client();
	request = (struct http_client_request){
		.method = "POST", .url = listener.url, .headers = fields,
		.body = STR("{}"), .timeouts = { 2000, 4000 },
		.answer_max_bytes = 64 * KIB, .may_repeat = true,
	};
	return 0;
}

static enum http_outcome call(void)
{
	http_client_call(client, &request, 1, arena, &answer);
	return answer.outcome;
}

static void a_request_arrives_as_given(void **state)
{
	(void)state;
	request.url = arena_printf(arena, "%s/a/b?c=d", listener.url);
	listener.answer = OK "X-B: c\r\nContent-Length: 4\r\n\r\nbody";
	assert_int_equal(call(), HTTP_ANSWERED);
	assert_string_equal(listener.request,
			    "POST /a/b?c=d HTTP/1.1\r\nX-A: b; c;\r\n"
			    "X-Empty:\r\nContent-Length: 2\r\n\r\n{}");
	assert_int_equal(answer.status, 200);
	assert_true(str_is(answer.body, "body"));
	assert_true(str_is(answer.headers,
			   "X-B: c\r\nContent-Length: 4\r\n"));
}

static void a_connection_is_kept(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(call(), HTTP_ANSWERED);
	assert_int_equal(listener.requests, 5);
	assert_int_equal(listener.connections, 1);
}

static void another_host_gets_another_connection(void **state)
{
	static struct http_listener other;

	(void)state;
	listener_start(&other);
	assert_int_equal(call(), HTTP_ANSWERED);
	request.url = other.url;
	assert_int_equal(call(), HTTP_ANSWERED);
	assert_int_equal(other.requests, 1);
	request.url = listener.url;
	assert_int_equal(call(), HTTP_ANSWERED);
	assert_int_equal(listener.connections, 2);
	listener_stop(&other);
}

static void a_peer_that_hung_up_is_called_again(void **state)
{
	(void)state;
	/* It hangs up without a word. */
	listener.answer = OK "Content-Length: 0\r\nX: Connection: close\r\n\r\n";
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(call(), HTTP_ANSWERED);
	assert_int_equal(listener.requests, 3);
	assert_int_equal(listener.connections, 3);
}

/* Whoever passes packets on between us and the peer may have forgotten it, and
 * says nothing. */
static void a_connection_that_was_idle_for_long_is_not_used(void **state)
{
	struct http_wire wire = { .multi = curl_multi_init() };

	(void)state;
	(void)http_wire_call(&wire, &request, arena, &answer);
	wire.used_ms -= 100 * 1000;
	(void)http_wire_call(&wire, &request, arena, &answer);
	assert_int_equal(listener.connections, 1);
	wire.used_ms -= 120 * 1000;
	(void)http_wire_call(&wire, &request, arena, &answer);
	http_wire_close(&wire);
	curl_multi_cleanup(wire.multi);
	assert_int_equal(answer.outcome, HTTP_ANSWERED);
	assert_int_equal(listener.requests, 3);
	assert_int_equal(listener.connections, 2);
}

static void what_comes_unasked_is_no_answer(void **state)
{
	(void)state;
	listener.answer = OK "Content-Length: 2\r\n\r\nok"
			  "HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n";
	assert_int_equal(call(), HTTP_ANSWERED);
	assert_true(str_is(answer.body, "ok"));
	listener.answer = ANSWER("201 Created");
	assert_int_equal(call(), HTTP_ANSWERED);
	assert_int_equal(answer.status, 201);
	assert_int_equal(listener.connections, 2);
}

static void chunks_are_left_to_libcurl(void **state)
{
	(void)state;
	listener.answer = OK "Transfer-Encoding: chunked\r\n\r\n"
			  "5\r\nlater\r\n0\r\n\r\n";
	assert_int_equal(call(), HTTP_ANSWERED);
	assert_true(str_is(answer.body, "later"));
	assert_int_equal(listener.requests, 2);
	assert_int_equal(call(), HTTP_ANSWERED);
	assert_int_equal(listener.requests, 3);
}

static void an_encoding_is_refused(void **state)
{
	(void)state;
	listener.answer = OK "Content-Encoding: gzip\r\n"
			  "Content-Length: 1\r\n\r\nx";
	assert_int_equal(call(), HTTP_ANSWER_REFUSED);
	assert_int_equal(listener.requests, 1);
}

static void the_answer_to_head_has_no_body(void **state)
{
	(void)state;
	request.method = "HEAD";
	request.body = (struct str){ NULL, 0 };
	listener.answer = OK "Content-Length: 9\r\n\r\n";
	assert_int_equal(call(), HTTP_ANSWERED);
	assert_int_equal(answer.body.len, 0);
	assert_true(str_is(answer.headers, "Content-Length: 9\r\n"));
	assert_null(strstr(listener.request, "Content-Length"));
}

static void an_answer_over_its_limit_is_refused(void **state)
{
	(void)state;
	request.answer_max_bytes = 4;
	listener.answer = OK "Content-Length: 4\r\n\r\nbody";
	assert_int_equal(call(), HTTP_ANSWERED);
	listener.answer = OK "Content-Length: 5\r\n\r\nlater";
	assert_int_equal(call(), HTTP_ANSWER_REFUSED);
	listener.answer = OK "Content-Length: 1099511627776\r\n\r\nx";
	assert_int_equal(call(), HTTP_ANSWER_REFUSED);
}

static void headers_over_their_limit_are_refused(void **state)
{
	char *large = arena_alloc(arena, 256 * KIB);

	(void)state;
	memset(large, 'x', 256 * KIB);
	memcpy(large, OK "X:", sizeof(OK "X:") - 1);
	large[100 * KIB] = '\0';
	listener.answer = large;
	assert_int_equal(call(), HTTP_ANSWER_REFUSED);
}

static void half_an_answer_ends_in_time(void **state)
{
	int64_t start_ms = clock_boot_ms();

	(void)state;
	listener.answer = OK "Content-Length: 9\r\n\r\nhalf";
	request.timeouts.total_ms = 300;
	assert_int_equal(call(), HTTP_NO_ANSWER);
	assert_string_equal(answer.failure, "no answer in time");
	assert_in_range(clock_boot_ms() - start_ms, 250, 2000);
	request.timeouts.total_ms = 4000;
	deadline_set_in(300);
	start_ms = clock_boot_ms();
	assert_int_equal(call(), HTTP_NO_ANSWER);
	assert_in_range(clock_boot_ms() - start_ms, 250, 2000);
	deadline_clear();
}

static void an_answer_that_breaks_off_is_none(void **state)
{
	(void)state;
	listener.answer = OK "X: Connection: close\r\n"
			  "Content-Length: 9\r\n\r\nhalf";
	assert_int_equal(call(), HTTP_NO_ANSWER);
	assert_int_equal(listener.requests, 1);
}

static void nobody_there_is_no_answer(void **state)
{
	struct http_listener gone;

	(void)state;
	listener_start(&gone);
	listener_stop(&gone);
	request.url = gone.url;
	assert_int_equal(call(), HTTP_NO_ANSWER);
	assert_true(answer.failure[0]);
}

static void a_large_body_arrives(void **state)
{
	(void)state;
	request.body = (struct str){ arena_zalloc(arena, MIB), MIB };
	assert_int_equal(call(), HTTP_ANSWERED);
	assert_int_equal(listener.requests, 1);
}

static void a_child_has_a_connection_of_its_own(void **state)
{
	int ended = -1;
	pid_t pid;

	(void)state;
	listener.answer = OK "Content-Length: 0\r\n"
			  "X: Connection: close\r\n\r\n";
	assert_int_equal(call(), HTTP_ANSWERED);
	pid = fork();
	if (pid == 0)
		_exit(call() == HTTP_ANSWERED ? 0 : 1);
	assert_int_equal(waitpid(pid, &ended, 0), pid);
	assert_int_equal(ended, 0);
	assert_int_equal(listener.connections, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_arrives_as_given),
		TEST(a_connection_is_kept),
		TEST(another_host_gets_another_connection),
		TEST(a_peer_that_hung_up_is_called_again),
		TEST(a_connection_that_was_idle_for_long_is_not_used),
		TEST(what_comes_unasked_is_no_answer),
		TEST(chunks_are_left_to_libcurl),
		TEST(an_encoding_is_refused),
		TEST(the_answer_to_head_has_no_body),
		TEST(an_answer_over_its_limit_is_refused),
		TEST(headers_over_their_limit_are_refused),
		TEST(half_an_answer_ends_in_time),
		TEST(an_answer_that_breaks_off_is_none),
		TEST(nobody_there_is_no_answer),
		TEST(a_large_body_arrives),
		TEST(a_child_has_a_connection_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
