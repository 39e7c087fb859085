/*
 * sns_message.c: SNS's envelope, read strictly.
 */
#include "sns/sns_message.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/pattern.h"

#include "base/banned.h"

#define TYPE_COUNT 3
#define HOST_MAX_BYTES 253u
/* 256 KiB of Message and the other members */
#define SIGNED_MAX_BYTES (2u * MIB)
/* Base64 of 256 and of 512 bytes. */
#define SIGNATURE_MIN_BYTES 344u
#define SIGNATURE_MAX_BYTES 684u

static const char *const type_names[TYPE_COUNT] = {
	[EVENT_NOTIFICATION] = "Notification",
	[EVENT_SUBSCRIPTION_CONFIRMATION] = "SubscriptionConfirmation",
	[EVENT_UNSUBSCRIBE_CONFIRMATION] = "UnsubscribeConfirmation",
};

const char *sns_type_name(enum event_type type)
{
	return type_names[type];
}

static bool has_control_character(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return true;
	return false;
}

static bool take_text(struct json envelope, const char *name, struct str *ret,
		      struct error *err)
{
	struct json member = json_member(envelope, name);

	if (member.kind != JSON_STRING)
		return error_set(err, ERROR_BAD_REQUEST,
				 "The message's %s is missing or not text.",
				 name);
	*ret = json_string(member);
	return true;
}

/* Of one line: neither empty nor with a control character. */
static bool take_line(struct json envelope, const char *name, struct str *ret,
		      struct error *err)
{
	if (!take_text(envelope, name, ret, err))
		return false;
	if (ret->len == 0 || has_control_character(*ret))
		return error_set(err, ERROR_BAD_REQUEST,
				 "The message's %s is empty or holds a control "
				 "character.", name);
	return true;
}

static bool take_type(struct json envelope, enum event_type *ret,
		      struct error *err)
{
	struct str name;

	if (!take_line(envelope, "Type", &name, err))
		return false;
	for (int i = 0; i < TYPE_COUNT; i++) {
		if (str_is(name, type_names[i])) {
			*ret = (enum event_type)i;
			return true;
		}
	}
	return error_set(err, ERROR_BAD_REQUEST,
			 "The message's Type is not known.");
}

static bool take_version(struct json envelope, int *ret, struct error *err)
{
	struct str text;

	if (!take_line(envelope, "SignatureVersion", &text, err))
		return false;
	if (!str_is(text, "1") && !str_is(text, "2"))
		return error_set(err, ERROR_BAD_REQUEST,
				 "The message's SignatureVersion is not known.");
	*ret = text.ptr[0] - '0';
	return true;
}

static bool take_subject(struct json envelope, struct str *ret,
			 struct error *err)
{
	if (json_member(envelope, "Subject").kind == JSON_ABSENT)
		return true;
	return take_text(envelope, "Subject", ret, err);
}

/* Members that only one kind of message has. */
static bool take_own(struct json envelope, struct sns_message *ret,
		     struct error *err)
{
	if (ret->type == EVENT_NOTIFICATION)
		return take_subject(envelope, &ret->subject, err);
	return take_line(envelope, "Token", &ret->token, err) &&
	       take_line(envelope, "SubscribeURL", &ret->subscribe_url, err);
}

bool sns_message_parse(struct sns_message *ret, struct str body,
		       struct arena *arena, struct error *err)
{
	struct json envelope;
	int64_t time_ms;

	*ret = (struct sns_message){ .subject = { NULL, 0 } };
	if (!json_parse(&envelope, body, arena, err))
		return false;
	if (envelope.kind != JSON_OBJECT)
		return error_set(err, ERROR_BAD_REQUEST,
				 "The message is not an object.");
	if (!take_type(envelope, &ret->type, err) ||
	    !take_line(envelope, "MessageId", &ret->message_id, err) ||
	    !take_line(envelope, "TopicArn", &ret->topic_arn, err) ||
	    !take_text(envelope, "Message", &ret->message, err) ||
	    !take_line(envelope, "Timestamp", &ret->timestamp, err) ||
	    !take_own(envelope, ret, err) ||
	    !take_version(envelope, &ret->signature_version, err) ||
	    !take_line(envelope, "Signature", &ret->signature, err) ||
	    !take_line(envelope, "SigningCertURL", &ret->signing_cert_url,
		       err))
		return false;
	if (!uuid_is_valid(ret->message_id))
		return error_set(err, ERROR_BAD_REQUEST,
				 "The message's MessageId is not a UUID.");
	if (!time_parse(ret->timestamp, &time_ms))
		return error_set(err, ERROR_BAD_REQUEST,
				 "The message's Timestamp is not a time.");
	return true;
}

static bool is_signature(struct str text)
{
	if (text.len < SIGNATURE_MIN_BYTES || text.len > SIGNATURE_MAX_BYTES)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '+' && c != '/' &&
		    c != '=')
			return false;
	}
	return true;
}

