/*
 * http_head_test.c: is an answer's head taken for what it says, and left alone
 * where it says more than we read ourselves?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "http_client/http_head.h"

#include "base/banned.h"

static struct http_head head;

static bool reads(const char *text)
{
	return http_head_read(&head, str_from(text));
}

static void status_length_and_fields_are_read(void **state)
{
	(void)state;
	assert_true(reads("HTTP/1.1 201 Created\r\nDate: today\r\n"
			  "content-length:  42 \r\nX: a:b\r\n"));
	assert_int_equal(head.status, 201);
	assert_int_equal(head.body_bytes, 42);
	assert_true(head.keeps);
	assert_true(str_is(head.fields, "Date: today\r\n"
					"content-length:  42 \r\nX: a:b\r\n"));
}

static void a_status_needs_no_phrase(void **state)
{
	(void)state;
	assert_true(reads("HTTP/1.1 200\r\nContent-Length: 0\r\n"));
	assert_true(reads("HTTP/1.1 200 \r\nContent-Length: 0\r\n"));
	assert_true(reads("HTTP/1.1 599 x y\r\nContent-Length: 0\r\n"));
}

static void some_statuses_have_no_body(void **state)
{
	(void)state;
	assert_true(reads("HTTP/1.1 204 No\r\n"));
	assert_int_equal(head.body_bytes, 0);
	assert_true(reads("HTTP/1.1 304 No\r\nContent-Length: 7\r\n"));
	assert_int_equal(head.body_bytes, 0);
}

static void a_connection_ends_when_the_peer_says_so(void **state)
{
	(void)state;
	assert_true(reads("HTTP/1.1 204 No\r\nConnection: Close\r\n"));
	assert_false(head.keeps);
	assert_true(reads("HTTP/1.1 204 No\r\nconnection: keep-alive, x\r\n"));
	assert_false(head.keeps);
	assert_true(reads("HTTP/1.1 204 No\r\nConnection: Keep-Alive\r\n"));
	assert_true(head.keeps);
}

static void an_encoding_that_is_none_is_no_matter(void **state)
{
	(void)state;
	assert_true(reads("HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\n"
			  "Content-Length: 1\r\n"));
	assert_false(head.is_encoded);
}

static void an_encoding_is_seen(void **state)
{
	(void)state;
	assert_true(reads("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n"
			  "Content-Length: 1\r\n"));
	assert_true(head.is_encoded);
}

static void what_is_not_simple_is_not_understood(void **state)
{
	static const char *const texts[] = {
		"", "\r\n", "HTTP/1.1 200 OK",
		"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n",
		"HTTP/2 200 OK\r\nContent-Length: 1\r\n",
		"HTTP/1.1 2000 OK\r\nContent-Length: 1\r\n",
		"HTTP/1.1 20 OK\r\nContent-Length: 1\r\n",
		"HTTP/1.1  20 K\r\nContent-Length: 1\r\n",
		"HTTP/1.1 100 Continue\r\nContent-Length: 1\r\n",
		"HTTP/1.1 600 OK\r\nContent-Length: 1\r\n",
		"220 mail.example.org ESMTP\r\n",
		"HTTP/1.1 200 OK\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 1\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\rX: y\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n folded: x\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n: x\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nno field\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nX: y\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
		("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		 "transfer-encoding: gzip\r\n"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (reads(texts[i]))
			fail_msg("%s", texts[i]);
	assert_false(http_head_read(&head, STR("HTTP/1.1 204 \0\r\n")));
	assert_false(http_head_read(&head, (struct str){ NULL, 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_length_and_fields_are_read),
		cmocka_unit_test(a_status_needs_no_phrase),
		cmocka_unit_test(some_statuses_have_no_body),
		cmocka_unit_test(a_connection_ends_when_the_peer_says_so),
		cmocka_unit_test(an_encoding_that_is_none_is_no_matter),
		cmocka_unit_test(an_encoding_is_seen),
		cmocka_unit_test(what_is_not_simple_is_not_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
