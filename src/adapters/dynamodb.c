/*
 * dynamodb.c: calls to DynamoDB, and its JSON.
 *
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/
 */
#include "adapters/dynamodb.h"

#include <time.h>

#include "base/deadline.h"

#include "base/banned.h"

#define REQUEST_MAX_BYTES (5u * MIB)	/* a transaction holds 4 MB */
#define ANSWER_MAX_BYTES (48u * MIB)	/* a batch holds 16 MB, escaped twofold */
#define ANSWER_MAX_NODES 2000000u
#define BATCH_KEYS 100u			/* BatchGetItem's limit */
#define PAUSE_MS 20			/* doubles with each try */

void dynamodb_fresh(struct dynamodb *db)
{
	arena_reset(db->scratch);
}

void dynamodb_mark(char ret[DYNAMODB_MARK_BYTES])
{
	uint8_t bytes[(DYNAMODB_MARK_BYTES - 1) / 2];

	random_bytes(bytes, sizeof(bytes));
	hex_encode(bytes, sizeof(bytes), ret);
}

bool dynamodb_try_again(unsigned tries, struct error *err)
{
	unsigned limit_ms = PAUSE_MS << (tries < 5 ? tries : 5);
	struct timespec pause = { 0 };
	uint32_t dice;

	if (tries >= DYNAMODB_RACES || deadline_left_ms() <= limit_ms)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "dynamodb: others changed the same items "
				   "%u times in a row", tries);
	random_bytes(&dice, sizeof(dice));
	pause.tv_nsec = (long)(dice % (limit_ms * 1000)) * 1000;
	nanosleep(&pause, NULL);
	return true;
}

/* --- items --------------------------------------------------------------- */

struct buf dynamodb_map(struct dynamodb *db)
{
	struct buf map;

	buf_init(&map, db->scratch, REQUEST_MAX_BYTES);
	return map;
}

static void add_name(struct buf *map, const char *name)
{
	if (map->len)
		buf_add_char(map, ',');
	buf_add_char(map, '"');
	buf_add_text(map, name);
	buf_add_text(map, "\":{\"");
}

void dynamodb_add_str(struct buf *map, const char *name, struct str value)
{
	add_name(map, name);
	buf_add_text(map, "S\":");
	buf_add_json(map, value.ptr ? value : STR(""));
	buf_add_char(map, '}');
}

void dynamodb_add_int(struct buf *map, const char *name, int64_t value)
{
	add_name(map, name);
	buf_add_text(map, "N\":\"");
	buf_add_int(map, value);
	buf_add_text(map, "\"}");
}

struct buf dynamodb_key(struct dynamodb *db, const char *prefix, struct str id,
			const char *sk)
{
	struct buf map = dynamodb_map(db);

	dynamodb_add_str(&map, "pk",
			 str_from(arena_printf(db->scratch, "%s%.*s", prefix,
					       STR_ARG(id))));
	dynamodb_add_str(&map, "sk", str_from(sk));
	return map;
}

struct str dynamodb_str(struct json item, const char *name)
{
	return json_string(json_member(json_member(item, name), "S"));
}

int64_t dynamodb_int(struct json item, const char *name)
{
	struct str text =
		json_string(json_member(json_member(item, name), "N"));
	bool negative = text.len && text.ptr[0] == '-';
	uint64_t value;

	if (negative)
		text = (struct str){ text.ptr + 1, text.len - 1 };
	if (!text.ptr || !str_to_uint(text, INT64_MAX, &value))
		return 0;
	return negative ? -(int64_t)value : (int64_t)value;
}

void dynamodb_id(struct json item, const char *name, char ret[ORDER_ID_BYTES])
{
	snprintf(ret, ORDER_ID_BYTES, "%.*s",
		 STR_ARG(dynamodb_str(item, name)));
}

struct str dynamodb_text(struct json item, const char *name,
			 struct arena *arena)
{
	struct str text = dynamodb_str(item, name);

	return arena_str(arena, text.ptr ? text : STR(""));
}

/* --- calls --------------------------------------------------------------- */

static bool post(struct dynamodb *db, const char *action, struct str body,
		 struct aws_answer *ret, struct error *err)
{
	const struct aws_header headers[] = {
		{ STR("Content-Type"), STR("application/x-amz-json-1.0") },
		{ STR("X-Amz-Target"),
		  str_from(arena_printf(db->scratch, "DynamoDB_20120810.%s",
					action)) },
	};
	const struct aws_request request = {
		.method = STR("POST"), .path = STR("/"), .query = STR(""),
		.headers = headers, .header_count = ARRAY_LEN(headers),
		.body = body, .answer_max_bytes = ANSWER_MAX_BYTES,
	};

