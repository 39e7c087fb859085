/*
 * post.h: sends the mails that are owed.
 */
#ifndef RELAY_POST_H
#define RELAY_POST_H

#include "ports/database.h"
#include "ports/deletion_log.h"
#include "ports/mailer.h"
#include "ports/object_archive.h"
#include "ports/settings.h"
#include "ports/subscriber_list.h"
#include "relay/turn.h"

struct post {
	struct settings settings;
	const char *from;		/* as the From header has it */
	struct database *database;
	struct subscriber_list *subscribers;
	struct deletion_log *log;
	struct object_archive *archive;
	struct mailer *mailer;
	char sent_id[ORDER_ID_BYTES];	/* sent, not noted yet; "": none */
	unsigned sent_since_advance;
	int64_t advance_at_ms;
	char after[ORDER_ID_BYTES];	/* where the next page starts */
};

bool post_turn(struct post *post, struct turn *turn,
	       struct error *err) MUST_CHECK;

extern const struct turn_job post_job;

#endif
