/*
 * dynamodb_list.c: pages of orders.
 *
 * An index gives candidates in the order of the sort (or all of a customer or a
 * search, of which the best are kept); then the orders themselves are read,
 * consistently, and what no longer fits is dropped: an index lags behind.
 * A filter runs after DynamoDB's Limit, so a page is asked for until it is full
 * or the index ends.
 */
#include "adapters/dynamodb_list.h"

#include "adapters/dynamodb_filter.h"

#include "base/banned.h"

#define FILTER_BYTES (4u * KIB)		/* DynamoDB's limit to an expression */
/* With a filter: what is looked at first, times the page; then a megabyte. */
#define PROBE 20u
#define MANY_STATUSES 3

struct candidate {
	int64_t value;
	char id[ORDER_ID_BYTES];
};

struct listing {
	struct dynamodb *db;
	struct order_query query;	/* its position moves on */
	struct arena *arena;		/* the caller's */
	struct dynamodb_filter filter;	/* of `query` */
	struct candidate *best;		/* in the direction of the query */
	size_t count, wanted;
	bool by_month;
	bool one_look;			/* the first request only */
};

/* A part of an index that is read from one end to the other. */
struct source {
	const char *index, *hash_name, *range_name;
	struct str hash;
	enum order_sort_key order;	/* that of the range key */
	bool one_status;
};

/* --- candidates ---------------------------------------------------------- */

/* Keeps the best ones; those of an index come in order, so that this is one
 * comparison each. One that changes its status meanwhile is met under both. */
static void take(struct listing *list, const struct candidate *candidate)
{
	const struct order_query *query = &list->query;
	size_t at = list->count;
	int order;

	if (query->has_position &&
	    order_query_compare(query, candidate->value, candidate->id,
				query->position_value,
				query->position_id) <= 0)
		return;
	for (; at; at--) {
		order = order_query_compare(query, candidate->value,
					    candidate->id,
					    list->best[at - 1].value,
					    list->best[at - 1].id);
		if (order == 0)
			return;
		if (order > 0)
			break;
	}
	if (at == list->wanted)
		return;
	if (list->count < list->wanted)
		list->count++;
	memmove(&list->best[at + 1], &list->best[at],
		(list->count - 1 - at) * sizeof(*list->best));
	list->best[at] = *candidate;
}

static void read_candidate(struct json item, const struct source *source,
			   enum order_sort_key sort, struct candidate *ret)
{
	struct str key = dynamodb_str(item, source->range_name), number;
	uint64_t value = 0;

	memset(ret, 0, sizeof(*ret));
	if (!key.ptr || !str_next(&key, '#', &number))
		return;
	snprintf(ret->id, sizeof(ret->id), "%.*s", STR_ARG(key));
	if (source->order != sort)
		ret->value = dynamodb_int(item, sort == SORT_PRICE ? "pr"
								   : "up");
	else if (str_to_uint(number, INT64_MAX, &value))
		ret->value = (int64_t)value;
}

static bool collect_from(struct listing *list, const struct source *source,
			 struct error *err)
{
	bool ordered = source->order == list->query.sort;
	char low[DYNAMODB_SORT_BYTES], high[DYNAMODB_SORT_BYTES];
	struct dynamodb_query query = {
		.index = source->index,
		.descending = !order_query_ascends(&list->query),
	};
	struct candidate candidate;
	struct json_iterator it;
	struct json items;
	struct buf filter;
	char condition[64];
	size_t seen = 0;

