/*
 * model_file.h: a network, ready to run, as one file that is mapped.
 *
 * Made once by `ordermill model import` and read by the recogniser: header,
 * layers, weights with batch norm folded in, labels with their synsets, where
 * it came from and under which licence. Little-endian, as memory has it. What
 * is read is checked: digest, bounds and shapes, so that who runs it need not.
 *
 * Tensors are NHWC floats; tensor 0 is the photo, RGB, x/127.5 - 1; layer i
 * makes tensor i + 1. Convolutions pad as TensorFlow's SAME does: the odd pixel
 * at the bottom and right. Outputs are logits, class by class for each of many
 * boxes; where the boxes are is not kept, since a label needs only the best.
 */
#ifndef RECOGNITION_MODEL_FILE_H
#define RECOGNITION_MODEL_FILE_H

#include "base/arena.h"
#include "base/error.h"

#define MODEL_MAX_LAYERS 512u
#define MODEL_MAX_OUTPUTS 16u
#define MODEL_MAX_CLASSES 2048u

enum model_layer_kind {
	MODEL_CONVOLUTION = 1,	/* weights O x K x K x I */
	MODEL_DEPTHWISE,	/* weights K x K x C */
	MODEL_ADD,		/* of the tensors `input` and `second` */
};

struct model_layer {
	uint32_t kind;
	uint32_t input, second;
	uint32_t kernel, stride;
	uint32_t relu6;		/* 1: the result is held to 0..6 */
	uint32_t weights_at;	/* in floats */
	uint32_t biases_at;
};

struct model_tensor {
	uint32_t height, width, channels;
};

struct model_label {
	char name[28];		/* "": the class means nothing */
	uint32_t synset;	/* WordNet 3.0, data.noun; 0: none */
};

struct model_header {
	char magic[8];
	uint32_t version;
	uint32_t header_bytes;
	uint8_t sha256[32];	/* of all that follows this member */
	uint64_t file_bytes;
	char name[48];
	char source_sha256[72];
	uint32_t layer_count, output_count, class_count, licence_bytes;
	uint64_t weight_count;
	/* in bytes from the file's begin */
	uint64_t tensors_at, layers_at, outputs_at, labels_at, weights_at,
		 licence_at;
};

struct model {
	const struct model_header *header;
	const struct model_tensor *tensors;	/* layer_count + 1 */
	const struct model_layer *layers;
	const uint32_t *outputs;		/* tensors */
	const struct model_label *labels;	/* class_count */
	const float *weights;
	const char *licence;
	void *mapping;
	size_t mapping_bytes;
};

/* `bytes` must be aligned for a uint64_t and stay. ERROR_INVALID with the
 * reason as detail. */
bool model_read(struct model *ret, struct str bytes,
		struct error *err) MUST_CHECK;
bool model_open(struct model *ret, const char *path,
		struct error *err) MUST_CHECK;
void model_close(struct model *model);
/* Unmaps the weights, which a file has at its end: names, shapes and labels stay. */
void model_drop_weights(struct model *model);

/* Floats of a layer's weights; its biases are as many as channels come out. */
size_t model_weight_count(const struct model *model, uint32_t layer);

/* A whole file of these parts, its header's places, sizes and digest filled in;
 * `header` brings name, source and counts. Memory is the arena's. */
struct str model_write(const struct model_header *header,
		       const struct model *parts, struct arena *arena);

#endif
