/*
 * aws_credentials_test.c: are credentials taken from the first source that has
 * them, fetched anew in time, and a source that is broken named?
 */
#include "http_listener.h"

#include "aws/aws_credentials.h"
#include "aws/aws_lease.h"

#include "base/banned.h"

#define NOW_MS 1795536000000ll		/* 2026-11-24T16:00:00Z */
#define HOUR_MS 3600000ll
#define LEASE(id, end) \
	"{\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"S\"," \
	"\"Token\":\"T\",\"Expiration\":\"2026-11-24T" end ":00Z\"}"
#define STS_ANSWER(action, id, end) \
	"<" action "Response><" action "Result><Credentials>" \
	"<AccessKeyId>" id "</AccessKeyId>" \
	"<SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>" \
	"<Expiration>2026-11-24T" end ":00Z</Expiration></Credentials>" \
	"</" action "Result></" action "Response>"

static const char *const names[] = {
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
	"AWS_ROLE_SESSION_NAME", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
	"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
	"AWS_ENDPOINT_URL_STS", "HOME",
};

static struct http_listener listener;
static struct config *config;
static struct http_client *http;
static struct aws_credential_source *source;
static struct aws_credentials credentials;
static int64_t expires_ms;
static struct arena *arena;
static struct error err;
static char path[200];

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
	listener_start(&listener);
	arena = arena_new("aws_credentials_test", 16 * MIB);
	error_init(&err);
	snprintf(path, sizeof(path), "%s/aws_credentials_test.XXXXXX",
		 tmp ? tmp : "/tmp");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	write_file(arena_printf(arena, "aws.region = eu-central-1\n"
				"aws.endpoint.sts = %s\n", listener.url));
	assert_true(config_load(&config, path, &err));
	assert_true(http_client_open(&http, &err));
	assert_true(aws_credentials_open(&source, config, http, &err));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	aws_credentials_close(source);
	http_client_close(http);
	listener_stop(&listener);
	config_free(config);
	arena_free(arena);
	unlink(path);
	return 0;
}

static bool get(int64_t now_ms)
{
	error_init(&err);
	return aws_credentials_get(source, now_ms, &credentials, &expires_ms,
				   &err);
}

static void assert_got(int64_t now_ms, const char *id)
{
	if (!get(now_ms))
		fail_msg("%s", err.cause);
	assert_int_equal(credentials.access_key_id.len, strlen(id));
	assert_memory_equal(credentials.access_key_id.ptr, id, strlen(id));
}

static void assert_refused(int64_t now_ms, const char *why)
{
	assert_false(get(now_ms));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	if (!strstr(err.cause, why))
		fail_msg("%s", err.cause);
}

static void answer(const char *body)
{
	listener.answer = arena_printf(arena, "HTTP/1.1 200 OK\r\n"
				       "Content-Length: %zu\r\n\r\n%s",
				       strlen(body), body);
}

static void use_container(const char *url)
{
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI",
	       arena_printf(arena, "%s/creds", url), 1);
}

/* --- the order ----------------------------------------------------------- */

static void the_environment_comes_first(void **state)
{
	(void)state;
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "S", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
	write_file("[default]\naws_access_key_id = FILE\n"
		   "aws_secret_access_key = S\n");
	assert_got(NOW_MS, "ENV");
	assert_null(credentials.session_token.ptr);
	assert_int_equal(expires_ms, AWS_CREDENTIALS_STAY_MS);
}

