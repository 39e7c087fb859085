/*
 * order_store_sqlite.c: the live orders in SQLite. Lists are in sqlite_list.c.
 *
 * Checks come before writes: once a statement that writes has failed, the whole
 * transaction cannot commit (sqlite_fail), so no method has to undo anything.
 */
#include "adapters/sqlite_list.h"
#include "base/limits.h"
#include "order/search.h"
#include "ports/order_store.h"

#include "base/banned.h"

/* What folding can make of the largest order: CJK letters get a space each. */
#define SEARCH_TEXT_BYTES (4u * LIMIT_JSON_BODY_BYTES)

enum statement {
	INSERT, GET, WAS_DELETED, LOCATE, UPDATE, DELETE, RECORD_DELETION,
	RECALL, ANSWER_IS_TAKEN, FORGET_ANSWER, STORE_ANSWER,
	DELETION_STATE, SET_RESTORED, STATEMENTS
};

static const char *const sql[STATEMENTS] = {
	[INSERT] = "INSERT INTO orders(id, version, status, created_ms,"
		   " updated_ms, price_minor, customer_email, json)"
		   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, lower(?7), ?8)",
	[GET] = "SELECT json, version, created_ms FROM orders WHERE id = ?1",
	[WAS_DELETED] = "SELECT 1 FROM deletions WHERE order_id = ?1",
	[LOCATE] = "SELECT number, version, json FROM orders WHERE id = ?1",
	[UPDATE] = "UPDATE orders SET version = ?2, status = ?3,"
		   " updated_ms = ?4, price_minor = ?5,"
		   " customer_email = lower(?6), json = ?7 WHERE number = ?1",
	[DELETE] = "DELETE FROM orders WHERE number = ?1",
	[RECORD_DELETION] =
		"INSERT INTO deletions(event_id, order_id, order_version,"
		" deleted_ms, traceparent, description, customer_name,"
		" currency, price_minor, next_attempt_ms, order_json)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[RECALL] = "SELECT body_digest, status, content_type, headers, body"
		   " FROM answers WHERE scope = ?1 AND created_ms > ?2",
	[ANSWER_IS_TAKEN] = "SELECT created_ms > ?2 FROM answers"
			    " WHERE scope = ?1",
	[FORGET_ANSWER] = "DELETE FROM answers WHERE scope = ?1",
	[STORE_ANSWER] = "INSERT INTO answers(scope, body_digest, status,"
			 " content_type, headers, body, created_ms)"
			 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[DELETION_STATE] = "SELECT state, order_id FROM deletions"
			   " WHERE event_id = ?1",
	[SET_RESTORED] = "UPDATE deletions SET state = 4 WHERE event_id = ?1",
};

struct sqlite_order_store {
	struct order_store base;
	struct sqlite *db;
	sqlite3_stmt *statements[STATEMENTS];
	struct sqlite_lists lists;
};

static struct sqlite_order_store *self_of(struct order_store *store)
{
	return (struct sqlite_order_store *)store;
}

static sqlite3_stmt *get_statement(struct sqlite_order_store *self,
				   enum statement which, struct error *err)
{
	return sqlite_statement(self->db, &self->statements[which], sql[which],
				err);
}

static bool folded_text(const struct order *order, struct arena *arena,
			struct str *ret, struct error *err)
{
	struct buf plain, folded;

	buf_init(&plain, arena, SEARCH_TEXT_BYTES);
	buf_init(&folded, arena, 2 * SEARCH_TEXT_BYTES);
	order_search_text(order, &plain);
	search_fold(buf_str(&plain), &folded);
	if (!buf_ok(&plain) || !buf_ok(&folded))
		return error_cause(err, ERROR_INTERNAL,
				   "the search text of %s is too long",
				   order->id);
	*ret = buf_str(&folded);
	return true;
}

static bool has_key(const struct idempotency *idempotency)
{
	return idempotency && idempotency->key.len;
}

