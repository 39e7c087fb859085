/*
 * order.c: the order's rules: statuses, placing, changing, what is searched.
 */
#include "order/order.h"

#include "base/banned.h"

static const char *const status_names[STATUS_COUNT] = {
	[STATUS_PENDING] = "pending",	  [STATUS_CONFIRMED] = "confirmed",
	[STATUS_SHIPPED] = "shipped",	  [STATUS_DELIVERED] = "delivered",
	[STATUS_CANCELLED] = "cancelled",
};

/* By status: the statuses it may become, as bits. */
static const unsigned may_become[STATUS_COUNT] = {
	[STATUS_PENDING] = 1u << STATUS_CONFIRMED | 1u << STATUS_CANCELLED,
	[STATUS_CONFIRMED] = 1u << STATUS_SHIPPED | 1u << STATUS_CANCELLED,
	[STATUS_SHIPPED] = 1u << STATUS_DELIVERED,
};

static const char *const verdict_names[] = {
	[VERDICT_NOT_CHECKED] = "not_checked",
	[VERDICT_MATCH] = "match",
	[VERDICT_MISMATCH] = "mismatch",
	[VERDICT_UNSURE] = "unsure",
};

const char *order_status_name(enum order_status status)
{
	return status_names[status];
}

bool order_status_from(struct str name, enum order_status *ret)
{
	for (unsigned i = 0; i < STATUS_COUNT; i++) {
		if (str_is(name, status_names[i])) {
			*ret = i;
			return true;
		}
	}
	return false;
}

bool order_status_may_become(enum order_status from, enum order_status to)
{
	return may_become[from] & 1u << to;
}

const char *verdict_name(enum verdict verdict)
{
	return verdict_names[verdict];
}

const struct image_label *order_image_label(const struct order_image *image)
{
	for (size_t i = 0; i < image->label_count; i++)
		if (image->labels[i].confidence_permille ==
		    image->confidence_permille)
			return &image->labels[i];
	return image->label_count ? &image->labels[0] : NULL;
}

bool verdict_from(struct str name, enum verdict *ret)
{
	for (unsigned i = 0; i < ARRAY_LEN(verdict_names); i++) {
		if (str_is(name, verdict_names[i])) {
			*ret = i;
			return true;
		}
	}
	return false;
}

void order_place(struct order *order, int64_t now_ms)
{
	uuid7(now_ms, order->id);
	order->version = 1;
	order->created_ms = now_ms;
	order->updated_ms = now_ms;
}

static bool illegal_status(enum order_status from, enum order_status to,
			   struct error *err)
{
	char legal[80] = "";
	size_t len = 0;

	for (unsigned i = 0; i < STATUS_COUNT; i++)
		if (order_status_may_become(from, i))
			len += (size_t)snprintf(legal + len,
						sizeof(legal) - len, "%s%s",
						len ? " or " : "",
						status_names[i]);
	if (!len)
		return error_set(err, ERROR_ILLEGAL_STATUS,
				 "An order that is %s keeps that status; it "
				 "cannot become %s.",
				 status_names[from], status_names[to]);
	return error_set(err, ERROR_ILLEGAL_STATUS,
			 "An order that is %s can become %s, not %s.",
			 status_names[from], legal, status_names[to]);
}

bool order_change(struct order *order, const struct order *before,
		  int64_t now_ms, struct error *err)
{
	if (order->status != before->status &&
	    !order_status_may_become(before->status, order->status))
		return illegal_status(before->status, order->status, err);
	order->version = before->version + 1;
	/* a clock that was set back must not make a change older than the
	 * last */
	order->updated_ms =
		now_ms > before->updated_ms ? now_ms : before->updated_ms;
	return true;
}

void order_search_text(const struct order *order, struct buf *to)
{
	buf_add_str(to, order->description);
	buf_add_char(to, '\n');
	buf_add_str(to, order->customer_name);
	buf_add_char(to, '\n');
	buf_add_str(to, order->customer_email);
	for (size_t i = 0; i < order->line_count; i++) {
		buf_add_char(to, '\n');
		buf_add_str(to, order->lines[i].sku);
		buf_add_char(to, '\n');
		buf_add_str(to, order->lines[i].name);
	}
	buf_add_char(to, '\n');
	buf_add_str(to, order->notes);
	buf_add_char(to, '\n');
	buf_add_text(to, order_short_id(order->id));
}
