/*
 * xnn_network.c: the one home of XNNPACK (its API of early 2022, as Debian 12
 * has it, which later versions changed).
 */
#include "recognition/network.h"

#include <math.h>
#include <xnnpack.h>

#include "base/banned.h"

#define MAX_EXTERNAL (MODEL_MAX_OUTPUTS + 1)

struct network {
	const struct model *model;
	xnn_runtime_t runtime;
	size_t external_count;
	struct xnn_external_value external[MAX_EXTERNAL];
	bool initialized;
};

/* What is needed only while the graph is put together. */
struct define {
	const struct model *model;
	xnn_subgraph_t graph;
	uint32_t ids[MODEL_MAX_LAYERS + 1];	/* of tensors */
};

static size_t tensor_floats(const struct model_tensor *tensor)
{
	return (size_t)tensor->height * tensor->width * tensor->channels;
}

/* The photo is external value 0, output i is value 1 + i. */
static uint32_t external_id(const struct model *model, uint32_t tensor)
{
	if (tensor == 0)
		return 0;
	for (uint32_t i = 0; i < model->header->output_count; i++)
		if (model->outputs[i] == tensor)
			return 1 + i;
	return XNN_INVALID_VALUE_ID;
}

static bool define_tensor(struct define *define, uint32_t tensor)
{
	const struct model_tensor *shape = &define->model->tensors[tensor];
	size_t sides[] = { 1, shape->height, shape->width, shape->channels };
	uint32_t id = external_id(define->model, tensor);
	uint32_t flags = id == XNN_INVALID_VALUE_ID ? 0 :
			 id == 0 ? XNN_VALUE_FLAG_EXTERNAL_INPUT :
				   XNN_VALUE_FLAG_EXTERNAL_OUTPUT;

	return xnn_define_tensor_value(define->graph, xnn_datatype_fp32,
				       ARRAY_LEN(sides), sides, NULL, id, flags,
				       &define->ids[tensor]) ==
	       xnn_status_success;
}

static bool define_constant(struct define *define, size_t rank,
			    const size_t *sides, const float *values,
			    uint32_t *ret)
{
	return xnn_define_tensor_value(define->graph, xnn_datatype_fp32, rank,
				       sides, values, XNN_INVALID_VALUE_ID, 0,
				       ret) == xnn_status_success;
}

/* TensorFlow's SAME: what is missing, the smaller half before. */
static void same_padding(uint32_t from, uint32_t to,
			 const struct model_layer *layer, uint32_t *before,
			 uint32_t *after)
{
	uint32_t needed = (to - 1) * layer->stride + layer->kernel;
	uint32_t missing = needed > from ? needed - from : 0;

	*before = missing / 2;
	*after = missing - *before;
}

static bool define_convolution(struct define *define, uint32_t index)
{
	const struct model *model = define->model;
	const struct model_layer *layer = &model->layers[index];
	const struct model_tensor *from = &model->tensors[layer->input];
	const struct model_tensor *to = &model->tensors[index + 1];
	bool depthwise = layer->kind == MODEL_DEPTHWISE;
	uint32_t k = layer->kernel, s = layer->stride;
	size_t filter_sides[] = { depthwise ? 1 : to->channels, k, k,
				  from->channels };
	size_t bias_sides[] = { to->channels };
	float low = layer->relu6 ? 0 : -INFINITY;
	float high = layer->relu6 ? 6 : INFINITY;
	uint32_t top, bottom, left, right, filter, bias;

	if (!define_constant(define, 4, filter_sides,
			     model->weights + layer->weights_at, &filter) ||
	    !define_constant(define, 1, bias_sides,
			     model->weights + layer->biases_at, &bias))
		return false;
	same_padding(from->height, to->height, layer, &top, &bottom);
	same_padding(from->width, to->width, layer, &left, &right);
	return (depthwise ?
		xnn_define_depthwise_convolution_2d(
			define->graph, top, right, bottom, left, k, k, s, s, 1,
			1, 1, to->channels, low, high, define->ids[layer->input],
			filter, bias, define->ids[index + 1], 0) :
		xnn_define_convolution_2d(
			define->graph, top, right, bottom, left, k, k, s, s, 1,
			1, 1, from->channels, to->channels, low, high,
			define->ids[layer->input], filter, bias,
			define->ids[index + 1], 0)) == xnn_status_success;
}

static bool define_layer(struct define *define, uint32_t index)
{
	const struct model_layer *layer = &define->model->layers[index];

	if (layer->kind != MODEL_ADD)
		return define_convolution(define, index);
	return xnn_define_add2(define->graph, -INFINITY, INFINITY,
			       define->ids[layer->input],
			       define->ids[layer->second],
			       define->ids[index + 1], 0) == xnn_status_success;
}

static bool make_runtime(struct network *network)
{
	struct define define = { .model = network->model };
	uint32_t count = network->model->header->layer_count;
	bool ok;

	if (xnn_create_subgraph((uint32_t)network->external_count, 0,
				&define.graph) != xnn_status_success)
		return false;
	ok = true;
	for (uint32_t i = 0; i <= count && ok; i++)
		ok = define_tensor(&define, i);
	for (uint32_t i = 0; i < count && ok; i++)
		ok = define_layer(&define, i);
	/* It packs the weights into memory of its own. */
	ok = ok && xnn_create_runtime_v2(define.graph, NULL, 0,
					 &network->runtime) ==
			   xnn_status_success;
	xnn_delete_subgraph(define.graph);
	return ok;
}

static bool give_memory(struct network *network)
{
	const struct model *model = network->model;

	for (uint32_t i = 0; i < network->external_count; i++) {
		uint32_t tensor = i ? model->outputs[i - 1] : 0;
		size_t bytes = tensor_floats(&model->tensors[tensor]) *
			       sizeof(float);

		/* Its kernels read a little beyond the end. */
		network->external[i].id = i;
		network->external[i].data = calloc(1, bytes + XNN_EXTRA_BYTES);
		if (!network->external[i].data)
			return false;
	}
	return xnn_setup_runtime(network->runtime, network->external_count,
				 network->external) == xnn_status_success;
}

bool network_open(struct network **ret, const struct model *model,
		  struct error *err)
{
	struct network *network = calloc(1, sizeof(*network));

	if (network) {
		network->model = model;
		network->external_count = 1 + model->header->output_count;
		network->initialized = xnn_initialize(NULL) ==
				       xnn_status_success;
	}
	if (!network || !network->initialized || !make_runtime(network) ||
	    !give_memory(network)) {
		network_close(network);
		return error_cause(err, ERROR_UNAVAILABLE,
				   "XNNPACK does not take the network");
	}
	*ret = network;
	return true;
}

void network_close(struct network *network)
{
	if (!network)
		return;
	if (network->runtime)
		xnn_delete_runtime(network->runtime);
	for (size_t i = 0; i < network->external_count; i++)
		free(network->external[i].data);
	if (network->initialized)
		xnn_deinitialize();
	free(network);
}

float *network_input(struct network *network)
{
	return network->external[0].data;
}

bool network_run(struct network *network, struct error *err)
{
	return xnn_invoke_runtime(network->runtime) == xnn_status_success ||
	       error_cause(err, ERROR_UNAVAILABLE,
			   "XNNPACK does not run the network");
}

const float *network_output(const struct network *network, uint32_t index,
			    size_t *ret_count)
{
	const struct model *model = network->model;

	*ret_count = tensor_floats(&model->tensors[model->outputs[index]]);
	return network->external[1 + index].data;
}
