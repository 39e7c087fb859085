/*
 * aws_sigv4_test.c: does each stage give AWS's own figures, in header and query
 * form, and does the verifier take what was presigned and nothing else?
 */
#include "aws/aws_sigv4.h"
#include "base/crypto.h"
#include "../vectors/sigv4_table.h"
#include "test_arena.h"

#include "base/banned.h"

#define VECTOR_MS 1440938160000ll	/* 2015-08-30T12:36:00Z */
#define NOW_MS 1795536000000ll		/* 2026-11-24T16:00:00Z */
#define HOST "desk.example.org"
#define PATH "/objects/reports/2026-11.pdf"

/* --- AWS's vectors ------------------------------------------------------- */

struct request {
	struct aws_sign_input in;
	struct aws_header headers[9];
	char body_hash[SHA256_HEX + 1];
};

static void add_header(struct request *request, const char *name,
		       const char *value)
{
	request->headers[request->in.header_count++] =
		(struct aws_header){ str_from(name), str_from(value) };
}

static void read_case(struct request *request, const struct sigv4_case *c,
		      bool in_headers)
{
	*request = (struct request){ .in = {
		.credentials = {
			.access_key_id = STR("AKIDEXAMPLE"),
			.secret_access_key =
				STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
			.session_token = str_from(c->session_token),
		},
		.region = STR("us-east-1"), .service = STR("service"),
		.time_ms = VECTOR_MS, .method = str_from(c->method),
		.path = str_from(c->path), .query = str_from(c->query),
		.headers = request->headers, .normalize_path = c->normalize,
	} };
	sha256_hex(str_from(c->body), request->body_hash);
	request->in.payload_hash = str_from(request->body_hash);
	for (size_t i = 0; c->headers[i].name; i++)
		add_header(request, c->headers[i].name, c->headers[i].value);
	if (!in_headers)
		return;
	add_header(request, "X-Amz-Date", "20150830T123600Z");
	if (c->session_token)
		add_header(request, "X-Amz-Security-Token", c->session_token);
	if (c->sign_body)
		add_header(request, "x-amz-content-sha256",
			   request->body_hash);
}

static void assert_stages(const struct aws_sign_input *in, const char *name,
			  const struct sigv4_form *expected)
{
	struct buf canonical, to_sign;
	char signature[65];

	buf_init(&canonical, arena, 64 * KIB);
	buf_init(&to_sign, arena, 64 * KIB);
	aws_canonical_request(in, arena, &canonical);
	aws_string_to_sign(in, buf_str(&canonical), &to_sign);
	aws_signature(in, buf_str(&to_sign), signature);
	if (strcmp(signature, expected->signature))
		print_error("%s: the canonical request is\n%s\n", name,
			    canonical.ptr);
	assert_string_equal(to_sign.ptr, arena_printf(arena,
		"AWS4-HMAC-SHA256\n20150830T123600Z\n"
		"20150830/us-east-1/service/aws4_request\n%s",
		expected->canonical_sha256));
	assert_string_equal(signature, expected->signature);
}

static void every_stage_in_headers_equals_awss(void **state)
{
	struct request request;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sigv4_cases); i++) {
		read_case(&request, &sigv4_cases[i], true);
		assert_stages(&request.in, sigv4_cases[i].name,
			      &sigv4_cases[i].in_headers);
	}
}

/* Each of what a key is made of, changed and changed back. */
static void a_kept_key_is_used_for_what_it_was_made_of_alone(void **state)
{
	struct aws_signing_key kept = { .made_of_len = 0 };
	struct request request;
	char with[65], without[65];

	(void)state;
	for (unsigned i = 0; i < 32; i++) {
		read_case(&request, &sigv4_cases[0], true);
		if (i & 1)
			request.in.region = STR("us-east-2");
		if (i & 2)
			request.in.service = STR("services");
		if (i & 4)
			request.in.time_ms += 24 * 3600 * 1000;
		if (i & 8)
			request.in.credentials.secret_access_key = STR("other");
		if (i & 16)
			request.in.credentials.access_key_id = STR("other");
		aws_signature(&request.in, STR("text"), without);
		request.in.key = &kept;
		for (int again = 0; again < 2; again++) {
			aws_signature(&request.in, STR("text"), with);
			assert_string_equal(with, without);
		}
	}
}

