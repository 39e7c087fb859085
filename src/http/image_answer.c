/*
 * image_answer.c: the answer of POST /api/images.
 */
#include "http/image_answer.h"

#include "order/order_json.h"

#include "base/banned.h"

void image_take_recognition(struct order_image *image,
			    const struct recognition *seen)
{
	image->verdict = seen->verdict;
	image->confidence_permille = seen->confidence_permille;
	image->model = seen->model.ptr ? seen->model : STR("");
	image->label_count = seen->label_count;
	memcpy(image->labels, seen->labels, sizeof(image->labels));
}

static void add_words(struct buf *to, const char *member, struct str words)
{
	buf_add_text(to, member);
	if (words.ptr)
		buf_add_json(to, words);
	else
		buf_add_text(to, "null");
}

void image_answer(struct buf *to, const struct order_image *image,
		  const struct recognition *seen, struct str receipt,
		  int64_t expires_ms)
{
	char expires_at[TIME_TEXT_BYTES];

	time_format(expires_ms, expires_at);
	buf_printf(to, "{\"image_id\":\"%.*s\",\"verdict\":\"%s\"",
		   STR_ARG(image->id), verdict_name(image->verdict));
	buf_add_text(to, ",\"confidence\":");
	image_confidence_to_json(image->confidence_permille, to);
	buf_add_text(to, ",\"reason\":");
	buf_add_json(to, str_from(seen->reason));
	add_words(to, ",\"evidence\":", seen->evidence);
	add_words(to, ",\"warning\":", seen->warning);
	buf_add_text(to, ",\"labels\":");
	image_labels_to_json(image, to);
	buf_add_text(to, ",\"model\":");
	buf_add_json(to, image->model);
	buf_add_text(to, ",\"receipt\":");
	buf_add_json(to, receipt);
	buf_printf(to, ",\"expires_at\":\"%s\"}", expires_at);
}
