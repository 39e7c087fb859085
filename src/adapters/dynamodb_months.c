/*
 * dynamodb_months.c: which months have orders. A month is added before its
 * first order, so that one who knows all months misses no order.
 */
#include "adapters/dynamodb.h"

#include "base/banned.h"

void dynamodb_month_of(int64_t time_ms, char ret[DYNAMODB_MONTH_BYTES])
{
	char text[TIME_TEXT_BYTES];

	time_format(time_ms, text);
	memcpy(ret, text, DYNAMODB_MONTH_BYTES - 1);
	ret[DYNAMODB_MONTH_BYTES - 1] = '\0';
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool is_known(const struct dynamodb *db, const char *month)
{
	return db->month_count && bsearch(month, db->months, db->month_count,
					  DYNAMODB_MONTH_BYTES, compare);
}

/* Forgotten without memory: then it is asked for again. */
static void learn(struct dynamodb *db, const char *month)
{
	void *months = realloc(db->months, (db->month_count + 1) *
						   DYNAMODB_MONTH_BYTES);

	if (!months)
		return;
	db->months = months;
	snprintf(db->months[db->month_count++], DYNAMODB_MONTH_BYTES, "%s",
		 month);
	qsort(db->months, db->month_count, DYNAMODB_MONTH_BYTES, compare);
}

bool dynamodb_month_add(struct dynamodb *db, int64_t time_ms,
			struct error *err)
{
	struct dynamodb_write write;
	struct buf key = dynamodb_key(db, "months", STR(""), "months");
	struct buf values = dynamodb_map(db);
	char month[DYNAMODB_MONTH_BYTES];

	dynamodb_month_of(time_ms, month);
	if (is_known(db, month))
		return true;
	buf_printf(&values, "\":m\":{\"SS\":[\"%s\"]}", month);
	dynamodb_write_init(&write, db);
	dynamodb_write_add(&write, "Update", &key, "ADD ms :m", NULL, &values);
	if (dynamodb_commit(&write, err) != DYNAMODB_WRITTEN)
		return false;
	learn(db, month);
	return true;
}

bool dynamodb_months_changed(struct dynamodb *db, struct json item)
{
	struct json set = json_member(json_member(item, "ms"), "SS");
	struct json_iterator it;
	char month[DYNAMODB_MONTH_BYTES];
	bool changed = false;

	for (it = json_first_element(set); it.value.value; json_next(&it)) {
		snprintf(month, sizeof(month), "%.*s",
			 STR_ARG(json_string(it.value)));
		if (is_known(db, month))
			continue;
		learn(db, month);
		changed = true;
	}
	return changed;
}
