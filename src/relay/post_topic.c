/*
 * post_topic.c: the mails that are owed, where the mailer keeps the readers.
 *
 * The desk's own list then has one confirmed subscriber, who stands for all of
 * them, so that each deletion owes one mail. Whoever else subscribes is
 * passed on and stays unconfirmed here.
 */
#include "mail/mail_message.h"
#include "relay/post_topic.h"

#include "base/banned.h"

/* RFC 2606, 2: nobody can have it. */
#define READERS STR("readers@topic.invalid")

bool post_topic_open(struct post *post, int64_t now_ms, struct error *err)
{
	return !mailer_has_topic(post->mailer) ||
	       subscriber_list_subscribe(post->subscribers, READERS, now_ms,
					 err);
}

bool post_topic_send(struct post *post, const struct queued_mail *mail,
		     const struct order *order, int64_t deleted_ms,
		     struct turn *turn, bool *ret_permanent, struct error *err)
{
	bool to_all = str_eq(mail->address, READERS);
	struct str subject, text;

	if (mail->kind != MAIL_DELETION) {
		if (!to_all)
			return mailer_subscribe(post->mailer, mail->address,
						ret_permanent, err);
		return subscriber_list_confirm(post->subscribers,
					       mail->subscriber_id,
					       turn->now_ms, err);
	}
	*ret_permanent = true;
	if (!to_all)
		return error_cause(err, ERROR_INTERNAL,
				   "the address was subscribed before the "
				   "topic kept the readers: it must subscribe "
				   "again");
	if (!mail_build_text(&subject, &text, &post->settings, order,
			     deleted_ms, turn->arena, err))
		return false;
	return mailer_publish(post->mailer, subject, text, ret_permanent, err);
}
