/*
 * dynamodb_mail.c: the item of a mail. Whatever becomes of a deletion's mail is
 * counted in the deletion's record in the same commit.
 */
#include "adapters/dynamodb_mail.h"

#include "adapters/dynamodb_deletion.h"

#include "base/banned.h"

#define KEPT_S (30ll * 24 * 3600)
#define PAGE 100u

void dynamodb_mail_id(const char *event_id, const char *subscriber_id,
		      char ret[ORDER_ID_BYTES])
{
	char text[2 * ORDER_ID_BYTES], hex[SHA256_HEX + 1];

	snprintf(text, sizeof(text), "%s %s", event_id, subscriber_id);
	sha256_hex(str_from(text), hex);
	/* RFC 9562, 5.7: version 7, the variant bits 10 */
	snprintf(ret, ORDER_ID_BYTES, "%.13s-7%.3s-%c%.3s-%.12s", event_id, hex,
		 "89ab"[str_hex_digit(hex[3]) & 3], hex + 4, hex + 7);
}

static struct buf key_of(struct dynamodb *db, const char *mail_id)
{
	return dynamodb_key(db, "m#", str_from(mail_id), "m");
}

static struct str due_key(struct dynamodb *db, int64_t next_ms,
			  const char *mail_id)
{
	if (next_ms < 0)
		next_ms = 0;
	return str_from(arena_printf(db->scratch, "%019lld#%s",
				     (long long)next_ms, mail_id));
}

void dynamodb_mail_put(struct dynamodb_write *write,
		       const struct queued_mail *mail)
{
	struct dynamodb *db = write->db;
	struct buf item = key_of(db, mail->id);

	dynamodb_add_int(&item, "mk", mail->kind);
	dynamodb_add_int(&item, "ss", MAIL_WAITING);
	dynamodb_add_str(&item, "si", str_from(mail->subscriber_id));
	dynamodb_add_str(&item, "em", mail->address);
	dynamodb_add_str(&item, "ev", str_from(mail->event_id));
	dynamodb_add_int(&item, "an", 0);
	dynamodb_add_int(&item, "qu", mail->queued_ms);
	dynamodb_add_int(&item, "na", mail->queued_ms);
	dynamodb_add_str(&item, "wr", STR(""));
	dynamodb_add_str(&item, "wk", STR("waiting"));
	dynamodb_add_str(&item, "wo", due_key(db, mail->queued_ms, mail->id));
	dynamodb_add_str(&item, "ow",
			 str_from(arena_printf(db->scratch, "s#%s",
					       mail->subscriber_id)));
	dynamodb_add_str(&item, "ck", str_from(mail->id));
	dynamodb_write_add(write, "Put", &item, NULL,
			   "attribute_not_exists(pk)", NULL);
}

bool dynamodb_mail_read(struct json item, int64_t now_ms, struct arena *arena,
			struct queued_mail *ret)
{
	int64_t kind = dynamodb_int(item, "mk");

	memset(ret, 0, sizeof(*ret));
	dynamodb_id(item, "ck", ret->id);
	ret->kind = kind == MAIL_CONFIRM ? MAIL_CONFIRM :
		    kind == MAIL_ALREADY ? MAIL_ALREADY : MAIL_DELETION;
	dynamodb_id(item, "si", ret->subscriber_id);
	ret->address = dynamodb_text(item, "em", arena);
	dynamodb_id(item, "ev", ret->event_id);
	ret->attempts = (unsigned)dynamodb_int(item, "an");
	ret->queued_ms = dynamodb_int(item, "qu");
	return dynamodb_is(item) && dynamodb_int(item, "ss") == MAIL_WAITING &&
	       dynamodb_int(item, "na") <= now_ms;
}

/* May this happen to a mail in that state? */
static bool is_possible(const struct mail_change *change, int64_t state)
{
	switch (change->kind) {
	case MAIL_WAS_SENT:
	case MAIL_FAILED:
	case MAIL_DIED:
		return state == MAIL_WAITING;
	case MAIL_REDRIVEN:
		return state == MAIL_DEAD;
	case MAIL_DROPPED:
		return state != MAIL_SENT;
	}
	return false;
}

