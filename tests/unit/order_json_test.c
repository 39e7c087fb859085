/*
 * order_json_test.c: is canonical JSON written as api.md has it, and do the
 * same bytes come out again after reading it back?
 */
#include "base/limits.h"
#include "order/money.h"
#include "order/order.h"
#include "test_arena.h"

#include "base/banned.h"

static struct str written(const struct order *order)
{
	struct buf buf;

	buf_init(&buf, arena, MIB);
	order_to_json(order, &buf);
	assert_true(buf_ok(&buf));
	return buf_str(&buf);
}

static struct order sample(void)
{
	struct order_line *lines = arena_alloc(arena, 2 * sizeof(*lines));
	struct order_metadata *metadata =
		arena_alloc(arena, 2 * sizeof(*metadata));

	lines[0] = (struct order_line){ STR("SHOE-42"), STR("Running shoe"), 2,
					5990 };
	lines[1] = (struct order_line){ STR(""), STR("Lace"), 1, 20 };
	metadata[0] = (struct order_metadata){ STR("channel"), STR("shop") };
	metadata[1] = (struct order_metadata){
		STR("image\":{\"id\":\"x"), STR("\"image\":{\"id\":\"y\"")
	};
	return (struct order){
		.id = "0193a5c0-0000-7000-8000-000000000001", .version = 3,
		.status = STATUS_CONFIRMED, .description = STR("red shoes"),
		.customer_name = STR("Ada"),
		.customer_email = STR("ada@example.org"), .lines = lines,
		.line_count = 2, .currency = "EUR", .price_minor = 12000,
		.notes = STR("a\nb"), .metadata = metadata, .metadata_count = 2,
		.image = {
			.id = STR("sha256:ab"), .media_type = STR("image/png"),
			.verdict = VERDICT_UNSURE, .confidence_permille = 970,
			.model = STR("m1"), .label_count = 2,
			.labels = { { STR("Shoe"), 1000 }, { STR("Hat"), 5 } },
			.accepted_by_user = true,
		},
		.created_ms = 1795536000123, .updated_ms = 1795536001000,
	};
}

#define SAMPLE_HEAD                                                            \
	"{\"id\":\"0193a5c0-0000-7000-8000-000000000001\",\"version\":3,"      \
	"\"status\":\"confirmed\",\"description\":\"red shoes\","              \
	"\"customer\":{\"name\":\"Ada\",\"email\":\"ada@example.org\"},"       \
	"\"lines\":[{\"sku\":\"SHOE-42\",\"name\":\"Running shoe\","           \
	"\"quantity\":2,\"unit_price\":\"59.90\"},{\"name\":\"Lace\","         \
	"\"quantity\":1,\"unit_price\":\"0.20\"}],\"currency\":\"EUR\","       \
	"\"price\":\"120.00\",\"notes\":\"a\\nb\",\"metadata\":"               \
	"{\"channel\":\"shop\",\"image\\\":{\\\"id\\\":\\\"x\":"               \
	"\"\\\"image\\\":{\\\"id\\\":\\\"y\\\"\"},\"image\":{"
#define SAMPLE_TAIL                                                            \
	"\"id\":\"sha256:ab\",\"media_type\":\"image/png\","                   \
	"\"verdict\":\"unsure\",\"confidence\":0.97,\"labels\":"               \
	"[{\"name\":\"Shoe\",\"confidence\":1},"                               \
	"{\"name\":\"Hat\",\"confidence\":0.005}],\"model\":\"m1\","           \
	"\"accepted_by_user\":true},\"created_at\":"                           \
	"\"2026-11-24T16:00:00.123Z\",\"updated_at\":"                         \
	"\"2026-11-24T16:00:01.000Z\"}"

static void members_stand_in_the_order_of_the_contract(void **state)
{
	struct order order = sample();
	struct str text = written(&order);

	(void)state;
	assert_string_equal(text.ptr, SAMPLE_HEAD SAMPLE_TAIL);
}

