/*
 * order_json.c: the order's canonical JSON, written and read back.
 *
 * These are the bytes that are stored, archived and answered, so they are
 * written without a format string: one order takes about a microsecond.
 */
#include "order/order_json.h"

#include "base/limits.h"
#include "order/money.h"

#include "base/banned.h"

#define ADD(to, literal) buf_add(to, literal, sizeof(literal) - 1)

/* Names of ours (statuses, ids, times, amounts) hold nothing to escape. */
static void add_plain(struct buf *to, const char *text)
{
	buf_add_char(to, '"');
	buf_add_text(to, text);
	buf_add_char(to, '"');
}

static void add_amount(struct buf *to, int64_t minor, int scale)
{
	char text[MONEY_TEXT_BYTES];

	money_format(minor, scale, text);
	add_plain(to, text);
}

static void add_time(struct buf *to, int64_t time_ms)
{
	char text[TIME_TEXT_BYTES];

	time_format(time_ms, text);
	add_plain(to, text);
}

/* 970 → 0.97, 1000 → 1, -1 → null */
void image_confidence_to_json(int permille, struct buf *to)
{
	char text[MONEY_TEXT_BYTES];
	size_t len;

	if (permille < 0) {
		ADD(to, "null");
		return;
	}
	money_format(permille, 3, text);
	len = strlen(text);
	while (text[len - 1] == '0')
		len--;
	if (text[len - 1] == '.')
		len--;
	buf_add(to, text, len);
}

void image_labels_to_json(const struct order_image *image, struct buf *to)
{
	buf_add_char(to, '[');
	for (size_t i = 0; i < image->label_count; i++) {
		if (i > 0)
			buf_add_char(to, ',');
		ADD(to, "{\"name\":");
		buf_add_json(to, image->labels[i].name);
		ADD(to, ",\"confidence\":");
		image_confidence_to_json(image->labels[i].confidence_permille,
					 to);
		buf_add_char(to, '}');
	}
	buf_add_char(to, ']');
}

void image_to_json(const struct order_image *image, struct buf *to)
{
	ADD(to, "{\"id\":");
	buf_add_json(to, image->id);
	ADD(to, ",\"media_type\":");
	buf_add_json(to, image->media_type);
	ADD(to, ",\"verdict\":");
	add_plain(to, verdict_name(image->verdict));
	ADD(to, ",\"confidence\":");
	image_confidence_to_json(image->confidence_permille, to);
	ADD(to, ",\"labels\":");
	image_labels_to_json(image, to);
	ADD(to, ",\"model\":");
	buf_add_json(to, image->model);
	if (image->accepted_by_user)
		ADD(to, ",\"accepted_by_user\":true}");
	else
		ADD(to, ",\"accepted_by_user\":false}");
}

static void add_customer(struct buf *to, const struct order *order)
{
	ADD(to, ",\"customer\":");
	if (!order->customer_name.len && !order->customer_email.len) {
		ADD(to, "null");
		return;
	}
	buf_add_char(to, '{');
	if (order->customer_name.len) {
		ADD(to, "\"name\":");
		buf_add_json(to, order->customer_name);
	}
	if (order->customer_email.len) {
		if (order->customer_name.len)
			buf_add_char(to, ',');
		ADD(to, "\"email\":");
		buf_add_json(to, order->customer_email);
	}
	buf_add_char(to, '}');
}

static void add_lines(struct buf *to, const struct order *order, int scale)
{
	ADD(to, ",\"lines\":[");
	for (size_t i = 0; i < order->line_count; i++) {
		const struct order_line *line = &order->lines[i];

		if (i > 0)
			buf_add_char(to, ',');
		buf_add_char(to, '{');
		if (line->sku.len) {
			ADD(to, "\"sku\":");
			buf_add_json(to, line->sku);
			buf_add_char(to, ',');
		}
		ADD(to, "\"name\":");
		buf_add_json(to, line->name);
		ADD(to, ",\"quantity\":");
		buf_add_int(to, line->quantity);
		ADD(to, ",\"unit_price\":");
		add_amount(to, line->unit_price_minor, scale);
		buf_add_char(to, '}');
	}
	buf_add_char(to, ']');
}

static void add_metadata(struct buf *to, const struct order *order)
{
	ADD(to, ",\"metadata\":{");
	for (size_t i = 0; i < order->metadata_count; i++) {
		if (i > 0)
			buf_add_char(to, ',');
		buf_add_json(to, order->metadata[i].key);
		buf_add_char(to, ':');
		buf_add_json(to, order->metadata[i].value);
	}
	buf_add_char(to, '}');
}

