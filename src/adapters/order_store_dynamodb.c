/*
 * order_store_dynamodb.c: the live orders in DynamoDB, and the answers kept for
 * idempotency keys. Lists are in dynamodb_list.c.
 *
 * A deleted order leaves the id of its deletion in its place, so that one read
 * tells live, gone and never there. Each write carries a mark: whoever is
 * refused by a condition and finds his mark was there before, and his answer
 * was lost.
 */
#include "adapters/dynamodb.h"
#include "adapters/dynamodb_list.h"
#include "base/limits.h"
#include "order/text.h"
#include "ports/order_store.h"

#include "base/banned.h"

/* Keys, names and numbers of an item, the rest being texts that are counted. */
#define ITEM_REST_BYTES (4u * KIB)

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

static bool has_key(const struct idempotency *idempotency)
{
	return idempotency && idempotency->key.len;
}

static bool fits(size_t bytes, struct error *err)
{
	if (bytes + ITEM_REST_BYTES <= LIMIT_ITEM_BYTES)
		return true;
	return error_set(err, ERROR_TOO_LARGE,
			 "The order takes %zu bytes as it is stored, of at "
			 "most %u: shorten its lines, notes or metadata.",
			 bytes, LIMIT_ITEM_BYTES - ITEM_REST_BYTES);
}

/* --- answers ------------------------------------------------------------- */

static struct buf answer_key(struct dynamodb *db,
			     const struct idempotency *idempotency)
{
	char scope[SHA256_HEX + 1];

	hex_encode(idempotency->scope, SHA256_BYTES, scope);
	return dynamodb_key(db, "a#", str_from(scope), "a");
}

static bool add_answer(struct dynamodb_write *write,
		       const struct idempotency *idempotency, const char *mark,
		       struct error *err)
{
	const struct answer *answer;
	char digest[SHA256_HEX + 1];
	struct buf item, values;

	if (!has_key(idempotency))
		return true;
	answer = idempotency->answer;
	if (!fits(answer->headers.len + answer->body.len, err))
		return false;
	item = answer_key(write->db, idempotency);
	values = dynamodb_map(write->db);
	hex_encode(idempotency->body_digest, SHA256_BYTES, digest);
	dynamodb_add_str(&item, "bd", str_from(digest));
	dynamodb_add_int(&item, "aa", answer->status);
	dynamodb_add_str(&item, "ct", answer->content_type);
	dynamodb_add_str(&item, "ah", answer->headers);
	dynamodb_add_str(&item, "ab", answer->body);
	dynamodb_add_int(&item, "cr", idempotency->now_ms);
	dynamodb_add_str(&item, "wr", str_from(mark));
	dynamodb_add_int(&item, "ex",
			 (idempotency->now_ms + IDEMPOTENCY_KEPT_MS) / 1000 + 1);
	dynamodb_add_int(&values, ":old",
			 idempotency->now_ms - IDEMPOTENCY_KEPT_MS);
	dynamodb_write_add(write, "Put", &item, NULL,
			   "attribute_not_exists(pk) OR cr <= :old", &values);
	return true;
}

/* The answer that is kept, or absent; an expired one is none. */
static bool kept_answer(struct dynamodb *db,
			const struct idempotency *idempotency,
			struct json *ret, struct error *err)
{
	struct buf key;

	*ret = (struct json){ JSON_ABSENT, NULL };
	if (!has_key(idempotency))
		return true;
	key = answer_key(db, idempotency);
	if (!dynamodb_get(db, &key, db->scratch, ret, err))
		return false;
	if (dynamodb_int(*ret, "cr") <=
	    idempotency->now_ms - IDEMPOTENCY_KEPT_MS)
		*ret = (struct json){ JSON_ABSENT, NULL };
	return true;
}

static bool is_marked(struct json item, const char *mark)
{
	return str_is(dynamodb_str(item, "wr"), mark);
}

/*
 * A write with a key was refused: *ret_ours when it had been written before;
 * ERROR_IN_PROGRESS when the key belongs to another one.
 */
