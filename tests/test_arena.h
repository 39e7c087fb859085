/*
 * test_arena.h: an arena and an error, new for each TEST(name). Included behind
 * ours, whose inline functions have an `err` too.
 */
#ifndef TEST_ARENA_H
#define TEST_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/error.h"

static struct arena *arena;
static struct error err;

static int open_arena(void **state)
{
	(void)state;
	arena = arena_new("test", 512 * MIB);
	error_init(&err);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, open_arena, close_arena)

#endif
