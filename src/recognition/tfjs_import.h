/*
 * tfjs_import.h: a graph of TensorFlow.js made into a model's file. Pure.
 */
#ifndef RECOGNITION_TFJS_IMPORT_H
#define RECOGNITION_TFJS_IMPORT_H

#include "recognition/model_build.h"

struct tfjs_model {
	struct str model_json, shards;	/* the shards aligned for floats */
	const char *input;	/* node that gives the photo */
	const char *output;	/* node that joins the class logits */
	uint32_t side;		/* of the photo */
};

/* ERROR_INVALID, naming the node, when it has another kind of layer. `ret` is a
 * whole model's file. */
bool tfjs_import(const struct tfjs_model *from,
		 const struct model_origin *origin, struct str *ret,
		 struct arena *arena, struct error *err) MUST_CHECK;

#endif
