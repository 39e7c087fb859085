/*
 * tflite_graph.h: a TensorFlow Lite model as it is shipped, a FlatBuffer: its
 * tensors and operators in the order they run. Only finds things, within the
 * bytes; what they mean is tflite_import's. (flatbuffers.dev/internals,
 * tensorflow/lite/schema/schema.fbs.)
 */
#ifndef RECOGNITION_TFLITE_GRAPH_H
#define RECOGNITION_TFLITE_GRAPH_H

#include "base/arena.h"
#include "base/error.h"

#define TFLITE_MAX_ENDS 16u	/* inputs of an operator, outputs of a graph */

/* BuiltinOperator, TensorType, Padding, ActivationFunctionType */
enum {
	TFLITE_ADD = 0, TFLITE_CONCATENATION = 2, TFLITE_CONV_2D = 3,
	TFLITE_DEPTHWISE_CONV_2D = 4, TFLITE_DEQUANTIZE = 6,
	TFLITE_RESHAPE = 22,
};
enum { TFLITE_FLOAT32 = 0, TFLITE_FLOAT16 = 1 };
enum { TFLITE_SAME = 0 };
enum { TFLITE_NO_ACTIVATION = 0, TFLITE_RELU6 = 3 };

struct tflite_tensor {
	struct str name;
	uint32_t shape[4];
	uint32_t rank;
	uint32_t type;
	struct str data;	/* of a constant; else empty */
};

struct tflite_operator {
	uint32_t code;
	uint32_t inputs[TFLITE_MAX_ENDS];	/* tensors of the graph */
	uint32_t input_count;
	uint32_t output;			/* the first */
	/* of a convolution; `activation` of an addition too */
	uint32_t padding, stride_w, stride_h, dilation_w, dilation_h,
		 activation;
};

struct tflite_graph {
	struct tflite_tensor *tensors;
	struct tflite_operator *operators;
	uint32_t tensor_count, operator_count;
	uint32_t input;				/* the first of the graph */
};

/* Texts and data are those of `bytes`. ERROR_INVALID unless every place in it
 * is within it. */
bool tflite_graph_read(struct tflite_graph *ret, struct str bytes,
		       struct arena *arena, struct error *err) MUST_CHECK;

#endif
