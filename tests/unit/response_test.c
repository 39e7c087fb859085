/*
 * response_test.c: is what is stored for a repeated key what was answered, and
 * can no header hold two?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "http/response.h"

#include "base/banned.h"

static struct arena *arena;
static struct response res;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new("response_test", 4 * MIB);
	response_init(&res, arena);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static void an_answer_begins_as_200_with_json(void **state)
{
	(void)state;
	assert_int_equal(res.status, 200);
	assert_string_equal(res.content_type, "application/json");
	assert_int_equal(res.headers.len + res.body.len, 0);
}

static void headers_are_lines(void **state)
{
	(void)state;
	response_header(&res, "Location", "/t/%d", 1);
	response_header(&res, "X", "%s", "");
	assert_string_equal(res.headers.ptr, "Location: /t/1\r\nX: \r\n");
}

static bool aborts(const char *value)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		/* no core, and no report of a crash that is wanted */
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		signal(SIGABRT, SIG_DFL);
		response_header(&res, "X", "%s", value);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void a_control_character_never_leaves(void **state)
{
	char *long_value = arena_zalloc(arena, 1025);

	(void)state;
	assert_true(aborts("a\r\nSet-Cookie: b"));
	assert_true(aborts("a\n"));
	assert_true(aborts("\x01"));
	assert_true(aborts("\x7f"));
	memset(long_value, 'x', 1024);
	assert_true(aborts(long_value));
	long_value[1023] = '\0';
	assert_false(aborts(long_value));
	assert_false(aborts("\u00e9 ok"));
}

static void a_sealed_answer_comes_back_as_it_was(void **state)
{
	struct response again;

	(void)state;
	res.status = 201;
	res.content_type = "text/plain";
	response_header(&res, "Location", "/t/1");
	buf_add_text(&res.body, "body");
	response_seal(&res);
	assert_int_equal(res.answer.status, 201);

	response_init(&again, arena);
	response_header(&again, "ETag", "left over");
	buf_add_text(&again.body, "left over");
	response_replay(&again, &res.answer);
	assert_int_equal(again.status, 201);
	assert_string_equal(again.content_type, "text/plain");
	assert_string_equal(again.headers.ptr,
			    "Location: /t/1\r\nIdempotent-Replayed: true\r\n");
	assert_string_equal(again.body.ptr, "body");
}

static bool gone(struct response *response)
{
	(void)response;
	return false;
}

static bool there(struct response *response)
{
	buf_reset(&response->body);
	return true;
}

static void a_client_that_went_away_is_an_error(void **state)
{
	struct error err;

	(void)state;
	error_init(&err);
	res.flush = there;
	assert_true(response_flush(&res, &err));
	res.flush = gone;
	assert_false(response_flush(&res, &err));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(an_answer_begins_as_200_with_json),
		TEST(headers_are_lines),
		TEST(a_control_character_never_leaves),
		TEST(a_sealed_answer_comes_back_as_it_was),
		TEST(a_client_that_went_away_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
