/*
 * dynamodb_mail.h: mails in the table, for the subscriber list, which sends
 * them, and the deletion log, which queues and redrives them.
 */
#ifndef ADAPTERS_DYNAMODB_MAIL_H
#define ADAPTERS_DYNAMODB_MAIL_H

#include "adapters/dynamodb.h"
#include "ports/subscriber_list.h"

enum { MAIL_WAITING, MAIL_SENT, MAIL_DEAD };

/* The one id that a deletion's mail to a subscriber can have. */
void dynamodb_mail_id(const char *event_id, const char *subscriber_id,
		      char ret[ORDER_ID_BYTES]);
/* Due at queued_ms. */
void dynamodb_mail_put(struct dynamodb_write *write,
		       const struct queued_mail *mail);
/* False when it does not wait (any more), or not yet for `now_ms`. */
bool dynamodb_mail_read(struct json item, int64_t now_ms, struct arena *arena,
			struct queued_mail *ret);

enum mail_change_kind {
	MAIL_WAS_SENT,	/* at time_ms */
	MAIL_FAILED,	/* again at time_ms */
	MAIL_DIED,
	MAIL_REDRIVEN,	/* or dropped, when its subscriber has left */
	MAIL_DROPPED
};
struct mail_change {
	enum mail_change_kind kind;
	const char *mail_id;
	int64_t time_ms;
	struct str reason;
};
/* Repeatable; *ret_changed false when it was so already, or cannot be so. */
bool dynamodb_mail_change(struct dynamodb *db, const struct mail_change *change,
			  bool *ret_changed, struct error *err) MUST_CHECK;
/* All that an index has under a condition on :a (and :b, where it has one);
 * adds the number of changed ones. */
bool dynamodb_mails_change(struct dynamodb *db, enum mail_change_kind kind,
			   const char *index, const char *condition,
			   struct str a, struct str b, uint64_t *count,
			   struct error *err) MUST_CHECK;

#endif
