/*
 * receipt_test.c: does a receipt come back whole, and nothing else?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "order/receipt.h"

#include "base/banned.h"

#define NOW_MS 1795536000000ll
#define EXPIRES_MS (NOW_MS + 3600000)

static const struct str secret = { "0123456789abcdef0123456789abcdef", 32 };
static struct arena *arena;
static struct error err;

static int open_arena(void **state)
{
	(void)state;
	arena = arena_new("receipt_test", 64 * MIB);
	error_init(&err);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct str issue(void)
{
	struct order_image image = {
		.id = STR("sha256:ab"), .media_type = STR("image/png"),
		.verdict = VERDICT_MISMATCH, .confidence_permille = 612,
		.model = STR("m\"1"), .label_count = 2,
		.labels = { { STR("Hut \u00e9"), 612 }, { STR("Cap"), 0 } },
	};
	struct buf buf;

	buf_init(&buf, arena, 64 * KIB);
	receipt_issue(&image, STR("red shoes"), EXPIRES_MS, secret, &buf);
	assert_true(buf_ok(&buf));
	return buf_str(&buf);
}

static void assert_refused(struct str receipt, struct str description,
			   int64_t now_ms, struct str key, const char *code)
{
	struct order_image image;

	error_init(&err);
	assert_false(receipt_check(&image, receipt, description, now_ms, key,
				   arena, &err));
	assert_int_equal(err.code, ERROR_INVALID);
	assert_string_equal(err.items[0].pointer, "/image/receipt");
	assert_string_equal(err.items[0].code, code);
}

static void a_receipt_gives_the_image_back(void **state)
{
	struct order_image image;

	(void)state;
	assert_true(receipt_check(&image, issue(), STR("red shoes"),
				  EXPIRES_MS - 1, secret, arena, &err));
	assert_true(str_is(image.id, "sha256:ab"));
	assert_true(str_is(image.media_type, "image/png"));
	assert_int_equal(image.verdict, VERDICT_MISMATCH);
	assert_int_equal(image.confidence_permille, 612);
	assert_true(str_is(image.model, "m\"1"));
	assert_int_equal(image.label_count, 2);
	assert_true(str_is(image.labels[0].name, "Hut \u00e9"));
	assert_int_equal(image.labels[1].confidence_permille, 0);
	assert_false(image.accepted_by_user);
}

static void white_space_around_the_description_does_not_matter(void **state)
{
	struct order_image image;

	(void)state;
	assert_true(receipt_check(&image, issue(), STR(" red shoes\r\n"),
				  NOW_MS, secret, arena, &err));
}

static void another_description_is_refused(void **state)
{
	(void)state;
	assert_refused(issue(), STR("red shoe"), NOW_MS, secret,
		       "other_description");
	assert_refused(issue(), STR(""), NOW_MS, secret, "other_description");
}

static void an_expired_receipt_is_refused(void **state)
{
	(void)state;
	assert_refused(issue(), STR("red shoes"), EXPIRES_MS, secret,
		       "expired");
	assert_refused(issue(), STR("red shoes"), INT64_MAX, secret, "expired");
}

static void another_secret_is_refused(void **state)
{
	(void)state;
	assert_refused(issue(), STR("red shoes"), NOW_MS,
		       STR("0123456789abcdef0123456789abcdeF"), "invalid");
}

static void every_changed_character_is_refused(void **state)
{
	struct str receipt = issue();

	(void)state;
	for (size_t i = 0; i < receipt.len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			char *copy = arena_text(arena, receipt);

			copy[i] ^= (char)(1u << bit);
			assert_refused((struct str){ copy, receipt.len },
				       STR("red shoes"), NOW_MS, secret,
				       "invalid");
		}
		arena_reset(arena);
		receipt = issue();
	}
}

static void what_is_cut_or_longer_is_refused(void **state)
{
	struct str receipt = issue();

	(void)state;
	for (size_t len = 0; len < receipt.len; len++)
		assert_refused((struct str){ receipt.ptr, len },
			       STR("red shoes"), NOW_MS, secret, "invalid");
	assert_refused(str_from(arena_printf(arena, "%s.", receipt.ptr)),
		       STR("red shoes"), NOW_MS, secret, "invalid");
	assert_refused(str_from(arena_printf(arena, "%s=", receipt.ptr)),
		       STR("red shoes"), NOW_MS, secret, "invalid");
	assert_refused((struct str){ NULL, 0 }, STR("red shoes"), NOW_MS,
		       secret, "invalid");
	assert_refused(STR("."), STR("red shoes"), NOW_MS, secret, "invalid");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)
		TEST(a_receipt_gives_the_image_back),
		TEST(white_space_around_the_description_does_not_matter),
		TEST(another_description_is_refused),
		TEST(an_expired_receipt_is_refused),
		TEST(another_secret_is_refused),
		TEST(every_changed_character_is_refused),
		TEST(what_is_cut_or_longer_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
