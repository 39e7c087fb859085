/*
 * subscriber_list_dynamodb.c: subscribers and the mails owed to them, in
 * DynamoDB.
 *
 * An address is one subscriber however its letters are cased: the address's
 * item and the subscriber's change together, and the address's mark says
 * whether anything has changed since it was read. The index of waiting mails
 * lags: a mail is taken only when its item, read again, still waits and its
 * subscriber is still there.
 */
#include "adapters/dynamodb.h"
#include "adapters/dynamodb_mail.h"
#include "base/limits.h"
#include "order/text.h"
#include "ports/subscriber_list.h"

#include "base/banned.h"

#define MAIL_PAUSE_MS (10ll * 60 * 1000)
#define CHUNK 100u

struct dynamodb_subscriber_list {
	struct subscriber_list base;
	struct dynamodb *db;
};

static struct dynamodb *db_of(struct subscriber_list *list)
{
	struct dynamodb_subscriber_list *self =
		(struct dynamodb_subscriber_list *)list;

	dynamodb_fresh(self->db);
	return self->db;
}

static struct buf address_key(struct dynamodb *db, struct str address)
{
	return dynamodb_key(db, "e#", address, "e");
}

static struct buf subscriber_key(struct dynamodb *db, const char *id)
{
	return dynamodb_key(db, "s", STR(""), id);
}

/* --- subscribing --------------------------------------------------------- */

struct subscription {
	struct str email, address;	/* as shown; in lower case */
	char id[ORDER_ID_BYTES];
	int64_t confirmed_ms, mailed_ms;
	char mail_id[ORDER_ID_BYTES];	/* the last mail's */
	struct str seen;		/* the mark that was read; absent: none */
	bool mail_due;
};

static void decide(struct json item, struct str email, struct str address,
		   int64_t now_ms, struct subscription *ret)
{
	*ret = (struct subscription){
		.email = email, .address = address,
		.confirmed_ms = dynamodb_int(item, "cf"),
		.mailed_ms = dynamodb_int(item, "mm"),
		.seen = dynamodb_str(item, "wr"),
	};
	if (dynamodb_is(item)) {
		dynamodb_id(item, "si", ret->id);
		dynamodb_id(item, "mi", ret->mail_id);
	} else {
		uuid7(now_ms, ret->id);
	}
	/* An unconfirmed address is taken as it was typed last. */
	if (ret->confirmed_ms)
		ret->email = dynamodb_str(item, "em");
	ret->mail_due = !dynamodb_is(item) ||
			ret->mailed_ms <= now_ms - MAIL_PAUSE_MS;
	if (ret->mail_due) {
		ret->mailed_ms = now_ms;
		uuid7(now_ms, ret->mail_id);
	}
}

static void add_rest(struct buf *item, const struct subscription *what,
		     const char *mark)
{
	dynamodb_add_str(item, "em", what->email);
	dynamodb_add_int(item, "cf", what->confirmed_ms);
	dynamodb_add_str(item, "wr", str_from(mark));
	if (!what->confirmed_ms)
		dynamodb_add_int(item, "ex",
				 (what->mailed_ms + CONFIRM_VALID_MS) / 1000 +
					 1);
}

static void add_address(struct dynamodb_write *write,
			const struct subscription *what, const char *mark)
{
	struct buf item = address_key(write->db, what->address);
	struct buf values = dynamodb_map(write->db);

	dynamodb_add_str(&item, "si", str_from(what->id));
	dynamodb_add_int(&item, "mm", what->mailed_ms);
	dynamodb_add_str(&item, "mi", str_from(what->mail_id));
	add_rest(&item, what, mark);
	if (what->seen.ptr)
		dynamodb_add_str(&values, ":seen", what->seen);
	dynamodb_write_add(write, "Put", &item, NULL,
			   what->seen.ptr ? "wr = :seen"
					  : "attribute_not_exists(pk)",
			   &values);
}

static void add_subscriber(struct dynamodb_write *write,
			   const struct subscription *what, const char *mark)
{
	struct buf item = subscriber_key(write->db, what->id);

	dynamodb_add_str(&item, "ea", what->address);
	add_rest(&item, what, mark);
	dynamodb_write_add(write, "Put", &item, NULL, NULL, NULL);
}