static void what_is_absent_is_null_or_empty(void **state)
{
	struct order order = {
		.id = "0193a5c0-0000-7000-8000-000000000001", .version = 1,
		.description = STR("x"), .currency = "JPY", .price_minor = 5,
		.notes = STR(""), .customer_name = STR(""),
		.customer_email = STR(""),
	};

	(void)state;
	assert_string_equal(
		written(&order).ptr,
		"{\"id\":\"0193a5c0-0000-7000-8000-000000000001\",\"version\":1,"
		"\"status\":\"pending\",\"description\":\"x\",\"customer\":null,"
		"\"lines\":[],\"currency\":\"JPY\",\"price\":\"5\",\"notes\":\"\","
		"\"metadata\":{},\"image\":null,"
		"\"created_at\":\"1970-01-01T00:00:00.000Z\","
		"\"updated_at\":\"1970-01-01T00:00:00.000Z\"}");
}

static void a_photo_that_was_not_checked_has_no_confidence(void **state)
{
	struct order order = sample();

	(void)state;
	order.image.confidence_permille = -1;
	order.image.verdict = VERDICT_NOT_CHECKED;
	order.image.label_count = 0;
	assert_non_null(strstr(written(&order).ptr,
			       "\"verdict\":\"not_checked\",\"confidence\":null,"
			       "\"labels\":[],"));
}

static void the_url_is_put_into_the_image_and_nowhere_else(void **state)
{
	struct order order = sample();
	struct buf buf;

	(void)state;
	buf_init(&buf, arena, MIB);
	order_json_add_url(&buf, written(&order), STR("http://x/?a=1&b=\"2\""));
	assert_string_equal(buf.ptr, SAMPLE_HEAD
			    "\"url\":\"http://x/?a=1&b=\\\"2\\\"\"," SAMPLE_TAIL);
}

static void json_without_an_image_gets_no_url(void **state)
{
	struct order order = sample();
	struct str text, id, type;
	struct buf buf;

	(void)state;
	order.image = (struct order_image){ .id = STR("") };
	text = written(&order);
	buf_init(&buf, arena, MIB);
	order_json_add_url(&buf, text, STR("http://x"));
	assert_true(str_eq(buf_str(&buf), text));
	assert_false(order_json_image_id(text, &id, &type));
	assert_false(order_json_image_id(STR(""), &id, &type));
	assert_false(order_json_image_id(STR("{\"image\":{\"id\":\""), &id,
					 &type));
	assert_false(order_json_image_id(STR("{\"image\":{\"id\":\"x\"}}"), &id,
					 &type));
}

static void the_image_is_found_without_parsing(void **state)
{
	struct order order = sample();
	struct str id, type;

	(void)state;
	assert_true(order_json_image_id(written(&order), &id, &type));
	assert_true(str_is(id, "sha256:ab"));
	assert_true(str_is(type, "image/png"));
}

static uint64_t seed = 20261124;

static uint64_t random_below(uint64_t limit)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % limit;
}

/* Text of at most `max` pieces, many of them awkward. */
static struct str random_text(size_t max)
{
	static const char *const pieces[] = {
		"a", "Z", " ", "0", "\"", "\\", "/", "\t", "\n", "\b", "\f",
		"\r", "\x01", "\x1f", "\x7f", "\\u0000", "</script>", "&",
		"\u00e9", "e\u0301", "\u05e9\u05dc", "\u200f", "\u2028",
		"\u202e", "\ufeff", "\ufffd", "\uffff", "\U0001f45f",
		"\U0010ffff", "\u4e2d", "\"image\":{\"id\":\"", "null", "{}",
	};
	struct buf buf;

	buf_init(&buf, arena, MIB);
	for (size_t n = random_below(max + 1); n > 0; n--)
		buf_add_text(&buf, pieces[random_below(ARRAY_LEN(pieces))]);
	return buf.len ? buf_str(&buf) : STR("");
}

static int64_t random_amount(void)
{
	return (int64_t)(((random_below(1u << 30) << 20) %
			  (uint64_t)LIMIT_PRICE_MINOR) >> random_below(40));
}

