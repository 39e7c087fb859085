/*
 * tfjs_graph.c: nodes and weights out of model.json.
 */
#include "recognition/tfjs_graph.h"

#include <math.h>

#include "base/banned.h"

#define MAX_JSON_VALUES 65536u

static bool read_uint(struct json number, uint64_t max, uint32_t *ret)
{
	/* int64 is written as text (the JSON mapping of protocol buffers) */
	struct str text = number.kind == JSON_STRING ? json_string(number) :
						       json_literal(number);
	uint64_t value;

	if (!text.len || !str_to_uint(text, max, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

static bool read_node(struct tfjs_node *ret, struct json json,
		      struct error *err)
{
	struct json inputs = json_member(json, "input");

	*ret = (struct tfjs_node){
		.name = json_string(json_member(json, "name")),
		.op = json_string(json_member(json, "op")),
		.attributes = json_member(json, "attr"),
	};
	for (size_t i = 0; i < json_count(inputs); i++) {
		struct str input = json_string(json_element(inputs, i));

		if (!input.len || input.ptr[0] == '^')
			continue;
		if (ret->input_count == TFJS_MAX_INPUTS)
			break;
		ret->inputs[ret->input_count++] = input;
	}
	if (!ret->name.len || !ret->op.len)
		return error_set(err, ERROR_INVALID,
				 "model.json has a node without name or op");
	return true;
}

static bool read_nodes(struct tfjs_graph *graph, struct json nodes,
		       struct arena *arena, struct error *err)
{
	graph->node_count = json_count(nodes);
	if (!graph->node_count)
		return error_set(err, ERROR_INVALID,
				 "model.json has no modelTopology.node");
	graph->nodes = arena_alloc(arena, graph->node_count *
					  sizeof(graph->nodes[0]));
	for (size_t i = 0; i < graph->node_count; i++)
		if (!read_node(&graph->nodes[i], json_element(nodes, i), err))
			return false;
	return true;
}

/* Takes the entry's bytes off `shards`. */
static bool read_weights(struct tfjs_weights *ret, struct json json,
			 struct str *shards, struct error *err)
{
	struct json shape = json_member(json, "shape");
	struct str type = json_string(json_member(json, "dtype"));
	size_t bytes;

	*ret = (struct tfjs_weights){
		.name = json_string(json_member(json, "name")),
		.rank = (unsigned)json_count(shape), .count = 1,
	};
	if (!ret->name.len || ret->rank > ARRAY_LEN(ret->shape) ||
	    (!str_is(type, "float32") && !str_is(type, "int32")) ||
	    json_member(json, "quantization").kind != JSON_ABSENT)
		return error_set(err, ERROR_INVALID,
				 "model.json: weights %.*s are not plain float32 or int32",
				 STR_ARG(ret->name));
	for (unsigned i = 0; i < ret->rank; i++) {
		if (!read_uint(json_element(shape, i), 1u << 20,
			       &ret->shape[i]) || !ret->shape[i])
			return error_set(err, ERROR_INVALID,
					 "model.json: the shape of %.*s",
					 STR_ARG(ret->name));
		ret->count *= ret->shape[i];
		if (ret->count > 1u << 28)
			break;
	}
	if (ret->count > shards->len / sizeof(float))
		return error_set(err, ERROR_INVALID,
				 "the shards are too short for %.*s",
				 STR_ARG(ret->name));
	bytes = ret->count * sizeof(float);
	if (str_is(type, "float32"))
		ret->values = (const void *)shards->ptr;
	shards->ptr += bytes;
	shards->len -= bytes;
	return true;
}

static bool read_manifest(struct tfjs_graph *graph, struct json groups,
			  struct str shards, struct arena *arena,
			  struct error *err)
{
	struct json list = json_member(json_element(groups, 0), "weights");

	graph->weights_count = json_count(list);
	if (json_count(groups) != 1 || !graph->weights_count)
		return error_set(err, ERROR_INVALID,
				 "model.json has not one group of weights");
	graph->weights = arena_alloc(arena, graph->weights_count *
					    sizeof(graph->weights[0]));
	for (size_t i = 0; i < graph->weights_count; i++)
		if (!read_weights(&graph->weights[i], json_element(list, i),
				  &shards, err))
			return false;
	if (shards.len)
		return error_set(err, ERROR_INVALID,
				 "the shards are longer than model.json says");
	return true;
}

bool tfjs_graph_read(struct tfjs_graph *ret, struct str model_json,
		     struct str shards, struct arena *arena, struct error *err)
{
	struct json model;

	*ret = (struct tfjs_graph){ 0 };
	return json_parse_large(&model, model_json, MAX_JSON_VALUES, arena,
				err) &&
	       read_nodes(ret, json_member(json_member(model, "modelTopology"),
					   "node"), arena, err) &&
	       read_manifest(ret, json_member(model, "weightsManifest"),
			     shards, arena, err);
}

static struct str without_port(struct str name)
{
	if (name.len > 2 && !memcmp(name.ptr + name.len - 2, ":0", 2))
		name.len -= 2;
	return name;
}

const struct tfjs_node *tfjs_graph_node(const struct tfjs_graph *graph,
					struct str name)
{
	name = without_port(name);
	for (size_t i = 0; i < graph->node_count; i++)
		if (str_eq(graph->nodes[i].name, name))
			return &graph->nodes[i];
	return NULL;
}

const struct tfjs_weights *tfjs_graph_weights(const struct tfjs_graph *graph,
					      struct str name)
{
	name = without_port(name);
	for (size_t i = 0; i < graph->weights_count; i++)
		if (str_eq(graph->weights[i].name, name))
			return graph->weights[i].values ? &graph->weights[i] :
							  NULL;
	return NULL;
}

bool tfjs_node_int(const struct tfjs_node *node, const char *name, size_t index,
		   uint32_t *ret)
{
	struct json list = json_member(json_member(node->attributes, name),
				       "list");

	return read_uint(json_element(json_member(list, "i"), index),
			 UINT16_MAX, ret);
}

bool tfjs_node_float(const struct tfjs_node *node, const char *name, float *ret)
{
	struct str literal = json_literal(json_member(
		json_member(node->attributes, name), "f"));
	char text[72];

	if (!literal.len)
		return false;
	/* a number that passed the scan has at most 64 characters */
	snprintf(text, sizeof(text), "%.*s", STR_ARG(literal));
	*ret = strtof(text, NULL);
	return isfinite(*ret);
}

bool tfjs_node_is(const struct tfjs_node *node, const char *name,
		  const char *text)
{
	struct json bytes = json_member(json_member(node->attributes, name),
					"s");
	size_t len = strlen(text);
	uint32_t byte;

	if (json_count(bytes) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!read_uint(json_element(bytes, i), 255, &byte) ||
		    byte != (unsigned char)text[i])
			return false;
	return true;
}
