/*
 * turn_test.c: what does the loop of a relay's process do between turns?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>

#include "base/config.h"
#include "relay/turn.h"

#include "base/banned.h"

#define LONG_LIST_BYTES (8u * MIB)
#define KEPT_BYTES (1u * MIB)

static unsigned turns;

static bool open_nothing(void **ret, const struct config *config,
			 struct error *err)
{
	(void)config, (void)err;
	*ret = NULL;
	return true;
}

static void close_nothing(void *state)
{
	(void)state;
}

static size_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (file && fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return (size_t)(pages * sysconf(_SC_PAGESIZE));
}

static void touch(char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i += 4096)
		bytes[i] = 1;
}

/* As after an outage: an answer of megabytes, read; then many small things,
 * and one among them that stays. */
static void read_long_list(struct turn *turn)
{
	static char *stays;
	char *answer = malloc(LONG_LIST_BYTES);

	touch(answer, LONG_LIST_BYTES);
	free(answer);
	for (size_t i = 0; i < LONG_LIST_BYTES / KIB; i++)
		touch(arena_alloc(turn->arena, KIB), KIB);
	stays = malloc(100);
	stays[0] = 1;
}

static bool take(void *state, struct turn *turn, struct error *err)
{
	static size_t before;

	(void)state, (void)err;
	turn_again_in(turn, 0);
	if (turns == 1)
		before = resident_bytes();
	if (turns >= 1 && turns < 4)
		read_long_list(turn);
	if (turns == 4) {
		if (resident_bytes() > before + KEPT_BYTES)
			_exit(9);
		raise(SIGTERM);
	}
	turns++;
	return true;
}

static const struct turn_job job = {
	.name = "test", .tick_ms = 1000,
	.open = open_nothing, .take = take, .close = close_nothing,
};

static void memory_of_a_long_list_is_given_back(void **state)
{
	static const struct turn_wires wires = { .wake = -1, .follower = -1 };
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		sigset_t term;

		sigemptyset(&term);
		sigaddset(&term, SIGTERM);
		sigprocmask(SIG_BLOCK, &term, NULL);
		_exit(turn_run(&job, NULL, &wires));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return 77;	/* what is freed is kept, to be found */
#endif
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_of_a_long_list_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
