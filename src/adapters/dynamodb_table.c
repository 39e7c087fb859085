/*
 * dynamodb_table.c: the table and its indexes as docs/AWS.md has them: making
 * and comparing.
 */
#include "adapters/dynamodb.h"

#include <time.h>

#include "base/banned.h"

#define BODY_MAX_BYTES (16u * KIB)
#define WAIT_MS 500
#define WAITS 240	/* two minutes; AWS takes some ten seconds */

static const struct {
	const char *name, *hash, *range, *include;
} indexes[] = {
	{ "by_created", "mo", "ck", "\"st\",\"pr\"" },
	{ "by_status", "st", "ck", "\"pr\",\"dl\",\"bd\"" },
	{ "by_owner", "ow", "ck", "\"st\",\"pr\",\"up\",\"tx\"" },
	{ "by_kind", "kd", "ck", "\"st\",\"pr\",\"up\",\"tx\",\"dl\"" },
	{ "by_updated", "kd", "uk", "\"st\",\"pr\",\"cr\"" },
	{ "by_price", "kd", "rk", "\"st\",\"cr\"" },
	{ "by_work", "wk", "wo",
	  "\"ds\",\"mw\",\"dl\",\"na\",\"ac\",\"bd\"" },
};

static const char *const key_attributes[] = {
	"pk", "sk", "mo", "ck", "st", "ow", "kd", "uk", "rk", "wk", "wo",
};

static void add_key_schema(struct buf *to, const char *hash, const char *range)
{
	buf_printf(to, "\"KeySchema\":["
		   "{\"AttributeName\":\"%s\",\"KeyType\":\"HASH\"},"
		   "{\"AttributeName\":\"%s\",\"KeyType\":\"RANGE\"}]",
		   hash, range);
}

static void add_table(struct buf *to, const char *table)
{
	buf_printf(to, "{\"TableName\":\"%s\",\"BillingMode\":"
		   "\"PAY_PER_REQUEST\",\"AttributeDefinitions\":[", table);
	for (size_t i = 0; i < ARRAY_LEN(key_attributes); i++)
		buf_printf(to, "%s{\"AttributeName\":\"%s\","
			   "\"AttributeType\":\"S\"}", i ? "," : "",
			   key_attributes[i]);
	buf_add_text(to, "],");
	add_key_schema(to, "pk", "sk");
	buf_add_text(to, ",\"GlobalSecondaryIndexes\":[");
	for (size_t i = 0; i < ARRAY_LEN(indexes); i++) {
		buf_printf(to, "%s{\"IndexName\":\"%s\",", i ? "," : "",
			   indexes[i].name);
		add_key_schema(to, indexes[i].hash, indexes[i].range);
		buf_printf(to, ",\"Projection\":{\"ProjectionType\":\"INCLUDE\""
			   ",\"NonKeyAttributes\":[%s]}}", indexes[i].include);
	}
	buf_add_text(to, "]}");
}

static bool call(struct dynamodb *db, const char *action, const char *rest,
		 struct json *ret, struct str *ret_code, struct error *err)
{
	struct buf body;

	buf_init(&body, db->scratch, BODY_MAX_BYTES);
	buf_printf(&body, "{\"TableName\":\"%s\"%s}", db->table, rest);
	return dynamodb_call(db, action, buf_str(&body), db->scratch, ret,
			     ret_code, err);
}

static bool key_is(struct json described, const char *hash, const char *range)
{
	struct json schema = json_member(described, "KeySchema");
	struct json first = json_element(schema, 0);
	struct json second = json_element(schema, 1);

	return json_count(schema) == 2 &&
	       str_is(json_string(json_member(first, "AttributeName")), hash) &&
	       str_is(json_string(json_member(second, "AttributeName")), range);
}

static struct json index_named(struct json table, const char *name)
{
	struct json_iterator it = json_first_element(
		json_member(table, "GlobalSecondaryIndexes"));

	while (it.value.value &&
	       !str_is(json_string(json_member(it.value, "IndexName")), name))
		json_next(&it);
	return it.value;
}

/* Every attribute that the index has to hold is there; more do no harm. */
static bool projects(struct json index, const char *include)
{
	struct json projection = json_member(index, "Projection");
	struct json names = json_member(projection, "NonKeyAttributes");
	struct str list = str_from(include), wanted;

	if (str_is(json_string(json_member(projection, "ProjectionType")),
		   "ALL"))
		return true;
	while (str_next(&list, ',', &wanted)) {
		struct str bare = { wanted.ptr + 1, wanted.len - 2 };
		struct json_iterator it = json_first_element(names);

		while (it.value.value && !str_eq(json_string(it.value), bare))
			json_next(&it);
		if (!it.value.value)
			return false;
	}
	return true;
}

static bool is_active(struct json described, const char *member)
{
	return str_is(json_string(json_member(described, member)), "ACTIVE");
}

