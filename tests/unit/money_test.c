/*
 * money_test.c: are amounts exact, and everything else refused?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "order/money.h"

#include "base/banned.h"

static void currencies_have_the_scale_of_iso_4217(void **state)
{
	(void)state;
	assert_int_equal(currency_scale("EUR"), 2);
	assert_int_equal(currency_scale("JPY"), 0);
	assert_int_equal(currency_scale("KWD"), 3);
	assert_int_equal(currency_scale("CLF"), 4);
	/* first and last of each list: an unsorted list would miss some */
	assert_int_equal(currency_scale("AED"), 2);
	assert_int_equal(currency_scale("ZWG"), 2);
	assert_int_equal(currency_scale("BIF"), 0);
	assert_int_equal(currency_scale("XPF"), 0);
	assert_int_equal(currency_scale("BHD"), 3);
	assert_int_equal(currency_scale("TND"), 3);
	assert_int_equal(currency_scale("UYW"), 4);
	assert_int_equal(currency_scale("GBP"), 2);
	assert_int_equal(currency_scale("XCG"), 2);
}

static void codes_that_are_no_currency_are_unknown(void **state)
{
	static const char *const codes[] = {
		"", "E", "EU", "EURO", "eur", "Eur", "DEM", "HRK", "XXX", "XAU",
		"UST", "ZWL", "EU\xc2", "   ",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		assert_int_equal(currency_scale(codes[i]), -1);
}

struct sample {
	const char *text;
	int scale;
	enum money_fault fault;
	int64_t minor;
};

static void amounts_are_read_exactly_or_not_at_all(void **state)
{
	static const struct sample samples[] = {
		{ "59.90", 2, MONEY_READ, 5990 },
		{ "59.9", 2, MONEY_READ, 5990 },
		{ "60", 2, MONEY_READ, 6000 },
		{ "5.99e1", 2, MONEY_READ, 5990 },
		{ "599E-1", 2, MONEY_READ, 5990 },
		{ "1e+2", 2, MONEY_READ, 10000 },
		{ "0.1", 2, MONEY_READ, 10 },
		{ "0.07", 2, MONEY_READ, 7 },
		{ "-0.05", 2, MONEY_READ, -5 },
		{ "0", 2, MONEY_READ, 0 },
		{ "-0", 2, MONEY_READ, 0 },
		{ "0e999999999999", 2, MONEY_READ, 0 },
		{ "0.000000000000000000000000", 2, MONEY_READ, 0 },
		{ "1.230000000000000000000000000", 2, MONEY_READ, 123 },
		{ "100", 0, MONEY_READ, 100 },
		{ "100.0", 0, MONEY_READ, 100 },
		{ "1.2345", 4, MONEY_READ, 12345 },
		{ "1000000000000.00", 2, MONEY_READ, 100000000000000 },
		{ "100000000000000e-2", 2, MONEY_READ, 100000000000000 },
		{ "-1000000000000", 2, MONEY_READ, -100000000000000 },
		{ "1000000000000.01", 2, MONEY_OUT_OF_RANGE, 0 },
		{ "-1000000000000.01", 2, MONEY_OUT_OF_RANGE, 0 },
		{ "92233720368547758079", 2, MONEY_OUT_OF_RANGE, 0 },
		{ "1e400", 2, MONEY_OUT_OF_RANGE, 0 },
		{ "1e99999999999999999999", 2, MONEY_OUT_OF_RANGE, 0 },
		{ "99999999999999999999.5", 2, MONEY_OUT_OF_RANGE, 0 },
		{ "59.905", 2, MONEY_NOT_EXACT, 0 },
		{ "1e-99999999999999999999", 2, MONEY_NOT_EXACT, 0 },
		{ "1.00000000000000000000001", 2, MONEY_NOT_EXACT, 0 },
		{ "0.5", 0, MONEY_NOT_EXACT, 0 },
		{ "", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "NaN", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "Infinity", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "-Infinity", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "-", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "+1", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "01", 2, MONEY_NOT_A_NUMBER, 0 },
		{ ".5", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "1.", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "1.e2", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "1e", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "1e+", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "1e1.5", 2, MONEY_NOT_A_NUMBER, 0 },
		{ " 1", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "1 ", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "1,5", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "1_000", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "0x10", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "1.2.3", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "--1", 2, MONEY_NOT_A_NUMBER, 0 },
		{ "\xd9\xa1", 2, MONEY_NOT_A_NUMBER, 0 },	/* Arabic digit */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct sample *s = &samples[i];
		int64_t minor = 77;

		if (money_read(str_from(s->text), s->scale, &minor) != s->fault ||
		    minor != s->minor)
			fail_msg("%s at %d gave %lld", s->text, s->scale,
				 (long long)minor);
		assert_int_equal(money_parse(str_from(s->text), s->scale, &minor),
				 s->fault == MONEY_READ);
	}
}

static void a_nul_in_an_amount_is_no_number(void **state)
{
	int64_t minor;

	(void)state;
	assert_false(money_parse(STR("1\0"), 2, &minor));
	assert_false(money_parse((struct str){ NULL, 0 }, 2, &minor));
}

static void amounts_are_written_with_all_their_decimals(void **state)
{
	static const struct sample samples[] = {
		{ "59.90", 2, 0, 5990 },	{ "0.00", 2, 0, 0 },
		{ "0.05", 2, 0, 5 },		{ "-0.05", 2, 0, -5 },
		{ "-12.34", 2, 0, -1234 },	{ "0", 0, 0, 0 },
		{ "1200", 0, 0, 1200 },		{ "1.234", 3, 0, 1234 },
		{ "0.0001", 4, 0, 1 },		{ "10.0000", 4, 0, 100000 },
		{ "1000000000000.00", 2, 0, LIMIT_PRICE_MINOR },
		{ "-92233720368547758.08", 2, 0, INT64_MIN },
		{ "92233720368547758.07", 2, 0, INT64_MAX },
	};
	char text[MONEY_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		money_format(samples[i].minor, samples[i].scale, text);
		assert_string_equal(text, samples[i].text);
	}
}

static void what_is_written_is_read_as_the_same_amount(void **state)
{
	uint64_t random = 20261124;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char text[MONEY_TEXT_BYTES];
		int64_t minor, again;
		int scale = i % 5;

		random = random * 6364136223846793005u + 1442695040888963407u;
		minor = (int64_t)((random >> 14) % (2 * LIMIT_PRICE_MINOR)) -
			LIMIT_PRICE_MINOR;
		minor >>= random >> 59;
		money_format(minor, scale, text);
		assert_true(money_parse(str_from(text), scale, &again));
		assert_int_equal(minor, again);
	}
}