static struct order_image random_image(void)
{
	struct order_image image = { .id = STR("") };

	if (random_below(2))
		return image;
	image.id = str_from(arena_printf(arena, "sha256:%016llx",
					 (unsigned long long)seed));
	image.media_type = STR("image/webp");
	image.verdict = (enum verdict)random_below(4);
	image.confidence_permille = (int)random_below(1002) - 1;
	image.model = random_text(3);
	image.label_count = random_below(21);
	for (size_t i = 0; i < image.label_count; i++)
		image.labels[i] = (struct image_label){
			random_text(4), (int)random_below(1001)
		};
	image.accepted_by_user = random_below(2);
	return image;
}

static void give_random_lines(struct order *order)
{
	order->line_count = random_below(4);
	order->lines = arena_alloc(arena, 4 * sizeof(*order->lines));
	for (size_t i = 0; i < order->line_count; i++)
		order->lines[i] = (struct order_line){
			random_text(2), random_text(20),
			(int64_t)random_below(LIMIT_QUANTITY) + 1,
			random_amount(),
		};
}

/* Keys must differ: the first byte counts up. */
static void give_random_metadata(struct order *order)
{
	order->metadata_count = random_below(5);
	order->metadata = arena_alloc(arena, 5 * sizeof(*order->metadata));
	for (size_t i = 0; i < order->metadata_count; i++) {
		struct str rest = random_text(5);

		order->metadata[i] = (struct order_metadata){
			str_from(arena_printf(arena, "%zu%.*s", i,
					      STR_ARG(rest))),
			random_text(10),
		};
	}
}

static struct order random_order(void)
{
	static const char currencies[][4] = { "EUR", "JPY", "KWD", "CLF" };
	struct order order = {
		.version = (int64_t)random_below(1u << 30) + 1,
		.status = (enum order_status)random_below(STATUS_COUNT),
		.description = random_text(40), .customer_name = random_text(3),
		.customer_email = random_text(2), .notes = random_text(60),
		.price_minor = random_amount(), .image = random_image(),
		.created_ms = (int64_t)(random_below(1u << 30) * 200000),
		.updated_ms = (int64_t)(random_below(1u << 30) * 200001),
	};

	uuid7((int64_t)random_below(1u << 30), order.id);
	memcpy(order.currency, currencies[random_below(4)], 4);
	give_random_lines(&order);
	give_random_metadata(&order);
	return order;
}

static void any_order_is_read_back_to_the_same_bytes(void **state)
{
	(void)state;
	for (int i = 0; i < 4000; i++) {
		struct order order = random_order(), again;
		struct str text = written(&order);

		if (!order_from_stored_json(&again, text, arena, &err))
			fail_msg("%s in %s", err.cause, text.ptr);
		assert_string_equal(written(&again).ptr, text.ptr);
		arena_reset(arena);
	}
}

static void what_was_read_back_is_the_same_order(void **state)
{
	struct order order = sample(), again;

	(void)state;
	assert_true(order_from_stored_json(&again, written(&order), arena,
					   &err));
	assert_string_equal(again.id, order.id);
	assert_int_equal(again.version, 3);
	assert_int_equal(again.status, STATUS_CONFIRMED);
	assert_int_equal(again.lines[1].unit_price_minor, 20);
	assert_true(str_is(again.lines[1].sku, ""));
	assert_int_equal(again.image.labels[1].confidence_permille, 5);
	assert_int_equal(again.created_ms, order.created_ms);
	assert_null(again.receipt.ptr);
}

/* The sample with one piece replaced by another. */
static struct str damage(const char *from, const char *to)
{
	struct order order = sample();
	const char *text = written(&order).ptr;
	const char *at = strstr(text, from);

	assert_non_null(at);
	return str_from(arena_printf(arena, "%.*s%s%s", (int)(at - text), text,
				     to, at + strlen(from)));
}

