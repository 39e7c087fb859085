/*
 * backoff.h: how long to wait before the next attempt.
 *
 * Full jitter: a random time up to a limit that doubles, so that what failed
 * together does not come back together.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
#ifndef RELAY_BACKOFF_H
#define RELAY_BACKOFF_H

#include <stdint.h>

/* base · 2^attempt, at most cap; attempt from 0. */
int64_t backoff_limit_ms(unsigned attempt, int64_t base_ms, int64_t cap_ms);
/* Random, 0 to the limit. */
int64_t backoff_ms(unsigned attempt, int64_t base_ms, int64_t cap_ms);

#endif
