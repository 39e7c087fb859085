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
			   "mailer.adapter: %s: is not maildir or smtp", name);
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