static void damaged_bytes_are_an_error_with_a_cause(void **state)
{
	static const char *const damages[][2] = {
		{ "{\"id\"", "{\"di\"" },
		{ "0193a5c0-0000", "0193a5c0+0000" },
		{ "\"version\":3", "\"version\":-3" },
		{ "\"version\":3", "\"version\":3.5" },
		{ "\"version\":3", "\"version\":99999999999999999999" },
		{ "\"confirmed\"", "\"unconfirmed\"" },
		{ "\"red shoes\"", "null" },
		{ "{\"name\":\"Ada\"", "[{\"name\":\"Ada\"" },
		{ "\"ada@example.org\"", "5" },
		{ "\"name\":\"Lace\"", "\"eman\":\"Lace\"" },
		{ "\"quantity\":2", "\"quantity\":\"2\"" },
		{ "\"59.90\"", "\"59.901\"" },
		{ "\"59.90\"", "59.90" },
		{ "\"EUR\"", "\"EURO\"" },
		{ "\"EUR\"", "\"EUX\"" },
		{ "\"120.00\"", "\"\"" },
		{ "\"a\\nb\"", "false" },
		{ "\"shop\"", "1" },
		{ "\"metadata\":{", "\"metadata\":5,\"x\":{" },
		{ "\"lines\":[", "\"lines\":5,\"x\":[" },
		{ "\"image/png\"", "1" },
		{ "\"unsure\"", "\"sure\"" },
		{ "0.97", "0.9701" },
		{ "0.97", "1.001" },
		{ "0.97", "-0.1" },
		{ "0.97", "\"0.97\"" },
		{ "\"labels\":[", "\"labels\":{},\"x\":[" },
		{ "\"confidence\":0.005", "\"confidence\":true" },
		{ "\"m1\"", "null" },
		{ "_by_user\":true", "_by_user\":\"true\"" },
		{ "16:00:00.123Z", "16:60:00.123Z" },
		{ "\"updated_at\"", "\"updated\"" },
		{ "}]", "}" },
	};
	struct order order;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		error_init(&err);
		if (order_from_stored_json(&order,
					   damage(damages[i][0], damages[i][1]),
					   arena, &err))
			fail_msg("accepted %s", damages[i][1]);
		assert_int_equal(err.code, ERROR_INTERNAL);
		assert_true(strlen(err.cause) > 10);
	}
	error_init(&err);
	assert_false(order_from_stored_json(&order, STR("[]"), arena, &err));
	assert_int_equal(err.code, ERROR_INTERNAL);
}

static void too_many_stored_labels_are_damage(void **state)
{
	struct buf labels;
	struct order order;

	(void)state;
	buf_init(&labels, arena, 64 * KIB);
	buf_add_text(&labels, "\"labels\":[");
	for (int i = 0; i < 19; i++)
		buf_add_text(&labels, "{\"name\":\"x\",\"confidence\":1},");
	assert_false(order_from_stored_json(
		&order, damage("\"labels\":[", labels.ptr), arena, &err));
	assert_int_equal(err.code, ERROR_INTERNAL);
	assert_non_null(strstr(err.cause, "labels"));
}

static void every_cut_of_the_bytes_is_damage(void **state)
{
	struct order order = sample(), again;
	struct str text = written(&order);

	(void)state;
	for (size_t len = 0; len < text.len; len++) {
		error_init(&err);
		assert_false(order_from_stored_json(
			&again, (struct str){ text.ptr, len }, arena, &err));
		assert_int_equal(err.code, ERROR_INTERNAL);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(members_stand_in_the_order_of_the_contract),
		TEST(what_is_absent_is_null_or_empty),
		TEST(a_photo_that_was_not_checked_has_no_confidence),
		TEST(the_url_is_put_into_the_image_and_nowhere_else),
		TEST(json_without_an_image_gets_no_url),
		TEST(the_image_is_found_without_parsing),
		TEST(any_order_is_read_back_to_the_same_bytes),
		TEST(what_was_read_back_is_the_same_order),
		TEST(damaged_bytes_are_an_error_with_a_cause),
		TEST(too_many_stored_labels_are_damage),
		TEST(every_cut_of_the_bytes_is_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
