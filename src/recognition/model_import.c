/*
 * model_import.c: walks the graph from its class logits back to the photo and
 * folds what only scales or shifts a convolution (batch norm, biases) into it.
 */
#include "recognition/model_import.h"

#include <math.h>

#include "base/crypto.h"
#include "recognition/coco_labels.h"
#include "recognition/model_file.h"
#include "recognition/tfjs_graph.h"

#include "base/banned.h"

#define MAX_DEPTH 1000u
#define MAX_TENSORS (MODEL_MAX_LAYERS + 1)
#define NO_TENSOR UINT32_MAX

#define SHARD(number, digest) \
	{ "package/models/coco-ssd/group1-shard" number "of5", \
	  "group1-shard" number "of5", digest }

const struct model_source model_sources[MODEL_SOURCE_COUNT] = {
	{ "package/LICENSE", "LICENSE",
	  "0d542e0c8804e39aa7f37eb00da5a762149dc682d7829451287e11b938e94594" },
	{ "package/models/coco-ssd/model.json", "model.json",
	  "3770b2528339b1e3340cb74360e1e40401816b009779aeb8d0cce3a4353ea3a9" },
	SHARD("1", "0e7af0f713e98521252321f7f84892c31cefccccec3ac64c84e5065b75ed5646"),
	SHARD("2", "74cc6cfc2c4510c9cd81b8ad4cebf6f6a8f305119bb365ce0eb96276da38519a"),
	SHARD("3", "50383033f893eae136392a403e8f70ade5efd90867df5695c4ca5ac640e14f38"),
	SHARD("4", "d856dc534c780068bbf6c666ce1516df2c8433d87578aa31fcdf197de7058cc2"),
	SHARD("5", "3d356f1fb6dfca6af78c56db34d9326706d0196e303f9de6b04f236ca79ed309"),
};

struct build {
	struct tfjs_graph graph;
	struct arena *arena;
	struct error *err;
	unsigned depth;
	uint32_t *tensor_of;	/* of each node, or NO_TENSOR */
	float *weights[MODEL_MAX_LAYERS];
	float *biases[MODEL_MAX_LAYERS];
	struct model_layer layers[MODEL_MAX_LAYERS];
	struct model_tensor tensors[MAX_TENSORS];
	uint32_t layer_count;
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

static struct model_layer *add_layer(struct build *b,
				     struct model_layer layer,
				     struct model_tensor made)
{
	struct model_layer *added;

