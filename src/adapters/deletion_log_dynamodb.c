/*
 * deletion_log_dynamodb.c: the recorded deletions in DynamoDB.
 *
 * A record changes by an update whose condition is the revision that was read,
 * so that every step decides on what is really there. Lists are in
 * dynamodb_deletion_list.c.
 */
#include "adapters/dynamodb_deletion.h"
#include "adapters/dynamodb_mail.h"
#include "ports/deletion_log.h"

#include "base/banned.h"

/* A transaction has 100 actions: a record and the mails of so many. */
#define MAILS_A_STEP 99u
#define REDRIVE_PAGE 50u

struct dynamodb_deletion_log {
	struct deletion_log base;
	struct dynamodb *db;
};

static struct dynamodb *db_of(struct deletion_log *log)
{
	struct dynamodb_deletion_log *self =
		(struct dynamodb_deletion_log *)log;

	dynamodb_fresh(self->db);
	return self->db;
}

static bool unknown(struct error *err)
{
	return error_set(err, ERROR_NOT_FOUND,
			 "There is no deletion with this id.");
}

static bool read_record(struct dynamodb *db, const char *event_id,
			struct arena *arena, struct deletion_record *ret,
			struct error *err)
{
	bool found;

	return deletion_record_get(db, event_id, arena, ret, &found, err) &&
	       (found || unknown(err));
}

static enum dynamodb_result write_record(struct dynamodb *db,
					 const struct deletion_record *record,
					 const char *mark, struct error *err)
{
	struct dynamodb_write write;

	dynamodb_write_init(&write, db);
	deletion_record_update(&write, record, mark);
	return dynamodb_commit(&write, err);
}

static bool get(struct deletion_log *log, const char *event_id,
		struct arena *arena, struct deletion *ret, struct error *err)
{
	struct deletion_record record;

	if (!read_record(db_of(log), event_id, arena, &record, err))
		return false;
	*ret = record.deletion;
	return true;
}

/* The order's place knows its last deletion, also when it is live again. */
static bool find(struct deletion_log *log, const char *order_id,
		 struct arena *arena, struct deletion *ret, struct error *err)
{
	struct dynamodb *db = db_of(log);
	char event_id[ORDER_ID_BYTES];
	struct json item;
	struct buf key;

	if (!uuid_is_valid(str_from(order_id)))
		return unknown(err);
	key = dynamodb_key(db, "o#", str_from(order_id), "o");
	if (!dynamodb_get(db, &key, db->scratch, &item, err))
		return false;
	dynamodb_id(item, "ev", event_id);
	return get(log, event_id, arena, ret, err);
}

static bool list(struct deletion_log *log, enum deletion_selection selection,
		 const char *after, size_t limit, int64_t now_ms,
		 int64_t older_than_ms, struct arena *arena,
		 struct deletion_page *ret, struct error *err)
{
	const struct deletion_selector selector = {
		.selection = selection, .now_ms = now_ms,
		.before_ms = older_than_ms ? older_than_ms : INT64_MAX,
	};

	return dynamodb_deletions_list(db_of(log), &selector, after, limit,
				       arena, ret, err);
}

/* --- steps --------------------------------------------------------------- */

/* Confirmed subscribers behind the last one who has mail. */
static bool next_recipients(struct dynamodb *db,
			    const struct deletion_record *record,
			    struct queued_mail *mails, size_t *ret_count,
			    bool *ret_last, struct error *err)
{
	struct dynamodb_query query = {
		.condition = "pk = :s AND sk > :from", .filter = "cf > :no",
		.values = dynamodb_map(db), .limit = MAILS_A_STEP + 1,
	};
	struct json_iterator it;
	struct json items;

	dynamodb_add_str(&query.values, ":s", STR("s"));
	dynamodb_add_str(&query.values, ":from",
			 str_from(record->mailed_to[0] ? record->mailed_to
						       : "!"));
	dynamodb_add_int(&query.values, ":no", 0);
	*ret_count = 0;
	do {
		if (!dynamodb_query(db, &query, db->scratch, &items, err))
			return false;
		for (it = json_first_element(items); it.value.value;
		     json_next(&it)) {
			*ret_last = *ret_count < MAILS_A_STEP;
			if (!*ret_last)
				return true;
			dynamodb_id(it.value, "sk",
				    mails[*ret_count].subscriber_id);
			mails[(*ret_count)++].address =
				dynamodb_str(it.value, "em");
		}
	} while (query.start.ptr);
	*ret_last = true;
	return true;
}

/*
 * The next mails, up to a transaction's limit, and how far they go; with the
 * last of them the record is archived. Whoever comes after a crash goes on from
 * there, since until then the record is pending.
 */
