/*
 * http_client_test.c: does a POST arrive as it was given, and does trouble of
 * every kind come back as ERROR_UNAVAILABLE in time?
 */
#include "http_client_setup.h"

#include <sys/wait.h>

#include "base/clock.h"
#include "base/deadline.h"

#include "base/banned.h"

static const struct http_timeouts timeouts = { 2000, 4000 };
static const char *const no_headers[] = { NULL };

static struct buf answer;
static int status;

static int set_up(void **state)
{
	(void)state;
	open_client();
	buf_init(&answer, arena, 64 * KIB);
	status = 0;
	return 0;
}

static bool post(const char *url, struct str body)
{
	error_init(&err);
	return http_client_post(client, url, no_headers, body, timeouts,
				&status, &answer, &err);
}

static void headers_and_body_arrive_as_given(void **state)
{
	static const char *const headers[] = {
		"Content-Type: text/plain; charset=UTF-8", "X-A: b c", NULL,
	};

	(void)state;
	assert_true(http_client_post(client, arena_printf(arena, "%s/a/b?c=d",
							  listener.url),
				     headers, STR("line\r\n{\"x\":1}"),
				     timeouts, &status, &answer, &err));
	assert_int_equal(status, 200);
	assert_memory_equal(listener.request, "POST /a/b?c=d HTTP/1.1\r\n", 24);
	assert_non_null(strstr(listener.request,
			       "\r\nContent-Type: text/plain; charset=UTF-8\r\n"));
	assert_non_null(strstr(listener.request, "\r\nX-A: b c\r\n"));
	assert_null(strcasestr(listener.request, "\r\nExpect:"));
	assert_string_equal(listener_body(&listener), "line\r\n{\"x\":1}");
}

static void an_empty_body_is_sent_as_such(void **state)
{
	(void)state;
	assert_true(post(listener.url, (struct str){ NULL, 0 }));
	assert_non_null(strcasestr(listener.request,
				   "\r\nContent-Length: 0\r\n"));
}

static void a_large_body_is_sent_at_once(void **state)
{
	struct str body = { arena_zalloc(arena, 2 * MIB), 2 * MIB };
	int64_t start_ms = clock_boot_ms();

	(void)state;
	assert_true(post(listener.url, body));
	/* No second lost on "100 Continue". */
	assert_true(clock_boot_ms() - start_ms < 900);
}

static void the_answer_comes_whole(void **state)
{
	(void)state;
	listener.answer = "HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nlater";
	assert_true(post(listener.url, STR("x")));
	assert_int_equal(status, 503);
	assert_string_equal(answer.ptr, "later");
}

static void an_answer_over_the_limit_is_unavailable(void **state)
{
	(void)state;
	buf_init(&answer, arena, 4);
	listener.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlater";
	assert_false(post(listener.url, STR("x")));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
}

static void an_unwanted_answer_is_dropped_up_to_a_limit(void **state)
{
	char *large = arena_alloc(arena, 256 * KIB);
	int head = snprintf(large, 256 * KIB, "HTTP/1.1 200 OK\r\n"
			    "Content-Length: %u\r\n\r\n", 200 * KIB);

	(void)state;
	listener.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlater";
	assert_true(http_client_post(client, listener.url, no_headers,
				     STR("x"), timeouts, &status, NULL, &err));
	memset(large + head, 'x', 200 * KIB);
	large[(size_t)head + 200 * KIB] = '\0';
	listener.answer = large;
	assert_false(http_client_post(client, listener.url, no_headers,
				      STR("x"), timeouts, &status, NULL,
				      &err));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
}

static void a_redirect_is_an_answer_and_not_followed(void **state)
{
	(void)state;
	listener.answer = arena_printf(arena, "HTTP/1.1 307 Go\r\nLocation: "
				       "%s/other\r\nContent-Length: 0\r\n\r\n",
				       listener.url);
	assert_true(post(listener.url, STR("x")));
	assert_int_equal(status, 307);
	assert_int_equal(listener.requests, 1);
}

static void a_connection_is_kept(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_true(post(listener.url, STR("x")));
	assert_int_equal(listener.requests, 5);
	assert_int_equal(listener.connections, 1);
}

