/*
 * aws_retry_test.c: is each answer worth what AWS says it is, and is there an
 * end to trying?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aws/aws_retry.h"

#include "base/banned.h"

static enum aws_verdict judge(int status, const char *code)
{
	return aws_retry_judge(status, str_from(code));
}

static void an_answer_for_good_is_the_callers(void **state)
{
	(void)state;
	assert_int_equal(judge(200, ""), AWS_FINAL);
	assert_int_equal(judge(304, ""), AWS_FINAL);
	assert_int_equal(judge(404, "NoSuchKey"), AWS_FINAL);
	assert_int_equal(judge(412, "PreconditionFailed"), AWS_FINAL);
	assert_int_equal(judge(400, "ValidationException"), AWS_FINAL);
	assert_int_equal(judge(400, "TransactionCanceledException"), AWS_FINAL);
	assert_int_equal(judge(400, ""), AWS_FINAL);
	assert_int_equal(judge(501, "NotImplemented"), AWS_FINAL);
}

static void trouble_of_the_service_is_tried_again(void **state)
{
	(void)state;
	assert_int_equal(judge(500, ""), AWS_TRANSIENT);
	assert_int_equal(judge(502, ""), AWS_TRANSIENT);
	assert_int_equal(judge(503, ""), AWS_TRANSIENT);
	assert_int_equal(judge(504, ""), AWS_TRANSIENT);
	assert_int_equal(judge(500, "InternalServerError"), AWS_TRANSIENT);
	assert_int_equal(judge(400, "RequestTimeout"), AWS_TRANSIENT);
}

static void throttling_is_told_by_its_code(void **state)
{
	(void)state;
	assert_int_equal(judge(400, "ThrottlingException"), AWS_THROTTLED);
	assert_int_equal(judge(400, "ProvisionedThroughputExceededException"),
			 AWS_THROTTLED);
	assert_int_equal(judge(503, "SlowDown"), AWS_THROTTLED);
	assert_int_equal(judge(429, ""), AWS_THROTTLED);
}

static void credentials_and_clock_have_their_own_cures(void **state)
{
	(void)state;
	assert_int_equal(judge(403, "ExpiredToken"), AWS_EXPIRED);
	assert_int_equal(judge(400, "ExpiredTokenException"), AWS_EXPIRED);
	assert_int_equal(judge(403, "RequestTimeTooSkewed"), AWS_SKEWED);
	assert_int_equal(judge(400, "InvalidSignatureException"), AWS_SKEWED);
	assert_int_equal(judge(400, "UnrecognizedClientException"),
			 AWS_REFUSED);
	assert_int_equal(judge(403, ""), AWS_REFUSED);
	assert_int_equal(judge(307, "TemporaryRedirect"), AWS_MOVED);
}

static void the_wait_doubles_and_ends_at_twenty_seconds(void **state)
{
	(void)state;
	assert_int_equal(aws_retry_wait_ms(50, 0, UINT32_MAX), 50);
	assert_int_equal(aws_retry_wait_ms(50, 1, UINT32_MAX), 100);
	assert_int_equal(aws_retry_wait_ms(1000, 5, UINT32_MAX), 20000);
	assert_int_equal(aws_retry_wait_ms(50, 40, UINT32_MAX), 20000);
}

static void jitter_is_full(void **state)
{
	(void)state;
	assert_int_equal(aws_retry_wait_ms(1000, 0, 0), 0);
	assert_int_equal(aws_retry_wait_ms(1000, 0, UINT32_MAX / 2), 499);
}

static void a_quota_that_is_spent_allows_no_retry(void **state)
{
	struct aws_quota quota = { 12 };

	(void)state;
	assert_true(aws_quota_take(&quota, AWS_QUOTA_TIMEOUT));
	assert_false(aws_quota_take(&quota, AWS_QUOTA_RETRY));
	assert_int_equal(quota.tokens, 2);
}

static void what_comes_back_fills_the_quota_and_no_more(void **state)
{
	struct aws_quota quota = { AWS_QUOTA_FULL - 5 };

	(void)state;
	aws_quota_give(&quota, 1);
	assert_int_equal(quota.tokens, AWS_QUOTA_FULL - 4);
	aws_quota_give(&quota, 10);
	assert_int_equal(quota.tokens, AWS_QUOTA_FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_for_good_is_the_callers),
		cmocka_unit_test(trouble_of_the_service_is_tried_again),
		cmocka_unit_test(throttling_is_told_by_its_code),
		cmocka_unit_test(credentials_and_clock_have_their_own_cures),
		cmocka_unit_test(the_wait_doubles_and_ends_at_twenty_seconds),
		cmocka_unit_test(jitter_is_full),
		cmocka_unit_test(a_quota_that_is_spent_allows_no_retry),
		cmocka_unit_test(what_comes_back_fills_the_quota_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