void order_to_json(const struct order *order, struct buf *to)
{
	int scale = currency_scale(order->currency);

	ADD(to, "{\"id\":");
	add_plain(to, order->id);
	ADD(to, ",\"version\":");
	buf_add_int(to, order->version);
	ADD(to, ",\"status\":");
	add_plain(to, order_status_name(order->status));
	ADD(to, ",\"description\":");
	buf_add_json(to, order->description);
	add_customer(to, order);
	add_lines(to, order, scale);
	ADD(to, ",\"currency\":");
	add_plain(to, order->currency);
	ADD(to, ",\"price\":");
	add_amount(to, order->price_minor, scale);
	ADD(to, ",\"notes\":");
	buf_add_json(to, order->notes);
	add_metadata(to, order);
	ADD(to, ",\"image\":");
	if (order->image.id.len)
		image_to_json(&order->image, to);
	else
		ADD(to, "null");
	ADD(to, ",\"created_at\":");
	add_time(to, order->created_ms);
	ADD(to, ",\"updated_at\":");
	add_time(to, order->updated_ms);
	buf_add_char(to, '}');
}

struct str order_json(const struct order *order, struct arena *arena)
{
	struct buf json;

	if (order->json.ptr)
		return order->json;
	buf_init(&json, arena, LIMIT_RESPONSE_BYTES);
	order_to_json(order, &json);
	return buf_str(&json);
}

static bool damaged(struct error *err, const char *member)
{
	return error_cause(err, ERROR_INTERNAL,
			   "stored JSON is damaged at \"%s\"", member);
}

static bool get_text(struct json object, const char *name, struct str *ret,
		     struct error *err)
{
	struct json value = json_member(object, name);

	if (value.kind != JSON_STRING)
		return damaged(err, name);
	*ret = json_string(value);
	return true;
}

/* "" where the member is absent */
static bool get_optional(struct json object, const char *name, struct str *ret,
			 struct error *err)
{
	*ret = STR("");
	if (json_member(object, name).kind == JSON_ABSENT)
		return true;
	return get_text(object, name, ret, err);
}

static bool get_amount(struct json object, const char *name, int scale,
		       int64_t *ret, struct error *err)
{
	struct str text;

	if (!get_text(object, name, &text, err))
		return false;
	if (!money_parse(text, scale, ret))
		return damaged(err, name);
	return true;
}

static bool get_count(struct json object, const char *name, int64_t *ret,
		      struct error *err)
{
	struct json value = json_member(object, name);
	uint64_t count;

	if (value.kind != JSON_NUMBER ||
	    !str_to_uint(json_literal(value), INT64_MAX, &count))
		return damaged(err, name);
	*ret = (int64_t)count;
	return true;
}

static bool get_time(struct json object, const char *name, int64_t *ret,
		     struct error *err)
{
	struct str text;

	if (!get_text(object, name, &text, err))
		return false;
	if (!time_parse(text, ret))
		return damaged(err, name);
	return true;
}

static bool get_confidence(struct json object, int *ret, struct error *err)
{
	struct json value = json_member(object, "confidence");
	int64_t permille;

	*ret = -1;
	if (value.kind == JSON_NULL)
		return true;
	if (value.kind != JSON_NUMBER ||
	    !money_parse(json_literal(value), 3, &permille) || permille < 0 ||
	    permille > 1000)
		return damaged(err, "confidence");
	*ret = (int)permille;
	return true;
}

static bool get_labels(struct order_image *image, struct json labels,
		       struct error *err)
{
	image->label_count = json_count(labels);
	if (labels.kind != JSON_ARRAY ||
	    image->label_count > ARRAY_LEN(image->labels))
		return damaged(err, "labels");
	for (size_t i = 0; i < image->label_count; i++) {
		struct json label = json_element(labels, i);

		if (!get_text(label, "name", &image->labels[i].name, err) ||
		    !get_confidence(label,
				    &image->labels[i].confidence_permille, err))
			return false;
	}
	return true;
}

bool image_from_json(struct order_image *image, struct json json,
		     struct error *err)
{
	struct json accepted = json_member(json, "accepted_by_user");
	struct str verdict;

	if (!get_text(json, "id", &image->id, err) ||
	    !get_text(json, "media_type", &image->media_type, err) ||
	    !get_text(json, "verdict", &verdict, err) ||
	    !get_text(json, "model", &image->model, err) ||
	    !get_confidence(json, &image->confidence_permille, err) ||
	    !get_labels(image, json_member(json, "labels"), err))
		return false;
	if (!verdict_from(verdict, &image->verdict))
		return damaged(err, "verdict");
	if (accepted.kind != JSON_BOOL)
		return damaged(err, "accepted_by_user");
	image->accepted_by_user = json_bool(accepted);
	return true;
}

static bool get_lines(struct order *order, struct json lines, int scale,
		      struct arena *arena, struct error *err)
{
	if (lines.kind != JSON_ARRAY)
		return damaged(err, "lines");
	order->line_count = json_count(lines);
	order->lines = arena_alloc(arena, (order->line_count + 1) *
						  sizeof(*order->lines));
	for (size_t i = 0; i < order->line_count; i++) {
		struct json from = json_element(lines, i);
		struct order_line *line = &order->lines[i];

		if (!get_optional(from, "sku", &line->sku, err) ||
		    !get_text(from, "name", &line->name, err) ||
		    !get_count(from, "quantity", &line->quantity, err) ||
		    !get_amount(from, "unit_price", scale,
				&line->unit_price_minor, err))
			return false;
	}
	return true;
}

