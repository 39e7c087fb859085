/*
 * sns_api.h: SNS's query protocol, for the two adapters that speak it: a form
 * goes out, XML comes back.
 *
 * https://docs.aws.amazon.com/sns/latest/api/Welcome.html
 */
#ifndef ADAPTERS_SNS_API_H
#define ADAPTERS_SNS_API_H

#include "aws/aws_client.h"
#include "aws/aws_xml.h"
#include "base/buf.h"
#include "ports/setup.h"

#define SNS_ARN_MAX_BYTES 512

void sns_form(struct buf *form, const char *action, struct arena *arena);
void sns_form_add(struct buf *form, const char *name, struct str value);
/* <kind>.entry.<n>.key and .value */
void sns_form_attribute(struct buf *form, const char *kind, unsigned n,
			const char *name, struct str value);

struct sns_answer {
	struct aws_answer http;
	const struct aws_xml *result;	/* <ActionResult>, NULL when none */
};

/* As aws_call: true with any answer for good. A good one was read. */
bool sns_call(struct aws_client *client, const struct buf *form,
	      struct arena *arena, struct sns_answer *ret,
	      struct error *err) MUST_CHECK;
bool sns_is_good(const struct sns_answer *answer);
bool sns_failed_with(const struct sns_answer *answer, const char *code);
/* Whether it is the message that is refused, for ever. A topic that is not
 * there (404) or not ours (403), or whose key cannot be used (KMS…, a 400 too),
 * is the operator's to mend: the message is good. */
bool sns_refuses_message(const struct sns_answer *answer);
/* ERROR_UNAVAILABLE that names action, topic, status, code and request id.
 * Always false. */
bool sns_fault(const char *action, const char *topic,
	       const struct sns_answer *answer, struct error *err);

/* Of a result with <Attributes><entry>: absent when it is not there. */
struct str sns_attribute(const struct sns_answer *answer, const char *name);
/* The subscription of `endpoint` to the topic, "" when there is none; a pending
 * one is "PendingConfirmation". */
bool sns_find_subscription(struct aws_client *client, const char *topic,
			   const char *protocol, struct str endpoint,
			   struct arena *arena, struct str *ret_arn,
			   struct error *err) MUST_CHECK;
/* Makes the topic unless it is there. `version`: of its signatures, "2" or
 * NULL. */
bool sns_topic_create(struct aws_client *client, const char *topic,
		      const char *version, struct setup *setup,
		      struct error *err) MUST_CHECK;

#endif
