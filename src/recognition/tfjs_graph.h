/*
 * tfjs_graph.h: a TensorFlow.js graph model as it is shipped: model.json (a
 * GraphDef in JSON and a list of weights) and the shards, put one behind the
 * other. Only finds things; what they mean is tfjs_import's.
 */
#ifndef RECOGNITION_TFJS_GRAPH_H
#define RECOGNITION_TFJS_GRAPH_H

#include "base/json.h"

#define TFJS_MAX_INPUTS 8u

struct tfjs_weights {
	struct str name;
	uint32_t shape[4];
	unsigned rank;
	size_t count;
	const float *values;	/* NULL: of another type than float32 */
};

struct tfjs_node {
	struct str name, op;
	struct str inputs[TFJS_MAX_INPUTS];	/* control inputs left out */
	size_t input_count;
	struct json attributes;
};

struct tfjs_graph {
	struct tfjs_node *nodes;
	size_t node_count;
	struct tfjs_weights *weights;
	size_t weights_count;
};

/* `shards` must be aligned for floats and stay. */
bool tfjs_graph_read(struct tfjs_graph *ret, struct str model_json,
		     struct str shards, struct arena *arena,
		     struct error *err) MUST_CHECK;

/* By name; "name:0" is the same. NULL: there is none. */
const struct tfjs_node *tfjs_graph_node(const struct tfjs_graph *graph,
					struct str name);
const struct tfjs_weights *tfjs_graph_weights(const struct tfjs_graph *graph,
					      struct str name);

/* Attributes; false when absent or of another kind. */
bool tfjs_node_int(const struct tfjs_node *node, const char *name, size_t index,
		   uint32_t *ret);
bool tfjs_node_float(const struct tfjs_node *node, const char *name,
		     float *ret);
/* An attribute of bytes, which TensorFlow.js writes as a list of numbers. */
bool tfjs_node_is(const struct tfjs_node *node, const char *name,
		  const char *text);

#endif
