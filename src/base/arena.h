/*
 * arena.h: memory with one lifetime and a hard limit.
 *
 * One arena per request (or per turn of a loop). arena_alloc never returns
 * NULL: reaching the limit means that a limit on input is missing, and the
 * process stops with a message that names it. Nothing is freed one by one;
 * arena_reset ends all of it, keeps the first block, and poisons it under
 * AddressSanitizer.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/cleanup.h"
#include "base/str.h"

struct arena;

/* `name` is for the message at the limit; it must outlive the arena. */
struct arena *arena_new(const char *name, size_t max_bytes);
void arena_free(struct arena *arena);
void arena_reset(struct arena *arena);
size_t arena_used_bytes(const struct arena *arena);

/* Aligned for any type, not zeroed. */
void *arena_alloc(struct arena *arena, size_t bytes)
	__attribute__((malloc, returns_nonnull, alloc_size(2)));
/* Zeroed. */
void *arena_zalloc(struct arena *arena, size_t bytes)
	__attribute__((malloc, returns_nonnull, alloc_size(2)));
/* Grows in place when `old` was the last allocation, else copies. */
void *arena_grow(struct arena *arena, void *old, size_t old_bytes,
		 size_t new_bytes) __attribute__((returns_nonnull));
/* Copies, terminated. The struct str form has the same memory. */
char *arena_text(struct arena *arena, struct str from)
	__attribute__((returns_nonnull));
struct str arena_str(struct arena *arena, struct str from);
char *arena_printf(struct arena *arena, const char *fmt, ...)
	PRINTF_LIKE(2, 3) __attribute__((returns_nonnull));

static inline void cleanup_arena(struct arena **arena)
{
	arena_free(*arena);
}

#endif
