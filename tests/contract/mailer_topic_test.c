/*
 * mailer_topic_test.c: does an e-mail topic of an engine that speaks SNS's
 * protocol take our readers and mails?
 *
 * ORDERMILL_TEST_AWS (moto), ORDERMILL_TEST_SNS (ministack): skipped where not
 * set.
 */
#include "test_setup.h"

#include "adapters/sns_api.h"
#include "base/crypto.h"
#include "ports/mailer.h"

#include "base/banned.h"

static const char *engine, *account;
static struct config *config;
static struct mailer *mailer;
static struct arena *arena;
static struct error err;
static char topic[160];
static unsigned made;

static void count_made(enum setup_result result, const char *what,
		       const char *where)
{
	(void)what, (void)where;
	made += result == SETUP_MADE;
}

static void must(bool ok)
{
	if (!ok)
		fail_msg("%s %s", err.detail, err.cause);
}

static bool open_mailer(const char *topic_arn)
{
	config = test_config(
		"aws.endpoint.sns = %s\naws.region = us-east-1\n"
		"mailer.adapter = sns\nmailer.topic_arn = %s\n"
		"event_bus.topic_arn = arn:aws:sns:us-east-1:1:bell\n",
		engine, topic_arn);
	error_init(&err);
	return mailer_open(&mailer, config, &err);
}

static int set_up(void **state)
{
	struct setup setup = { .say = count_made };
	uint8_t random[8];
	char name[17];

	(void)state;
	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), name);
	snprintf(topic, sizeof(topic), "arn:aws:sns:us-east-1:%s:mails-%s",
		 account, name);
	arena = setup.arena = arena_new("mailer_topic_test", 32 * MIB);
	made = 0;
	must(open_mailer(topic));
	must(mailer_create(mailer, &setup, &err));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mailer_close(mailer);
	config_free(config);
	arena_free(arena);
	return 0;
}

static void the_topic_is_made_once(void **state)
{
	struct setup setup = { arena, count_made };

	(void)state;
	assert_int_equal(made, 1);
	must(mailer_create(mailer, &setup, &err));
	assert_int_equal(made, 1);
}

static void an_address_is_subscribed_however_often(void **state)
{
	struct aws_client *client;
	bool permanent = true;
	struct str arn;

	(void)state;
	for (int i = 0; i < 2; i++) {
		error_init(&err);
		must(mailer_subscribe(mailer, STR("ada+o@example.org"),
				      &permanent, &err));
		assert_false(permanent);
	}
	must(aws_client_open(&client, config, AWS_SNS, &err));
	must(sns_find_subscription(client, topic, "email",
				   STR("ada+o@example.org"), arena, &arn,
				   &err));
	assert_true(arn.len > 0);
	must(sns_find_subscription(client, topic, "email",
				   STR("bob@example.org"), arena, &arn, &err));
	assert_int_equal(arn.len, 0);
	aws_client_close(client);
}

static void what_is_no_address_never_gets_there(void **state)
{
	static const char *const addresses[] = { "", "a", "a@b\r\nc",
						 "a b@example.org" };
	bool permanent;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		permanent = false;
		error_init(&err);
		assert_false(mailer_subscribe(mailer, str_from(addresses[i]),
					      &permanent, &err));
		assert_true(permanent);
	}
}

static void a_mail_of_any_text_is_published(void **state)
{
	bool permanent = true;

	(void)state;
	error_init(&err);
	must(mailer_publish(mailer, STR("Order deleted: caf\xc3\xa9 & \r\n"
					"12345678901234567890123456789012345678"
					"90123456789012345678901234567890123456"
					"789012345678901234567890"),
			    STR("D\xc3\xa9j\xc3\xa0 vu\n=&+%\n"), &permanent,
			    &err));
	assert_false(permanent);
}

static void it_mails_to_no_single_address(void **state)
{
	bool permanent = false;

	(void)state;
	error_init(&err);
	assert_false(mailer_send(mailer, STR("a@b.c"), STR("d@e.f"),
				 STR("Subject: x\r\n\r\ny"), "1", &permanent,
				 &err));
	assert_true(permanent);
}

static void a_topic_that_is_none_stops_the_start(void **state)
{
	static const char *const topics[] = {
		"", "order-mails", "arn:aws:sns:local:000000000000:mails",
		"arn:aws:sqs:us-east-1:1:mails", "arn:aws:sns:us-east-1:1:bell",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
		mailer_close(mailer);
		mailer = NULL;
		config_free(config);
		assert_false(open_mailer(topics[i]));
		assert_non_null(strstr(err.cause, "mailer.topic_arn"));
	}
}

static bool is_there(const char *variable, const char *its_account)
{
	engine = getenv(variable);
	account = its_account;
	if (!engine)
		print_message("skipped: %s names no engine\n", variable);
	return engine;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(the_topic_is_made_once),
		TEST(an_address_is_subscribed_however_often),
		TEST(what_is_no_address_never_gets_there),
		TEST(a_mail_of_any_text_is_published),
		TEST(it_mails_to_no_single_address),
		TEST(a_topic_that_is_none_stops_the_start),
#undef TEST
	};
	int failed = 0;

	if (is_there("ORDERMILL_TEST_AWS", "123456789012"))
		failed += cmocka_run_group_tests_name("moto", tests, NULL,
						      NULL);
	if (is_there("ORDERMILL_TEST_SNS", "000000000000"))
		failed += cmocka_run_group_tests_name("ministack", tests, NULL,
						      NULL);
	return failed;
}