static int64_t oldest_kept_ms(const struct idempotency *idempotency)
{
	return idempotency->now_ms - IDEMPOTENCY_KEPT_MS;
}

/* False with ERROR_IN_PROGRESS when another request has stored its answer since
 * the caller looked. An expired one gives way. */
static bool key_is_free(struct sqlite_order_store *self,
			const struct idempotency *idempotency,
			struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *find = NULL;
	CLEANUP(sqlite_reset) sqlite3_stmt *forget = NULL;
	enum sqlite_step step;

	if (!has_key(idempotency))
		return true;
	find = get_statement(self, ANSWER_IS_TAKEN, err);
	if (!find)
		return false;
	sqlite_bind_blob(find, 1, idempotency->scope, SHA256_BYTES);
	sqlite_bind_int(find, 2, oldest_kept_ms(idempotency));
	step = sqlite_step(self->db, find, err);
	if (step != STEP_ROW)
		return step == STEP_DONE;
	if (sqlite3_column_int(find, 0))
		return error_set(err, ERROR_IN_PROGRESS,
				 "Another request has just used the key. Try again in a moment.");
	forget = get_statement(self, FORGET_ANSWER, err);
	if (!forget)
		return false;
	sqlite_bind_blob(forget, 1, idempotency->scope, SHA256_BYTES);
	return sqlite_run(self->db, forget, err);
}

static bool store_answer(struct sqlite_order_store *self,
			 const struct idempotency *idempotency,
			 struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *insert = NULL;
	const struct answer *answer;

	if (!has_key(idempotency))
		return true;
	insert = get_statement(self, STORE_ANSWER, err);
	if (!insert)
		return false;
	answer = idempotency->answer;
	sqlite_bind_blob(insert, 1, idempotency->scope, SHA256_BYTES);
	sqlite_bind_blob(insert, 2, idempotency->body_digest, SHA256_BYTES);
	sqlite_bind_int(insert, 3, answer->status);
	sqlite_bind_str(insert, 4, answer->content_type);
	sqlite_bind_str(insert, 5, answer->headers);
	sqlite_bind_str(insert, 6, answer->body);
	sqlite_bind_int(insert, 7, idempotency->now_ms);
	return sqlite_run(self->db, insert, err);
}

static struct str email_of(const struct order *order)
{
	return order->customer_email.len ? order->customer_email
					 : (struct str){ NULL, 0 };
}

static bool insert_order(struct sqlite_order_store *self,
			 const struct order *order, struct str json,
			 struct arena *arena, struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *insert = NULL;
	struct str text;

	if (!folded_text(order, arena, &text, err))
		return false;
	insert = get_statement(self, INSERT, err);
	if (!insert)
		return false;
	sqlite_bind_id(insert, 1, order->id);
	sqlite_bind_int(insert, 2, order->version);
	sqlite_bind_int(insert, 3, order->status);
	sqlite_bind_int(insert, 4, order->created_ms);
	sqlite_bind_int(insert, 5, order->updated_ms);
	sqlite_bind_int(insert, 6, order->price_minor);
	sqlite_bind_str(insert, 7, email_of(order));
	sqlite_bind_str(insert, 8, json);
	switch (sqlite_step(self->db, insert, err)) {
	case STEP_DONE:
		break;
	case STEP_TAKEN:
		return error_set(err, ERROR_CONFLICT,
				 "There is an order with this id.");
	case STEP_ROW:
	case STEP_FAILED:
		return false;
	}
	sqlite_search_add(self->db, sqlite3_last_insert_rowid(self->db->handle),
			  text);
	return true;
}

static bool create(struct order_store *store, const struct order *order,
		   const struct idempotency *idempotency, struct arena *arena,
		   struct error *err)
{
	struct sqlite_order_store *self = self_of(store);
	struct str json = order_json(order, arena);
	bool own, ok;

