/*
 * aws_source_test.c: is a profile's role assumed with the credentials that the
 * profile names, and does what cannot be done here end the search?
 */
#include "http_listener.h"

#include "aws/aws_credentials.h"

#include "base/banned.h"

#define NOW_MS 1795536000000ll		/* 2026-11-24T16:00:00Z */
#define FILE_BYTES (256u * KIB)

static const char *const names[] = {
	"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
	"AWS_ROLE_SESSION_NAME", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_EC2_METADATA_DISABLED", "AWS_REGION", "AWS_DEFAULT_REGION",
	"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS",
};

static struct http_listener listener;
static struct config *config;
static struct http_client *http;
static struct arena *arena;
static char folder[TEST_FOLDER_BYTES];
static const char *config_path, *credentials_path, *token_path;

/* --- a world of its own -------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
	listener_start(&listener);
	arena = arena_new("aws_source_test", 16 * MIB);
	test_folder_make(folder, "aws_source_test");
	config_path = arena_printf(arena, "%s/config", folder);
	credentials_path = arena_printf(arena, "%s/credentials", folder);
	token_path = arena_printf(arena, "%s/token", folder);
	write_file(config_path, "");
	write_file(credentials_path, "");
	write_file(token_path, "a.b-c_d\n");
	setenv("AWS_CONFIG_FILE", config_path, 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", credentials_path, 1);
	/* Any source of the machine is the listener too. */
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", listener.url, 1);
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", listener.url, 1);
	config = test_config("aws.region = eu-central-1\n"
			     "aws.endpoint.sts = %s\n", listener.url);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	listener_stop(&listener);
	config_free(config);
	arena_free(arena);
	assert_int_equal(test_folder_remove(folder), 0);
	return 0;
}

static const char *http_answer(const char *status, const char *body)
{
	return arena_printf(arena, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n"
			    "%s", status, strlen(body), body);
}

static const char *sts_answer(const char *action, const char *id)
{
	return http_answer("200 OK", arena_printf(
		arena, "<%sResponse><%sResult><Credentials><AccessKeyId>%s"
		"</AccessKeyId><SecretAccessKey>S</SecretAccessKey>"
		"<SessionToken>token-of-%s</SessionToken><Expiration>"
		"2026-11-24T17:00:00Z</Expiration></Credentials></%sResult>"
		"</%sResponse>", action, action, id, id, action, action));
}

static const char *json_answer(const char *id)
{
	return http_answer("200 OK", arena_printf(
		arena, "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"S\","
		"\"Token\":\"T\",\"Expiration\":\"2026-11-24T17:00:00Z\"}",
		id));
}

/* The access key id, or why there is none. */
static const char *ask(void)
{
	struct aws_credential_source *source;
	struct aws_credentials credentials;
	const char *got;
	int64_t expires_ms;
	struct error err;

	error_init(&err);
	assert_true(http_client_open(&http, &err));
	assert_true(aws_credentials_open(&source, config, http, &err));
	if (aws_credentials_get(source, NOW_MS, &credentials, &expires_ms,
				&err)) {
		got = arena_text(arena, credentials.access_key_id);
	} else {
		assert_int_equal(err.code, ERROR_UNAVAILABLE);
		got = arena_printf(arena, "%s", err.cause);
	}
	aws_credentials_close(source);
	http_client_close(http);
	return got;
}

static const char *ask_with(const char *text)
{
	write_file(config_path, text);
	return ask();
}

static void assert_signed_by(const char *id)
{
	const char *start = arena_printf(
		arena, "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=%s"
		"/20261124/eu-central-1/sts/aws4_request, ", id);

	if (!strstr(listener.request, start))
		fail_msg("%s", listener.request);
}

/* --- roles --------------------------------------------------------------- */

static void a_role_is_assumed_with_the_keys_of_another_profile(void **state)
{
	(void)state;
	setenv("AWS_PROFILE", "desk", 1);
	write_file(credentials_path, "[base]\naws_access_key_id = BASE\n"
		   "aws_secret_access_key = S\n");
	listener.answer = sts_answer("AssumeRole", "ROLE");
	assert_string_equal(ask_with("[profile desk]\n"
				     "role_arn = arn:aws:iam::1:role/desk\n"
				     "source_profile = base\n"), "ROLE");
	assert_string_equal(listener_body(&listener),
			    "Action=AssumeRole&Version=2011-06-15"
			    "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fdesk"
			    "&RoleSessionName=ordermill");
	assert_signed_by("BASE");
	assert_int_equal(listener.requests, 1);
}

