/*
 * sns_api.c: forms, answers, and the topic.
 */
#include "adapters/sns_api.h"

#include "base/banned.h"

/* 256 KiB of message, percent-encoded threefold, and the rest */
#define FORM_MAX_BYTES (MIB)
#define ANSWER_MAX_BYTES (256u * KIB)
#define NAME_MAX_BYTES 64

void sns_form(struct buf *form, const char *action, struct arena *arena)
{
	buf_init(form, arena, FORM_MAX_BYTES);
	buf_printf(form, "Action=%s&Version=2010-03-31", action);
}

void sns_form_add(struct buf *form, const char *name, struct str value)
{
	buf_printf(form, "&%s=", name);
	buf_add_uri(form, value, false);
}

void sns_form_attribute(struct buf *form, const char *kind, unsigned n,
			const char *name, struct str value)
{
	char member[NAME_MAX_BYTES];

	snprintf(member, sizeof(member), "%s.entry.%u.key", kind, n);
	sns_form_add(form, member, str_from(name));
	snprintf(member, sizeof(member), "%s.entry.%u.value", kind, n);
	sns_form_add(form, member, value);
}

static bool ends_with(struct str text, struct str end)
{
	return text.len >= end.len &&
	       !memcmp(text.ptr + text.len - end.len, end.ptr, end.len);
}

bool sns_is_good(const struct sns_answer *answer)
{
	return answer->http.status / 100 == 2;
}

bool sns_failed_with(const struct sns_answer *answer, const char *code)
{
	struct str found = answer->http.error_code;

	/* Engines say it with and without the end that SDKs know. */
	if (ends_with(found, STR("Exception")))
		found.len -= 9;
	return !sns_is_good(answer) && str_is(found, code);
}

bool sns_refuses_message(const struct sns_answer *answer)
{
	return (answer->http.status == 400 || answer->http.status == 413) &&
	       !str_starts(answer->http.error_code, STR("KMS"));
}

bool sns_call(struct aws_client *client, const struct buf *form,
	      struct arena *arena, struct sns_answer *ret, struct error *err)
{
	static const struct aws_header type = {
		{ "Content-Type", 12 },
		{ "application/x-www-form-urlencoded; charset=utf-8", 48 },
	};
	struct aws_request request = {
		.method = STR("POST"), .path = STR("/"), .headers = &type,
		.header_count = 1, .body = buf_str(form),
		.answer_max_bytes = ANSWER_MAX_BYTES,
	};
	const struct aws_xml *root;

	*ret = (struct sns_answer){ .result = NULL };
	if (!buf_ok(form))
		return error_cause(err, ERROR_INTERNAL,
				   "sns: a request is larger than %u bytes",
				   FORM_MAX_BYTES);
	if (!aws_call(client, &request, arena, &ret->http, err))
		return false;
	if (!sns_is_good(ret))
		return true;
	if (!aws_xml_parse(&root, ret->http.body, arena, err))
		return false;
	for (const struct aws_xml *child = root->child; child;
	     child = child->next)
		if (ends_with(child->name, STR("Result")))
			ret->result = child;
	return true;
}

bool sns_fault(const char *action, const char *topic,
	       const struct sns_answer *answer, struct error *err)
{
	return error_cause(err, ERROR_UNAVAILABLE,
			   "sns %s %s: status %d, %.*s, %.*s, request id %.*s",
			   action, topic, answer->http.status,
			   STR_ARG(answer->http.error_code),
			   STR_ARG(answer->http.error_message),
			   STR_ARG(answer->http.request_id));
}

struct str sns_attribute(const struct sns_answer *answer, const char *name)
{
	const struct aws_xml *entry = aws_xml_child(
		aws_xml_child(answer->result, "Attributes"), "entry");

	for (; entry; entry = aws_xml_next(entry))
		if (str_is(aws_xml_text(entry, "key"), name))
			return aws_xml_text(entry, "value");
	return (struct str){ NULL, 0 };
}

/* --- subscriptions ------------------------------------------------------- */

static bool list_page(struct aws_client *client, const char *topic,
		      struct str token, struct arena *arena,
		      struct sns_answer *ret, struct error *err)
{
	struct buf form;

	sns_form(&form, "ListSubscriptionsByTopic", arena);
	sns_form_add(&form, "TopicArn", str_from(topic));
	if (token.len)
		sns_form_add(&form, "NextToken", token);
	if (!sns_call(client, &form, arena, ret, err))
		return false;
	return sns_is_good(ret) ||
	       sns_fault("ListSubscriptionsByTopic", topic, ret, err);
}

