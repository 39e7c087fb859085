/*
 * deletion_log_fake.h: one deletion in memory, with a knob to fail. Keeps the
 * set_archived of deletion_log.h; the rest is not in it.
 */
#ifndef FAKES_DELETION_LOG_FAKE_H
#define FAKES_DELETION_LOG_FAKE_H

#include "ports/deletion_log.h"

struct deletion_log_fake {
	struct deletion_log base;
	enum error_code fail_next;	/* ERROR_NONE: the next call works */
	struct deletion deletion;
	char key[200];
};

static bool fake_log_set_archived(struct deletion_log *log,
				  const char *event_id, struct str key,
				  const char *digest, int64_t now_ms,
				  bool *ret_changed, struct error *err)
{
	struct deletion_log_fake *fake = (struct deletion_log_fake *)log;
	struct deletion *deletion = &fake->deletion;
	enum error_code code = fake->fail_next;

	fake->fail_next = ERROR_NONE;
	if (code != ERROR_NONE)
		return error_cause(err, code, "the fake log was told to fail");
	if (strcmp(deletion->event_id, event_id))
		return error_set(err, ERROR_NOT_FOUND, "%s", "");
	*ret_changed = deletion->state == DELETION_PENDING;
	if (!*ret_changed)
		return true;
	deletion->state = DELETION_ARCHIVED;
	deletion->archived_ms = now_ms;
	snprintf(fake->key, sizeof(fake->key), "%.*s", STR_ARG(key));
	deletion->archive_key = str_from(fake->key);
	memcpy(deletion->archive_digest, digest,
	       sizeof(deletion->archive_digest));
	return true;
}

static const struct deletion_log_ops deletion_log_fake_ops = {
	.name = "fake", .set_archived = fake_log_set_archived,
};

#define DELETION_LOG_FAKE { .base = { &deletion_log_fake_ops } }

#endif
