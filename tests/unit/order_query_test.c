/*
 * order_query_test.c: are lists asked for in the right words, and are cursors
 * good for the very list that they were made for?
 */
#include "base/limits.h"
#include "order/order_query.h"
#include "test_arena.h"

#include "base/banned.h"

#define ID "0193a5c0-0000-7000-8000-00000000000a"

static const struct str secret = { "0123456789abcdef0123456789abcdef", 32 };
static struct order_query query;

static bool try_parse(const char *text)
{
	error_init(&err);
	return order_query_parse(&query, str_from(text), "EUR", secret, arena,
				 &err);
}

static void parse(const char *text)
{
	if (!try_parse(text))
		fail_msg("%s: %s", text, err.detail);
}

/* `said` must be in the detail. */
static void assert_refused(const char *text, const char *said)
{
	if (try_parse(text))
		fail_msg("accepted: %s", text);
	assert_int_equal(err.code, ERROR_BAD_PARAMETER);
	if (!strstr(err.detail, said))
		fail_msg("%s: '%s' does not say '%s'", text, err.detail, said);
}

static int64_t instant(const char *text)
{
	int64_t time_ms;

	assert_true(time_parse(str_from(text), &time_ms));
	return time_ms;
}

static void an_empty_query_is_the_newest_page(void **state)
{
	(void)state;
	parse("");
	assert_int_equal(query.limit, DEFAULT_PAGE);
	assert_int_equal(query.sort, SORT_CREATED);
	assert_true(query.descending);
	assert_int_equal(query.statuses, 0);
	assert_null(query.customer_email.ptr);
	assert_null(query.search.ptr);
	assert_true(query.price_from_minor == INT64_MIN);
	assert_true(query.price_to_minor == INT64_MAX);
	assert_true(query.created_from_ms == INT64_MIN);
	assert_true(query.created_to_ms == INT64_MAX);
	assert_false(query.has_position);
}

static void empty_values_are_as_good_as_none(void **state)
{
	struct order_query none;

	(void)state;
	parse("");
	none = query;
	parse("limit=&cursor=&sort=&status=&customer_email=&price_gte=&"
	      "price_lte=&created_from=&created_to=&tz=&q=");
	assert_memory_equal(&none, &query, sizeof(query));
}

static void every_parameter_is_read(void **state)
{
	(void)state;
	parse("limit=200&sort=price&status=pending,shipped&"
	      "customer_email=Ada%40Example.ORG&price_gte=0.5&price_lte=59.90&"
	      "created_from=2026-11-24T08:00:00Z&"
	      "created_to=2026-11-24T10:00:00%2B01:00&q=+red+shoes+");
	assert_int_equal(query.limit, 200);
	assert_int_equal(query.sort, SORT_PRICE);
	assert_false(query.descending);
	assert_int_equal(query.statuses,
			 1u << STATUS_PENDING | 1u << STATUS_SHIPPED);
	assert_true(str_is(query.customer_email, "ada@example.org"));
	assert_int_equal(query.price_from_minor, 50);
	assert_int_equal(query.price_to_minor, 5990);
	assert_int_equal(query.created_from_ms, instant("2026-11-24T08:00:00Z"));
	assert_int_equal(query.created_to_ms, instant("2026-11-24T09:00:00Z"));
	assert_true(str_is(query.search, "red shoes"));
	parse("sort=-updated_at");
	assert_int_equal(query.sort, SORT_UPDATED);
	assert_true(query.descending);
	parse("sort=created_at");
	assert_int_equal(query.sort, SORT_CREATED);
	assert_false(query.descending);
	parse("q=+0193a5c0-0000-7000-8000-00000000abcd+");
	assert_true(str_is(query.search, "0000abcd"));	/* its short id */
	parse("q=0193A5C0-0000-7000-8000-00000000ABCD");
	assert_true(str_is(query.search, "0000ABCD"));	/* folded later */
	parse("q=0193A5C0-0000-7000-8000-00000000ABCG");
	assert_int_equal(query.search.len, 36);
	parse("q=+");
	assert_null(query.search.ptr);
}

