/*
 * subscriber_list.c: the list of subscriber lists, one for each engine, and
 * wrappers.
 */
#include "ports/subscriber_list.h"

#include "base/banned.h"

static const struct {
	const char *database;
	bool (*open)(struct subscriber_list **, struct database *,
		     struct error *);
} adapters[] = {
	{ "dynamodb", subscriber_list_dynamodb_open },
	{ "sqlite", subscriber_list_sqlite_open },
};

bool subscriber_list_open(struct subscriber_list **ret,
			  struct database *database,
			  const struct config *config, struct error *err)
{
	(void)config;
	for (size_t i = 0; i < ARRAY_LEN(adapters); i++)
		if (!strcmp(adapters[i].database, database->ops->name))
			return adapters[i].open(ret, database, err);
	return error_cause(err, ERROR_INTERNAL, "no subscriber_list on %s",
			   database->ops->name);
}

void subscriber_list_close(struct subscriber_list *list)
{
	if (list)
		list->ops->close(list);
}

bool subscriber_list_subscribe(struct subscriber_list *list, struct str email,
			       int64_t now_ms, struct error *err)
{
	return list->ops->subscribe(list, email, now_ms, err);
}

bool subscriber_list_confirm(struct subscriber_list *list,
			     const char *subscriber_id, int64_t now_ms,
			     struct error *err)
{
	return list->ops->confirm(list, subscriber_id, now_ms, err);
}

bool subscriber_list_unsubscribe(struct subscriber_list *list,
				 const char *subscriber_id, struct error *err)
{
	return list->ops->unsubscribe(list, subscriber_id, err);
}

bool subscriber_list_due_mails(struct subscriber_list *list, int64_t now_ms,
			       size_t limit, struct arena *arena,
			       struct queued_mail **ret, size_t *ret_count,
			       struct error *err)
{
	return list->ops->due_mails(list, now_ms, limit, arena, ret, ret_count,
				    err);
}

bool subscriber_list_mail_sent(struct subscriber_list *list,
			       const char *mail_id, int64_t now_ms,
			       struct error *err)
{
	return list->ops->mail_sent(list, mail_id, now_ms, err);
}

bool subscriber_list_mail_failed(struct subscriber_list *list,
				 const char *mail_id, bool dead,
				 int64_t next_ms, struct str reason,
				 struct error *err)
{
	return list->ops->mail_failed(list, mail_id, dead, next_ms, reason,
				      err);
}

bool subscriber_list_stats(struct subscriber_list *list,
			   struct mail_stats *ret, struct error *err)
{
	return list->ops->stats(list, ret, err);
}