	if (!dynamodb_filter_bounds(&list->filter, source->order, low, high))
		return true;
	/* kept from call to call, each of which begins scratch anew */
	buf_init(&filter, list->arena, FILTER_BYTES);
	buf_init(&query.values, list->arena, 16 * FILTER_BYTES);
	snprintf(condition, sizeof(condition), "%s = :h AND %s BETWEEN :a AND :b",
		 source->hash_name, source->range_name);
	query.condition = condition;
	dynamodb_add_str(&query.values, ":h", source->hash);
	dynamodb_add_str(&query.values, ":a", str_from(low));
	dynamodb_add_str(&query.values, ":b", str_from(high));
	dynamodb_filter_add(&list->filter, source->order, source->one_status,
			    &filter, &query.values);
	query.filter = filter.ptr;
	query.limit = ordered ? (unsigned)list->wanted *
					(filter.len ? PROBE : 1) : 0;
	do {
		dynamodb_fresh(list->db);
		if (!dynamodb_query(list->db, &query, list->db->scratch, &items,
				    err))
			return false;
		for (it = json_first_element(items); it.value.value;
		     json_next(&it), seen++) {
			read_candidate(it.value, source, list->query.sort,
				       &candidate);
			take(list, &candidate);
		}
		if (query.start.ptr)
			query.start = arena_str(list->arena, query.start);
		query.limit = 0;
	} while (query.start.ptr && !list->one_look &&
		 !(ordered && seen >= list->wanted));
	return true;
}

static bool collect_statuses(struct listing *list, struct error *err)
{
	struct source source = { "by_status", "st", "ck", .order = SORT_CREATED,
				 .one_status = true };

	for (int i = 0; i < STATUS_COUNT; i++) {
		if (!(list->query.statuses & 1u << i))
			continue;
		source.hash = str_from(order_status_name((enum order_status)i));
		if (!collect_from(list, &source, err))
			return false;
	}
	return true;
}

static int64_t time_of_key(const char *key)
{
	uint64_t value = 0;

	return str_to_uint((struct str){ key, 15 }, DYNAMODB_TIME_MAX_MS,
			   &value) ? (int64_t)value : DYNAMODB_TIME_MAX_MS;
}

/* The months in the order of the page, until it is full. */
static bool collect_months(struct listing *list, struct error *err)
{
	struct source source = { "by_created", "mo", "ck",
				 .order = SORT_CREATED };
	char low[DYNAMODB_SORT_BYTES], high[DYNAMODB_SORT_BYTES];
	char first[DYNAMODB_MONTH_BYTES], last[DYNAMODB_MONTH_BYTES];
	size_t count = list->db->month_count;

	if (!dynamodb_filter_bounds(&list->filter, source.order, low, high))
		return true;
	dynamodb_month_of(time_of_key(low), first);
	dynamodb_month_of(time_of_key(high), last);
	for (size_t i = 0; i < count && list->count < list->wanted; i++) {
		const char *month = list->db->months[
			order_query_ascends(&list->query) ? i : count - 1 - i];

		if (strcmp(month, first) < 0 || strcmp(month, last) > 0)
			continue;
		source.hash = arena_str(list->arena, str_from(month));
		if (!collect_from(list, &source, err))
			return false;
		if (list->one_look)
			break;
	}
	return true;
}

/*
 * Many statuses: most orders have one of them, as a rule, and a look at the
 * newest fills the page. Else each status is asked, whose cost is bounded.
 */
static bool collect_by_status(struct listing *list, struct error *err)
{
	if (__builtin_popcount(list->query.statuses) >= MANY_STATUSES) {
		list->by_month = list->one_look = true;
		if (!collect_months(list, err))
			return false;
		list->one_look = false;
		if (list->count == list->wanted)
			return true;
		list->count = 0;
	}
	return collect_statuses(list, err);
}

static bool collect(struct listing *list, struct error *err)
{
	const struct order_query *query = &list->query;
	struct source source = { "by_kind", "kd", "ck", STR("order"),
				 .order = SORT_CREATED };

	list->count = 0;
	if (query->customer_email.ptr) {
		source.index = "by_owner";
		source.hash_name = "ow";
		source.hash = query->customer_email;
	} else if (list->filter.word_count) {
		;
	} else if (query->sort == SORT_PRICE) {
		source.index = "by_price";
		source.range_name = "rk";
		source.order = SORT_PRICE;
	} else if (query->sort == SORT_UPDATED) {
		source.index = "by_updated";
		source.range_name = "uk";
		source.order = SORT_UPDATED;
	} else if (query->statuses) {
		return collect_by_status(list, err);
	} else {
		list->by_month = true;
		return collect_months(list, err);
	}
	return collect_from(list, &source, err);
}

