/*
 * sns_message_fuzz.c: any bytes as an SNS envelope.
 *
 * What is accepted has one reading: no line end but in Message and Subject, so
 * the signed string comes apart again into the same members.
 */
#include "sns/sns_message.h"
#include "base/limits.h"

#include "base/banned.h"

#define TOPIC STR("arn:aws:sns:us-west-2:123456789012:orders")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "sns_message_fuzz: %s\n", what);
	abort();
}

/* Takes "\n" + value + "\n" + name off the end of `text`. */
static void take_back(struct str *text, const char *name, struct str value)
{
	size_t name_bytes = strlen(name);
	size_t all = name_bytes + value.len + 2;
	const char *at = text->ptr + text->len - all;

	check(text->len >= all, "the signed string is too short");
	check(!memcmp(at, name, name_bytes) && at[name_bytes] == '\n' &&
	      !memcmp(at + name_bytes + 1, value.ptr, value.len) &&
	      text->ptr[text->len - 1] == '\n',
	      "a member is not where it was signed");
	check(!memchr(value.ptr, '\n', value.len), "a line end in a line");
	text->len -= all;
}

static void check_string(const struct sns_message *message,
			 struct arena *arena)
{
	struct str text;
	struct buf buf;

	buf_init(&buf, arena, 16 * MIB);
	sns_string_to_sign(message, &buf);
	check(buf_ok(&buf), "no room for the signed string");
	text = buf_str(&buf);
	take_back(&text, "Type", str_from(sns_type_name(message->type)));
	take_back(&text, "TopicArn", message->topic_arn);
	if (message->type != EVENT_NOTIFICATION)
		take_back(&text, "Token", message->token);
	take_back(&text, "Timestamp", message->timestamp);
	if (message->type != EVENT_NOTIFICATION)
		take_back(&text, "SubscribeURL", message->subscribe_url);
	check(text.len >= message->message.len + 8, "the message is gone");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	CLEANUP(cleanup_arena) struct arena *arena = arena_new("fuzz", 64 * MIB);
	struct sns_rules rules = { TOPIC, false, true };
	struct str body = { (const char *)data, bytes };
	struct sns_message message;
	struct error err;
	bool parsed;

	if (bytes > LIMIT_EVENT_BODY_BYTES)
		return 0;
	error_init(&err);
	parsed = sns_message_parse(&message, body, arena, &err);
	check(parsed != error_is_set(&err), "an error unlike the result");
	check(parsed || err.code == ERROR_NOT_JSON ||
	      err.code == ERROR_BAD_REQUEST, "another code");
	if (sns_certificate_url_is_genuine(body, TOPIC, arena))
		check(str_starts(body, STR("https://sns.us-west-2."
					   "amazonaws.com/Simple")),
		      "another host");
	(void)sns_certificate_url_is_genuine(
		STR("https://sns.us-west-2.amazonaws.com/x"), body, arena);
	if (!parsed)
		return 0;
	check_string(&message, arena);
	if (sns_message_check(&message, &rules, &err))
		check(str_eq(message.topic_arn, TOPIC) &&
		      message.signature_version == 2, "the rules");
	else
		check(err.code == ERROR_FORGED, "another code of the rules");
	return 0;
}
