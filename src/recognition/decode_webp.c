/*
 * decode_webp.c: the one home of libwebp.
 */
#include "recognition/photo.h"

#include <webp/decode.h>

#include "base/banned.h"

static bool fail(VP8StatusCode status, struct error *err)
{
	if (status == VP8_STATUS_OUT_OF_MEMORY)
		return error_set(err, ERROR_TOO_LARGE,
				 "there is not enough memory for it");
	return error_set(err, ERROR_INVALID, "the WebP is damaged (%d)",
			 (int)status);
}

/* Its own size limits are those of the format: 16,383 a side. */
bool decode_webp(struct str bytes, struct photo *ret, struct error *err)
{
	const uint8_t *data = (const uint8_t *)bytes.ptr;
	WebPDecoderConfig config;
	VP8StatusCode status;
	uint32_t divisor;

	*ret = (struct photo){ 0 };
	if (!WebPInitDecoderConfig(&config))
		return error_set(err, ERROR_UNSUPPORTED_TYPE,
				 "libwebp is of another version");
	status = WebPGetFeatures(data, bytes.len, &config.input);
	if (status != VP8_STATUS_OK)
		return fail(status, err);
	if (config.input.has_animation)
		return error_set(err, ERROR_UNSUPPORTED_TYPE,
				 "a WebP that moves");
	divisor = photo_divisor((uint32_t)config.input.width,
				(uint32_t)config.input.height);
	config.output.colorspace = MODE_RGBA;
	config.options.use_scaling = divisor > 1;
	config.options.scaled_width = config.input.width / (int)divisor;
	config.options.scaled_height = config.input.height / (int)divisor;
	status = WebPDecode(data, bytes.len, &config);
	if (status != VP8_STATUS_OK) {
		WebPFreeDecBuffer(&config.output);
		return fail(status, err);
	}
	if (photo_make(ret, (uint32_t)config.output.width,
		       (uint32_t)config.output.height, err))
		for (uint32_t y = 0; y < ret->height; y++)
			photo_put_on_white(
				config.output.u.RGBA.rgba +
				(size_t)y * config.output.u.RGBA.stride,
				ret->width,
				ret->rgb + (size_t)y * ret->width * 3);
	WebPFreeDecBuffer(&config.output);
	return ret->rgb;
}
