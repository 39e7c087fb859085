/*
 * pattern_test.c: does each pattern take the whole text, and only such a text?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/pattern.h"

#include "base/banned.h"

static void assert_all(enum pattern pattern, const char *const *texts,
		       size_t count, bool expected)
{
	for (size_t i = 0; i < count; i++) {
		if (pattern_matches(pattern, str_from(texts[i])) != expected)
			fail_msg("%s: %s", expected ? "refused" : "accepted",
				 texts[i]);
	}
}

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define L63 A60 "aaa"

static void addresses_are_accepted(void **state)
{
	static const char *const good[] = {
		"a@b.c", "ada@example.org", "a.b+c@x-y.example",
		"desk@localhost",
		"!#$%&'*+/=?^_`{|}~-@b.c", "1@2.de", "A@B.C",
		"a@xn--bcher-kva.ch",
		L63 "a@b.c", "a@" L63 ".c", "a@1a.b", "a@b.c1",
		/* 254 characters in all */
		"a@" L63 "." L63 "." L63 "." A60,
	};

	(void)state;
	assert_all(PATTERN_EMAIL, good, ARRAY_LEN(good), true);
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "a", "a@", "@b.c", "a@b", "a@b.c\n", "a@b..c", "a@.b.c",
		"a@b.c.", ".a@b.c", "a.@b.c", "a..b@c.d", "a b@c.d", "a@b c.d",
		" a@b.c", "a@b.c ", "a@@b.c", "a@b@c.d", "a@-b.c", "a@b-.c",
		"a@b.-c", "a@b.c-", "a@[127.0.0.1]", "a@127.0.0.1", "a@b.123",
		"\"a\"@b.c", "a<b@c.d", "a@b.c>", "a,b@c.d", "a@b_c.d",
		"a@localhost.", "a@localhosts", "a@b.c\r\nRCPT TO:<x@y.z>",
		"\xc3\xa4@b.c", "a@\xc3\xa4.c", L63 "aa@b.c", "a@" L63 "a.c",
		"a@" L63 "." L63 "." L63 "." A60 "a", "a(b)@c.d", "a:b@c.d",
		"a@b.c\\", "a;b@c.d", "localhost", "a\t@b.c",
	};

	(void)state;
	assert_all(PATTERN_EMAIL, bad, ARRAY_LEN(bad), false);
	assert_false(pattern_matches(PATTERN_EMAIL, STR("a@b.c\0")));
	assert_false(pattern_matches(PATTERN_EMAIL, STR("a\0@b.c")));
	assert_false(pattern_matches(PATTERN_EMAIL, (struct str){ NULL, 0 }));
}

static void article_numbers_have_a_small_alphabet(void **state)
{
	static const char *const good[] = { "A", "SHOE-42", "a/b.c_d-9",
					    L63 "a" };
	static const char *const bad[] = { "", "a b", "a\n", "\xc3\xa4",
					   L63 "aa", "a+b", "a\\b" };

	(void)state;
	assert_all(PATTERN_SKU, good, ARRAY_LEN(good), true);
	assert_all(PATTERN_SKU, bad, ARRAY_LEN(bad), false);
}

static void currencies_are_three_capitals(void **state)
{
	static const char *const good[] = { "EUR", "JPY" };
	static const char *const bad[] = { "", "EU", "EURO", "eur", "EUR\n",
					   "E R", "EU1" };

	(void)state;
	assert_all(PATTERN_CURRENCY, good, ARRAY_LEN(good), true);
	assert_all(PATTERN_CURRENCY, bad, ARRAY_LEN(bad), false);
}

#define A43 A10 A10 A10 A10 "a-_"

static void tokens_have_a_mark_and_43_characters(void **state)
{
	static const char *const good[] = { "om_" A43 };
	static const char *const bad[] = { "", "om_", A43, "om_" A43 "a",
					   "OM_" A43, "om_" A10, "om_" A43 "\n",
					   "om_" A10 A10 A10 A10 "a+b",
					   " om_" A43 };

	(void)state;
	assert_all(PATTERN_API_TOKEN, good, ARRAY_LEN(good), true);
	assert_all(PATTERN_API_TOKEN, bad, ARRAY_LEN(bad), false);
}

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define ZEROS "0000000000000000"