bool sns_message_check(const struct sns_message *message,
		       const struct sns_rules *rules, struct error *err)
{
	bool accepted = message->signature_version == 1
				? rules->accept_version_1
				: rules->accept_version_2;

	if (!str_eq(message->topic_arn, rules->topic_arn))
		return error_set(err, ERROR_FORGED,
				 "The message is of another topic.");
	if (!accepted)
		return error_set(err, ERROR_FORGED,
				 "Signature version %d is not accepted here.",
				 message->signature_version);
	if (!is_signature(message->signature))
		return error_set(err, ERROR_FORGED,
				 "The signature is none of RSA's.");
	return true;
}

static void add_pair(struct buf *to, const char *name, struct str value)
{
	buf_add_text(to, name);
	buf_add_char(to, '\n');
	buf_add_str(to, value);
	buf_add_char(to, '\n');
}

void sns_string_to_sign(const struct sns_message *message, struct buf *to)
{
	add_pair(to, "Message", message->message);
	add_pair(to, "MessageId", message->message_id);
	if (message->type != EVENT_NOTIFICATION)
		add_pair(to, "SubscribeURL", message->subscribe_url);
	else if (message->subject.ptr)
		add_pair(to, "Subject", message->subject);
	add_pair(to, "Timestamp", message->timestamp);
	if (message->type != EVENT_NOTIFICATION)
		add_pair(to, "Token", message->token);
	add_pair(to, "TopicArn", message->topic_arn);
	add_pair(to, "Type", str_from(type_names[message->type]));
}

bool sns_message_verify(const struct sns_message *message,
			struct certificate *certificate, int64_t now_ms,
			struct arena *arena, struct error *err)
{
	struct buf text;

	buf_init(&text, arena, SIGNED_MAX_BYTES);
	sns_string_to_sign(message, &text);
	if (!buf_ok(&text))
		return error_set(err, ERROR_BAD_REQUEST,
				 "The message is too large.");
	return certificate_verify(certificate, message->signature_version,
				  buf_str(&text), message->signature, now_ms,
				  err);
}

void sns_message_event(const struct sns_message *message, struct event *ret)
{
	*ret = (struct event){
		.type = message->type, .message_id = message->message_id,
		.message = message->message, .token = message->token,
	};
}

/* Letters, digits and hyphens, as every region has them: no dot leads on. */
static bool is_region(struct str region)
{
	if (region.len == 0 || region.len > 63)
		return false;
	for (size_t i = 0; i < region.len; i++) {
		char c = region.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-')
			return false;
	}
	return true;
}

/* https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html */
static const struct {
	const char *partition, *suffix;
} partitions[] = {
	{ "aws", "amazonaws.com" },
	{ "aws-us-gov", "amazonaws.com" },
	{ "aws-cn", "amazonaws.com.cn" },
};

/* arn:partition:sns:region:account:topic; NULL when it is none of SNS's. */
static const char *suffix_of(struct str topic_arn, struct str *ret_region)
{
	struct str rest = topic_arn, arn, partition, service;

	if (!str_next(&rest, ':', &arn) || !str_is(arn, "arn") ||
	    !str_next(&rest, ':', &partition) ||
	    !str_next(&rest, ':', &service) || !str_is(service, "sns") ||
	    !str_next(&rest, ':', ret_region) || !is_region(*ret_region))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(partitions); i++)
		if (str_is(partition, partitions[i].partition))
			return partitions[i].suffix;
	return NULL;
}

bool sns_certificate_url_is_genuine(struct str url, struct str topic_arn,
				    struct arena *arena)
{
	struct str region;
	const char *suffix = suffix_of(topic_arn, &region);
	struct buf start;

	if (!suffix)
		return false;
	buf_init(&start, arena, HOST_MAX_BYTES + 8);
	buf_printf(&start, "https://sns.%.*s.%s", STR_ARG(region), suffix);
	if (!buf_ok(&start) || !str_starts(url, buf_str(&start)))
		return false;
	return pattern_matches(PATTERN_SNS_CERTIFICATE_PATH,
			       (struct str){ url.ptr + start.len,
					     url.len - start.len });
}

/* Both are in use: sns.amazonaws.com in most regions. */
bool sns_certificate_is_snss(const struct certificate *certificate,
			     struct str topic_arn, struct arena *arena)
{
	struct str region;
	const char *suffix = suffix_of(topic_arn, &region);

	return suffix &&
	       (certificate_is_for(certificate,
				   arena_printf(arena, "sns.%s", suffix)) ||
		certificate_is_for(certificate,
				   arena_printf(arena, "sns.%.*s.%s",
						STR_ARG(region), suffix)));
}

bool sns_topic_is_aws(struct str topic_arn)
{
	struct str region, rest = topic_arn, part;
	unsigned parts = 0;

	while (str_next(&rest, ':', &part))
		parts++;
	return parts == 6 && part.len > 0 && suffix_of(topic_arn, &region) &&
	       memchr(region.ptr, '-', region.len);
}

void sns_rules_read(struct sns_rules *ret, const struct config *config)
{
	struct str versions = str_from(config_text(
		config, "event_bus.signature_versions"));

	*ret = (struct sns_rules){
		.topic_arn = str_from(config_text(config,
						  "event_bus.topic_arn")),
		.accept_version_1 = str_has_word(versions, STR("1")),
		.accept_version_2 = str_has_word(versions, STR("2")),
	};
}
