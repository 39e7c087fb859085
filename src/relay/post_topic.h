/*
 * post_topic.h: post's other way, by a mailer that keeps the readers itself
 * (mailer_has_topic).
 */
#ifndef RELAY_POST_TOPIC_H
#define RELAY_POST_TOPIC_H

#include "order/order.h"
#include "relay/post.h"

/* Subscribes the one who stands for all readers. Nothing with other mailers. */
bool post_topic_open(struct post *post, int64_t now_ms,
		     struct error *err) MUST_CHECK;
/* As mailer_send; `order` with MAIL_DELETION. */
bool post_topic_send(struct post *post, const struct queued_mail *mail,
		     const struct order *order, int64_t deleted_ms,
		     struct turn *turn, bool *ret_permanent,
		     struct error *err) MUST_CHECK;

#endif
