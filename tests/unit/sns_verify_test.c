/*
 * sns_verify_test.c: are SNS's own messages taken and no others, and what does
 * a forgery make us fetch?
 */
#include "test_setup.h"

#define OUR_TOPIC "arn:aws:sns:us-west-2:000000000000:order-deleted"
#define OUR_CERTIFICATE \
	"https://sns.us-west-2.amazonaws.com/SimpleNotificationService-" \
	"7ff5318490ec183fbaddaa2a969abfda.pem"
#include "../fakes/sns_forger.h"
#include "../vectors/sns_aws_table.h"
#include "base/clock.h"
#include "sns/sns_verify.h"

#include "base/banned.h"

static char folder[TEST_FOLDER_BYTES];
static struct arena *arena;
static struct error err;
static struct event event;
static int64_t now_ms;
static struct sns_rules rules;
static struct sns_verifier *verifier;

/* Who would be asked for certificates. */
static unsigned fetches;
static const char *pem;		/* NULL: nobody answers */
static char last_url[512];

static bool fetch(void *context, const char *url, struct buf *to,
		  struct error *error)
{
	(void)context;
	fetches++;
	snprintf(last_url, sizeof(last_url), "%s", url);
	if (!pem)
		return error_cause(error, ERROR_UNAVAILABLE, "no route");
	buf_add_text(to, pem);
	return true;
}

static const char *path_of(const char *name)
{
	return arena_printf(arena, "%s/%s", folder, name);
}

static const char *read_text(const char *name)
{
	CLEANUP(cleanup_file) FILE *file = fopen(path_of(name), "re");
	char *text = arena_zalloc(arena, 8 * KIB);

	assert_non_null(file);
	assert_true(fread(text, 1, 8 * KIB - 1, file) > 0);
	return text;
}

static int make_keys(void **state)
{
	(void)state;
	test_folder_make(folder, "sns");
	arena = arena_new("sns_verify_test", 64 * MIB);
	error_init(&err);
	assert_true(signing_key_ensure(path_of("key.pem"), path_of("cert.pem"),
				       "sns.amazonaws.com", &err));
	assert_true(signing_key_ensure(path_of("evil.pem"), path_of("evil.crt"),
				       "sns.s3-us-west-2.amazonaws.com",
				       &err));
	arena_free(arena);
	return 0;
}

static int remove_keys(void **state)
{
	(void)state;
	return test_folder_remove(folder);
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_new("sns_verify_test", 256 * MIB);
	now_ms = clock_now_ms();
	rules = (struct sns_rules){ STR(OUR_TOPIC), false, true };
	fetches = 0;
	pem = read_text("cert.pem");
	error_init(&err);
	assert_true(sns_verifier_open_with(&verifier, fetch, NULL, &rules,
					   &err));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sns_verifier_close(verifier);
	arena_free(arena);
	return 0;
}

static bool verify(struct str body)
{
	error_init(&err);
	return sns_verify(verifier, body, now_ms, arena, &event, &err);
}

static struct str signed_by(const struct sns_forgery *forgery, const char *key)
{
	return forge(arena, forgery,
		     sign_lax(arena, forge(arena, forgery, "\"\""),
			      path_of(key)));
}

static struct str genuine_message(void)
{
	return signed_by(&unchanged, "key.pem");
}

/* --- what SNS signed ----------------------------------------------------- */

static struct str aws_message(size_t i, const char *topic)
{
	const char *subject = sns_aws_messages[i].subject;
	struct buf body;

	buf_init(&body, arena, 4 * KIB);
	buf_printf(&body, "{\"Type\":\"Notification\",\"MessageId\":\"%s\","
		   "\"TopicArn\":\"%s\",\"Message\":\"%s\","
		   "\"Timestamp\":\"%s\",\"SignatureVersion\":\"%s\","
		   "\"Signature\":\"%s\",\"SigningCertURL\":\""
		   AWS_CERTIFICATE_URL "\",\"UnsubscribeURL\":\"https://a\"",
		   sns_aws_messages[i].id, topic, sns_aws_messages[i].message,
		   sns_aws_messages[i].timestamp, sns_aws_messages[i].version,
		   sns_aws_messages[i].signature);
	if (subject)
		buf_printf(&body, ",\"Subject\":\"%s\"", subject);
	buf_add_char(&body, '}');
	return buf_str(&body);
}

