/*
 * event_bus_local_test.c: does what the local bus sends verify where it arrives,
 * is nothing else taken, and is our endpoint asked until it confirms?
 */
#include "http_listener.h"
#include "../fakes/sns_forger.h"

#include "test_setup.h"
#include "sns/sns_message.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/signature.h"

#include "base/banned.h"

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define RAW STR("{\"event_id\":\"1\",\"order\":{\"a\":\"\\n\xc3\xa4\"}}")

static struct http_listener listener;
static char folder[TEST_FOLDER_BYTES];
static struct config *config;
static struct event_bus *bus;
static struct arena *arena;
static struct error err;
static struct event event;
static int64_t now_ms;

static void open_bus_at(const char *endpoint, const char *more)
{
	config = test_config("state.directory = %s\n"
			     "event_bus.topic_arn = " OUR_TOPIC "\n"
			     "event_bus.endpoint = %s/events/order-deleted\n%s",
			     folder, endpoint, more);
	error_init(&err);
	if (!event_bus_open(&bus, config, &err))
		fail_msg("%s %s", err.detail, err.cause);
}

static void open_bus(const char *more)
{
	open_bus_at(listener.url, more);
}

static void close_bus(void)
{
	event_bus_close(bus);
	config_free(config);
}

/* One folder, so one key, for all: making one takes long. */
static int make_folder(void **state)
{
	(void)state;
	test_folder_make(folder, "bus");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return test_folder_remove(folder);
}

static int set_up(void **state)
{
	(void)state;
	listener_start(&listener);
	arena = arena_new("event_bus_local_test", 256 * MIB);
	now_ms = clock_now_ms();
	open_bus("");
	unlink(arena_printf(arena, "%s/event_bus/subscription", folder));
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

static bool publish(struct str subject, struct str message, bool *permanent)
{
	error_init(&err);
	return event_bus_publish(bus, subject, message, STR(TRACE), now_ms,
				 arena, permanent, &err);
}

static bool verify(struct str body)
{
	error_init(&err);
	memset(&event, 0, sizeof(event));
	return event_bus_verify(bus, body, now_ms, arena, &event, &err);
}

static struct str sent(void)
{
	return str_from(listener_body(&listener));
}

static struct json member(const char *name)
{
	struct json envelope;

	if (!json_parse(&envelope, sent(), arena, &err))
		fail_msg("%s", err.detail);
	return json_member(envelope, name);
}

/* --- publishing ---------------------------------------------------------- */

static void what_is_published_verifies_where_it_arrives(void **state)
{
	bool permanent = true;

	(void)state;
	if (!publish(STR("Order deleted"), RAW, &permanent))
		fail_msg("%s", err.cause);
	assert_false(permanent);
	if (!verify(sent()))
		fail_msg("%s %s", err.detail, err.cause);
	assert_int_equal(event.type, EVENT_NOTIFICATION);
	assert_true(str_eq(event.message, RAW));
	assert_true(uuid_is_valid(event.message_id));
}

static void a_message_of_any_text_verifies(void **state)
{
	static const char *const texts[] = {
		"", "\n", "Message\nMessageId\n", "\"\\\r\n\t\x01",
		"\xe2\x80\xa8\xf0\x9f\x98\x80",
	};
	bool permanent;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_true(publish(STR(""), str_from(texts[i]), &permanent));
		assert_true(verify(sent()));
		assert_true(str_is(event.message, texts[i]));
	}
}

static void the_largest_message_of_sns_goes_through(void **state)
{
	struct str text = { arena_alloc(arena, 256 * KIB), 256 * KIB };
	bool permanent;

	(void)state;
	memset((char *)text.ptr, '\x01', text.len);
	assert_true(publish(STR("s"), text, &permanent));
	assert_true(sent().len < 2 * MIB);
	assert_true(verify(sent()));
	assert_true(str_eq(event.message, text));
}

