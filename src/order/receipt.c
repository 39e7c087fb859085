/*
 * receipt.c: a signed note of what the recogniser said of a photo.
 */
#include "order/receipt.h"

#include "base/crypto.h"
#include "base/limits.h"
#include "order/order_json.h"
#include "order/text.h"

#include "base/banned.h"

/* The word in front keeps these MACs apart from all others with the secret. */
static void receipt_mac(struct str secret, struct str payload,
			uint8_t ret[SHA256_BYTES])
{
	uint8_t bound[8 + SHA256_BYTES] = "receipt ";

	sha256(payload, bound + 8);
	hmac_sha256(secret, (struct str){ (const char *)bound, sizeof(bound) },
		    ret);
}

static void description_digest(struct str description, struct arena *arena,
			       char ret[SHA256_HEX + 1])
{
	sha256_hex(text_with_newlines(text_trim(description), arena), ret);
}

void receipt_issue(const struct order_image *image, struct str description,
		   int64_t expires_ms, struct str secret, struct buf *to)
{
	char digest[SHA256_HEX + 1];
	uint8_t mac[SHA256_BYTES];
	struct buf payload;

	description_digest(description, to->arena, digest);
	buf_init(&payload, to->arena, LIMIT_JSON_BODY_BYTES);
	buf_add_text(&payload, "{\"image\":");
	image_to_json(image, &payload);
	buf_printf(&payload, ",\"description\":\"%s\",\"expires\":%lld}",
		   digest, (long long)expires_ms);
	receipt_mac(secret, buf_str(&payload), mac);
	buf_add_base64url(to, buf_str(&payload));
	buf_add_char(to, '.');
	buf_add_base64url(to, (struct str){ (const char *)mac, sizeof(mac) });
}

static bool is_genuine(struct str receipt, struct str secret,
		       struct arena *arena, struct str *ret_payload)
{
	uint8_t mac[SHA256_BYTES];
	struct str payload, given;

	if (!str_next(&receipt, '.', &payload) || !receipt.ptr ||
	    !base64url_decode(payload, arena, ret_payload) ||
	    !base64url_decode(receipt, arena, &given))
		return false;
	receipt_mac(secret, *ret_payload, mac);
	return str_eq_constant_time(given, (struct str){ (const char *)mac,
							 sizeof(mac) });
}

bool receipt_check(struct order_image *ret, struct str receipt,
		   struct str description, int64_t now_ms, struct str secret,
		   struct arena *arena, struct error *err)
{
	char digest[SHA256_HEX + 1];
	struct json json, expires;
	uint64_t expires_ms;
	struct str payload;

	if (!is_genuine(receipt, secret, arena, &payload))
		return error_item(err, "/image/receipt", "invalid",
				  "The receipt is not one that this desk gave. "
				  "Upload the photo again.");
	*ret = (struct order_image){ 0 };
	if (!json_parse(&json, payload, arena, err) ||
	    !image_from_json(ret, json_member(json, "image"), err))
		return false;
	expires = json_member(json, "expires");
	if (expires.kind != JSON_NUMBER ||
	    !str_to_uint(json_literal(expires), INT64_MAX, &expires_ms) ||
	    now_ms >= (int64_t)expires_ms)
		return error_item(
			err, "/image/receipt", "expired",
			"The receipt is too old. Upload the photo again.");
	description_digest(description, arena, digest);
	if (!str_is(json_string(json_member(json, "description")), digest))
		return error_item(err, "/image/receipt", "other_description",
				  "The photo was checked against another "
				  "description. Check it again.");
	return true;
}

static bool refuse_mismatch(const struct order_image *image, struct error *err)
{
	const struct image_label *label = order_image_label(image);

	if (!label)
		return error_set(err, ERROR_MISMATCH,
				 "The photo seems to show something else than the description says. Send \"accept_mismatch\": true to order anyway.");
	return error_set(err, ERROR_MISMATCH,
			 "The photo seems to show %.*s (%d %%). Send \"accept_mismatch\": true to order anyway.",
			 STR_ARG(label->name),
			 (label->confidence_permille + 5) / 10);
}

bool order_take_receipt(struct order *order, int64_t now_ms, struct str secret,
			struct arena *arena, struct error *err)
{
	if (!order->receipt.ptr)
		return true;
	if (!receipt_check(&order->image, order->receipt, order->description,
			   now_ms, secret, arena, err))
		return false;
	if (order->image.verdict != VERDICT_MISMATCH)
		return true;
	order->image.accepted_by_user = order->accept_mismatch;
	return order->accept_mismatch || refuse_mismatch(&order->image, err);
}

void order_image_outdated(struct order *order)
{
	order->image.verdict = VERDICT_NOT_CHECKED;
	order->image.confidence_permille = -1;
	order->image.accepted_by_user = false;
}
