/*
 * link_token_test.c: does only the right token, for the right purpose, in time,
 * name a subscriber?
 */
#include "order/link_token.h"
#include "test_arena.h"

#include "base/banned.h"

#define NOW_MS 1795536000000ll
#define SUBSCRIBER "0193a5c0-0000-7000-8000-00000000000a"

static const struct str secret = { "0123456789abcdef0123456789abcdef", 32 };
static char subscriber[ORDER_ID_BYTES];

static struct str issue(enum link_purpose purpose, int64_t expires_ms)
{
	struct buf buf;

	buf_init(&buf, arena, KIB);
	link_token_issue(purpose, SUBSCRIBER, expires_ms, secret, &buf);
	assert_true(buf_ok(&buf));
	return buf_str(&buf);
}

static bool check(enum link_purpose purpose, struct str token, int64_t now_ms)
{
	error_init(&err);
	subscriber[0] = '\0';
	return link_token_check(purpose, token, now_ms, secret, arena,
				subscriber, &err);
}

static void assert_refused(enum link_purpose purpose, struct str token,
			   int64_t now_ms, const char *code)
{
	assert_false(check(purpose, token, now_ms));
	assert_int_equal(err.code, ERROR_INVALID);
	assert_string_equal(err.items[0].pointer, "/token");
	assert_string_equal(err.items[0].code, code);
	assert_string_equal(subscriber, "");
}

static void a_token_names_its_subscriber_until_it_expires(void **state)
{
	struct str token = issue(LINK_CONFIRM, NOW_MS + 1);

	(void)state;
	assert_true(check(LINK_CONFIRM, token, NOW_MS));
	assert_string_equal(subscriber, SUBSCRIBER);
	assert_refused(LINK_CONFIRM, token, NOW_MS + 1, "expired");
	assert_refused(LINK_CONFIRM, token, INT64_MAX, "expired");
}

static void a_token_without_an_end_is_always_valid(void **state)
{
	struct str token = issue(LINK_UNSUBSCRIBE, 0);

	(void)state;
	assert_true(check(LINK_UNSUBSCRIBE, token, INT64_MAX));
	assert_string_equal(subscriber, SUBSCRIBER);
}

static void a_token_for_another_purpose_is_refused(void **state)
{
	(void)state;
	assert_refused(LINK_UNSUBSCRIBE, issue(LINK_CONFIRM, 0), NOW_MS,
		       "invalid");
	assert_refused(LINK_CONFIRM, issue(LINK_UNSUBSCRIBE, 0), NOW_MS,
		       "invalid");
}

static void another_secret_is_refused(void **state)
{
	struct str token = issue(LINK_CONFIRM, 0);

	(void)state;
	assert_false(link_token_check(LINK_CONFIRM, token, NOW_MS,
				      STR("0123456789abcdef0123456789abcdeF"),
				      arena, subscriber, &err));
	assert_string_equal(err.items[0].code, "invalid");
}

static void every_changed_character_is_refused(void **state)
{
	struct str token = issue(LINK_CONFIRM, NOW_MS + 1000);

	(void)state;
	for (size_t i = 0; i < token.len; i++) {
		for (int c = 1; c < 256; c++) {
			char *copy = arena_text(arena, token);

			copy[i] = (char)((uint8_t)copy[i] ^ c);
			assert_refused(LINK_CONFIRM,
				       (struct str){ copy, token.len }, NOW_MS,
				       "invalid");
		}
		arena_reset(arena);
		token = issue(LINK_CONFIRM, NOW_MS + 1000);
	}
}

static void what_is_cut_or_longer_is_refused(void **state)
{
	struct str token = issue(LINK_CONFIRM, 0);

	(void)state;
	for (size_t len = 0; len < token.len; len++)
		assert_refused(LINK_CONFIRM, (struct str){ token.ptr, len },
			       NOW_MS, "invalid");
	assert_refused(LINK_CONFIRM,
		       str_from(arena_printf(arena, "%sA", token.ptr)), NOW_MS,
		       "invalid");
	assert_refused(LINK_CONFIRM, (struct str){ NULL, 0 }, NOW_MS,
		       "invalid");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_token_names_its_subscriber_until_it_expires),
		TEST(a_token_without_an_end_is_always_valid),
		TEST(a_token_for_another_purpose_is_refused),
		TEST(another_secret_is_refused),
		TEST(every_changed_character_is_refused),
		TEST(what_is_cut_or_longer_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