static void the_envelope_and_headers_are_snss(void **state)
{
	static const char *const headers[] = {
		"POST /events/order-deleted HTTP/1.1\r\n",
		"\r\nContent-Type: text/plain; charset=UTF-8\r\n",
		"\r\nx-amz-sns-message-type: Notification\r\n",
		"\r\nx-amz-sns-message-id: ",
		"\r\nx-amz-sns-topic-arn: " OUR_TOPIC "\r\n",
		"\r\ntraceparent: " TRACE "\r\n",
	};
	static const struct {
		const char *name, *value;
	} members[] = {
		{ "Type", "Notification" }, { "TopicArn", OUR_TOPIC },
		{ "Subject", "Order deleted" }, { "SignatureVersion", "2" },
	};
	bool permanent;
	int64_t time_ms;

	(void)state;
	assert_true(publish(STR("Order deleted"), RAW, &permanent));
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		assert_non_null(strstr(listener.request, headers[i]));
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		assert_true(str_is(json_string(member(members[i].name)),
				   members[i].value));
	assert_true(time_parse(json_string(member("Timestamp")), &time_ms));
	assert_int_equal(time_ms, now_ms);
	assert_true(str_is(json_string(json_member(json_member(
			member("MessageAttributes"), "traceparent"), "Value")),
			TRACE));
	assert_true(str_is(json_string(json_member(json_member(
			member("MessageAttributes"), "event_type"), "Value")),
			"order.deleted"));
}

static void a_trace_that_is_none_is_not_sent_as_a_header(void **state)
{
	bool permanent;

	(void)state;
	assert_true(event_bus_publish(bus, STR("s"), STR("m"),
				      STR("x\r\nX-Evil: 1"), now_ms, arena,
				      &permanent, &err));
	assert_null(strstr(listener.request, "X-Evil: 1\r\n"));
	assert_null(strstr(listener.request, "\r\ntraceparent:"));
	assert_true(verify(sent()));
}

static void an_empty_subject_is_left_out(void **state)
{
	bool permanent;

	(void)state;
	assert_true(publish(STR(""), RAW, &permanent));
	assert_int_equal(member("Subject").kind, JSON_ABSENT);
	assert_true(verify(sent()));
}

static void answers_decide_what_becomes_of_a_ring(void **state)
{
	static const struct {
		const char *answer;
		bool ok, permanent;
	} cases[] = {
		{ ANSWER("200 OK"), true, false },
		{ ANSWER("202 Taken"), true, false },
		{ "HTTP/1.1 204 None\r\n\r\n", true, false },
		{ ANSWER("301 Moved"), false, false },
		{ ANSWER("400 Bad"), false, true },
		{ ANSWER("401 Who"), false, true },
		{ ANSWER("403 Forged"), false, true },
		{ ANSWER("404 Where"), false, true },
		{ ANSWER("408 Slow"), false, false },
		{ ANSWER("413 Large"), false, true },
		{ ANSWER("415 Type"), false, true },
		{ ANSWER("429 Many"), false, false },
		{ ANSWER("500 Oh"), false, false },
		{ ANSWER("502 Oh"), false, false },
		{ ANSWER("503 Busy"), false, false },
		{ "HTTP/1.1 200 Cut\r\nConnection: close\r\n"
		  "Content-Length: 9\r\n\r\ncut", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool permanent = !cases[i].permanent;
		bool ok;

		listener.answer = cases[i].answer;
		ok = publish(STR("s"), RAW, &permanent);
		if (ok != cases[i].ok || permanent != cases[i].permanent)
			fail_msg("%.20s: %d %d", cases[i].answer, ok,
				 permanent);
		if (!ok)
			assert_int_equal(err.code, ERROR_UNAVAILABLE);
	}
}

static void nobody_there_is_unavailable_and_not_for_good(void **state)
{
	bool permanent = true;
	struct http_listener gone;

	(void)state;
	listener_start(&gone);
	listener_stop(&gone);
	close_bus();
	open_bus_at(gone.url, "");
	assert_false(publish(STR("s"), RAW, &permanent));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_false(permanent);
}

/* --- forgeries ----------------------------------------------------------- */

static const char *our_key(void)
{
	return arena_printf(arena, "%s/event_bus/key.pem", folder);
}

static void the_genuine_message_of_the_table_is_taken(void **state)
{
	struct str body = forge(arena, &unchanged, sign_lax(arena, forge(arena, &unchanged, "\"\""),
						     our_key()));

	(void)state;
	if (!verify(body))
		fail_msg("%s %s", err.detail, err.cause);
	assert_true(str_is(event.message_id, EVENT_ID));
}

static void no_forgery_of_the_table_is_taken(void **state)
{
	const char *genuine_signature = sign_lax(arena, forge(arena, &unchanged, "\"\""),
						 our_key());
	unsigned tried = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sns_forgeries); i++, tried++) {
		const struct sns_forgery *forgery = &sns_forgeries[i];
		const char *signature = forgery->signed_again
			? sign_lax(arena, forge(arena, forgery, "\"\""), our_key())
			: genuine_signature;
		struct str body = forge(arena, forgery, signature);

		if (verify(body))
			fail_msg("taken: %s", forgery->name);
		if (err.code != ERROR_FORGED && err.code != ERROR_NOT_JSON &&
		    err.code != ERROR_BAD_REQUEST)
			fail_msg("%s: code %d", forgery->name, err.code);
		if (forgery->signed_again && !rules_refuse(arena, body))
			fail_msg("only its signature: %s", forgery->name);
	}
	assert_true(tried >= 60);
}

