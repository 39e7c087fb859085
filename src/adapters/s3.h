/*
 * s3.h: what the parts of the S3 archive share: objects (object_archive_s3.c),
 * the bucket itself (s3_bucket.c) and its lifecycle (s3_lifecycle.c).
 */
#ifndef ADAPTERS_S3_H
#define ADAPTERS_S3_H

#include <sys/types.h>

#include "aws/aws_client.h"
#include "ports/object_archive.h"

#define S3_NAMESPACE " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
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

/* A part of the bucket's configuration; `more` is one more header, or NULL. */
bool s3_bucket_call(struct s3 *s3, struct str method, const char *query,
		    struct str body, const struct aws_header *more,
		    struct arena *arena, struct aws_answer *ret,
		    struct error *err) MUST_CHECK;
/* Adds the lifecycle rules that the bucket has not, beside those it has. */
bool s3_lifecycle_ensure(struct s3 *s3, struct setup *setup,
			 struct error *err) MUST_CHECK;
/* As object_archive_lacks. */
const char *s3_lifecycle_lacks(struct s3 *s3, struct arena *arena);

/* Makes the bucket, or finds what it has of what it should have. */
bool s3_bucket_create(struct s3 *s3, struct setup *setup,
		      struct error *err) MUST_CHECK;

#endif