	if (!sqlite_enter(self->db, &own, err))
		return false;
	ok = key_is_free(self, idempotency, err) &&
	     insert_order(self, order, json, arena, err) &&
	     store_answer(self, idempotency, err);
	return sqlite_leave(self->db, own, ok, err);
}

/* An order that is not live: deleted, or never there. Always false. */
static bool absent(struct sqlite_order_store *self, const char *id,
		   struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *find =
		get_statement(self, WAS_DELETED, err);

	if (!find)
		return false;
	sqlite_bind_id(find, 1, id);
	switch (sqlite_step(self->db, find, err)) {
	case STEP_ROW:
		break;
	case STEP_DONE:
		return error_set(err, ERROR_NOT_FOUND,
				 "There is no order with this id.");
	case STEP_TAKEN:
	case STEP_FAILED:
		return false;
	}
	error_set(err, ERROR_GONE, "The archive still has it.");
	snprintf(err->link, sizeof(err->link), "/api/archive/%s", id);
	return false;
}

static bool get(struct order_store *store, const char *id, struct arena *arena,
		struct stored_order *ret, struct error *err)
{
	struct sqlite_order_store *self = self_of(store);
	CLEANUP(sqlite_reset) sqlite3_stmt *find =
		get_statement(self, GET, err);

	if (!find)
		return false;
	sqlite_bind_id(find, 1, id);
	switch (sqlite_step(self->db, find, err)) {
	case STEP_ROW:
		break;
	case STEP_DONE:
		return absent(self, id, err);
	case STEP_TAKEN:
	case STEP_FAILED:
		return false;
	}
	ret->json = sqlite_column_str(find, 0, arena);
	ret->version = sqlite3_column_int64(find, 1);
	ret->sort_value = sqlite3_column_int64(find, 2);
	snprintf(ret->id, sizeof(ret->id), "%s", id);
	return true;
}

/* The stored order, when its version is the expected one (0: any). `ret_json`
 * may be NULL. */
static bool locate(struct sqlite_order_store *self, const char *id,
		   int64_t expected_version, struct arena *arena,
		   int64_t *ret_number, int64_t *ret_version,
		   struct str *ret_json, struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *find =
		get_statement(self, LOCATE, err);
	enum sqlite_step step;

	if (!find)
		return false;
	sqlite_bind_id(find, 1, id);
	step = sqlite_step(self->db, find, err);
	if (step == STEP_DONE)
		return absent(self, id, err);
	if (step != STEP_ROW)
		return false;
	*ret_number = sqlite3_column_int64(find, 0);
	*ret_version = sqlite3_column_int64(find, 1);
	if (expected_version && *ret_version != expected_version) {
		error_set(err, ERROR_CHANGED,
			  "The order has version %lld now. Read it again and repeat the change.",
			  (long long)*ret_version);
		snprintf(err->etag, sizeof(err->etag), "\"%lld\"",
			 (long long)*ret_version);
		return false;
	}
	if (ret_json)
		*ret_json = sqlite_column_str(find, 2, arena);
	return true;
}

static bool update_row(struct sqlite_order_store *self, int64_t number,
		       const struct order *order, struct arena *arena,
		       struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *update =
		get_statement(self, UPDATE, err);

	if (!update)
		return false;
	sqlite_bind_int(update, 1, number);
	sqlite_bind_int(update, 2, order->version);
	sqlite_bind_int(update, 3, order->status);
	sqlite_bind_int(update, 4, order->updated_ms);
	sqlite_bind_int(update, 5, order->price_minor);
	sqlite_bind_str(update, 6, email_of(order));
	sqlite_bind_str(update, 7, order_json(order, arena));
	return sqlite_run(self->db, update, err);
}

static bool replace_row(struct sqlite_order_store *self,
			const struct order *order, const struct order *before,
			struct arena *arena, struct error *err)
{
	struct str old_text, new_text;
	int64_t number, version;

