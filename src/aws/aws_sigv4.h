/*
 * aws_sigv4.h: AWS Signature Version 4, header and query form. Pure: the time
 * is a parameter, memory comes from an arena.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 * S3's rule: the path is not normalised and is encoded once; the payload of a
 * presigned URL is UNSIGNED-PAYLOAD.
 */
#ifndef AWS_AWS_SIGV4_H
#define AWS_AWS_SIGV4_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

struct aws_credentials {
	struct str access_key_id;
	struct str secret_access_key;
	struct str session_token;	/* absent when none */
};

struct aws_header {
	struct str name;	/* any case */
	struct str value;
};

/* The key made of a secret, a day, a region and a service, kept from one
 * signature to the next by who signs often. Zeroed: empty. */
struct aws_signing_key {
	char made_of[512];
	size_t made_of_len;
	uint8_t key[32];
};

struct aws_sign_input {
	struct aws_credentials credentials;
	struct str region, service;
	int64_t time_ms;
	struct str method;
	struct str path;		/* decoded; "/" at least */
	/* raw query, names and values still percent-encoded */
	struct str query;
	const struct aws_header *headers;	/* host among them */
	size_t header_count;
	/* hex SHA-256 of the body, or UNSIGNED-PAYLOAD */
	struct str payload_hash;
	bool normalize_path;		/* false for S3 */
	bool double_encode_path;	/* false for S3 */
	struct aws_signing_key *key;	/* NULL: made for each signature */
};

#define AWS_AMZ_DATE_BYTES 17	/* 20151130T123600Z and its NUL */
void aws_amz_date(int64_t time_ms, char ret[AWS_AMZ_DATE_BYTES]);

/* The stages, each appended as text; for tests and for what follows. */
void aws_canonical_request(const struct aws_sign_input *in, struct arena *arena,
			   struct buf *to);
void aws_string_to_sign(const struct aws_sign_input *in,
			struct str canonical_request, struct buf *to);
void aws_signature(const struct aws_sign_input *in, struct str string_to_sign,
		   char ret_hex[65]);

/* The Authorization header's value. The caller sends X-Amz-Date (and
 * X-Amz-Security-Token) as given among the headers. */
void aws_sign(const struct aws_sign_input *in, struct arena *arena,
	      struct buf *authorization);
/* The query with X-Amz-Algorithm … X-Amz-Signature added, canonical; signs the
 * given headers (of an S3 link: host alone). */
void aws_presign(const struct aws_sign_input *in, unsigned expires_s,
		 struct arena *arena, struct buf *query);

/*
 * Verifies a presigned request: exactly one of each X-Amz parameter and none
 * besides, the right algorithm, scope and key id, X-Amz-Expires 1..604800, not
 * expired, not from the future by more than 15 minutes, only `host` signed,
 * signature equal in constant time. ERROR_BAD_LINK with the reason in words in
 * the detail. `path` is decoded.
 */
bool aws_verify_presigned(const struct aws_credentials *credentials,
			  struct str region, struct str service,
			  struct str method, struct str path, struct str query,
			  struct str host, int64_t now_ms, struct arena *arena,
			  int64_t *ret_expires_ms, struct error *err) MUST_CHECK;

#endif