static void what_the_profile_says_of_its_role_is_sent(void **state)
{
	static const char text[] = "[default]\nrole_arn = R\n"
		"source_profile = default\naws_access_key_id = SELF\n"
		"aws_secret_access_key = S\nexternal_id = a&b\n"
		"duration_seconds = 900\n%s";

	(void)state;
	setenv("AWS_ROLE_SESSION_NAME", "everywhere", 1);
	listener.answer = sts_answer("AssumeRole", "ROLE");
	assert_string_equal(ask_with(arena_printf(
		arena, text, "role_session_name = here\n")), "ROLE");
	assert_signed_by("SELF");
	assert_string_equal(listener_body(&listener),
			    "Action=AssumeRole&Version=2011-06-15&RoleArn=R"
			    "&RoleSessionName=here&DurationSeconds=900"
			    "&ExternalId=a%26b");
	assert_string_equal(ask_with(arena_printf(arena, text, "")), "ROLE");
	assert_non_null(strstr(listener.request,
			       "&RoleSessionName=everywhere&"));
}

static void a_chain_is_assumed_from_its_end(void **state)
{
	static const char text[] =
		"[default]\nrole_arn = R1\nsource_profile = middle\n"
		"aws_access_key_id = NOT\naws_secret_access_key = S\n"
		"[profile middle]\nrole_arn = R2\nsource_profile = end\n"
		"[profile end]\nrole_arn = NOT\nsource_profile = default\n"
		"aws_access_key_id = END\naws_secret_access_key = S\n";

	(void)state;
	listener_play(&listener, sts_answer("AssumeRole", "R2"),
		      sts_answer("AssumeRole", "R1"), NULL, NULL);
	assert_string_equal(ask_with(text), "R1");
	assert_int_equal(listener.requests, 2);
	assert_signed_by("R2");
	assert_non_null(strstr(listener.request,
			       "\r\nX-Amz-Security-Token: token-of-R2\r\n"));
	assert_non_null(strstr(listener.request, "&RoleArn=R1&"));
	listener_play(&listener, NULL, NULL, NULL, NULL);
	listener.answer = ANSWER("500 Oops");
	assert_non_null(strstr(ask(), "credentials of R2: "));
	assert_signed_by("END");
}

static void an_environment_waits_for_the_role_that_names_it(void **state)
{
	(void)state;
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "S", 1);
	setenv("AWS_SESSION_TOKEN", "envtoken", 1);
	listener.answer = sts_answer("AssumeRole", "ROLE");
	assert_string_equal(ask_with("[default]\nrole_arn = R\n"
				     "credential_source = Environment\n"),
			    "ROLE");
	assert_signed_by("ENV");
	assert_non_null(strstr(listener.request,
			       "\r\nX-Amz-Security-Token: envtoken\r\n"));
	assert_string_equal(ask_with("[default]\nrole_arn = R\n"
				     "credential_source = EcsContainer\n"),
			    "ENV");
}

static void a_role_is_assumed_with_those_of_the_machine(void **state)
{
	(void)state;
	listener_play(&listener, json_answer("ECS"),
		      sts_answer("AssumeRole", "ROLE"), NULL, NULL);
	assert_string_equal(ask_with("[default]\nrole_arn = R\n"
				     "credential_source = EcsContainer\n"),
			    "ROLE");
	assert_signed_by("ECS");
	listener_play(&listener, http_answer("200 OK", "session"),
		      http_answer("200 OK", "machine"), json_answer("EC2"),
		      sts_answer("AssumeRole", "ROLE"));
	assert_string_equal(ask_with("[default]\nrole_arn = R\ncredential_"
				     "source = Ec2InstanceMetadata\n"),
			    "ROLE");
	assert_signed_by("EC2");
}

static void a_profile_may_have_a_web_identity(void **state)
{
	(void)state;
	listener.answer = sts_answer("AssumeRoleWithWebIdentity", "ROLE");
	assert_string_equal(ask_with(arena_printf(
		arena, "[default]\nrole_arn = R\nrole_session_name = N\n"
		"web_identity_token_file = %s\n", token_path)), "ROLE");
	assert_string_equal(listener_body(&listener),
			    "Action=AssumeRoleWithWebIdentity&Version="
			    "2011-06-15&RoleArn=R&RoleSessionName=N"
			    "&WebIdentityToken=a.b-c_d");
	assert_null(strcasestr(listener.request, "\nauthorization:"));
}

