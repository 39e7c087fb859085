/*
 * jail_test.c: what can a process in the jail still do, and what ends it?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "recognizer/jail.h"

#include "base/banned.h"

#define NOT_JAILED 99

/* Runs it in a jailed child; its exit status, or minus the signal. */
static int in_jail(int (*what)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct error err;

		error_init(&err);
		_exit(jail_enter(&err) ? what() : NOT_JAILED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int compute(void)
{
	uint8_t *memory = malloc(8 * MIB);

	if (!memory)
		return 1;
	memset(memory, 7, 8 * MIB);
	free(memory);
	return 0;
}

static int take_too_much(void)
{
	errno = 0;
	return malloc(JAIL_MEMORY_BYTES) ? 1 : errno == ENOMEM ? 0 : 2;
}

static int open_file(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0;
}

static int connect_somewhere(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static int run_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return 1;
}

static int make_process(void)
{
	return fork() >= 0;
}

static int make_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static int turn_into_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ||
	       mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
}

static int map_file(void)
{
	return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 0, 0) != MAP_FAILED;
}

static int kill_parent(void)
{
	return kill(getppid(), 0);
}

static void computing_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(in_jail(compute), 0);
}

static void anything_else_is_the_end(void **state)
{
	static int (*const forbidden[])(void) = {
		open_file, connect_somewhere, run_program, make_process,
		make_code, turn_into_code, map_file, kill_parent,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
		if (in_jail(forbidden[i]) != -SIGSYS)
			fail_msg("call %zu is allowed", i);
}

static void memory_has_an_end(void **state)
{
	(void)state;
	assert_int_equal(in_jail(take_too_much), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(computing_is_allowed),
		cmocka_unit_test(anything_else_is_the_end),
		cmocka_unit_test(memory_has_an_end),
	};

	if (JAIL_IS_OPEN) {
		puts("AddressSanitizer needs what the jail forbids");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
