/*
 * subscriber_list.h: who is mailed of deletions, and the mails owed to them.
 *
 * subscribe is the same work and time whatever is known of the address: it
 * upserts one row and queues at most one mail (kind confirm for a pending
 * subscriber; kind already for a confirmed one; at most one such mail in ten
 * minutes for an address). confirm and unsubscribe are repeatable.
 *
 * Mails are queued in the commit that makes them owed; recipients are fixed
 * then. A mail's Message-ID is derived from its id, so a repeated sending has
 * the same. Unsubscribing drops that subscriber's waiting deletion mails.
 * Contract test: tests/contract/subscriber_list_test.c.
 */
#ifndef PORTS_SUBSCRIBER_LIST_H
#define PORTS_SUBSCRIBER_LIST_H

#include "base/arena.h"
#include "base/clock.h"
#include "ports/database.h"

struct subscriber_list;

enum mail_kind { MAIL_CONFIRM, MAIL_ALREADY, MAIL_DELETION };

struct queued_mail {
	char id[ORDER_ID_BYTES];	/* UUIDv7 */
	enum mail_kind kind;
	char subscriber_id[ORDER_ID_BYTES];
	struct str address;
	char event_id[ORDER_ID_BYTES];	/* "" unless MAIL_DELETION */
	unsigned attempts;
	int64_t queued_ms;
};

struct mail_stats {
	uint64_t waiting;
	uint64_t dead;
};

struct subscriber_list_ops {
	const char *name;
	/* `email` as typed, valid, domain lower case. */
	bool (*subscribe)(struct subscriber_list *, struct str email,
			  int64_t now_ms, struct error *);
	/* ERROR_NOT_FOUND when there is no such subscriber (any more). */
	bool (*confirm)(struct subscriber_list *, const char *subscriber_id,
			int64_t now_ms, struct error *);
	bool (*unsubscribe)(struct subscriber_list *, const char *subscriber_id,
			    struct error *);
	/* Waiting mails whose time has come, oldest first. */
	bool (*due_mails)(struct subscriber_list *, int64_t now_ms,
			  size_t limit, struct arena *,
			  struct queued_mail **ret, size_t *ret_count,
			  struct error *);
	bool (*mail_sent)(struct subscriber_list *, const char *mail_id,
			  int64_t now_ms, struct error *);
	/* Tried and failed: again at next_ms, or never (dead). */
	bool (*mail_failed)(struct subscriber_list *, const char *mail_id,
			    bool dead, int64_t next_ms, struct str reason,
			    struct error *);
	bool (*stats)(struct subscriber_list *, struct mail_stats *ret,
		      struct error *);
	void (*close)(struct subscriber_list *);
};

struct subscriber_list {
	const struct subscriber_list_ops *ops;
};

bool subscriber_list_open(struct subscriber_list **ret,
			  struct database *database,
			  const struct config *config,
			  struct error *err) MUST_CHECK;
void subscriber_list_close(struct subscriber_list *list);
bool subscriber_list_subscribe(struct subscriber_list *list, struct str email,
			       int64_t now_ms, struct error *err) MUST_CHECK;
bool subscriber_list_confirm(struct subscriber_list *list,
			     const char *subscriber_id, int64_t now_ms,
			     struct error *err) MUST_CHECK;
bool subscriber_list_unsubscribe(struct subscriber_list *list,
				 const char *subscriber_id,
				 struct error *err) MUST_CHECK;
bool subscriber_list_due_mails(struct subscriber_list *list, int64_t now_ms,
			       size_t limit, struct arena *arena,
			       struct queued_mail **ret, size_t *ret_count,
			       struct error *err) MUST_CHECK;
bool subscriber_list_mail_sent(struct subscriber_list *list,
			       const char *mail_id, int64_t now_ms,
			       struct error *err) MUST_CHECK;
bool subscriber_list_mail_failed(struct subscriber_list *list,
				 const char *mail_id, bool dead,
				 int64_t next_ms, struct str reason,
				 struct error *err) MUST_CHECK;
bool subscriber_list_stats(struct subscriber_list *list,
			   struct mail_stats *ret,
			   struct error *err) MUST_CHECK;

/* The adapters, for subscriber_list_open. */
bool subscriber_list_dynamodb_open(struct subscriber_list **ret,
				   struct database *database,
				   struct error *err) MUST_CHECK;
bool subscriber_list_sqlite_open(struct subscriber_list **ret,
				 struct database *database,
				 struct error *err) MUST_CHECK;

#endif
