/*
 * sns_forger.h: the messages of sns_table.h, written, and signed as a validator
 * without our rules would take them.
 */
#ifndef FAKES_SNS_FORGER_H
#define FAKES_SNS_FORGER_H

#include "../vectors/sns_table.h"
#include "base/json.h"
#include "base/signature.h"
#include "sns/sns_message.h"

static const struct sns_edit genuine[] = {
	{ "Type", "\"Notification\"" },
	{ "MessageId", "\"" EVENT_ID "\"" },
	{ "TopicArn", "\"" OUR_TOPIC "\"" },
	{ "Subject", "\"Order deleted\"" },
	{ "Message", "\"{\\\"event_id\\\":\\\"1\\\"}\"" },
	{ "Timestamp", "\"2026-11-24T16:00:00.000Z\"" },
	{ "SignatureVersion", "\"2\"" },
	{ "Signature", "\"\"" },
	{ "SigningCertURL",
	  "\"" OUR_CERTIFICATE "\"" },
	{ "UnsubscribeURL", "\"https://a\"" },
};
#define SIGNATURE_AT 7

static inline void add_edit(struct buf *to, const char *name, const char *json)
{
	buf_printf(to, "%s\"%s\":%s", to->len > 1 ? "," : "", name, json);
}

static inline const struct sns_edit *edit_of(const struct sns_forgery *forgery,
				      const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(forgery->edits); i++)
		if (forgery->edits[i].member &&
		    !strcmp(forgery->edits[i].member, name))
			return &forgery->edits[i];
	return NULL;
}

/* The genuine members, edited, with this signature where none is edited in. */
static inline struct str forge(struct arena *arena, const struct sns_forgery *forgery,
			const char *signature)
{
	struct buf body;

	buf_init(&body, arena, MIB);
	buf_add_char(&body, '{');
	for (size_t i = 0; i < ARRAY_LEN(genuine); i++) {
		const struct sns_edit *edit = edit_of(forgery,
						      genuine[i].member);

		if (!edit && i == SIGNATURE_AT)
			add_edit(&body, "Signature", signature);
		else if (!edit)
			add_edit(&body, genuine[i].member, genuine[i].json);
		else if (edit->json)
			add_edit(&body, edit->member, edit->json);
	}
	for (size_t i = 0; i < ARRAY_LEN(forgery->edits); i++)
		if (forgery->edits[i].member &&
		    forgery->edits[i].member[0] == '+')
			add_edit(&body, forgery->edits[i].member + 1,
				 forgery->edits[i].json);
	buf_add_char(&body, '}');
	return buf_str(&body);
}

/* What a validator signs and checks that only joins what is there. */
static inline struct str lax_string(struct arena *arena, struct str body)
{
	static const char *const notification[] = {
		"Message", "MessageId", "Subject", "Timestamp", "TopicArn",
		"Type", NULL,
	};
	static const char *const confirmation[] = {
		"Message", "MessageId", "SubscribeURL", "Timestamp", "Token",
		"TopicArn", "Type", NULL,
	};
	const char *const *names = notification;
	struct json envelope;
	struct error err;
	struct buf text;

	buf_init(&text, arena, MIB);
	error_init(&err);
	/* A doubled member is not JSON to us: its string does not matter. */
	if (!json_parse(&envelope, body, arena, &err))
		return STR("-");
	if (str_starts(json_string(json_member(envelope, "Type")),
		       STR("Sub")))
		names = confirmation;
	for (; *names; names++) {
		struct json value = json_member(envelope, *names);

		if (value.kind == JSON_STRING)
			buf_printf(&text, "%s\n%.*s\n", *names,
				   STR_ARG(json_string(value)));
	}
	return buf_str(&text);
}

static inline const char *sign_lax(struct arena *arena, struct str body,
				   const char *key_path)
{
	struct signing_key *key;
	struct str signature;
	struct error err;

	error_init(&err);
	assert_true(signing_key_open(&key, key_path, &err));
	assert_true(signing_key_sign(key, lax_string(arena, body), arena, &signature,
				     &err));
	signing_key_close(key);
	return arena_printf(arena, "\"%.*s\"", STR_ARG(signature));
}

static const struct sns_forgery unchanged = { "unchanged", true, {
	{ NULL, NULL },
} };

/* Before any signature is looked at. */
static inline bool rules_refuse(struct arena *arena, struct str body)
{
	struct sns_rules rules = { STR(OUR_TOPIC), false, true };
	struct sns_message message;
	struct error err;

	error_init(&err);
	return !sns_message_parse(&message, body, arena, &err) ||
	       !sns_message_check(&message, &rules, &err) ||
	       !str_is(message.signing_cert_url,
		       OUR_CERTIFICATE);
}

#endif
