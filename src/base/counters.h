/*
 * counters.h: what one program counts, in a small file that its processes map
 * and any other process may read: GET /metrics sums nothing and asks nobody.
 *
 * All processes of a program count in the same file, without a lock (relaxed
 * atomic additions, some nanoseconds each). The file outlives the program, so
 * that a restart goes on counting; it lies in a folder that a reboot may empty.
 * A lock on the file, which every process holds while it lives, says whether
 * any of them does.
 */
#ifndef BASE_COUNTERS_H
#define BASE_COUNTERS_H

#include "base/arena.h"
#include "base/error.h"

/* Upper bounds of a request's duration in µs; the last one holds the rest. */
#define COUNTERS_BOUNDS_US \
	{ 100, 500, 1000, 5000, 10000, 50000, 100000, 500000, 1000000, 5000000 }
#define COUNTERS_BUCKETS 11u
#define COUNTERS_CLASSES 6u	/* of a status: [2] is 2xx */

struct counters {
	char magic[8];
	uint64_t requests[COUNTERS_CLASSES];
	uint64_t buckets[COUNTERS_BUCKETS];	/* each for itself */
	uint64_t duration_us;			/* of all requests */
	uint64_t problems[ERROR_CODE_COUNT];
	uint64_t starts;			/* of the program */
	uint64_t workers;			/* now; not a sum */
	uint64_t restarts;			/* of its workers */
};

struct counters_copy {
	const char *name;
	bool up;		/* a process of the program lives */
	struct counters counters;
};

/*
 * Maps <folder>/<name>, making both when they are not there, and counts a start
 * of the program. Never NULL: when
 * the file cannot be had, `err` says why and what is counted is seen by nobody.
 * Forked processes share the mapping; it ends with them.
 */
struct counters *counters_open(const char *folder, const char *name,
			       struct error *err);

static inline void counters_add(uint64_t *counter, uint64_t amount)
{
	__atomic_fetch_add(counter, amount, __ATOMIC_RELAXED);
}

static inline uint64_t counters_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static inline void counters_set(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

/* One request that was answered; ERROR_NONE where it was no problem. */
void counters_note(struct counters *counters, int status,
		   enum error_code problem, int64_t duration_us);

/* Every program's counters in `folder`, by name; none when it cannot be read.
 * A file that is no counters file of this version is left out. */
void counters_read(const char *folder, struct arena *arena,
		   struct counters_copy **ret, size_t *ret_count);

#endif