static enum dynamodb_result archive_step(struct dynamodb *db,
					 struct deletion_record *record,
					 struct str key, const char *digest,
					 int64_t now_ms, const char *mark,
					 bool *ret_last, struct error *err)
{
	struct queued_mail *mails =
		arena_zalloc(db->scratch, MAILS_A_STEP * sizeof(*mails));
	struct deletion *deletion = &record->deletion;
	struct dynamodb_write write;
	size_t count;

	if (!next_recipients(db, record, mails, &count, ret_last, err))
		return DYNAMODB_FAILED;
	deletion->mails_total += (unsigned)count;
	if (count)
		memcpy(record->mailed_to, mails[count - 1].subscriber_id,
		       ORDER_ID_BYTES);
	if (*ret_last) {
		deletion->state = DELETION_ARCHIVED;
		deletion->archive_key = key;
		snprintf(deletion->archive_digest,
			 sizeof(deletion->archive_digest), "%s", digest);
		deletion->archived_ms = now_ms;
		deletion->dead = false;
	}
	dynamodb_write_init(&write, db);
	deletion_record_update(&write, record, mark);
	for (size_t i = 0; i < count; i++) {
		mails[i].kind = MAIL_DELETION;
		mails[i].queued_ms = now_ms;
		memcpy(mails[i].event_id, deletion->event_id, ORDER_ID_BYTES);
		dynamodb_mail_id(deletion->event_id, mails[i].subscriber_id,
				 mails[i].id);
		dynamodb_mail_put(&write, &mails[i]);
	}
	return dynamodb_commit(&write, err);
}

static bool set_archived(struct deletion_log *log, const char *event_id,
			 struct str key, const char *digest, int64_t now_ms,
			 bool *ret_changed, struct error *err)
{
	struct dynamodb *db = db_of(log);
	struct deletion_record record;
	struct dynamodb_race race;
	bool last;

	*ret_changed = false;
	dynamodb_race_init(&race);
	while (dynamodb_race_on(&race, err)) {
		dynamodb_fresh(db);
		if (!read_record(db, event_id, db->scratch, &record, err))
			return false;
		if (record.deletion.state != DELETION_PENDING) {
			*ret_changed = str_is(record.mark, race.mark);
			return true;
		}
		race.result = archive_step(db, &record, key, digest, now_ms,
					   race.mark, &last, err);
		*ret_changed = race.result == DYNAMODB_WRITTEN && last;
		if (race.result == DYNAMODB_WRITTEN && !last)
			dynamodb_race_init(&race);	/* the next step's */
	}
	return race.result == DYNAMODB_WRITTEN;
}

/* *ret_done: nothing is left to do, or it is refused. */
static bool may_advance(const struct deletion *deletion, enum deletion_state to,
			bool *ret_done, struct error *err)
{
	unsigned waiting = deletion_mails_waiting(deletion);

	*ret_done = deletion->state >= to;
	if (*ret_done)
		return true;
	if (deletion->state == DELETION_PENDING || to == DELETION_RESTORED)
		return error_set(err, ERROR_CONFLICT,
				 "A deletion that is %s does not become %s so.",
				 deletion_state_name(deletion->state),
				 deletion_state_name(to));
	if (waiting)
		return error_set(err, ERROR_CONFLICT,
				 "%u mails of the deletion are waiting.",
				 waiting);
	return true;
}

static bool set_state(struct deletion_log *log, const char *event_id,
		      enum deletion_state state, struct error *err)
{
	struct dynamodb *db = db_of(log);
	struct deletion_record record;
	struct dynamodb_race race;
	bool done;

	dynamodb_race_init(&race);
	while (dynamodb_race_on(&race, err)) {
		if (!read_record(db, event_id, db->scratch, &record, err) ||
		    !may_advance(&record.deletion, state, &done, err))
			return false;
		if (done)
			return true;
		record.deletion.state = state;
		race.result = write_record(db, &record, race.mark, err);
	}
	return race.result == DYNAMODB_WRITTEN;
}

static bool note_attempt(struct deletion_log *log, const char *event_id,
			 bool acknowledged, bool dead, int64_t next_attempt_ms,
			 struct str reason, struct error *err)
{
	struct dynamodb *db = db_of(log);
	struct deletion_record record;
	struct dynamodb_race race;

	dynamodb_race_init(&race);
	while (dynamodb_race_on(&race, err)) {
		struct deletion *deletion = &record.deletion;

		if (!read_record(db, event_id, db->scratch, &record, err))
			return false;
		if (str_is(record.mark, race.mark) ||
		    (acknowledged && deletion->state != DELETION_PENDING))
			return true;
		deletion->attempts++;
		deletion->acknowledged |= acknowledged;
		/* once archived nothing is lost by a bell that did not ring */
		deletion->dead = dead && deletion->state == DELETION_PENDING;
		deletion->next_attempt_ms = next_attempt_ms;
		deletion->last_error = reason;
		race.result = write_record(db, &record, race.mark, err);
	}
	return race.result == DYNAMODB_WRITTEN;
}

/* --- dead letters -------------------------------------------------------- */

