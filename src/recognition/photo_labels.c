/*
 * photo_labels.c: pixels in, labels out.
 */
#include "recognition/photo_labels.h"

#include <math.h>

#include "base/banned.h"

static float to_unit(float value)
{
	return value / 127.5f - 1;
}

/* The mean of the pixels from (left, top) to before (right, bottom). */
static void mean_of(const struct photo *photo, uint32_t left, uint32_t top,
		    uint32_t right, uint32_t bottom, float to[3])
{
	uint32_t sums[3] = { 0 };
	float count = (float)(right - left) * (float)(bottom - top);

	for (uint32_t y = top; y < bottom; y++) {
		const uint8_t *pixel = photo->rgb +
				       ((size_t)y * photo->width + left) * 3;

		for (uint32_t x = left; x < right; x++, pixel += 3) {
			sums[0] += pixel[0];
			sums[1] += pixel[1];
			sums[2] += pixel[2];
		}
	}
	for (int c = 0; c < 3; c++)
		to[c] = to_unit((float)sums[c] / count);
}

/* Where between two pixels: pixels' centres are at halves. */
static float between(uint32_t at, uint32_t from, uint32_t to, uint32_t *first,
		     uint32_t *second)
{
	float place = ((float)at + 0.5f) * (float)from / (float)to - 0.5f;

	place = place < 0 ? 0 : place;
	*first = (uint32_t)place;
	*second = *first + 1 < from ? *first + 1 : *first;
	return place - (float)*first;
}

static void blend(const struct photo *photo, uint32_t x, uint32_t y,
		  uint32_t height, uint32_t width, float to[3])
{
	uint32_t left, right, top, bottom;
	float across = between(x, photo->width, width, &left, &right);
	float down = between(y, photo->height, height, &top, &bottom);
	const uint8_t *upper = photo->rgb + (size_t)top * photo->width * 3;
	const uint8_t *lower = photo->rgb + (size_t)bottom * photo->width * 3;

	for (int c = 0; c < 3; c++) {
		float a = (float)upper[left * 3 + c] * (1 - across) +
			  (float)upper[right * 3 + c] * across;
		float b = (float)lower[left * 3 + c] * (1 - across) +
			  (float)lower[right * 3 + c] * across;

		to[c] = to_unit(a * (1 - down) + b * down);
	}
}

void photo_to_input(const struct photo *photo, uint32_t height, uint32_t width,
		    float *to)
{
	bool smaller = photo->width >= width && photo->height >= height;
	uint64_t w = photo->width, h = photo->height;

	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++, to += 3)
			if (smaller)
				mean_of(photo, (uint32_t)(x * w / width),
					(uint32_t)(y * h / height),
					(uint32_t)((x + 1) * w / width),
					(uint32_t)((y + 1) * h / height), to);
			else
				blend(photo, x, y, height, width, to);
}

static uint16_t permille(float logit)
{
	return (uint16_t)lrintf(1000 / (1 + expf(-logit)));
}

static void best_logits(const struct model *model,
			const struct network *network, float *best)
{
	uint32_t classes = model->header->class_count;

	for (uint32_t i = 0; i < classes; i++)
		best[i] = -INFINITY;
	for (uint32_t i = 0; i < model->header->output_count; i++) {
		size_t count;
		const float *logits = network_output(network, i, &count);

		for (size_t at = 0; at + classes <= count; at += classes)
			for (uint32_t c = 0; c < classes; c++)
				best[c] = logits[at + c] > best[c] ?
						  logits[at + c] : best[c];
	}
}

/* Where the thing is among those seen, or `count`. */
static size_t find_thing(const struct seen_label *seen, size_t count,
			 const struct model_label *label)
{
	size_t at = 0;

	while (at < count && (label->synset ?
			      seen[at].label->synset != label->synset :
			      strcmp(seen[at].label->name, label->name) != 0))
		at++;
	return at;
}

static size_t add_label(struct seen_label *seen, size_t count,
			struct seen_label label)
{
	size_t at = find_thing(seen, count, label.label);

	if (at < count) {
		if (seen[at].permille >= label.permille)
			return count;
		memmove(&seen[at], &seen[at + 1],
			(--count - at) * sizeof(seen[0]));
	}
	at = count;
	while (at && seen[at - 1].permille < label.permille)
		at--;
	if (at == LIMIT_LABELS)
		return count;
	if (count < LIMIT_LABELS)
		count++;
	memmove(&seen[at + 1], &seen[at], (count - at - 1) * sizeof(seen[0]));
	seen[at] = label;
	return count;
}

size_t labels_of(const struct model *model, const struct network *network,
		 struct seen_label seen[LIMIT_LABELS], size_t count)
{
	float best[MODEL_MAX_CLASSES];

	best_logits(model, network, best);
	for (uint32_t c = 0; c < model->header->class_count; c++) {
		struct seen_label label = { &model->labels[c],
					    permille(best[c]) };

		if (label.label->name[0] &&
		    label.permille >= LABEL_MIN_PERMILLE)
			count = add_label(seen, count, label);
	}
	return count;
}