	if (b->layer_count == MODEL_MAX_LAYERS) {
		error_set(b->err, ERROR_INVALID, "the graph has too many layers");
		return NULL;
	}
	added = &b->layers[b->layer_count++];
	*added = layer;
	b->tensors[b->layer_count] = made;
	return added;
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
	from = b->tensors[layer.input];
	if (!check_convolution(b, node, weights, from.channels, depthwise))
		return false;
	layer.kind = depthwise ? MODEL_DEPTHWISE : MODEL_CONVOLUTION;
	layer.kernel = weights->shape[0];
	(void)tfjs_node_int(node, "strides", 1, &layer.stride);
	from.height = (from.height - 1) / layer.stride + 1;
	from.width = (from.width - 1) / layer.stride + 1;
	if (!depthwise)
		from.channels = weights->shape[3];
	if (!add_layer(b, layer, from))
		return false;
	*ret = b->layer_count;
	/* For a depthwise one H x W x C x 1 is what the file wants. */
	b->weights[*ret - 1] = by_output(b, weights);
	b->biases[*ret - 1] = arena_zalloc(b->arena, from.channels *
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
	    !add_layer(b, layer, b->tensors[layer.input]))
		return false;
	*ret = b->layer_count;
	return true;
}

/* Scale (or NULL) and shift (or NULL) by channel into the convolution that made
 * the tensor; `count` 1 stands for all channels. */
static bool fold(struct build *b, const struct tfjs_node *node, uint32_t tensor,
		 const float *scale, const float *shift, size_t count)
{
	struct model_layer *layer = tensor ? &b->layers[tensor - 1] : NULL;
	size_t channels = b->tensors[tensor].channels, weights;
	float *values, *biases;

	if (!layer || layer->kind == MODEL_ADD || layer->relu6 ||
	    (count != channels && count != 1))
		return cannot(b, node, "it cannot be folded into a convolution");
	values = b->weights[tensor - 1];
	biases = b->biases[tensor - 1];
	weights = (size_t)layer->kernel * layer->kernel;
	if (layer->kind == MODEL_CONVOLUTION)
		weights *= b->tensors[layer->input].channels;
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
	channels = b->tensors[*ret].channels;
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
	if (!scales && tensor && b->layers[tensor - 1].kind == MODEL_ADD)
		tensor = b->layers[tensor - 1].input;
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
	if (!*ret || b->layers[*ret - 1].kind == MODEL_ADD)
		return cannot(b, node, "it follows no convolution");
	b->layers[*ret - 1].relu6 = 1;
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

/* All weights one behind the other; each layer is told where its are. */
static void join_weights(struct build *b, struct model_header *header,
			 struct model *parts)
{
	struct model view = { .tensors = b->tensors, .layers = b->layers };
	uint64_t count = 0;
	float *all;

	for (uint32_t i = 0; i < b->layer_count; i++) {
		if (b->layers[i].kind == MODEL_ADD)
			continue;
		b->layers[i].weights_at = (uint32_t)count;
		count += model_weight_count(&view, i);
		b->layers[i].biases_at = (uint32_t)count;
		count += b->tensors[i + 1].channels;
	}
	all = arena_alloc(b->arena, count * sizeof(float));
	for (uint32_t i = 0; i < b->layer_count; i++) {
		const struct model_layer *layer = &b->layers[i];

		if (layer->kind == MODEL_ADD)
			continue;
		memcpy(all + layer->weights_at, b->weights[i],
		       model_weight_count(&view, i) * sizeof(float));
		memcpy(all + layer->biases_at, b->biases[i],
		       b->tensors[i + 1].channels * sizeof(float));
	}
	header->weight_count = count;
	parts->weights = all;
}

static void name_classes(struct model_label *labels, uint32_t count)
{
	for (size_t i = 0; i < ARRAY_LEN(coco_labels); i++) {
		struct model_label *label = &labels[coco_labels[i].category];

		if (coco_labels[i].category >= count)
			continue;
		memcpy(label->name, coco_labels[i].name,
		       sizeof(coco_labels[i].name));
		label->synset = coco_labels[i].synset;
	}
}

/* The inputs of the node that joins the logits, but its axis. */
static bool build_outputs(struct build *b, const struct model_graph *from,
			  uint32_t outputs[MODEL_MAX_OUTPUTS], uint32_t *count)
{
	const struct tfjs_node *join =
		tfjs_graph_node(&b->graph, str_from(from->output));

	if (!join || join->input_count < 2)
		return error_set(b->err, ERROR_INVALID,
				 "there is no node %s that joins",
				 from->output);
	*count = (uint32_t)join->input_count - 1;
	for (uint32_t i = 0; i < *count; i++)
		if (!build(b, join->inputs[i], &outputs[i]))
			return false;
	return true;
}

bool model_import_graph(const struct model_graph *from, struct str *ret,
			struct arena *arena, struct error *err)
{
	struct build *b = arena_zalloc(arena, sizeof(*b));
	uint32_t outputs[MODEL_MAX_OUTPUTS];
	struct model_label *labels = arena_zalloc(arena, from->class_count *
							 sizeof(labels[0]));
	struct model parts = { .tensors = b->tensors, .layers = b->layers,
			       .outputs = outputs, .labels = labels,
			       .licence = from->licence.ptr };
	struct model_header header = {
		.name = "SSDLite MobileNetV2, COCO",
		.class_count = from->class_count,
		.licence_bytes = (uint32_t)from->licence.len,
		.source_sha256 = MODEL_ARCHIVE_SHA256,
	};
	const struct tfjs_node *input;

	b->arena = arena;
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
	b->tensors[0] = (struct model_tensor){ from->side, from->side, 3 };
	if (!build_outputs(b, from, outputs, &header.output_count))
		return false;
	header.layer_count = b->layer_count;
	join_weights(b, &header, &parts);
	name_classes(labels, from->class_count);
	*ret = model_write(&header, &parts, arena);
	return true;
}

bool model_source_check(enum model_source_kind kind, struct str bytes,
			struct error *err)
{
	char digest[SHA256_HEX + 1];

	sha256_hex(bytes, digest);
	return !strcmp(digest, model_sources[kind].sha256) ||
	       error_set(err, ERROR_INVALID,
			 "%s is not the one of %s %s (its SHA-256 differs)",
			 model_sources[kind].name, MODEL_PACKAGE,
			 MODEL_PACKAGE_VERSION);
}

bool model_import(const struct str files[MODEL_SOURCE_COUNT], struct str *ret,
		  struct arena *arena, struct error *err)
{
	struct model_graph graph = {
		.model_json = files[MODEL_JSON],
		.licence = files[MODEL_LICENCE],
		.input = "Preprocessor/sub", .output = "concat_1",
		.side = 300, .class_count = COCO_CLASSES,
	};
	char *shards, *end;
	size_t bytes = 0;

	for (unsigned i = 0; i < MODEL_SOURCE_COUNT; i++)
		if (!model_source_check(i, files[i], err))
			return false;
	for (unsigned i = MODEL_SHARD_1; i <= MODEL_SHARD_5; i++)
		bytes += files[i].len;
	shards = end = arena_alloc(arena, bytes);
	for (unsigned i = MODEL_SHARD_1; i <= MODEL_SHARD_5; i++) {
		memcpy(end, files[i].ptr, files[i].len);
		end += files[i].len;
	}
	graph.shards = (struct str){ shards, bytes };
	return model_import_graph(&graph, ret, arena, err);
}
