/*
 * order_draft.c: what clients send: drafts, merge patches, replacements.
 *
 * All three are one thing: members applied to an order (an empty one, the
 * stored one, the stored one emptied), and then the order is looked at as a
 * whole. Every wrong member is reported, not only the first.
 */
#include "order/order_json.h"

#include <stdarg.h>

#include "base/limits.h"
#include "base/pattern.h"
#include "order/money.h"
#include "order/email.h"
#include "order/text.h"

#include "base/banned.h"

#define DRAFT_MEMBERS \
	"description", "customer", "lines", "currency", "price", "notes", \
		"metadata", "image", "accept_mismatch"

static const char *const draft_members[] = { DRAFT_MEMBERS, NULL };
static const char *const change_members[] = {
	DRAFT_MEMBERS, "status", "id", "version", "created_at", "updated_at",
	NULL,
};

struct reader {
	struct order *order;
	const struct order *stored; /* NULL: a new order */
	struct arena *arena;
	struct error *err;
	bool merging;	/* RFC 7396: null removes, objects merge */
	char place[32]; /* pointer of the object being read */
	int scale;	/* of the currency in force; -1: not known */
	bool lines_given, price_given;
	bool amounts_wrong; /* nothing to add up */
};

/* One more wrong member, `name` in the object at r->place. Always false. */
static bool wrong(struct reader *r, struct str name, const char *code,
		  const char *fmt, ...) PRINTF_LIKE(4, 5);
