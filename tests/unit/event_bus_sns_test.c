/*
 * event_bus_sns_test.c: what is sent to SNS, and what becomes of answers that
 * the contract test's peers do not give.
 */
#include "http_listener.h"

#include "ports/event_bus.h"

#include "base/banned.h"

#define TOPIC "arn:aws:sns:eu-central-1:123456789012:order-deleted"
#define SUBSCRIPTION TOPIC ":0193a5c0-0000-7000-8000-000000000001"
#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define NOW_MS 1795536000000ll

static struct http_listener listener;
static struct config *config;
static struct event_bus *bus;
static struct arena *arena;
static struct error err;

static bool try_open(const char *topic, const char *more)
{
	config = listener_config(
		&listener, "sns", "event_bus.adapter = sns\n"
		"site.url = https://desk.example.org\n",
		arena_printf(arena, "event_bus.topic_arn = %s\n%s", topic,
			     more));
	error_init(&err);
	return event_bus_open(&bus, config, &err);
}

static void close_bus(void)
{
	event_bus_close(bus);
	config_free(config);
	bus = NULL;
}

static int set_up(void **state)
{
	(void)state;
	listener_start(&listener);
	arena = arena_new("event_bus_sns_test", 64 * MIB);
	assert_true(try_open(TOPIC, ""));
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

static const char *answer(const char *status, const char *body)
{
	return arena_printf(arena, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n"
			    "\r\n%s", status, strlen(body), body);
}

static const char *failure(const char *status, const char *code)
{
	return answer(status, arena_printf(
		arena, "<ErrorResponse><Error><Type>Sender</Type><Code>%s"
		"</Code><Message>m</Message></Error></ErrorResponse>", code));
}

static void play(const char *a, const char *b, const char *c, const char *d)
{
	listener_play(&listener, a, b, c, d);
}

static bool publish(struct str trace, bool *permanent)
{
	error_init(&err);
	return event_bus_publish(bus, STR("s"), STR("{\"a\":\"&=+ \xc3\xa9\"}"),
				 trace, NOW_MS, arena, permanent, &err);
}

static bool sent(const char *text)
{
	return strstr(listener.request, text);
}

static void an_event_goes_out_with_its_type_and_trace(void **state)
{
	bool permanent = true;

	(void)state;
	listener.answer = answer("200 OK", "<R><PublishResult><MessageId>1"
				 "</MessageId></PublishResult></R>");
	assert_true(publish(STR(TRACE), &permanent));
	assert_false(permanent);
	assert_true(sent("POST / HTTP/1.1\r\n"));
	assert_true(sent("Content-Type: application/x-www-form-urlencoded; "
			 "charset=utf-8\r\n"));
	assert_true(sent("Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws"));
	assert_true(sent("&Message=%7B%22a%22%3A%22%26%3D%2B%20%C3%A9%22%7D"));
	assert_true(sent("MessageAttributes.entry.1.Name=event_type&"
			 "MessageAttributes.entry.1.Value.DataType=String&"
			 "MessageAttributes.entry.1.Value.StringValue="
			 "order.deleted"));
	assert_true(sent("MessageAttributes.entry.2.Name=traceparent&"));
	assert_true(sent("Value.StringValue=" TRACE));
	assert_true(publish(STR("x&Action=DeleteTopic"), &permanent));
	assert_false(sent("traceparent"));
	assert_false(sent("DeleteTopic"));
}

static void answers_decide_what_becomes_of_an_event(void **state)
{
	const struct {
		const char *answer;
		bool permanent;
	} cases[] = {
		{ failure("400 Bad", "InvalidParameter"), true },
		{ failure("413 Large", "RequestEntityTooLarge"), true },
		{ failure("404 None", "NotFound"), false },
		{ failure("403 No", "AuthorizationError"), false },
		{ failure("403 No", "SignatureDoesNotMatch"), false },
		{ failure("400 Bad", "Throttling"), false },
		{ failure("400 Bad", "KMSAccessDenied"), false },
		{ failure("400 Bad", "KMSThrottling"), false },
		{ failure("400 Bad", "KMSDisabledException"), false },
		{ failure("500 Oh", "InternalError"), false },
		{ answer("503 Busy", ""), false },
		{ answer("301 Moved", ""), false },
		{ answer("200 OK", "<html>"), false },
		{ answer("200 OK", ""), false },
		{ answer("200 OK", "<R><PublishResult/></R>"), false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool permanent = !cases[i].permanent;

		listener.answer = cases[i].answer;
		if (publish(STR(TRACE), &permanent))
			fail_msg("%s", cases[i].answer);
		assert_int_equal(err.code, ERROR_UNAVAILABLE);
		if (permanent != cases[i].permanent)
			fail_msg("permanent: %s", cases[i].answer);
	}
}

#define SUBSCRIBED "<R><SubscribeResult><SubscriptionArn>" SUBSCRIPTION \
	"</SubscriptionArn></SubscribeResult></R>"
#define PENDING(yes) "<R><GetSubscriptionAttributesResult><Attributes><entry>" \
	"<key>Owner</key><value>1</value></entry><entry>" \
	"<key>PendingConfirmation</key><value>" yes "</value></entry>" \
	"</Attributes></GetSubscriptionAttributesResult></R>"

static bool ensure(int64_t now_ms, bool *ret_confirmed)
{
	error_init(&err);
	return event_bus_ensure_subscription(bus, now_ms, arena, ret_confirmed,
					     &err);
}

static void a_pending_subscription_is_asked_for_twice_a_minute(void **state)
{
	bool confirmed = true;

	(void)state;
	play(answer("200 OK", SUBSCRIBED), answer("200 OK", PENDING("true")),
	     NULL, NULL);
	assert_true(ensure(NOW_MS, &confirmed));
	assert_false(confirmed);
	assert_int_equal(listener.requests, 2);
	assert_true(ensure(NOW_MS + 29999, &confirmed));
	assert_int_equal(listener.requests, 3);
	assert_true(sent("Action=GetSubscriptionAttributes&"));
	play(answer("200 OK", PENDING("true")), answer("200 OK", SUBSCRIBED),
	     answer("200 OK", PENDING("false")), NULL);
	assert_true(ensure(NOW_MS + 30000, &confirmed));
	assert_true(confirmed);
	assert_int_equal(listener.requests, 3);
}

static void it_asks_for_what_our_endpoint_needs(void **state)
{
	bool confirmed;

	(void)state;
	close_bus();
	assert_true(try_open(TOPIC, "event_bus.dead_letter_arn = "
			     "arn:aws:sqs:eu-central-1:1:dead\n"));
	listener.answer = failure("404 None", "NotFound");
	assert_false(ensure(NOW_MS, &confirmed));
	assert_true(sent("Action=Subscribe&"));
	assert_true(sent("&Protocol=https&"));
	assert_true(sent("&Endpoint=https%3A%2F%2Fdesk.example.org%2Fevents"
			 "%2Forder-deleted&ReturnSubscriptionArn=true&"));
	assert_true(sent("key=RawMessageDelivery&Attributes.entry.1.value="
			 "false"));
	assert_true(sent("key=DeliveryPolicy&"));
	assert_true(sent("RedrivePolicy&Attributes.entry.3.value=%7B%22dead"
			 "LetterTargetArn%22%3A%22arn%3Aaws%3Asqs"));
}

/* By a template, or by an older desk. */
static void a_subscription_made_otherwise_is_taken_over(void **state)
{
	static const char *answers[8];
	bool confirmed;

	(void)state;
	answers[0] = failure("400 Bad", "InvalidParameter");
	answers[1] = answer("200 OK", "<R><ListSubscriptionsByTopicResult>"
			    "<Subscriptions><member><Protocol>https</Protocol>"
			    "<Endpoint>https://other</Endpoint>"
			    "<SubscriptionArn>arn:other</SubscriptionArn>"
			    "</member></Subscriptions><NextToken>t</NextToken>"
			    "</ListSubscriptionsByTopicResult></R>");
	answers[2] = answer("200 OK", "<R><ListSubscriptionsByTopicResult>"
			    "<Subscriptions><member><Protocol>https</Protocol>"
			    "<Endpoint>https://desk.example.org/events/"
			    "order-deleted</Endpoint><SubscriptionArn>"
			    SUBSCRIPTION "</SubscriptionArn></member>"
			    "</Subscriptions>"
			    "</ListSubscriptionsByTopicResult></R>");
	answers[3] = answers[4] = answer("200 OK", "<R/>");
	answers[5] = answer("200 OK", PENDING("false"));
	listener.answers = answers;
	if (!ensure(NOW_MS, &confirmed))
		fail_msg("%s", err.cause);
	assert_true(confirmed);
	assert_int_equal(listener.requests, 6);
	/* and when there is none after all, the first refusal is the reason */
	close_bus();
	assert_true(try_open(TOPIC, ""));
	play(failure("400 Bad", "InvalidParameter"), answer("200 OK", "<R/>"),
	     NULL, NULL);
	assert_false(ensure(NOW_MS, &confirmed));
	assert_non_null(strstr(err.cause, "InvalidParameter"));
}

static void a_confirmation_is_made_by_call_and_kept_from_strangers(void **state)
{
	(void)state;
	listener.answer = answer("200 OK", "<R/>");
	error_init(&err);
	assert_true(event_bus_confirm(bus, STR("t&Action=x"), &err));
	assert_true(sent("Action=ConfirmSubscription&"));
	assert_true(sent("&Token=t%26Action%3Dx&AuthenticateOnUnsubscribe="
			 "true"));
	listener.answer = failure("400 Bad", "InvalidParameter");
	assert_false(event_bus_confirm(bus, STR("old"), &err));
	assert_int_equal(err.code, ERROR_BAD_REQUEST);
	listener.answer = answer("503 Busy", "");
	error_init(&err);
	assert_false(event_bus_confirm(bus, STR("t"), &err));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
}

static void a_topic_that_is_none_stops_the_start(void **state)
{
	static const char *const topics[] = {
		"order-deleted", "arn:aws:sns:local:000000000000:order-deleted",
		"arn:aws:sqs:eu-central-1:1:x", "arn:aws:sns:eu-central-1:1",
		"arn:aws:sns:eu-central-1:1:x:y", "arn:evil:sns:eu-west-1:1:x",
		"arn:aws:sns:evil.org/-:1:x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
		close_bus();
		if (try_open(topics[i], ""))
			fail_msg("%s", topics[i]);
		assert_non_null(strstr(err.cause, "event_bus.topic_arn"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(an_event_goes_out_with_its_type_and_trace),
		TEST(answers_decide_what_becomes_of_an_event),
		TEST(a_pending_subscription_is_asked_for_twice_a_minute),
		TEST(it_asks_for_what_our_endpoint_needs),
		TEST(a_subscription_made_otherwise_is_taken_over),
		TEST(a_confirmation_is_made_by_call_and_kept_from_strangers),
		TEST(a_topic_that_is_none_stops_the_start),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
