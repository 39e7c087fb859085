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

#include "base/limits.h"
#include "order/search.h"
#include "order/text.h"

#include "base/banned.h"

#define TEXT_BYTES (4u * LIMIT_ITEM_BYTES)
#define TIME_MAX_MS 253402300799999	/* the year 9999 ends */
#define FILTER_BYTES (4u * KIB)		/* DynamoDB's limit to an expression */
/* Of a filter's words the rest is looked for in the orders that were read. */
#define FILTER_WORDS 60u
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
	struct str *words;		/* each must be in the text */
	size_t word_count;
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

/* Towards greater values? Backwards is the other way round. */
static bool ascends(const struct order_query *query)
{
	return query->descending == query->backwards;
}

/* --- keys and texts ------------------------------------------------------ */

void dynamodb_sort_key(enum order_sort_key sort, int64_t value, const char *id,
		       char ret[DYNAMODB_SORT_BYTES])
{
	if (value < 0)
		value = 0;
	if (sort != SORT_PRICE && value > TIME_MAX_MS)
		value = TIME_MAX_MS;
	snprintf(ret, DYNAMODB_SORT_BYTES, "%0*lld#%s",
		 sort == SORT_PRICE ? 19 : 15, (long long)value, id);
}

struct str dynamodb_search_text(const struct order *order, struct arena *arena)
{
	struct buf plain, folded;

	buf_init(&plain, arena, TEXT_BYTES);
	buf_init(&folded, arena, 2 * TEXT_BYTES);
	order_search_text(order, &plain);
	buf_add_char(&folded, ' ');
	search_fold(buf_str(&plain), &folded);
	buf_add_char(&folded, ' ');
	return buf_str(&folded);
}

/*
 * What FTS5 is asked elsewhere, `"red"* AND "手 机"`, as texts to look for: a
 * word's beginning, ` red`, or whole characters in a row, ` 手 机 `. False when
 * there is nothing to search for.
 */
static bool read_words(struct listing *list)
{
	struct str rest, part;
	struct buf asked;
	char *word;

	if (!list->query.search.ptr)
		return true;
	buf_init(&asked, list->arena, 16 * KIB);
	if (!search_fts5_query(list->query.search, &asked))
		return false;
	list->words = arena_alloc(list->arena,
				  (asked.len / 2 + 1) * sizeof(*list->words));
	rest = buf_str(&asked);
	while (str_next(&rest, '"', &part)) {	/* before a quote */
		if (!str_next(&rest, '"', &part))
			break;			/* nothing is quoted any more */
		word = arena_printf(list->arena, " %.*s%s", STR_ARG(part),
				    rest.len && rest.ptr[0] == '*' ? "" : " ");
		list->words[list->word_count++] = str_from(word);
	}
	return true;
}

/* --- what an index is asked ---------------------------------------------- */

/* A key just below `key`, and above all others that are below it. */
static void step_down(char key[DYNAMODB_SORT_BYTES])
{
	size_t len = strlen(key);

	key[len - 1]--;
	key[len] = '~';
	key[len + 1] = '\0';
}

static void bound(enum order_sort_key sort, int64_t value, const char *behind,
		  char ret[DYNAMODB_SORT_BYTES])
{
	dynamodb_sort_key(sort, value, "", ret);
	snprintf(ret + strlen(ret) - 1, 2, "%s", behind);
}

static void filter_bounds(const struct listing *list, enum order_sort_key sort,
			  char low[DYNAMODB_SORT_BYTES],
			  char high[DYNAMODB_SORT_BYTES])
{
	const struct order_query *query = &list->query;
	int64_t from = 0, to = INT64_MAX;

	if (sort == SORT_CREATED) {
		from = query->created_from_ms;
		to = query->created_to_ms == INT64_MAX
			     ? INT64_MAX : query->created_to_ms - 1;
	} else if (sort == SORT_PRICE) {
		from = query->price_from_minor;
		to = query->price_to_minor;
	}
	bound(sort, from, "#", low);
	bound(sort, to, "~", high);
	if (to < 0)
		low[0] = '~';	/* there is nothing */
}

/* False when nothing can be between. */
static bool find_bounds(const struct listing *list, const struct source *source,
			char low[DYNAMODB_SORT_BYTES],
			char high[DYNAMODB_SORT_BYTES])
{
	const struct order_query *query = &list->query;
	char at[DYNAMODB_SORT_BYTES];

	filter_bounds(list, source->order, low, high);
	if (query->has_position && source->order == query->sort) {
		dynamodb_sort_key(query->sort, query->position_value,
				  query->position_id, at);
		if (ascends(query)) {
			memcpy(at + strlen(at), "!", 2);
			if (strcmp(at, low) > 0)
				memcpy(low, at, sizeof(at));
		} else {
			step_down(at);
			if (strcmp(at, high) < 0)
				memcpy(high, at, sizeof(at));
		}
	}
	return strcmp(low, high) <= 0;
}

static void add_condition(struct buf *filter, const char *text)
{
	if (filter->len)
		buf_add_text(filter, " AND ");
	buf_add_text(filter, text);
}

static void filter_status(const struct order_query *query, struct buf *filter,
			  struct buf *values)
{
	const char *separator = "st IN (";
	char name[8];

	if (filter->len)
		buf_add_text(filter, " AND ");
	for (int i = 0; i < STATUS_COUNT; i++) {
		if (!(query->statuses & 1u << i))
			continue;
		snprintf(name, sizeof(name), ":s%d", i);
		buf_printf(filter, "%s%s", separator, name);
		dynamodb_add_str(values, name,
				 str_from(order_status_name(
					 (enum order_status)i)));
		separator = ", ";
	}
	buf_add_char(filter, ')');
}

