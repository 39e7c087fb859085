/*
 * order_csv.c: one line an order; its lines in one cell.
 */
#include "order/order_csv.h"

#include "order/money.h"
#include "base/banned.h"

static void add_cell(struct buf *to, struct str text)
{
	bool formula = text.len > 0 && memchr("=+-@\t\r", text.ptr[0], 6);

	buf_add_text(to, formula ? "\"'" : "\"");
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"')
			buf_add_char(to, '"');
		buf_add_char(to, text.ptr[i]);
	}
	buf_add_char(to, '"');
}

void order_csv_head(struct buf *to)
{
	buf_add_text(to,
		     "id,version,status,description,customer_name,customer_email,currency,price,lines,notes,image_verdict,created_at,updated_at\r\n");
}

static void add_lines(const struct order *order, int scale, struct buf *to)
{
	struct buf cell;

	buf_init(&cell, to->arena, 256 * KIB);
	for (size_t i = 0; i < order->line_count; i++) {
		const struct order_line *line = &order->lines[i];
		char price[MONEY_TEXT_BYTES];

		money_format(line->unit_price_minor, scale, price);
		buf_printf(&cell, "%s%lld x ", i ? "; " : "",
			   (long long)line->quantity);
		buf_add_str(&cell, line->name);
		buf_printf(&cell, " at %s", price);
	}
	add_cell(to, buf_str(&cell));
}

void order_csv_row(const struct order *order, struct buf *to)
{
	char created_at[TIME_TEXT_BYTES], updated_at[TIME_TEXT_BYTES];
	int scale = currency_scale(order->currency);
	char price[MONEY_TEXT_BYTES];

	time_format(order->created_ms, created_at);
	time_format(order->updated_ms, updated_at);
	money_format(order->price_minor, scale, price);
	buf_printf(to, "%s,%lld,%s,", order->id, (long long)order->version,
		   order_status_name(order->status));
	add_cell(to, order->description);
	buf_add_char(to, ',');
	add_cell(to, order->customer_name);
	buf_add_char(to, ',');
	add_cell(to, order->customer_email);
	buf_printf(to, ",%s,%s,", order->currency, price);
	add_lines(order, scale, to);
	buf_add_char(to, ',');
	add_cell(to, order->notes);
	buf_printf(to, ",%s,%s,%s\r\n",
		   order->image.id.len ? verdict_name(order->image.verdict) : "",
		   created_at, updated_at);
}
