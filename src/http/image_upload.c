/*
 * image_upload.c: raw or multipart/form-data.
 */
#include "http/image_upload.h"

#include "order/order.h"

#include "base/banned.h"

bool image_upload_read(const struct request *req, struct str *image,
		       struct str *description, struct error *err)
{
	struct str text;

	if (!form_parameter(req->query, "description", req->arena, &text, err))
		return false;
	*image = req->body;
	if (request_has_type(req, "multipart/form-data")) {
		if (!multipart_field(req, "image", image, err) ||
		    (!text.ptr &&
		     !multipart_field(req, "description", &text, err)))
			return false;
		if (!image->ptr)
			return error_item(err, "/image", "required",
					  "Send the photo as a part named image.");
	}
	if (!text.ptr)
		return error_item(err, "/description", "required",
				  "Say what the photo should show.");
	if (!utf8_valid(text) || memchr(text.ptr, '\0', text.len))
		return error_set(err, ERROR_BAD_REQUEST,
				 "The description must be UTF-8 text without NUL.");
	return order_description(description, text, req->arena, err);
}