static void a_profile_of_the_shared_files_is_taken(void **state)
{
	(void)state;
	setenv("AWS_PROFILE", "desk", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
	write_file("[default]\naws_access_key_id = FILE\n"
		   "aws_secret_access_key = S\n[desk]\n"
		   "aws_access_key_id = DESK\naws_secret_access_key = S\n"
		   "aws_session_token = T\n");
	assert_got(NOW_MS, "DESK");
	assert_true(str_is(credentials.session_token, "T"));
	aws_credentials_close(source);
	assert_true(aws_credentials_open(&source, config, http, &err));
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
	setenv("AWS_CONFIG_FILE", path, 1);
	write_file("[profile desk]\naws_access_key_id = CONFIG\n"
		   "aws_secret_access_key = S\n");
	assert_got(NOW_MS, "CONFIG");
}

static void a_role_is_assumed_by_a_web_identity(void **state)
{
	(void)state;
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
	setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/desk", 1);
	write_file("a.b-c_d\n");
	answer(STS_ANSWER("AssumeRoleWithWebIdentity", "STS", "17:00"));
	assert_got(NOW_MS, "STS");
	assert_int_equal(expires_ms, NOW_MS + HOUR_MS);
	assert_string_equal(listener_body(&listener),
			    "Action=AssumeRoleWithWebIdentity&Version="
			    "2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole"
			    "%2Fdesk&RoleSessionName=ordermill"
			    "&WebIdentityToken=a.b-c_d");
	assert_null(strcasestr(listener.request, "authorization:"));
}

static void a_container_is_asked_with_its_token(void **state)
{
	(void)state;
	use_container(listener.url);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer no", 1);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path, 1);
	write_file("Bearer yes\n");
	answer(LEASE("ECS", "17:00"));
	assert_got(NOW_MS, "ECS");
	assert_memory_equal(listener.request, "GET /creds HTTP/1.1", 19);
	assert_non_null(strstr(listener.request,
			       "\r\nAuthorization: Bearer yes\r\n"));
}

static void a_container_elsewhere_needs_tls(void **state)
{
	static const char *const urls[] = {
		"http://192.0.2.1", "http://169.254.170.2.example.org",
		"http://localhost@192.0.2.1", "http://localhost:80@192.0.2.1",
		"http://127.0.0.1.example.org", "ftp://localhost",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		use_container(urls[i]);
		assert_refused(NOW_MS + (int64_t)i * HOUR_MS, "must be https");
	}
	assert_int_equal(listener.requests, 0);
}

static void a_token_cannot_add_a_header(void **state)
{
	(void)state;
	use_container(listener.url);
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nX: b", 1);
	assert_refused(NOW_MS, "control character");
	assert_int_equal(listener.requests, 0);
}

static void an_instance_is_asked_by_version_2_alone(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nTOK",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nrole",
		"HTTP/1.1 200 OK\r\nContent-Length: 108\r\n\r\n"
		"{\"Code\":\"Success\",\"AccessKeyId\":\"EC2\","
		"\"SecretAccessKey\":\"S\",\"Token\":\"T\","
		"\"Expiration\":\"2026-11-24T17:00:00Z\"}",
		NULL,
	};

	(void)state;
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", listener.url, 1);
	listener.answers = answers;
	assert_got(NOW_MS, "EC2");
	assert_memory_equal(listener.request, "GET /latest/meta-data/iam/"
			    "security-credentials/role HTTP/1.1", 55);
	assert_non_null(strstr(listener.request,
			       "\r\nX-aws-ec2-metadata-token: TOK\r\n"));
}

static void an_instance_without_version_2_is_not_asked_again(void **state)
{
	(void)state;
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", listener.url, 1);
	listener.answer = ANSWER("403 Forbidden");
	assert_refused(NOW_MS, "status 403");
	assert_int_equal(listener.requests, 1);
}

/* --- time ---------------------------------------------------------------- */

static void they_are_kept_until_a_quarter_before_their_end(void **state)
{
	(void)state;
	use_container(listener.url);
	answer(LEASE("A", "17:00"));
	assert_got(NOW_MS, "A");
	assert_got(NOW_MS + HOUR_MS * 3 / 4 - 1, "A");
	assert_int_equal(listener.requests, 1);
	answer(LEASE("B", "19:00"));
	assert_got(NOW_MS + HOUR_MS * 3 / 4, "B");
	assert_int_equal(listener.requests, 2);
}

static void a_role_is_assumed_anew_with_what_its_source_is_then(void **state)
{
	static const char text[] = "[default]\nrole_arn = R\n"
		"source_profile = default\naws_access_key_id = %s\n"
		"aws_secret_access_key = S\n";

	(void)state;
	setenv("AWS_CONFIG_FILE", path, 1);
	write_file(arena_printf(arena, text, "OLD"));
	answer(STS_ANSWER("AssumeRole", "A", "17:00"));
	assert_got(NOW_MS, "A");
	write_file(arena_printf(arena, text, "NEW"));
	answer(STS_ANSWER("AssumeRole", "B", "19:00"));
	assert_got(NOW_MS + HOUR_MS * 3 / 4 - 1, "A");
	assert_got(NOW_MS + HOUR_MS * 3 / 4, "B");
	assert_int_equal(expires_ms, NOW_MS + 3 * HOUR_MS);
	assert_int_equal(listener.requests, 2);
	assert_non_null(strstr(listener.request, "Credential=NEW/20261124/"));
	assert_non_null(strstr(listener.request,
			       "\r\nX-Amz-Date: 20261124T164500Z\r\n"));
}

static void old_ones_serve_while_no_new_ones_come(void **state)
{
	int64_t late_ms = NOW_MS + HOUR_MS * 3 / 4;

	(void)state;
	use_container(listener.url);
	answer(LEASE("A", "17:00"));
	assert_got(NOW_MS, "A");
	listener.answer = ANSWER("500 Oops");
	assert_got(late_ms, "A");
	assert_got(late_ms + 59000, "A");
	assert_int_equal(listener.requests, 2);	/* once a minute */
	assert_got(late_ms + 60000, "A");
	assert_int_equal(listener.requests, 3);
	assert_refused(NOW_MS + HOUR_MS, "status 500");
	answer(LEASE("B", "19:00"));
	assert_got(NOW_MS + HOUR_MS + 5000, "B");
}

