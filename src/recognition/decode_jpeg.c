/*
 * decode_jpeg.c: the one home of libjpeg-turbo, both ways.
 */
#include "recognition/photo.h"

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>
#include <jerror.h>

#include "base/banned.h"

/* libjpeg leaves by longjmp; what must outlive that is in here. */
struct job {
	struct jpeg_error_mgr errors;
	struct jpeg_progress_mgr progress;
	union {
		struct jpeg_common_struct common;
		struct jpeg_decompress_struct in;
		struct jpeg_compress_struct out;
	} jpeg;
	jmp_buf leave;
	struct error *err;
	unsigned char *made;
	unsigned long made_bytes;
};

static struct job *job_of(j_common_ptr jpeg)
{
	return (struct job *)jpeg->client_data;
}

static void leave(j_common_ptr jpeg)
{
	struct job *job = job_of(jpeg);
	char text[JMSG_LENGTH_MAX];

	jpeg->err->format_message(jpeg, text);
	if (jpeg->err->msg_code == JERR_OUT_OF_MEMORY)
		error_set(job->err, ERROR_TOO_LARGE,
			  "there is not enough memory for it");
	else
		error_set(job->err, ERROR_INVALID, "%s", text);
	longjmp(job->leave, 1);
}

static void keep_quiet(j_common_ptr jpeg)
{
	(void)jpeg;
}

/* A scan costs a pass over the whole picture, and a few bytes. */
static void count_scans(j_common_ptr jpeg)
{
	struct job *job = job_of(jpeg);

	if (job->jpeg.in.input_scan_number <= PHOTO_MAX_SCANS)
		return;
	error_set(job->err, ERROR_UNSUPPORTED_TYPE,
		  "a JPEG of more than %d scans", PHOTO_MAX_SCANS);
	longjmp(job->leave, 1);
}

static void start(struct job *job, struct error *err)
{
	job->err = err;
	job->jpeg.common.err = jpeg_std_error(&job->errors);
	job->errors.error_exit = leave;
	job->errors.output_message = keep_quiet;
	job->progress.progress_monitor = count_scans;
}

/* Halves are exact and quick (SIMD); others are neither. */
static void choose_scale(struct jpeg_decompress_struct *in)
{
	JDIMENSION side = in->image_width > in->image_height ?
				  in->image_width : in->image_height;

	in->scale_denom = 8;
	in->scale_num = 8;
	while (in->scale_num > 1 &&
	       side * in->scale_num / 8 > PHOTO_MAX_SIDE)
		in->scale_num /= 2;
}

static bool read_head(struct job *job, struct str bytes)
{
	struct jpeg_decompress_struct *in = &job->jpeg.in;

	jpeg_mem_src(in, (const unsigned char *)bytes.ptr, bytes.len);
	jpeg_read_header(in, TRUE);
	if (in->jpeg_color_space != JCS_GRAYSCALE &&
	    in->jpeg_color_space != JCS_YCbCr &&
	    in->jpeg_color_space != JCS_RGB)
		return error_set(job->err, ERROR_UNSUPPORTED_TYPE,
				 "a JPEG of other colours than RGB and grey");
	in->out_color_space = JCS_RGB;
	choose_scale(in);
	jpeg_calc_output_dimensions(in);
	return true;
}

static void read_rows(struct jpeg_decompress_struct *in, struct photo *to)
{
	jpeg_start_decompress(in);
	while (in->output_scanline < in->output_height) {
		JSAMPROW row = to->rgb + (size_t)in->output_scanline *
						 to->width * 3;

		jpeg_read_scanlines(in, &row, 1);
	}
	jpeg_finish_decompress(in);
	to->damaged = in->err->num_warnings > 0;
}

bool decode_jpeg(struct str bytes, struct photo *ret, struct error *err)
{
	static struct job job;	/* not clobbered by longjmp */

	job = (struct job){ 0 };
	start(&job, err);
	*ret = (struct photo){ 0 };
	if (!setjmp(job.leave)) {
		jpeg_create_decompress(&job.jpeg.in);
		job.jpeg.in.client_data = &job;
		job.jpeg.in.progress = &job.progress;
		if (read_head(&job, bytes) &&
		    photo_make(ret, job.jpeg.in.output_width,
			       job.jpeg.in.output_height, err)) {
			read_rows(&job.jpeg.in, ret);
			jpeg_destroy_decompress(&job.jpeg.in);
			return true;
		}
	}
	jpeg_destroy_decompress(&job.jpeg.in);
	photo_free(ret);
	return false;
}

static void write_rows(struct jpeg_compress_struct *out,
		       const struct photo *photo)
{
	out->image_width = photo->width;
	out->image_height = photo->height;
	out->input_components = 3;
	out->in_color_space = JCS_RGB;
	jpeg_set_defaults(out);
	jpeg_set_quality(out, PHOTO_QUALITY, TRUE);
	jpeg_start_compress(out, TRUE);
	while (out->next_scanline < out->image_height) {
		JSAMPROW row = photo->rgb + (size_t)out->next_scanline *
						    photo->width * 3;

		jpeg_write_scanlines(out, &row, 1);
	}
	jpeg_finish_compress(out);
}

bool photo_encode(const struct photo *photo, struct str *ret, struct error *err)
{
	static struct job job;

	job = (struct job){ 0 };
	start(&job, err);
	if (setjmp(job.leave)) {
		jpeg_destroy_compress(&job.jpeg.out);
		free(job.made);
		return false;
	}
	jpeg_create_compress(&job.jpeg.out);
	job.jpeg.out.client_data = &job;
	jpeg_mem_dest(&job.jpeg.out, &job.made, &job.made_bytes);
	write_rows(&job.jpeg.out, photo);
	jpeg_destroy_compress(&job.jpeg.out);
	*ret = (struct str){ (char *)job.made, job.made_bytes };
	return true;
}