/* Without a mail there is a check in its place, so that the work is the
 * same. */
static void add_mail(struct dynamodb_write *write,
		     const struct subscription *what)
{
	struct queued_mail mail = {
		.kind = what->confirmed_ms ? MAIL_ALREADY : MAIL_CONFIRM,
		.address = what->email, .queued_ms = what->mailed_ms,
	};
	struct buf key;

	memcpy(mail.id, what->mail_id, sizeof(mail.id));
	memcpy(mail.subscriber_id, what->id, sizeof(mail.subscriber_id));
	if (what->mail_due) {
		dynamodb_mail_put(write, &mail);
		return;
	}
	key = dynamodb_key(write->db, "m#", str_from(what->mail_id), "m");
	dynamodb_write_add(write, "ConditionCheck", &key, NULL,
			   "attribute_exists(pk) OR attribute_not_exists(pk)",
			   NULL);
}

static bool subscribe(struct subscriber_list *list, struct str email,
		      int64_t now_ms, struct error *err)
{
	struct dynamodb *db = db_of(list);
	struct str address = text_lower(email, db->scratch);
	struct buf key = address_key(db, address);
	struct subscription what;
	struct dynamodb_race race;
	struct json item;

	dynamodb_race_init(&race);
	while (dynamodb_race_on(&race, err)) {
		struct dynamodb_write write;

		if (!dynamodb_get(db, &key, db->scratch, &item, err))
			return false;
		if (str_is(dynamodb_str(item, "wr"), race.mark))
			return true;
		decide(item, email, address, now_ms, &what);
		dynamodb_write_init(&write, db);
		add_address(&write, &what, race.mark);
		add_subscriber(&write, &what, race.mark);
		add_mail(&write, &what);
		race.result = dynamodb_commit(&write, err);
	}
	return race.result == DYNAMODB_WRITTEN;
}

/* --- confirming, leaving ------------------------------------------------- */

/* Absent when there is none (any more). */
static bool find_subscriber(struct dynamodb *db, const char *id,
			    struct json *ret, struct error *err)
{
	struct buf key;

	*ret = (struct json){ JSON_ABSENT, NULL };
	if (!uuid_is_valid(str_from(id)))
		return true;
	key = subscriber_key(db, id);
	return dynamodb_get(db, &key, db->scratch, ret, err);
}

static enum dynamodb_result write_confirmed(struct dynamodb *db,
					    struct json subscriber,
					    const char *id, int64_t now_ms,
					    const char *mark,
					    struct error *err)
{
	struct buf address = address_key(db, dynamodb_str(subscriber, "ea"));
	struct buf key = subscriber_key(db, id), values = dynamodb_map(db);
	struct dynamodb_write write;

	dynamodb_add_int(&values, ":now", now_ms);
	dynamodb_add_str(&values, ":wr", str_from(mark));
	dynamodb_write_init(&write, db);
	dynamodb_write_add(&write, "Update", &key,
			   "SET cf = :now, wr = :wr REMOVE ex",
			   "attribute_exists(pk)", &values);
	dynamodb_add_str(&values, ":id", str_from(id));
	dynamodb_add_str(&values, ":em", dynamodb_str(subscriber, "em"));
	dynamodb_write_add(&write, "Update", &address,
			   "SET cf = :now, wr = :wr, si = :id, em = :em"
			   " REMOVE ex",
			   "attribute_not_exists(pk) OR si = :id", &values);
	return dynamodb_commit(&write, err);
}

static bool confirm(struct subscriber_list *list, const char *subscriber_id,
		    int64_t now_ms, struct error *err)
{
	struct dynamodb *db = db_of(list);
	struct dynamodb_race race;
	struct json item;

	dynamodb_race_init(&race);
	while (dynamodb_race_on(&race, err)) {
		if (!find_subscriber(db, subscriber_id, &item, err))
			return false;
		if (dynamodb_int(item, "cf"))
			return true;
		/* The table's TTL takes its time. */
		if (!dynamodb_is(item) ||
		    dynamodb_int(item, "ex") <= now_ms / 1000)
			return error_set(err, ERROR_NOT_FOUND,
					 "There is no such subscription any more.");
		race.result = write_confirmed(db, item, subscriber_id, now_ms,
					      race.mark, err);
	}
	return race.result == DYNAMODB_WRITTEN;
}

