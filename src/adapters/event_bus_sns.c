/*
 * event_bus_sns.c: the doorbell is a topic of SNS.
 *
 * Everything outbound is an API call; no URL of a message is ever followed.
 */
#include "ports/event_bus.h"

#include "adapters/sns_api.h"
#include "base/pattern.h"
#include "sns/sns_verify.h"

#include "base/banned.h"

/* Each Subscribe of a pending subscription makes SNS ask our endpoint again. */
#define ASK_EVERY_MS 30000

/* Within the hour that SNS allows: at once, then after 5 s, growing to two
 * minutes. The relay's sweep comes long before the end of it.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html */
#define DELIVERY_POLICY \
	"{\"healthyRetryPolicy\":{\"minDelayTarget\":5," \
	"\"maxDelayTarget\":120,\"numRetries\":30," \
	"\"numNoDelayRetries\":1,\"numMinDelayRetries\":3," \
	"\"numMaxDelayRetries\":16,\"backoffFunction\":\"exponential\"}}"

struct sns {
	struct event_bus base;
	struct aws_client *client;
	struct sns_verifier *verifier;
	struct sns_rules rules;
	const char *topic, *endpoint, *dead_letters;
	char subscription[SNS_ARN_MAX_BYTES];	/* "": not asked for yet */
	int64_t asked_ms;
};

static struct sns *sns_of(struct event_bus *bus)
{
	return (struct sns *)bus;
}

/* --- publishing ---------------------------------------------------------- */

static void add_message_attribute(struct buf *form, unsigned n,
				  const char *name, struct str value)
{
	char member[80];

	snprintf(member, sizeof(member), "MessageAttributes.entry.%u.Name", n);
	sns_form_add(form, member, str_from(name));
	snprintf(member, sizeof(member),
		 "MessageAttributes.entry.%u.Value.DataType", n);
	sns_form_add(form, member, STR("String"));
	snprintf(member, sizeof(member),
		 "MessageAttributes.entry.%u.Value.StringValue", n);
	sns_form_add(form, member, value);
}

static bool sns_publish(struct event_bus *bus, struct str subject,
			struct str message, struct str traceparent,
			int64_t now_ms, struct arena *arena,
			bool *ret_permanent, struct error *err)
{
	struct sns *sns = sns_of(bus);
	struct sns_answer answer;
	struct buf form;

	(void)now_ms;
	/* A subject is for readers of mail; engines beside AWS's (moto, goaws)
	 * deliver one that they have not signed. */
	(void)subject;
	*ret_permanent = false;
	sns_form(&form, "Publish", arena);
	sns_form_add(&form, "TopicArn", str_from(sns->topic));
	sns_form_add(&form, "Message", message);
	add_message_attribute(&form, 1, "event_type", STR("order.deleted"));
	if (pattern_matches(PATTERN_TRACEPARENT, traceparent))
		add_message_attribute(&form, 2, "traceparent", traceparent);
	if (!sns_call(sns->client, &form, arena, &answer, err))
		return false;
	if (!sns_is_good(&answer)) {
		*ret_permanent = sns_refuses_message(&answer);
		return sns_fault("Publish", sns->topic, &answer, err);
	}
	return aws_xml_text(answer.result, "MessageId").len > 0 ||
	       error_cause(err, ERROR_UNAVAILABLE, "sns Publish %s: the answer "
			   "names no message", sns->topic);
}

/* --- verifying, confirming ----------------------------------------------- */

static bool sns_bus_verify(struct event_bus *bus, struct str body,
			   int64_t now_ms, struct arena *arena,
			   struct event *ret, struct error *err)
{
	return sns_verify(sns_of(bus)->verifier, body, now_ms, arena, ret, err);
}

/* AuthenticateOnUnsubscribe: the UnsubscribeURL at the end of each message is
 * not signed, and whoever saw one could else end our subscription. */
static bool sns_confirm(struct event_bus *bus, struct str token,
			struct error *err)
{
	CLEANUP(cleanup_arena) struct arena *arena =
		arena_new("sns confirm", 4 * MIB);
	struct sns *sns = sns_of(bus);
	struct sns_answer answer;
	struct buf form;

