/*
 * mailer.h: hands one finished message (RFC 5322, CRLF, dot-stuffing not yet
 * done) to a mail server. True only after the server took it (250) or the
 * message is durable in the maildir.
 *
 * An address or header with a control character never gets this far (mail
 * building refuses it), and the adapter refuses it again.
 */
#ifndef PORTS_MAILER_H
#define PORTS_MAILER_H

#include "base/config.h"
#include "base/error.h"
#include "base/str.h"
#include "ports/setup.h"

struct mailer;

/*
 * A mailer that keeps the readers itself (an e-mail topic of SNS): it asks each
 * for confirmation, mails all of them at once, and ends a subscription by a
 * link of its own. A second publish of a mail reaches them twice.
 */
struct mailer_topic_ops {
	/* Has the address asked whether it wants the mails. Repeatable. */
	bool (*subscribe)(struct mailer *, struct str address,
			  bool *ret_permanent, struct error *);
	bool (*publish)(struct mailer *, struct str subject, struct str text,
			bool *ret_permanent, struct error *);
};

struct mailer_ops {
	const char *name;	/* "smtp", "maildir", "sns" */
	const struct mailer_topic_ops *topic;	/* NULL: one mail to one */
	/* *ret_permanent: the server refused for good (5yz), or the address is
	 * bad. */
	bool (*send)(struct mailer *, struct str from, struct str to,
		     struct str message, const char *mail_id,
		     bool *ret_permanent, struct error *);
	/* `ordermill init`: makes what is missing; NULL: nothing is. */
	bool (*create)(struct mailer *, struct setup *, struct error *);
	void (*close)(struct mailer *);
};

struct mailer {
	const struct mailer_ops *ops;
};

bool mailer_open(struct mailer **ret, const struct config *config,
		 struct error *err) MUST_CHECK;
void mailer_close(struct mailer *mailer);
bool mailer_send(struct mailer *mailer, struct str from, struct str to,
		 struct str message, const char *mail_id, bool *ret_permanent,
		 struct error *err) MUST_CHECK;
/* Whether the mailer keeps the readers itself; then, instead of mailer_send: */
bool mailer_has_topic(const struct mailer *mailer);
bool mailer_subscribe(struct mailer *mailer, struct str address,
		      bool *ret_permanent, struct error *err) MUST_CHECK;
bool mailer_publish(struct mailer *mailer, struct str subject, struct str text,
		    bool *ret_permanent, struct error *err) MUST_CHECK;
bool mailer_create(struct mailer *mailer, struct setup *setup,
		   struct error *err) MUST_CHECK;

/* The adapters, for mailer_open and the contract test. */
bool mailer_maildir_open(struct mailer **ret, const struct config *config,
			 struct error *err) MUST_CHECK;
bool mailer_smtp_open(struct mailer **ret, const struct config *config,
		      struct error *err) MUST_CHECK;
bool mailer_sns_open(struct mailer **ret, const struct config *config,
		     struct error *err) MUST_CHECK;

#endif