static void unknown_names_are_refused_with_the_known_ones(void **state)
{
	(void)state;
	assert_refused("limt=5", "'limt'");
	assert_refused("limt=5",
		       "limit, cursor, sort, status, customer_email, price_gte, "
		       "price_lte, created_from, created_to, tz, q");
	assert_refused("=5", "''");
	assert_refused("Limit=5", "'Limit'");
}

static void repeated_names_are_refused(void **state)
{
	(void)state;
	assert_refused("limit=5&limit=5", "'limit' is given twice");
	assert_refused("q=&q=x", "'q' is given twice");
}

static void a_malformed_query_is_refused(void **state)
{
	(void)state;
	assert_refused("q=%zz", "hexadecimal");
	assert_refused("q=%ff", "UTF-8");
	assert_refused("q=%00", "NUL");
}

static void wrong_values_are_refused_by_name(void **state)
{
	static const char *const wrong[] = {
		"limit=0", "limit=201", "limit=-1", "limit=5.0", "limit=x",
		"limit=99999999999999999999", "sort=id", "sort=-", "sort=--price",
		"status=done", "status=pending,", "status=,",
		"status=Pending", "customer_email=ada", "customer_email=a@b..c",
		"customer_email=a@b.c%0a", "price_gte=x", "price_gte=1.005",
		"price_lte=NaN", "price_lte=1e400", "created_from=today",
		"created_from=2026-11-24T08:00:00+01:00",
		"created_to=2026-02-30", "created_to=2026-11-24T24:30:00Z",
		"tz=Mars/Olympus", "tz=../../etc/passwd", "tz=Europe",
		"tz=/etc/localtime",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		size_t name = strcspn(wrong[i], "=");

		assert_refused(wrong[i],
			       arena_printf(arena, "'%.*s'", (int)name,
					    wrong[i]));
	}
}

static void a_long_search_is_refused(void **state)
{
	(void)state;
	parse(arena_printf(arena, "q=%0200d", 0));
	assert_int_equal(query.search.len, 200);
	assert_refused(arena_printf(arena, "q=%0201d", 0), "'q'");
}

static void a_day_needs_a_zone(void **state)
{
	(void)state;
	assert_refused("created_from=2026-11-24", "'tz'");
	assert_refused("created_to=2026-11-24", "'tz'");
}

static void a_local_day_goes_from_its_first_instant_to_its_last(void **state)
{
	(void)state;
	parse("created_from=2026-11-24&created_to=2026-11-24&tz=Europe/Berlin");
	assert_int_equal(query.created_from_ms, instant("2026-11-23T23:00:00Z"));
	assert_int_equal(query.created_to_ms, instant("2026-11-24T23:00:00Z"));
	/* clocks go back on that day: it has 25 hours */
	parse("created_from=2026-10-25&created_to=2026-10-25&tz=Europe/Berlin");
	assert_int_equal(query.created_from_ms, instant("2026-10-24T22:00:00Z"));
	assert_int_equal(query.created_to_ms, instant("2026-10-25T23:00:00Z"));
	/* forward: 23 hours */
	parse("created_from=2026-03-29&created_to=2026-03-29&tz=Europe/Berlin");
	assert_int_equal(query.created_from_ms, instant("2026-03-28T23:00:00Z"));
	assert_int_equal(query.created_to_ms, instant("2026-03-29T22:00:00Z"));
	/* Samoa had no 30 December 2011 */
	parse("created_to=2011-12-29&tz=Pacific/Apia");
	assert_int_equal(query.created_to_ms, instant("2011-12-30T10:00:00Z"));
	parse("created_to=2026-12-31&tz=UTC");
	assert_int_equal(query.created_to_ms, instant("2027-01-01T00:00:00Z"));
}

static void an_instant_is_not_moved_by_a_zone(void **state)
{
	(void)state;
	parse("created_to=2026-11-24T00:00:00Z&tz=Europe/Berlin");
	assert_int_equal(query.created_to_ms, instant("2026-11-24T00:00:00Z"));
}

static void prices_are_read_at_the_scale_of_the_currency(void **state)
{
	(void)state;
	assert_true(order_query_parse(&query, STR("price_gte=1200"), "JPY",
				      secret, arena, &err));
	assert_int_equal(query.price_from_minor, 1200);
	assert_false(order_query_parse(&query, STR("price_gte=12.5"), "JPY",
				       secret, arena, &err));
}