static void expect_aws(size_t i)
{
	rules = (struct sns_rules){ str_from(sns_aws_messages[i].topic), true,
				    true };
	pem = sns_aws_certificate;
	now_ms = AWS_TIME_MS;
}

static void the_messages_that_aws_signed_are_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sns_aws_messages); i++) {
		expect_aws(i);
		if (!verify(aws_message(i, sns_aws_messages[i].topic)))
			fail_msg("%zu: %s %s", i, err.detail, err.cause);
		assert_int_equal(event.type, EVENT_NOTIFICATION);
		assert_true(str_is(event.message_id, sns_aws_messages[i].id));
		assert_true(str_is(event.message, "Hello world"));
	}
	/* one certificate for all, fetched once, from where they say */
	assert_int_equal(fetches, 1);
	assert_string_equal(last_url, AWS_CERTIFICATE_URL);
}

static void aws_messages_are_refused_outside_of_their_certificates_days(
	void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sns_aws_messages); i++) {
		struct str body = aws_message(i, sns_aws_messages[i].topic);

		expect_aws(i);
		now_ms = 1660867200000ll;	/* 2022-08-19 */
		assert_false(verify(body));
		assert_int_equal(err.code, ERROR_FORGED);
		now_ms = 1630886400000ll;	/* 2021-09-06 */
		assert_false(verify(body));
		assert_int_equal(err.code, ERROR_FORGED);
	}
}

static void every_flipped_character_of_an_aws_message_is_noticed(void **state)
{
	struct str body = aws_message(3, sns_aws_messages[3].topic);
	/* The certificate's address is not signed; it has tests of its own. */
	const char *end = strstr(body.ptr, "\"SigningCertURL\"");
	char *copy = (char *)arena_str(arena, body).ptr;

	(void)state;
	expect_aws(3);
	assert_true(verify(body));
	for (size_t i = 0; i < (size_t)(end - body.ptr); i++) {
		copy[i] ^= 1;
		now_ms += 20000;	/* not the limit of fetches */
		if (verify((struct str){ copy, body.len }))
			fail_msg("byte %zu (%c)", i, copy[i]);
		assert_int_not_equal(err.code, ERROR_NONE);
		copy[i] ^= 1;
	}
	assert_true(verify(body));
}

static void an_aws_message_of_another_topic_is_refused(void **state)
{
	(void)state;
	expect_aws(2);
	assert_false(verify(aws_message(2, sns_aws_messages[3].topic)));
	assert_int_equal(err.code, ERROR_FORGED);
	expect_aws(3);
	assert_false(verify(aws_message(2, sns_aws_messages[3].topic)));
	assert_int_equal(err.code, ERROR_FORGED);
}

static void version_1_is_refused_where_it_is_not_configured(void **state)
{
	(void)state;
	expect_aws(0);
	rules.accept_version_1 = false;
	assert_false(verify(aws_message(0, sns_aws_messages[0].topic)));
	assert_int_equal(err.code, ERROR_FORGED);
	assert_int_equal(fetches, 0);
}

/* --- what SNS did not sign ----------------------------------------------- */

static void try_all_forgeries(unsigned *ret_tried)
{
	const char *genuine_signature = sign_lax(
		arena, forge(arena, &unchanged, "\"\""), path_of("key.pem"));

	for (size_t i = 0; i < ARRAY_LEN(sns_forgeries); i++, ++*ret_tried) {
		const struct sns_forgery *forgery = &sns_forgeries[i];
		struct str body = forgery->signed_again
					  ? signed_by(forgery, "key.pem")
					  : forge(arena, forgery,
						  genuine_signature);

		if (verify(body))
			fail_msg("taken: %s", forgery->name);
		if (err.code != ERROR_FORGED && err.code != ERROR_NOT_JSON &&
		    err.code != ERROR_BAD_REQUEST)
			fail_msg("%s: code %d %s", forgery->name, err.code,
				 err.cause);
	}
	for (size_t i = 0; i < ARRAY_LEN(sns_bodies); i++, ++*ret_tried)
		assert_false(verify(str_from(sns_bodies[i])));
	for (size_t i = 0; i < ARRAY_LEN(sns_foreign_urls); i++, ++*ret_tried) {
		struct sns_forgery forgery = { "url", true, {
			{ "SigningCertURL", NULL },
			{ "+SigningCertURL", NULL },
		} };
		struct buf json;

		buf_init(&json, arena, KIB);
		buf_add_json(&json, str_from(sns_foreign_urls[i]));
		forgery.edits[1].json = json.ptr;
		if (verify(signed_by(&forgery, "key.pem")))
			fail_msg("taken: %s", sns_foreign_urls[i]);
	}
}

