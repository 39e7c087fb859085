/*
 * arena_test.c: does memory with one lifetime keep its promises?
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/arena.h"

#include "base/banned.h"

static int setup(void **state)
{
	*state = arena_new("test", MIB);
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static void memory_is_aligned_and_apart(void **state)
{
	char *last = NULL;

	for (size_t bytes = 1; bytes < 3000; bytes += 7) {
		char *ptr = arena_alloc(*state, bytes);

		assert_int_equal((uintptr_t)ptr % 16, 0);
		memset(ptr, 0xaa, bytes);
		assert_ptr_not_equal(ptr, last);
		last = ptr;
	}
}

static void blocks_keep_what_was_written(void **state)
{
	unsigned *numbers[3000];

	for (unsigned i = 0; i < ARRAY_LEN(numbers); i++) {
		numbers[i] = arena_alloc(*state, 100);
		*numbers[i] = i;
	}
	for (unsigned i = 0; i < ARRAY_LEN(numbers); i++)
		assert_int_equal(*numbers[i], i);
	assert_true(arena_used_bytes(*state) >= 100 * ARRAY_LEN(numbers));
}

static void zeroed_memory_is_zero_also_after_a_reset(void **state)
{
	static const char zeros[5000];

	memset(arena_alloc(*state, 5000), 0xff, 5000);
	arena_reset(*state);
	assert_memory_equal(arena_zalloc(*state, 5000), zeros, 5000);
}

static void a_reset_starts_again_in_the_first_block(void **state)
{
	void *first = arena_alloc(*state, 10);

	arena_alloc(*state, 100 * KIB);
	arena_reset(*state);
	assert_int_equal(arena_used_bytes(*state), 0);
	assert_ptr_equal(arena_alloc(*state, 10), first);
}

static void the_last_allocation_grows_in_place(void **state)
{
	char *first = arena_alloc(*state, 10);
	char *grown;

	memset(first, 'a', 10);
	grown = arena_grow(*state, first, 10, 500);
	assert_ptr_equal(grown, first);
	memset(grown, 'b', 500);
	assert_ptr_equal(arena_grow(*state, grown, 500, 20), grown);
}

static void an_earlier_allocation_is_copied_when_it_grows(void **state)
{
	char *first = arena_alloc(*state, 10);
	char *grown;

	memset(first, 'a', 10);
	arena_alloc(*state, 1);
	grown = arena_grow(*state, first, 10, 500);
	assert_ptr_not_equal(grown, first);
	assert_memory_equal(grown, "aaaaaaaaaa", 10);
}

/* A body of 10 MiB must not need 20: a lone large piece moves its pages. */
static void a_large_piece_grows_without_using_twice_its_room(void **state)
{
	struct arena *arena = arena_new("large", 5 * MIB);
	size_t bytes = 64 * KIB;
	char *ptr = arena_alloc(arena, bytes);

	(void)state;
	ptr[0] = 'x';
	while (bytes < 4 * MIB) {
		ptr[bytes - 1] = 'y';
		ptr = arena_grow(arena, ptr, bytes, 2 * bytes);
		assert_int_equal(ptr[0], 'x');
		assert_int_equal(ptr[bytes - 1], 'y');
		bytes *= 2;
	}
	assert_true(arena_used_bytes(arena) >= 4 * MIB);
	arena_free(arena);
}

static void growing_from_nothing_allocates(void **state)
{
	char *ptr = arena_grow(*state, NULL, 0, 100);

	memset(ptr, 1, 100);
	assert_int_equal(ptr[99], 1);
}

static void texts_are_copied_and_terminated(void **state)
{
	char source[] = "abc";
	struct str copy = arena_str(*state, (struct str){ source, 2 });
	char *text = arena_text(*state, (struct str){ NULL, 0 });

	source[0] = 'X';
	assert_int_equal(copy.len, 2);
	assert_string_equal(copy.ptr, "ab");
	assert_string_equal(text, "");
	assert_null(arena_str(*state, (struct str){ NULL, 0 }).ptr);
	assert_non_null(arena_str(*state, STR("")).ptr);
	assert_string_equal(arena_printf(*state, "%d-%s", 7, "x"), "7-x");
	for (int len = 190; len < 210; len++)
		assert_int_equal(strlen(arena_printf(*state, "%0*d", len, 1)),
				 len);
}

static void use_too_much(struct arena *arena)
{
	for (;;)
		arena_alloc(arena, 1000);
}

static void ask_for_the_impossible(struct arena *arena)
{
	volatile size_t bytes = SIZE_MAX - 4;

	arena_alloc(arena, bytes);
}

static void grow_too_much(struct arena *arena)
{
	arena_grow(arena, arena_alloc(arena, 40 * KIB), 40 * KIB, 2 * MIB);
}

/* The signal that ends a child which calls `use`. */
static int signal_of(void (*use)(struct arena *), struct arena *arena)
{
	pid_t child = fork();
	int status = 0;

	if (!child) {
		const struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		use(arena);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void reaching_the_limit_stops_the_process(void **state)
{
	assert_int_equal(signal_of(use_too_much, *state), SIGABRT);
	assert_int_equal(signal_of(ask_for_the_impossible, *state), SIGABRT);
	assert_int_equal(signal_of(grow_too_much, *state), SIGABRT);
}

static void freeing_nothing_is_allowed(void **state)
{
	(void)state;
	arena_free(NULL);
}

#define IN_ARENA(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ARENA(memory_is_aligned_and_apart),
		IN_ARENA(blocks_keep_what_was_written),
		IN_ARENA(zeroed_memory_is_zero_also_after_a_reset),
		IN_ARENA(a_reset_starts_again_in_the_first_block),
		IN_ARENA(the_last_allocation_grows_in_place),
		IN_ARENA(an_earlier_allocation_is_copied_when_it_grows),
		IN_ARENA(a_large_piece_grows_without_using_twice_its_room),
		IN_ARENA(growing_from_nothing_allocates),
		IN_ARENA(texts_are_copied_and_terminated),
		IN_ARENA(reaching_the_limit_stops_the_process),
		IN_ARENA(freeing_nothing_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
