/*
 * money.c: currencies and exact decimal amounts.
 *
 * A number is read as significant digits and a power of ten, so that "1e2",
 * "100.00" and "100" are the same and nothing is ever rounded.
 */
#include "order/money.h"

#include <stdlib.h>

#include "base/limits.h"

#include "base/banned.h"

/* ISO 4217, list one, by the number of decimals; sorted, three letters each. */
static const char zero_decimals[] =
	"BIFCLPDJFGNFISKJPYKMFKRWPYGRWFUGXUYIVNDVUVXAFXOFXPF";
static const char two_decimals[] =
	"AEDAFNALLAMDAOAARSAUDAWGAZNBAMBBDBDTBMDBNDBOBBOVBRLBSDBTNBWPBYNBZD"
	"CADCDFCHECHFCHWCNYCOPCOUCRCCUPCVECZKDKKDOPDZDEGPERNETBEURFJDFKPGBP"
	"GELGHSGIPGMDGTQGYDHKDHNLHTGHUFIDRILSINRIRRJMDKESKGSKHRKPWKYDKZTLAK"
	"LBPLKRLRDLSLMADMDLMGAMKDMMKMNTMOPMRUMURMVRMWKMXNMXVMYRMZNNADNGNNIO"
	"NOKNPRNZDPABPENPGKPHPPKRPLNQARRONRSDRUBSARSBDSCRSDGSEKSGDSHPSLESOS"
	"SRDSSPSTNSVCSYPSZLTHBTJSTMTTOPTRYTTDTWDTZSUAHUSDUSNUYUUZSVEDVESWST"
	"XADXCDXCGYERZARZMWZWG";
static const char three_decimals[] = "BHDIQDJODKWDLYDOMRTND";
static const char four_decimals[] = "CLFUYW";

static int compare_codes(const void *a, const void *b)
{
	return memcmp(a, b, 3);
}

static bool is_in(const char *currency, const char *codes, size_t bytes)
{
	return bsearch(currency, codes, bytes / 3, 3, compare_codes) != NULL;
}

int currency_scale(const char *currency)
{
	if (strlen(currency) != 3)
		return -1;
	if (is_in(currency, two_decimals, sizeof(two_decimals) - 1))
		return 2;
	if (is_in(currency, zero_decimals, sizeof(zero_decimals) - 1))
		return 0;
	if (is_in(currency, three_decimals, sizeof(three_decimals) - 1))
		return 3;
	if (is_in(currency, four_decimals, sizeof(four_decimals) - 1))
		return 4;
	return -1;
}

/* Digits of LIMIT_PRICE_MINOR, 10^14. */
#define MAX_SIGNIFICANT 15

struct decimal {
	int64_t digits;	     /* right while significant <= MAX_SIGNIFICANT */
	int64_t significant; /* from the first to the last that is not 0 */
	int64_t zeros;	     /* behind the last that is not 0 */
	int64_t exponent;
	bool negative;
};

static bool is_digit(const char *at, const char *end)
{
	return at < end && *at >= '0' && *at <= '9';
}

static void add_digit(struct decimal *number, char c)
{
	if (c == '0') {
		number->zeros += number->significant > 0;
		return;
	}
	number->significant += number->zeros + 1;
	if (number->significant <= MAX_SIGNIFICANT) {
		for (; number->zeros > 0; number->zeros--)
			number->digits *= 10;
		number->digits = number->digits * 10 + (c - '0');
	}
	number->zeros = 0;
}

static bool read_exponent(const char *at, const char *end, int64_t *exponent)
{
	bool negative = at < end && *at == '-';
	int64_t value = 0;

	if (at < end && (*at == '-' || *at == '+'))
		at++;
	if (at == end)
		return false;
	for (; is_digit(at, end); at++)
		if (value < 1000000)
			value = value * 10 + (*at - '0');
	*exponent += negative ? -value : value;
	return at == end;
}

/* The grammar of a JSON number (RFC 8259, 6). */
static bool read_decimal(struct str text, struct decimal *number)
{
	const char *at = text.ptr, *end = text.ptr + text.len;

	*number = (struct decimal){ 0 };
	if (at < end && *at == '-') {
		number->negative = true;
		at++;
	}
	if (!is_digit(at, end) || (*at == '0' && is_digit(at + 1, end)))
		return false;
	for (; is_digit(at, end); at++)
		add_digit(number, *at);
	if (at < end && *at == '.') {
		if (!is_digit(++at, end))
			return false;
		for (; is_digit(at, end); at++) {
			add_digit(number, *at);
			number->exponent--;
		}
	}
	if (at < end && (*at == 'e' || *at == 'E'))
		return read_exponent(at + 1, end, &number->exponent);
	return at == end;
}

enum money_fault money_read(struct str text, int scale, int64_t *ret_minor)
{
	struct decimal number;
	int64_t exponent;

	*ret_minor = 0;
	if (text.len == 0 || !read_decimal(text, &number))
		return MONEY_NOT_A_NUMBER;
	if (number.significant == 0)
		return MONEY_READ;
	exponent = number.exponent + number.zeros + scale;
	if (exponent + number.significant > MAX_SIGNIFICANT)
		return MONEY_OUT_OF_RANGE;
	if (exponent < 0)
		return MONEY_NOT_EXACT;
	for (; exponent > 0; exponent--)
		number.digits *= 10;
	if (number.digits > LIMIT_PRICE_MINOR)
		return MONEY_OUT_OF_RANGE;
	*ret_minor = number.negative ? -number.digits : number.digits;
	return MONEY_READ;
}

bool money_parse(struct str text, int scale, int64_t *ret_minor)
{
	return money_read(text, scale, ret_minor) == MONEY_READ;
}

void money_format(int64_t minor, int scale, char ret[MONEY_TEXT_BYTES])
{
	uint64_t rest = minor < 0 ? -(uint64_t)minor : (uint64_t)minor;
	char reversed[MONEY_TEXT_BYTES];
	int len = 0;

	do {
		if (len == scale && scale > 0)
			reversed[len++] = '.';
		reversed[len++] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0 || len < scale + (scale > 0) + 1);
	if (minor < 0)
		reversed[len++] = '-';
	while (len > 0)
		*ret++ = reversed[--len];
	*ret = '\0';
}

bool money_add_line(int64_t *sum_minor, int64_t unit_price_minor,
		    int64_t quantity)
{
	int64_t line, sum;

	if (__builtin_mul_overflow(unit_price_minor, quantity, &line) ||
	    __builtin_add_overflow(*sum_minor, line, &sum) ||
	    sum > LIMIT_PRICE_MINOR || sum < -LIMIT_PRICE_MINOR)
		return false;
	*sum_minor = sum;
	return true;
}
