/*
 * receipt_test.c: does a receipt come back whole, and nothing else?
 */
#include "order/receipt.h"
#include "test_arena.h"

#include "base/banned.h"

#define NOW_MS 1795536000000ll
#define EXPIRES_MS (NOW_MS + 3600000)

static const struct str secret = { "0123456789abcdef0123456789abcdef", 32 };

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

/* --- into an order ---------------------------------------------------------- */

static struct order ordered(struct str receipt, bool accept_mismatch)
{
	return (struct order){ .description = STR("red shoes"),
			       .receipt = receipt,
			       .accept_mismatch = accept_mismatch };
}

static struct str issue_verdict(enum verdict verdict, size_t labels)
{
	struct order_image image = {
		.id = STR("sha256:ab"), .media_type = STR("image/png"),
		.verdict = verdict, .confidence_permille = 612,
		.model = STR("m"), .label_count = labels,
		.labels = { { STR("Hut"), 619 } },
	};
	struct buf buf;

	buf_init(&buf, arena, 64 * KIB);
	receipt_issue(&image, STR("red shoes"), EXPIRES_MS, secret, &buf);
	return buf_str(&buf);
}

static bool take(struct order *order)
{
	error_init(&err);
	return order_take_receipt(order, NOW_MS, secret, arena, &err);
}

static void an_order_takes_what_the_receipt_says(void **state)
{
	static const enum verdict fine[] = { VERDICT_NOT_CHECKED, VERDICT_MATCH,
					     VERDICT_UNSURE };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fine); i++) {
		struct order order = ordered(issue_verdict(fine[i], 1), true);

		assert_true(take(&order));
		assert_true(str_is(order.image.id, "sha256:ab"));
		assert_int_equal(order.image.verdict, fine[i]);
		/* there was nothing to accept */
		assert_false(order.image.accepted_by_user);
	}
}

static void an_order_without_a_receipt_stays_as_it_is(void **state)
{
	struct order order = ordered((struct str){ 0 }, true);

	(void)state;
	order.image.id = STR("sha256:cd");
	assert_true(take(&order));
	assert_true(str_is(order.image.id, "sha256:cd"));
}

static void a_mismatch_must_be_accepted(void **state)
{
	struct order order = ordered(issue_verdict(VERDICT_MISMATCH, 1), false);

	(void)state;
	assert_false(take(&order));
	assert_int_equal(err.code, ERROR_MISMATCH);
	assert_non_null(strstr(err.detail, "Hut (62 %)"));
	order = ordered(issue_verdict(VERDICT_MISMATCH, 0), false);
	assert_false(take(&order));
	assert_int_equal(err.code, ERROR_MISMATCH);
	order = ordered(issue_verdict(VERDICT_MISMATCH, 1), true);
	assert_true(take(&order));
	assert_true(order.image.accepted_by_user);
	assert_int_equal(order.image.verdict, VERDICT_MISMATCH);
}

static void a_wrong_receipt_is_refused_whatever_is_accepted(void **state)
{
	struct order order = ordered(issue_verdict(VERDICT_MATCH, 0), true);

	(void)state;
	order.description = STR("blue shoes");
	assert_false(take(&order));
	assert_int_equal(err.code, ERROR_INVALID);
	order = ordered(STR(""), true);
	assert_false(take(&order));
	assert_int_equal(err.code, ERROR_INVALID);
}

static void another_description_leaves_what_the_photo_shows(void **state)
{
	struct order order = ordered(issue_verdict(VERDICT_MISMATCH, 1), true);

	(void)state;
	assert_true(take(&order));
	order_image_outdated(&order);
	assert_int_equal(order.image.verdict, VERDICT_NOT_CHECKED);
	assert_int_equal(order.image.confidence_permille, -1);
	assert_false(order.image.accepted_by_user);
	assert_true(str_is(order.image.id, "sha256:ab"));
	assert_int_equal(order.image.label_count, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_receipt_gives_the_image_back),
		TEST(white_space_around_the_description_does_not_matter),
		TEST(another_description_is_refused),
		TEST(an_expired_receipt_is_refused),
		TEST(another_secret_is_refused),
		TEST(every_changed_character_is_refused),
		TEST(what_is_cut_or_longer_is_refused),
		TEST(an_order_takes_what_the_receipt_says),
		TEST(an_order_without_a_receipt_stays_as_it_is),
		TEST(a_mismatch_must_be_accepted),
		TEST(a_wrong_receipt_is_refused_whatever_is_accepted),
		TEST(another_description_leaves_what_the_photo_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
