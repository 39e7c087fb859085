/*
 * order_store_dynamodb.c: the live orders in DynamoDB. Lists are in
 * dynamodb_list.c, the answers kept for idempotency keys in dynamodb_answer.c.
 *
 * A deleted order leaves the id of its deletion in its place, so that one read
 * tells live, gone and never there. Each write carries a mark: whoever is
 * refused by a condition and finds his mark was there before, and his answer
 * was lost.
 */
#include "adapters/dynamodb_answer.h"
#include "adapters/dynamodb_deletion.h"
#include "adapters/dynamodb_filter.h"
#include "adapters/dynamodb_list.h"
#include "base/limits.h"
#include "order/text.h"
#include "ports/order_store.h"

#include "base/banned.h"

/* The version of what is not there. */
#define NO_ORDER (-1)

struct dynamodb_order_store {
	struct order_store base;
	struct dynamodb *db;
};

static struct dynamodb *db_of(struct order_store *store)
{
	struct dynamodb_order_store *self =
		(struct dynamodb_order_store *)store;

	dynamodb_fresh(self->db);
	return self->db;
}

static struct buf order_key(struct dynamodb *db, const char *id)
{
	return dynamodb_key(db, "o#", str_from(id), "o");
}

/*
 * What a change sets: an item's attributes ("js"), or, with the colon, the
 * values of an update (":js").
 */
enum { WITH_COLON, PLAIN };
#define SET_STATE \
	"SET js = :js, vn = :vn, st = :st, pr = :pr, up = :up, uk = :uk," \
	" rk = :rk, tx = :tx, wr = :wr"

static bool add_state(struct dynamodb *db, const struct order *order,
		      struct str json, const char *mark, size_t names,
		      struct buf *map, struct error *err)
{
	struct str text = dynamodb_search_text(order, db->scratch);
	char key[DYNAMODB_SORT_BYTES];

	if (!dynamodb_fits(json.len + text.len, err))
		return false;
	dynamodb_add_str(map, &":js"[names], json);
	dynamodb_add_int(map, &":vn"[names], order->version);
	dynamodb_add_str(map, &":st"[names],
			 str_from(order_status_name(order->status)));
	dynamodb_add_int(map, &":pr"[names], order->price_minor);
	dynamodb_add_int(map, &":up"[names], order->updated_ms);
	dynamodb_sort_key(SORT_UPDATED, order->updated_ms, order->id, key);
	dynamodb_add_str(map, &":uk"[names], str_from(key));
	dynamodb_sort_key(SORT_PRICE, order->price_minor, order->id, key);
	dynamodb_add_str(map, &":rk"[names], str_from(key));
	if (order->customer_email.len)
		dynamodb_add_str(map, &":ow"[names],
				 text_lower(order->customer_email,
					    db->scratch));
	dynamodb_add_str(map, &":tx"[names], text);
	dynamodb_add_str(map, &":wr"[names], str_from(mark));
	return true;
}

static bool order_item(struct dynamodb *db, const struct order *order,
		       struct str json, const char *mark, struct buf *ret,
		       struct error *err)
{
	char month[DYNAMODB_MONTH_BYTES], key[DYNAMODB_SORT_BYTES];

	*ret = order_key(db, order->id);
	dynamodb_month_of(order->created_ms, month);
	dynamodb_sort_key(SORT_CREATED, order->created_ms, order->id, key);
	dynamodb_add_str(ret, "kd", STR("order"));
	dynamodb_add_int(ret, "cr", order->created_ms);
	dynamodb_add_str(ret, "mo", str_from(month));
	dynamodb_add_str(ret, "ck", str_from(key));
	return add_state(db, order, json, mark, PLAIN, ret, err);
}

/* What is in the order's place: the order, the id of its deletion, or
 * nothing. */
static bool find_order(struct dynamodb *db, const char *id,
		       struct json *ret, struct error *err)
{
	struct buf key;

	*ret = (struct json){ JSON_ABSENT, NULL };
	if (!uuid_is_valid(str_from(id)))
		return true;
	key = order_key(db, id);
	return dynamodb_get(db, &key, db->scratch, ret, err);
}

static bool is_live(struct json item)
{
	return dynamodb_str(item, "js").ptr != NULL;
}

/* An order that is not live: deleted, or never there. Always false. */
static bool absent(struct json item, const char *id, struct error *err)
{
	if (!dynamodb_str(item, "ev").ptr)
		return error_set(err, ERROR_NOT_FOUND,
				 "There is no order with this id.");
	error_set(err, ERROR_GONE, "The archive still has it.");
	snprintf(err->link, sizeof(err->link), "/api/archive/%s", id);
	return false;
}

static bool get(struct order_store *store, const char *id, struct arena *arena,
		struct stored_order *ret, struct error *err)
{
	struct dynamodb *db = db_of(store);
	struct json item;

	if (!find_order(db, id, &item, err))
		return false;
	if (!is_live(item))
		return absent(item, id, err);
	ret->json = dynamodb_text(item, "js", arena);
	ret->version = dynamodb_int(item, "vn");
	ret->sort_value = dynamodb_int(item, "cr");
	snprintf(ret->id, sizeof(ret->id), "%s", id);
	return true;
}

