/*
 * tfjs_import.c: walks the graph from its class logits back to the photo and
 * folds what only scales or shifts a convolution (batch norm, biases) into it.
 */
#include "recognition/tfjs_import.h"

#include <math.h>

#include "recognition/tfjs_graph.h"

#include "base/banned.h"

#define MAX_DEPTH 1000u
#define NO_TENSOR UINT32_MAX

struct build {
	struct tfjs_graph graph;
	struct model_build to;
	struct arena *arena;
	struct error *err;
	unsigned depth;
	uint32_t *tensor_of;	/* of each node, or NO_TENSOR */
};

static bool build(struct build *b, struct str name, uint32_t *ret);

static bool cannot(struct build *b, const struct tfjs_node *node,
		   const char *what)
{
	return error_set(b->err, ERROR_INVALID, "node %.*s (%.*s): %s",
			 STR_ARG(node->name), STR_ARG(node->op), what);
}

static bool is_one(const struct tfjs_node *node, const char *const *ops)
{
	while (*ops && !str_is(node->op, *ops))
		ops++;
	return *ops;
}

/* H x W x I x O as TensorFlow has them to O x H x W x I. */
static float *by_output(struct build *b, const struct tfjs_weights *from)
{
	size_t outputs = from->shape[3], rest = from->count / outputs;
	float *to = arena_alloc(b->arena, from->count * sizeof(to[0]));

	for (size_t o = 0; o < outputs; o++)
		for (size_t i = 0; i < rest; i++)
			to[o * rest + i] = from->values[i * outputs + o];
	return to;
}

static bool check_convolution(struct build *b, const struct tfjs_node *node,
			      const struct tfjs_weights *weights,
			      uint32_t channels, bool depthwise)
{
	uint32_t down, across;

	if (!weights || weights->rank != 4 ||
	    weights->shape[0] != weights->shape[1] ||
	    weights->shape[2] != channels ||
	    (depthwise && weights->shape[3] != 1))
		return cannot(b, node, "its weights");
	if (!tfjs_node_is(node, "padding", "SAME") ||
	    !tfjs_node_is(node, "data_format", "NHWC") ||
	    !tfjs_node_int(node, "strides", 1, &down) ||
	    !tfjs_node_int(node, "strides", 2, &across) || down != across ||
	    !down)
		return cannot(b, node, "its padding, format or strides");
	for (size_t i = 0; i < 4; i++)
		if (tfjs_node_int(node, "dilations", i, &down) && down != 1)
			return cannot(b, node, "it is dilated");
	return true;
}

static bool build_convolution(struct build *b, const struct tfjs_node *node,
			      uint32_t *ret)
{
	bool depthwise = !str_is(node->op, "Conv2D");
	const struct tfjs_weights *weights;
	struct model_tensor from;
	struct model_layer layer = { 0 };

	if (node->input_count != 2 || !build(b, node->inputs[0], &layer.input))
		return error_is_set(b->err) ? false :
					      cannot(b, node, "its inputs");
	weights = tfjs_graph_weights(&b->graph, node->inputs[1]);
	from = b->to.tensors[layer.input];
	if (!check_convolution(b, node, weights, from.channels, depthwise))
		return false;
	layer.kind = depthwise ? MODEL_DEPTHWISE : MODEL_CONVOLUTION;
	layer.kernel = weights->shape[0];
	(void)tfjs_node_int(node, "strides", 1, &layer.stride);
	from = model_build_stride(from, layer.stride);
	if (!depthwise)
		from.channels = weights->shape[3];
	if (!model_build_add(&b->to, layer, from, b->err))
		return false;
	*ret = b->to.layer_count;
	/* For a depthwise one H x W x C x 1 is what the file wants. */
	b->to.weights[*ret - 1] = by_output(b, weights);
	b->to.biases[*ret - 1] = arena_zalloc(b->arena, from.channels *
						     sizeof(float));
	return true;
}

