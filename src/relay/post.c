/*
 * post.c: sends the mails that are owed, then notes which deletions have no
 * mail waiting any more.
 *
 * A mail is noted as sent only after the server took it, so a crash in between
 * sends it twice, with one Message-ID, and never not at all.
 */
#include "relay/post.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mail_syntax.h"
#include "deletion/archive_object.h"
#include "mail/mail_message.h"
#include "relay/backoff.h"
#include "relay/post_topic.h"

#include "base/banned.h"

#define MAIL_BASE_MS 1000
#define MAIL_CAP_MS (3600ll * 1000)
#define MAIL_GIVE_UP_MS (3ll * 24 * 3600 * 1000)
#define MAIL_MAX_BYTES (1u * MIB)
#define OBJECT_MAX_BYTES (1u * MIB)
#define SOON_MS 250
#define LOOK_AHEAD_MS 5000
#define ADVANCE_AFTER_MAILS 16
#define ADVANCE_PAGE 32
#define ADVANCE_GAP_MS 20

/* The deletion that a mail tells of; zeros with the other kinds. */
struct subject {
	struct deletion deletion;
	struct order order;
};

static void log_mail(const char *level, const char *event,
		     const struct queued_mail *mail,
		     const struct subject *subject, struct str reason)
{
	struct log_line line;

	log_begin(&line, level, event);
	log_text(&line, "mail_id", mail->id);
	log_text(&line, "subscriber_id", mail->subscriber_id);
	if (mail->event_id[0])
		log_text(&line, "event_id", mail->event_id);
	log_int(&line, "attempt", mail->attempts + 1);
	if (subject->deletion.traceparent.len)
		log_str(&line, "trace_id",
			turn_trace_id(subject->deletion.traceparent));
	if (reason.len)
		log_str(&line, "reason", reason);
	log_end(&line);
}

/* A record that is done has dropped its copy of the order; a mail that was
 * given up and is tried again finds it in the archive. */
static bool read_order(struct post *post, struct deletion *deletion,
		       struct arena *arena, struct error *err)
{
	struct deletion archived;
	struct str object;

	if (deletion->order_json.len)
		return true;
	if (!object_archive_get(post->archive, deletion->archive_key,
				OBJECT_MAX_BYTES, arena, &object, err))
		return false;
	if (!archive_object_parse(object, arena, &archived, err))
		return false;
	deletion->order_json = archived.order_json;
	return true;
}

static bool read_subject(struct post *post, const struct queued_mail *mail,
			 struct arena *arena, struct subject *ret,
			 bool *ret_permanent, struct error *err)
{
	memset(ret, 0, sizeof(*ret));
	if (mail->kind != MAIL_DELETION)
		return true;
	if (!deletion_log_get(post->log, mail->event_id, arena, &ret->deletion,
			      err)) {
		*ret_permanent = err->code == ERROR_NOT_FOUND;
		return false;
	}
	if (!read_order(post, &ret->deletion, arena, err))
		return false;
	return order_from_stored_json(&ret->order, ret->deletion.order_json,
				      arena, err);
}

static bool send_mail(struct post *post, const struct queued_mail *mail,
		      struct turn *turn, struct subject *ret_subject,
		      bool *ret_permanent, struct error *err)
{
	bool about = mail->kind == MAIL_DELETION;
	const char *traceparent;
	struct str name, sender;
	struct buf message;

	if (!read_subject(post, mail, turn->arena, ret_subject, ret_permanent,
			  err))
		return false;
	if (mailer_has_topic(post->mailer))
		return post_topic_send(post, mail, &ret_subject->order,
				       ret_subject->deletion.deleted_ms, turn,
				       ret_permanent, err);
	traceparent = arena_text(turn->arena,
				 ret_subject->deletion.traceparent);
	buf_init(&message, turn->arena, MAIL_MAX_BYTES);
	*ret_permanent = true;
	if (!mail_build(&message, mail, &post->settings, post->from,
			about ? &ret_subject->order : NULL,
			ret_subject->deletion.deleted_ms, traceparent,
			turn->now_ms, turn->arena, err))
		return false;
	if (!buf_ok(&message))
		return error_cause(err, ERROR_INTERNAL,
				   "the mail is larger than %u bytes",
				   MAIL_MAX_BYTES);
	*ret_permanent = false;
	/* mail_build has refused what is no mailbox */
	(void)mail_mailbox_parse(str_from(post->from), &name, &sender);
	return mailer_send(post->mailer, sender, mail->address,
			   buf_str(&message), mail->id, ret_permanent, err);
}

/* What the server took is noted before anything else is sent: else a store that
 * is away for a moment would have it sent twice. */
static bool note_sent(struct post *post, const struct turn *turn,
		      struct error *err)
{
	if (!post->sent_id[0])
		return true;
	if (!subscriber_list_mail_sent(post->subscribers, post->sent_id,
				       turn->now_ms, err))
		return false;
	post->sent_id[0] = '\0';
	return true;
}

static bool post_one(struct post *post, const struct queued_mail *mail,
		     struct turn *turn, struct error *err)
{
	struct subject subject;
	struct error failure;
	bool permanent = false;

	error_init(&failure);
	if (send_mail(post, mail, turn, &subject, &permanent, &failure)) {
		log_mail("info", "mail_sent", mail, &subject, STR(""));
		memcpy(post->sent_id, mail->id, sizeof(post->sent_id));
		return note_sent(post, turn, err);
	}
	struct str reason = str_from(error_reason(&failure));
	bool dead = permanent ||
		    turn->due_ms - mail->queued_ms >= MAIL_GIVE_UP_MS;
	int64_t wait_ms = backoff_ms(mail->attempts, MAIL_BASE_MS, MAIL_CAP_MS);