	if (!locate(self, before->id, before->version, arena, &number, &version,
		    NULL, err) ||
	    !folded_text(before, arena, &old_text, err) ||
	    !folded_text(order, arena, &new_text, err) ||
	    !update_row(self, number, order, arena, err))
		return false;
	if (!str_eq(old_text, new_text)) {
		sqlite_search_drop(self->db, number, old_text);
		sqlite_search_add(self->db, number, new_text);
	}
	return true;
}

static bool replace(struct order_store *store, const struct order *order,
		    const struct order *before,
		    const struct idempotency *idempotency, struct arena *arena,
		    struct error *err)
{
	struct sqlite_order_store *self = self_of(store);
	bool own, ok;

	if (!sqlite_enter(self->db, &own, err))
		return false;
	ok = key_is_free(self, idempotency, err) &&
	     replace_row(self, order, before, arena, err) &&
	     store_answer(self, idempotency, err);
	return sqlite_leave(self->db, own, ok, err);
}

static bool record_deletion(struct sqlite_order_store *self,
			    const struct deletion *deletion, int64_t version,
			    struct str json, struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *insert =
		get_statement(self, RECORD_DELETION, err);
	const struct str *texts[] = { &deletion->traceparent,
				      &deletion->description,
				      &deletion->customer_name };

	if (!insert)
		return false;
	sqlite_bind_id(insert, 1, deletion->event_id);
	sqlite_bind_id(insert, 2, deletion->order_id);
	sqlite_bind_int(insert, 3, version);
	sqlite_bind_int(insert, 4, deletion->deleted_ms);
	for (int i = 0; i < 3; i++)
		sqlite_bind_str(insert, 5 + i,
				texts[i]->ptr ? *texts[i] : STR(""));
	sqlite_bind_str(insert, 8, str_from(deletion->currency));
	sqlite_bind_int(insert, 9, deletion->price_minor);
	sqlite_bind_int(insert, 10, deletion->next_attempt_ms);
	sqlite_bind_str(insert, 11, json);
	return sqlite_run(self->db, insert, err);
}

static bool delete_row(struct sqlite_order_store *self, int64_t number,
		       struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *delete_ =
		get_statement(self, DELETE, err);

	if (!delete_)
		return false;
	sqlite_bind_int(delete_, 1, number);
	return sqlite_run(self->db, delete_, err);
}

static bool remove_row(struct sqlite_order_store *self,
		       int64_t expected_version,
		       const struct deletion *deletion, struct arena *arena,
		       struct error *err)
{
	struct order order;
	struct str json, text;
	int64_t number, version;

	if (!locate(self, deletion->order_id, expected_version, arena, &number,
		    &version, &json, err) ||
	    !order_from_stored_json(&order, json, arena, err) ||
	    !folded_text(&order, arena, &text, err) ||
	    !record_deletion(self, deletion, version, json, err) ||
	    !delete_row(self, number, err))
		return false;
	sqlite_search_drop(self->db, number, text);
	return true;
}

static bool remove_order(struct order_store *store, int64_t expected_version,
			 const struct deletion *deletion,
			 const struct idempotency *idempotency,
			 struct arena *arena, struct error *err)
{
	struct sqlite_order_store *self = self_of(store);
	bool own, ok;

	if (!sqlite_enter(self->db, &own, err))
		return false;
	ok = key_is_free(self, idempotency, err) &&
	     remove_row(self, expected_version, deletion, arena, err) &&
	     store_answer(self, idempotency, err);
	return sqlite_leave(self->db, own, ok, err);
}

