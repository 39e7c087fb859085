/*
 * sns_message.h: SNS's envelope for HTTP endpoints: its shape, the string that
 * is signed, and what must hold before the signature counts. Pure.
 *
 * https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
 * https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
 */
#ifndef SNS_SNS_MESSAGE_H
#define SNS_SNS_MESSAGE_H

#include "base/buf.h"
#include "base/signature.h"
#include "ports/event_bus.h"

struct sns_message {
	enum event_type type;
	struct str message_id, topic_arn, message, timestamp;
	struct str subject;		/* absent when there is none */
	struct str token, subscribe_url; /* of the two confirmations */
	int signature_version;		/* 1 or 2 */
	struct str signature;		/* base64 */
	struct str signing_cert_url;
};

struct sns_rules {
	struct str topic_arn;
	bool accept_version_1, accept_version_2;
};

/* Of event_bus.topic_arn and event_bus.signature_versions. */
void sns_rules_read(struct sns_rules *ret, const struct config *config);
/* arn:aws:sns:region:account:name, in a region that AWS may have: "local" is
 * none. */
bool sns_topic_is_aws(struct str topic_arn);

const char *sns_type_name(enum event_type type);

/*
 * ERROR_NOT_JSON, or ERROR_BAD_REQUEST for what is no envelope: a member that
 * is missing, not text, or holds a control character (but for Message and
 * Subject: the signed string is ambiguous where others do); Type must be one of
 * the three names, byte for byte. Members that are not signed are not looked
 * at.
 */
bool sns_message_parse(struct sns_message *ret, struct str body,
		       struct arena *arena, struct error *err) MUST_CHECK;
/* TopicArn and SignatureVersion against the configured, and whether Signature
 * can be one (RSA, 2048 to 4096 bits) at all: ERROR_FORGED. */
bool sns_message_check(const struct sns_message *message,
		       const struct sns_rules *rules,
		       struct error *err) MUST_CHECK;
void sns_string_to_sign(const struct sns_message *message, struct buf *to);
/* By a certificate that is known to be SNS's. ERROR_FORGED. */
bool sns_message_verify(const struct sns_message *message,
			struct certificate *certificate, int64_t now_ms,
			struct arena *arena, struct error *err) MUST_CHECK;
void sns_message_event(const struct sns_message *message, struct event *ret);

/*
 * "https://sns.<region>.<suffix>/SimpleNotificationService-<hex>.pem" with
 * region and partition of the configured topic, and nothing else: the patterns
 * of known validators also match a bucket's host.
 */
bool sns_certificate_url_is_genuine(struct str url, struct str topic_arn,
				    struct arena *arena);
/* Whether a certificate is made out to SNS in the topic's region or partition. */
bool sns_certificate_is_snss(const struct certificate *certificate,
			     struct str topic_arn, struct arena *arena);

#endif
