/*
 * archive_object.c: the bytes of an archived order, written and read back.
 */
#include "deletion/archive_object.h"

#include "order/order.h"

#include "base/banned.h"

#define OBJECT_MAX_BYTES (1u * MIB)

void archive_key(const struct deletion *deletion, struct buf *to)
{
	char day[TIME_TEXT_BYTES];

	time_format(deletion->deleted_ms, day);
	buf_printf(to, "archive/%.4s/%.2s/%.2s/%s.json", day, day + 5, day + 8,
		   deletion->event_id);
}

void archive_object(const struct deletion *deletion, struct buf *to)
{
	char deleted_at[TIME_TEXT_BYTES];

	time_format(deletion->deleted_ms, deleted_at);
	buf_printf(to, "{\"event_id\":\"%s\",\"deleted_at\":\"%s\","
		   "\"traceparent\":", deletion->event_id, deleted_at);
	buf_add_json(to, deletion->traceparent);
	buf_add_text(to, ",\"order\":");
	buf_add_str(to, deletion->order_json);
	buf_add_char(to, '}');
}

static bool skip(struct str *rest, struct str expected)
{
	if (!str_starts(*rest, expected))
		return false;
	rest->ptr += expected.len;
	rest->len -= expected.len;
	return true;
}

/* The text up to the quote that ends it. None of ours holds an escape. */
static bool take_string(struct str *rest, struct str *ret)
{
	return str_next(rest, '"', ret) && rest->len > 0;
}

static bool take_frame(struct str rest, struct str *event_id,
		       struct str *deleted_at, struct str *traceparent,
		       struct str *order)
{
	if (!skip(&rest, STR("{\"event_id\":\"")) ||
	    !take_string(&rest, event_id) ||
	    !skip(&rest, STR(",\"deleted_at\":\"")) ||
	    !take_string(&rest, deleted_at) ||
	    !skip(&rest, STR(",\"traceparent\":\"")) ||
	    !take_string(&rest, traceparent) ||
	    !skip(&rest, STR(",\"order\":")) || rest.len < 2 ||
	    rest.ptr[rest.len - 1] != '}')
		return false;
	*order = (struct str){ rest.ptr, rest.len - 1 };
	return true;
}

static void note_order(struct deletion *deletion, const struct order *order)
{
	memcpy(deletion->order_id, order->id, sizeof(deletion->order_id));
	memcpy(deletion->currency, order->currency,
	       sizeof(deletion->currency));
	deletion->order_version = order->version;
	deletion->description = order->description;
	deletion->customer_name = order->customer_name;
	deletion->price_minor = order->price_minor;
}

bool archive_object_parse(struct str object, struct arena *arena,
			  struct deletion *ret, struct error *err)
{
	struct str event_id, deleted_at;
	struct order order;
	struct buf again;

	memset(ret, 0, sizeof(*ret));
	if (!take_frame(object, &event_id, &deleted_at, &ret->traceparent,
			&ret->order_json) ||
	    !uuid_is_valid(event_id) ||
	    !time_parse(deleted_at, &ret->deleted_ms))
		return error_cause(err, ERROR_INTERNAL,
				   "not an archive object");
	memcpy(ret->event_id, event_id.ptr, event_id.len);
	/* Whatever the parts allow that we would not have written is damage. */
	buf_init(&again, arena, OBJECT_MAX_BYTES);
	archive_object(ret, &again);
	if (!str_eq(buf_str(&again), object))
		return error_cause(err, ERROR_INTERNAL,
				   "archive object %s is damaged",
				   ret->event_id);
	if (!order_from_stored_json(&order, ret->order_json, arena, err))
		return false;
	note_order(ret, &order);
	return true;
}
