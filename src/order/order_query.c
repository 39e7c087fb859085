/*
 * order_query.c: which orders a list shows, and signed cursors into it.
 */
#include "order/order_query.h"

#include "base/crypto.h"
#include "base/form.h"
#include "base/limits.h"
#include "base/pattern.h"
#include "order/money.h"
#include "order/text.h"

#include "base/banned.h"

enum parameter {
	LIMIT,
	CURSOR,
	SORT,
	STATUS,
	CUSTOMER_EMAIL,
	PRICE_GTE,
	PRICE_LTE,
	CREATED_FROM,
	CREATED_TO,
	TZ,
	Q,
	PARAMETER_COUNT
};

static const char *const names[PARAMETER_COUNT] = {
	[LIMIT] = "limit",
	[CURSOR] = "cursor",
	[SORT] = "sort",
	[STATUS] = "status",
	[CUSTOMER_EMAIL] = "customer_email",
	[PRICE_GTE] = "price_gte",
	[PRICE_LTE] = "price_lte",
	[CREATED_FROM] = "created_from",
	[CREATED_TO] = "created_to",
	[TZ] = "tz",
	[Q] = "q",
};

static const char *const sort_names[] = {
	[SORT_CREATED] = "created_at",
	[SORT_UPDATED] = "updated_at",
	[SORT_PRICE] = "price",
};

static bool unknown_parameter(struct str name, struct error *err)
{
	return error_set(err, ERROR_BAD_PARAMETER,
			 "There is no parameter '%.*s'. There are: limit, "
			 "cursor, sort, status, customer_email, price_gte, "
			 "price_lte, created_from, created_to, tz, q.",
			 name.len < 100 ? (int)name.len : 0, name.ptr);
}

/* Empty values are as good as absent ones: forms send them. */
static bool read_parameters(struct str query, struct str given[PARAMETER_COUNT],
			    struct arena *arena, struct error *err)
{
	struct form_iterator it = { .rest = query };
	unsigned seen = 0;

	memset(given, 0, PARAMETER_COUNT * sizeof(*given));
	while (form_next(&it, arena, err)) {
		unsigned i = 0;

		while (i < PARAMETER_COUNT && !str_is(it.name, names[i]))
			i++;
		if (i == PARAMETER_COUNT)
			return unknown_parameter(it.name, err);
		if (seen & 1u << i)
			return error_set(err, ERROR_BAD_PARAMETER,
					 "The parameter '%s' is given twice.",
					 names[i]);
		seen |= 1u << i;
		if (it.value.len)
			given[i] = it.value;
	}
	return !error_is_set(err);
}

static bool read_limit(struct order_query *query, struct str text,
		       struct error *err)
{
	uint64_t limit = DEFAULT_PAGE;

	if (text.ptr && (!str_to_uint(text, LIMIT_PAGE, &limit) || limit < 1))
		return error_set(err, ERROR_BAD_PARAMETER,
				 "The parameter 'limit' must be a whole number "
				 "from 1 to %u.",
				 LIMIT_PAGE);
	query->limit = (unsigned)limit;
	return true;
}

static bool read_sort(struct order_query *query, struct str text,
		      struct error *err)
{
	query->sort = SORT_CREATED;
	query->descending = true;
	if (!text.ptr)
		return true;
	query->descending = text.ptr[0] == '-';
	if (query->descending) {
		text.ptr++;
		text.len--;
	}
	for (unsigned i = 0; i < ARRAY_LEN(sort_names); i++) {
		if (str_is(text, sort_names[i])) {
			query->sort = i;
			return true;
		}
	}
	return error_set(err, ERROR_BAD_PARAMETER,
			 "The parameter 'sort' must be created_at, updated_at "
			 "or price, with a '-' in front for descending.");
}

static bool read_statuses(struct order_query *query, struct str text,
			  struct error *err)
{
	struct str name;
	enum order_status status;

	while (str_next(&text, ',', &name)) {
		if (!order_status_from(name, &status))
			return error_set(
				err, ERROR_BAD_PARAMETER,
				"The parameter 'status' must list pending, "
				"confirmed, shipped, delivered or cancelled, "
				"with commas between.");
		query->statuses |= 1u << status;
	}
	return true;
}