static void count(struct deletion *deletion, const struct mail_change *change,
		  int64_t state)
{
	switch (change->kind) {
	case MAIL_WAS_SENT:
		deletion->mails_sent++;
		break;
	case MAIL_FAILED:
		break;
	case MAIL_DIED:
		deletion->mails_dead++;
		break;
	case MAIL_REDRIVEN:
		deletion->mails_dead -= deletion->mails_dead > 0;
		/* mailed means that no mail waits */
		if (deletion->state == DELETION_MAILED)
			deletion->state = DELETION_ARCHIVED;
		break;
	case MAIL_DROPPED:
		deletion->mails_total -= deletion->mails_total > 0;
		if (state == MAIL_DEAD)
			deletion->mails_dead -= deletion->mails_dead > 0;
		break;
	}
}

static const char *change_values(struct dynamodb *db, struct json item,
				 const struct mail_change *change,
				 struct buf *values)
{
	struct str event_id = dynamodb_str(item, "ev");
	const char *mail_id = change->mail_id;
	int64_t attempts = dynamodb_int(item, "an") + 1;

	switch (change->kind) {
	case MAIL_WAS_SENT:
		dynamodb_add_int(values, ":ss", MAIL_SENT);
		dynamodb_add_int(values, ":an", attempts);
		dynamodb_add_int(values, ":ex",
				 change->time_ms / 1000 + KEPT_S);
		return "SET ss = :ss, an = :an, ex = :ex, wr = :wr"
		       " REMOVE wk, wo, ow, le";
	case MAIL_FAILED:
		dynamodb_add_int(values, ":an", attempts);
		dynamodb_add_int(values, ":na", change->time_ms);
		dynamodb_add_str(values, ":wo",
				 due_key(db, change->time_ms, mail_id));
		dynamodb_add_str(values, ":le", change->reason);
		return "SET an = :an, na = :na, wo = :wo, le = :le, wr = :wr";
	case MAIL_DIED:
		dynamodb_add_int(values, ":ss", MAIL_DEAD);
		dynamodb_add_int(values, ":an", attempts);
		dynamodb_add_str(values, ":wk", STR("dead"));
		dynamodb_add_str(values, ":wo",
				 str_from(arena_printf(db->scratch, "%.*s#%s",
						       STR_ARG(event_id),
						       mail_id)));
		dynamodb_add_str(values, ":le", change->reason);
		/* that of a deletion is kept until it is redriven */
		if (!event_id.len)
			dynamodb_add_int(values, ":ex",
					 dynamodb_int(item, "qu") / 1000 +
						 KEPT_S);
		return event_id.len
			       ? "SET ss = :ss, an = :an, wk = :wk, wo = :wo,"
				 " le = :le, wr = :wr"
			       : "SET ss = :ss, an = :an, wk = :wk, wo = :wo,"
				 " le = :le, wr = :wr, ex = :ex";
	case MAIL_REDRIVEN:
	case MAIL_DROPPED:
		break;
	}
	dynamodb_add_int(values, ":ss", MAIL_WAITING);
	dynamodb_add_int(values, ":an", 0);
	dynamodb_add_str(values, ":wk", STR("waiting"));
	dynamodb_add_str(values, ":wo",
			 due_key(db, dynamodb_int(item, "qu"), mail_id));
	return "SET ss = :ss, an = :an, na = qu, wk = :wk, wo = :wo, wr = :wr"
	       " REMOVE ex";
}

static void add_mail_change(struct dynamodb_write *write, struct json item,
			    const struct mail_change *change, const char *mark)
{
	struct buf key = key_of(write->db, change->mail_id);
	struct buf values = dynamodb_map(write->db);
	bool drop = change->kind == MAIL_DROPPED;
	const char *update = NULL;

	dynamodb_add_int(&values, ":was", dynamodb_int(item, "ss"));
	dynamodb_add_str(&values, ":seen", dynamodb_str(item, "wr"));
	if (!drop) {
		dynamodb_add_str(&values, ":wr", str_from(mark));
		update = change_values(write->db, item, change, &values);
	}
	dynamodb_write_add(write, drop ? "Delete" : "Update", &key, update,
			   "ss = :was AND wr = :seen", &values);
}

static bool has_left(struct dynamodb *db, struct json item, bool *ret,
		     struct error *err)
{
	char subscriber_id[ORDER_ID_BYTES];
	struct json subscriber;
	struct buf key;

