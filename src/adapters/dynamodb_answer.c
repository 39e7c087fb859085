/*
 * dynamodb_answer.c: the answers that are kept for idempotency keys.
 */
#include "adapters/dynamodb_answer.h"

#include "base/banned.h"

static bool has_key(const struct idempotency *idempotency)
{
	return idempotency && idempotency->key.len;
}

static struct buf answer_key(struct dynamodb *db,
			     const struct idempotency *idempotency)
{
	char scope[SHA256_HEX + 1];

	hex_encode(idempotency->scope, SHA256_BYTES, scope);
	return dynamodb_key(db, "a#", str_from(scope), "a");
}

bool dynamodb_answer_add(struct dynamodb_write *write,
			 const struct idempotency *idempotency,
			 const char *mark, struct error *err)
{
	const struct answer *answer;
	char digest[SHA256_HEX + 1];
	struct buf item, values;

	if (!has_key(idempotency))
		return true;
	answer = idempotency->answer;
	if (!dynamodb_fits(answer->headers.len + answer->body.len, err))
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

bool dynamodb_answer_settle(struct dynamodb *db,
			    const struct idempotency *idempotency,
			    const char *mark, bool *ret_ours,
			    struct error *err)
{
	struct json answer;

	*ret_ours = false;
	if (!kept_answer(db, idempotency, &answer, err))
		return false;
	*ret_ours = str_is(dynamodb_str(answer, "wr"), mark);
	if (dynamodb_is(answer) && !*ret_ours)
		return error_set(err, ERROR_IN_PROGRESS,
				 "Another request has just used the key. Try again in a moment.");
	return true;
}

bool dynamodb_answer_get(struct dynamodb *db,
			 const struct idempotency *idempotency,
			 struct arena *arena, struct answer *ret, bool *found,
			 struct error *err)
{
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