static bool wrong(struct reader *r, struct str name, const char *code,
		  const char *fmt, ...)
{
	char detail[sizeof(r->err->items[0].detail)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	return error_item(r->err, json_pointer(r->arena, r->place, name), code,
			  "%s", detail);
}

/* The code for a value that is not of the kind that it must be. */
static const char *kind_fault(struct json value)
{
	return value.kind == JSON_ABSENT || value.kind == JSON_NULL
		       ? "required"
		       : "wrong_type";
}

/* The others are wrong members; a caller may go on all the same. */
static bool has_only(struct reader *r, struct json object,
		     const char *const *names)
{
	return json_only(object, r->place, names, r->err);
}

struct text_rule {
	const char *name;
	const char *words; /* "Write <words> of 1 to <max> characters." */
	size_t min, max;
	bool several_lines;
	bool trimmed;
};

static bool check_length(struct reader *r, struct str name,
			 const struct text_rule *rule, struct str text)
{
	size_t length = utf8_length(text);

	if (length >= rule->min && length <= rule->max)
		return true;
	return wrong(r, name, length ? "too_long" : "too_short",
		     "Write %s of %s%zu characters.", rule->words,
		     rule->min ? "1 to " : "at most ", rule->max);
}

static bool check_text(struct reader *r, struct str name, struct str text,
		       const struct text_rule *rule, struct str *ret)
{
	uint32_t bad;

	if (rule->several_lines)
		text = text_with_newlines(text, r->arena);
	/* before trimming: "a@b.cc\n" is no address (a header could follow) */
	bad = text_bad_character(text, rule->several_lines);
	if (bad)
		return wrong(r, name, "control_character",
			     "Remove the invisible character U+%04X.", bad);
	if (rule->trimmed)
		text = text_trim(text);
	if (!check_length(r, name, rule, text))
		return false;
	*ret = text;
	return true;
}

/* `name` is rule->name, or the key of a metadata member. */
static bool read_text(struct reader *r, struct str name, struct json value,
		      const struct text_rule *rule, struct str *ret)
{
	if (value.kind == JSON_STRING)
		return check_text(r, name, json_string(value), rule, ret);
	if (value.kind == JSON_ABSENT)
		return wrong(r, name, "required", "Give %s.", rule->words);
	return wrong(r, name, kind_fault(value), "Write %s as text.",
		     rule->words);
}

/* Text that may be missing: null and "" are "not given". */
static bool read_optional(struct reader *r, struct json object,
			  const struct text_rule *rule, struct str *ret)
{
	struct json value = json_member(object, rule->name);

	if (value.kind == JSON_ABSENT)
		return true;
	*ret = STR("");
	if (value.kind == JSON_NULL)
		return true;
	return read_text(r, str_from(rule->name), value, rule, ret);
}

static const struct text_rule description_rule = {
	.name = "description", .words = "a description", .min = 1,
	.max = LIMIT_DESCRIPTION_LENGTH, .several_lines = true, .trimmed = true,
};

static void read_description(struct reader *r, struct json value)
{
	if (value.kind != JSON_ABSENT)
		read_text(r, STR("description"), value, &description_rule,
			  &r->order->description);
	else if (!r->order->description.len)
		wrong(r, STR("description"), "required",
		      "Write a description of 1 to %u characters.",
		      LIMIT_DESCRIPTION_LENGTH);
}

static void read_notes(struct reader *r, struct json body)
{
	static const struct text_rule rule = {
		.name = "notes", .words = "notes",
		.max = LIMIT_NOTES_LENGTH, .several_lines = true,
	};

	read_optional(r, body, &rule, &r->order->notes);
}

static void read_email(struct reader *r, struct json customer)
{
	static const struct text_rule rule = {
		.name = "email", .words = "an e-mail address",
		.max = LIMIT_EMAIL_BYTES, .trimmed = true,
	};
	struct str email = r->order->customer_email;

	if (!read_optional(r, customer, &rule, &email))
		return;
	r->order->customer_email = email;
	if (email.len && !email_normalize(email, r->arena,
					  &r->order->customer_email))
		wrong(r, STR("email"), "invalid",
		      "Write an e-mail address such as ada@example.org.");
}

static void read_customer(struct reader *r, struct json value)
{
	static const char *const members[] = { "name", "email", NULL };
	static const struct text_rule name_rule = {
		.name = "name", .words = "a name",
		.max = LIMIT_NAME_LENGTH, .trimmed = true,
	};

	if (value.kind == JSON_ABSENT)
		return;
	if (value.kind == JSON_NULL) {
		r->order->customer_name = STR("");
		r->order->customer_email = STR("");
		return;
	}
	if (value.kind != JSON_OBJECT) {
		wrong(r, STR("customer"), "wrong_type",
		      "Write the customer as an object with name, email or "
		      "both.");
		return;
	}
	snprintf(r->place, sizeof(r->place), "/customer");
	has_only(r, value, members);
	read_optional(r, value, &name_rule, &r->order->customer_name);
	read_email(r, value);
	r->place[0] = '\0';
}

static void read_currency(struct reader *r, struct json value)
{
	struct str code = json_string(value);
	char currency[4] = "";
	bool given = value.kind != JSON_ABSENT &&
		     (value.kind != JSON_NULL || r->merging);

	if (pattern_matches(PATTERN_CURRENCY, code))
		memcpy(currency, code.ptr, code.len);
	if (!given) {
		r->scale = currency_scale(r->order->currency);
	} else if (currency_scale(currency) >= 0) {
		memcpy(r->order->currency, currency, sizeof(currency));
		r->scale = currency_scale(currency);
	} else {
		r->scale = -1;
		r->amounts_wrong = true;
		wrong(r, STR("currency"),
		      code.ptr ? "unknown_currency" : kind_fault(value),
		      "Write the currency as its three-letter code, such as "
		      "EUR.");
	}
}

/* Only a JSON number may have one: nobody writes an amount as "5.99e1". */
static bool has_exponent(struct json value)
{
	struct str text = json_string(value);

	return text.len && (memchr(text.ptr, 'e', text.len) ||
			    memchr(text.ptr, 'E', text.len));
}

/*
 * An amount as text ("59.90") or number. Without a currency it is read at four
 * decimals, the most that there are.
 */
static bool read_amount(struct reader *r, struct str name, struct json value,
			int64_t min, int64_t *ret)
{
	int scale = r->scale < 0 ? 4 : r->scale;
	struct str text = value.kind == JSON_STRING ? json_string(value)
						    : json_literal(value);
	char limit[MONEY_TEXT_BYTES];

	if (value.kind != JSON_STRING && value.kind != JSON_NUMBER)
		return wrong(r, name, kind_fault(value),
			     "Write the amount as text, such as \"59.90\".");
	switch (has_exponent(value) ? MONEY_NOT_A_NUMBER
				    : money_read(text, scale, ret)) {
	case MONEY_NOT_A_NUMBER:
		return wrong(r, name, "not_a_number",
			     "Write the amount in digits, such as \"59.90\".");
	case MONEY_NOT_EXACT:
		return wrong(r, name, "not_exact",
			     "Write the amount with at most %d decimals.",
			     scale);
	case MONEY_READ:
		if (*ret >= min)
			return true;
		break;
	case MONEY_OUT_OF_RANGE:
		break;
	}
	money_format(LIMIT_PRICE_MINOR, scale, limit);
	return wrong(r, name, "out_of_range",
		     "Write an amount %s and not above %s.",
		     min > 0 ? "above 0" : "that is not below 0", limit);
}

static bool read_quantity(struct reader *r, struct json value, int64_t *ret)
{
	const char *code = "out_of_range";

	if (value.kind != JSON_NUMBER)
		code = kind_fault(value);
	else if (money_read(json_literal(value), 0, ret) == MONEY_NOT_EXACT)
		code = "not_exact";
	else if (*ret >= 1 && *ret <= LIMIT_QUANTITY)
		return true;
	return wrong(r, STR("quantity"), code,
		     "Write the quantity as a whole number from 1 to %u.",
		     LIMIT_QUANTITY);
}

static bool read_line(struct reader *r, struct json value,
		      struct order_line *line)
{
	static const char *const members[] = { "sku", "name", "quantity",
					       "unit_price", NULL };
	static const struct text_rule sku_rule = {
		.name = "sku", .words = "an article number",
		.max = LIMIT_SKU_LENGTH, .trimmed = true,
	};
	static const struct text_rule name_rule = {
		.name = "name", .words = "a name", .min = 1,
		.max = LIMIT_NAME_LENGTH, .trimmed = true,
	};
	bool good = has_only(r, value, members);

	line->sku = STR("");
	if (!read_optional(r, value, &sku_rule, &line->sku))
		good = false;
	else if (line->sku.len && !pattern_matches(PATTERN_SKU, line->sku))
		good = wrong(r, STR("sku"), "invalid",
			     "Write the article number with letters, digits "
			     "and . _ - / only.");
	good &= read_text(r, STR("name"), json_member(value, "name"),
			  &name_rule, &line->name);
	good &= read_quantity(r, json_member(value, "quantity"),
			      &line->quantity);
	good &= read_amount(r, STR("unit_price"),
			    json_member(value, "unit_price"), 0,
			    &line->unit_price_minor);
	return good;
}

static bool read_each_line(struct reader *r, struct json value, size_t count)
{
	struct order_line *lines =
		arena_alloc(r->arena, count * sizeof(*lines));
	bool good = true;

	for (size_t i = 0; i < count; i++) {
		struct json line = json_element(value, i);

		snprintf(r->place, sizeof(r->place), "/lines/%zu", i);
		if (line.kind == JSON_OBJECT)
			good &= read_line(r, line, &lines[i]);
		else
			good = error_item(r->err, r->place, "wrong_type",
					  "Write each line as an object with "
					  "name, quantity and unit_price.");
	}
	r->place[0] = '\0';
	r->order->lines = lines;
	r->order->line_count = count;
	return good;
}

static void read_lines(struct reader *r, struct json value)
{
	size_t count = json_count(value);

	if (value.kind == JSON_ABSENT)
		return;
	r->lines_given = true;
	if (value.kind == JSON_NULL ||
	    (value.kind == JSON_ARRAY && count == 0)) {
		r->order->line_count = 0;
		return;
	}
	if (value.kind != JSON_ARRAY)
		wrong(r, STR("lines"), "wrong_type",
		      "Write the lines as an array.");
	else if (count > LIMIT_LINES)
		wrong(r, STR("lines"), "too_many",
		      "An order has at most %u lines.", LIMIT_LINES);
	else if (read_each_line(r, value, count))
		return;
	r->amounts_wrong = true;
}

static void read_price(struct reader *r, struct json value)
{
	if (value.kind == JSON_ABSENT)
		return;
	r->order->price_minor = 0;
	if (value.kind == JSON_NULL)
		return;
	r->price_given = true;
	if (!read_amount(r, STR("price"), value, 1, &r->order->price_minor))
		r->amounts_wrong = true;
}

/* Keys are not trimmed: they are names that programs gave. */
static void read_metadata_member(struct reader *r, struct str key,
				 struct json value)
{
	static const struct text_rule rule = {
		.words = "a value", .max = LIMIT_METADATA_VALUE_LENGTH,
		.several_lines = true,
	};
	struct order_metadata *all = r->order->metadata;
	size_t *count = &r->order->metadata_count, at = 0;
	size_t length = utf8_length(key);

	if (length < 1 || length > LIMIT_METADATA_KEY_LENGTH ||
	    text_bad_character(key, false)) {
		wrong(r, key, "invalid",
		      "Give the member a name of 1 to %u visible characters.",
		      LIMIT_METADATA_KEY_LENGTH);
		return;
	}
	while (at < *count && !str_eq(all[at].key, key))
		at++;
	if (r->merging && value.kind == JSON_NULL) {
		if (at < *count)
			memmove(&all[at], &all[at + 1],
				(--*count - at) * sizeof(*all));
		return;
	}
	if (!read_text(r, key, value, &rule, &all[at].value))
		return;
	all[at].key = key;
	if (at == *count)
		++*count;
}

static void read_metadata(struct reader *r, struct json value)
{
	struct order *order = r->order;
	struct order_metadata *all;

	if (value.kind == JSON_NULL)
		order->metadata_count = 0;
	if (value.kind == JSON_ABSENT || value.kind == JSON_NULL)
		return;
	if (value.kind != JSON_OBJECT) {
		wrong(r, STR("metadata"), "wrong_type",
		      "Write metadata as an object whose values are text.");
		return;
	}
	/* a copy: the order before the change may still point at the old ones */
	all = arena_alloc(r->arena, (order->metadata_count + json_count(value) +
				     1) * sizeof(*all));
	if (order->metadata_count)
		memcpy(all, order->metadata,
		       order->metadata_count * sizeof(*all));
	order->metadata = all;
	snprintf(r->place, sizeof(r->place), "/metadata");
	for (struct json_iterator it = json_first(value); it.name.ptr;
	     json_next(&it))
		read_metadata_member(r, it.name, it.value);
	r->place[0] = '\0';
	if (order->metadata_count > LIMIT_METADATA_MEMBERS)
		wrong(r, STR("metadata"), "too_many",
		      "An order has at most %u metadata members.",
		      LIMIT_METADATA_MEMBERS);
}

/* The whole image as a GET answers it, and the one that the order has. */
static bool is_stored_image(struct reader *r, struct json value)
{
	struct order_image given = { 0 };
	struct buf ours, theirs;
	struct error damage;

	error_init(&damage);
	if (!image_from_json(&given, value, &damage))
		return false;
	buf_init(&ours, r->arena, LIMIT_JSON_BODY_BYTES);
	buf_init(&theirs, r->arena, LIMIT_JSON_BODY_BYTES);
	image_to_json(&r->stored->image, &ours);
	image_to_json(&given, &theirs);
	return str_eq(buf_str(&ours), buf_str(&theirs));
}

static void read_image_object(struct reader *r, struct json value)
{
	static const char *const draft_image[] = { "receipt", NULL };
	static const char *const stored_image[] = {
		"receipt", "url", "id", "media_type", "verdict", "confidence",
		"labels", "model", "accepted_by_user", NULL,
	};
	bool had_image = r->stored && r->stored->image.id.len > 0;
	struct json receipt = json_member(value, "receipt");

	if (!has_only(r, value, had_image ? stored_image : draft_image))
		return;
	if (json_string(receipt).len && json_count(value) == 1)
		r->order->receipt = json_string(receipt);
	else if (receipt.kind != JSON_ABSENT && receipt.kind != JSON_STRING)
		wrong(r, STR("receipt"), "wrong_type",
		      "Send the receipt that the upload of the photo gave.");
	else if (!had_image)
		wrong(r, STR("receipt"), "required",
		      "Send the receipt that the upload of the photo gave.");
	else if (receipt.kind != JSON_ABSENT || !is_stored_image(r, value))
		error_item(r->err, r->place, "read_only",
			   "Repeat the photo as it was read, or send null or "
			   "only a new receipt.");
	else
		r->order->image = r->stored->image;
}

static void read_image(struct reader *r, struct json value)
{
	if (value.kind == JSON_ABSENT)
		return;
	if (value.kind == JSON_OBJECT) {
		snprintf(r->place, sizeof(r->place), "/image");
		read_image_object(r, value);
		r->place[0] = '\0';
	} else if (value.kind == JSON_NULL) {
		r->order->image = (struct order_image){ .id = STR("") };
	} else {
		wrong(r, STR("image"), "wrong_type",
		      "Write the image as an object with a receipt.");
	}
}

static void read_accept_mismatch(struct reader *r, struct json value)
{
	if (value.kind == JSON_BOOL)
		r->order->accept_mismatch = json_bool(value);
	else if (value.kind != JSON_ABSENT && value.kind != JSON_NULL)
		wrong(r, STR("accept_mismatch"), "wrong_type",
		      "Write accept_mismatch as true or false.");
}

static void read_status(struct reader *r, struct json value)
{
	if (value.kind == JSON_ABSENT ||
	    (value.kind == JSON_STRING &&
	     order_status_from(json_string(value), &r->order->status)))
		return;
	wrong(r, STR("status"),
	      value.kind == JSON_STRING ? "invalid" : kind_fault(value),
	      "Write the status as pending, confirmed, shipped, delivered or "
	      "cancelled.");
}

/* What a GET answers besides may be sent back, but only unchanged. */
static void check_read_only(struct reader *r, struct json body,
			    const char *name, enum json_kind kind,
			    const char *stored)
{
	struct json value = json_member(body, name);
	struct str given = kind == JSON_STRING ? json_string(value)
					       : json_literal(value);

	if (value.kind != JSON_ABSENT && !str_is(given, stored))
		wrong(r, str_from(name), "read_only",
		      "Leave this member out, or send it as it was read.");
}

static void read_change_members(struct reader *r, struct json body)
{
	char text[TIME_TEXT_BYTES];

	read_status(r, json_member(body, "status"));
	check_read_only(r, body, "id", JSON_STRING, r->stored->id);
	snprintf(text, sizeof(text), "%lld", (long long)r->stored->version);
	check_read_only(r, body, "version", JSON_NUMBER, text);
	time_format(r->stored->created_ms, text);
	check_read_only(r, body, "created_at", JSON_STRING, text);
	time_format(r->stored->updated_ms, text);
	check_read_only(r, body, "updated_at", JSON_STRING, text);
}

static void add_up_lines(struct reader *r)
{
	struct order *order = r->order;
	int64_t sum = 0;
	char text[MONEY_TEXT_BYTES];

	for (size_t i = 0; i < order->line_count; i++) {
		if (!money_add_line(&sum, order->lines[i].unit_price_minor,
				    order->lines[i].quantity)) {
			wrong(r, STR("lines"), "out_of_range",
			      "The lines add up to too much.");
			return;
		}
	}
	money_format(sum, r->scale, text);
	if (sum == 0)
		wrong(r, STR("lines"), "out_of_range",
		      "The lines add up to 0; an order costs more than that.");
	else if (r->price_given && order->price_minor != sum)
		wrong(r, STR("price"), "disagrees",
		      "The lines add up to %s. Leave the price out, or write "
		      "that.",
		      text);
	order->price_minor = sum;
}

/* The price must be there, come from the lines, and be in the currency. */
static void settle_price(struct reader *r)
{
	struct order *order = r->order;
	bool other_scale =
		r->merging && currency_scale(r->stored->currency) != r->scale;

	if (r->amounts_wrong)
		return;
	if (order->line_count > 0 && other_scale && !r->lines_given)
		wrong(r, STR("lines"), "required",
		      "Write the lines again, with prices in %s.",
		      order->currency);
	else if (order->line_count > 0)
		add_up_lines(r);
	else if (other_scale && !r->price_given)
		wrong(r, STR("price"), "required",
		      "Write the price again, in %s.", order->currency);
	else if (order->price_minor == 0)
		wrong(r, STR("price"), "required",
		      "Write a price above 0, or lines.");
}

static bool apply(struct reader *r, struct str text)
{
	struct json body;

	if (!json_parse(&body, text, r->arena, r->err))
		return false;
	if (body.kind != JSON_OBJECT)
		return error_set(r->err, ERROR_NOT_JSON,
				 "The body must be a JSON object.");
	has_only(r, body, r->stored ? change_members : draft_members);
	read_description(r, json_member(body, "description"));
	read_customer(r, json_member(body, "customer"));
	read_currency(r, json_member(body, "currency"));
	read_lines(r, json_member(body, "lines"));
	read_price(r, json_member(body, "price"));
	settle_price(r);
	read_notes(r, body);
	read_metadata(r, json_member(body, "metadata"));
	read_image(r, json_member(body, "image"));
	read_accept_mismatch(r, json_member(body, "accept_mismatch"));
	if (r->stored)
		read_change_members(r, body);
	return !error_is_set(r->err);
}

/* An order with nothing in it but a currency. */
static void empty(struct order *order, const char *currency)
{
	*order = (struct order){
		.description = STR(""),
		.customer_name = STR(""),
		.customer_email = STR(""),
		.notes = STR(""),
		.image.id = STR(""),
	};
	snprintf(order->currency, sizeof(order->currency), "%s", currency);
}

bool order_from_json(struct order *order, struct str body,
		     const char *default_currency, struct arena *arena,
		     struct error *err)
{
	struct reader r = { .order = order, .arena = arena, .err = err };

	empty(order, default_currency);
	return apply(&r, body);
}

bool order_patch(struct order *order, struct str body, struct arena *arena,
		 struct error *err)
{
	struct order changed = *order;
	struct reader r = {
		.order = &changed,
		.stored = order,
		.arena = arena,
		.err = err,
		.merging = true,
	};

	changed.receipt = (struct str){ NULL, 0 };
	changed.accept_mismatch = false;
	if (!apply(&r, body))
		return false;
	*order = changed;
	return true;
}

bool order_replace(struct order *order, struct str body,
		   const char *default_currency, struct arena *arena,
		   struct error *err)
{
	struct order changed;
	struct reader r = {
		.order = &changed,
		.stored = order,
		.arena = arena,
		.err = err,
	};

	empty(&changed, default_currency);
	memcpy(changed.id, order->id, sizeof(changed.id));
	changed.version = order->version;
	changed.status = order->status;
	changed.created_ms = order->created_ms;
	changed.updated_ms = order->updated_ms;
	if (!apply(&r, body))
		return false;
	*order = changed;
	return true;
}

bool order_description(struct str *ret, struct str text, struct arena *arena,
		       struct error *err)
{
	struct reader r = { .arena = arena, .err = err };

	return check_text(&r, STR("description"), text, &description_rule, ret);
}
