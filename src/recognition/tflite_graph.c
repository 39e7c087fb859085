/*
 * tflite_graph.c: a reader of FlatBuffers that knows no more than it needs.
 *
 * A table begins with how far before it its vtable is, which has one 16-bit
 * number a field: where in the table it is, 0 for absent. Vectors, texts and
 * tables are pointed to by how far after the pointer they are. One look beyond
 * the bytes makes the whole file bad.
 */
#include "recognition/tflite_graph.h"

#include "base/banned.h"

#define MAX_TENSORS 4096u
#define MAX_OPERATORS 2048u
#define MAX_BUFFERS 8192u
#define NOWHERE 0u	/* the file's begin: nothing points there */

struct reader {
	struct str bytes;
	bool bad;
};

struct vector {
	size_t at;
	uint32_t count;
};

static uint32_t number(struct reader *r, size_t at, size_t size)
{
	uint32_t value = 0;

	if (at > r->bytes.len || size > r->bytes.len - at) {
		r->bad = true;
		return 0;
	}
	for (size_t i = 0; i < size; i++)
		value |= (uint32_t)(unsigned char)r->bytes.ptr[at + i] << 8 * i;
	return value;
}

/* Where the table's field is. */
static size_t field(struct reader *r, size_t table, unsigned id)
{
	/* signed, and before the table nearly always */
	size_t vtable = table - (size_t)(int32_t)number(r, table, 4);
	uint32_t bytes = number(r, vtable, 2);
	uint32_t at = 4 + 2 * id + 2 <= bytes ?
			      number(r, vtable + 4 + 2 * id, 2) : 0;

	return at && !r->bad ? table + at : NOWHERE;
}

static uint32_t scalar(struct reader *r, size_t table, unsigned id, size_t size,
		       uint32_t absent)
{
	size_t at = field(r, table, id);

	return at == NOWHERE ? absent : number(r, at, size);
}

static size_t follow(struct reader *r, size_t at)
{
	return at == NOWHERE ? NOWHERE : at + number(r, at, 4);
}

static struct vector vector(struct reader *r, size_t table, unsigned id,
			    size_t element_bytes, uint32_t max)
{
	size_t at = follow(r, field(r, table, id));
	struct vector ret = { at + 4, 0 };

	if (at == NOWHERE)
		return ret;
	ret.count = number(r, at, 4);
	if (ret.count > max || ret.at > r->bytes.len ||
	    ret.count > (r->bytes.len - ret.at) / element_bytes) {
		r->bad = true;
		ret.count = 0;
	}
	return ret;
}

static struct str text(struct reader *r, size_t table, unsigned id)
{
	struct vector bytes = vector(r, table, id, 1, UINT32_MAX);

	return bytes.count ? (struct str){ r->bytes.ptr + bytes.at,
					   bytes.count } : STR("");
}

/* The table that an element of a vector of tables points to. */
static size_t element(struct reader *r, struct vector of, uint32_t index)
{
	return follow(r, of.at + 4 * (size_t)index);
}

static void read_tensor(struct reader *r, size_t table, struct vector buffers,
			struct tflite_tensor *ret)
{
	struct vector shape = vector(r, table, 0, 4, UINT16_MAX);
	uint32_t buffer = scalar(r, table, 2, 4, 0);

	ret->rank = shape.count;
	for (uint32_t i = 0; i < shape.count && i < ARRAY_LEN(ret->shape); i++)
		ret->shape[i] = number(r, shape.at + 4 * (size_t)i, 4);
	ret->type = scalar(r, table, 1, 1, TFLITE_FLOAT32);
	ret->name = text(r, table, 3);
	if (buffer < buffers.count)
		ret->data = text(r, element(r, buffers, buffer), 0);
	else
		r->bad = true;
}

/* Numbers of tensors; all of them are. */
static uint32_t read_ends(struct reader *r, size_t table, unsigned id,
			  uint32_t tensors, uint32_t *ret)
{
	struct vector ends = vector(r, table, id, 4, TFLITE_MAX_ENDS);

	for (uint32_t i = 0; i < ends.count; i++) {
		ret[i] = number(r, ends.at + 4 * (size_t)i, 4);
		r->bad |= ret[i] >= tensors;
	}
	return ends.count;
}

