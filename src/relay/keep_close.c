/*
 * keep_close.c: a record is closed only after its archived bytes were read back
 * once more. Damaged bytes keep it open, with its copy of the order, and are
 * said loudly; bytes that are gone are put back from that copy. An archive that
 * is away is asked again after a while.
 */
#include "base/log.h"
#include "deletion/archive_object.h"
#include "relay/backoff.h"
#include "relay/keep.h"

#include "base/banned.h"

#define FORGET_DAMAGE_MS 60000
#define CLOSE_PAGE 32
#define CLOSE_BASE_MS 1000
#define CLOSE_CAP_MS 10000
#define OBJECT_MAX_BYTES (1u * MIB)

static void log_deletion(const char *level, const char *event,
			 const struct deletion *deletion, struct str reason)
{
	struct log_line line;

	log_begin(&line, level, event);
	log_text(&line, "event_id", deletion->event_id);
	log_text(&line, "order_id", deletion->order_id);
	log_str(&line, "archive", deletion->archive_key);
	log_str(&line, "trace_id", turn_trace_id(deletion->traceparent));
	if (reason.len)
		log_str(&line, "reason", reason);
	log_end(&line);
}

static bool is_known_damaged(const struct keep *keep,
			     const struct deletion *deletion)
{
	for (size_t i = 0; i < keep->damaged_count; i++)
		if (!strcmp(keep->damaged[i], deletion->event_id))
			return true;
	return false;
}

static void note_damaged(struct keep *keep, const struct deletion *deletion,
			 struct str reason)
{
	log_deletion("error", "archive_damaged", deletion, reason);
	if (keep->damaged_count < KEEP_DAMAGED)
		memcpy(keep->damaged[keep->damaged_count++],
		       deletion->event_id, ORDER_ID_BYTES);
}

/* The archive is away, or has trouble with this one object: whichever it is, we
 * begin behind it next time. */
static void come_back(struct keep *keep, const struct turn *turn,
		      const struct deletion *deletion, struct str reason)
{
	log_deletion("warn", "archive_unread", deletion, reason);
	memcpy(keep->after, deletion->event_id, sizeof(keep->after));
	keep->close_at_ms = turn->due_ms +
			    backoff_limit_ms(keep->unread++, CLOSE_BASE_MS,
					     CLOSE_CAP_MS);
}

/* The record still has the order: the object comes out with the same bytes. */
static bool put_back(struct keep *keep, const struct deletion *deletion,
		     struct arena *arena, struct error *err)
{
	char digest[SHA256_HEX + 1];
	struct buf object;

	buf_init(&object, arena, OBJECT_MAX_BYTES);
	archive_object(deletion, &object);
	sha256_hex(buf_str(&object), digest);
	if (strcmp(digest, deletion->archive_digest) != 0)
		return error_cause(err, ERROR_INTERNAL,
				   "the object is gone and the record does not "
				   "give the bytes that were archived");
	if (!object_archive_put(keep->archive, deletion->archive_key,
				buf_str(&object), STR("application/json"),
				OBJECT_CREATE, err))
		return false;
	log_deletion("warn", "archive_put_back", deletion, STR(""));
	return true;
}

static bool is_durable(struct keep *keep, const struct deletion *deletion,
		       struct arena *arena, struct error *err)
{
	char digest[SHA256_HEX + 1];
	struct str object;

	if (!object_archive_get(keep->archive, deletion->archive_key,
				OBJECT_MAX_BYTES, arena, &object, err)) {
		if (err->code != ERROR_NOT_FOUND)
			return false;
		error_init(err);
		return put_back(keep, deletion, arena, err);
	}
	sha256_hex(object, digest);
	if (strcmp(digest, deletion->archive_digest) != 0)
		return error_cause(err, ERROR_INTERNAL,
				   "SHA-256 is %s, noted was %s", digest,
				   deletion->archive_digest);
	return true;
}

/* Those of the page that are mailed and whose object is durable, moved to its
 * front: files are read outside the transaction. */
static size_t choose(struct keep *keep, struct deletion_page *page,
		     const struct turn *turn)
{
	size_t count = 0;

	for (size_t i = 0; i < page->count; i++) {
		struct deletion *deletion = &page->deletions[i];
		struct error failure;

		if (deletion->state != DELETION_MAILED ||
		    is_known_damaged(keep, deletion))
			continue;
		error_init(&failure);
		if (is_durable(keep, deletion, turn->arena, &failure)) {
			page->deletions[count++] = *deletion;
			keep->unread = 0;
		} else if (failure.code == ERROR_UNAVAILABLE) {
			come_back(keep, turn, deletion,
				  str_from(error_reason(&failure)));
			break;
		} else {
			note_damaged(keep, deletion,
				     str_from(error_reason(&failure)));
		}
	}
	return count;
}

static bool close_chosen(struct keep *keep, const struct deletion *deletions,
			 size_t count, struct error *err)
{
	bool closed[CLOSE_PAGE] = { false };

	if (count == 0)
		return true;
	if (!database_begin(keep->database, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct error failure;

		error_init(&failure);
		closed[i] = deletion_log_set_state(keep->log,
						   deletions[i].event_id,
						   DELETION_DONE, &failure);
		/* CONFLICT: a mail was tried again meanwhile. */
		if (!closed[i] && failure.code != ERROR_CONFLICT) {
			database_rollback(keep->database);
			*err = failure;
			return false;
		}
	}
	if (!database_commit(keep->database, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (closed[i])
			log_deletion("info", "closed", &deletions[i], STR(""));
	return true;
}

/* mailed → done: one page of records a turn. */
bool keep_close_page(struct keep *keep, struct turn *turn, struct error *err)
{
	struct deletion_page page;
	size_t count;

	if (turn->due_ms < keep->close_at_ms)
		return true;
	if (turn->due_ms >= keep->forget_at_ms) {
		keep->damaged_count = 0;
		keep->forget_at_ms = turn->due_ms + FORGET_DAMAGE_MS;
	}
	if (!deletion_log_list(keep->log, DELETIONS_TO_CLOSE,
			       keep->after[0] ? keep->after : NULL, CLOSE_PAGE,
			       turn->due_ms, INT64_MAX, turn->arena, &page,
			       err))
		return false;
	keep->after[0] = '\0';
	if (page.has_more && page.count) {
		memcpy(keep->after, page.deletions[page.count - 1].event_id,
		       sizeof(keep->after));
		turn_again_in(turn, 0);
	}
	count = choose(keep, &page, turn);
	return close_chosen(keep, page.deletions, count, err);
}
