/*
 * dynamodb_deletion_list.c: which deletions an index proposes, and which of
 * them are as asked once they are read.
 */
#include "adapters/dynamodb_deletion.h"

#include "base/banned.h"

static bool is_selected(const struct deletion *deletion,
			const struct deletion_selector *selector)
{
	enum deletion_state state = deletion->state;

	if (deletion->deleted_ms >= selector->before_ms)
		return false;
	switch (selector->selection) {
	case DELETIONS_ALL:
		return true;
	case DELETIONS_OPEN:
		return state < DELETION_DONE;
	case DELETIONS_PENDING:
		return state == DELETION_PENDING;
	case DELETIONS_TO_RING:
		return state == DELETION_PENDING && !deletion->acknowledged &&
		       !deletion->dead &&
		       deletion->next_attempt_ms <= selector->now_ms;
	case DELETIONS_TO_CLOSE:
		return (state == DELETION_ARCHIVED ||
			state == DELETION_MAILED) &&
		       !deletion_mails_waiting(deletion);
	case DELETIONS_DEAD:
		return deletion->dead || deletion->mails_dead;
	}
	return false;
}

static const struct {
	const char *index, *condition, *hash, *filter;
} selections[] = {
	[DELETIONS_ALL] = { "by_kind", "kd = :h AND ck < :from", "deletion",
			    "" },
	[DELETIONS_OPEN] = { "by_work", "wk = :h AND wo > :from", "open", "" },
	[DELETIONS_PENDING] = { "by_work", "wk = :h AND wo > :from", "open",
				"ds = :pending" },
	[DELETIONS_TO_RING] = { "by_work", "wk = :h AND wo > :from", "open",
				"ds = :pending AND ac = :no AND bd = :no"
				" AND na <= :time" },
	[DELETIONS_TO_CLOSE] = { "by_work", "wk = :h AND wo > :from", "open",
				 "ds <> :pending AND mw = :no" },
	[DELETIONS_DEAD] = { "by_status", "st = :h AND ck > :from", "dead",
			     "" },
};

/* Unused values are refused: each is added only where it is used. */
static struct dynamodb_query
query_for(const struct deletion_selector *selector, const char *from,
	  struct arena *arena)
{
	bool all = selector->selection == DELETIONS_ALL;
	struct dynamodb_query query = {
		.index = selections[selector->selection].index,
		.condition = selections[selector->selection].condition,
		.descending = all,
	};
	struct buf filter;

	buf_init(&filter, arena, KIB);
	buf_init(&query.values, arena, KIB);
	buf_add_text(&filter, selections[selector->selection].filter);
	dynamodb_add_str(&query.values, ":h",
			 str_from(selections[selector->selection].hash));
	dynamodb_add_str(&query.values, ":from",
			 str_from(*from ? from : all ? "~" : "!"));
	if (strstr(filter.ptr, ":pending"))
		dynamodb_add_int(&query.values, ":pending", DELETION_PENDING);
	if (strstr(filter.ptr, ":no"))
		dynamodb_add_int(&query.values, ":no", 0);
	if (strstr(filter.ptr, ":time"))
		dynamodb_add_int(&query.values, ":time", selector->now_ms);
	if (selector->before_ms != INT64_MAX) {
		buf_add_text(&filter, filter.len ? " AND dl < :old"
						 : "dl < :old");
		dynamodb_add_int(&query.values, ":old", selector->before_ms);
	}
	query.filter = filter.ptr;
	return query;
}

bool dynamodb_deletions_propose(struct dynamodb *db,
				const struct deletion_selector *selector,
				const char *from, size_t wanted,
				struct arena *arena,
				char (*ids)[ORDER_ID_BYTES], size_t *ret_count,
				struct error *err)
{
	struct dynamodb_query query = query_for(selector, from, arena);
	const char *name = strcmp(query.index, "by_work") ? "ck" : "wo";
	struct json_iterator it;
	struct json items;

	*ret_count = 0;
	do {
		query.limit = *query.filter ? 0
					    : (unsigned)(wanted - *ret_count);
		dynamodb_fresh(db);
		if (!dynamodb_query(db, &query, db->scratch, &items, err))
			return false;
		for (it = json_first_element(items);
		     it.value.value && *ret_count < wanted; json_next(&it))
			dynamodb_id(it.value, name, ids[(*ret_count)++]);
		if (query.start.ptr)
			query.start = arena_str(arena, query.start);
	} while (query.start.ptr && *ret_count < wanted);
	return true;
}

static bool read_selected(struct dynamodb *db,
			  const struct deletion_selector *selector,
			  char (*ids)[ORDER_ID_BYTES], size_t count,
			  struct arena *arena, struct deletion_page *page,
			  struct error *err)
{
	struct dynamodb_name *keys = arena_alloc(arena,
						 (count + 1) * sizeof(*keys));
	struct json *items = arena_alloc(arena, (count + 1) * sizeof(*items));
	struct deletion_record record;

	dynamodb_fresh(db);
	for (size_t i = 0; i < count; i++)
		keys[i] = (struct dynamodb_name){
			str_from(arena_printf(arena, "d#%s", ids[i])), STR("d"),
		};
	if (!dynamodb_get_many(db, keys, count, db->scratch, items, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!dynamodb_is(items[i]))
			continue;
		deletion_record_read(items[i], arena, &record);
		if (is_selected(&record.deletion, selector))
			page->deletions[page->count++] = record.deletion;
	}
	return true;
}

bool dynamodb_deletions_list(struct dynamodb *db,
			     const struct deletion_selector *selector,
			     const char *after, size_t limit,
			     struct arena *arena, struct deletion_page *ret,
			     struct error *err)
{
	size_t all = limit + 1, count, wanted;
	char (*ids)[ORDER_ID_BYTES] = arena_alloc(arena, all * sizeof(*ids));
	char from[ORDER_ID_BYTES];

	*ret = (struct deletion_page){ 0 };
	ret->deletions = arena_alloc(arena, all * sizeof(*ret->deletions));
	snprintf(from, sizeof(from), "%s", after ? after : "");
	do {
		wanted = all - ret->count;
		if (!dynamodb_deletions_propose(db, selector, from, wanted,
						arena, ids, &count, err))
			return false;
		if (!count)
			break;
		if (!read_selected(db, selector, ids, count, arena, ret, err))
			return false;
		memcpy(from, ids[count - 1], sizeof(from));
	} while (count == wanted && ret->count < all);
	ret->has_more = ret->count > limit;
	ret->count -= ret->has_more;
	return true;
}
