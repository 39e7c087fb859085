/*
 * sigv4_query_fuzz.c: any bytes as the query of a presigned link.
 *
 * Nothing is taken that was not signed; what we presign ourselves, whatever
 * else is in the query, is taken, and refused for X-Amz parameters alone.
 */
#include "aws/aws_sigv4.h"

#include "base/banned.h"

#define NOW_MS 1795536000000ll
#define HOST STR("desk.example.org")
#define PATH STR("/objects/images/a.png")
#define MAX_BYTES (8u * KIB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "sigv4_query_fuzz: %s\n", what);
	abort();
}

/* The seed that is genuine bears this key's signature. */
static const struct aws_credentials credentials = {
	{ "ordermill", 9 }, { "a-secret-of-some-length", 23 }, { NULL, 0 },
};

static bool verify(struct aws_credentials with, struct str query,
		   struct arena *arena, struct error *err)
{
	int64_t expires_ms;
	bool ok;

	error_init(err);
	ok = aws_verify_presigned(&with, STR("local"), STR("s3"), STR("GET"),
				  PATH, query, HOST, NOW_MS, arena,
				  &expires_ms, err);
	check(ok != error_is_set(err), "an error unlike the result");
	check(ok || err->code == ERROR_BAD_LINK, "another code");
	check(!ok || (expires_ms > NOW_MS &&
		      expires_ms <= NOW_MS + 900000 + 604800000ll),
	      "an end that is none");
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	CLEANUP(cleanup_arena) struct arena *arena = arena_new("fuzz", 64 * MIB);
	struct aws_header host = { STR("host"), HOST };
	struct str query = { (const char *)data, bytes };
	struct aws_sign_input in = {
		.credentials = credentials, .region = STR("local"),
		.service = STR("s3"), .time_ms = NOW_MS,
		.method = STR("GET"), .path = PATH, .query = query,
		.headers = &host, .header_count = 1,
		.payload_hash = STR("UNSIGNED-PAYLOAD"),
	};
	struct aws_credentials other = credentials;
	struct error err;
	struct buf made;

	if (bytes > MAX_BYTES)
		return 0;
	other.secret_access_key = STR("another");
	check(!verify(other, query, arena, &err), "a forgery was taken");
	(void)verify(credentials, query, arena, &err);
	buf_init(&made, arena, 16 * MIB);
	aws_presign(&in, 60, arena, &made);
	check(buf_ok(&made), "presign has no room");
	if (!verify(credentials, buf_str(&made), arena, &err))
		check(strstr(err.detail, "twice") ||
		      strstr(err.detail, "not known") ||
		      strstr(err.detail, "does not belong") ||
		      strstr(err.detail, "too long"),
		      "what was presigned is refused");
	check(!verify(other, buf_str(&made), arena, &err),
	      "another key's link was taken");
	return 0;
}
