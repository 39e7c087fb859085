/*
 * order_csv_test.c: does a spreadsheet see what is in an order, and run none of
 * it?
 */
#include "order/order_csv.h"
#include "test_arena.h"

#include "base/banned.h"

#define ID "0193a5c0-0000-7000-8000-00000000000a"

static struct order some_order(void)
{
	return (struct order){
		.id = ID, .version = 3, .status = STATUS_SHIPPED,
		.description = STR("shoes"), .customer_name = STR("Ada"),
		.customer_email = STR("ada@example.org"), .currency = "EUR",
		.price_minor = 11980, .notes = STR(""),
		.created_ms = 1795536000000, .updated_ms = 1795536000001,
	};
}

static void assert_row(const struct order *order, const char *expected)
{
	struct buf row;

	buf_init(&row, arena, MIB);
	order_csv_row(order, &row);
	assert_true(buf_ok(&row));
	assert_string_equal(row.ptr, expected);
}

#define TIMES ",2026-11-24T16:00:00.000Z,2026-11-24T16:00:00.001Z\r\n"

static void a_row_has_a_cell_for_each_column(void **state)
{
	struct order order = some_order();
	struct buf head;
	unsigned columns = 1;

	(void)state;
	assert_row(&order, ID ",3,shipped,\"shoes\",\"Ada\","
		   "\"ada@example.org\",EUR,119.80,\"\",\"\"," TIMES);
	buf_init(&head, arena, KIB);
	order_csv_head(&head);
	for (const char *at = head.ptr; *at; at++)
		columns += *at == ',';
	assert_int_equal(columns, 13);
	assert_string_equal(head.ptr + head.len - 2, "\r\n");
}

static void lines_share_a_cell(void **state)
{
	struct order order = some_order();
	struct order_line lines[] = {
		{ STR("S"), STR("Running \"shoe\""), 2, 5990 },
		{ STR(""), STR("Lace"), 1000000, 1 },
	};

	(void)state;
	order.lines = lines;
	order.line_count = 2;
	memcpy(order.currency, "JPY", 4);
	assert_row(&order, ID ",3,shipped,\"shoes\",\"Ada\","
		   "\"ada@example.org\",JPY,11980,"
		   "\"2 x Running \"\"shoe\"\" at 5990; 1000000 x Lace at 1\","
		   "\"\"," TIMES);
}

static void quotes_commas_and_line_ends_stay_in_their_cell(void **state)
{
	struct order order = some_order();

	(void)state;
	order.description = STR("\"a\",b\nc");
	order.notes = STR("x,\"\"");
	assert_row(&order, ID ",3,shipped,\"\"\"a\"\",b\nc\",\"Ada\","
		   "\"ada@example.org\",EUR,119.80,\"\",\"x,\"\"\"\"\"," TIMES);
}

static void what_a_spreadsheet_would_run_gets_an_apostrophe(void **state)
{
	static const char *const formulas[] = { "=1+1", "+1", "-1", "@SUM(A1)",
						"\t=1", "\r=1", "=", "-" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(formulas); i++) {
		struct order order = some_order();

		order.description = str_from(formulas[i]);
		order.customer_name = str_from(formulas[i]);
		order.customer_email = str_from(formulas[i]);
		order.notes = str_from(formulas[i]);
		assert_row(&order,
			   arena_printf(arena, ID ",3,shipped,\"'%s\",\"'%s\","
					"\"'%s\",EUR,119.80,\"\",\"'%s\","
					TIMES, formulas[i], formulas[i],
					formulas[i], formulas[i]));
	}
}

static void what_it_would_not_run_stays_as_it_is(void **state)
{
	static const char *const plain[] = { "1=1", "a@b", " -", "'=1", "\u2212" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		struct order order = some_order();

		order.notes = str_from(plain[i]);
		assert_row(&order,
			   arena_printf(arena, ID ",3,shipped,\"shoes\","
					"\"Ada\",\"ada@example.org\",EUR,"
					"119.80,\"\",\"%s\"," TIMES,
					plain[i]));
	}
}

static void a_photo_has_its_verdict(void **state)
{
	struct order order = some_order();

	(void)state;
	order.image.id = STR("sha256:ab");
	order.image.verdict = VERDICT_MISMATCH;
	order.customer_name = (struct str){ 0 };
	assert_row(&order, ID ",3,shipped,\"shoes\",\"\","
		   "\"ada@example.org\",EUR,119.80,\"\",\"\",mismatch" TIMES);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_row_has_a_cell_for_each_column),
		TEST(lines_share_a_cell),
		TEST(quotes_commas_and_line_ends_stay_in_their_cell),
		TEST(what_a_spreadsheet_would_run_gets_an_apostrophe),
		TEST(what_it_would_not_run_stays_as_it_is),
		TEST(a_photo_has_its_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