static bool read_email(struct order_query *query, struct str text,
		       struct arena *arena, struct error *err)
{
	if (!text.ptr)
		return true;
	if (!text_bad_character(text, false))
		text = text_trim(text);
	if (text.len > LIMIT_EMAIL_BYTES ||
	    !pattern_matches(PATTERN_EMAIL, text))
		return error_set(err, ERROR_BAD_PARAMETER,
				 "The parameter 'customer_email' must be an "
				 "e-mail address such as ada@example.org.");
	query->customer_email = text_lower(text, arena);
	return true;
}

static bool read_price(const char *name, struct str text, int scale,
		       int64_t *ret_minor, struct error *err)
{
	if (text.ptr && !money_parse(text, scale, ret_minor))
		return error_set(err, ERROR_BAD_PARAMETER,
				 "The parameter '%s' must be an amount such as "
				 "59.90, with at most %d decimals.",
				 name, scale);
	return true;
}

/* The first instant of the day after the local day that starts at start_ms: in
 * the middle of the next day it is the next day, whatever the clocks do. */
static bool local_day_end(const char *zone, int64_t start_ms, int64_t *ret_ms)
{
	int year, month, day;

	local_day_of(zone, start_ms + 36ll * 3600 * 1000, &year, &month, &day);
	return time_of_local_day(zone, year, month, day, ret_ms);
}

static bool read_time(enum parameter parameter, struct str text,
		      const char *zone, int64_t *ret_ms, struct error *err)
{
	int year, month, day;

	if (!text.ptr || time_parse(text, ret_ms))
		return true;
	if (!date_parse(text, &year, &month, &day))
		return error_set(err, ERROR_BAD_PARAMETER,
				 "The parameter '%s' must be a time such as "
				 "2026-11-24T08:00:00Z (a '+' in it is written "
				 "%%2B) or, with tz, a day such as 2026-11-24.",
				 names[parameter]);
	if (!zone)
		return error_set(err, ERROR_BAD_PARAMETER,
				 "The parameter '%s' is a day: give 'tz' too, "
				 "such as tz=Europe/Berlin.",
				 names[parameter]);
	if (!time_of_local_day(zone, year, month, day, ret_ms) ||
	    (parameter == CREATED_TO && !local_day_end(zone, *ret_ms, ret_ms)))
		return error_set(err, ERROR_BAD_PARAMETER,
				 "The parameter '%s' is not a day that can be "
				 "reckoned with.",
				 names[parameter]);
	return true;
}

static bool read_zone(struct str text, struct arena *arena, const char **ret,
		      struct error *err)
{
	*ret = text.ptr ? arena_text(arena, text) : NULL;
	if (text.ptr && !zone_is_known(*ret))
		return error_set(err, ERROR_BAD_PARAMETER,
				 "The parameter 'tz' must be a time zone such "
				 "as Europe/Berlin or UTC.");
	return true;
}

/* In any case: people paste them (RFC 9562, 4). */
static bool is_whole_id(struct str text)
{
	char lower[ORDER_ID_BYTES - 1];

	if (text.len != sizeof(lower))
		return false;
	for (size_t i = 0; i < sizeof(lower); i++)
		lower[i] = text.ptr[i] >= 'A' && text.ptr[i] <= 'Z'
				   ? (char)(text.ptr[i] | 0x20)
				   : text.ptr[i];
	return uuid_is_valid((struct str){ lower, sizeof(lower) });
}

static bool read_search(struct order_query *query, struct str text,
			struct error *err)
{
	if (!text.ptr)
		return true;
	query->search = text_trim(text);
	if (utf8_length(query->search) > LIMIT_SEARCH_LENGTH)
		return error_set(
			err, ERROR_BAD_PARAMETER,
			"The parameter 'q' must have at most %u characters.",
			LIMIT_SEARCH_LENGTH);
	if (!query->search.len)
		query->search = (struct str){ NULL, 0 };
	/* A whole id is found by what order_search_text has of it. */
	if (is_whole_id(query->search))
		query->search = (struct str){
			order_short_id(query->search.ptr), 8
		};
	return true;
}

/*
 * A cursor: direction, sort value (big endian), id, and the first bytes of an
 * HMAC over these and over what the cursor is bound to.
 */
#define ID_BYTES (ORDER_ID_BYTES - 1)
#define PAYLOAD_BYTES (1 + 8 + ID_BYTES)
#define MAC_BYTES 16

