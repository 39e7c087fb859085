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

struct mailer;

struct mailer_ops {
	const char *name;	/* "smtp", "maildir" */
	/* *ret_permanent: the server refused for good (5yz), or the address is
	 * bad. */
	bool (*send)(struct mailer *, struct str from, struct str to,
		     struct str message, const char *mail_id,
		     bool *ret_permanent, struct error *);
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

/* The adapters, for mailer_open and the contract test. */
bool mailer_maildir_open(struct mailer **ret, const struct config *config,
			 struct error *err) MUST_CHECK;
bool mailer_smtp_open(struct mailer **ret, const struct config *config,
		      struct error *err) MUST_CHECK;

#endif