static bool settle_key(struct dynamodb *db,
		       const struct idempotency *idempotency, const char *mark,
		       bool *ret_ours, struct error *err)
{
	struct json answer;

	*ret_ours = false;
	if (!kept_answer(db, idempotency, &answer, err))
		return false;
	*ret_ours = is_marked(answer, mark);
	if (dynamodb_is(answer) && !*ret_ours)
		return error_set(err, ERROR_IN_PROGRESS,
				 "Another request has just used the key. Try again in a moment.");
	return true;
}

static bool recall(struct order_store *store,
		   const struct idempotency *idempotency, struct arena *arena,
		   struct answer *ret, bool *found, struct error *err)
{
	struct dynamodb *db = db_of(store);
	char digest[SHA256_HEX + 1];
	struct json item;

	*found = false;
	if (!kept_answer(db, idempotency, &item, err))
		return false;
	if (!dynamodb_is(item))
		return true;
	hex_encode(idempotency->body_digest, SHA256_BYTES, digest);
	if (!str_is(dynamodb_str(item, "bd"), digest))
		return error_set(err, ERROR_KEY_REUSED,
				 "The key belongs to another request. Take a new one.");
	ret->status = (int)dynamodb_int(item, "aa");
	ret->content_type = dynamodb_text(item, "ct", arena);
	ret->headers = dynamodb_text(item, "ah", arena);
	ret->body = dynamodb_text(item, "ab", arena);
	*found = true;
	return true;
}

/* --- orders -------------------------------------------------------------- */

static struct buf order_key(struct dynamodb *db, const char *id)
{
	return dynamodb_key(db, "o#", str_from(id), "o");
}

static void add_keys(struct buf *item, const struct order *order)
{
	char month[DYNAMODB_MONTH_BYTES], key[DYNAMODB_SORT_BYTES];

	dynamodb_month_of(order->created_ms, month);
	dynamodb_add_str(item, "mo", str_from(month));
	dynamodb_sort_key(SORT_CREATED, order->created_ms, order->id, key);
	dynamodb_add_str(item, "ck", str_from(key));
	dynamodb_sort_key(SORT_UPDATED, order->updated_ms, order->id, key);
	dynamodb_add_str(item, "uk", str_from(key));
	dynamodb_sort_key(SORT_PRICE, order->price_minor, order->id, key);
	dynamodb_add_str(item, "rk", str_from(key));
}

static bool order_item(struct dynamodb *db, const struct order *order,
		       struct str json, const char *mark, struct buf *ret,
		       struct error *err)
{
	struct str text = dynamodb_search_text(order, db->scratch);

	if (!fits(json.len + text.len, err))
		return false;
	*ret = order_key(db, order->id);
	dynamodb_add_str(ret, "kd", STR("order"));
	dynamodb_add_str(ret, "js", json);
	dynamodb_add_int(ret, "vn", order->version);
	dynamodb_add_str(ret, "st", str_from(order_status_name(order->status)));
	dynamodb_add_int(ret, "pr", order->price_minor);
	dynamodb_add_int(ret, "cr", order->created_ms);
	dynamodb_add_int(ret, "up", order->updated_ms);
	add_keys(ret, order);
	if (order->customer_email.len)
		dynamodb_add_str(ret, "ow", text_lower(order->customer_email,
						       db->scratch));
	dynamodb_add_str(ret, "tx", text);
	dynamodb_add_str(ret, "wr", str_from(mark));
	return true;
}

static struct str json_of(struct dynamodb *db, const struct order *order)
{
	struct buf json;