/* --- writes -------------------------------------------------------------- */

/* A write of one order, with the answer that is kept for its key. */
struct order_write {
	const char *order_id;
	int64_t expected;	/* its version; 0: any; NO_ORDER: none is there */
	const struct idempotency *idempotency;
	const struct order *order;		/* to create, to replace with */
	const struct deletion *deletion;	/* to remove by */
	/* Adds what is to be done; `found` is what a removal has read. */
	bool (*add)(struct dynamodb_write *write,
		    const struct order_write *what, struct json found,
		    const char *mark, struct error *err);
};

/* Always false. */
static bool refuse(struct json found, const struct order_write *what,
		   struct error *err)
{
	int64_t version = dynamodb_int(found, "vn");

	if (what->expected == NO_ORDER)
		return error_set(err, ERROR_CONFLICT,
				 "There is an order with this id.");
	if (!is_live(found))
		return absent(found, what->order_id, err);
	error_set(err, ERROR_CHANGED,
		  "The order has version %lld now. Read it again and repeat the change.",
		  (long long)version);
	snprintf(err->etag, sizeof(err->etag), "\"%lld\"", (long long)version);
	return false;
}

static bool is_expected(struct json found, const struct order_write *what)
{
	if (what->expected == NO_ORDER)
		return !dynamodb_is(found);
	return is_live(found) && (!what->expected ||
				  dynamodb_int(found, "vn") == what->expected);
}

/*
 * Before a removal, and after a refused write: *ret_done when that one was
 * written after all. The key is read behind the order, as one commit has both.
 */
static bool look(struct dynamodb *db, const struct order_write *what,
		 const struct dynamodb_race *race, struct json *ret,
		 bool *ret_done, struct error *err)
{
	if (!find_order(db, what->order_id, ret, err))
		return false;
	*ret_done = str_is(dynamodb_str(*ret, "wr"), race->mark);
	if (!*ret_done && (race->tries > 1 || !is_live(*ret)) &&
	    !dynamodb_answer_settle(db, what->idempotency, race->mark,
				    ret_done, err))
		return false;
	return *ret_done || is_expected(*ret, what) || refuse(*ret, what, err);
}

static bool write_order(struct order_store *store,
			const struct order_write *what, struct error *err)
{
	struct dynamodb *db = db_of(store);
	struct json found = { JSON_ABSENT, NULL };
	struct dynamodb_race race;
	struct dynamodb_write write;
	bool done = false;

	dynamodb_race_init(&race);
	while (dynamodb_race_on(&race, err)) {
		dynamodb_fresh(db);
		if ((race.tries > 1 || what->deletion) &&
		    !look(db, what, &race, &found, &done, err))
			return false;
		if (done)
			return true;
		dynamodb_write_init(&write, db);
		if (!what->add(&write, what, found, race.mark, err) ||
		    !dynamodb_answer_add(&write, what->idempotency, race.mark,
					 err))
			return false;
		race.result = dynamodb_commit(&write, err);
	}
	return race.result == DYNAMODB_WRITTEN;
}

static bool add_new(struct dynamodb_write *write,
		    const struct order_write *what, struct json found,
		    const char *mark, struct error *err)
{
	struct dynamodb *db = write->db;
	const struct order *order = what->order;
	struct buf item;

	(void)found;
	if (!order_item(db, order, order_json(order, db->scratch), mark, &item,
			err) ||
	    !dynamodb_month_add(db, order->created_ms, err))
		return false;
	dynamodb_write_add(write, "Put", &item, NULL,
			   "attribute_not_exists(pk)", NULL);
	return true;
}

/* Left alone: when it was created, and how it was once deleted. */
static bool add_change(struct dynamodb_write *write,
		       const struct order_write *what, struct json found,
		       const char *mark, struct error *err)
{
	struct dynamodb *db = write->db;
	const struct order *order = what->order;
	struct buf key = order_key(db, order->id), values = dynamodb_map(db);

	(void)found;
	if (!add_state(db, order, order_json(order, db->scratch), mark,
		       WITH_COLON, &values, err))
		return false;
	if (what->expected)
		dynamodb_add_int(&values, ":was", what->expected);
	dynamodb_write_add(write, "Update", &key, order->customer_email.len
			   ? SET_STATE ", ow = :ow" : SET_STATE " REMOVE ow",
			   what->expected ? "vn = :was" : "attribute_exists(vn)",
			   &values);
	return true;
}

/* The order out, the deletion in. */
static bool add_removal(struct dynamodb_write *write,
			const struct order_write *what, struct json found,
			const char *mark, struct error *err)
{
	struct buf item = order_key(write->db, what->order_id);
	struct buf values = dynamodb_map(write->db);
	struct deletion record = *what->deletion;

	(void)err;
	record.order_version = dynamodb_int(found, "vn");
	record.order_json = dynamodb_str(found, "js");
	dynamodb_add_str(&item, "ev", str_from(record.event_id));
	dynamodb_add_str(&item, "wr", str_from(mark));
	dynamodb_add_int(&values, ":vn", record.order_version);
	dynamodb_write_add(write, "Put", &item, NULL, "vn = :vn", &values);
	deletion_record_put(write, &record, mark);
	return true;
}

