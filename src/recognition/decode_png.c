/*
 * decode_png.c: the one home of libpng. Row by row, so that a large picture is
 * made smaller as it comes; an interlaced one has to be held whole.
 */
#include "recognition/photo.h"

#include <setjmp.h>

#include <png.h>

#include "recognition/image_header.h"

#include "base/banned.h"

/* libpng leaves by longjmp; what must outlive that is in here. */
struct job {
	png_structp png;
	png_infop info;
	struct error *err;
	struct str rest;
	uint32_t width, height, divisor;
	uint8_t *rgba;		/* a row, or the whole of an interlaced one */
	uint8_t *rgb;		/* a row */
	uint32_t *sums;		/* of a row of the photo */
};

static void leave(png_structp png, png_const_charp text)
{
	struct job *job = png_get_error_ptr(png);

	if (strstr(text, "emory"))
		error_set(job->err, ERROR_TOO_LARGE,
			  "there is not enough memory for it");
	else
		error_set(job->err, ERROR_INVALID, "%s", text);
	png_longjmp(png, 1);
}

static void keep_quiet(png_structp png, png_const_charp text)
{
	(void)png, (void)text;
}

static void give(png_structp png, png_bytep to, size_t bytes)
{
	struct job *job = png_get_io_ptr(png);

	if (bytes > job->rest.len)
		png_error(png, "the picture is cut short");
	memcpy(to, job->rest.ptr, bytes);
	job->rest.ptr += bytes;
	job->rest.len -= bytes;
}

/* Everything comes as eight bits of red, green, blue and alpha. What is beside
 * the picture is skipped: some of it is compressed, and grows. */
static void read_head(struct job *job)
{
	png_structp png = job->png;

	png_set_read_fn(png, job, give);
	png_set_user_limits(png, IMAGE_MAX_SIDE, IMAGE_MAX_SIDE);
	png_set_chunk_cache_max(png, 16);
	png_set_chunk_malloc_max(png, 1u * MIB);
	png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
	png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT,
				    (png_const_bytep)"tRNS", 1);
	png_read_info(png, job->info);
	png_set_expand(png);
	png_set_scale_16(png);
	png_set_gray_to_rgb(png);
	png_set_add_alpha(png, 0xff, PNG_FILLER_AFTER);
	(void)png_set_interlace_handling(png);
	png_read_update_info(png, job->info);
	job->width = png_get_image_width(png, job->info);
	job->height = png_get_image_height(png, job->info);
	if (png_get_rowbytes(png, job->info) != (size_t)job->width * 4)
		png_error(png, "an unknown kind of pixels");
}

static bool take_memory(struct job *job, struct photo *photo)
{
	bool whole = png_get_interlace_type(job->png, job->info) !=
		     PNG_INTERLACE_NONE;

	job->divisor = photo_divisor(job->width, job->height);
	if (!photo_make(photo, job->width / job->divisor,
			job->height / job->divisor, job->err))
		return false;
	job->rgba = malloc((size_t)job->width * 4 * (whole ? job->height : 1));
	job->rgb = malloc((size_t)job->width * 3);
	job->sums = calloc((size_t)photo->width * 3, sizeof(job->sums[0]));
	return (job->rgba && job->rgb && job->sums) ||
	       error_set(job->err, ERROR_TOO_LARGE,
			 "there is not enough memory for it");
}

/* Adds a row of the picture to the row of the photo that it is part of. */
static void take_row(struct job *job, const uint8_t *rgba, uint32_t y,
		     struct photo *photo)
{
	uint32_t d = job->divisor, area = d * d, row = y / d;
	uint8_t *to = photo->rgb + (size_t)row * photo->width * 3;

	if (row >= photo->height)
		return;		/* less than one row of the photo is left */
	if (d == 1) {
		photo_put_on_white(rgba, job->width, to);
		return;
	}
	photo_put_on_white(rgba, job->width, job->rgb);
	for (uint32_t x = 0; x < photo->width * d; x++)
		for (int c = 0; c < 3; c++)
			job->sums[x / d * 3 + c] += job->rgb[x * 3 + c];
	if (y % d != d - 1)
		return;
	for (uint32_t i = 0; i < photo->width * 3; i++)
		to[i] = (uint8_t)((job->sums[i] + area / 2) / area);
	memset(job->sums, 0, (size_t)photo->width * 3 * sizeof(job->sums[0]));
}

static void read_rows(struct job *job, struct photo *photo)
{
	size_t bytes = (size_t)job->width * 4;
	bool whole = png_get_interlace_type(job->png, job->info) !=
		     PNG_INTERLACE_NONE;

	if (whole)
		for (int pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; pass++)
			for (uint32_t y = 0; y < job->height; y++)
				png_read_row(job->png, job->rgba + y * bytes,
					     NULL);
	for (uint32_t y = 0; y < job->height; y++) {
		if (!whole)
			png_read_row(job->png, job->rgba, NULL);
		take_row(job, job->rgba + (whole ? y * bytes : 0), y, photo);
	}
}

static bool read_png(struct job *job, struct photo *ret)
{
	if (setjmp(png_jmpbuf(job->png)))
		return false;
	read_head(job);
	if (!take_memory(job, ret))
		return false;
	read_rows(job, ret);
	return true;
}

bool decode_png(struct str bytes, struct photo *ret, struct error *err)
{
	struct job job = { .err = err, .rest = bytes };
	bool ok;

	*ret = (struct photo){ 0 };
	job.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, leave,
					 keep_quiet);
	job.info = job.png ? png_create_info_struct(job.png) : NULL;
	ok = job.info ? read_png(&job, ret) :
			error_set(err, ERROR_TOO_LARGE,
				  "there is not enough memory for it");
	png_destroy_read_struct(&job.png, &job.info, NULL);
	free(job.rgba);
	free(job.rgb);
	free(job.sums);
	if (!ok)
		photo_free(ret);
	return ok;
}
