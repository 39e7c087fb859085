/*
 * recognize_uploaded_image.c: POST /api/images
 *
 * Takes a photo and a description, says whether it shows what the description
 * says, stores the photo without its metadata under the digest of what is
 * stored, and gives a receipt that POST /api/orders takes. Never refuses an
 * order by itself. Repeatable: the same photo is the same object.
 */
#include "http/operation.h"
#include "order/order_json.h"
#include "order/receipt.h"
#include "recognition/image_header.h"
#include "recognition/photo_strip.h"
#include "base/banned.h"

static bool open_ports(struct ports *ports, const struct config *config,
		       struct error *err)
{
	return object_archive_open(&ports->archive, config, err) &&
	       image_recognizer_open(&ports->recognizer, config, err);
}

/* The photo as raw body or as a part named "image"; the description likewise as
 * a parameter or a part. */
static bool read_upload(const struct request *req, struct str *image,
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

/* What came is not kept: it may say where and when it was taken. */
static bool strip(const struct request *req, struct str image, struct str *ret,
		  struct error *err)
{
	unsigned orientation;
	struct buf bytes;

	buf_init(&bytes, req->arena, image.len + PHOTO_STRIP_MORE_BYTES);
	if (!photo_strip(image, &bytes, &orientation))
		return error_set(err, ERROR_UNSUPPORTED_TYPE,
				 "The parts of the picture do not add up.");
	*ret = buf_str(&bytes);
	return true;
}

static bool store(struct ports *ports, const struct request *req,
		  struct str image, struct order_image *ret, struct error *err)
{
	struct image_header header;
	char digest[SHA256_HEX + 1];
	const char *key;

	if (!image_header_check(image, &header, err))
		return false;
	sha256_hex(image, digest);
	key = arena_printf(req->arena, "images/%s.%s", digest, header.ending);
	*ret = (struct order_image){
		.id = str_from(arena_printf(req->arena, "sha256:%s", digest)),
		.media_type = str_from(header.media_type),
	};
	return object_archive_put(ports->archive, str_from(key), image,
				  ret->media_type, OBJECT_CREATE, err);
}

static void take_recognition(struct order_image *image,
			     const struct recognition *seen)
{
	image->verdict = seen->verdict;
	image->confidence_permille = seen->confidence_permille;
	image->model = seen->model.ptr ? seen->model : STR("");
	image->label_count = seen->label_count;
	memcpy(image->labels, seen->labels, sizeof(image->labels));
}

static void answer(struct response *res, const struct order_image *image,
		   const struct recognition *seen, struct str receipt,
		   int64_t expires_ms)
{
	struct buf *to = &res->body;
	char expires_at[TIME_TEXT_BYTES];

	time_format(expires_ms, expires_at);
	buf_printf(to, "{\"image_id\":\"%.*s\",\"verdict\":\"%s\"",
		   STR_ARG(image->id), verdict_name(image->verdict));
	buf_add_text(to, ",\"confidence\":");
	image_confidence_to_json(image->confidence_permille, to);
	buf_add_text(to, ",\"reason\":");
	buf_add_json(to, str_from(seen->reason));
	buf_add_text(to, ",\"warning\":");
	if (seen->warning.ptr)
		buf_add_json(to, seen->warning);
	else
		buf_add_text(to, "null");
	buf_add_text(to, ",\"labels\":");
	image_labels_to_json(image, to);
	buf_add_text(to, ",\"model\":");
	buf_add_json(to, image->model);
	buf_add_text(to, ",\"receipt\":");
	buf_add_json(to, receipt);
	buf_printf(to, ",\"expires_at\":\"%s\"}", expires_at);
}

static bool recognize_uploaded_image(struct ports *ports,
				     const struct request *req,
				     struct response *res, struct error *err)
{
	int64_t expires_ms = req->now_ms + RECEIPT_VALID_MS;
	struct str image, description, stripped = { 0 };
	struct image_header header;
	struct order_image stored;
	struct recognition seen;
	struct buf receipt;

	if (!read_upload(req, &image, &description, err) ||
	    !image_header_check(image, &header, err) ||
	    !strip(req, image, &stripped, err) ||
	    !image_recognizer_recognize(ports->recognizer, image,
					str_from(header.media_type),
					description, req->arena, &seen, err) ||
	    !store(ports, req, seen.photo.ptr ? seen.photo : stripped, &stored,
		   err))
		return false;
	take_recognition(&stored, &seen);

	buf_init(&receipt, req->arena, LIMIT_JSON_BODY_BYTES);
	receipt_issue(&stored, description, expires_ms,
		      ports->settings.secret, &receipt);
	answer(res, &stored, &seen, buf_str(&receipt), expires_ms);
	return true;
}

const struct operation operation = {
	.name = "recognize_uploaded_image",
	.routes = {
		{ .methods = HTTP_POST, .path = "/api/images",
		  .scope = "images:write", .allow = "POST",
		  .accepts = "image/jpeg, image/png, image/webp, application/octet-stream, multipart/form-data" },
	},
	/* and the frame of a multipart body */
	.max_body_bytes = LIMIT_IMAGE_BODY_BYTES + LIMIT_JSON_BODY_BYTES,
	.workers = 2, .batch = 1,
	.open_ports = open_ports, .handle = recognize_uploaded_image,
};
