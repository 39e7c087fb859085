/*
 * arena.c: bump allocation in a few blocks; the first block is kept.
 *
 * The limit is held when a block is made, so that the usual allocation is one
 * comparison and one addition.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdalign.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
/* Poisoned bytes behind each allocation. */
#define GUARD_BYTES 16u
#else
#define ASAN_POISON_MEMORY_REGION(ptr, bytes) ((void)(ptr), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(ptr, bytes) ((void)(ptr), (void)(bytes))
#define GUARD_BYTES 0u
#endif

#include "base/banned.h"

#define ALIGNMENT alignof(max_align_t)
#define FIRST_BLOCK_BYTES (32u * KIB)
#define LARGEST_STEP_BYTES MIB

struct block {
	struct block *previous;
	size_t bytes;
	alignas(max_align_t) char data[];
};

struct arena {
	char *next;		/* free memory in the newest block */
	char *end;
	struct block *newest;
	struct block *first;
	size_t reserved_bytes;	/* of all blocks */
	size_t full_bytes;	/* used in all blocks but the newest */
	size_t max_bytes;
	const char *name;
};

static size_t stride(size_t bytes)
{
	return ((bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1)) + GUARD_BYTES;
}

_Noreturn static void stop(const char *name, size_t max_bytes)
{
	fprintf(stderr, "arena \"%s\": its limit of %zu bytes is reached, or "
		"the system has no memory\n", name, max_bytes);
	abort();
}

static void use_block(struct arena *arena, struct block *block)
{
	arena->newest = block;
	arena->next = block->data;
	arena->end = block->data + block->bytes;
	ASAN_POISON_MEMORY_REGION(block->data, block->bytes);
}

static void free_block(struct block *block)
{
	ASAN_UNPOISON_MEMORY_REGION(block->data, block->bytes);
	free(block);
}

/* A block of at least `needed` bytes; twice the last one when it may be. */
static void add_block(struct arena *arena, size_t needed)
{
	size_t left = arena->max_bytes - arena->reserved_bytes;
	size_t bytes = FIRST_BLOCK_BYTES;
	struct block *block;

	if (arena->newest)
		bytes = 2 * arena->newest->bytes;
	if (bytes > LARGEST_STEP_BYTES)
		bytes = LARGEST_STEP_BYTES;
	if (bytes > left)
		bytes = left;
	if (bytes < needed)
		bytes = needed;
	if (bytes > left)
		stop(arena->name, arena->max_bytes);
	block = malloc(sizeof(*block) + bytes);
	if (!block)
		stop(arena->name, arena->max_bytes);
	block->previous = arena->newest;
	block->bytes = bytes;
	if (arena->newest)
		arena->full_bytes = arena_used_bytes(arena);
	arena->reserved_bytes += bytes;
	use_block(arena, block);
}

struct arena *arena_new(const char *name, size_t max_bytes)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		stop(name, max_bytes);
	arena->name = name;
	arena->max_bytes = max_bytes;
	add_block(arena, 0);
	arena->first = arena->newest;
	return arena;
}

void arena_reset(struct arena *arena)
{
	while (arena->newest != arena->first) {
		struct block *block = arena->newest;

		arena->newest = block->previous;
		free_block(block);
	}
	arena->reserved_bytes = arena->first->bytes;
	arena->full_bytes = 0;
	use_block(arena, arena->first);
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	arena_reset(arena);
	free_block(arena->first);
	free(arena);
}

size_t arena_used_bytes(const struct arena *arena)
{
	return arena->full_bytes +
	       (size_t)(arena->next - arena->newest->data);
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	void *ptr;

	/* Also keeps stride() from wrapping round. */
	if (bytes > arena->max_bytes)
		stop(arena->name, arena->max_bytes);
	if (stride(bytes) > (size_t)(arena->end - arena->next))
		add_block(arena, stride(bytes));
	ptr = arena->next;
	arena->next += stride(bytes);
	ASAN_UNPOISON_MEMORY_REGION(ptr, bytes);
	return ptr;
}

void *arena_zalloc(struct arena *arena, size_t bytes)
{
	return memset(arena_alloc(arena, bytes), 0, bytes);
}

/* `old` is alone in its block: let the system move pages instead of bytes. */
static void *grow_block(struct arena *arena, size_t new_bytes)
{
	struct block *block = arena->newest;
	size_t bytes = stride(new_bytes);

	if (bytes - block->bytes > arena->max_bytes - arena->reserved_bytes)
		stop(arena->name, arena->max_bytes);
	ASAN_UNPOISON_MEMORY_REGION(block->data, block->bytes);
	block = realloc(block, sizeof(*block) + bytes);
	if (!block)
		stop(arena->name, arena->max_bytes);
	arena->reserved_bytes += bytes - block->bytes;
	block->bytes = bytes;
	use_block(arena, block);
	arena->next += bytes;
	ASAN_UNPOISON_MEMORY_REGION(block->data, new_bytes);
	return block->data;
}

void *arena_grow(struct arena *arena, void *old, size_t old_bytes,
		 size_t new_bytes)
{
	void *ptr;

	if (new_bytes <= old_bytes)
		return old;
	if (new_bytes > arena->max_bytes)
		stop(arena->name, arena->max_bytes);
	if (old && (char *)old + stride(old_bytes) == arena->next) {
		size_t more = stride(new_bytes) - stride(old_bytes);

		if (more <= (size_t)(arena->end - arena->next)) {
			arena->next += more;
			ASAN_UNPOISON_MEMORY_REGION(old, new_bytes);
			return old;
		}
		if (old == arena->newest->data && arena->newest != arena->first)
			return grow_block(arena, new_bytes);
	}
	ptr = arena_alloc(arena, new_bytes);
	if (old_bytes)
		memcpy(ptr, old, old_bytes);
	return ptr;
}

char *arena_text(struct arena *arena, struct str from)
{
	char *text = arena_alloc(arena, from.len + 1);

	if (from.len)
		memcpy(text, from.ptr, from.len);
	text[from.len] = '\0';
	return text;
}

struct str arena_str(struct arena *arena, struct str from)
{
	if (!from.ptr)
		return from;
	return (struct str){ arena_text(arena, from), from.len };
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	char first[200];
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vsnprintf(first, sizeof(first), fmt, args);
	va_end(args);
	if (len < 0)
		stop(arena->name, arena->max_bytes);
	if ((size_t)len < sizeof(first))
		return arena_text(arena, (struct str){ first, (size_t)len });
	text = arena_alloc(arena, (size_t)len + 1);
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return text;
}