static bool create(struct order_store *store, const struct order *order,
		   const struct idempotency *idempotency, struct arena *arena,
		   struct error *err)
{
	const struct order_write what = {
		.order_id = order->id, .expected = NO_ORDER, .order = order,
		.idempotency = idempotency, .add = add_new,
	};

	(void)arena;
	return write_order(store, &what, err);
}

static bool replace(struct order_store *store, const struct order *order,
		    const struct order *before,
		    const struct idempotency *idempotency, struct arena *arena,
		    struct error *err)
{
	const struct order_write what = {
		.order_id = order->id, .expected = before->version,
		.order = order, .idempotency = idempotency, .add = add_change,
	};

	(void)arena;
	return write_order(store, &what, err);
}

static bool remove_order(struct order_store *store, int64_t expected_version,
			 const struct deletion *deletion,
			 const struct idempotency *idempotency,
			 struct arena *arena, struct error *err)
{
	const struct order_write what = {
		.order_id = deletion->order_id, .expected = expected_version,
		.deletion = deletion, .idempotency = idempotency,
		.add = add_removal,
	};

	(void)arena;
	return write_order(store, &what, err);
}

/* --- restoring ----------------------------------------------------------- */

static bool may_restore(const struct deletion_record *record,
			const char *order_id, struct error *err)
{
	const struct deletion *deletion = &record->deletion;

	if (strcmp(deletion->order_id, order_id))
		return error_cause(err, ERROR_INTERNAL,
				   "deletion %s is of order %s, not of %s",
				   deletion->event_id, deletion->order_id,
				   order_id);
	if (deletion->state != DELETION_MAILED &&
	    deletion->state != DELETION_DONE)
		return error_set(err, ERROR_CONFLICT,
				 "The deletion is %s; it can be taken back once it is mailed or done.",
				 deletion_state_name(deletion->state));
	return true;
}

static enum dynamodb_result write_restored(struct dynamodb *db,
					   struct deletion_record *record,
					   const struct buf *item,
					   const char *mark, struct error *err)
{
	struct dynamodb_write write;

	record->deletion.state = DELETION_RESTORED;
	dynamodb_write_init(&write, db);
	dynamodb_write_add(&write, "Put", item, NULL,
			   "attribute_not_exists(js)", NULL);
	deletion_record_update(&write, record, mark);
	return dynamodb_commit(&write, err);
}

static bool restore(struct order_store *store, const char *event_id,
		    struct str json, struct arena *arena, struct error *err)
{
	struct dynamodb *db = db_of(store);
	struct deletion_record record;
	struct dynamodb_race race;
	struct order order;
	struct json live;
	struct buf item;
	bool found;

	dynamodb_race_init(&race);
	if (!order_from_stored_json(&order, json, arena, err) ||
	    !order_item(db, &order, json, race.mark, &item, err) ||
	    !dynamodb_month_add(db, order.created_ms, err))
		return false;
	dynamodb_add_str(&item, "ev", str_from(event_id));
	while (dynamodb_race_on(&race, err)) {
		if (!deletion_record_get(db, event_id, db->scratch, &record,
					 &found, err))
			return false;
		if (!found)
			return error_set(err, ERROR_NOT_FOUND,
					 "There is no deletion with this id.");
		if (str_is(record.mark, race.mark))
			return true;
		if (!may_restore(&record, order.id, err))
			return false;
		if (!find_order(db, order.id, &live, err))
			return false;
		if (is_live(live))
			return error_set(err, ERROR_CONFLICT,
					 "There is an order with this id.");
		race.result = write_restored(db, &record, &item, race.mark,
					     err);
	}
	return race.result == DYNAMODB_WRITTEN;
}

static bool recall(struct order_store *store,
		   const struct idempotency *idempotency, struct arena *arena,
		   struct answer *ret, bool *found, struct error *err)
{
	return dynamodb_answer_get(db_of(store), idempotency, arena, ret, found,
				   err);
}

static bool list(struct order_store *store, const struct order_query *query,
		 struct arena *arena, struct order_page *ret,
		 struct error *err)
{
	return dynamodb_list(db_of(store), query, arena, ret, err);
}

static void close_store(struct order_store *store)
{
	free(store);
}

static const struct order_store_ops ops = {
	.name = "dynamodb",
	.create = create,
	.get = get,
	.replace = replace,
	.remove = remove_order,
	.restore = restore,
	.list = list,
	.recall = recall,
	.close = close_store,
};

bool order_store_dynamodb_open(struct order_store **ret,
			       struct database *database, struct error *err)
{
	struct dynamodb_order_store *self = calloc(1, sizeof(*self));

	if (!self)
		return error_cause(err, ERROR_UNAVAILABLE, "no memory");
	self->base.ops = &ops;
	self->db = dynamodb_of(database);
	*ret = &self->base;
	return true;
}