static void cursor_mac(const struct order_query *query, struct str secret,
		       struct str payload, struct arena *arena,
		       uint8_t ret[SHA256_BYTES])
{
	struct buf bound;

	buf_init(&bound, arena, 4 * KIB);
	buf_printf(&bound, "order_query cursor %u %lld %lld %lld %lld %d %d",
		   query->statuses, (long long)query->price_from_minor,
		   (long long)query->price_to_minor,
		   (long long)query->created_from_ms,
		   (long long)query->created_to_ms, (int)query->sort,
		   query->descending);
	buf_printf(&bound, " %zu:%.*s", query->customer_email.len,
		   STR_ARG(query->customer_email));
	buf_printf(&bound, " %zu:%.*s ", query->search.len,
		   STR_ARG(query->search));
	buf_add_str(&bound, payload);
	hmac_sha256(secret, buf_str(&bound), ret);
}

static bool read_cursor(struct order_query *query, struct str text,
			struct str secret, struct arena *arena,
			struct error *err)
{
	uint8_t mac[SHA256_BYTES];
	uint64_t value = 0;
	struct str raw;

	if (!text.ptr)
		return true;
	if (!base64url_decode(text, arena, &raw) ||
	    raw.len != PAYLOAD_BYTES + MAC_BYTES)
		return error_set(
			err, ERROR_BAD_CURSOR,
			"The cursor is not complete. Start again without it.");
	cursor_mac(query, secret, (struct str){ raw.ptr, PAYLOAD_BYTES }, arena,
		   mac);
	if (!str_eq_constant_time((struct str){ raw.ptr + PAYLOAD_BYTES,
						MAC_BYTES },
				  (struct str){ (const char *)mac, MAC_BYTES }))
		return error_set(err, ERROR_BAD_CURSOR,
				 "The cursor was not made for these filters "
				 "and this sort. Start again without it.");
	for (int i = 1; i <= 8; i++)
		value = value << 8 | (uint8_t)raw.ptr[i];
	query->has_position = true;
	query->backwards = raw.ptr[0] == 'b';
	query->position_value = (int64_t)value;
	memcpy(query->position_id, raw.ptr + 9, ID_BYTES);
	query->position_id[ID_BYTES] = '\0';
	return true;
}

void order_query_cursor(const struct order_query *query, struct str secret,
			bool backwards, int64_t value, const char *id,
			struct buf *to)
{
	char raw[PAYLOAD_BYTES + MAC_BYTES];
	uint8_t mac[SHA256_BYTES];

	raw[0] = backwards ? 'b' : 'f';
	for (int i = 8; i >= 1; i--) {
		raw[i] = (char)(value & 0xff);
		value >>= 8;
	}
	memcpy(raw + 9, id, ID_BYTES);
	cursor_mac(query, secret, (struct str){ raw, PAYLOAD_BYTES }, to->arena,
		   mac);
	memcpy(raw + PAYLOAD_BYTES, mac, MAC_BYTES);
	buf_add_base64url(to, (struct str){ raw, sizeof(raw) });
}

bool order_query_parse(struct order_query *ret, struct str query,
		       const char *default_currency, struct str secret,
		       struct arena *arena, struct error *err)
{
	struct str given[PARAMETER_COUNT];
	int scale = currency_scale(default_currency);
	const char *zone;

	*ret = (struct order_query){
		.price_from_minor = INT64_MIN,
		.price_to_minor = INT64_MAX,
		.created_from_ms = INT64_MIN,
		.created_to_ms = INT64_MAX,
	};
	return read_parameters(query, given, arena, err) &&
	       read_limit(ret, given[LIMIT], err) &&
	       read_sort(ret, given[SORT], err) &&
	       read_statuses(ret, given[STATUS], err) &&
	       read_email(ret, given[CUSTOMER_EMAIL], arena, err) &&
	       read_price(names[PRICE_GTE], given[PRICE_GTE], scale,
			  &ret->price_from_minor, err) &&
	       read_price(names[PRICE_LTE], given[PRICE_LTE], scale,
			  &ret->price_to_minor, err) &&
	       read_zone(given[TZ], arena, &zone, err) &&
	       read_time(CREATED_FROM, given[CREATED_FROM], zone,
			 &ret->created_from_ms, err) &&
	       read_time(CREATED_TO, given[CREATED_TO], zone,
			 &ret->created_to_ms, err) &&
	       read_search(ret, given[Q], err) &&
	       read_cursor(ret, given[CURSOR], secret, arena, err);
}

int order_query_compare(const struct order_query *query, int64_t value,
			const char *id, int64_t other_value,
			const char *other_id)
{
	int order = value < other_value ? -1 :
		    value > other_value ? 1 : strcmp(id, other_id);

	return order_query_ascends(query) ? order : -order;
}
