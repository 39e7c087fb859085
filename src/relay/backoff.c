/*
 * backoff.c: exponential limits and full jitter.
 */
#include "relay/backoff.h"

#include "base/crypto.h"

#include "base/banned.h"

int64_t backoff_limit_ms(unsigned attempt, int64_t base_ms, int64_t cap_ms)
{
	int64_t limit_ms = base_ms;

	while (attempt-- && limit_ms < cap_ms)
		limit_ms *= 2;
	return limit_ms < cap_ms ? limit_ms : cap_ms;
}

int64_t backoff_ms(unsigned attempt, int64_t base_ms, int64_t cap_ms)
{
	uint64_t random;

	random_bytes(&random, sizeof(random));
	return (int64_t)(random % ((uint64_t)backoff_limit_ms(attempt, base_ms,
							      cap_ms) + 1));
}