static enum dynamodb_result write_gone(struct dynamodb *db,
				       struct json subscriber, const char *id,
				       struct error *err)
{
	struct buf address = address_key(db, dynamodb_str(subscriber, "ea"));
	struct buf key = subscriber_key(db, id), values = dynamodb_map(db);
	struct dynamodb_write write;

	dynamodb_add_str(&values, ":id", str_from(id));
	dynamodb_write_init(&write, db);
	dynamodb_write_add(&write, "Delete", &key, NULL,
			   "attribute_exists(pk)", NULL);
	dynamodb_write_add(&write, "Delete", &address, NULL,
			   "attribute_not_exists(pk) OR si = :id", &values);
	return dynamodb_commit(&write, err);
}

/* Dead mails too: nobody who has left is mailed by a redrive. */
static bool drop_mails(struct dynamodb *db, const char *id, struct error *err)
{
	char owner[ORDER_ID_BYTES + 2];
	uint64_t count = 0;

	snprintf(owner, sizeof(owner), "s#%s", id);
	return dynamodb_mails_change(db, MAIL_DROPPED, "by_owner", "ow = :a",
				     str_from(owner),
				     (struct str){ NULL, 0 }, &count, err);
}

/* The subscriber first: then no mail is added, and one that the index does not
 * show yet is dropped when its turn comes (take_due). */
static bool unsubscribe(struct subscriber_list *list,
			const char *subscriber_id, struct error *err)
{
	struct dynamodb *db = db_of(list);
	struct dynamodb_race race;
	struct json item;

	dynamodb_race_init(&race);
	while (dynamodb_race_on(&race, err)) {
		if (!find_subscriber(db, subscriber_id, &item, err))
			return false;
		race.result = dynamodb_is(item)
				      ? write_gone(db, item, subscriber_id, err)
				      : DYNAMODB_WRITTEN;
	}
	return race.result == DYNAMODB_WRITTEN &&
	       drop_mails(db, subscriber_id, err);
}

/* --- sending ------------------------------------------------------------- */

static bool has_left(struct dynamodb *db, const struct queued_mail *mails,
		     size_t count, bool *ret, struct error *err)
{
	struct dynamodb_name keys[CHUNK];
	struct json items[CHUNK];

	for (size_t i = 0; i < count; i++)
		keys[i] = (struct dynamodb_name){
			STR("s"), str_from(mails[i].subscriber_id),
		};
	if (!dynamodb_get_many(db, keys, count, db->scratch, items, err))
		return false;
	for (size_t i = 0; i < count; i++)
		ret[i] = !dynamodb_is(items[i]);
	return true;
}

static bool drop(struct dynamodb *db, const char *mail_id, struct error *err)
{
	const struct mail_change change = { .mail_id = mail_id,
					    .kind = MAIL_DROPPED };
	bool changed;

	return dynamodb_mail_change(db, &change, &changed, err);
}

/* Of the proposed mails those that are really due; at most CHUNK. */
static bool take_due(struct dynamodb *db, const struct dynamodb_name *keys,
		     size_t count, int64_t now_ms, struct arena *arena,
		     struct queued_mail *ret, size_t *ret_count,
		     struct error *err)
{
	struct json items[CHUNK];
	bool left[CHUNK];
	size_t n = 0, kept = 0;

	*ret_count = 0;
	if (!dynamodb_get_many(db, keys, count, db->scratch, items, err))
		return false;
	for (size_t i = 0; i < count; i++)
		n += dynamodb_mail_read(items[i], now_ms, arena, &ret[n]);
	if (n && !has_left(db, ret, n, left, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!left[i])
			ret[kept++] = ret[i];
		else if (!drop(db, ret[i].id, err))
			return false;
	}
	*ret_count = kept;
	return true;
}