static void a_lease_shorter_than_a_quarter_is_no_storm(void **state)
{
	(void)state;
	use_container(listener.url);
	answer(LEASE("A", "16:10"));
	for (int i = 0; i < 100; i++)
		assert_got(NOW_MS + i, "A");
	assert_int_equal(listener.requests, 1);
}

static void a_source_that_is_down_is_not_asked_by_every_call(void **state)
{
	(void)state;
	use_container(listener.url);
	listener.answer = ANSWER("500 Oops");
	for (int i = 0; i < 100; i++)
		assert_refused(NOW_MS + i, "status 500");
	assert_int_equal(listener.requests, 1);
	answer(LEASE("A", "17:00"));
	assert_got(NOW_MS + 5000, "A");
}

static void forgotten_ones_are_fetched_anew_but_not_at_once(void **state)
{
	(void)state;
	use_container(listener.url);
	answer(LEASE("A", "17:00"));
	assert_got(NOW_MS, "A");
	assert_false(aws_credentials_forget(source, NOW_MS + 1000));
	assert_got(NOW_MS + 1000, "A");
	answer(LEASE("B", "17:00"));
	assert_true(aws_credentials_forget(source, NOW_MS + 6000));
	assert_got(NOW_MS + 6000, "B");
}

static void those_of_the_environment_cannot_be_renewed(void **state)
{
	(void)state;
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "S", 1);
	assert_got(NOW_MS, "ENV");
	assert_false(aws_credentials_forget(source, NOW_MS + HOUR_MS));
}

/* --- bad answers --------------------------------------------------------- */

static void an_answer_without_credentials_is_named(void **state)
{
	static const char *const bodies[] = {
		"", "{", "[]", "{}", "{\"AccessKeyId\":\"A\"}",
		"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\","
		"\"Token\":\"T\",\"Expiration\":\"tomorrow\"}",
		"{\"AccessKeyId\":1,\"SecretAccessKey\":\"S\","
		"\"Token\":\"T\",\"Expiration\":\"2026-11-24T17:00:00Z\"}",
	};
	struct aws_lease lease;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		error_init(&err);
		assert_false(aws_lease_from_json(&lease, str_from(bodies[i]),
						 arena, &err));
		assert_int_equal(err.code, ERROR_UNAVAILABLE);
		error_init(&err);
		assert_false(aws_lease_from_xml(&lease, str_from(bodies[i]),
						arena, &err));
	}
	error_init(&err);
	assert_false(aws_lease_from_xml(&lease, STR("<a><b>c</b></a>"), arena,
					&err));
	assert_non_null(strstr(err.cause, "no credentials"));
}

static void what_sts_refuses_is_said_in_its_words(void **state)
{
	static const char body[] =
		"<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/"
		"2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n    "
		"<Code>AccessDenied</Code>\n    <Message>User: arn:aws:iam::"
		"123456789012:user/base is not authorized to perform: sts:"
		"AssumeRole on resource: arn:aws:iam::123456789012:role/desk"
		"</Message>\n  </Error>\n</ErrorResponse>";

	(void)state;
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", path, 1);
	setenv("AWS_ROLE_ARN", "R", 1);
	listener.answer = arena_printf(arena, "HTTP/1.1 403 Forbidden\r\n"
				       "Content-Length: %zu\r\n\r\n%s",
				       strlen(body), body);
	assert_refused(NOW_MS, "status 403: AccessDenied User: arn:aws:iam::"
		       "123456789012:user/base is not authorized to perform: "
		       "sts:AssumeRole on resource: arn:aws:iam::123456789012:"
		       "role/desk");
}

static void credentials_cannot_add_a_header(void **state)
{
	(void)state;
	use_container(listener.url);
	answer(LEASE("A\\r\\nX: b", "17:00"));
	assert_refused(NOW_MS, "control character");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_environment_comes_first),
		TEST(a_profile_of_the_shared_files_is_taken),
		TEST(a_role_is_assumed_by_a_web_identity),
		TEST(a_container_is_asked_with_its_token),
		TEST(a_container_elsewhere_needs_tls),
		TEST(a_token_cannot_add_a_header),
		TEST(an_instance_is_asked_by_version_2_alone),
		TEST(an_instance_without_version_2_is_not_asked_again),
		TEST(they_are_kept_until_a_quarter_before_their_end),
		TEST(a_role_is_assumed_anew_with_what_its_source_is_then),
		TEST(old_ones_serve_while_no_new_ones_come),
		TEST(a_lease_shorter_than_a_quarter_is_no_storm),
		TEST(a_source_that_is_down_is_not_asked_by_every_call),
		TEST(forgotten_ones_are_fetched_anew_but_not_at_once),
		TEST(those_of_the_environment_cannot_be_renewed),
		TEST(an_answer_without_credentials_is_named),
		TEST(what_sts_refuses_is_said_in_its_words),
		TEST(credentials_cannot_add_a_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