static bool may_restore(struct sqlite_order_store *self, const char *event_id,
			const char *order_id, struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *find =
		get_statement(self, DELETION_STATE, err);
	char recorded_id[ORDER_ID_BYTES];
	enum sqlite_step step;
	int state;

	if (!find)
		return false;
	sqlite_bind_id(find, 1, event_id);
	step = sqlite_step(self->db, find, err);
	if (step == STEP_DONE)
		return error_set(err, ERROR_NOT_FOUND,
				 "There is no deletion with this id.");
	if (step != STEP_ROW)
		return false;
	state = sqlite3_column_int(find, 0);
	sqlite_column_id(find, 1, recorded_id);
	if (strcmp(recorded_id, order_id))
		return error_cause(err, ERROR_INTERNAL,
				   "deletion %s is of order %s, not of %s",
				   event_id, recorded_id, order_id);
	if (state != DELETION_MAILED && state != DELETION_DONE)
		return error_set(err, ERROR_CONFLICT,
				 "The deletion is %s; it can be taken back once it is mailed or done.",
				 deletion_state_name((enum deletion_state)state));
	return true;
}

static bool set_restored(struct sqlite_order_store *self, const char *event_id,
			 struct error *err)
{
	CLEANUP(sqlite_reset) sqlite3_stmt *update =
		get_statement(self, SET_RESTORED, err);

	if (!update)
		return false;
	sqlite_bind_id(update, 1, event_id);
	return sqlite_run(self->db, update, err);
}

static bool restore(struct order_store *store, const char *event_id,
		    struct str json, struct arena *arena, struct error *err)
{
	struct sqlite_order_store *self = self_of(store);
	struct order order;
	bool own, ok;

	if (!order_from_stored_json(&order, json, arena, err) ||
	    !sqlite_enter(self->db, &own, err))
		return false;
	ok = may_restore(self, event_id, order.id, err) &&
	     insert_order(self, &order, json, arena, err) &&
	     set_restored(self, event_id, err);
	return sqlite_leave(self->db, own, ok, err);
}

static bool recall(struct order_store *store,
		   const struct idempotency *idempotency, struct arena *arena,
		   struct answer *ret, bool *found, struct error *err)
{
	struct sqlite_order_store *self = self_of(store);
	CLEANUP(sqlite_reset) sqlite3_stmt *find = NULL;
	enum sqlite_step step;

	*found = false;
	if (!has_key(idempotency))
		return true;
	find = get_statement(self, RECALL, err);
	if (!find)
		return false;
	sqlite_bind_blob(find, 1, idempotency->scope, SHA256_BYTES);
	sqlite_bind_int(find, 2, oldest_kept_ms(idempotency));
	step = sqlite_step(self->db, find, err);
	if (step != STEP_ROW)
		return step == STEP_DONE;
	if (sqlite3_column_bytes(find, 0) != SHA256_BYTES ||
	    memcmp(sqlite3_column_blob(find, 0), idempotency->body_digest,
		   SHA256_BYTES))
		return error_set(err, ERROR_KEY_REUSED,
				 "The key belongs to another request. Take a new one.");
	ret->status = sqlite3_column_int(find, 1);
	ret->content_type = sqlite_column_str(find, 2, arena);
	ret->headers = sqlite_column_str(find, 3, arena);
	ret->body = sqlite_column_str(find, 4, arena);
	*found = true;
	return true;
}

static bool list(struct order_store *store, const struct order_query *query,
		 struct arena *arena, struct order_page *ret,
		 struct error *err)
{
	struct sqlite_order_store *self = self_of(store);

	return sqlite_list(self->db, &self->lists, query, arena, ret, err);
}

static void close_store(struct order_store *store)
{
	struct sqlite_order_store *self = self_of(store);

	sqlite_finalize(self->statements, STATEMENTS);
	sqlite_lists_close(&self->lists);
	free(self);
}

static const struct order_store_ops ops = {
	.name = "sqlite",
	.create = create,
	.get = get,
	.replace = replace,
	.remove = remove_order,
	.restore = restore,
	.list = list,
	.recall = recall,
	.close = close_store,
};

bool order_store_sqlite_open(struct order_store **ret,
			     struct database *database, struct error *err)
{
	struct sqlite_order_store *self = calloc(1, sizeof(*self));

	if (!self)
		return error_cause(err, ERROR_UNAVAILABLE, "no memory");
	self->base.ops = &ops;
	self->db = sqlite_of(database);
	*ret = &self->base;
	return true;
}
