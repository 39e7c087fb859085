/*
 * mailer_sns.c: mails by an e-mail topic of SNS, which keeps the readers.
 *
 * SNS asks an address that is subscribed, mails those that said yes, and has a
 * link to unsubscribe at the end of each mail; who they are is its secret and
 * the account's. Mail to one address it does not know.
 *
 * https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
 */
#include "ports/mailer.h"

#include "adapters/sns_api.h"
#include "base/mail_syntax.h"
#include "sns/sns_message.h"

#include "base/banned.h"

#define SUBJECT_MAX_BYTES 99u	/* fewer than 100 characters of ASCII */
#define ARENA_BYTES (4u * MIB)

struct mailer_sns {
	struct mailer base;
	struct aws_client *client;
	const char *topic;
};

static struct mailer_sns *sns_of(struct mailer *mailer)
{
	return (struct mailer_sns *)mailer;
}

static bool call(struct mailer_sns *sns, const char *action, struct buf *form,
		 struct arena *arena, bool *ret_permanent, struct error *err)
{
	struct sns_answer answer;

	*ret_permanent = false;
	if (!sns_call(sns->client, form, arena, &answer, err))
		return false;
	if (sns_is_good(&answer))
		return true;
	*ret_permanent = sns_refuses_message(&answer);
	return sns_fault(action, sns->topic, &answer, err);
}

/* SNS refuses an address that waits for its confirmation as little as one that
 * has it; the first is asked again. */
static bool topic_subscribe(struct mailer *mailer, struct str address,
			    bool *ret_permanent, struct error *err)
{
	CLEANUP(cleanup_arena) struct arena *arena =
		arena_new("mailer_sns", ARENA_BYTES);
	struct mailer_sns *sns = sns_of(mailer);
	struct buf form;

	*ret_permanent = true;
	if (!mail_address_valid(address))
		return error_set(err, ERROR_INVALID,
				 "The address is not valid.");
	sns_form(&form, "Subscribe", arena);
	sns_form_add(&form, "TopicArn", str_from(sns->topic));
	sns_form_add(&form, "Protocol", STR("email"));
	sns_form_add(&form, "Endpoint", address);
	return call(sns, "Subscribe", &form, arena, ret_permanent, err);
}

/* One '?' for each run that is not printable ASCII. */
static struct str ascii_subject(struct str subject, struct arena *arena)
{
	struct buf text;
	bool replaced = false;

	buf_init(&text, arena, SUBJECT_MAX_BYTES);
	for (size_t i = 0; i < subject.len && text.len < SUBJECT_MAX_BYTES;
	     i++) {
		bool good = subject.ptr[i] >= ' ' && subject.ptr[i] <= '~';

		if (good || !replaced)
			buf_add_char(&text, good ? subject.ptr[i] : '?');
		replaced = !good;
	}
	return buf_str(&text);
}

static bool topic_publish(struct mailer *mailer, struct str subject,
			  struct str text, bool *ret_permanent,
			  struct error *err)
{
	CLEANUP(cleanup_arena) struct arena *arena =
		arena_new("mailer_sns", ARENA_BYTES);
	struct mailer_sns *sns = sns_of(mailer);
	struct buf form;

	sns_form(&form, "Publish", arena);
	sns_form_add(&form, "TopicArn", str_from(sns->topic));
	sns_form_add(&form, "Subject", ascii_subject(subject, arena));
	sns_form_add(&form, "Message", text);
	return call(sns, "Publish", &form, arena, ret_permanent, err);
}

static bool sns_send(struct mailer *mailer, struct str from, struct str to,
		     struct str message, const char *mail_id,
		     bool *ret_permanent, struct error *err)
{
	(void)mailer, (void)from, (void)to, (void)message;
	*ret_permanent = true;
	return error_cause(err, ERROR_INTERNAL,
			   "mail %s: an e-mail topic does not mail to one "
			   "address", mail_id);
}

static bool sns_create(struct mailer *mailer, struct setup *setup,
		       struct error *err)
{
	struct mailer_sns *sns = sns_of(mailer);

	return sns_topic_create(sns->client, sns->topic, NULL, setup, err);
}

static void sns_close(struct mailer *mailer)
{
	struct mailer_sns *sns = sns_of(mailer);

	aws_client_close(sns->client);
	free(sns);
}

static const struct mailer_topic_ops topic_ops = {
	.subscribe = topic_subscribe,
	.publish = topic_publish,
};

static const struct mailer_ops sns_ops = {
	.name = "sns",
	.topic = &topic_ops,
	.send = sns_send,
	.create = sns_create,
	.close = sns_close,
};

bool mailer_sns_open(struct mailer **ret, const struct config *config,
		     struct error *err)
{
	const char *topic = config_text(config, "mailer.topic_arn");
	struct mailer_sns *sns;

	/* The doorbell's readers would be mailed what no person reads. */
	if (!sns_topic_is_aws(str_from(topic)) ||
	    !strcmp(topic, config_text(config, "event_bus.topic_arn")))
		return error_cause(err, ERROR_INTERNAL,
				   "mailer.topic_arn: %s: is no topic of its "
				   "own such as arn:aws:sns:eu-central-1:"
				   "123456789012:order-mails", topic);
	sns = calloc(1, sizeof(*sns));
	if (!sns)
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	sns->base.ops = &sns_ops;
	sns->topic = topic;
	if (!aws_client_open(&sns->client, config, AWS_SNS, err)) {
		sns_close(&sns->base);
		return false;
	}
	*ret = &sns->base;
	return true;
}