static bool get_metadata(struct order *order, struct json metadata,
			 struct arena *arena, struct error *err)
{
	size_t count = 0;

	if (metadata.kind != JSON_OBJECT)
		return damaged(err, "metadata");
	order->metadata = arena_alloc(arena, (json_count(metadata) + 1) *
						     sizeof(*order->metadata));
	for (struct json_iterator it = json_first(metadata); it.name.ptr;
	     json_next(&it)) {
		if (it.value.kind != JSON_STRING)
			return damaged(err, "metadata");
		order->metadata[count++] =
			(struct order_metadata){ it.name,
						 json_string(it.value) };
	}
	order->metadata_count = count;
	return true;
}

static bool get_customer(struct order *order, struct json customer,
			 struct error *err)
{
	if (customer.kind == JSON_NULL)
		return true;
	if (customer.kind != JSON_OBJECT)
		return damaged(err, "customer");
	return get_optional(customer, "name", &order->customer_name, err) &&
	       get_optional(customer, "email", &order->customer_email, err);
}

/* id, status and currency: text of a fixed set or form */
static bool get_codes(struct order *order, struct json json, struct error *err)
{
	struct str id, status, currency;

	if (!get_text(json, "id", &id, err) ||
	    !get_text(json, "status", &status, err) ||
	    !get_text(json, "currency", &currency, err))
		return false;
	if (!uuid_is_valid(id))
		return damaged(err, "id");
	memcpy(order->id, id.ptr, ORDER_ID_BYTES - 1);
	if (!order_status_from(status, &order->status))
		return damaged(err, "status");
	if (currency.len != sizeof(order->currency) - 1)
		return damaged(err, "currency");
	memcpy(order->currency, currency.ptr, currency.len);
	if (currency_scale(order->currency) < 0)
		return damaged(err, "currency");
	return true;
}

static bool get_image(struct order *order, struct json image, struct error *err)
{
	if (image.kind == JSON_NULL)
		return true;
	return image_from_json(&order->image, image, err);
}

static bool get_members(struct order *order, struct json json,
			struct arena *arena, struct error *err)
{
	int scale;

	if (!get_codes(order, json, err))
		return false;
	scale = currency_scale(order->currency);
	return get_count(json, "version", &order->version, err) &&
	       get_text(json, "description", &order->description, err) &&
	       get_customer(order, json_member(json, "customer"), err) &&
	       get_lines(order, json_member(json, "lines"), scale, arena,
			 err) &&
	       get_amount(json, "price", scale, &order->price_minor, err) &&
	       get_text(json, "notes", &order->notes, err) &&
	       get_metadata(order, json_member(json, "metadata"), arena, err) &&
	       get_image(order, json_member(json, "image"), err) &&
	       get_time(json, "created_at", &order->created_ms, err) &&
	       get_time(json, "updated_at", &order->updated_ms, err);
}

bool order_from_stored_json(struct order *order, struct str json,
			    struct arena *arena, struct error *err)
{
	struct json parsed;
	struct error fault;

	*order = (struct order){
		.customer_name = STR(""),
		.customer_email = STR(""),
	};
	error_init(&fault);
	if (!json_parse(&parsed, json, arena, &fault))
		return error_cause(err, ERROR_INTERNAL,
				   "stored JSON is damaged: %s", fault.detail);
	return get_members(order, parsed, arena, err);
}

/* What comes behind the id's opening quote; absent when there is no image. */
static struct str behind_image_id(struct str json)
{
	struct str image = STR("\"image\":{\"id\":\"");
	const char *at =
		json.len ? memmem(json.ptr, json.len, image.ptr, image.len)
			 : NULL;

	if (!at)
		return (struct str){ NULL, 0 };
	at += image.len;
	return (struct str){ at, (size_t)(json.ptr + json.len - at) };
}

bool order_json_image_id(struct str json, struct str *id,
			 struct str *media_type)
{
	struct str next = STR(",\"media_type\":\"");
	struct str rest = behind_image_id(json);

	if (!str_next(&rest, '"', id) || !str_starts(rest, next))
		return false;
	rest.ptr += next.len;
	rest.len -= next.len;
	return str_next(&rest, '"', media_type);
}

void order_json_add_url(struct buf *to, struct str json, struct str url)
{
	struct str rest = behind_image_id(json);
	size_t before_id = sizeof("\"id\":\"") - 1;

	if (!rest.ptr) {
		buf_add_str(to, json);
		return;
	}
	buf_add(to, json.ptr, (size_t)(rest.ptr - json.ptr) - before_id);
	ADD(to, "\"url\":");
	buf_add_json(to, url);
	buf_add_char(to, ',');
	buf_add(to, rest.ptr - before_id, rest.len + before_id);
}