static void the_authorization_header_carries_awss_signature(void **state)
{
	struct request request;
	struct buf header;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sigv4_cases); i++) {
		read_case(&request, &sigv4_cases[i], true);
		buf_init(&header, arena, 64 * KIB);
		aws_sign(&request.in, arena, &header);
		assert_ptr_equal(
			strstr(header.ptr, "AWS4-HMAC-SHA256 Credential="
			       "AKIDEXAMPLE/20150830/us-east-1/service/"
			       "aws4_request, SignedHeaders="), header.ptr);
		assert_string_equal(header.ptr + header.len - 64,
				    sigv4_cases[i].in_headers.signature);
	}
}

/* The query that presign made, less its signature, is what was signed. */
static void every_stage_in_the_query_equals_awss(void **state)
{
	struct str mark = STR("&X-Amz-Signature=");
	struct request request;
	struct buf query;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sigv4_cases); i++) {
		read_case(&request, &sigv4_cases[i], false);
		buf_init(&query, arena, 64 * KIB);
		aws_presign(&request.in, 3600, arena, &query);
		assert_true(query.len > 64 + mark.len);
		assert_string_equal(query.ptr + query.len - 64,
				    sigv4_cases[i].in_query.signature);
		query.len -= 64 + mark.len;
		assert_memory_equal(query.ptr + query.len, mark.ptr, mark.len);
		request.in.query = buf_str(&query);
		assert_stages(&request.in, sigv4_cases[i].name,
			      &sigv4_cases[i].in_query);
	}
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
static void s3s_documented_example_gives_its_signature(void **state)
{
	struct aws_header host = { STR("host"),
				   STR("examplebucket.s3.amazonaws.com") };
	struct aws_sign_input in = {
		.credentials = {
			STR("AKIAIOSFODNN7EXAMPLE"),
			STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
			{ NULL, 0 },
		},
		.region = STR("us-east-1"), .service = STR("s3"),
		.time_ms = 1369353600000ll, .method = STR("GET"),
		.path = STR("/test.txt"), .query = STR(""),
		.headers = &host, .header_count = 1,
		.payload_hash = STR("UNSIGNED-PAYLOAD"),
	};
	struct buf query;

	(void)state;
	buf_init(&query, arena, 4 * KIB);
	aws_presign(&in, 86400, arena, &query);
	assert_string_equal(query.ptr + query.len - 64,
			    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957"
			    "d157751f604d404");
}

static void a_query_is_sorted_by_name_and_then_by_value(void **state)
{
	static const char *const queries[][2] = {
		{ "b=2&b=10&b=1&a", "a=&b=1&b=10&b=2" },
		{ "a-=1&a=2&a.=3&A=4&a0=5", "A=4&a=2&a-=1&a.=3&a0=5" },
		{ "a=%2f&a=%2E&a=+&a=%20", "a=%20&a=%2B&a=%2F&a=." },
		{ "&&a=1&&", "a=1" }, { "=1&=", "=&=1" },
		{ "a=b=c", "a=b%3Dc" }, { "%zz=%&%4", "%254=&%25zz=%25" },
	};
	struct aws_sign_input in = {
		.method = STR("GET"), .path = STR("/"),
		.payload_hash = STR(""),
	};
	struct buf canonical;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		in.query = str_from(queries[i][0]);
		buf_init(&canonical, arena, KIB);
		aws_canonical_request(&in, arena, &canonical);
		assert_string_equal(canonical.ptr, arena_printf(
			arena, "GET\n/\n%s\n\n\n\n", queries[i][1]));
	}
}

static void a_path_is_encoded_twice_only_where_asked(void **state)
{
	struct aws_sign_input in = {
		.method = STR("GET"), .path = STR("/a b/%"), .query = STR(""),
		.payload_hash = STR(""),
	};
	struct buf canonical;

	(void)state;
	buf_init(&canonical, arena, KIB);
	aws_canonical_request(&in, arena, &canonical);
	assert_non_null(strstr(canonical.ptr, "GET\n/a%20b/%25\n"));
	in.double_encode_path = true;
	buf_init(&canonical, arena, KIB);
	aws_canonical_request(&in, arena, &canonical);
	assert_non_null(strstr(canonical.ptr, "GET\n/a%2520b/%2525\n"));
}