/* The topic and the type at the end of what is signed are the attacker's. */
static void a_message_of_another_topic_cannot_be_cut_into_ours(void **state)
{
	struct buf signed_text;
	struct signing_key *key;
	struct str signature, body;
	struct sns_forgery recut = sns_forgeries[0];

	(void)state;
	recut.edits[0] = (struct sns_edit){ "Type",
		"\"Notification\\nTimestamp\\n2026-11-24T16:00:00.000Z\\n"
		"TopicArn\\n" THEIR_TOPIC "\\nType\\nNotification\"" };
	recut.edits[1] = (struct sns_edit){ "Subject", NULL };
	buf_init(&signed_text, arena, KIB);
	buf_add_text(&signed_text,
		     "Message\n{\"event_id\":\"1\"}\nMessageId\n" EVENT_ID "\n"
		     "Timestamp\n2026-11-24T16:00:00.000Z\n"
		     "TopicArn\n" OUR_TOPIC "\nType\nNotification\n"
		     "Timestamp\n2026-11-24T16:00:00.000Z\n"
		     "TopicArn\n" THEIR_TOPIC "\nType\nNotification\n");
	assert_true(signing_key_open(&key, our_key(), &err));
	assert_true(signing_key_sign(key, buf_str(&signed_text), arena,
				     &signature, &err));
	signing_key_close(key);
	body = forge(arena, &recut, arena_printf(arena, "\"%.*s\"",
					  STR_ARG(signature)));
	/* A lax validator would be taken in. */
	assert_true(str_eq(lax_string(arena, body), buf_str(&signed_text)));
	assert_false(verify(body));
	assert_int_equal(err.code, ERROR_BAD_REQUEST);
}

static void another_key_is_refused(void **state)
{
	const char *key = arena_printf(arena, "%s/other.pem", folder);
	struct str body;

	(void)state;
	assert_true(signing_key_ensure(key, arena_printf(arena, "%s/other.crt",
							 folder), "other",
				       &err));
	body = forge(arena, &unchanged, sign_lax(arena, forge(arena, &unchanged, "\"\""), key));
	assert_false(verify(body));
	assert_int_equal(err.code, ERROR_FORGED);
}

static void a_signature_of_version_2_is_none_of_version_1(void **state)
{
	struct sns_forgery one = { "", true, {
		{ "SignatureVersion", "\"1\"" },
	} };
	struct str body;

	(void)state;
	close_bus();
	open_bus("event_bus.signature_versions = 1 2\n");
	body = forge(arena, &one, sign_lax(arena, forge(arena, &one, "\"\""), our_key()));
	assert_false(verify(body));
	assert_int_equal(err.code, ERROR_FORGED);
	assert_null(strstr(err.detail, "not accepted here"));
	body = forge(arena, &unchanged, sign_lax(arena, forge(arena, &unchanged, "\"\""),
					  our_key()));
	assert_true(verify(body));
}

static void no_body_that_is_no_envelope_is_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sns_bodies); i++) {
		assert_false(verify(str_from(sns_bodies[i])));
		assert_true(err.code == ERROR_NOT_JSON ||
			    err.code == ERROR_BAD_REQUEST);
	}
}

