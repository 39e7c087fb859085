/*
 * order.h: the order, its rules and its JSON. Pure: no I/O, no clock.
 *
 * All text is UTF-8 in the arena the order was read into, trimmed where api.md
 * says so. Amounts are minor units of `currency`.
 */
#ifndef ORDER_ORDER_H
#define ORDER_ORDER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

enum order_status {
	STATUS_PENDING, STATUS_CONFIRMED, STATUS_SHIPPED, STATUS_DELIVERED,
	STATUS_CANCELLED, STATUS_COUNT
};
const char *order_status_name(enum order_status status);
bool order_status_from(struct str name, enum order_status *ret);
/* pending → confirmed → shipped → delivered; pending, confirmed → cancelled. */
bool order_status_may_become(enum order_status from, enum order_status to);

enum verdict {
	VERDICT_NOT_CHECKED, VERDICT_MATCH, VERDICT_MISMATCH, VERDICT_UNSURE
};
const char *verdict_name(enum verdict verdict);
bool verdict_from(struct str name, enum verdict *ret);

struct order_line {
	struct str sku;		/* "" when not given */
	struct str name;
	int64_t quantity;
	int64_t unit_price_minor;
};

struct image_label {
	struct str name;
	int confidence_permille;	/* 0..1000 */
};

/* What the recogniser said of a photo; id.len == 0: no photo. */
struct order_image {
	struct str id;		/* sha256:<64 hex> */
	struct str media_type;	/* image/jpeg, image/png, image/webp */
	enum verdict verdict;
	int confidence_permille;	/* -1: none (null on the wire) */
	struct str model;		/* "" when none */
	struct image_label labels[20];
	size_t label_count;
	bool accepted_by_user;
};

/* The label that the verdict rests on, else the first; NULL without any. */
const struct image_label *order_image_label(const struct order_image *image);

struct order_metadata {
	struct str key, value;
};

struct order {
	char id[ORDER_ID_BYTES];
	int64_t version;		/* from 1, +1 with every change */
	enum order_status status;
	struct str description;
	struct str customer_name, customer_email;
	struct order_line *lines;
	size_t line_count;
	char currency[4];
	int64_t price_minor;
	struct str notes;
	struct order_metadata *metadata;
	size_t metadata_count;
	struct order_image image;
	int64_t created_ms, updated_ms;

	/* only of a draft just read, not stored: */
	struct str receipt;		/* image.receipt, for receipt_check to fill
					 * `image` from; absent when not given */
	bool accept_mismatch;

	/* Its canonical JSON once an answer has it, for who stores it then; who
	 * changes the order after that makes it absent. */
	struct str json;
};

/*
 * A description as an order takes it: trimmed, CR LF as LF, 1 to 500 characters
 * without control characters. ERROR_INVALID at /description.
 */
bool order_description(struct str *ret, struct str text, struct arena *arena,
		       struct error *err) MUST_CHECK;

/*
 * A draft as POST /api/orders has it. Every wrong member is an error_item with
 * its pointer (ERROR_INVALID); a body that is not an object is ERROR_NOT_JSON
 * (D4). `default_currency` when none is given. Sets price from lines; a given
 * price must agree. Status pending, version 0, no id, no times.
 */
bool order_from_json(struct order *order, struct str body,
		     const char *default_currency, struct arena *arena,
		     struct error *err) MUST_CHECK;
/* Gives the draft its id (UUIDv7 of now), version 1 and times. */
void order_place(struct order *order, int64_t now_ms);

/*
 * Applies a merge patch (RFC 7396) to `order` in place (untouched on failure):
 * members that may be patched are those that a draft has, and status; id,
 * version, times and the whole image may be sent back as they were read. Does
 * not check the status change against the old one: order_change does.
 */
bool order_patch(struct order *order, struct str body, struct arena *arena,
		 struct error *err) MUST_CHECK;
/* PUT: the draft's members replace the order's, and status where given. */
bool order_replace(struct order *order, struct str body,
		   const char *default_currency, struct arena *arena,
		   struct error *err) MUST_CHECK;
/*
 * `order` is `before`, changed: ERROR_ILLEGAL_STATUS (detail lists the legal
 * ones) unless the status may become; then version + 1 and updated_ms.
 */
bool order_change(struct order *order, const struct order *before,
		  int64_t now_ms, struct error *err) MUST_CHECK;

/*
 * The canonical JSON, the bytes that are stored, archived and answered: members
 * in api.md's order, no white space, image without url; "image":null,
 * "customer":null when absent. The photo's media type is stored as
 * image.media_type.
 */
void order_to_json(const struct order *order, struct buf *to);
/* order->json, or written now. */
struct str order_json(const struct order *order, struct arena *arena);
/* Reads canonical JSON back, to the same bytes when written again. A fault is
 * ERROR_INTERNAL with a cause: the bytes were damaged. */
bool order_from_stored_json(struct order *order, struct str json,
			    struct arena *arena, struct error *err) MUST_CHECK;

/*
 * Appends canonical JSON with "url" as the first member of "image". Canonical
 * JSON has the bytes `"image":{"id":"` only as that member (a quote inside text
 * is escaped), so no parsing is needed. False: the order has no image.
 */
bool order_json_image_id(struct str json, struct str *id,
			 struct str *media_type);
void order_json_add_url(struct buf *to, struct str json, struct str url);

/* The last eight digits of an id, as people see and type it. */
static inline const char *order_short_id(const char *id)
{
	return id + 28;
}
/* Text for full-text search: description, customer, lines, notes, short id
 * (five words that nothing else has would double the index). */
void order_search_text(const struct order *order, struct buf *to);

#endif
