/*
 * receipt.h: what POST /api/images hands out and POST /api/orders takes back.
 *
 * Binds the image's digest and media type, the description (as trimmed), the
 * verdict with labels and model, and the end of its validity, under
 * HMAC-SHA-256. Text: base64url(payload JSON) "." base64url(mac). Pure.
 */
#ifndef ORDER_RECEIPT_H
#define ORDER_RECEIPT_H

#include "order/order.h"

void receipt_issue(const struct order_image *image, struct str description,
		   int64_t expires_ms, struct str secret, struct buf *to);
/*
 * Fills `ret`. Wrong signature, another description, or expired: an error_item
 * at /image/receipt with code invalid, other_description or expired.
 */
bool receipt_check(struct order_image *ret, struct str receipt,
		   struct str description, int64_t now_ms, struct str secret,
		   struct arena *arena, struct error *err) MUST_CHECK;

/*
 * Fills order->image from order->receipt, where one was given. A mismatch that
 * was not accepted is ERROR_MISMATCH with the recogniser's evidence.
 */
bool order_take_receipt(struct order *order, int64_t now_ms, struct str secret,
			struct arena *arena, struct error *err) MUST_CHECK;
/* The description changed under the photo: what it shows stays known, whether
 * that fits does not. */
void order_image_outdated(struct order *order);

#endif
