/*
 * s3.h: what the two halves of the S3 archive share: objects
 * (object_archive_s3.c) and the bucket itself (s3_bucket.c).
 */
#ifndef ADAPTERS_S3_H
#define ADAPTERS_S3_H

#include <sys/types.h>

#include "aws/aws_client.h"
#include "ports/object_archive.h"

#define S3_CHECKSUM_BYTES 44	/* base64 of SHA-256 */
#define S3_ANSWER_MAX_BYTES (64u * KIB)

struct s3 {
	struct object_archive base;
	const struct config *config;
	struct aws_client *client;
	pid_t opened_by;
	const char *bucket;
	const char *encryption;		/* "none", "AES256", "aws:kms" */
	const char *kms_key, *owner;
};

/* One call on `key` ("" for the bucket). The headers get the owner that is
 * expected. As aws_call. */
bool s3_call(struct s3 *s3, struct str key, struct aws_request *request,
	     struct arena *arena, struct aws_answer *ret,
	     struct error *err) MUST_CHECK;
/* An answer that is none of those expected: ERROR_UNAVAILABLE that names step,
 * key, status, code and request id. Always false. */
bool s3_fault(const struct s3 *s3, struct str key, const char *step,
	      const struct aws_answer *answer, struct error *err);
void s3_checksum(struct str bytes, char ret[S3_CHECKSUM_BYTES + 1]);

/* Makes the bucket, or finds what it has of what it should have. */
bool s3_bucket_create(struct s3 *s3, struct setup *setup,
		      struct error *err) MUST_CHECK;

#endif