static void a_normal_path_is_what_awss_signers_make_of_it(void **state)
{
	static const char *const paths[][2] = {
		{ "", "/" }, { "/", "/" }, { "//", "/" }, { "/.", "/" },
		{ "/..", "/" }, { "/../..", "/" }, { "/a/.", "/a" },
		{ "/a/./", "/a/" }, { "/a/..", "/" }, { "/a/b/..", "/a" },
		{ "/a/b/../", "/a/" }, { "/../a", "/a" }, { "/a//b", "/a/b" },
		{ "/a/../../b", "/b" }, { "/.a", "/.a" }, { "/a..", "/a.." },
		{ "/...", "/..." },
	};
	struct aws_sign_input in = {
		.method = STR("GET"), .query = STR(""),
		.payload_hash = STR(""), .normalize_path = true,
	};
	struct buf canonical;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		in.path = str_from(paths[i][0]);
		buf_init(&canonical, arena, KIB);
		aws_canonical_request(&in, arena, &canonical);
		assert_string_equal(canonical.ptr, arena_printf(
			arena, "GET\n%s\n\n\n\n\n", paths[i][1]));
	}
}

/* --- the verifier -------------------------------------------------------- */

static const struct aws_credentials credentials = {
	{ "ordermill", 9 }, { "a-secret-of-some-length", 23 }, { NULL, 0 },
};

static char *presign_at(struct aws_credentials with, const char *query,
			const char *host, int64_t time_ms, unsigned expires_s)
{
	struct aws_header header = { STR("host"), str_from(host) };
	struct aws_sign_input in = {
		.credentials = with, .region = STR("local"),
		.service = STR("s3"), .time_ms = time_ms,
		.method = STR("GET"), .path = STR(PATH),
		.query = str_from(query), .headers = &header,
		.header_count = 1, .payload_hash = STR("UNSIGNED-PAYLOAD"),
	};
	struct buf to;

	buf_init(&to, arena, 8 * KIB);
	aws_presign(&in, expires_s, arena, &to);
	return to.ptr;
}

static char *presign(const char *query)
{
	return presign_at(credentials, query, HOST, NOW_MS, 3600);
}

static bool verify_as(struct aws_credentials with, const char *region,
		      const char *method, const char *path, const char *query,
		      const char *host, int64_t now_ms)
{
	int64_t expires_ms = 0;
	bool ok;

	error_init(&err);
	ok = aws_verify_presigned(&with, str_from(region), STR("s3"),
				  str_from(method), str_from(path),
				  str_from(query), str_from(host), now_ms,
				  arena, &expires_ms, &err);
	if (ok)
		assert_true(expires_ms > now_ms);
	else
		assert_int_equal(err.code, ERROR_BAD_LINK);
	return ok;
}

static bool verify(const char *query, int64_t now_ms)
{
	return verify_as(credentials, "local", "GET", PATH, query, HOST,
			 now_ms);
}

/* `query` with the first `from` in it made `to`. */
static char *altered(const char *query, const char *from, const char *to)
{
	const char *at = strstr(query, from);

	assert_non_null(at);
	return arena_printf(arena, "%.*s%s%s", (int)(at - query), query, to,
			    at + strlen(from));
}

static void assert_refused(const char *query, const char *reason)
{
	assert_false(verify(query, NOW_MS));
	if (!strstr(err.detail, reason))
		fail_msg("\"%s\" does not say \"%s\"", err.detail, reason);
}

static void what_was_presigned_verifies(void **state)
{
	(void)state;
	assert_true(verify(presign(""), NOW_MS));
	assert_true(verify(presign("response-content-disposition="
				   "attachment%3B%20filename%3D%22a%22"),
			   NOW_MS));
}

static void escapes_may_be_written_in_either_case(void **state)
{
	(void)state;
	assert_true(verify(altered(presign(""), "%2Flocal", "%2flocal"),
			   NOW_MS));
}

static void a_link_lives_until_its_last_second_and_no_longer(void **state)
{
	char *link = presign("");

	(void)state;
	assert_true(verify(link, NOW_MS + 3600 * 1000 - 1));
	assert_false(verify(link, NOW_MS + 3600 * 1000));
	assert_string_equal(err.detail, "The link has expired.");
}

