/*
 * order_json.h: what order_json.c offers to the other files of order/.
 */
#ifndef ORDER_ORDER_JSON_H
#define ORDER_ORDER_JSON_H

#include "order/order.h"

/* The image as canonical JSON has it, and back; ERROR_INTERNAL when damaged. */
void image_to_json(const struct order_image *image, struct buf *to);
bool image_from_json(struct order_image *image, struct json json,
		     struct error *err) MUST_CHECK;

#endif