	return aws_call(db->client, &request, db->scratch, ret, err);
}

/* A refusal that nobody expects is a fault of ours or of who set up the table;
 * always false. */
static bool refused(struct dynamodb *db, const char *action,
		    const struct aws_answer *answer, struct error *err)
{
	struct str code = answer->error_code;

	if (str_is(code, "ResourceNotFoundException"))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "dynamodb: there is no table %s, or an index "
				   "is missing: run 'ordermill init' (%s)",
				   db->table, action);
	return error_cause(err, ERROR_UNAVAILABLE,
			   "dynamodb %s: status %d, %.*s: %.*s, request %.*s",
			   action, answer->status, STR_ARG(code),
			   answer->error_message.len > 200 ? 200 :
				   (int)answer->error_message.len,
			   answer->error_message.ptr ?
				   answer->error_message.ptr : "",
			   STR_ARG(answer->request_id));
}

static bool parse(const char *action, const struct aws_answer *answer,
		  struct arena *arena, struct json *ret, struct error *err)
{
	struct error failure;

	error_init(&failure);
	if (!json_parse_large(ret, answer->body, ANSWER_MAX_NODES, arena,
			      &failure) || ret->kind != JSON_OBJECT)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "dynamodb %s: the answer is no JSON object: "
				   "%s, request %.*s", action, failure.detail,
				   STR_ARG(answer->request_id));
	return true;
}

bool dynamodb_call(struct dynamodb *db, const char *action, struct str body,
		   struct arena *arena, struct json *ret, struct str *ret_code,
		   struct error *err)
{
	struct aws_answer answer;

	*ret_code = STR("");
	if (!post(db, action, body, &answer, err))
		return false;
	if (answer.status / 100 == 2)
		return parse(action, &answer, arena, ret, err);
	*ret_code = answer.error_code;
	return refused(db, action, &answer, err);
}

static bool read_call(struct dynamodb *db, const char *action,
		      const struct buf *body, struct arena *arena,
		      struct json *ret, struct error *err)
{
	struct str code;

	if (!buf_ok(body))
		return error_cause(err, ERROR_INTERNAL,
				   "dynamodb %s: the request is too large",
				   action);
	return dynamodb_call(db, action, buf_str(body), arena, ret, &code, err);
}

static struct buf request_for(struct dynamodb *db)
{
	struct buf body;

	buf_init(&body, db->scratch, REQUEST_MAX_BYTES);
	buf_printf(&body, "{\"TableName\":\"%s\"", db->table);
	return body;
}

static void add_member(struct buf *to, const char *name, struct str map)
{
	buf_printf(to, ",\"%s\":{", name);
	buf_add_str(to, map);
	buf_add_char(to, '}');
}

static void add_text_member(struct buf *to, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	buf_printf(to, ",\"%s\":", name);
	buf_add_json(to, str_from(text));
}

bool dynamodb_get(struct dynamodb *db, const struct buf *key,
		  struct arena *arena, struct json *ret, struct error *err)
{
	struct buf body = request_for(db);
	struct json answer;

	add_member(&body, "Key", buf_str(key));
	buf_add_text(&body, ",\"ConsistentRead\":true}");
	if (!read_call(db, "GetItem", &body, arena, &answer, err))
		return false;
	*ret = json_member(answer, "Item");
	return true;
}

/* --- many items ---------------------------------------------------------- */

static void add_keys(struct buf *to, const struct dynamodb_name *keys,
		     size_t count, const bool *done)
{
	bool first = true;

	for (size_t i = 0; i < count; i++) {
		if (done[i])
			continue;
		buf_add_text(to, first ? "{\"pk\":{\"S\":" : ",{\"pk\":{\"S\":");
		buf_add_json(to, keys[i].pk);
		buf_add_text(to, "},\"sk\":{\"S\":");
		buf_add_json(to, keys[i].sk);
		buf_add_text(to, "}}");
		first = false;
	}
}

static size_t place_of(const struct dynamodb_name *keys, size_t count,
		       struct json item)
{
	struct str pk = dynamodb_str(item, "pk"), sk = dynamodb_str(item, "sk");
	size_t i = 0;

	while (i < count && !(str_eq(keys[i].pk, pk) && str_eq(keys[i].sk, sk)))
		i++;
	return i;
}