static bool compare(struct dynamodb *db, struct json table, struct error *err)
{
	if (!key_is(table, "pk", "sk"))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "dynamodb: the key of table %s is not pk, "
				   "sk: it is another program's", db->table);
	if (!is_active(table, "TableStatus"))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "dynamodb: table %s is not active yet",
				   db->table);
	for (size_t i = 0; i < ARRAY_LEN(indexes); i++) {
		struct json index = index_named(table, indexes[i].name);

		if (!index.value)
			return error_cause(err, ERROR_UNAVAILABLE,
					   "dynamodb: table %s has no index %s",
					   db->table, indexes[i].name);
		if (!key_is(index, indexes[i].hash, indexes[i].range) ||
		    !projects(index, indexes[i].include))
			return error_cause(
				err, ERROR_UNAVAILABLE,
				"dynamodb: index %s of table %s is not %s, %s "
				"with %s", indexes[i].name, db->table,
				indexes[i].hash, indexes[i].range,
				indexes[i].include);
		if (!is_active(index, "IndexStatus"))
			return error_cause(err, ERROR_UNAVAILABLE,
					   "dynamodb: index %s of table %s is "
					   "not active yet", indexes[i].name,
					   db->table);
	}
	return true;
}

bool dynamodb_table_check(struct dynamodb *db, struct error *err)
{
	struct json answer;
	struct str code;

	dynamodb_fresh(db);
	return call(db, "DescribeTable", "", &answer, &code, err) &&
	       compare(db, json_member(answer, "Table"), err);
}

static bool wait_until_active(struct dynamodb *db, struct error *err)
{
	const struct timespec pause = { 0, WAIT_MS * 1000 * 1000 };
	struct json answer;
	struct str code;

	for (int i = 0; i < WAITS; i++) {
		dynamodb_fresh(db);
		if (!call(db, "DescribeTable", "", &answer, &code, err))
			return false;
		if (is_active(json_member(answer, "Table"), "TableStatus"))
			return true;
		nanosleep(&pause, NULL);
	}
	return error_cause(err, ERROR_UNAVAILABLE,
			   "dynamodb: table %s is still not active; try again",
			   db->table);
}

static bool create(struct dynamodb *db, struct error *err)
{
	struct json answer;
	struct str code;
	struct buf body;

	buf_init(&body, db->scratch, BODY_MAX_BYTES);
	add_table(&body, db->table);
	if (dynamodb_call(db, "CreateTable", buf_str(&body), db->scratch,
			  &answer, &code, err))
		return true;
	/* another one was faster, or our first call's answer was lost */
	if (!str_is(code, "ResourceInUseException"))
		return false;
	error_init(err);
	return true;
}

static bool is_time_to_live(struct json answer)
{
	struct json described = json_member(answer, "TimeToLiveDescription");
	struct str status = json_string(json_member(described,
						    "TimeToLiveStatus"));

	return (str_is(status, "ENABLED") || str_is(status, "ENABLING")) &&
	       str_is(json_string(json_member(described, "AttributeName")),
		      "ex");
}

/* Also of a table that was there: its maker may have died before, or have been
 * another. An engine without it keeps what has expired; nobody sees it. */
static bool set_time_to_live(struct dynamodb *db, struct error *err)
{
	struct json answer;
	struct str code;

	dynamodb_fresh(db);
	if (call(db, "DescribeTimeToLive", "", &answer, &code, err)) {
		db->base.time_to_live = SETUP_KEPT;
		if (is_time_to_live(answer))
			return true;
		db->base.time_to_live = SETUP_MADE;
		if (call(db, "UpdateTimeToLive",
			 ",\"TimeToLiveSpecification\":{\"AttributeName\":"
			 "\"ex\",\"Enabled\":true}", &answer, &code, err))
			return true;
	}
	if (!code.len)
		return false;
	db->base.time_to_live = SETUP_SKIPPED;
	error_init(err);
	return true;
}

const char *dynamodb_table_lacks(struct dynamodb *db)
{
	struct error ignored;
	struct json answer;
	struct str code;

	error_init(&ignored);
	dynamodb_fresh(db);
	if (!call(db, "DescribeTimeToLive", "", &answer, &code, &ignored) ||
	    is_time_to_live(answer))
		return NULL;
	return "its time to live is off, what has expired stays. Run "
	       "`ordermill init`.";
}

bool dynamodb_table_make(struct dynamodb *db, struct error *err)
{
	struct json answer;
	struct str code;

	dynamodb_fresh(db);
	if (!call(db, "DescribeTable", "", &answer, &code, err)) {
		if (!str_is(code, "ResourceNotFoundException"))
			return false;
		error_init(err);
		if (!create(db, err))
			return false;
		db->base.made = true;
	}
	return wait_until_active(db, err) && set_time_to_live(db, err) &&
	       dynamodb_table_check(db, err);
}
