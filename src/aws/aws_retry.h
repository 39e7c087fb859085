/*
 * aws_retry.h: which answers are worth another try, when, and how many tries a
 * client may spend. Pure.
 *
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
#ifndef AWS_AWS_RETRY_H
#define AWS_AWS_RETRY_H

#include "base/str.h"

#define AWS_ATTEMPTS 3u

enum aws_verdict {
	AWS_FINAL,		/* an answer the caller reads */
	AWS_TRANSIENT,		/* the service failed */
	AWS_THROTTLED,
	AWS_EXPIRED,		/* our credentials have */
	AWS_SKEWED,		/* our clock, or so it seems: see the Date */
	AWS_REFUSED,		/* our credentials, or what they may do */
	AWS_MOVED,		/* a redirect: the wrong region */
};

/* By status and error code ("" when there is none). */
enum aws_verdict aws_retry_judge(int status, struct str error_code);

/* Full jitter: before retry 0, 1, … up to base_ms × 2^retry, at most 20 s.
 * `random` is any 32 bits. */
int64_t aws_retry_wait_ms(int base_ms, unsigned retry, uint32_t random);

/* Retries cost tokens, successes bring them back: a peer that fails steadily
 * soon gets one call for each, and no more. */
#define AWS_QUOTA_FULL 500
#define AWS_QUOTA_RETRY 5
#define AWS_QUOTA_TIMEOUT 10	/* when no answer came */
#define AWS_QUOTA_SUCCESS 1

struct aws_quota {
	int tokens;
};

bool aws_quota_take(struct aws_quota *quota, int cost);
void aws_quota_give(struct aws_quota *quota, int tokens);

#endif