	if (dead)
		log_mail("error", "mail_dead", mail, &subject, reason);
	else
		log_mail("warn", "mail_failed", mail, &subject, reason);
	return subscriber_list_mail_failed(post->subscribers, mail->id, dead,
					   turn->due_ms + wait_ms,
					   reason, err);
}

static void log_mailed(const struct deletion *deletion)
{
	struct log_line line;

	log_begin(&line, "info", "mailed");
	log_text(&line, "event_id", deletion->event_id);
	log_text(&line, "order_id", deletion->order_id);
	log_int(&line, "sent", deletion->mails_sent);
	log_int(&line, "total", deletion->mails_total);
	log_str(&line, "trace_id", turn_trace_id(deletion->traceparent));
	log_end(&line);
}

/* archived → mailed for those of the page where no mail waits, in one commit. */
static bool advance_page(struct post *post, const struct deletion_page *page,
			 struct turn *turn, struct error *err)
{
	bool advanced[ADVANCE_PAGE] = { false };
	size_t count = 0;

	for (size_t i = 0; i < page->count; i++)
		count += page->deletions[i].state == DELETION_ARCHIVED;
	if (count == 0)
		return true;
	if (!database_begin(post->database, err))
		return false;
	for (size_t i = 0; i < page->count; i++) {
		const struct deletion *deletion = &page->deletions[i];
		struct error failure;

		if (deletion->state != DELETION_ARCHIVED)
			continue;
		error_init(&failure);
		advanced[i] = deletion_log_set_state(post->log,
						     deletion->event_id,
						     DELETION_MAILED, &failure);
		/* CONFLICT: a mail was tried again meanwhile; the record comes
		 * back here afterwards. */
		if (!advanced[i] && failure.code != ERROR_CONFLICT) {
			database_rollback(post->database);
			*err = failure;
			return false;
		}
	}
	if (!database_commit(post->database, err))
		return false;
	for (size_t i = 0; i < page->count; i++) {
		if (!advanced[i])
			continue;
		turn->progress = true;
		log_mailed(&page->deletions[i]);
	}
	return true;
}

/* One page of records a turn, and not at every wake: a burst of deletions shares
 * commits with the people who make it. */
static bool advance(struct post *post, struct turn *turn, struct error *err)
{
	struct deletion_page page;

	if (turn->due_ms < post->advance_at_ms) {
		turn_again_in(turn, post->advance_at_ms - turn->due_ms);
		return true;
	}
	post->sent_since_advance = 0;
	if (!deletion_log_list(post->log, DELETIONS_TO_CLOSE,
			       post->after[0] ? post->after : NULL,
			       ADVANCE_PAGE, turn->due_ms, INT64_MAX,
			       turn->arena, &page, err) ||
	    !advance_page(post, &page, turn, err))
		return false;
	if (turn->progress && !page.has_more)
		post->advance_at_ms = turn->due_ms + ADVANCE_GAP_MS;
	post->after[0] = '\0';
	if (page.has_more && page.count) {
		memcpy(post->after, page.deletions[page.count - 1].event_id,
		       sizeof(post->after));
		turn_again_in(turn, 0);
	}
	return true;
}

/* Fine steps while a mail comes due shortly, else the tick. */
static bool look_ahead(struct post *post, struct turn *turn, struct error *err)
{
	struct queued_mail *mail;
	size_t count;

	if (!subscriber_list_due_mails(post->subscribers,
				       turn->due_ms + LOOK_AHEAD_MS, 1,
				       turn->arena, &mail, &count, err))
		return false;
	if (count)
		turn_again_in(turn, SOON_MS);
	return true;
}

bool post_turn(struct post *post, struct turn *turn, struct error *err)
{
	struct queued_mail *mail;
	size_t count;

	if (!note_sent(post, turn, err) ||
	    !subscriber_list_due_mails(post->subscribers, turn->due_ms, 1,
				       turn->arena, &mail, &count, err))
		return false;
	if (count) {
		turn_again_in(turn, 0);
		post->sent_since_advance++;
		if (!post_one(post, &mail[0], turn, err))
			return false;
		if (post->sent_since_advance < ADVANCE_AFTER_MAILS)
			return true;
	}
	if (!advance(post, turn, err))
		return false;
	return count ? true : look_ahead(post, turn, err);
}

static void post_close(void *job)
{
	struct post *post = job;

	mailer_close(post->mailer);
	object_archive_close(post->archive);
	subscriber_list_close(post->subscribers);
	deletion_log_close(post->log);
	database_close(post->database);
}

static bool post_open(void **ret, const struct config *config,
		      struct error *err)
{
	static struct post the_post;	/* one in a process */
	struct post *post = &the_post;

	post->from = config_text(config, "mailer.from");
	if (settings_open(&post->settings, config, err) &&
	    database_open(&post->database, config, false, err) &&
	    deletion_log_open(&post->log, post->database, config, err) &&
	    subscriber_list_open(&post->subscribers, post->database, config,
				 err) &&
	    object_archive_open(&post->archive, config, err) &&
	    mailer_open(&post->mailer, config, err) &&
	    post_topic_open(post, clock_now_ms(), err)) {
		*ret = post;
		return true;
	}
	post_close(post);
	return false;
}

static bool post_take(void *job, struct turn *turn, struct error *err)
{
	return post_turn(job, turn, err);
}

const struct turn_job post_job = {
	.name = "post", .tick_ms = 5000,
	.open = post_open, .take = post_take, .close = post_close,
};
