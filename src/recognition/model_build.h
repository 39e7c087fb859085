/*
 * model_build.h: what an importer finds, layer by layer, made into a model's
 * file. Pure.
 */
#ifndef RECOGNITION_MODEL_BUILD_H
#define RECOGNITION_MODEL_BUILD_H

#include "recognition/known_labels.h"
#include "recognition/model_file.h"

struct model_build {
	struct arena *arena;
	struct model_layer layers[MODEL_MAX_LAYERS];
	/* in the order of the file; NULL for an addition */
	float *weights[MODEL_MAX_LAYERS], *biases[MODEL_MAX_LAYERS];
	struct model_tensor tensors[MODEL_MAX_LAYERS + 1];
	uint32_t outputs[MODEL_MAX_OUTPUTS];
	uint32_t layer_count, output_count;
};

/* What an importer says of the whole. */
struct model_origin {
	const char *name, *source_sha256;
	struct str licence;
	const struct known_label *labels;
	size_t label_count;
	uint32_t class_count;
};

/* A layer that makes tensor `layer_count`, as it is then. */
bool model_build_add(struct model_build *build, struct model_layer layer,
		     struct model_tensor made, struct error *err) MUST_CHECK;
/* `from` after a layer of this stride, padded as SAME does. */
struct model_tensor model_build_stride(struct model_tensor from,
				       uint32_t stride);
/* A whole model's file in the arena. */
struct str model_build_file(struct model_build *build,
			    const struct model_origin *origin);

#endif
