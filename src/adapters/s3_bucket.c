/*
 * s3_bucket.c: the bucket as it should be: closed to the public, versioned,
 * encrypted as configured, with its lifecycle (s3_lifecycle.c), and of an
 * engine that keeps what create-only means.
 *
 * Each setting is read first and written only where it is missing. Engines
 * beside AWS's know some of them only; what they refuse to know is said and
 * skipped.
 */
#include "adapters/s3.h"
#include "base/buf.h"
#include "base/crypto.h"

#include "base/banned.h"

#define ANSWER_MAX_BYTES MIB	/* a thousand lifecycle rules */
#define MD5_TEXT_BYTES 24

/* A part of the bucket's configuration. */
struct setting {
	const char *what;
	const char *query;
	const char *wanted;		/* is in the answer when all is well */
	const char *body;
};

/* Public ACLs are ignored, not blocked: that is as closed, and Ceph 16 takes
 * every PUT without an ACL for a public one. */
static const struct setting public_access = {
	"public access block", "publicAccessBlock=",
	"<RestrictPublicBuckets>true</RestrictPublicBuckets>",
	"<PublicAccessBlockConfiguration" S3_NAMESPACE ">"
	"<BlockPublicAcls>false</BlockPublicAcls>"
	"<IgnorePublicAcls>true</IgnorePublicAcls>"
	"<BlockPublicPolicy>true</BlockPublicPolicy>"
	"<RestrictPublicBuckets>true</RestrictPublicBuckets>"
	"</PublicAccessBlockConfiguration>",
};

static const struct setting versioning = {
	"versioning", "versioning=", "<Status>Enabled</Status>",
	"<VersioningConfiguration" S3_NAMESPACE "><Status>Enabled</Status>"
	"</VersioningConfiguration>",
};

/* A checksum is enough for AWS; older engines want Content-MD5 with some calls,
 * the lifecycle among them. */
static size_t body_headers(struct str body, struct aws_header headers[3],
			   struct arena *arena)
{
	char *checksum = arena_alloc(arena, S3_CHECKSUM_BYTES + 1);
	uint8_t digest[MD5_BYTES];
	struct buf text;

	s3_checksum(body, checksum);
	headers[0] = (struct aws_header){ STR("Content-Type"),
					  STR("application/xml") };
	headers[1] = (struct aws_header){ STR("x-amz-checksum-sha256"),
					  str_from(checksum) };
	if (!md5(body, digest))
		return 2;
	buf_init(&text, arena, MD5_TEXT_BYTES);
	buf_add_base64(&text, (struct str){ (char *)digest, sizeof(digest) });
	headers[2] = (struct aws_header){ STR("Content-MD5"), buf_str(&text) };
	return 3;
}

bool s3_bucket_call(struct s3 *s3, struct str method, const char *query,
		    struct str body, const struct aws_header *more,
		    struct arena *arena, struct aws_answer *ret,
		    struct error *err)
{
	struct aws_header headers[4];
	struct aws_request request = { .method = method, .headers = headers,
				       .query = str_from(query), .body = body,
				       .answer_max_bytes = ANSWER_MAX_BYTES };

	if (body.len)
		request.header_count = body_headers(body, headers, arena);
	if (more)
		headers[request.header_count++] = *more;
	return s3_call(s3, STR(""), &request, arena, ret, err);
}

static bool call_bucket(struct s3 *s3, struct str method, const char *query,
			struct str body, struct arena *arena,
			struct aws_answer *ret, struct error *err)
{
	return s3_bucket_call(s3, method, query, body, NULL, arena, ret, err);
}

static bool is_good(const struct aws_answer *answer)
{
	return answer->status / 100 == 2;
}

/* --- the bucket ---------------------------------------------------------- */

static struct str location(struct str region, struct arena *arena)
{
	/* The one region that has no name here. */
	if (region.len == 0 || str_is(region, "us-east-1"))
		return STR("");
	return str_from(arena_printf(
		arena,
		"<CreateBucketConfiguration" S3_NAMESPACE ">"
		"<LocationConstraint>%.*s</LocationConstraint>"
		"</CreateBucketConfiguration>",
		STR_ARG(region)));
}

static bool make_bucket(struct s3 *s3, struct setup *setup, struct error *err)
{
	struct str region = aws_client_region(s3->client);
	struct aws_answer answer;

	if (!call_bucket(s3, STR("PUT"), "", location(region, setup->arena),
			 setup->arena, &answer, err))
		return false;
	/* An engine with regions of its own calls them otherwise. */
	if (str_is(answer.error_code, "InvalidLocationConstraint") &&
	    !call_bucket(s3, STR("PUT"), "", STR(""), setup->arena, &answer,
			 err))
		return false;
	if (!is_good(&answer) &&
	    !str_is(answer.error_code, "BucketAlreadyOwnedByYou"))
		return s3_fault(s3, STR(""), "making the bucket", &answer,
				err);
	setup->say(SETUP_MADE, "bucket", s3->bucket);
	return true;
}

