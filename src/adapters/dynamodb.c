/*
 * dynamodb.c: calls to DynamoDB, its JSON, and what is written.
 *
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/
 */
#include "adapters/dynamodb.h"

#include <time.h>

#include "base/deadline.h"
#include "base/limits.h"

#include "base/banned.h"

#define ANSWER_MAX_BYTES (48u * MIB)	/* a batch holds 16 MB, escaped twofold */
#define ANSWER_MAX_NODES 2000000u
/* Keys, names and numbers of an item, the rest being texts that are counted. */
#define ITEM_REST_BYTES (4u * KIB)
#define PAUSE_MS 20			/* doubles with each try */

void dynamodb_fresh(struct dynamodb *db)
{
	arena_reset(db->scratch);
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

	buf_init(&map, db->scratch, DYNAMODB_REQUEST_BYTES);
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
	struct buf map = dynamodb_map(db), pk = dynamodb_map(db);

	buf_add_text(&pk, prefix);
	buf_add_str(&pk, id);
	dynamodb_add_str(&map, "pk", buf_str(&pk));
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
	struct buf target = dynamodb_map(db);
	struct aws_header headers[] = {
		{ STR("Content-Type"), STR("application/x-amz-json-1.0") },
		{ STR("X-Amz-Target"), STR("") },
	};
	const struct aws_request request = {
		.method = STR("POST"), .path = STR("/"), .query = STR(""),
		.headers = headers, .header_count = ARRAY_LEN(headers),
		.body = body, .answer_max_bytes = ANSWER_MAX_BYTES,
	};

	buf_add_text(&target, "DynamoDB_20120810.");
	buf_add_text(&target, action);
	headers[1].value = buf_str(&target);
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

static void add_member(struct buf *body, const char *name)
{
	buf_add_text(body, ",\"");
	buf_add_text(body, name);
	buf_add_text(body, "\":");
}

void dynamodb_body_map(struct buf *body, const char *name, struct str map)
{
	add_member(body, name);
	buf_add_char(body, '{');
	buf_add_str(body, map);
	buf_add_char(body, '}');
}

void dynamodb_body_text(struct buf *body, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	add_member(body, name);
	buf_add_json(body, str_from(text));
}

/* --- writes -------------------------------------------------------------- */

void dynamodb_write_init(struct dynamodb_write *write, struct dynamodb *db)
{
	*write = (struct dynamodb_write){ .db = db };
	buf_init(&write->actions, db->scratch, DYNAMODB_REQUEST_BYTES);
}

void dynamodb_write_add(struct dynamodb_write *write, const char *verb,
			const struct buf *item, const char *update,
			const char *condition, const struct buf *values)
{
	struct buf *to = &write->actions;

	buf_add_text(to, write->count++ ? ",{\"" : "{\"");
	buf_add_text(to, verb);
	buf_add_text(to, "\":");
	write->verb = verb;
	write->begin = to->len;
	buf_add_text(to, "{\"TableName\":\"");
	buf_add_text(to, write->db->table);
	buf_add_char(to, '"');
	dynamodb_body_map(to, strcmp(verb, "Put") ? "Key" : "Item",
			  buf_str(item));
	dynamodb_body_text(to, "UpdateExpression", update);
	dynamodb_body_text(to, "ConditionExpression", condition);
	if (values && values->len)
		dynamodb_body_map(to, "ExpressionAttributeValues",
				  buf_str(values));
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

bool dynamodb_fits(size_t bytes, struct error *err)
{
	if (bytes + ITEM_REST_BYTES <= LIMIT_ITEM_BYTES)
		return true;
	return error_set(err, ERROR_TOO_LARGE,
			 "The order takes %zu bytes as it is stored, of at "
			 "most %u: shorten its lines, notes or metadata.",
			 bytes, LIMIT_ITEM_BYTES - ITEM_REST_BYTES);
}

void dynamodb_race_init(struct dynamodb_race *race)
{
	uint8_t bytes[(DYNAMODB_MARK_BYTES - 1) / 2];

	*race = (struct dynamodb_race){ .result = DYNAMODB_REFUSED };
	random_bytes(bytes, sizeof(bytes));
	hex_encode(bytes, sizeof(bytes), race->mark);
}

bool dynamodb_race_on(struct dynamodb_race *race, struct error *err)
{
	if (race->result != DYNAMODB_REFUSED)
		return false;
	if (race->tries && !dynamodb_try_again(race->tries - 1, err))
		race->result = DYNAMODB_FAILED;
	race->tries++;
	return race->result == DYNAMODB_REFUSED;
}
