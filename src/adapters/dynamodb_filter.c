/*
 * dynamodb_filter.c: what a query asks, of an index and of an order that was
 * read; and the keys and texts by which an order is found.
 */
#include "adapters/dynamodb_filter.h"

#include "base/limits.h"
#include "order/search.h"

#include "base/banned.h"

#define TEXT_BYTES (4u * LIMIT_ITEM_BYTES)
/* Of a filter's words the rest is looked for in the orders that were read. */
#define FILTER_WORDS 60u

void dynamodb_sort_key(enum order_sort_key sort, int64_t value, const char *id,
		       char ret[DYNAMODB_SORT_BYTES])
{
	size_t digits = sort == SORT_PRICE ? 19 : 15, id_bytes = strlen(id);

	if (value < 0)
		value = 0;
	if (sort != SORT_PRICE && value > DYNAMODB_TIME_MAX_MS)
		value = DYNAMODB_TIME_MAX_MS;
	for (size_t i = digits; i-- > 0; value /= 10)
		ret[i] = (char)('0' + value % 10);
	ret[digits] = '#';
	if (id_bytes >= ORDER_ID_BYTES)
		id_bytes = ORDER_ID_BYTES - 1;
	memcpy(ret + digits + 1, id, id_bytes);
	ret[digits + 1 + id_bytes] = '\0';
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
static bool read_words(struct dynamodb_filter *filter, struct arena *arena)
{
	struct str rest, part;
	struct buf asked;
	char *word;

	if (!filter->query->search.ptr)
		return true;
	buf_init(&asked, arena, 16 * KIB);
	if (!search_fts5_query(filter->query->search, &asked))
		return false;
	filter->words = arena_alloc(arena, (asked.len / 2 + 1) *
						   sizeof(*filter->words));
	rest = buf_str(&asked);
	while (str_next(&rest, '"', &part)) {	/* before a quote */
		if (!str_next(&rest, '"', &part))
			break;			/* nothing is quoted any more */
		word = arena_printf(arena, " %.*s%s", STR_ARG(part),
				    rest.len && rest.ptr[0] == '*' ? "" : " ");
		filter->words[filter->word_count++] = str_from(word);
	}
	return true;
}

bool dynamodb_filter_init(struct dynamodb_filter *filter,
			  const struct order_query *query, struct arena *arena)
{
	*filter = (struct dynamodb_filter){ .query = query };
	return query->price_from_minor <= query->price_to_minor &&
	       query->created_from_ms < query->created_to_ms &&
	       read_words(filter, arena);
}

/* --- of an index ---------------------------------------------------------- */

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

static void range_bounds(const struct order_query *query,
			 enum order_sort_key sort,
			 char low[DYNAMODB_SORT_BYTES],
			 char high[DYNAMODB_SORT_BYTES])
{
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

bool dynamodb_filter_bounds(const struct dynamodb_filter *filter,
			    enum order_sort_key sort,
			    char low[DYNAMODB_SORT_BYTES],
			    char high[DYNAMODB_SORT_BYTES])
{
	const struct order_query *query = filter->query;
	char at[DYNAMODB_SORT_BYTES];

	range_bounds(query, sort, low, high);
	if (query->has_position && sort == query->sort) {
		dynamodb_sort_key(sort, query->position_value,
				  query->position_id, at);
		if (order_query_ascends(query)) {
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

static void add_condition(struct buf *text, const char *condition)
{
	if (text->len)
		buf_add_text(text, " AND ");
	buf_add_text(text, condition);
}

static void filter_status(const struct order_query *query, struct buf *text,
			  struct buf *values)
{
	const char *separator = "st IN (";
	char name[8];

	if (text->len)
		buf_add_text(text, " AND ");
	for (int i = 0; i < STATUS_COUNT; i++) {
		if (!(query->statuses & 1u << i))
			continue;
		snprintf(name, sizeof(name), ":s%d", i);
		buf_printf(text, "%s%s", separator, name);
		dynamodb_add_str(values, name,
				 str_from(order_status_name(
					 (enum order_status)i)));
		separator = ", ";
	}
	buf_add_char(text, ')');
}

static void filter_words(const struct dynamodb_filter *filter, struct buf *text,
			 struct buf *values)
{
	char name[16], condition[40];

	for (size_t i = 0; i < filter->word_count && i < FILTER_WORDS; i++) {
		snprintf(name, sizeof(name), ":w%zu", i);
		snprintf(condition, sizeof(condition), "contains(tx, %s)",
			 name);
		add_condition(text, condition);
		dynamodb_add_str(values, name, filter->words[i]);
	}
}

void dynamodb_filter_add(const struct dynamodb_filter *filter,
			 enum order_sort_key sort, bool one_status,
			 struct buf *text, struct buf *values)
{
	const struct order_query *query = filter->query;

	if (query->statuses && !one_status)
		filter_status(query, text, values);
	if (sort != SORT_PRICE &&
	    (query->price_from_minor != INT64_MIN ||
	     query->price_to_minor != INT64_MAX)) {
		add_condition(text, "pr BETWEEN :p0 AND :p1");
		dynamodb_add_int(values, ":p0", query->price_from_minor);
		dynamodb_add_int(values, ":p1", query->price_to_minor);
	}
	if (sort != SORT_CREATED &&
	    (query->created_from_ms != INT64_MIN ||
	     query->created_to_ms != INT64_MAX)) {
		add_condition(text, "cr >= :c0 AND cr < :c1");
		dynamodb_add_int(values, ":c0", query->created_from_ms);
		dynamodb_add_int(values, ":c1", query->created_to_ms);
	}
	filter_words(filter, text, values);
}

/* --- of an order ---------------------------------------------------------- */

static bool has_words(const struct dynamodb_filter *filter, struct json item)
{
	struct str text = dynamodb_str(item, "tx");

	for (size_t i = 0; i < filter->word_count; i++)
		if (!text.ptr ||
		    !memmem(text.ptr, text.len, filter->words[i].ptr,
			    filter->words[i].len))
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

bool dynamodb_filter_fits(const struct dynamodb_filter *filter,
			  struct json item, int64_t value)
{
	static const char *const names[] = {
		[SORT_CREATED] = "cr", [SORT_UPDATED] = "up",
		[SORT_PRICE] = "pr",
	};
	const struct order_query *query = filter->query;
	int64_t price = dynamodb_int(item, "pr");
	int64_t created_ms = dynamodb_int(item, "cr");

	return dynamodb_str(item, "js").ptr &&
	       dynamodb_int(item, names[query->sort]) == value &&
	       has_status(query, item) &&
	       (!query->customer_email.ptr ||
		str_eq(query->customer_email, dynamodb_str(item, "ow"))) &&
	       price >= query->price_from_minor &&
	       price <= query->price_to_minor &&
	       created_ms >= query->created_from_ms &&
	       created_ms < query->created_to_ms && has_words(filter, item);
}