static void a_traceparent_is_of_version_00(void **state)
{
	static const char *const good[] = { "00-" TRACE "-" SPAN "-01",
					    "00-" TRACE "-" SPAN "-ff" };
	static const char *const bad[] = {
		"", "00-" TRACE "-" SPAN, "01-" TRACE "-" SPAN "-01",
		"00-" TRACE "-" SPAN "-01-x", "00-" TRACE "-" SPAN "-0",
		"00-" ZEROS ZEROS "-" SPAN "-01", "00-" TRACE "-" ZEROS "-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
		"00-" TRACE "-" SPAN "-01\n", "00_" TRACE "_" SPAN "_01",
	};

	(void)state;
	assert_all(PATTERN_TRACEPARENT, good, ARRAY_LEN(good), true);
	assert_all(PATTERN_TRACEPARENT, bad, ARRAY_LEN(bad), false);
}

static void certificates_have_one_name(void **state)
{
	static const char *const good[] = {
		"/SimpleNotificationService-"
		"01d088a6f77103d0fe307c0069e40ed6.pem",
	};
	static const char *const bad[] = {
		"", "/SimpleNotificationService-.pem",
		"/SimpleNotificationService-01.pem?x",
		"/SimpleNotificationService-01.pem\n",
		"/SimpleNotificationService-01xpem",
		"/SimpleNotificationService-0g.pem",
		"/SimpleNotificationService-01.PEM",
		"/x/SimpleNotificationService-01.pem",
		"/SimpleNotificationService-01/../x.pem",
		"SimpleNotificationService-01.pem",
	};

	(void)state;
	assert_all(PATTERN_SNS_CERTIFICATE_PATH, good, ARRAY_LEN(good), true);
	assert_all(PATTERN_SNS_CERTIFICATE_PATH, bad, ARRAY_LEN(bad), false);
}

static void media_types_are_two_tokens(void **state)
{
	static const char *const good[] = {
		"application/json", "text/plain", "image/svg+xml",
		"application/vnd.x.y-1", "*/*",
	};
	static const char *const bad[] = {
		"", "text", "text/", "/plain", "text/plain; charset=utf-8",
		"text/plain ", "text /plain", "text/plain\n", "a/b/c",
		"te\"xt/plain", "t\xc3\xa4/x",
	};

	(void)state;
	assert_all(PATTERN_MEDIA_TYPE, good, ARRAY_LEN(good), true);
	assert_all(PATTERN_MEDIA_TYPE, bad, ARRAY_LEN(bad), false);
}

/* What systemd's MemoryDenyWriteExecute=yes does to mmap and mprotect. */
static void deny_executable_memory(void)
{
	enum { PROT = offsetof(struct seccomp_data, args[2]) };
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PROT),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { ARRAY_LEN(code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
		_exit(77);
	if (mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		_exit(77);
}

/* Runs before the others, while nothing is compiled yet. */
static void patterns_work_where_memory_cannot_be_executed(void **state)
{
	pid_t child = fork();
	int status = 0;

	(void)state;
	if (!child) {
		deny_executable_memory();
		_exit(pattern_matches(PATTERN_EMAIL, STR("a@b.c")) &&
				      !pattern_matches(PATTERN_EMAIL,
						       STR("a@b..c")) ?
			      0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_work_where_memory_cannot_be_executed),
		cmocka_unit_test(addresses_are_accepted),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(article_numbers_have_a_small_alphabet),
		cmocka_unit_test(currencies_are_three_capitals),
		cmocka_unit_test(tokens_have_a_mark_and_43_characters),
		cmocka_unit_test(a_traceparent_is_of_version_00),
		cmocka_unit_test(certificates_have_one_name),
		cmocka_unit_test(media_types_are_two_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
