/*
 * aws_signed.h: a call of a service as the HTTP request that goes out, signed.
 * Pure.
 */
#ifndef AWS_AWS_SIGNED_H
#define AWS_AWS_SIGNED_H

#include "aws/aws_client.h"
#include "aws/aws_endpoint.h"
#include "http_client/http_client.h"

struct aws_signer {
	struct aws_endpoint endpoint;
	struct str service;		/* of the credential scope */
	bool is_s3;			/* S3's rule for paths */
	/* S3 insists on x-amz-content-sha256; DynamoDB makes its own. */
	bool sends_digest;
	struct aws_signing_key *key;
};

/* In the arena; time-outs and limits are left to the caller. */
void aws_signed_request(const struct aws_signer *signer,
			const struct aws_credentials *credentials,
			const struct aws_request *request, int64_t time_ms,
			struct arena *arena, struct http_client_request *ret);

/* "PutItem", "Publish", "GET /bucket/key": what the log calls it. */
struct str aws_action_name(const struct aws_request *request,
			   struct arena *arena);

#endif