	buf_init(&json, db->scratch, LIMIT_RESPONSE_BYTES);
	order_to_json(order, &json);
	return buf_str(&json);
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

/* Always false. */
static bool changed(struct json item, struct error *err)
{
	int64_t version = dynamodb_int(item, "vn");

	error_set(err, ERROR_CHANGED,
		  "The order has version %lld now. Read it again and repeat the change.",
		  (long long)version);
	snprintf(err->etag, sizeof(err->etag), "\"%lld\"", (long long)version);
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

static bool create(struct order_store *store, const struct order *order,
		   const struct idempotency *idempotency, struct arena *arena,
		   struct error *err)
{
	struct dynamodb *db = db_of(store);
	char mark[DYNAMODB_MARK_BYTES];
	struct dynamodb_write write;
	struct json found;
	struct buf item;
	bool ours;

	(void)arena;
	dynamodb_mark(mark);
	dynamodb_write_init(&write, db);
	if (!order_item(db, order, json_of(db, order), mark, &item, err) ||
	    !dynamodb_month_add(db, order->created_ms, err))
		return false;
	dynamodb_write_add(&write, "Put", &item, NULL,
			   "attribute_not_exists(pk)", NULL);
	if (!add_answer(&write, idempotency, mark, err))
		return false;
	for (unsigned tries = 0;; tries++) {
		enum dynamodb_result result = dynamodb_commit(&write, err);

		if (result != DYNAMODB_REFUSED)
			return result == DYNAMODB_WRITTEN;
		if (!settle_key(db, idempotency, mark, &ours, err))
			return false;
		if (ours)
			return true;
		if (!find_order(db, order->id, &found, err))
			return false;
		if (is_marked(found, mark))
			return true;
		if (dynamodb_is(found))
			return error_set(err, ERROR_CONFLICT,
					 "There is an order with this id.");
		if (!dynamodb_try_again(tries, err))
			return false;
	}
}

/* What a change leaves alone: when it was created, and how it was once
 * deleted. */
static bool add_change(struct dynamodb_write *write, const struct order *order,
		       int64_t version, const char *mark, struct error *err)
{
	struct dynamodb *db = write->db;
	struct buf key = order_key(db, order->id), values = dynamodb_map(db);
	struct str text = dynamodb_search_text(order, db->scratch);
	struct str json = json_of(db, order);
	char sort_key[DYNAMODB_SORT_BYTES];
	const char *update;

	if (!fits(json.len + text.len, err))
		return false;
	dynamodb_add_str(&values, ":js", json);
	dynamodb_add_int(&values, ":new", order->version);
	dynamodb_add_str(&values, ":st",
			 str_from(order_status_name(order->status)));
	dynamodb_add_int(&values, ":pr", order->price_minor);
	dynamodb_add_int(&values, ":up", order->updated_ms);
	dynamodb_sort_key(SORT_UPDATED, order->updated_ms, order->id, sort_key);
	dynamodb_add_str(&values, ":uk", str_from(sort_key));
	dynamodb_sort_key(SORT_PRICE, order->price_minor, order->id, sort_key);
	dynamodb_add_str(&values, ":rk", str_from(sort_key));
	dynamodb_add_str(&values, ":tx", text);
	dynamodb_add_str(&values, ":wr", str_from(mark));
	if (version)
		dynamodb_add_int(&values, ":vn", version);
	if (order->customer_email.len)
		dynamodb_add_str(&values, ":ow",
				 text_lower(order->customer_email,
					    db->scratch));
	update = arena_printf(db->scratch,
			      "SET js = :js, vn = :new, st = :st, pr = :pr,"
			      " up = :up, uk = :uk, rk = :rk, tx = :tx,"
			      " wr = :wr%s", order->customer_email.len
			      ? ", ow = :ow" : " REMOVE ow");
	dynamodb_write_add(write, "Update", &key, update,
			   version ? "vn = :vn" : "attribute_exists(vn)",
			   &values);
	return true;
}

static bool replace(struct order_store *store, const struct order *order,
		    const struct order *before,
		    const struct idempotency *idempotency, struct arena *arena,
		    struct error *err)
{
	struct dynamodb *db = db_of(store);
	char mark[DYNAMODB_MARK_BYTES];
	struct dynamodb_write write;
	struct json found;
	bool ours;

	(void)arena;
	dynamodb_mark(mark);
	dynamodb_write_init(&write, db);
	if (!add_change(&write, order, before->version, mark, err) ||
	    !add_answer(&write, idempotency, mark, err))
		return false;
	for (unsigned tries = 0;; tries++) {
		enum dynamodb_result result = dynamodb_commit(&write, err);

		if (result != DYNAMODB_REFUSED)
			return result == DYNAMODB_WRITTEN;
		if (!settle_key(db, idempotency, mark, &ours, err))
			return false;
		if (ours)
			return true;
		if (!find_order(db, order->id, &found, err))
			return false;
		if (is_marked(found, mark))
			return true;
		if (!is_live(found))
			return absent(found, order->id, err);
		if (before->version &&
		    dynamodb_int(found, "vn") != before->version)
			return changed(found, err);
		if (!dynamodb_try_again(tries, err))
			return false;
	}
}

/* The order out, the deletion in, the answer with them. */
static enum dynamodb_result
write_removal(struct dynamodb *db, struct json order,
	      const struct deletion *deletion,
	      const struct idempotency *idempotency, const char *mark,
	      struct error *err)
{
	struct buf item = order_key(db, deletion->order_id);
	struct buf values = dynamodb_map(db);
	struct deletion record = *deletion;
	struct dynamodb_write write;

	record.order_version = dynamodb_int(order, "vn");
	record.order_json = dynamodb_str(order, "js");
	dynamodb_add_str(&item, "ev", str_from(deletion->event_id));
	dynamodb_add_int(&values, ":vn", record.order_version);
	dynamodb_write_init(&write, db);
	dynamodb_write_add(&write, "Put", &item, NULL, "vn = :vn", &values);
	deletion_record_put(&write, &record, mark);
	if (!add_answer(&write, idempotency, mark, err))
		return DYNAMODB_FAILED;
	return dynamodb_commit(&write, err);
}

static bool remove_order(struct order_store *store, int64_t expected_version,
			 const struct deletion *deletion,
			 const struct idempotency *idempotency,
			 struct arena *arena, struct error *err)
{
	struct dynamodb *db = db_of(store);
	char mark[DYNAMODB_MARK_BYTES];
	enum dynamodb_result result;
	struct json found;
	bool ours;

	(void)arena;
	dynamodb_mark(mark);
	for (unsigned tries = 0;; tries++) {
		if (!find_order(db, deletion->order_id, &found, err))
			return false;
		if (!is_live(found) &&
		    str_is(dynamodb_str(found, "ev"), deletion->event_id))
			return true;	/* by us, and the answer was lost */
		if (!is_live(found))
			return settle_key(db, idempotency, mark, &ours, err) &&
			       (ours || absent(found, deletion->order_id, err));
		if (expected_version &&
		    dynamodb_int(found, "vn") != expected_version)
			return changed(found, err);
		result = write_removal(db, found, deletion, idempotency, mark,
				       err);
		if (result != DYNAMODB_REFUSED)
			return result == DYNAMODB_WRITTEN;
		if (!settle_key(db, idempotency, mark, &ours, err))
			return false;
		if (ours)
			return true;
		if (!dynamodb_try_again(tries, err))
			return false;
	}
}

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
	char mark[DYNAMODB_MARK_BYTES];
	struct deletion_record record;
	enum dynamodb_result result;
	struct order order;
	struct json live;
	struct buf item;
	bool found;

	dynamodb_mark(mark);
	if (!order_from_stored_json(&order, json, arena, err) ||
	    !order_item(db, &order, json, mark, &item, err) ||
	    !dynamodb_month_add(db, order.created_ms, err))
		return false;
	dynamodb_add_str(&item, "ev", str_from(event_id));
	for (unsigned tries = 0;; tries++) {
		if (!deletion_record_get(db, event_id, db->scratch, &record,
					 &found, err))
			return false;
		if (!found)
			return error_set(err, ERROR_NOT_FOUND,
					 "There is no deletion with this id.");
		if (str_is(record.mark, mark))
			return true;
		if (!may_restore(&record, order.id, err))
			return false;
		if (!find_order(db, order.id, &live, err))
			return false;
		if (is_live(live))
			return error_set(err, ERROR_CONFLICT,
					 "There is an order with this id.");
		result = write_restored(db, &record, &item, mark, err);
		if (result != DYNAMODB_REFUSED)
			return result == DYNAMODB_WRITTEN;
		if (!dynamodb_try_again(tries, err))
			return false;
	}
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
