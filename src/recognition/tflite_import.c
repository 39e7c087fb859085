/*
 * tflite_import.c: what leads to the class logits, layer by layer. Batch norm
 * is folded in already, and weights lie as a model's file has them; operators
 * come in the order they run.
 */
#include "recognition/tflite_import.h"

#include <math.h>

#include "recognition/tflite_graph.h"

#include "base/banned.h"

#define NO_TENSOR UINT32_MAX

struct build {
	struct tflite_graph graph;
	struct model_build to;
	struct error *err;
	bool *needed;		/* of each tensor of the graph */
	uint32_t *tensor_of;	/* its number in the file, or NO_TENSOR */
	uint32_t *constant_of;	/* whose data it has: itself, or what it is
				 * dequantized from */
};

static bool cannot(struct build *b, uint32_t tensor, const char *what)
{
	return error_set(b->err, ERROR_INVALID, "tensor %.*s: %s",
			 STR_ARG(b->graph.tensors[tensor].name), what);
}

/* IEEE 754-2019, binary16: 1 bit of sign, 5 of exponent, 10 of fraction. */
static float from_half(uint16_t half)
{
	int exponent = half >> 10 & 31, fraction = half & 1023;
	float value = exponent == 31 ? NAN :
		      exponent ? ldexpf((float)(fraction + 1024), exponent - 25) :
				 ldexpf((float)fraction, -24);

	return half & 0x8000 ? -value : value;
}

/* A constant's floats; NULL unless there are `count` of them, all finite. */
static float *floats_of(struct build *b, uint32_t tensor, size_t count)
{
	const struct tflite_tensor *from =
		&b->graph.tensors[b->constant_of[tensor]];
	size_t size = from->type == TFLITE_FLOAT16 ? 2 : sizeof(float);
	float *ret;

	if (from->type > TFLITE_FLOAT16 || from->data.len != count * size)
		return NULL;
	ret = arena_alloc(b->to.arena, count * sizeof(float));
	for (size_t i = 0; i < count; i++) {
		uint16_t half;

		memcpy(size == 2 ? (void *)&half : &ret[i],
		       from->data.ptr + i * size, size);
		if (size == 2)
			ret[i] = from_half(half);
		if (!isfinite(ret[i]))
			return NULL;
	}
	return ret;
}

static bool has_activation(struct build *b, const struct tflite_operator *op,
			   struct model_layer *layer)
{
	layer->relu6 = op->activation == TFLITE_RELU6;
	return layer->relu6 || op->activation == TFLITE_NO_ACTIVATION ||
	       cannot(b, op->output, "its activation");
}

static bool build_convolution(struct build *b, const struct tflite_operator *op)
{
	bool depthwise = op->code == TFLITE_DEPTHWISE_CONV_2D;
	struct model_layer layer = {
		.kind = depthwise ? MODEL_DEPTHWISE : MODEL_CONVOLUTION,
		.stride = op->stride_h,
	};
	const uint32_t *shape;
	struct model_tensor made;
	uint32_t at = b->to.layer_count;
	size_t weights;

	if (op->input_count != 3 || !op->stride_h ||
	    op->stride_w != op->stride_h || op->padding != TFLITE_SAME ||
	    op->dilation_w != 1 || op->dilation_h != 1)
		return cannot(b, op->output, "its padding, strides or inputs");
	/* O x K x K x I, and 1 x K x K x C */
	shape = b->graph.tensors[op->inputs[1]].shape;
	layer.input = b->tensor_of[op->inputs[0]];
	layer.kernel = shape[1];
	made = model_build_stride(b->to.tensors[layer.input], layer.stride);
	if (b->graph.tensors[op->inputs[1]].rank != 4 ||
	    shape[1] != shape[2] || shape[3] != made.channels || !shape[0] ||
	    shape[0] > UINT16_MAX || shape[1] > UINT8_MAX ||
	    (depthwise && shape[0] != 1))
		return cannot(b, op->output, "its weights' shape");
	if (!depthwise)
		made.channels = shape[0];
	weights = (size_t)shape[0] * shape[1] * shape[2] * shape[3];
	if (!has_activation(b, op, &layer) ||
	    !model_build_add(&b->to, layer, made, b->err))
		return false;
	b->to.weights[at] = floats_of(b, op->inputs[1], weights);
	b->to.biases[at] = floats_of(b, op->inputs[2], made.channels);
	return (b->to.weights[at] && b->to.biases[at]) ||
	       cannot(b, op->output, "its weights");
}