static void filter_words(const struct listing *list, struct buf *filter,
			 struct buf *values)
{
	char name[16], condition[40];

	for (size_t i = 0; i < list->word_count && i < FILTER_WORDS; i++) {
		snprintf(name, sizeof(name), ":w%zu", i);
		snprintf(condition, sizeof(condition), "contains(tx, %s)",
			 name);
		add_condition(filter, condition);
		dynamodb_add_str(values, name, list->words[i]);
	}
}

/* All that the key of the source does not do. */
static void add_filters(const struct listing *list, const struct source *source,
			struct buf *filter, struct buf *values)
{
	const struct order_query *query = &list->query;

	if (query->statuses && !source->one_status)
		filter_status(query, filter, values);
	if (source->order != SORT_PRICE &&
	    (query->price_from_minor != INT64_MIN ||
	     query->price_to_minor != INT64_MAX)) {
		add_condition(filter, "pr BETWEEN :p0 AND :p1");
		dynamodb_add_int(values, ":p0", query->price_from_minor);
		dynamodb_add_int(values, ":p1", query->price_to_minor);
	}
	if (source->order != SORT_CREATED &&
	    (query->created_from_ms != INT64_MIN ||
	     query->created_to_ms != INT64_MAX)) {
		add_condition(filter, "cr >= :c0 AND cr < :c1");
		dynamodb_add_int(values, ":c0", query->created_from_ms);
		dynamodb_add_int(values, ":c1", query->created_to_ms);
	}
	filter_words(list, filter, values);
}

/* --- candidates ---------------------------------------------------------- */

/* Positive: `a` comes behind `b`. */
static int compare(const struct order_query *query, int64_t value,
		   const char *id, const struct candidate *b)
{
	int order = value < b->value ? -1 :
		    value > b->value ? 1 : strcmp(id, b->id);

	return ascends(query) ? order : -order;
}

/* Keeps the best ones; those of an index come in order, so that this is one
 * comparison each. */
static void take(struct listing *list, const struct candidate *candidate)
{
	const struct order_query *query = &list->query;
	struct candidate position = { .value = query->position_value };
	size_t at = list->count;

	memcpy(position.id, query->position_id, sizeof(position.id));
	if (query->has_position && compare(query, candidate->value,
					   candidate->id, &position) <= 0)
		return;
	while (at && compare(query, candidate->value, candidate->id,
			     &list->best[at - 1]) < 0)
		at--;
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
		.index = source->index, .descending = !ascends(&list->query),
	};
	struct candidate candidate;
	struct json_iterator it;
	struct json items;
	struct buf filter;
	char condition[64];
	size_t seen = 0;

	if (!find_bounds(list, source, low, high))
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
	add_filters(list, source, &filter, &query.values);
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

	return str_to_uint((struct str){ key, 15 }, TIME_MAX_MS, &value)
		       ? (int64_t)value : TIME_MAX_MS;
}

/* The months in the order of the page, until it is full. */
static bool collect_months(struct listing *list, struct error *err)
{
	struct source source = { "by_created", "mo", "ck",
				 .order = SORT_CREATED };
	char low[DYNAMODB_SORT_BYTES], high[DYNAMODB_SORT_BYTES];
	char first[DYNAMODB_MONTH_BYTES], last[DYNAMODB_MONTH_BYTES];
	size_t count = list->db->month_count;

	if (!find_bounds(list, &source, low, high))
		return true;
	dynamodb_month_of(time_of_key(low), first);
	dynamodb_month_of(time_of_key(high), last);
	for (size_t i = 0; i < count && list->count < list->wanted; i++) {
		const char *month = list->db->months[
			ascends(&list->query) ? i : count - 1 - i];

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
	} else if (list->word_count) {
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

static bool has_words(const struct listing *list, struct json item)
{
	struct str text = dynamodb_str(item, "tx");

	for (size_t i = 0; i < list->word_count; i++)
		if (!text.ptr || !memmem(text.ptr, text.len, list->words[i].ptr,
					 list->words[i].len))
			return false;
	return true;
}

static bool has_status(const struct order_query *query, struct json item)
{
	enum order_status status;

	return !query->statuses ||
	       (order_status_from(dynamodb_str(item, "st"), &status) &&
		query->statuses & 1u << status);
}

static bool matches(const struct listing *list, struct json item,
		    const struct candidate *candidate)
{
	static const char *const names[] = {
		[SORT_CREATED] = "cr", [SORT_UPDATED] = "up",
		[SORT_PRICE] = "pr",
	};
	const struct order_query *query = &list->query;
	int64_t price = dynamodb_int(item, "pr");
	int64_t created_ms = dynamodb_int(item, "cr");

	return dynamodb_str(item, "js").ptr &&
	       dynamodb_int(item, names[query->sort]) == candidate->value &&
	       has_status(query, item) &&
	       (!query->customer_email.ptr ||
		str_eq(query->customer_email, dynamodb_str(item, "ow"))) &&
	       price >= query->price_from_minor &&
	       price <= query->price_to_minor &&
	       created_ms >= query->created_from_ms &&
	       created_ms < query->created_to_ms && has_words(list, item);
}

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

		if (!matches(list, items[i], &list->best[i]))
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

static void reverse(struct stored_order *orders, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct stored_order other = orders[i];

		orders[i] = orders[count - 1 - i];
		orders[count - 1 - i] = other;
	}
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
	if (query->price_from_minor > query->price_to_minor ||
	    query->created_from_ms >= query->created_to_ms ||
	    !read_words(&list))
		return true;
	if (!fill(&list, ret, err))
		return false;
	ret->has_more = ret->count > query->limit;
	ret->count -= ret->has_more;
	if (query->backwards)
		reverse(ret->orders, ret->count);
	return true;
}
