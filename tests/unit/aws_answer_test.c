/*
 * aws_answer_test.c: is an error read in every form in which it comes, and a
 * damaged answer told from a whole one?
 */
#include "aws/aws_answer.h"
#include "test_arena.h"

#include "base/banned.h"

static struct aws_answer answer;

static void given(int status, const char *headers, const char *body)
{
	answer = (struct aws_answer){ .status = status,
				      .headers = str_from(headers),
				      .body = str_from(body) };
	aws_answer_read(&answer, arena);
}

static void assert_read(const char *code, const char *message, const char *id)
{
	assert_true(str_is(answer.error_code, code));
	assert_true(str_is(answer.error_message, message));
	assert_true(str_is(answer.request_id, id));
}

static void json_names_its_type_with_or_without_a_prefix(void **state)
{
	(void)state;
	given(400, "x-amzn-RequestId: R1\r\n",
	     "{\"__type\":\"com.amazonaws.dynamodb.v20120810#"
	     "ConditionalCheckFailedException\",\"message\":\"no\"}");
	assert_read("ConditionalCheckFailedException", "no", "R1");
	given(400, "", "{\"__type\":\"ThrottlingException\",\"Message\":\"m\"}");
	assert_read("ThrottlingException", "m", "");
}

static void xml_is_read_whatever_the_service(void **state)
{
	(void)state;
	given(403, "", "<?xml version=\"1.0\"?>\n<ErrorResponse><Error>"
	     "<Type>Sender</Type><Code>InvalidClientTokenId</Code>"
	     "<Message>bad key</Message></Error><RequestId>abc</RequestId>"
	     "</ErrorResponse>");
	assert_read("InvalidClientTokenId", "bad key", "abc");
	given(404, "X-Amz-Request-Id: tx1\r\n",
	     "<Error><Code>NoSuchKey</Code></Error>");
	assert_read("NoSuchKey", "", "tx1");
}

static void a_header_may_name_the_type(void **state)
{
	(void)state;
	given(400, "x-amzn-ErrorType: AccessDeniedException:http://x/y\r\n",
	     "{}");
	assert_read("AccessDeniedException", "", "");
}

static void success_has_no_error(void **state)
{
	(void)state;
	given(200, "x-amzn-requestid: R\r\n", "{\"__type\":\"x\"}");
	assert_read("", "", "R");
}

static void broken_bodies_give_no_code(void **state)
{
	static const char *const bodies[] = {
		"", "{", "{\"__type\":", "{\"__type\":7}", "<Code>", "<Code",
		"</Code><Code>", "\xff", "{\"__type\":\"\"}", "[]", "#", ":",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		given(500, ":\r\n\r\nx\n", bodies[i]);
		assert_read("", "", "");
	}
}

static void a_header_is_found_in_any_case(void **state)
{
	(void)state;
	given(200, "ETag:  \"a\" \r\nEmpty:\r\nNo colon\r\n", "");
	assert_true(str_is(aws_answer_header(&answer, STR("etag")), "\"a\""));
	assert_true(str_is(aws_answer_header(&answer, STR("EMPTY")), ""));
	assert_null(aws_answer_header(&answer, STR("tag")).ptr);
	assert_null(aws_answer_header(&answer, STR("No colon")).ptr);
}

static void a_wrong_checksum_is_seen(void **state)
{
	(void)state;
	/* The check value of CRC-32/ISO-HDLC. */
	given(200, "x-amz-crc32: 3421780262\r\n", "123456789");
	assert_true(aws_answer_is_whole(&answer));
	given(200, "x-amz-crc32: 3421780262\r\n", "12345678");
	assert_false(aws_answer_is_whole(&answer));
	given(200, "x-amz-crc32: none\r\n", "");
	assert_false(aws_answer_is_whole(&answer));
	given(200, "", "anything");
	assert_true(aws_answer_is_whole(&answer));
}

static void a_date_is_read_or_refused(void **state)
{
	int64_t date_ms;

	(void)state;
	/* The example of RFC 9110, 5.6.7. */
	given(200, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "");
	assert_true(aws_answer_date(&answer, &date_ms));
	assert_int_equal(date_ms, 784111777000ll);
	given(200, "Date: Sun, 06 Nox 1994 08:49:37 GMT\r\n", "");
	assert_false(aws_answer_date(&answer, &date_ms));
	given(200, "Date: yesterday\r\n", "");
	assert_false(aws_answer_date(&answer, &date_ms));
	given(200, "", "");
	assert_false(aws_answer_date(&answer, &date_ms));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(json_names_its_type_with_or_without_a_prefix),
		TEST(xml_is_read_whatever_the_service),
		TEST(a_header_may_name_the_type),
		TEST(success_has_no_error),
		TEST(broken_bodies_give_no_code),
		TEST(a_header_is_found_in_any_case),
		TEST(a_wrong_checksum_is_seen),
		TEST(a_date_is_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