static bool build_sum(struct build *b, const struct tfjs_node *node,
		      uint32_t *ret)
{
	struct model_layer layer = { .kind = MODEL_ADD };

	if (node->input_count != 2)
		return cannot(b, node, "its inputs");
	if (!build(b, node->inputs[0], &layer.input) ||
	    !build(b, node->inputs[1], &layer.second) ||
	    !model_build_add(&b->to, layer, b->to.tensors[layer.input],
			     b->err))
		return false;
	*ret = b->to.layer_count;
	return true;
}

/* Scale (or NULL) and shift (or NULL) by channel into the convolution that made
 * the tensor; `count` 1 stands for all channels. */
static bool fold(struct build *b, const struct tfjs_node *node, uint32_t tensor,
		 const float *scale, const float *shift, size_t count)
{
	struct model_layer *layer = tensor ? &b->to.layers[tensor - 1] : NULL;
	size_t channels = b->to.tensors[tensor].channels, weights;
	float *values, *biases;

	if (!layer || layer->kind == MODEL_ADD || layer->relu6 ||
	    (count != channels && count != 1))
		return cannot(b, node, "it cannot be folded into a convolution");
	values = b->to.weights[tensor - 1];
	biases = b->to.biases[tensor - 1];
	weights = (size_t)layer->kernel * layer->kernel;
	if (layer->kind == MODEL_CONVOLUTION)
		weights *= b->to.tensors[layer->input].channels;
	for (size_t c = 0; c < channels; c++) {
		size_t at = count == 1 ? 0 : c;

		if (scale)
			for (size_t i = 0; i < weights; i++)
				values[layer->kind == MODEL_CONVOLUTION ?
				       c * weights + i : i * channels + c] *=
					scale[at];
		if (scale)
			biases[c] *= scale[at];
		if (shift)
			biases[c] += shift[at];
	}
	return true;
}

/* (x - mean) * gamma / sqrt(variance + epsilon) + beta */
static bool build_batch_norm(struct build *b, const struct tfjs_node *node,
			     uint32_t *ret)
{
	const struct tfjs_weights *of[4];
	float *scale, *shift, epsilon;
	size_t channels;

	if (node->input_count != 5 ||
	    !tfjs_node_float(node, "epsilon", &epsilon))
		return cannot(b, node, "its inputs");
	if (!build(b, node->inputs[0], ret))
		return false;
	channels = b->to.tensors[*ret].channels;
	for (size_t i = 0; i < 4; i++) {
		of[i] = tfjs_graph_weights(&b->graph, node->inputs[1 + i]);
		if (!of[i] || of[i]->count != channels)
			return cannot(b, node, "its weights");
	}
	scale = arena_alloc(b->arena, channels * sizeof(float));
	shift = arena_alloc(b->arena, channels * sizeof(float));
	for (size_t c = 0; c < channels; c++) {
		scale[c] = of[0]->values[c] / sqrtf(of[3]->values[c] + epsilon);
		shift[c] = of[1]->values[c] - of[2]->values[c] * scale[c];
	}
	return fold(b, node, *ret, scale, shift, channels);
}

/*
 * A sum with a constant. Where what it shifts is itself a sum of two tensors
 * (as TensorFlow's optimiser leaves residual blocks), the constant goes to the
 * convolution that makes the first.
 */
static bool build_constant(struct build *b, const struct tfjs_node *node,
			   const struct tfjs_weights *constant,
			   struct str other, uint32_t *ret)
{
	bool scales = str_is(node->op, "Mul");
	uint32_t tensor;

	if (!build(b, other, ret))
		return false;
	tensor = *ret;
	if (!scales && tensor && b->to.layers[tensor - 1].kind == MODEL_ADD)
		tensor = b->to.layers[tensor - 1].input;
	return fold(b, node, tensor, scales ? constant->values : NULL,
		    scales ? NULL : constant->values, constant->count);
}

static bool build_arithmetic(struct build *b, const struct tfjs_node *node,
			     uint32_t *ret)
{
	for (size_t i = 0; i < 2 && node->input_count == 2; i++) {
		const struct tfjs_weights *constant =
			tfjs_graph_weights(&b->graph, node->inputs[i]);

		if (constant)
			return build_constant(b, node, constant,
					      node->inputs[1 - i], ret);
	}
	if (str_is(node->op, "Mul") || str_is(node->op, "BiasAdd"))
		return cannot(b, node, "without a constant");
	return build_sum(b, node, ret);
}

