/*
 * order_json.h: the parts of an order's canonical JSON that stand elsewhere
 * too.
 */
#ifndef ORDER_ORDER_JSON_H
#define ORDER_ORDER_JSON_H

#include "order/order.h"

/* The image as canonical JSON has it, and back; ERROR_INTERNAL when damaged. */
void image_to_json(const struct order_image *image, struct buf *to);
bool image_from_json(struct order_image *image, struct json json,
		     struct error *err) MUST_CHECK;
/* Its parts: a decimal of three places at most, or null; an array. */
void image_confidence_to_json(int permille, struct buf *to);
void image_labels_to_json(const struct order_image *image, struct buf *to);

#endif
