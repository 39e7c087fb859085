/*
 * image_answer.h: what was seen in a photo, as an order keeps it and as JSON.
 */
#ifndef HTTP_IMAGE_ANSWER_H
#define HTTP_IMAGE_ANSWER_H

#include "base/buf.h"
#include "ports/image_recognizer.h"

void image_take_recognition(struct order_image *image,
			    const struct recognition *seen);
void image_answer(struct buf *to, const struct order_image *image,
		  const struct recognition *seen, struct str receipt,
		  int64_t expires_ms);

#endif
