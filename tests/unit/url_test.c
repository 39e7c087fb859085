/*
 * url_test.c: does a URL that only looks like this machine's pass for it?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/url.h"

#include "base/banned.h"

static void this_machine_is_known_by_name_and_address(void **state)
{
	static const char *const here[] = {
		"http://localhost", "http://localhost:8080/a@b",
		"http://127.0.0.1", "http://127.1.2.3:1/x", "http://[::1]",
		"http://[::1]:9000/keys",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(here); i++)
		if (!url_is_http_to_here(str_from(here[i])))
			fail_msg("elsewhere: %s", here[i]);
}

static void what_looks_like_it_is_elsewhere(void **state)
{
	static const char *const elsewhere[] = {
		"", "http://", "https://localhost", "ftp://localhost",
		"localhost", "http://localhost.example.org",
		"http://localhost@example.org",
		"http://localhost:80@example.org", "http://localhost:80.a",
		"http://127.0.0.1.example.org", "http://127.0.0.1@a",
		"http://127.0.0.1?@a", "http://127.0.0.1#a", "http://[::1]a",
		"http://[::10]", "http://a@127.0.0.1", "http:///localhost",
		"http://1127.0.0.1", "http://example.org/localhost",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
		if (url_is_http_to_here(str_from(elsewhere[i])))
			fail_msg("here: %s", elsewhere[i]);
	assert_false(url_is_http_to_here(STR("http://127.0.0.1\0.a")));
	assert_false(url_is_http_to_here((struct str){ NULL, 0 }));
}

static void a_host_is_compared_whole(void **state)
{
	(void)state;
	assert_true(url_is_http_to(STR("http://10.0.0.1:80/a"), "10.0.0.1"));
	assert_true(url_is_http_to(STR("http://10.0.0.1"), "10.0.0.1"));
	assert_false(url_is_http_to(STR("http://10.0.0.12"), "10.0.0.1"));
	assert_false(url_is_http_to(STR("http://10.0.0.1:8x"), "10.0.0.1"));
	assert_false(url_is_http_to(STR("https://10.0.0.1"), "10.0.0.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_machine_is_known_by_name_and_address),
		cmocka_unit_test(what_looks_like_it_is_elsewhere),
		cmocka_unit_test(a_host_is_compared_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