/* --- the orders ---------------------------------------------------------- */

/*
 * Reads the candidates, appends those that fit, and moves on behind the last of
 * them. With them comes the list of months, for nothing: *ret_anew when there
 * was a month that was not looked at.
 */
static bool fetch(struct listing *list, struct order_page *ret, bool *ret_anew,
		  struct error *err)
{
	size_t count = list->count + list->by_month;
	struct dynamodb_name *keys = arena_alloc(list->arena,
						 (count + 1) * sizeof(*keys));
	struct json *items = arena_alloc(list->arena,
					 (count + 1) * sizeof(*items));

	dynamodb_fresh(list->db);
	for (size_t i = 0; i < list->count; i++)
		keys[i] = (struct dynamodb_name){
			str_from(arena_printf(list->arena, "o#%s",
					      list->best[i].id)),
			STR("o"),
		};
	if (list->by_month)
		keys[list->count] = (struct dynamodb_name){ STR("months"),
							    STR("months") };
	if (!dynamodb_get_many(list->db, keys, count, list->db->scratch, items,
			       err))
		return false;
	*ret_anew = list->by_month &&
		    dynamodb_months_changed(list->db, items[list->count]);
	for (size_t i = 0; i < list->count && !*ret_anew; i++) {
		struct stored_order *order = &ret->orders[ret->count];

		if (!dynamodb_filter_fits(&list->filter, items[i],
					  list->best[i].value))
			continue;
		ret->count++;
		order->json = dynamodb_text(items[i], "js", list->arena);
		order->version = dynamodb_int(items[i], "vn");
		order->sort_value = list->best[i].value;
		memcpy(order->id, list->best[i].id, sizeof(order->id));
	}
	return true;
}

static void go_behind_last(struct listing *list)
{
	const struct candidate *last = &list->best[list->count - 1];

	list->query.has_position = true;
	list->query.position_value = last->value;
	memcpy(list->query.position_id, last->id, sizeof(last->id));
}

/* The page and one more, which says whether more follow. */
static bool fill(struct listing *list, struct order_page *ret,
		 struct error *err)
{
	const struct order_query asked = list->query;
	size_t all = (size_t)asked.limit + 1;
	bool anew, ended;

	while (ret->count < all) {
		list->wanted = all - ret->count;
		if (!collect(list, err))
			return false;
		ended = list->count < list->wanted;
		if (!list->count && !list->by_month)
			return true;
		if (!fetch(list, ret, &anew, err))
			return false;
		if (anew) {
			ret->count = 0;
			list->query = asked;
			continue;
		}
		if (ended)
			return true;
		go_behind_last(list);
	}
	return true;
}

bool dynamodb_list(struct dynamodb *db, const struct order_query *query,
		   struct arena *arena, struct order_page *ret,
		   struct error *err)
{
	struct listing list = { .db = db, .query = *query, .arena = arena };
	size_t bytes = (size_t)query->limit + 2;

	*ret = (struct order_page){ 0 };
	if (list.query.statuses == (1u << STATUS_COUNT) - 1)
		list.query.statuses = 0;
	ret->orders = arena_alloc(arena, bytes * sizeof(*ret->orders));
	list.best = arena_alloc(arena, bytes * sizeof(*list.best));
	if (!dynamodb_filter_init(&list.filter, &list.query, arena))
		return true;
	if (!fill(&list, ret, err))
		return false;
	order_page_finish(ret, query);
	return true;
}