static void the_credentials_file_comes_before_the_config_file(void **state)
{
	(void)state;
	write_file(credentials_path, "[default]\nrole_arn = R2\n"
		   "aws_access_key_id = KEY\naws_secret_access_key = S\n");
	listener.answer = sts_answer("AssumeRole", "ROLE");
	assert_string_equal(ask_with("[default]\nrole_arn = R1\n"
				     "source_profile = default\n"), "ROLE");
	assert_non_null(strstr(listener.request, "&RoleArn=R2&"));
}

static void a_profile_of_settings_alone_leaves_it_to_the_machine(void **state)
{
	(void)state;
	listener.answer = json_answer("ECS");
	assert_string_equal(ask_with("[default]\nregion = eu-west-1\n"
				     "role_arn =\n"), "ECS");
}

static void keys_come_before_what_is_not_supported(void **state)
{
	(void)state;
	assert_string_equal(ask_with("[default]\nsso_account_id = 1\n"
				     "aws_access_key_id = KEY\n"
				     "aws_secret_access_key = S\n"), "KEY");
}

/* --- what ends the search ------------------------------------------------ */

static void what_cannot_be_done_is_named_and_nobody_is_asked(void **state)
{
	static const char *const cases[][2] = {
		{ "credential_process = /bin/true", "credential_process: is" },
		{ "sso_session = s", "sso_session: is not" },
		{ "sso_start_url = https://a", "sso_start_url: is not" },
		{ "sso_account_id = 1", "sso_account_id: is not" },
		{ "sso_role_name = a", "sso_role_name: is not" },
		{ "login_session = a", "login_session: is not" },
		{ "source_profile = base", "source_profile: needs role_arn" },
		{ "credential_source = EcsContainer", "needs role_arn" },
		{ "web_identity_token_file = /t", "needs role_arn" },
		{ "aws_access_key_id = a", "aws_access_key_id: is one half" },
		{ "aws_secret_access_key = a", "is one half" },
		{ "role_arn = R", "role_arn: needs one of source_profile" },
		{ "role_arn = R\nsource_profile = base\n"
		  "credential_source = EcsContainer", "needs one of" },
		{ "role_arn = R\nsource_profile = base\n"
		  "web_identity_token_file = /t", "needs one of" },
		{ "role_arn = R\nsource_profile = base\nmfa_serial = M",
		  "profile default of the AWS shared files: mfa_serial: is" },
		{ "role_arn = R\nsource_profile = nobody",
		  "profile nobody: is in none of" },
		{ "role_arn = R\nsource_profile = empty",
		  "profile empty of the AWS shared files: role_arn: is" },
		{ "role_arn = R\nsource_profile = process",
		  "profile process of the AWS shared files: credential_pr" },
		{ "role_arn = R\nsource_profile = default", "in a circle" },
		{ "role_arn = R\nsource_profile = round", "in a circle" },
		{ "role_arn = R\nsource_profile = mfa",
		  "profile mfa of the AWS shared files: mfa_serial: is" },
		{ "role_arn = R\ncredential_source = Environment",
		  "credential_source: has no credentials here" },
		{ "role_arn = R\ncredential_source = Ec2InstanceMetadata",
		  "credential_source: has no credentials here" },
		{ "role_arn = R\ncredential_source = ecscontainer",
		  "credential_source: has no credentials here" },
		{ "role_arn = R\nsource_profile = base\n"
		  "duration_seconds = 899", "must be 900 to 43200" },
		{ "role_arn = R\nsource_profile = base\n"
		  "duration_seconds = 43201", "must be 900 to 43200" },
		{ "role_arn = R\nsource_profile = base\n"
		  "duration_seconds = 1h", "must be 900 to 43200" },
		{ "role_arn = R\nweb_identity_token_file = /nonexistent",
		  "/nonexistent: No such file" },
	};

	(void)state;
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	listener.answer = json_answer("WRONG");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got = ask_with(arena_printf(
			arena, "[default]\n%s\n[profile base]\n"
			"aws_access_key_id = BASE\naws_secret_access_key = S\n"
			"[profile empty]\n[profile round]\nrole_arn = R\n"
			"source_profile = default\n[profile process]\n"
			"credential_process = p\n[profile mfa]\nrole_arn = R\n"
			"source_profile = base\nmfa_serial = M\n",
			cases[i][0]));

		if (!strstr(got, cases[i][1]))
			fail_msg("%s\ngave %s", cases[i][0], got);
	}
	assert_int_equal(listener.requests, 0);
}