static void a_link_may_be_from_the_future_by_15_minutes(void **state)
{
	char *link = presign("");

	(void)state;
	assert_true(verify(link, NOW_MS - 15 * 60 * 1000));
	assert_false(verify(link, NOW_MS - 15 * 60 * 1000 - 1));
	assert_string_equal(err.detail, "The link was made in the future.");
}

static void every_other_circumstance_is_refused(void **state)
{
	char *link = presign("");
	struct aws_credentials other = credentials;

	(void)state;
	assert_false(verify_as(credentials, "local", "HEAD", PATH, link, HOST,
			       NOW_MS));
	assert_false(verify_as(credentials, "local", "GET", PATH "x", link,
			       HOST, NOW_MS));
	assert_false(verify_as(credentials, "local", "GET", "", link, HOST,
			       NOW_MS));
	assert_false(verify_as(credentials, "local", "GET", PATH, link,
			       "other.example.org", NOW_MS));
	assert_false(verify_as(credentials, "eu-1", "GET", PATH, link, HOST,
			       NOW_MS));
	other.secret_access_key = STR("another-secret");
	assert_false(verify_as(other, "local", "GET", PATH, link, HOST,
			       NOW_MS));
	other = credentials;
	other.access_key_id = STR("ordermil");
	assert_false(verify_as(other, "local", "GET", PATH, link, HOST,
			       NOW_MS));
}

static void one_changed_character_anywhere_is_refused(void **state)
{
	char *link = presign("response-content-disposition=inline");

	(void)state;
	for (size_t i = 0; link[i]; i++) {
		char *changed = arena_printf(arena, "%s", link);

		changed[i] = changed[i] == 'q' ? 'r' : 'q';
		/* Only the case of an escape's digits has no meaning. */
		assert_false(verify(changed, NOW_MS));
	}
}

static void a_shortened_link_is_refused(void **state)
{
	char *link = presign("");

	(void)state;
	for (size_t len = strlen(link); len-- > 0;) {
		link[len] = '\0';
		assert_false(verify(link, NOW_MS));
	}
}

static void each_parameter_is_given_once(void **state)
{
	static const char *const names[] = {
		"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
		"X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature",
	};
	char *link = presign("");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_refused(altered(link, names[i], "X-Other"), "missing");
		assert_refused(arena_printf(arena, "%s&%s=1", link, names[i]),
			       "twice");
		assert_refused(arena_printf(arena, "%s=1&%s", names[i], link),
			       "twice");
	}
	assert_refused("", "missing");
	assert_refused("&&&=&=", "missing");
}

static void a_parameter_hidden_by_escapes_counts_too(void **state)
{
	(void)state;
	assert_refused(arena_printf(arena, "%s&X%%2DAmz-Date=1", presign("")),
		       "twice");
}

static void x_amz_parameters_that_nobody_knows_are_refused(void **state)
{
	(void)state;
	assert_refused(presign("X-Amz-Copy-Source=x"), "not known");
	assert_refused(presign("x-amz-date=20261124T160000Z"), "not known");
}

static void times_must_be_well_formed(void **state)
{
	static const char *const dates[] = {
		"X-Amz-Date=", "X-Amz-Date=2", "X-Amz-Date=20261124T160000",
		"X-Amz-Date=20261324T160000Z", "X-Amz-Date=20261124T250000Z",
		"X-Amz-Date=20261124t160000z", "X-Amz-Date=2026112%34T160000Z0",
		"X-Amz-Date=2026-1124T16000Z", "X-Amz-Date=%00%00",
		"X-Amz-Date=20261124T160060Z", "X-Amz-Date=20260230T160000Z",
	};
	static const char *const spans[] = {
		"", "0", "604801", "-1", "+5", "1e3", "3600s", " 3600",
		"99999999999999999999",
	};
	char *link = presign("");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(dates); i++)
		assert_refused(altered(link, "X-Amz-Date=20261124T160000Z",
				       dates[i]), "not a time");
	for (size_t i = 0; i < ARRAY_LEN(spans); i++)
		assert_refused(altered(link, "X-Amz-Expires=3600",
				       arena_printf(arena, "X-Amz-Expires=%s",
						    spans[i])),
			       "not 1 to 604800");
}

static void the_longest_life_is_a_week(void **state)
{
	(void)state;
	assert_true(verify(presign_at(credentials, "", HOST, NOW_MS, 604800),
			   NOW_MS));
	assert_refused(presign_at(credentials, "", HOST, NOW_MS, 604801),
		       "not 1 to 604800");
}