	dynamodb_id(item, "si", subscriber_id);
	key = dynamodb_key(db, "s", STR(""), subscriber_id);
	if (!dynamodb_get(db, &key, db->scratch, &subscriber, err))
		return false;
	*ret = !dynamodb_is(subscriber);
	return true;
}

static enum dynamodb_result try_change(struct dynamodb *db, struct json item,
				       const struct mail_change *change,
				       const char *mark, struct error *err)
{
	struct deletion_record record;
	struct dynamodb_write write;
	char event_id[ORDER_ID_BYTES];
	bool found;

	dynamodb_id(item, "ev", event_id);
	dynamodb_write_init(&write, db);
	add_mail_change(&write, item, change, mark);
	if (change->kind != MAIL_FAILED && event_id[0]) {
		if (!deletion_record_get(db, event_id, db->scratch, &record,
					 &found, err))
			return DYNAMODB_FAILED;
		if (found) {
			count(&record.deletion, change,
			      dynamodb_int(item, "ss"));
			deletion_record_update(&write, &record, mark);
		}
	}
	return dynamodb_commit(&write, err);
}

static bool change_once(struct dynamodb *db, const struct mail_change *change,
			bool *ret_changed, struct error *err)
{
	struct buf key = key_of(db, change->mail_id);
	struct mail_change what = *change;
	struct dynamodb_race race;
	struct json item;
	bool left;

	dynamodb_race_init(&race);
	while (dynamodb_race_on(&race, err)) {
		if (!dynamodb_get(db, &key, db->scratch, &item, err))
			return false;
		*ret_changed = str_is(dynamodb_str(item, "wr"), race.mark);
		if (*ret_changed || !dynamodb_is(item) ||
		    !is_possible(&what, dynamodb_int(item, "ss")))
			return true;
		if (what.kind == MAIL_REDRIVEN) {
			if (!has_left(db, item, &left, err))
				return false;
			if (left)
				what.kind = MAIL_DROPPED;
		}
		race.result = try_change(db, item, &what, race.mark, err);
		*ret_changed = race.result == DYNAMODB_WRITTEN &&
			       what.kind == change->kind;
	}
	return race.result == DYNAMODB_WRITTEN;
}

bool dynamodb_mail_change(struct dynamodb *db, const struct mail_change *change,
			  bool *ret_changed, struct error *err)
{
	*ret_changed = false;
	return !uuid_is_valid(str_from(change->mail_id)) ||
	       change_once(db, change, ret_changed, err);
}

static bool change_page(struct dynamodb *db, struct json items,
			enum mail_change_kind kind, uint64_t *count,
			struct error *err)
{
	char ids[PAGE][ORDER_ID_BYTES];
	struct json_iterator it;
	bool changed;
	size_t n = 0;

	for (it = json_first_element(items); it.value.value && n < PAGE;
	     json_next(&it))
		snprintf(ids[n++], ORDER_ID_BYTES, "%.36s",
			 dynamodb_text(it.value, "pk", db->scratch).ptr + 2);
	for (size_t i = 0; i < n; i++) {
		const struct mail_change change = { .kind = kind,
						    .mail_id = ids[i] };

		dynamodb_fresh(db);
		if (!dynamodb_mail_change(db, &change, &changed, err))
			return false;
		*count += changed;
	}
	return true;
}

bool dynamodb_mails_change(struct dynamodb *db, enum mail_change_kind kind,
			   const char *index, const char *condition,
			   struct str a, struct str b, uint64_t *count,
			   struct error *err)
{
	struct arena *arena CLEANUP(cleanup_arena) =
		arena_new("mails", 64 * MIB);
	struct dynamodb_query query = { .index = index, .limit = PAGE,
					.condition = condition };
	struct json items;

	buf_init(&query.values, arena, KIB);
	dynamodb_add_str(&query.values, ":a", a);
	if (b.ptr)
		dynamodb_add_str(&query.values, ":b", b);
	do {
		dynamodb_fresh(db);
		if (!dynamodb_query(db, &query, db->scratch, &items, err))
			return false;
		if (query.start.ptr)
			query.start = arena_str(arena, query.start);
		if (!change_page(db, items, kind, count, err))
			return false;
	} while (query.start.ptr);
	return true;
}
