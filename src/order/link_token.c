/*
 * link_token.c: the signed tokens in mails' links.
 */
#include "order/link_token.h"

#include "base/crypto.h"

#include "base/banned.h"

/* Purpose, subscriber id, end of validity (big endian), MAC. */
#define ID_BYTES (ORDER_ID_BYTES - 1)
#define PAYLOAD_BYTES (1 + ID_BYTES + 8)
#define RAW_BYTES (PAYLOAD_BYTES + SHA256_BYTES)

/* The word in front keeps these MACs apart from all others with the secret. */
static void token_mac(const char *payload, struct str secret,
		      struct arena *arena, uint8_t ret[SHA256_BYTES])
{
	struct buf bound;

	buf_init(&bound, arena, 256);
	buf_add_text(&bound, "link_token ");
	buf_add(&bound, payload, PAYLOAD_BYTES);
	hmac_sha256(secret, buf_str(&bound), ret);
}

void link_token_issue(enum link_purpose purpose, const char *subscriber_id,
		      int64_t expires_ms, struct str secret, struct buf *to)
{
	char raw[RAW_BYTES];

	raw[0] = (char)purpose;
	memcpy(raw + 1, subscriber_id, ID_BYTES);
	for (size_t i = PAYLOAD_BYTES; i-- > 1 + ID_BYTES;) {
		raw[i] = (char)(expires_ms & 0xff);
		expires_ms >>= 8;
	}
	token_mac(raw, secret, to->arena, (uint8_t *)raw + PAYLOAD_BYTES);
	buf_add_base64url(to, (struct str){ raw, sizeof(raw) });
}

static bool is_genuine(enum link_purpose purpose, struct str raw,
		       struct str secret, struct arena *arena)
{
	uint8_t mac[SHA256_BYTES];

	if (raw.len != RAW_BYTES)
		return false;
	token_mac(raw.ptr, secret, arena, mac);
	return str_eq_constant_time(
		       (struct str){ raw.ptr + PAYLOAD_BYTES, SHA256_BYTES },
		       (struct str){ (const char *)mac, SHA256_BYTES }) &&
	       raw.ptr[0] == (char)purpose;
}

bool link_token_check(enum link_purpose purpose, struct str token,
		      int64_t now_ms, struct str secret, struct arena *arena,
		      char ret_subscriber_id[ORDER_ID_BYTES], struct error *err)
{
	uint64_t expires_ms = 0;
	struct str raw;

	if (!base64url_decode(token, arena, &raw) ||
	    !is_genuine(purpose, raw, secret, arena))
		return error_item(err, "/token", "invalid",
				  "The link is not complete, or not one of "
				  "ours. Copy all of it from the mail.");
	for (size_t i = 1 + ID_BYTES; i < PAYLOAD_BYTES; i++)
		expires_ms = expires_ms << 8 | (uint8_t)raw.ptr[i];
	if (expires_ms != 0 && now_ms >= (int64_t)expires_ms)
		return error_item(err, "/token", "expired",
				  "The link is too old. Subscribe again to get "
				  "a new one.");
	memcpy(ret_subscriber_id, raw.ptr + 1, ID_BYTES);
	ret_subscriber_id[ID_BYTES] = '\0';
	return true;
}