static void every_flipped_byte_of_what_was_sent_is_noticed(void **state)
{
	struct str body;
	char *bytes;
	bool permanent;
	unsigned taken = 0;
	const char *unsigned_part;

	(void)state;
	assert_true(publish(STR("s"), STR("m"), &permanent));
	body = arena_str(arena, sent());
	bytes = (char *)body.ptr;
	/* Behind it only what SNS does not sign either. */
	unsigned_part = strstr(bytes, "\"UnsubscribeURL\"");
	for (size_t i = 0; bytes + i < unsigned_part; i++) {
		char old = bytes[i];

		bytes[i] ^= 1;
		taken += verify(body);
		bytes[i] = old;
	}
	assert_int_equal(taken, 0);
	assert_true(verify(body));
}

static void a_certificate_that_is_gone_is_our_trouble(void **state)
{
	const char *path = arena_printf(arena, "%s/event_bus/certificate.pem",
					folder);
	const char *away = arena_printf(arena, "%s/away.pem", folder);
	bool permanent;

	(void)state;
	assert_true(publish(STR("s"), RAW, &permanent));
	assert_int_equal(rename(path, away), 0);
	assert_false(verify(sent()));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_int_equal(rename(away, path), 0);
	assert_true(verify(sent()));
}

static void only_snss_own_certificate_urls_are_genuine(void **state)
{
	struct str topic = STR("arn:aws:sns:us-west-2:123456789012:orders");

	(void)state;
	assert_true(sns_certificate_url_is_genuine(
		STR("https://sns.us-west-2.amazonaws.com" SNS_FILE), topic,
		arena));
	assert_true(sns_certificate_url_is_genuine(
		STR("https://sns.cn-north-1.amazonaws.com.cn" SNS_FILE),
		STR("arn:aws-cn:sns:cn-north-1:123456789012:orders"), arena));
	assert_true(sns_certificate_url_is_genuine(
		STR("https://sns.us-gov-west-1.amazonaws.com" SNS_FILE),
		STR("arn:aws-us-gov:sns:us-gov-west-1:123456789012:o"),
		arena));
	for (size_t i = 0; i < ARRAY_LEN(sns_foreign_urls); i++)
		if (sns_certificate_url_is_genuine(
			    str_from(sns_foreign_urls[i]), topic, arena))
			fail_msg("taken: %s", sns_foreign_urls[i]);
}

static void a_topic_that_is_none_has_no_certificate(void **state)
{
	static const char *const topics[] = {
		"", "arn", "arn:aws:sns", "arn:aws:sns:",
		"arn:aws:sns::123456789012:orders",
		"arn:aws:s3:us-west-2:123456789012:orders",
		"arn:awsx:sns:us-west-2:123456789012:orders",
		"urn:aws:sns:us-west-2:123456789012:orders",
		"arn:aws:sns:us-west-2.evil:123456789012:orders",
		"arn:aws:sns:us-west-2/x:123456789012:orders",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
		struct str topic = str_from(topics[i]);

		assert_false(sns_certificate_url_is_genuine(
			STR("https://sns.us-west-2.amazonaws.com" SNS_FILE),
			topic, arena));
		assert_false(sns_certificate_url_is_genuine(
			STR("https://sns.us-west-2.evil.amazonaws.com"
			    SNS_FILE), topic, arena));
	}
}

/* --- the subscription ---------------------------------------------------- */

static bool ensure(bool *confirmed)
{
	error_init(&err);
	return event_bus_ensure_subscription(bus, now_ms, arena, confirmed,
					     &err);
}

static bool confirm(struct str token)
{
	error_init(&err);
	return event_bus_confirm(bus, token, &err);
}

static void our_endpoint_is_asked_until_it_confirms(void **state)
{
	bool confirmed = true;

	(void)state;
	assert_true(ensure(&confirmed));
	assert_false(confirmed);
	assert_true(ensure(&confirmed));
	assert_false(confirmed);
	assert_int_equal(listener.requests, 2);
	assert_non_null(strstr(listener.request, "\r\nx-amz-sns-message-type: "
			       "SubscriptionConfirmation\r\n"));
	assert_true(verify(sent()));
	assert_int_equal(event.type, EVENT_SUBSCRIPTION_CONFIRMATION);
	assert_int_equal(event.token.len, 64);
	if (!confirm(event.token))
		fail_msg("%s %s", err.detail, err.cause);
	assert_true(ensure(&confirmed));
	assert_true(confirmed);
	assert_int_equal(listener.requests, 2);
}