static const char *cursor(const char *filters, bool backwards, int64_t value)
{
	struct buf buf;

	parse(filters);
	buf_init(&buf, arena, KIB);
	order_query_cursor(&query, secret, backwards, value, ID, &buf);
	return buf.ptr;
}

static void a_cursor_gives_the_position_back(void **state)
{
	static const int64_t values[] = { 0, 1, -1, 1795536000123, INT64_MIN,
					  INT64_MAX };
	static const char filters[] = "status=pending&q=shoe&sort=price";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		parse(arena_printf(arena, "%s&cursor=%s&limit=7", filters,
				   cursor(filters, i % 2, values[i])));
		assert_true(query.has_position);
		assert_int_equal(query.backwards, i % 2);
		assert_true(query.position_value == values[i]);
		assert_string_equal(query.position_id, ID);
		assert_int_equal(query.limit, 7);
	}
}

static void assert_bad_cursor(const char *text)
{
	if (try_parse(text))
		fail_msg("accepted: %s", text);
	assert_int_equal(err.code, ERROR_BAD_CURSOR);
}

static void a_cursor_is_bound_to_filters_and_sort(void **state)
{
	static const char *const others[] = {
		"", "status=pending,shipped&q=a", "status=pending&q=b",
		"status=pending", "status=pending&q=a&sort=created_at",
		"status=pending&q=a&sort=-price",
		"status=pending&q=a&price_gte=1", "status=pending&q=a&price_lte=1",
		"status=pending&q=a&created_from=2026-11-24T00:00:00Z",
		"status=pending&q=a&created_to=2026-11-24T00:00:00Z",
		"status=pending&q=a&customer_email=a@example.org",
	};
	const char *made = cursor("status=pending&q=a", false, 5);

	(void)state;
	parse(arena_printf(arena, "q=a&status=pending&cursor=%s", made));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_bad_cursor(arena_printf(arena, "%s&cursor=%s", others[i],
					       made));
}

static void a_cursor_made_with_another_secret_is_bad(void **state)
{
	const char *made = cursor("", false, 5);

	(void)state;
	error_init(&err);
	assert_false(order_query_parse(
		&query, str_from(arena_printf(arena, "cursor=%s", made)), "EUR",
		STR("another"), arena, &err));
	assert_int_equal(err.code, ERROR_BAD_CURSOR);
}

static void every_changed_character_of_a_cursor_is_bad(void **state)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
				     "qrstuvwxyz0123456789-_=.";
	const char *made = cursor("", false, 5);

	(void)state;
	for (size_t i = 0; made[i]; i++) {
		for (const char *digit = digits; *digit; digit++) {
			char *text = arena_printf(arena, "cursor=%s", made);

			if (*digit == made[i])
				continue;
			text[7 + i] = *digit;
			assert_bad_cursor(text);
		}
		arena_reset(arena);
		made = cursor("", false, 5);
	}
	for (size_t len = 1; len < strlen(made); len++)
		assert_bad_cursor(arena_printf(arena, "cursor=%.*s", (int)len,
					       made));
	assert_bad_cursor(arena_printf(arena, "cursor=%sA", made));
	assert_bad_cursor("cursor=%E2%82%AC");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(an_empty_query_is_the_newest_page),
		TEST(empty_values_are_as_good_as_none),
		TEST(every_parameter_is_read),
		TEST(unknown_names_are_refused_with_the_known_ones),
		TEST(repeated_names_are_refused),
		TEST(a_malformed_query_is_refused),
		TEST(wrong_values_are_refused_by_name),
		TEST(a_long_search_is_refused),
		TEST(a_day_needs_a_zone),
		TEST(a_local_day_goes_from_its_first_instant_to_its_last),
		TEST(an_instant_is_not_moved_by_a_zone),
		TEST(prices_are_read_at_the_scale_of_the_currency),
		TEST(a_cursor_gives_the_position_back),
		TEST(a_cursor_is_bound_to_filters_and_sort),
		TEST(a_cursor_made_with_another_secret_is_bad),
		TEST(every_changed_character_of_a_cursor_is_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