/* All that were asked for and are not in UnprocessedKeys are answered. */
static bool note_answered(struct dynamodb *db, struct json answer,
			  const struct dynamodb_name *keys, size_t count,
			  struct json *ret, bool *done, bool *ret_progress)
{
	struct json left = json_member(json_member(json_member(
			answer, "UnprocessedKeys"), db->table), "Keys");
	struct json items = json_member(json_member(answer, "Responses"),
					db->table);
	struct json_iterator it;
	bool all = true;
	size_t place;

	*ret_progress = json_count(items) > 0;
	for (it = json_first_element(items); it.value.value; json_next(&it))
		if ((place = place_of(keys, count, it.value)) < count)
			ret[place] = it.value;
	memset(done, true, count * sizeof(*done));
	for (it = json_first_element(left); it.value.value; json_next(&it))
		if ((place = place_of(keys, count, it.value)) < count)
			all = done[place] = false;
	return all;
}

static bool get_batch(struct dynamodb *db, const struct dynamodb_name *keys,
		      size_t count, struct arena *arena, struct json *ret,
		      struct error *err)
{
	bool done[BATCH_KEYS] = { false };
	unsigned tries = 0;

	for (;;) {
		struct buf body;
		struct json answer;
		bool progress;

		buf_init(&body, db->scratch, REQUEST_MAX_BYTES);
		buf_printf(&body, "{\"RequestItems\":{\"%s\":{\"Keys\":[",
			   db->table);
		add_keys(&body, keys, count, done);
		buf_add_text(&body, "],\"ConsistentRead\":true}}}");
		if (!read_call(db, "BatchGetItem", &body, arena, &answer, err))
			return false;
		if (note_answered(db, answer, keys, count, ret, done,
				  &progress))
			return true;
		tries = progress ? 0 : tries + 1;
		if (tries && !dynamodb_try_again(tries, err))
			return false;
	}
}

bool dynamodb_get_many(struct dynamodb *db, const struct dynamodb_name *keys,
		       size_t count, struct arena *arena, struct json *ret,
		       struct error *err)
{
	for (size_t i = 0; i < count; i++)
		ret[i] = (struct json){ JSON_ABSENT, NULL };
	for (size_t i = 0; i < count; i += BATCH_KEYS)
		if (!get_batch(db, keys + i,
			       count - i < BATCH_KEYS ? count - i : BATCH_KEYS,
			       arena, ret + i, err))
			return false;
	return true;
}

/* --- queries ------------------------------------------------------------- */

/* LastEvaluatedKey as ExclusiveStartKey: key attributes are all texts here. */
static struct str next_start(struct json key, struct arena *arena)
{
	struct json_iterator it;
	struct buf map;

	if (!json_count(key))
		return (struct str){ NULL, 0 };
	buf_init(&map, arena, 16 * KIB);
	for (it = json_first(key); it.name.ptr; json_next(&it))
		dynamodb_add_str(&map, arena_text(arena, it.name),
				 json_string(json_member(it.value, "S")));
	return buf_str(&map);
}

static bool query_page(struct dynamodb *db, struct dynamodb_query *query,
		       struct arena *arena, struct json *ret,
		       struct error *err)
{
	struct buf body = request_for(db);

	add_text_member(&body, "IndexName", query->index);
	add_text_member(&body, "KeyConditionExpression", query->condition);
	add_text_member(&body, "FilterExpression", query->filter);
	add_member(&body, "ExpressionAttributeValues",
		   buf_str(&query->values));
	if (query->start.ptr)
		add_member(&body, "ExclusiveStartKey", query->start);
	if (query->count_only)
		buf_add_text(&body, ",\"Select\":\"COUNT\"");
	if (query->limit)
		buf_printf(&body, ",\"Limit\":%u", query->limit);
	buf_printf(&body, ",\"ScanIndexForward\":%s,\"ConsistentRead\":%s}",
		   query->descending ? "false" : "true",
		   query->index ? "false" : "true");
	if (!read_call(db, "Query", &body, arena, ret, err))
		return false;
	query->start = next_start(json_member(*ret, "LastEvaluatedKey"), arena);
	return true;
}

bool dynamodb_query(struct dynamodb *db, struct dynamodb_query *query,
		    struct arena *arena, struct json *ret, struct error *err)
{
	struct json answer;

	if (!query_page(db, query, arena, &answer, err))
		return false;
	*ret = json_member(answer, "Items");
	return true;
}

