/*
 * order_answer.c: canonical JSON and what only an answer has.
 */
#include "http/order_answer.h"

#include "base/limits.h"
#include "base/banned.h"

#define PERIOD_MS (3600ll * 1000)
/* A link lives at least one period from when it was given out. */
#define LINK_VALID_S 7200u

static const char *ending_of(struct str media_type)
{
	if (str_is(media_type, "image/png"))
		return "png";
	return str_is(media_type, "image/webp") ? "webp" : "jpg";
}

bool order_json_for_client(struct buf *to, struct str json,
			   struct object_archive *archive, int64_t now_ms,
			   struct error *err)
{
	struct str id, media_type;
	int64_t expires_ms;
	struct buf url;
	char *key;

	if (!order_json_image_id(json, &id, &media_type)) {
		buf_add_str(to, json);
		return true;
	}
	/* id is "sha256:<hex>" */
	key = arena_printf(to->arena, "images/%.*s.%s", (int)id.len - 7,
			   id.ptr + 7, ending_of(media_type));
	buf_init(&url, to->arena, 4 * KIB);
	if (!object_archive_presign(archive, str_from(key), (struct str){ 0 },
				    now_ms - now_ms % PERIOD_MS, LINK_VALID_S,
				    &url, &expires_ms, err))
		return false;
	order_json_add_url(to, json, buf_str(&url));
	return true;
}

void order_etag(struct str json, int64_t version, int64_t now_ms,
		char ret[ORDER_ETAG_BYTES])
{
	struct str id, media_type;

	if (order_json_image_id(json, &id, &media_type))
		snprintf(ret, ORDER_ETAG_BYTES, "\"%lld.%lld\"",
			 (long long)version, (long long)(now_ms / PERIOD_MS));
	else
		snprintf(ret, ORDER_ETAG_BYTES, "\"%lld\"", (long long)version);
}

bool order_answer(struct response *res, struct order *order,
		  struct object_archive *archive, int64_t now_ms,
		  struct error *err)
{
	char etag[ORDER_ETAG_BYTES];

	order->json = order_json(order, res->body.arena);
	order_etag(order->json, order->version, now_ms, etag);
	response_header(res, "ETag", "%s", etag);
	if (!order_json_for_client(&res->body, order->json, archive, now_ms,
				   err))
		return false;
	response_seal(res);
	return true;
}