	sns_form(&form, "ConfirmSubscription", arena);
	sns_form_add(&form, "TopicArn", str_from(sns->topic));
	sns_form_add(&form, "Token", token);
	sns_form_add(&form, "AuthenticateOnUnsubscribe", STR("true"));
	if (!sns_call(sns->client, &form, arena, &answer, err))
		return false;
	if (sns_is_good(&answer))
		return true;
	/* The relay asks anew; this one is of no use any more. */
	if (sns_failed_with(&answer, "InvalidParameter") ||
	    sns_failed_with(&answer, "NotFound"))
		return error_set(err, ERROR_BAD_REQUEST,
				 "SNS does not know the token (any more).");
	return sns_fault("ConfirmSubscription", sns->topic, &answer, err);
}

/* --- the subscription ---------------------------------------------------- */

static const char *protocol_of(const struct sns *sns)
{
	return str_starts(str_from(sns->endpoint), STR("https:")) ? "https" :
								     "http";
}

static const char *redrive_policy(const struct sns *sns, struct arena *arena)
{
	return arena_printf(arena, "{\"deadLetterTargetArn\":\"%s\"}",
			    sns->dead_letters);
}

static bool subscribe_with(struct sns *sns, bool with_attributes,
			   struct arena *arena, struct sns_answer *ret,
			   struct error *err)
{
	struct buf form;

	sns_form(&form, "Subscribe", arena);
	sns_form_add(&form, "TopicArn", str_from(sns->topic));
	sns_form_add(&form, "Protocol", str_from(protocol_of(sns)));
	sns_form_add(&form, "Endpoint", str_from(sns->endpoint));
	sns_form_add(&form, "ReturnSubscriptionArn", STR("true"));
	if (with_attributes) {
		sns_form_attribute(&form, "Attributes", 1,
				   "RawMessageDelivery", STR("false"));
		sns_form_attribute(&form, "Attributes", 2, "DeliveryPolicy",
				   STR(DELIVERY_POLICY));
	}
	if (with_attributes && sns->dead_letters[0])
		sns_form_attribute(&form, "Attributes", 3, "RedrivePolicy",
				   str_from(redrive_policy(sns, arena)));
	return sns_call(sns->client, &form, arena, ret, err);
}

static bool set_attribute(struct sns *sns, const char *name, struct str value,
			  struct arena *arena, struct error *err)
{
	struct sns_answer answer;
	struct buf form;

	sns_form(&form, "SetSubscriptionAttributes", arena);
	sns_form_add(&form, "SubscriptionArn", str_from(sns->subscription));
	sns_form_add(&form, "AttributeName", str_from(name));
	sns_form_add(&form, "AttributeValue", value);
	if (!sns_call(sns->client, &form, arena, &answer, err))
		return false;
	return sns_is_good(&answer) ||
	       sns_fault("SetSubscriptionAttributes", sns->subscription,
			 &answer, err);
}

/* One that was made with other attributes, by a template or an older desk. */
static bool take_over(struct sns *sns, const struct sns_answer *refusal,
		      struct arena *arena, struct error *err)
{
	struct str arn;

	if (!sns_find_subscription(sns->client, sns->topic, protocol_of(sns),
				   str_from(sns->endpoint), arena, &arn, err))
		return false;
	if (!str_starts(arn, STR("arn:")))
		return sns_fault("Subscribe", sns->topic, refusal, err);
	snprintf(sns->subscription, sizeof(sns->subscription), "%.*s",
		 STR_ARG(arn));
	return set_attribute(sns, "RawMessageDelivery", STR("false"), arena,
			     err) &&
	       set_attribute(sns, "DeliveryPolicy", STR(DELIVERY_POLICY),
			     arena, err) &&
	       (!sns->dead_letters[0] ||
		set_attribute(sns, "RedrivePolicy",
			      str_from(redrive_policy(sns, arena)), arena,
			      err));
}

static bool subscribe(struct sns *sns, struct arena *arena, struct error *err)
{
	struct sns_answer answer;
	struct str arn;

	if (!subscribe_with(sns, true, arena, &answer, err))
		return false;
	if (sns_failed_with(&answer, "InvalidParameter"))
		return take_over(sns, &answer, arena, err);
	if (!sns_is_good(&answer))
		return sns_fault("Subscribe", sns->topic, &answer, err);
	arn = aws_xml_text(answer.result, "SubscriptionArn");
	/* Engines that do not know ReturnSubscriptionArn say "pending
	 * confirmation". */
	snprintf(sns->subscription, sizeof(sns->subscription), "%.*s",
		 STR_ARG(str_starts(arn, STR("arn:")) ? arn : STR("")));
	return true;
}

