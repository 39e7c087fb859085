/*
 * archive_step.c: pending → archived. The object first, durable and read back
 * (object_archive_put's promise), then the record: a crash in between leaves an
 * object that the next attempt finds equal to its own.
 */
#include "deletion/archive_step.h"

#include "base/clock.h"

#include "base/banned.h"

#define OBJECT_MAX_BYTES (1u * MIB)
#define KEY_MAX_BYTES 200
#define PAGE 100u
#define PAGE_ARENA_BYTES (32u * MIB)
#define STEP_ARENA_BYTES (4u * MIB)

static bool write_object(struct object_archive *archive,
			 const struct deletion *deletion, struct arena *arena,
			 struct buf *ret_key, char digest[SHA256_HEX + 1],
			 struct error *err)
{
	struct buf object;
	struct error failure;

	buf_init(&object, arena, OBJECT_MAX_BYTES);
	buf_init(ret_key, arena, KEY_MAX_BYTES);
	archive_object(deletion, &object);
	archive_key(deletion, ret_key);
	if (!buf_ok(&object) || !buf_ok(ret_key))
		return error_cause(err, ERROR_INTERNAL,
				   "deletion %s: the order is too large",
				   deletion->event_id);
	sha256_hex(buf_str(&object), digest);
	error_init(&failure);
	if (object_archive_put(archive, buf_str(ret_key), buf_str(&object),
			       STR("application/json"), OBJECT_CREATE,
			       &failure))
		return true;
	/* Nobody's request conflicts: the archive holds what it must not. */
	if (failure.code == ERROR_CONFLICT)
		return error_cause(err, ERROR_INTERNAL,
				   "%.*s exists with other bytes than deletion "
				   "%s has", STR_ARG(buf_str(ret_key)),
				   deletion->event_id);
	*err = failure;
	return false;
}

bool archive_deletion(struct deletion_log *log, struct object_archive *archive,
		      const struct deletion *deletion, int64_t now_ms,
		      struct arena *arena, bool *ret_changed, struct error *err)
{
	char digest[SHA256_HEX + 1];
	struct buf key;

	*ret_changed = false;
	if (deletion->state != DELETION_PENDING)
		return true;
	if (deletion->order_json.len == 0)
		return error_cause(err, ERROR_INTERNAL,
				   "deletion %s is pending and has no order",
				   deletion->event_id);
	if (!write_object(archive, deletion, arena, &key, digest, err))
		return false;
	return deletion_log_set_archived(log, deletion->event_id,
					 buf_str(&key), digest, now_ms,
					 ret_changed, err);
}

static void archive_page(struct deletion_log *log,
			 struct object_archive *archive,
			 const struct deletion_page *page, int64_t now_ms,
			 int64_t until_ms, struct archive_tally *tally)
{
	CLEANUP(cleanup_arena)
	struct arena *arena = arena_new("archive step", STEP_ARENA_BYTES);

	for (size_t i = 0; i < page->count && clock_boot_ms() < until_ms;
	     i++) {
		struct error failure;
		bool changed;

		error_init(&failure);
		tally->examined++;
		if (!archive_deletion(log, archive, &page->deletions[i], now_ms,
				      arena, &changed, &failure))
			tally->failed++;
		else if (changed)
			tally->archived++;
		else
			tally->already_archived++;
		arena_reset(arena);
	}
}

bool archive_pending(struct deletion_log *log, struct object_archive *archive,
		     int64_t now_ms, int64_t limit_ms,
		     struct archive_tally *tally, struct error *err)
{
	CLEANUP(cleanup_arena)
	struct arena *arena = arena_new("archive page", PAGE_ARENA_BYTES);
	int64_t until_ms = clock_boot_ms() + limit_ms;
	struct deletion_page page = { .has_more = true };
	char after[ORDER_ID_BYTES] = "";

	while (page.has_more && clock_boot_ms() < until_ms) {
		if (!deletion_log_list(log, DELETIONS_PENDING,
				       after[0] ? after : NULL, PAGE, now_ms,
				       INT64_MAX, arena, &page, err))
			return false;
		archive_page(log, archive, &page, now_ms, until_ms, tally);
		if (page.count > 0)
			memcpy(after, page.deletions[page.count - 1].event_id,
			       sizeof(after));
		arena_reset(arena);
	}
	return true;
}
