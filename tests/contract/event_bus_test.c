/*
 * event_bus_test.c: does the topic of an engine that speaks SNS's protocol take
 * what we publish, bring it to our endpoint, and wait for our confirmation?
 *
 * ORDERMILL_TEST_SNS: one with a confirmation flow, whose signatures are none
 * (ministack). ORDERMILL_TEST_AWS: one that verifies ours and signs (moto), its
 * certificate under SNS's name at ORDERMILL_TEST_CERTIFICATE, vouched for by
 * ORDERMILL_TEST_CA. Each is skipped where its variable is not set.
 */
#include "../unit/http_listener.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "ports/event_bus.h"

#include "base/banned.h"

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define MESSAGE STR("{\"event_id\":\"0193a5c0-0000-7000-8000-00000000000e\"," \
		    "\"order\":{\"a\":\"\xc3\xa4 &=+%\\n\"}}")

static struct http_listener listener;
static struct config *config;
static struct event_bus *bus;
static struct arena *arena;
static struct error err;
static int64_t now_ms;
static char topic[160];
static unsigned said[3];
static const char *engine, *account;

static void count_step(enum setup_result result, const char *what,
		       const char *where)
{
	(void)what, (void)where;
	said[result]++;
}

static void must(bool ok)
{
	if (!ok)
		fail_msg("%s %s", err.detail, err.cause);
}

static void open_bus(const char *more)
{
	const char *door = getenv("ORDERMILL_TEST_CERTIFICATE");
	const char *ca = getenv("ORDERMILL_TEST_CA");
	const char *check = !door || !ca ? "" : arena_printf(
		arena, "event_bus.certificate_door = %s\n"
		"event_bus.ca_file = %s\n", door + strlen("https://"), ca);

	config = test_config("aws.endpoint.sns = %s\naws.region = us-east-1\n"
			     "event_bus.adapter = sns\n"
			     "event_bus.topic_arn = %s\n"
			     "event_bus.endpoint = %s/events/order-deleted\n"
			     "%s%s", engine, topic, listener.url, more, check);
	error_init(&err);
	must(event_bus_open(&bus, config, &err));
}

static void close_bus(void)
{
	event_bus_close(bus);
	config_free(config);
}

static int set_up(void **state)
{
	uint8_t random[8];
	char name[17];

	(void)state;
	memset(said, 0, sizeof(said));
	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), name);
	snprintf(topic, sizeof(topic), "arn:aws:sns:us-east-1:%s:t-%s",
		 account, name);
	listener_start(&listener);
	arena = arena_new("event_bus_test", 64 * MIB);
	now_ms = clock_now_ms();
	open_bus("");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_bus();
	listener_stop(&listener);
	arena_free(arena);
	return 0;
}

static void create_topic(void)
{
	struct setup setup = { arena, count_step };

	error_init(&err);
	must(event_bus_create(bus, &setup, &err));
}

static bool ensure(void)
{
	bool confirmed = false;

	error_init(&err);
	must(event_bus_ensure_subscription(bus, now_ms, arena, &confirmed,
					   &err));
	return confirmed;
}

