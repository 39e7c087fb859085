/*
 * tflite_import_test.c: does a graph of TensorFlow Lite become the same model
 * as one of TensorFlow.js that says the same, and is one refused that is
 * damaged or says something else?
 */
#include <math.h>

#include "recognition/tfjs_import.h"
#include "recognition/tflite_import.h"
#include "vectors/network_table.h"
#include "test_arena.h"

#include "base/banned.h"

static const struct model_origin origin = {
	.name = "a small one", .source_sha256 = "none", .licence = { "", 0 },
	.labels = open_images_labels,
	.label_count = ARRAY_LEN(open_images_labels),
	.class_count = NETWORK_CLASSES,
};

static const struct str graph = { (const char *)network_tflite,
				  sizeof(network_tflite) };

static bool import(struct str bytes, struct model *ret)
{
	struct str file;

	error_init(&err);
	return tflite_import(bytes, "joined", &origin, &file, arena, &err) &&
	       model_read(ret, file, &err);
}

static void import_tfjs(struct model *ret)
{
	struct tfjs_model from = {
		.model_json = str_from(network_json),
		.shards = { (const char *)network_weights,
			    sizeof(network_weights) },
		.input = "photo", .output = "joined", .side = NETWORK_SIDE,
	};
	struct str file;

	assert_true(tfjs_import(&from, &origin, &file, arena, &err));
	assert_true(model_read(ret, file, &err));
}

static void it_is_the_same_model_from_either(void **state)
{
	struct model lite, other;

	(void)state;
	if (!import(graph, &lite))
		fail_msg("%s", err.detail);
	import_tfjs(&other);
	assert_int_equal(lite.header->layer_count, other.header->layer_count);
	assert_int_equal(lite.header->output_count, other.header->output_count);
	assert_int_equal(lite.header->weight_count, other.header->weight_count);
	assert_memory_equal(lite.layers, other.layers,
			    other.header->layer_count *
				    sizeof(lite.layers[0]));
	assert_memory_equal(lite.tensors, other.tensors,
			    (other.header->layer_count + 1) *
				    sizeof(lite.tensors[0]));
	assert_memory_equal(lite.outputs, other.outputs,
			    other.header->output_count *
				    sizeof(lite.outputs[0]));
	for (size_t i = 0; i < other.header->weight_count; i++)
		if (fabsf(lite.weights[i] - other.weights[i]) > 1e-6f)
			fail_msg("weight %zu: %f, not %f", i,
				 (double)lite.weights[i],
				 (double)other.weights[i]);
	assert_string_equal(lite.labels[2].name, "boot");
	assert_int_equal(lite.labels[2].synset, 2872752);
}

static struct str copy_of_graph(void)
{
	return arena_str(arena, graph);
}

static unsigned place_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(network_tflite_places); i++)
		if (!strcmp(network_tflite_places[i].name, name))
			return network_tflite_places[i].at;
	fail_msg("there is no place %s", name);
	return 0;
}

static void a_graph_that_says_something_else_is_refused(void **state)
{
	static const struct {
		const char *place;
		char value;
		const char *reason;
	} changes[] = {
		{ "first activation", 1, "activation" },	/* RELU */
		{ "deep activation", 4, "activation" },		/* TANH */
		{ "first padding", 1, "padding" },		/* VALID */
		{ "first stride", 3, "strides" },
		{ "deep stride", 0, "strides" },
		{ "first dilation", 2, "padding" },
		{ "sum activation", 3, "inputs" },
		{ "first/weights type", 1, "weights" },
		{ "project/weights/half type", 0, "weights" },
		{ "project/biases/half type", 9, "weights" },	/* INT8 */
		{ "photo type", 3, "photo" },			/* UINT8 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		struct str bytes = copy_of_graph();
		struct model model;

		((char *)(uintptr_t)bytes.ptr)[place_of(changes[i].place)] =
			changes[i].value;
		if (import(bytes, &model))
			fail_msg("%s is taken", changes[i].place);
		if (!strstr(err.detail, changes[i].reason))
			fail_msg("%s: %s", changes[i].place, err.detail);
	}
}

static void an_operation_that_is_not_known_is_named(void **state)
{
	struct str bytes = copy_of_graph();
	unsigned at = place_of("code 4");
	struct model model;

	(void)state;
	/* both places of the code: the 8-bit one, and the one two fields on */
	((char *)(uintptr_t)bytes.ptr)[at] = 17;
	((char *)(uintptr_t)bytes.ptr)[at + 12] = 17;
	assert_false(import(bytes, &model));
	assert_string_equal(err.detail, "tensor deep: no such operation here");
}

static void an_output_that_is_not_there_is_named(void **state)
{
	struct str file;

	(void)state;
	assert_false(tflite_import(graph, "raw", &origin, &file, arena, &err));
	assert_non_null(strstr(err.detail, "raw"));
	/* a tensor, but none that joins */
	error_init(&err);
	assert_false(tflite_import(graph, "sum", &origin, &file, arena, &err));
}

static void a_graph_cut_short_is_refused(void **state)
{
	struct model model;

	(void)state;
	/* the last byte ends a text, which has its length besides */
	for (size_t len = 0; len < graph.len - 1; len++) {
		/* of its own, so that a sanitizer sees a look beyond */
		char *bytes = malloc(len + 1);
		bool taken = import((struct str){ memcpy(bytes, graph.ptr, len),
						  len }, &model);

		free(bytes);
		arena_reset(arena);
		if (taken)
			fail_msg("%zu bytes are taken", len);
		assert_int_equal(err.code, ERROR_INVALID);
	}
}

/* Changed bytes are another graph or none; nothing is read beyond them, and a
 * model that comes of it is sound. */
static void changed_bytes_do_no_harm(void **state)
{
	static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };
	size_t refused = 0;

	(void)state;
	for (size_t at = 0; at < graph.len; at++) {
		unsigned char value = values[at % ARRAY_LEN(values)];
		struct str bytes = copy_of_graph();
		struct model model;

		((unsigned char *)(uintptr_t)bytes.ptr)[at] ^= value;
		((unsigned char *)(uintptr_t)bytes.ptr)[graph.len - 1 - at] =
			value;
		if (!import(bytes, &model)) {
			assert_int_equal(err.code, ERROR_INVALID);
			refused++;
		}
		arena_reset(arena);
	}
	assert_true(refused > graph.len / 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(it_is_the_same_model_from_either),
		TEST(a_graph_that_says_something_else_is_refused),
		TEST(an_operation_that_is_not_known_is_named),
		TEST(an_output_that_is_not_there_is_named),
		TEST(a_graph_cut_short_is_refused),
		TEST(changed_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
