/*
 * order_answer.h: an order as clients get it: its canonical JSON, the ETag, and
 * the link to its photo.
 */
#ifndef HTTP_ORDER_ANSWER_H
#define HTTP_ORDER_ANSWER_H

#include "http/response.h"
#include "order/order.h"
#include "ports/object_archive.h"

#define ORDER_ETAG_BYTES 48

/* Body, ETag and seal for an order just made or changed, whose json it sets. */
bool order_answer(struct response *res, struct order *order,
		  struct object_archive *archive, int64_t now_ms,
		  struct error *err) MUST_CHECK;

/*
 * Appends canonical JSON, with the photo's link where there is a photo. Links
 * are signed for whole periods, so that the bytes of an unchanged order stay
 * the same within one.
 */
bool order_json_for_client(struct buf *to, struct str json,
			   struct object_archive *archive, int64_t now_ms,
			   struct error *err) MUST_CHECK;

/* `"<version>"`, or with a photo `"<version>.<period>"`: a strong ETag changes
 * with the bytes (RFC 9110, 8.8.1). */
void order_etag(struct str json, int64_t version, int64_t now_ms,
		char ret[ORDER_ETAG_BYTES]);

#endif