static void claims_that_are_signed_and_wrong_are_refused(void **state)
{
	struct aws_header headers[] = {
		{ STR("host"), STR(HOST) }, { STR("x-a"), STR("b") },
	};
	struct aws_sign_input in = {
		.credentials = credentials, .region = STR("local"),
		.service = STR("s3"), .time_ms = NOW_MS, .method = STR("GET"),
		.path = STR(PATH), .query = STR(""), .headers = headers,
		.header_count = 2, .payload_hash = STR("UNSIGNED-PAYLOAD"),
	};
	struct buf to;

	(void)state;
	buf_init(&to, arena, 8 * KIB);
	aws_presign(&in, 3600, arena, &to);
	assert_refused(to.ptr, "SignedHeaders");
	in.header_count = 1;
	in.service = STR("sns");
	buf_init(&to, arena, 8 * KIB);
	aws_presign(&in, 3600, arena, &to);
	assert_refused(to.ptr, "Credential");
	assert_refused(altered(presign(""), "AWS4-HMAC-SHA256",
			       "AWS4-HMAC-SHA1"), "Algorithm");
	assert_refused(altered(presign(""), "20261124%2F", "20261123%2F"),
		       "Credential");
}

static void the_signature_is_lower_case_and_whole(void **state)
{
	char *link = presign("");
	char *mark = strstr(link, "X-Amz-Signature=") + 16;
	char *upper = arena_printf(arena, "%s", link);

	(void)state;
	for (char *c = upper + (mark - link); *c; c++)
		if (*c >= 'a' && *c <= 'f')
			*c = (char)(*c - 'a' + 'A');
	assert_refused(upper, "does not fit");
	assert_refused(arena_printf(arena, "%s0", link), "does not fit");
	assert_refused(arena_printf(arena, "%.*s", (int)(mark - link), link),
		       "does not fit");
}

static void a_session_token_belongs_to_its_credentials(void **state)
{
	struct aws_credentials with = credentials;
	char *link;

	(void)state;
	with.session_token = STR("token/of+the=session");
	link = presign_at(with, "", HOST, NOW_MS, 3600);
	assert_true(verify_as(with, "local", "GET", PATH, link, HOST, NOW_MS));
	assert_refused(link, "does not belong");
	with.session_token = STR("another");
	assert_false(verify_as(with, "local", "GET", PATH, link, HOST,
			       NOW_MS));
	assert_false(verify_as(with, "local", "GET", PATH, presign(""), HOST,
			       NOW_MS));
}

static void a_query_of_any_length_is_answered(void **state)
{
	size_t bytes = 1 * MIB;
	char *text = arena_alloc(arena, bytes + 1);

	(void)state;
	memset(text, '&', bytes);
	text[bytes] = '\0';
	assert_refused(text, "too long");
	text[20 * KIB] = '\0';
	assert_refused(text, "missing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_stage_in_headers_equals_awss),
		TEST(a_kept_key_is_used_for_what_it_was_made_of_alone),
		TEST(the_authorization_header_carries_awss_signature),
		TEST(every_stage_in_the_query_equals_awss),
		TEST(s3s_documented_example_gives_its_signature),
		TEST(a_query_is_sorted_by_name_and_then_by_value),
		TEST(a_path_is_encoded_twice_only_where_asked),
		TEST(a_normal_path_is_what_awss_signers_make_of_it),
		TEST(what_was_presigned_verifies),
		TEST(escapes_may_be_written_in_either_case),
		TEST(a_link_lives_until_its_last_second_and_no_longer),
		TEST(a_link_may_be_from_the_future_by_15_minutes),
		TEST(every_other_circumstance_is_refused),
		TEST(one_changed_character_anywhere_is_refused),
		TEST(a_shortened_link_is_refused),
		TEST(each_parameter_is_given_once),
		TEST(a_parameter_hidden_by_escapes_counts_too),
		TEST(x_amz_parameters_that_nobody_knows_are_refused),
		TEST(times_must_be_well_formed),
		TEST(the_longest_life_is_a_week),
		TEST(claims_that_are_signed_and_wrong_are_refused),
		TEST(the_signature_is_lower_case_and_whole),
		TEST(a_session_token_belongs_to_its_credentials),
		TEST(a_query_of_any_length_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