static void of_all_forgeries_none_is_taken_and_none_makes_us_fetch(
	void **state)
{
	unsigned tried = 0;

	(void)state;
	if (!verify(genuine_message()))
		fail_msg("%s %s", err.detail, err.cause);
	assert_int_equal(fetches, 1);
	try_all_forgeries(&tried);
	assert_int_equal(fetches, 1);
	assert_true(tried >= 60);
	print_message("%u forgeries: 0 taken, 0 fetches\n", tried);
}

/* Before the first genuine message: only what is told from one by its signature
 * alone, and names SNS's own certificate, has it fetched, once. */
static void forgeries_to_a_fresh_desk_fetch_one_certificate_at_most(
	void **state)
{
	unsigned tried = 0;

	(void)state;
	try_all_forgeries(&tried);
	assert_true(fetches <= 1);
	assert_string_equal(last_url, OUR_CERTIFICATE);
}

static void another_key_is_refused(void **state)
{
	(void)state;
	assert_false(verify(signed_by(&unchanged, "evil.pem")));
	assert_int_equal(err.code, ERROR_FORGED);
}

static void a_certificate_of_another_name_is_refused(void **state)
{
	(void)state;
	pem = read_text("evil.crt");
	assert_false(verify(signed_by(&unchanged, "evil.pem")));
	assert_int_equal(err.code, ERROR_FORGED);
	assert_non_null(strstr(err.detail, "made out"));
}

/* --- certificates -------------------------------------------------------- */

static void trouble_with_the_certificate_is_ours_and_passes(void **state)
{
	static const char *const answers[] = { NULL, "", "-----BEGIN", "<html>" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		pem = answers[i];
		assert_false(verify(genuine_message()));
		assert_int_equal(err.code, ERROR_UNAVAILABLE);
	}
	pem = read_text("cert.pem");
	assert_true(verify(genuine_message()));
}

static struct str message_naming(unsigned certificate)
{
	struct sns_forgery forgery = { "another certificate", true, {
		{ "SigningCertURL", arena_printf(arena,
			"\"https://sns.us-west-2.amazonaws.com/"
			"SimpleNotificationService-%x.pem\"", certificate) },
	} };

	return signed_by(&forgery, "key.pem");
}

static void few_certificates_are_kept(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_true(verify(message_naming(i)));
	assert_int_equal(fetches, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_true(verify(message_naming(i)));
	assert_int_equal(fetches, 4);
	assert_true(verify(message_naming(4)));	/* 0 goes */
	assert_true(verify(message_naming(1)));
	assert_int_equal(fetches, 5);
	assert_true(verify(message_naming(0)));
	assert_int_equal(fetches, 6);
}

/* Random names on SNS's own host cannot be told from a new certificate. */
static void a_flood_of_names_fetches_little(void **state)
{
	(void)state;
	pem = NULL;
	for (unsigned i = 0; i < 1000; i++) {
		assert_false(verify(message_naming(i)));
		assert_int_equal(err.code, ERROR_UNAVAILABLE);
		now_ms += 60;
	}
	/* a minute: eight at once, six more */
	assert_in_range(fetches, 8, 14);
	now_ms += 3600000;
	pem = read_text("cert.pem");
	assert_true(verify(genuine_message()));
	now_ms -= 3 * 3600000;	/* a clock that was set back */
	assert_false(verify(message_naming(5)));	/* not valid yet */
	assert_int_equal(err.code, ERROR_FORGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(the_messages_that_aws_signed_are_taken),
		TEST(aws_messages_are_refused_outside_of_their_certificates_days),
		TEST(every_flipped_character_of_an_aws_message_is_noticed),
		TEST(an_aws_message_of_another_topic_is_refused),
		TEST(version_1_is_refused_where_it_is_not_configured),
		TEST(of_all_forgeries_none_is_taken_and_none_makes_us_fetch),
		TEST(forgeries_to_a_fresh_desk_fetch_one_certificate_at_most),
		TEST(another_key_is_refused),
		TEST(a_certificate_of_another_name_is_refused),
		TEST(trouble_with_the_certificate_is_ours_and_passes),
		TEST(few_certificates_are_kept),
		TEST(a_flood_of_names_fetches_little),
#undef TEST
	};

	return cmocka_run_group_tests(tests, make_keys, remove_keys);
}
