/*
 * tflite_import.h: a graph of TensorFlow Lite made into a model's file. Pure.
 */
#ifndef RECOGNITION_TFLITE_IMPORT_H
#define RECOGNITION_TFLITE_IMPORT_H

#include "recognition/model_build.h"

/* `output` is the tensor that joins the class logits. Weights are floats of 32
 * or 16 bits. ERROR_INVALID, naming the tensor, when what leads to it has
 * another kind of layer. `ret` is a whole model's file. */
bool tflite_import(struct str graph, const char *output,
		   const struct model_origin *origin, struct str *ret,
		   struct arena *arena, struct error *err) MUST_CHECK;

#endif