static struct str find_in_page(const struct sns_answer *page,
			       const char *protocol, struct str endpoint)
{
	const struct aws_xml *member = aws_xml_child(
		aws_xml_child(page->result, "Subscriptions"), "member");

	for (; member; member = aws_xml_next(member))
		if (str_is(aws_xml_text(member, "Protocol"), protocol) &&
		    str_eq(aws_xml_text(member, "Endpoint"), endpoint))
			return aws_xml_text(member, "SubscriptionArn");
	return STR("");
}

bool sns_find_subscription(struct aws_client *client, const char *topic,
			   const char *protocol, struct str endpoint,
			   struct arena *arena, struct str *ret_arn,
			   struct error *err)
{
	char token[2 * KIB] = "";
	char arn[SNS_ARN_MAX_BYTES];

	*ret_arn = STR("");
	do {
		/* A page goes before the next one comes: a topic may have
		 * millions. */
		CLEANUP(cleanup_arena) struct arena *page =
			arena_new("sns page", 4 * MIB);
		struct sns_answer answer;
		struct str next;

		if (!list_page(client, topic, str_from(token), page, &answer,
			       err))
			return false;
		snprintf(arn, sizeof(arn), "%.*s",
			 STR_ARG(find_in_page(&answer, protocol, endpoint)));
		next = aws_xml_text(answer.result, "NextToken");
		snprintf(token, sizeof(token), "%.*s", STR_ARG(next));
	} while (!arn[0] && token[0]);
	*ret_arn = arena_str(arena, str_from(arn));
	return true;
}

/* --- the topic ----------------------------------------------------------- */

static bool make_topic(struct aws_client *client, const char *topic,
		       const char *version, struct setup *setup,
		       struct error *err)
{
	const char *name = strrchr(topic, ':');
	struct sns_answer answer;
	struct buf form;
	struct str made;

	sns_form(&form, "CreateTopic", setup->arena);
	sns_form_add(&form, "Name", str_from(name ? name + 1 : topic));
	if (version)
		sns_form_attribute(&form, "Attributes", 1, "SignatureVersion",
				   str_from(version));
	if (!sns_call(client, &form, setup->arena, &answer, err))
		return false;
	if (!sns_is_good(&answer))
		return sns_fault("CreateTopic", topic, &answer, err);
	made = aws_xml_text(answer.result, "TopicArn");
	if (!str_is(made, topic))
		return error_cause(err, ERROR_INTERNAL,
				   "sns: the topic that was made is %.*s: "
				   "configure that, or other credentials than "
				   "for %s", STR_ARG(made), topic);
	setup->say(SETUP_MADE, "topic", topic);
	return true;
}

/* SNS signs with version 1 (SHA-1) unless it is told. */
static bool ensure_version(struct aws_client *client, const char *topic,
			   const char *version, const struct sns_answer *found,
			   struct setup *setup, struct error *err)
{
	struct sns_answer answer;
	struct buf form;

	if (!version ||
	    str_is(sns_attribute(found, "SignatureVersion"), version))
		return true;
	sns_form(&form, "SetTopicAttributes", setup->arena);
	sns_form_add(&form, "TopicArn", str_from(topic));
	sns_form_add(&form, "AttributeName", STR("SignatureVersion"));
	sns_form_add(&form, "AttributeValue", str_from(version));
	if (!sns_call(client, &form, setup->arena, &answer, err))
		return false;
	setup->say(sns_is_good(&answer) ? SETUP_MADE : SETUP_SKIPPED,
		   "signature version", version);
	return true;
}

bool sns_topic_create(struct aws_client *client, const char *topic,
		      const char *version, struct setup *setup,
		      struct error *err)
{
	struct sns_answer answer;
	struct buf form;

	sns_form(&form, "GetTopicAttributes", setup->arena);
	sns_form_add(&form, "TopicArn", str_from(topic));
	if (!sns_call(client, &form, setup->arena, &answer, err))
		return false;
	if (sns_failed_with(&answer, "NotFound"))
		return make_topic(client, topic, version, setup, err);
	if (!sns_is_good(&answer))
		return sns_fault("GetTopicAttributes", topic, &answer, err);
	setup->say(SETUP_KEPT, "topic", topic);
	return ensure_version(client, topic, version, &answer, setup, err);
}