static void a_child_has_a_connection_of_its_own(void **state)
{
	int ended = -1;
	pid_t pid;

	(void)state;
	listener.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
			  "X: Connection: close\r\n\r\n";
	assert_true(post(listener.url, STR("x")));
	pid = fork();
	if (pid == 0) {
		/* As a child that draws a report does. */
		for (int fd = 3; fd < 256; fd++)
			close(fd);
		_exit(post(listener.url, STR("x")) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &ended, 0), pid);
	assert_int_equal(ended, 0);
	assert_int_equal(listener.connections, 2);
}

static void no_request_takes_longer_than_the_deadline(void **state)
{
	int64_t start_ms = clock_boot_ms();

	(void)state;
	/* Half an answer, and the rest never. */
	listener.answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
	deadline_set_in(300);
	assert_false(post(listener.url, STR("x")));
	assert_in_range(clock_boot_ms() - start_ms, 250, 2000);
	while (deadline_left_ms() > 0)	/* libcurl may end a moment before */
		usleep(1000);
	assert_false(post(listener.url, STR("x")));
	assert_int_equal(listener.requests, 1);
	deadline_clear();
}

static void a_connection_that_was_closed_is_made_again(void **state)
{
	(void)state;
	listener.answer = "HTTP/1.1 204 No\r\nConnection: close\r\n\r\n";
	assert_true(post(listener.url, STR("x")));
	assert_true(post(listener.url, STR("y")));
	assert_int_equal(listener.connections, 2);
}

static void no_proxy_is_asked(void **state)
{
	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	assert_true(post(listener.url, STR("x")));
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

static void other_schemes_are_refused(void **state)
{
	static const char *const urls[] = {
		"", "x", "://", "file:///etc/passwd", "ftp://127.0.0.1/",
		"gopher://127.0.0.1:25/_x", "smtp://127.0.0.1", "http://",
		"http://127.0.0.1:99999/",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		assert_false(post(urls[i], STR("x")));
		assert_int_equal(err.code, ERROR_UNAVAILABLE);
		assert_true(err.cause[0]);
	}
}

static void nobody_there_is_unavailable(void **state)
{
	struct http_listener gone;
	char url[64];

	(void)state;
	listener_start(&gone);
	memcpy(url, gone.url, sizeof(url));
	listener_stop(&gone);
	assert_false(post(url, STR("x")));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
}

static void an_answer_that_does_not_come_ends_in_time(void **state)
{
	static const struct http_timeouts soon = { 100, 200 };
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	socklen_t bytes = sizeof(address);
	CLEANUP(cleanup_fd) int fd = socket(AF_INET, SOCK_STREAM, 0);
	int64_t start_ms = clock_boot_ms();

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, bytes), 0);
	assert_int_equal(listen(fd, 1), 0);
	getsockname(fd, (struct sockaddr *)&address, &bytes);
	assert_false(http_client_post(client, arena_printf(arena,
			"http://127.0.0.1:%d/", ntohs(address.sin_port)),
			no_headers, STR("x"), soon, &status, NULL, &err));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_true(clock_boot_ms() - start_ms < 2000);
}

static void an_answer_that_is_no_http_is_unavailable(void **state)
{
	(void)state;
	listener.answer = "220 mail.example.org ESMTP\r\nConnection: close\r\n";
	assert_false(post(listener.url, STR("x")));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(headers_and_body_arrive_as_given),
		TEST(an_empty_body_is_sent_as_such),
		TEST(a_large_body_is_sent_at_once),
		TEST(the_answer_comes_whole),
		TEST(an_answer_over_the_limit_is_unavailable),
		TEST(an_unwanted_answer_is_dropped_up_to_a_limit),
		TEST(a_redirect_is_an_answer_and_not_followed),
		TEST(a_connection_is_kept),
		TEST(a_connection_that_was_closed_is_made_again),
		TEST(a_child_has_a_connection_of_its_own),
		TEST(no_request_takes_longer_than_the_deadline),
		TEST(no_proxy_is_asked),
		TEST(other_schemes_are_refused),
		TEST(nobody_there_is_unavailable),
		TEST(an_answer_that_does_not_come_ends_in_time),
		TEST(an_answer_that_is_no_http_is_unavailable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
