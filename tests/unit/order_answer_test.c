/*
 * order_answer_test.c: do bytes and ETag of an order change together, and only
 * then?
 */
#include "http/order_answer.h"
#include "test_arena.h"

#include "base/banned.h"

#define HOUR 3600000ll
#define NOW_MS (498760 * HOUR)
#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Its links are key, time and validity. */
static bool presign(struct object_archive *archive, struct str key,
		    struct str filename, int64_t now_ms, unsigned valid_s,
		    struct buf *url, int64_t *expires_ms, struct error *error)
{
	(void)archive;
	assert_null(filename.ptr);
	if (str_is(key, "images/" DIGEST ".webp"))
		return error_cause(error, ERROR_UNAVAILABLE, "told so");
	*expires_ms = now_ms + valid_s * 1000ll;
	buf_printf(url, "http://desk/%.*s?%lld+%u", STR_ARG(key),
		   (long long)now_ms, valid_s);
	return true;
}

static const struct object_archive_ops ops = { .name = "fake",
					       .presign = presign };
static struct object_archive archive = { &ops };

static struct order some_order(const char *media_type)
{
	struct order order = {
		.description = STR("a \"image\":{\"id\":\"x"),
		.customer_name = STR(""), .customer_email = STR(""),
		.currency = "EUR", .price_minor = 500, .notes = STR(""),
		.image = { .confidence_permille = -1, .model = STR("") },
	};

	order_place(&order, NOW_MS);
	order.version = 7;
	if (media_type) {
		order.image.id = STR("sha256:" DIGEST);
		order.image.media_type = str_from(media_type);
	}
	return order;
}

static struct response answer(struct order *order, int64_t now_ms)
{
	struct response res;

	response_init(&res, arena);
	if (!order_answer(&res, order, &archive, now_ms, &err))
		fail_msg("%s", err.cause);
	return res;
}

static void without_a_photo_the_etag_is_the_version(void **state)
{
	struct order order = some_order(NULL);
	struct response res = answer(&order, NOW_MS);
	struct response later = answer(&order, NOW_MS + 40 * HOUR);

	(void)state;
	assert_string_equal(res.headers.ptr, "ETag: \"7\"\r\n");
	assert_string_equal(later.headers.ptr, res.headers.ptr);
	assert_string_equal(later.body.ptr, res.body.ptr);
	assert_null(strstr(res.body.ptr, "\"url\""));
	assert_true(str_eq(order.json, buf_str(&res.body)));
	assert_true(str_eq(res.answer.body, buf_str(&res.body)));
	assert_true(str_eq(res.answer.headers, buf_str(&res.headers)));
}

static void with_a_photo_bytes_and_etag_stay_for_a_period(void **state)
{
	struct order order = some_order("image/png");
	struct response res = answer(&order, NOW_MS);
	struct response last = answer(&order, NOW_MS + HOUR - 1);
	struct response next = answer(&order, NOW_MS + HOUR);

	(void)state;
	assert_string_equal(res.headers.ptr, "ETag: \"7.498760\"\r\n");
	assert_non_null(strstr(res.body.ptr,
			       "\"url\":\"http://desk/images/" DIGEST
			       ".png?1795536000000+7200\""));
	assert_string_equal(last.headers.ptr, res.headers.ptr);
	assert_string_equal(last.body.ptr, res.body.ptr);
	assert_string_not_equal(next.headers.ptr, res.headers.ptr);
	assert_string_not_equal(next.body.ptr, res.body.ptr);
}

static void a_link_has_its_pictures_ending(void **state)
{
	struct order order = some_order("image/jpeg");

	(void)state;
	assert_non_null(strstr(answer(&order, NOW_MS).body.ptr,
			       "/images/" DIGEST ".jpg?"));
}

static void a_link_that_cannot_be_made_is_an_error(void **state)
{
	struct order order = some_order("image/webp");
	struct response res;

	(void)state;
	response_init(&res, arena);
	assert_false(order_answer(&res, &order, &archive, NOW_MS, &err));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(without_a_photo_the_etag_is_the_version),
		TEST(with_a_photo_bytes_and_etag_stay_for_a_period),
		TEST(a_link_has_its_pictures_ending),
		TEST(a_link_that_cannot_be_made_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
