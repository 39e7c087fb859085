/*
 * aws_answer_fuzz.c: any bytes as what a service, an agent that lends
 * credentials or a shared file says. The input's first NUL parts headers from
 * body.
 *
 * Nothing that is read lies outside of what was given, and an error code is
 * never that of a success.
 */
#include "aws/aws_answer.h"
#include "aws/aws_lease.h"
#include "aws/aws_profile.h"
#include "aws/aws_retry.h"

#include "base/banned.h"

#define MAX_BYTES (64u * KIB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "aws_answer_fuzz: %s\n", what);
	abort();
}

static size_t touch(struct str text)
{
	size_t sum = 0;

	for (size_t i = 0; i < text.len; i++)
		sum += (unsigned char)text.ptr[i];
	return sum;
}

static void read_answer(struct str headers, struct str body,
			struct arena *arena)
{
	static const int statuses[] = { 200, 400, 403, 500, 0 };
	int64_t date_ms;

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct aws_answer answer = { .status = statuses[i],
					     .headers = headers,
					     .body = body };

		aws_answer_read(&answer, arena);
		check(answer.error_code.ptr && answer.error_message.ptr &&
			      answer.request_id.ptr, "a text is absent");
		touch(answer.error_code);
		touch(answer.error_message);
		touch(answer.request_id);
		check(statuses[i] != 200 || !answer.error_code.len,
		      "an error of a success");
		(void)aws_retry_judge(answer.status, answer.error_code);
		(void)aws_answer_is_whole(&answer);
		if (aws_answer_date(&answer, &date_ms))
			check(date_ms >= 0, "a time before time");
	}
}

static void read_lease(struct str body, struct arena *arena)
{
	struct aws_lease lease;
	struct error err;

	error_init(&err);
	if (aws_lease_from_json(&lease, body, arena, &err))
		check(lease.credentials.session_token.len && touch(
			      lease.credentials.access_key_id),
		      "a lease of nothing");
	error_init(&err);
	if (aws_lease_from_xml(&lease, body, arena, &err))
		check(lease.credentials.session_token.len && touch(
			      lease.credentials.access_key_id),
		      "a lease of nothing");
}

static void read_file(struct str text)
{
	touch(aws_profile_find(text, AWS_CONFIG_FILE, STR("desk"),
			       STR("region")));
	touch(aws_profile_find(text, AWS_CREDENTIALS_FILE, STR("default"),
			       STR("aws_access_key_id")));
	check(!aws_profile_find(text, AWS_CONFIG_FILE, STR("desk"),
				STR("region")).ptr ||
		      aws_profile_is_in(text, AWS_CONFIG_FILE, STR("desk")),
	      "a value of a profile that is not there");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	CLEANUP(cleanup_arena) struct arena *arena = arena_new("fuzz", 64 * MIB);
	/* Exactly as long as it is, for AddressSanitizer. */
	CLEANUP(cleanup_free) char *copy = malloc(bytes ? bytes : 1);
	struct str headers, body = { copy, bytes };

	if (bytes > MAX_BYTES || !copy)
		return 0;
	if (bytes)
		memcpy(copy, data, bytes);
	read_file(body);
	str_next(&body, '\0', &headers);
	read_answer(headers, body, arena);
	read_lease(body.ptr ? body : headers, arena);
	return 0;
}