static void a_confirmation_outlives_a_restart(void **state)
{
	bool confirmed = false;

	(void)state;
	assert_true(ensure(&confirmed));
	assert_true(verify(sent()));
	assert_true(confirm(event.token));
	close_bus();
	open_bus("");
	assert_true(ensure(&confirmed));
	assert_true(confirmed);
	assert_int_equal(listener.requests, 1);
	/* The same message once more, as SNS would repeat it. */
	assert_true(verify(sent()));
	assert_true(confirm(event.token));
}

static void only_the_last_token_confirms(void **state)
{
	struct str first, token;
	bool confirmed = true;

	(void)state;
	assert_false(confirm(STR("anything")));
	assert_int_equal(err.code, ERROR_FORGED);
	assert_true(ensure(&confirmed));
	assert_true(verify(sent()));
	first = arena_str(arena, event.token);
	assert_true(ensure(&confirmed));
	assert_true(verify(sent()));
	token = event.token;
	assert_false(confirm(first));
	assert_false(confirm(STR("")));
	assert_false(confirm((struct str){ token.ptr, token.len - 1 }));
	assert_int_equal(err.code, ERROR_FORGED);
	assert_true(ensure(&confirmed));
	assert_false(confirmed);
}

static void the_token_is_not_kept_in_the_clear(void **state)
{
	char kept[256] = "";
	bool confirmed;
	FILE *file;

	(void)state;
	assert_true(ensure(&confirmed));
	assert_true(verify(sent()));
	file = fopen(arena_printf(arena, "%s/event_bus/subscription", folder),
		     "r");
	assert_non_null(file);
	assert_non_null(fgets(kept, sizeof(kept), file));
	fclose(file);
	assert_memory_equal(kept, "pending ", 8);
	assert_null(strstr(kept, arena_text(arena, event.token)));
}

static void an_endpoint_in_trouble_is_asked_again(void **state)
{
	bool confirmed = true;

	(void)state;
	listener.answer = ANSWER("503 Busy");
	assert_false(ensure(&confirmed));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_false(confirmed);
	listener.answer = ANSWER("403 No");
	assert_false(ensure(&confirmed));
	listener.answer = ANSWER("200 OK");
	assert_true(ensure(&confirmed));
	assert_true(verify(sent()));
	assert_true(confirm(event.token));
	assert_true(ensure(&confirmed));
	assert_true(confirmed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(what_is_published_verifies_where_it_arrives),
		TEST(a_message_of_any_text_verifies),
		TEST(the_largest_message_of_sns_goes_through),
		TEST(the_envelope_and_headers_are_snss),
		TEST(a_trace_that_is_none_is_not_sent_as_a_header),
		TEST(an_empty_subject_is_left_out),
		TEST(answers_decide_what_becomes_of_a_ring),
		TEST(nobody_there_is_unavailable_and_not_for_good),
		TEST(the_genuine_message_of_the_table_is_taken),
		TEST(no_forgery_of_the_table_is_taken),
		TEST(a_message_of_another_topic_cannot_be_cut_into_ours),
		TEST(another_key_is_refused),
		TEST(a_signature_of_version_2_is_none_of_version_1),
		TEST(no_body_that_is_no_envelope_is_taken),
		TEST(every_flipped_byte_of_what_was_sent_is_noticed),
		TEST(a_certificate_that_is_gone_is_our_trouble),
		TEST(only_snss_own_certificate_urls_are_genuine),
		TEST(a_topic_that_is_none_has_no_certificate),
		TEST(our_endpoint_is_asked_until_it_confirms),
		TEST(a_confirmation_outlives_a_restart),
		TEST(only_the_last_token_confirms),
		TEST(the_token_is_not_kept_in_the_clear),
		TEST(an_endpoint_in_trouble_is_asked_again),
#undef TEST
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
