/*
 * mailer.c: the list of mailers, and open by name (`mailer.adapter`).
 */
#include "ports/mailer.h"

#include "base/banned.h"

static const struct {
	const char *name;
	bool (*open)(struct mailer **, const struct config *, struct error *);
} adapters[] = {
	{ "maildir", mailer_maildir_open },
	{ "smtp", mailer_smtp_open },
	{ "sns", mailer_sns_open },
};

bool mailer_open(struct mailer **ret, const struct config *config,
		 struct error *err)
{
	const char *name = config_text(config, "mailer.adapter");
	size_t i;

	for (i = 0; i < ARRAY_LEN(adapters); i++)
		if (!strcmp(adapters[i].name, name))
			return adapters[i].open(ret, config, err);
	return error_cause(err, ERROR_INTERNAL,
			   "mailer.adapter: %s: is not maildir, smtp or sns",
			   name);
}

void mailer_close(struct mailer *mailer)
{
	if (mailer)
		mailer->ops->close(mailer);
}

bool mailer_send(struct mailer *mailer, struct str from, struct str to,
		 struct str message, const char *mail_id, bool *ret_permanent,
		 struct error *err)
{
	return mailer->ops->send(mailer, from, to, message, mail_id,
				 ret_permanent, err);
}

bool mailer_has_topic(const struct mailer *mailer)
{
	return mailer->ops->topic;
}

bool mailer_subscribe(struct mailer *mailer, struct str address,
		      bool *ret_permanent, struct error *err)
{
	return mailer->ops->topic->subscribe(mailer, address, ret_permanent,
					     err);
}

bool mailer_publish(struct mailer *mailer, struct str subject, struct str text,
		    bool *ret_permanent, struct error *err)
{
	return mailer->ops->topic->publish(mailer, subject, text,
					   ret_permanent, err);
}

/* Opening has made the maildir; a mail server is there or not. */
bool mailer_create(struct mailer *mailer, struct setup *setup,
		   struct error *err)
{
	return !mailer->ops->create ||
	       mailer->ops->create(mailer, setup, err);
}
