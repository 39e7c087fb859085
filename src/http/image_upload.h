/*
 * image_upload.h: a photo and what it should show, as POST /api/images takes
 * them.
 */
#ifndef HTTP_IMAGE_UPLOAD_H
#define HTTP_IMAGE_UPLOAD_H

#include "http/request.h"

/* The photo as raw body or as a part named "image"; the description likewise as
 * a parameter or a part, as an order takes it. */
bool image_upload_read(const struct request *req, struct str *image,
		       struct str *description, struct error *err) MUST_CHECK;

#endif
