/*
 * recognize_uploaded_image.c: POST /api/images
 *
 * Takes a photo and a description, says whether it shows what the description
 * says, stores the photo without its metadata under the digest of what is
 * stored, and gives a receipt that POST /api/orders takes. Never refuses an
 * order by itself. Repeatable: the same photo is the same object.
 */
#include "http/image_answer.h"
#include "http/image_upload.h"
#include "http/operation.h"
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

	if (!image_upload_read(req, &image, &description, err) ||
	    !image_header_check(image, &header, err) ||
	    !strip(req, image, &stripped, err) ||
	    !image_recognizer_recognize(ports->recognizer, image,
					str_from(header.media_type),
					description, req->arena, &seen, err) ||
	    !store(ports, req, seen.photo.ptr ? seen.photo : stripped, &stored,
		   err))
		return false;
	image_take_recognition(&stored, &seen);
	res->cause = seen.cause;

	buf_init(&receipt, req->arena, LIMIT_JSON_BODY_BYTES);
	receipt_issue(&stored, description, expires_ms,
		      ports->settings.secret, &receipt);
	image_answer(&res->body, &stored, &seen, buf_str(&receipt), expires_ms);
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
	.limit_ms = LIMIT_IMAGE_MS,
	.workers = 2, .batch = 1, .queue = 32,
	.open_ports = open_ports, .handle = recognize_uploaded_image,
};
