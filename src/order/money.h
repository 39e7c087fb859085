/*
 * money.h: amounts as integers in minor units; decimal text on the wire.
 *
 * Scales are those of ISO 4217 ("EUR" 2, "JPY" 0, "KWD" 3). Never a float.
 */
#ifndef ORDER_MONEY_H
#define ORDER_MONEY_H

#include "base/str.h"

#define MONEY_TEXT_BYTES 24

/* -1 when the code is not an active ISO 4217 currency. */
int currency_scale(const char *currency);
enum money_fault {
	MONEY_READ, MONEY_NOT_A_NUMBER, MONEY_NOT_EXACT, MONEY_OUT_OF_RANGE
};
/* Exact: "59.90", "59.9", "60" and, from a JSON number's literal, "5.99e1".
 * False when not a number, not exact at the scale, or outside
 * ±LIMIT_PRICE_MINOR. */
enum money_fault money_read(struct str text, int scale, int64_t *ret_minor);
bool money_parse(struct str text, int scale, int64_t *ret_minor);
/* Always `scale` decimals: "59.90", "-0.05". */
void money_format(int64_t minor, int scale, char ret[MONEY_TEXT_BYTES]);
/* unit_price × quantity added to *sum; false on overflow of
 * LIMIT_PRICE_MINOR. */
bool money_add_line(int64_t *sum_minor, int64_t unit_price_minor,
		    int64_t quantity);

#endif