/* Conv2DOptions, DepthwiseConv2DOptions (which has a depth multiplier between)
 * and AddOptions. */
static void read_options(struct reader *r, size_t options,
			 struct tflite_operator *ret)
{
	unsigned more = ret->code == TFLITE_DEPTHWISE_CONV_2D;

	if (options == NOWHERE)
		return;
	if (ret->code == TFLITE_ADD)
		ret->activation = scalar(r, options, 0, 1, 0);
	if (ret->code != TFLITE_CONV_2D && !more)
		return;
	ret->padding = scalar(r, options, 0, 1, 0);
	ret->stride_w = scalar(r, options, 1, 4, 0);
	ret->stride_h = scalar(r, options, 2, 4, 0);
	ret->activation = scalar(r, options, 3 + more, 1, 0);
	ret->dilation_w = scalar(r, options, 4 + more, 4, 1);
	ret->dilation_h = scalar(r, options, 5 + more, 4, 1);
}

static void read_operator(struct reader *r, size_t table, struct vector codes,
			  uint32_t tensors, struct tflite_operator *ret)
{
	uint32_t index = scalar(r, table, 0, 4, 0), outputs[TFLITE_MAX_ENDS];
	size_t code;

	if (index >= codes.count) {
		r->bad = true;
		return;
	}
	/* the older, 8-bit place of the code is for codes below 127 */
	code = element(r, codes, index);
	ret->code = scalar(r, code, 3, 4, 0);
	if (!ret->code)
		ret->code = scalar(r, code, 0, 1, 0);
	ret->input_count = read_ends(r, table, 1, tensors, ret->inputs);
	if (!read_ends(r, table, 2, tensors, outputs) || !ret->input_count) {
		r->bad = true;
		return;
	}
	ret->output = outputs[0];
	read_options(r, follow(r, field(r, table, 4)), ret);
}

bool tflite_graph_read(struct tflite_graph *ret, struct str bytes,
		       struct arena *arena, struct error *err)
{
	struct reader r = { bytes, false };
	size_t model = number(&r, 0, 4), graph;
	struct vector codes = vector(&r, model, 1, 4, MAX_OPERATORS);
	struct vector graphs = vector(&r, model, 2, 4, 1);
	struct vector buffers = vector(&r, model, 4, 4, MAX_BUFFERS);
	struct vector tensors, operators;
	uint32_t inputs[TFLITE_MAX_ENDS];

	if (bytes.len < 8 || memcmp(bytes.ptr + 4, "TFL3", 4) ||
	    !graphs.count)
		return error_set(err, ERROR_INVALID,
				 "this is no model of TensorFlow Lite");
	graph = element(&r, graphs, 0);
	tensors = vector(&r, graph, 0, 4, MAX_TENSORS);
	operators = vector(&r, graph, 3, 4, MAX_OPERATORS);
	*ret = (struct tflite_graph){
		.tensors = arena_zalloc(arena, (tensors.count + 1) *
					       sizeof(ret->tensors[0])),
		.operators = arena_zalloc(arena, (operators.count + 1) *
						 sizeof(ret->operators[0])),
		.tensor_count = tensors.count,
		.operator_count = operators.count,
	};
	for (uint32_t i = 0; i < tensors.count && !r.bad; i++)
		read_tensor(&r, element(&r, tensors, i), buffers,
			    &ret->tensors[i]);
	for (uint32_t i = 0; i < operators.count && !r.bad; i++)
		read_operator(&r, element(&r, operators, i), codes,
			      tensors.count, &ret->operators[i]);
	if (!read_ends(&r, graph, 1, tensors.count, inputs) || r.bad)
		return error_set(err, ERROR_INVALID,
				 "the TensorFlow Lite model is damaged");
	ret->input = inputs[0];
	return true;
}
