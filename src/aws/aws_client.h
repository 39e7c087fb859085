/*
 * aws_client.h: calls to one AWS service (or an engine that speaks it), signed.
 *
 * Does for every call: credentials in the standard order with refresh before
 * they expire, SigV4, kept connections, time-outs within the request's
 * deadline, the standard retry (3 attempts, full jitter, retry quota),
 * clock-skew correction from the Date header, size limits, x-amz-crc32.
 * A client belongs to one thread and is opened after the fork.
 *
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
#ifndef AWS_AWS_CLIENT_H
#define AWS_AWS_CLIENT_H

#include "aws/aws_sigv4.h"
#include "base/config.h"

struct aws_client;

enum aws_service { AWS_DYNAMODB, AWS_S3, AWS_SNS, AWS_REKOGNITION };

struct aws_request {
	struct str method;	/* "POST" */
	struct str path;	/* decoded; "/" at least */
	struct str query;	/* raw, names and values percent-encoded */
	/* besides host, x-amz-date, x-amz-content-sha256 and the token */
	const struct aws_header *headers;
	size_t header_count;
	struct str body;
	size_t answer_max_bytes;
};

struct aws_answer {
	int status;
	struct str body;
	/* of an error: what follows '#' in __type, or <Code> of an XML answer;
	 * "" with 2xx */
	struct str error_code;
	struct str error_message;
	struct str request_id;	/* for the log; "" when none came */
	/* header block as received, "Name: value\r\n" each */
	struct str headers;
};

/* Region, endpoint and credentials from the configuration, the environment and
 * the shared files (aws_credentials.h). ERROR_INTERNAL names the setting. */
bool aws_client_open(struct aws_client **ret, const struct config *config,
		     enum aws_service service, struct error *err) MUST_CHECK;
void aws_client_close(struct aws_client *client);

/*
 * True when the service answered for good: 2xx, or an error that trying again
 * does not mend (the caller reads status and error_code). ERROR_UNAVAILABLE
 * with a cause (service, error code, request id, attempts) when it could not be
 * reached, throttled or failed to the end of attempts or deadline, or refused
 * our credentials. Every call may be repeated by the client: the caller makes
 * it idempotent.
 */
bool aws_call(struct aws_client *client, const struct aws_request *request,
	      struct arena *arena, struct aws_answer *ret,
	      struct error *err) MUST_CHECK;
/* `count` calls, at most 32 at a time, each as aws_call; ret[i] answers
 * requests[i]. False when one of them failed. */
bool aws_call_many(struct aws_client *client,
		   const struct aws_request *requests, size_t count,
		   struct arena *arena, struct aws_answer *ret,
		   struct error *err) MUST_CHECK;

/* Of its configuration; the host may be an engine's that is not AWS's. */
struct str aws_client_region(const struct aws_client *client);
struct str aws_client_host(const struct aws_client *client);

/* The value of a header of an answer, trimmed, or absent. */
struct str aws_answer_header(const struct aws_answer *answer, struct str name);
/* A presigned GET (S3), good until the earlier of now + valid_s and the
 * credentials' end. */
bool aws_presigned_url(struct aws_client *client, struct str path,
		       struct str query, unsigned valid_s, int64_t now_ms,
		       struct arena *arena, struct buf *ret_url,
		       int64_t *ret_expires_ms, struct error *err) MUST_CHECK;

/* What a test puts in place of the world. */
struct aws_client_hooks {
	int64_t (*now_ms)(void);
	uint32_t (*random)(void);
	void (*sleep_ms)(int64_t ms);
};
void aws_client_set_hooks(struct aws_client *client,
			  const struct aws_client_hooks *hooks);

#endif