bool dynamodb_count(struct dynamodb *db, struct dynamodb_query *query,
		    uint64_t *ret, struct error *err)
{
	struct json answer;
	uint64_t count;

	*ret = 0;
	query->count_only = true;
	do {
		if (!query_page(db, query, db->scratch, &answer, err))
			return false;
		if (str_to_uint(json_literal(json_member(answer, "Count")),
				INT64_MAX, &count))
			*ret += count;
	} while (query->start.ptr);
	return true;
}

/* --- writes -------------------------------------------------------------- */

void dynamodb_write_init(struct dynamodb_write *write, struct dynamodb *db)
{
	*write = (struct dynamodb_write){ .db = db };
	buf_init(&write->actions, db->scratch, REQUEST_MAX_BYTES);
}

void dynamodb_write_add(struct dynamodb_write *write, const char *verb,
			const struct buf *item, const char *update,
			const char *condition, const struct buf *values)
{
	struct buf *to = &write->actions;

	buf_printf(to, "%s{\"%s\":", write->count++ ? "," : "", verb);
	write->verb = verb;
	write->begin = to->len;
	buf_printf(to, "{\"TableName\":\"%s\"", write->db->table);
	add_member(to, strcmp(verb, "Put") ? "Key" : "Item", buf_str(item));
	add_text_member(to, "UpdateExpression", update);
	add_text_member(to, "ConditionExpression", condition);
	if (values && values->len)
		add_member(to, "ExpressionAttributeValues", buf_str(values));
	buf_add_text(to, "}}");
	/* an overflow inside a map is one of the whole */
	to->overflowed |= item->overflowed || (values && values->overflowed);
}

/* One action alone is half the price as a call of its own, with the same
 * body. */
static struct str write_body(struct dynamodb_write *write, const char **action)
{
	struct dynamodb *db = write->db;
	struct str all = buf_str(&write->actions);
	struct buf body;

	if (write->count == 1) {
		*action = arena_printf(db->scratch, "%sItem", write->verb);
		return (struct str){ all.ptr + write->begin,
				     all.len - write->begin - 1 };
	}
	*action = "TransactWriteItems";
	buf_init(&body, db->scratch, all.len + 32);
	buf_add_text(&body, "{\"TransactItems\":[");
	buf_add_str(&body, all);
	buf_add_text(&body, "]}");
	return buf_str(&body);
}

enum refusal { BY_CONDITION, BY_RACE, BY_FAULT };

/* A condition that did not hold outweighs a race: it would not hold again. */
static enum refusal why_cancelled(struct dynamodb *db, struct str body)
{
	enum refusal why = BY_RACE;
	struct json answer;
	struct json_iterator it;
	struct error ignored;

	error_init(&ignored);
	if (!json_parse_large(&answer, body, ANSWER_MAX_NODES, db->scratch,
			      &ignored))
		return BY_FAULT;
	it = json_first_element(json_member(answer, "CancellationReasons"));
	for (; it.value.value; json_next(&it)) {
		struct str code = json_string(json_member(it.value, "Code"));

		if (str_is(code, "ConditionalCheckFailed"))
			return BY_CONDITION;
		if (str_is(code, "ValidationError") ||
		    str_is(code, "ItemCollectionSizeLimitExceeded"))
			why = BY_FAULT;
	}
	return why;
}

static enum refusal why_refused(struct dynamodb *db,
				const struct aws_answer *answer)
{
	struct str code = answer->error_code;

	if (str_is(code, "ConditionalCheckFailedException"))
		return BY_CONDITION;
	if (str_is(code, "TransactionCanceledException"))
		return why_cancelled(db, answer->body);
	return str_is(code, "TransactionConflictException") ||
			       str_is(code, "TransactionInProgressException")
		       ? BY_RACE : BY_FAULT;
}

enum dynamodb_result dynamodb_commit(struct dynamodb_write *write,
				     struct error *err)
{
	struct aws_answer answer;
	const char *action;
	struct str body;

	if (!buf_ok(&write->actions)) {
		error_set(err, ERROR_TOO_LARGE, "The order is too large.");
		return DYNAMODB_FAILED;
	}
	body = write_body(write, &action);
	for (unsigned tries = 0;; tries++) {
		if (!post(write->db, action, body, &answer, err))
			return DYNAMODB_FAILED;
		if (answer.status / 100 == 2)
			return DYNAMODB_WRITTEN;
		switch (why_refused(write->db, &answer)) {
		case BY_CONDITION:
			return DYNAMODB_REFUSED;
		case BY_FAULT:
			refused(write->db, action, &answer, err);
			return DYNAMODB_FAILED;
		case BY_RACE:
			if (!dynamodb_try_again(tries, err))
				return DYNAMODB_FAILED;
		}
	}
}