static bool ensure_bucket(struct s3 *s3, struct setup *setup,
			  struct error *err)
{
	struct aws_answer answer;

	if (!call_bucket(s3, STR("HEAD"), "", STR(""), setup->arena, &answer,
			 err))
		return false;
	if (answer.status == 404)
		return make_bucket(s3, setup, err);
	if (!is_good(&answer))
		return s3_fault(s3, STR(""), "HEAD", &answer, err);
	setup->say(SETUP_KEPT, "bucket", s3->bucket);
	return true;
}

/* --- its settings -------------------------------------------------------- */

/* 501; 405 and 400 where a query is not known. */
static bool is_unknown(const struct aws_answer *answer)
{
	return answer->status == 501 || answer->status == 405 ||
	       str_is(answer->error_code, "NotImplemented") ||
	       str_is(answer->error_code, "InvalidArgument") ||
	       str_is(answer->error_code, "XNotImplemented");
}

static bool ensure_setting(struct s3 *s3, const struct setting *setting,
			   struct setup *setup, struct error *err)
{
	struct aws_answer answer;

	if (!call_bucket(s3, STR("GET"), setting->query, STR(""), setup->arena,
			 &answer, err))
		return false;
	if (is_good(&answer) && answer.body.len &&
	    memmem(answer.body.ptr, answer.body.len, setting->wanted,
		   strlen(setting->wanted))) {
		setup->say(SETUP_KEPT, setting->what, s3->bucket);
		return true;
	}
	if (!call_bucket(s3, STR("PUT"), setting->query,
			 str_from(setting->body), setup->arena, &answer, err))
		return false;
	if (!is_good(&answer) && !is_unknown(&answer))
		return s3_fault(s3, STR(""), setting->what, &answer, err);
	setup->say(is_good(&answer) ? SETUP_MADE : SETUP_SKIPPED,
		   setting->what, s3->bucket);
	return true;
}

/* Ceph 16 ignores If-None-Match in a versioned bucket; on an engine that is not
 * AWS's, create-only alone keeps what is archived. */
static bool ensure_versioning(struct s3 *s3, struct setup *setup,
			      struct error *err)
{
	struct str host = aws_client_host(s3->client);

	if (memmem(host.ptr, host.len, ".amazonaws.com", 14))
		return ensure_setting(s3, &versioning, setup, err);
	setup->say(SETUP_SKIPPED, versioning.what, s3->bucket);
	return true;
}

static bool ensure_encryption(struct s3 *s3, struct setup *setup,
			      struct error *err)
{
	struct arena *arena = setup->arena;
	const char *key = "";

	if (!strcmp(s3->encryption, "none"))
		return true;
	if (s3->kms_key[0])
		key = arena_printf(arena, "<KMSMasterKeyID>%s</KMSMasterKeyID>",
				   s3->kms_key);
	struct setting encryption = {
		"encryption", "encryption=",
		arena_printf(arena, "<SSEAlgorithm>%s</SSEAlgorithm>",
			     s3->encryption),
		arena_printf(arena,
			     "<ServerSideEncryptionConfiguration" S3_NAMESPACE
			     "><Rule><ApplyServerSideEncryptionByDefault>"
			     "<SSEAlgorithm>%s</SSEAlgorithm>%s"
			     "</ApplyServerSideEncryptionByDefault></Rule>"
			     "</ServerSideEncryptionConfiguration>",
			     s3->encryption, key),
	};

	return ensure_setting(s3, &encryption, setup, err);
}

/* --- what create-only rests on ------------------------------------------- */

#define PROBE STR("setup/create-only")

/* An engine that does not know If-None-Match replaces what is archived and says
 * nothing: better to hear of it now. */
static bool try_create_only(struct s3 *s3, struct setup *setup,
			    struct error *err)
{
	struct aws_header headers[] = { { STR("If-None-Match"), STR("*") } };
	struct aws_request request = { .method = STR("PUT"),
				       .headers = headers, .header_count = 1,
				       .body = STR("another") };
	struct aws_answer answer;

	if (!object_archive_put(&s3->base, PROBE, STR("one"),
				STR("text/plain"), OBJECT_REPLACE, err) ||
	    !s3_call(s3, PROBE, &request, setup->arena, &answer, err))
		return false;
	if (is_good(&answer))
		return error_cause(err, ERROR_INTERNAL,
				   "s3 %s: this engine ignores If-None-Match: "
				   "it would let an archived order be "
				   "replaced", s3->bucket);
	if (answer.status != 412 && answer.status != 409)
		return s3_fault(s3, PROBE, "PUT with If-None-Match", &answer,
				err);
	return object_archive_remove(&s3->base, PROBE, err);
}

bool s3_bucket_create(struct s3 *s3, struct setup *setup, struct error *err)
{
	return ensure_bucket(s3, setup, err) &&
	       ensure_setting(s3, &public_access, setup, err) &&
	       ensure_versioning(s3, setup, err) &&
	       ensure_encryption(s3, setup, err) &&
	       s3_lifecycle_ensure(s3, setup, err) &&
	       try_create_only(s3, setup, err);
}