/* Until the engine has posted `count` messages. */
static bool await(unsigned count)
{
	for (int i = 0; i < 500 && listener.requests < count; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	return listener.requests >= count;
}

static struct str member(const char *name)
{
	struct json envelope;

	error_init(&err);
	must(json_parse(&envelope, str_from(listener_body(&listener)), arena,
			&err));
	return json_string(json_member(envelope, name));
}

static void publish(struct str subject)
{
	bool permanent = true;

	error_init(&err);
	must(event_bus_publish(bus, subject, MESSAGE, STR(TRACE), now_ms, arena,
			       &permanent, &err));
	assert_false(permanent);
}

static bool verify(struct event *ret)
{
	error_init(&err);
	/* The certificate may be younger than the test. */
	return event_bus_verify(bus, str_from(listener_body(&listener)),
				clock_now_ms() + 1000, arena, ret, &err);
}

/* --- both ---------------------------------------------------------------- */

static void init_makes_the_topic_and_then_keeps_it(void **state)
{
	(void)state;
	create_topic();
	assert_int_equal(said[SETUP_MADE], 1);
	memset(said, 0, sizeof(said));
	create_topic();
	assert_int_equal(said[SETUP_KEPT], 1);
}

static void a_topic_that_is_not_there_is_no_permanent_failure(void **state)
{
	bool permanent = true;

	(void)state;
	error_init(&err);
	assert_false(event_bus_publish(bus, STR(""), MESSAGE, STR(""), now_ms,
				       arena, &permanent, &err));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_false(permanent);
	assert_non_null(strstr(err.cause, "NotFound"));
}

static void a_token_that_nobody_gave_is_refused(void **state)
{
	(void)state;
	create_topic();
	error_init(&err);
	assert_false(event_bus_confirm(bus, STR("nobody-gave-this"), &err));
	assert_int_equal(err.code, ERROR_BAD_REQUEST);
}

/* --- a confirmation flow ------------------------------------------------- */

static void our_endpoint_confirms_by_its_token_and_is_rung(void **state)
{
	struct event event;

	(void)state;
	create_topic();
	assert_false(ensure());
	assert_true(await(1));
	assert_true(str_is(member("Type"), "SubscriptionConfirmation"));
	/* It is not signed by SNS: no desk would take it. */
	assert_false(verify(&event));
	assert_int_equal(err.code, ERROR_FORGED);
	assert_false(ensure());
	/* asked twice within half a minute, and SNS asked us once */
	assert_int_equal(listener.requests, 1);
	error_init(&err);
	must(event_bus_confirm(bus, member("Token"), &err));
	assert_true(ensure());
	publish(STR("Order deleted"));
	assert_true(await(2));
	assert_true(str_is(member("Type"), "Notification"));
	assert_true(str_eq(member("Message"), MESSAGE));
	assert_true(str_is(member("TopicArn"), topic));
	/* confirmed once is confirmed for the next relay */
	close_bus();
	open_bus("");
	assert_true(ensure());
}

/* --- one that signs ------------------------------------------------------ */

static void what_is_published_comes_back_signed_and_verifies(void **state)
{
	struct event event;

	(void)state;
	create_topic();
	/* this engine does not ask */
	assert_true(ensure());
	publish(STR(""));
	assert_true(await(1));
	if (!verify(&event))
		fail_msg("%s %s", err.detail, err.cause);
	assert_int_equal(event.type, EVENT_NOTIFICATION);
	assert_true(str_eq(event.message, MESSAGE));
	/* Another one has another certificate there. */
	publish(STR("Order deleted"));
	assert_true(await(2));
	if (!verify(&event))
		fail_msg("%s %s", err.detail, err.cause);
}

static void another_secret_is_refused_and_said(void **state)
{
	char secret[128];
	bool permanent = true;

	(void)state;
	create_topic();
	snprintf(secret, sizeof(secret), "%s",
		 getenv("AWS_SECRET_ACCESS_KEY"));
	close_bus();
	setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret", 1);
	open_bus("");
	error_init(&err);
	assert_false(event_bus_publish(bus, STR(""), MESSAGE, STR(""), now_ms,
				       arena, &permanent, &err));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_false(permanent);
	setenv("AWS_SECRET_ACCESS_KEY", secret, 1);
	assert_non_null(strstr(err.cause, "sns Publish"));
	assert_non_null(strstr(err.cause, "SignatureDoesNotMatch"));
}

static bool is_there(const char *variable, const char *its_account)
{
	engine = getenv(variable);
	account = its_account;
	if (!engine)
		print_message("skipped: %s names no engine\n", variable);
	return engine;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest asks[] = {
		TEST(init_makes_the_topic_and_then_keeps_it),
		TEST(a_topic_that_is_not_there_is_no_permanent_failure),
		TEST(a_token_that_nobody_gave_is_refused),
		TEST(our_endpoint_confirms_by_its_token_and_is_rung),
	};
	const struct CMUnitTest signs[] = {
		TEST(init_makes_the_topic_and_then_keeps_it),
		TEST(a_topic_that_is_not_there_is_no_permanent_failure),
		TEST(what_is_published_comes_back_signed_and_verifies),
		TEST(another_secret_is_refused_and_said),
	};
	int failed = 0;

	if (is_there("ORDERMILL_TEST_SNS", "000000000000"))
		failed += cmocka_run_group_tests_name("asks", asks, NULL, NULL);
	if (is_there("ORDERMILL_TEST_AWS", "123456789012"))
		failed += cmocka_run_group_tests_name("signs", signs, NULL,
						      NULL);
	return failed;
}