static void half_of_the_environment_is_named_and_nobody_is_asked(void **state)
{
	static const char *const halves[] = { "AWS_ACCESS_KEY_ID",
					      "AWS_SECRET_ACCESS_KEY" };
	static const char *const profiles[] = {
		"",
		"[default]\naws_access_key_id = K\naws_secret_access_key = S\n",
		"[default]\nrole_arn = R\ncredential_source = Environment\n",
	};

	(void)state;
	listener.answer = json_answer("WRONG");
	for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
		const char *missing = halves[!i];

		setenv(halves[i], "X", 1);
		setenv(missing, "", 1);
		for (size_t j = 0; j < ARRAY_LEN(profiles); j++) {
			const char *got = ask_with(profiles[j]);

			if (!strstr(got, arena_printf(arena, "%s is set and %s "
						      "is missing", halves[i],
						      missing)))
				fail_msg("%s\ngave %s", profiles[j], got);
		}
		unsetenv(missing);
		assert_non_null(strstr(ask(), "is missing"));
	}
	assert_int_equal(listener.requests, 0);
	setenv("AWS_ACCESS_KEY_ID", "", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "", 1);
	assert_string_equal(ask_with(""), "WRONG");
}

static void a_profile_that_is_missing_is_not_passed_over(void **state)
{
	(void)state;
	setenv("AWS_PROFILE", "nobody", 1);
	listener.answer = json_answer("ECS");
	assert_non_null(strstr(ask(), "profile nobody: is in none of"));
	assert_int_equal(listener.requests, 0);
	assert_string_equal(ask_with("[profile nobody]\n"), "ECS");
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "S", 1);
	assert_string_equal(ask_with(""), "ENV");
}

static void source_credentials_cannot_add_a_header(void **state)
{
	(void)state;
	listener.answer = json_answer("A\\r\\nX: b");
	assert_non_null(strstr(ask_with("[default]\nrole_arn = R\n"
					"credential_source = EcsContainer\n"),
			       "control character"));
	assert_int_equal(listener.requests, 1);
}

/* --- limits -------------------------------------------------------------- */

/* 5 roles, by files as long as they are read, fit into the memory there is. */
static void the_longest_chain_by_the_longest_files_is_assumed(void **state)
{
	struct buf text;

	(void)state;
	config_free(config);
	config = test_config("aws.region =\n");
	buf_init(&text, arena, MIB);
	buf_printf(&text, "[default]\nregion = eu-central-1\n"
		   "endpoint_url = %s\nrole_arn = R\nsource_profile = 1\n",
		   listener.url);
	for (int i = 1; i < 5; i++)
		buf_printf(&text, "[profile %d]\nrole_arn = R\n"
			   "source_profile = %d\n", i, i + 1);
	buf_add_text(&text, "[profile 5]\naws_access_key_id = KEY\n"
		     "aws_secret_access_key = S\n"
		     "[profile longer]\nrole_arn = R\n"
		     "source_profile = default\n");
	while (text.len < FILE_BYTES)
		buf_add_text(&text, "# as long as it may be\n");
	write_file(credentials_path, text.ptr + FILE_BYTES / 2);
	listener.answer = sts_answer("AssumeRole", "ROLE");
	assert_string_equal(ask_with(text.ptr), "ROLE");
	assert_int_equal(listener.requests, 5);
	setenv("AWS_PROFILE", "longer", 1);
	setenv("AWS_REGION", "eu-central-1", 1);
	assert_non_null(strstr(ask(), "over more than 5 profiles"));
	assert_int_equal(listener.requests, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_role_is_assumed_with_the_keys_of_another_profile),
		TEST(what_the_profile_says_of_its_role_is_sent),
		TEST(a_chain_is_assumed_from_its_end),
		TEST(an_environment_waits_for_the_role_that_names_it),
		TEST(a_role_is_assumed_with_those_of_the_machine),
		TEST(a_profile_may_have_a_web_identity),
		TEST(the_credentials_file_comes_before_the_config_file),
		TEST(a_profile_of_settings_alone_leaves_it_to_the_machine),
		TEST(keys_come_before_what_is_not_supported),
		TEST(what_cannot_be_done_is_named_and_nobody_is_asked),
		TEST(half_of_the_environment_is_named_and_nobody_is_asked),
		TEST(a_profile_that_is_missing_is_not_passed_over),
		TEST(source_credentials_cannot_add_a_header),
		TEST(the_longest_chain_by_the_longest_files_is_assumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