static bool build_sum(struct build *b, const struct tflite_operator *op)
{
	struct model_layer layer = { .kind = MODEL_ADD };

	if (op->input_count != 2 || op->activation != TFLITE_NO_ACTIVATION ||
	    b->tensor_of[op->inputs[1]] == NO_TENSOR)
		return cannot(b, op->output, "its inputs");
	layer.input = b->tensor_of[op->inputs[0]];
	layer.second = b->tensor_of[op->inputs[1]];
	return model_build_add(&b->to, layer, b->to.tensors[layer.input],
			       b->err);
}

/* Where what it makes is in the file. */
static bool build_operator(struct build *b, const struct tflite_operator *op)
{
	if (op->code == TFLITE_DEQUANTIZE) {
		b->constant_of[op->output] = b->constant_of[op->inputs[0]];
		return true;
	}
	if (b->tensor_of[op->inputs[0]] == NO_TENSOR)
		return cannot(b, op->output, "it comes before its input");
	switch (op->code) {
	case TFLITE_CONV_2D:
	case TFLITE_DEPTHWISE_CONV_2D:
		if (!build_convolution(b, op))
			return false;
		break;
	case TFLITE_ADD:
		if (!build_sum(b, op))
			return false;
		break;
	case TFLITE_RESHAPE:	/* class by class, as they are */
		b->tensor_of[op->output] = b->tensor_of[op->inputs[0]];
		return true;
	default:
		return cannot(b, op->output, "no such operation here");
	}
	b->tensor_of[op->output] = b->to.layer_count;
	return true;
}

/* The operator that joins the logits; those before it that it needs. */
static const struct tflite_operator *find_needed(struct build *b,
						 const char *output)
{
	const struct tflite_operator *join = NULL;

	for (uint32_t i = b->graph.operator_count; i-- > 0;) {
		const struct tflite_operator *op = &b->graph.operators[i];

		if (!join && op->code == TFLITE_CONCATENATION &&
		    str_is(b->graph.tensors[op->output].name, output))
			join = op;
		else if (!b->needed[op->output])
			continue;
		for (uint32_t j = 0; j < op->input_count; j++)
			b->needed[op->inputs[j]] = true;
	}
	return join;
}

static bool build_outputs(struct build *b, const struct tflite_operator *join)
{
	b->to.output_count = join->input_count;
	for (uint32_t i = 0; i < join->input_count; i++) {
		b->to.outputs[i] = b->tensor_of[join->inputs[i]];
		if (b->to.outputs[i] == NO_TENSOR)
			return cannot(b, join->inputs[i], "nothing makes it");
	}
	return true;
}

static bool take_input(struct build *b)
{
	const struct tflite_tensor *photo = &b->graph.tensors[b->graph.input];

	if (photo->rank != 4 || photo->type != TFLITE_FLOAT32 ||
	    photo->shape[3] != 3 || !photo->shape[1] || !photo->shape[2] ||
	    photo->shape[1] > UINT16_MAX || photo->shape[2] > UINT16_MAX)
		return cannot(b, b->graph.input, "it is no photo");
	b->tensor_of[b->graph.input] = 0;
	b->to.tensors[0] = (struct model_tensor){ photo->shape[1],
						  photo->shape[2], 3 };
	return true;
}

bool tflite_import(struct str graph, const char *output,
		   const struct model_origin *origin, struct str *ret,
		   struct arena *arena, struct error *err)
{
	struct build *b = arena_zalloc(arena, sizeof(*b));
	const struct tflite_operator *join;
	uint32_t count;

	b->to.arena = arena;
	b->err = err;
	if (!tflite_graph_read(&b->graph, graph, arena, err))
		return false;
	count = b->graph.tensor_count;
	b->needed = arena_zalloc(arena, count * sizeof(b->needed[0]));
	b->tensor_of = arena_alloc(arena, count * sizeof(b->tensor_of[0]));
	b->constant_of = arena_alloc(arena, count * sizeof(b->constant_of[0]));
	for (uint32_t i = 0; i < count; i++) {
		b->tensor_of[i] = NO_TENSOR;
		b->constant_of[i] = i;
	}
	join = find_needed(b, output);
	if (!join)
		return error_set(err, ERROR_INVALID,
				 "there is no tensor %s that joins", output);
	if (!take_input(b))
		return false;
	for (const struct tflite_operator *op = b->graph.operators; op < join;
	     op++)
		if (b->needed[op->output] && !build_operator(b, op))
			return false;
	if (!build_outputs(b, join))
		return false;
	*ret = model_build_file(&b->to, origin);
	return true;
}