static bool is_confirmed(struct sns *sns, struct arena *arena, bool *ret,
			 struct error *err)
{
	struct sns_answer answer;
	struct buf form;

	sns_form(&form, "GetSubscriptionAttributes", arena);
	sns_form_add(&form, "SubscriptionArn", str_from(sns->subscription));
	if (!sns_call(sns->client, &form, arena, &answer, err))
		return false;
	if (sns_failed_with(&answer, "NotFound")) {
		sns->subscription[0] = '\0';
		return true;
	}
	if (!sns_is_good(&answer))
		return sns_fault("GetSubscriptionAttributes",
				 sns->subscription, &answer, err);
	*ret = str_is(sns_attribute(&answer, "PendingConfirmation"), "false");
	return true;
}

/* Of an engine that did not say: a pending one has no ARN in the list. */
static bool look_for_it(struct sns *sns, struct arena *arena,
			struct error *err)
{
	struct str arn;

	if (!sns_find_subscription(sns->client, sns->topic, protocol_of(sns),
				   str_from(sns->endpoint), arena, &arn, err))
		return false;
	if (str_starts(arn, STR("arn:")))
		snprintf(sns->subscription, sizeof(sns->subscription), "%.*s",
			 STR_ARG(arn));
	return true;
}

static bool look(struct sns *sns, struct arena *arena, bool *ret_confirmed,
		 struct error *err)
{
	if (!sns->subscription[0] && !look_for_it(sns, arena, err))
		return false;
	return !sns->subscription[0] ||
	       is_confirmed(sns, arena, ret_confirmed, err);
}

static bool sns_ensure_subscription(struct event_bus *bus, int64_t now_ms,
				    struct arena *arena, bool *ret_confirmed,
				    struct error *err)
{
	struct sns *sns = sns_of(bus);
	bool asked = sns->asked_ms != 0;

	*ret_confirmed = false;
	if (asked && !look(sns, arena, ret_confirmed, err))
		return false;
	if (*ret_confirmed || (asked && now_ms >= sns->asked_ms &&
			       now_ms - sns->asked_ms < ASK_EVERY_MS))
		return true;
	if (!subscribe(sns, arena, err))
		return false;
	sns->asked_ms = now_ms;
	return look(sns, arena, ret_confirmed, err);
}

/* --- open, create, close ------------------------------------------------- */

static bool sns_create(struct event_bus *bus, struct setup *setup,
		       struct error *err)
{
	struct sns *sns = sns_of(bus);

	return sns_topic_create(sns->client, sns->topic,
				sns->rules.accept_version_1 ? NULL : "2",
				setup, err);
}

static void sns_close(struct event_bus *bus)
{
	struct sns *sns = sns_of(bus);

	sns_verifier_close(sns->verifier);
	aws_client_close(sns->client);
	free(sns);
}

static const struct event_bus_ops sns_ops = {
	.name = "sns",
	.publish = sns_publish,
	.verify = sns_bus_verify,
	.confirm = sns_confirm,
	.ensure_subscription = sns_ensure_subscription,
	.create = sns_create,
	.close = sns_close,
};

bool event_bus_sns_open(struct event_bus **ret, const struct config *config,
			struct error *err)
{
	struct sns *sns;

	if (!sns_topic_is_aws(str_from(config_text(config,
						   "event_bus.topic_arn"))))
		return error_cause(err, ERROR_INTERNAL,
				   "event_bus.topic_arn: %s: is no topic of SNS "
				   "such as arn:aws:sns:eu-central-1:"
				   "123456789012:order-deleted",
				   config_text(config, "event_bus.topic_arn"));
	sns = calloc(1, sizeof(*sns));
	if (!sns)
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	sns->base.ops = &sns_ops;
	sns->topic = config_text(config, "event_bus.topic_arn");
	sns->endpoint = config_text(config, "event_bus.endpoint");
	sns->dead_letters = config_text(config, "event_bus.dead_letter_arn");
	sns_rules_read(&sns->rules, config);
	if (aws_client_open(&sns->client, config, AWS_SNS, err) &&
	    sns_verifier_open(&sns->verifier, config, &sns->rules, err)) {
		*ret = &sns->base;
		return true;
	}
	sns_close(&sns->base);
	return false;
}
