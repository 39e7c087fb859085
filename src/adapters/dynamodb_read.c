/*
 * dynamodb_read.c: an item, many items, a query.
 *
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/
 */
#include "adapters/dynamodb.h"

#include "base/banned.h"

#define BATCH_KEYS 100u			/* BatchGetItem's limit */

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

	buf_init(&body, db->scratch, DYNAMODB_REQUEST_BYTES);
	buf_printf(&body, "{\"TableName\":\"%s\"", db->table);
	return body;
}

bool dynamodb_get(struct dynamodb *db, const struct buf *key,
		  struct arena *arena, struct json *ret, struct error *err)
{
	struct buf body = request_for(db);
	struct json answer;

	dynamodb_body_map(&body, "Key", buf_str(key));
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

/* The first of its kind. */
static size_t place_of(const struct dynamodb_name *keys, size_t count,
		       struct str pk, struct str sk)
{
	size_t i = 0;

	while (i < count && !(str_eq(keys[i].pk, pk) && str_eq(keys[i].sk, sk)))
		i++;
	return i;
}

static size_t place_of_item(const struct dynamodb_name *keys, size_t count,
			    struct json item)
{
	return place_of(keys, count, dynamodb_str(item, "pk"),
			dynamodb_str(item, "sk"));
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
		if ((place = place_of_item(keys, count, it.value)) < count)
			ret[place] = it.value;
	memset(done, true, count * sizeof(*done));
	for (it = json_first_element(left); it.value.value; json_next(&it))
		if ((place = place_of_item(keys, count, it.value)) < count)
			all = done[place] = false;
	return all;
}

/* BatchGetItem refuses a key that is asked for twice. */
static bool get_batch(struct dynamodb *db, const struct dynamodb_name *keys,
		      size_t count, struct arena *arena, struct json *ret,
		      struct error *err)
{
	size_t first[BATCH_KEYS];
	bool done[BATCH_KEYS];
	unsigned tries = 0;

	for (size_t i = 0; i < count; i++) {
		first[i] = place_of(keys, i, keys[i].pk, keys[i].sk);
		done[i] = first[i] < i;
	}
	for (;;) {
		struct buf body;
		struct json answer;
		bool progress;

		buf_init(&body, db->scratch, DYNAMODB_REQUEST_BYTES);
		buf_printf(&body, "{\"RequestItems\":{\"%s\":{\"Keys\":[",
			   db->table);
		add_keys(&body, keys, count, done);
		buf_add_text(&body, "],\"ConsistentRead\":true}}}");
		if (!read_call(db, "BatchGetItem", &body, arena, &answer, err))
			return false;
		if (note_answered(db, answer, keys, count, ret, done,
				  &progress))
			break;
		tries = progress ? 0 : tries + 1;
		if (tries && !dynamodb_try_again(tries, err))
			return false;
	}
	for (size_t i = 0; i < count; i++)
		ret[i] = ret[first[i]];
	return true;
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

	dynamodb_body_text(&body, "IndexName", query->index);
	dynamodb_body_text(&body, "KeyConditionExpression", query->condition);
	dynamodb_body_text(&body, "FilterExpression", query->filter);
	dynamodb_body_map(&body, "ExpressionAttributeValues",
		   buf_str(&query->values));
	if (query->start.ptr)
		dynamodb_body_map(&body, "ExclusiveStartKey", query->start);
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