static bool build_relu6(struct build *b, const struct tfjs_node *node,
			uint32_t *ret)
{
	if (!node->input_count)
		return cannot(b, node, "its inputs");
	if (!build(b, node->inputs[0], ret))
		return false;
	if (!*ret || b->to.layers[*ret - 1].kind == MODEL_ADD)
		return cannot(b, node, "it follows no convolution");
	b->to.layers[*ret - 1].relu6 = 1;
	return true;
}

static bool build_node(struct build *b, const struct tfjs_node *node,
		       uint32_t *ret)
{
	static const char *const convolutions[] = {
		"Conv2D", "DepthwiseConv2dNative", NULL };
	static const char *const arithmetic[] = {
		"Add", "AddV2", "AddN", "BiasAdd", "Mul", NULL };

	if (is_one(node, convolutions))
		return build_convolution(b, node, ret);
	if (is_one(node, arithmetic))
		return build_arithmetic(b, node, ret);
	if (str_is(node->op, "FusedBatchNorm"))
		return build_batch_norm(b, node, ret);
	if (str_is(node->op, "Relu6"))
		return build_relu6(b, node, ret);
	/* the logits' shape alone: class by class, as they are */
	if (str_is(node->op, "Reshape") && node->input_count)
		return build(b, node->inputs[0], ret);
	return cannot(b, node, "no such operation here");
}

/* The tensor that the named node makes; its layers are added once. */
static bool build(struct build *b, struct str name, uint32_t *ret)
{
	const struct tfjs_node *node = tfjs_graph_node(&b->graph, name);
	uint32_t *tensor;

	if (!node)
		return error_set(b->err, ERROR_INVALID, "there is no node %.*s",
				 STR_ARG(name));
	tensor = &b->tensor_of[node - b->graph.nodes];
	if (*tensor == NO_TENSOR) {
		uint32_t made = 0;

		if (b->depth == MAX_DEPTH)
			return cannot(b, node, "nested too deeply");
		b->depth++;
		if (!build_node(b, node, &made))
			return false;
		b->depth--;
		*tensor = made;
	}
	*ret = *tensor;
	return true;
}

/* The inputs of the node that joins the logits, but its axis. */
static bool build_outputs(struct build *b, const struct tfjs_model *from)
{
	const struct tfjs_node *join =
		tfjs_graph_node(&b->graph, str_from(from->output));

	if (!join || join->input_count < 2)
		return error_set(b->err, ERROR_INVALID,
				 "there is no node %s that joins",
				 from->output);
	b->to.output_count = (uint32_t)join->input_count - 1;
	for (uint32_t i = 0; i < b->to.output_count; i++)
		if (!build(b, join->inputs[i], &b->to.outputs[i]))
			return false;
	return true;
}

bool tfjs_import(const struct tfjs_model *from,
		 const struct model_origin *origin, struct str *ret,
		 struct arena *arena, struct error *err)
{
	struct build *b = arena_zalloc(arena, sizeof(*b));
	const struct tfjs_node *input;

	b->arena = b->to.arena = arena;
	b->err = err;
	if (!tfjs_graph_read(&b->graph, from->model_json, from->shards, arena,
			     err))
		return false;
	b->tensor_of = arena_alloc(arena, b->graph.node_count *
					  sizeof(b->tensor_of[0]));
	for (size_t i = 0; i < b->graph.node_count; i++)
		b->tensor_of[i] = NO_TENSOR;
	input = tfjs_graph_node(&b->graph, str_from(from->input));
	if (!input)
		return error_set(err, ERROR_INVALID, "there is no node %s",
				 from->input);
	b->tensor_of[input - b->graph.nodes] = 0;
	b->to.tensors[0] = (struct model_tensor){ from->side, from->side, 3 };
	if (!build_outputs(b, from))
		return false;
	*ret = model_build_file(&b->to, origin);
	return true;
}