static void lines_add_up_and_overflow_is_refused(void **state)
{
	int64_t sum = 0;

	(void)state;
	assert_true(money_add_line(&sum, 5990, 2));
	assert_true(money_add_line(&sum, 0, 1000000));
	assert_int_equal(sum, 11980);
	assert_false(money_add_line(&sum, LIMIT_PRICE_MINOR, 1));
	assert_false(money_add_line(&sum, INT64_MAX, 2));
	assert_false(money_add_line(&sum, INT64_MAX, 1));
	assert_false(money_add_line(&sum, LIMIT_PRICE_MINOR, LIMIT_QUANTITY));
	assert_int_equal(sum, 11980);
	assert_true(money_add_line(&sum, LIMIT_PRICE_MINOR - 11980, 1));
	assert_int_equal(sum, LIMIT_PRICE_MINOR);
	assert_false(money_add_line(&sum, 1, 1));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(currencies_have_the_scale_of_iso_4217),
		cmocka_unit_test(codes_that_are_no_currency_are_unknown),
		cmocka_unit_test(amounts_are_read_exactly_or_not_at_all),
		cmocka_unit_test(a_nul_in_an_amount_is_no_number),
		cmocka_unit_test(amounts_are_written_with_all_their_decimals),
		cmocka_unit_test(what_is_written_is_read_as_the_same_amount),
		cmocka_unit_test(lines_add_up_and_overflow_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
