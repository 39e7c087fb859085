/*
 * aws_retry.c: the lists of error codes, jitter and quota.
 */
#include "aws/aws_retry.h"

#include "base/cleanup.h"
#include "base/banned.h"

#define WAIT_MAX_MS 20000

static const struct {
	enum aws_verdict verdict;
	const char *code;
} codes[] = {
	{ AWS_THROTTLED, "BandwidthLimitExceeded" },
	{ AWS_THROTTLED, "EC2ThrottledException" },
	{ AWS_THROTTLED, "LimitExceededException" },
	{ AWS_THROTTLED, "PriorRequestNotComplete" },
	{ AWS_THROTTLED, "ProvisionedThroughputExceededException" },
	{ AWS_THROTTLED, "RequestLimitExceeded" },
	{ AWS_THROTTLED, "RequestThrottled" },
	{ AWS_THROTTLED, "RequestThrottledException" },
	{ AWS_THROTTLED, "SlowDown" },
	{ AWS_THROTTLED, "ThrottledException" },
	{ AWS_THROTTLED, "Throttling" },
	{ AWS_THROTTLED, "ThrottlingException" },
	{ AWS_THROTTLED, "TooManyRequestsException" },
	{ AWS_THROTTLED, "TransactionInProgressException" },
	{ AWS_TRANSIENT, "InternalError" },
	{ AWS_TRANSIENT, "InternalServerError" },
	{ AWS_TRANSIENT, "RequestTimeout" },
	{ AWS_TRANSIENT, "RequestTimeoutException" },
	{ AWS_EXPIRED, "ExpiredToken" },
	{ AWS_EXPIRED, "ExpiredTokenException" },
	{ AWS_SKEWED, "AuthFailure" },
	{ AWS_SKEWED, "InvalidSignatureException" },
	{ AWS_SKEWED, "RequestExpired" },
	{ AWS_SKEWED, "RequestInTheFuture" },
	{ AWS_SKEWED, "RequestTimeTooSkewed" },
	{ AWS_SKEWED, "SignatureDoesNotMatch" },
	{ AWS_REFUSED, "AccessDenied" },
	{ AWS_REFUSED, "AccessDeniedException" },
	{ AWS_REFUSED, "AuthorizationError" },
	{ AWS_REFUSED, "IncompleteSignature" },
	{ AWS_REFUSED, "IncompleteSignatureException" },
	{ AWS_REFUSED, "InvalidAccessKeyId" },
	{ AWS_REFUSED, "InvalidClientTokenId" },
	{ AWS_REFUSED, "InvalidToken" },
	{ AWS_REFUSED, "MissingAuthenticationToken" },
	{ AWS_REFUSED, "MissingAuthenticationTokenException" },
	{ AWS_REFUSED, "OptInRequired" },
	{ AWS_REFUSED, "UnrecognizedClientException" },
};

enum aws_verdict aws_retry_judge(int status, struct str error_code)
{
	if (status / 100 == 2 || status == 304)
		return AWS_FINAL;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (str_is(error_code, codes[i].code))
			return codes[i].verdict;
	switch (status) {
	case 429:
		return AWS_THROTTLED;
	case 500: case 502: case 503: case 504:
		return AWS_TRANSIENT;
	case 401: case 403:
		return AWS_REFUSED;
	}
	return status / 100 == 3 ? AWS_MOVED : AWS_FINAL;
}

int64_t aws_retry_wait_ms(int base_ms, unsigned retry, uint32_t random)
{
	int64_t most_ms = retry < 16 ? (int64_t)base_ms << retry : WAIT_MAX_MS;

	if (most_ms > WAIT_MAX_MS)
		most_ms = WAIT_MAX_MS;
	return most_ms * random / UINT32_MAX;
}

bool aws_quota_take(struct aws_quota *quota, int cost)
{
	if (quota->tokens < cost)
		return false;
	quota->tokens -= cost;
	return true;
}

void aws_quota_give(struct aws_quota *quota, int tokens)
{
	quota->tokens += tokens;
	if (quota->tokens > AWS_QUOTA_FULL)
		quota->tokens = AWS_QUOTA_FULL;
}