static bool redrive_bell(struct dynamodb *db, const char *event_id,
			 uint64_t *count, struct error *err)
{
	struct deletion_record record;
	struct dynamodb_race race;

	dynamodb_race_init(&race);
	while (dynamodb_race_on(&race, err)) {
		if (!read_record(db, event_id, db->scratch, &record, err))
			return false;
		*count += str_is(record.mark, race.mark);
		if (!record.deletion.dead)
			return true;
		record.deletion.dead = false;
		record.deletion.attempts = 0;
		record.deletion.next_attempt_ms = 0;
		race.result = write_record(db, &record, race.mark, err);
		*count += race.result == DYNAMODB_WRITTEN;
	}
	return race.result == DYNAMODB_WRITTEN;
}

/* Those of an event; with "" those to confirm a subscription. */
static bool redrive_mails(struct dynamodb *db, const char *event_id,
			  uint64_t *count, struct error *err)
{
	char begin[ORDER_ID_BYTES + 1];

	snprintf(begin, sizeof(begin), "%s#", event_id);
	return dynamodb_mails_change(db, MAIL_REDRIVEN, "by_work",
				     "wk = :a AND begins_with(wo, :b)",
				     STR("dead"), str_from(begin), count, err);
}

static bool redrive_one(struct dynamodb *db, const char *event_id,
			uint64_t *count, struct error *err)
{
	dynamodb_fresh(db);
	return redrive_bell(db, event_id, count, err) &&
	       redrive_mails(db, event_id, count, err);
}

static bool redrive_all(struct dynamodb *db, uint64_t *count,
			struct error *err)
{
	const struct deletion_selector selector = {
		.selection = DELETIONS_DEAD, .before_ms = INT64_MAX,
	};
	struct arena *arena CLEANUP(cleanup_arena) =
		arena_new("redrive", 64 * MIB);
	char ids[REDRIVE_PAGE][ORDER_ID_BYTES];
	char from[ORDER_ID_BYTES] = "";
	size_t n;

	do {
		arena_reset(arena);
		if (!dynamodb_deletions_propose(db, &selector, from,
						REDRIVE_PAGE, arena, ids, &n,
						err))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!redrive_one(db, ids[i], count, err))
				return false;
		if (n)
			memcpy(from, ids[n - 1], sizeof(from));
	} while (n == REDRIVE_PAGE);
	dynamodb_fresh(db);
	return redrive_mails(db, "", count, err);
}

static bool redrive(struct deletion_log *log, const char *event_id,
		    uint64_t *ret_count, struct error *err)
{
	struct dynamodb *db = db_of(log);

	*ret_count = 0;
	return event_id ? redrive_one(db, event_id, ret_count, err)
			: redrive_all(db, ret_count, err);
}

static bool oldest_open(struct dynamodb *db, int64_t *ret_ms,
			struct error *err)
{
	struct dynamodb_query query = {
		.index = "by_work", .condition = "wk = :h",
		.values = dynamodb_map(db), .limit = 1,
	};
	struct json items;

	dynamodb_add_str(&query.values, ":h", STR("open"));
	if (!dynamodb_query(db, &query, db->scratch, &items, err))
		return false;
	*ret_ms = dynamodb_int(json_element(items, 0), "dl");
	return true;
}

static bool stats(struct deletion_log *log, struct deletion_stats *ret,
		  struct error *err)
{
	struct dynamodb *db = db_of(log);
	struct dynamodb_query open = {
		.index = "by_work", .condition = "wk = :h",
		.values = dynamodb_map(db),
	};
	struct dynamodb_query dead = {
		.index = "by_status", .condition = "st = :h",
		.filter = "bd = :yes", .values = dynamodb_map(db),
	};

	dynamodb_add_str(&open.values, ":h", STR("open"));
	dynamodb_add_str(&dead.values, ":h", STR("dead"));
	dynamodb_add_int(&dead.values, ":yes", 1);
	return dynamodb_count(db, &open, &ret->open, err) &&
	       oldest_open(db, &ret->oldest_open_ms, err) &&
	       dynamodb_count(db, &dead, &ret->dead, err);
}

static void close_log(struct deletion_log *log)
{
	free(log);
}

static const struct deletion_log_ops ops = {
	.name = "dynamodb",
	.get = get,
	.find = find,
	.list = list,
	.set_archived = set_archived,
	.set_state = set_state,
	.note_attempt = note_attempt,
	.redrive = redrive,
	.stats = stats,
	.close = close_log,
};

bool deletion_log_dynamodb_open(struct deletion_log **ret,
				struct database *database, struct error *err)
{
	struct dynamodb_deletion_log *self = calloc(1, sizeof(*self));

	if (!self)
		return error_cause(err, ERROR_UNAVAILABLE, "no memory");
	self->base.ops = &ops;
	self->db = dynamodb_of(database);
	*ret = &self->base;
	return true;
}