static bool due_mails(struct subscriber_list *list, int64_t now_ms,
		      size_t limit, struct arena *arena,
		      struct queued_mail **ret, size_t *ret_count,
		      struct error *err)
{
	struct dynamodb *db = db_of(list);
	struct dynamodb_query query = {
		.index = "by_work",
		.condition = "wk = :h AND wo <= :now",
	};
	struct dynamodb_name keys[CHUNK];
	struct json_iterator it;
	struct json items;
	size_t n, got;
	bool ours = true;

	*ret_count = 0;
	*ret = arena_alloc(arena, (limit + CHUNK) * sizeof(**ret));
	buf_init(&query.values, arena, KIB);
	dynamodb_add_str(&query.values, ":h", STR("waiting"));
	dynamodb_add_str(&query.values, ":now",
			 str_from(arena_printf(arena, "%019lld~",
					       (long long)now_ms)));
	do {
		dynamodb_fresh(db);
		query.limit = limit - *ret_count < CHUNK
				      ? (unsigned)(limit - *ret_count) : CHUNK;
		if (!dynamodb_query(db, &query, db->scratch, &items, err))
			return false;
		n = 0;
		for (it = json_first_element(items);
		     it.value.value && n < query.limit; json_next(&it))
			keys[n++] = (struct dynamodb_name){
				dynamodb_str(it.value, "pk"), STR("m"),
			};
		if (query.start.ptr)
			query.start = arena_str(arena, query.start);
		if (n && !dynamodb_lease_take(db, now_ms, &ours, err))
			return false;
		if (!ours)
			return true;
		if (n && !take_due(db, keys, n, now_ms, arena,
				   *ret + *ret_count, &got, err))
			return false;
		*ret_count += n ? got : 0;
	} while (query.start.ptr && *ret_count < limit);
	return true;
}

static bool mail_sent(struct subscriber_list *list, const char *mail_id,
		      int64_t now_ms, struct error *err)
{
	const struct mail_change change = { .mail_id = mail_id,
					    .kind = MAIL_WAS_SENT,
					    .time_ms = now_ms };
	bool changed;

	return dynamodb_mail_change(db_of(list), &change, &changed, err);
}

static bool mail_failed(struct subscriber_list *list, const char *mail_id,
			bool dead, int64_t next_ms, struct str reason,
			struct error *err)
{
	const struct mail_change change = {
		.mail_id = mail_id, .kind = dead ? MAIL_DIED : MAIL_FAILED,
		.time_ms = next_ms, .reason = reason,
	};
	bool changed;

	return dynamodb_mail_change(db_of(list), &change, &changed, err);
}

static bool count_work(struct dynamodb *db, const char *work, uint64_t *ret,
		       struct error *err)
{
	struct dynamodb_query query = {
		.index = "by_work", .condition = "wk = :h",
		.values = dynamodb_map(db),
	};

	dynamodb_add_str(&query.values, ":h", str_from(work));
	return dynamodb_count(db, &query, ret, err);
}

static bool stats(struct subscriber_list *list, struct mail_stats *ret,
		  struct error *err)
{
	struct dynamodb *db = db_of(list);

	return count_work(db, "waiting", &ret->waiting, err) &&
	       count_work(db, "dead", &ret->dead, err);
}

static void close_list(struct subscriber_list *list)
{
	free(list);
}

static const struct subscriber_list_ops ops = {
	.name = "dynamodb",
	.subscribe = subscribe,
	.confirm = confirm,
	.unsubscribe = unsubscribe,
	.due_mails = due_mails,
	.mail_sent = mail_sent,
	.mail_failed = mail_failed,
	.stats = stats,
	.close = close_list,
};

bool subscriber_list_dynamodb_open(struct subscriber_list **ret,
				   struct database *database,
				   struct error *err)
{
	struct dynamodb_subscriber_list *self = calloc(1, sizeof(*self));

	if (!self)
		return error_cause(err, ERROR_UNAVAILABLE, "no memory");
	self->base.ops = &ops;
	self->db = dynamodb_of(database);
	*ret = &self->base;
	return true;
}
