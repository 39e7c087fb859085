/*
 * model_import_test.c: does a graph become a model's file, and is a file that
 * is not whole, or a graph that is another, refused?
 */
#include <fcntl.h>

#include "base/crypto.h"
#include "recognition/model_file.h"
#include "recognition/model_import.h"
#include "recognition/tfjs_import.h"
#include "vectors/network_table.h"
#include "test_arena.h"

#include "base/banned.h"

static const struct model_origin origin = {
	.name = "a small one", .source_sha256 = "none",
	.licence = { "do as you like", 14 },
	.labels = coco_labels, .label_count = ARRAY_LEN(coco_labels),
	.class_count = NETWORK_CLASSES,
};

static struct tfjs_model graph_of(struct str json)
{
	return (struct tfjs_model){
		.model_json = json,
		.shards = { (const char *)network_weights,
			    sizeof(network_weights) },
		.input = "photo", .output = "joined", .side = NETWORK_SIDE,
	};
}

static struct str import_graph(void)
{
	struct tfjs_model graph = graph_of(str_from(network_json));
	struct str file;

	if (!tfjs_import(&graph, &origin, &file, arena, &err))
		fail_msg("%s", err.detail);
	return file;
}

static void a_graph_becomes_a_model(void **state)
{
	struct str file = import_graph();
	struct model model;

	(void)state;
	assert_true(model_read(&model, file, &err));
	/* two convolutions, a sum, two heads, and the depthwise one */
	assert_int_equal(model.header->layer_count, 6);
	assert_int_equal(model.header->output_count, 2);
	assert_int_equal(model.layers[0].relu6, 1);
	assert_int_equal(model.layers[1].kind, MODEL_DEPTHWISE);
	assert_int_equal(model.layers[3].kind, MODEL_ADD);
	assert_int_equal(model.tensors[1].height, 4);
	assert_int_equal(model.tensors[model.outputs[1]].channels, 6);
	assert_int_equal(model.header->licence_bytes, 14);
	assert_memory_equal(model.licence, "do as you like", 14);
	/* of COCO's classes it has the first */
	assert_string_equal(model.labels[0].name, "");
	assert_string_equal(model.labels[1].name, "person");
	assert_int_equal(model.labels[1].synset, 7846);
	assert_string_equal(model.labels[2].name, "bicycle");
}

static void no_byte_of_a_file_may_change(void **state)
{
	struct str file = import_graph();
	char *bytes = (char *)(uintptr_t)file.ptr;
	struct model model;

	(void)state;
	for (size_t at = 0; at < file.len; at += 1 + at / 200) {
		bytes[at] ^= 0x20;
		error_init(&err);
		if (model_read(&model, file, &err))
			fail_msg("byte %zu may change", at);
		assert_int_equal(err.code, ERROR_INVALID);
		bytes[at] ^= 0x20;
	}
	assert_true(model_read(&model, file, &err));
}

static void a_file_cut_short_is_refused(void **state)
{
	struct str file = import_graph();
	struct model model;

	(void)state;
	for (size_t len = 0; len < file.len; len += 61) {
		error_init(&err);
		assert_false(model_read(&model, (struct str){ file.ptr, len },
					&err));
	}
}

/* A file whose digest is right, with one figure that is not. */
static bool reads_with(size_t at, uint32_t value)
{
	struct str file = import_graph();
	char *bytes = (char *)(uintptr_t)file.ptr;
	size_t from = offsetof(struct model_header, sha256) + SHA256_BYTES;
	struct model model;

	memcpy(bytes + at, &value, sizeof(value));
	sha256((struct str){ bytes + from, file.len - from },
	       (uint8_t *)bytes + offsetof(struct model_header, sha256));
	error_init(&err);
	return model_read(&model, file, &err);
}

#define HEADER(member) offsetof(struct model_header, member)
#define LAYER(index, member) \
	(layers_at + (index) * sizeof(struct model_layer) + \
	 offsetof(struct model_layer, member))

static void figures_that_do_not_fit_are_refused(void **state)
{
	const struct model_header *header = (const void *)import_graph().ptr;
	size_t layers_at = header->layers_at, tensors_at = header->tensors_at;
	size_t outputs_at = header->outputs_at;
	uint32_t weights_at = (uint32_t)header->weights_at;
	const struct { size_t at; uint32_t value; } bad[] = {
		{ HEADER(layer_count), 0 },
		{ HEADER(layer_count), 4000000000u },
		{ HEADER(output_count), 17 },
		{ HEADER(class_count), 0 },
		{ HEADER(class_count), 2 },	/* of channels: 3 and 6 */
		{ HEADER(weight_count), 4 },
		{ HEADER(weight_count) + 4, 0x7fffffff },
		{ HEADER(weights_at) + 4, 0xffffffff },
		/* what follows them is dropped with them */
		{ HEADER(weights_at), 0 },
		{ HEADER(licence_at), weights_at },
		{ HEADER(tensors_at), 0x7ffffffc },
		{ HEADER(licence_bytes), 0xfffffff0 },
		{ LAYER(0, kind), 9 },
		{ LAYER(0, input), 1 },		/* itself */
		{ LAYER(0, kernel), 0 },
		{ LAYER(0, kernel), 1000 },
		{ LAYER(0, stride), 0 },
		{ LAYER(0, stride), 1 },	/* of another size then */
		{ LAYER(0, weights_at), 0xffffffff },
		{ LAYER(0, biases_at), 0x7fffffff },
		{ LAYER(3, second), 4 },
		{ LAYER(3, second), 0 },	/* of another size */
		{ tensors_at, 0 },
		{ tensors_at + 8, 4 },		/* channels of a photo */
		{ tensors_at + 12, 5000 },
		{ outputs_at, 0 },
		{ outputs_at, 7 },
	};

	(void)state;
	assert_true(reads_with(HEADER(class_count), 3));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (reads_with(bad[i].at, bad[i].value))
			fail_msg("figure %zu is taken", i);
}

/* The graph's text with one place changed. */
static bool imports_with(const char *from, const char *to)
{
	const char *at = strstr(network_json, from);
	struct tfjs_model graph;
	struct buf json;
	struct str file;

	assert_non_null(at);
	buf_init(&json, arena, 64 * KIB);
	buf_add(&json, network_json, (size_t)(at - network_json));
	buf_add_text(&json, to);
	buf_add_text(&json, at + strlen(from));
	graph = graph_of(buf_str(&json));
	error_init(&err);
	return tfjs_import(&graph, &origin, &file, arena, &err);
}

static void a_graph_that_is_another_is_refused(void **state)
{
	static const char *const changes[][2] = {
		{ "{\"modelTopology\"", "{\"topology\"" },
		{ "\"weightsManifest\"", "\"weights\"" },
		{ "\"dtype\":\"float32\"", "\"dtype\":\"float16\"" },
		{ "\"shape\":[3,3,3,4]", "\"shape\":[3,3,3,40000]" },
		{ "\"shape\":[3,3,3,4]", "\"shape\":[3,3,3,5]" },
		{ "\"op\":\"Relu6\"", "\"op\":\"Sigmoid\"" },
		{ "\"name\":\"joined\"", "\"name\":\"ended\"" },
		{ "\"name\":\"photo\"", "\"name\":\"picture\"" },
		/* in a circle */
		{ "[\"photo\",\"first/weights\"]", "[\"sum\",\"first/weights\"]" },
		{ "[\"photo\",\"first/weights\"]", "[\"photo\"]" },
		{ "[\"photo\",\"first/weights\"]", "[\"photo\",\"gamma\"]" },
		{ "[83,65,77,69]", "[86,65,76,73,68]" },	/* VALID */
		{ "[\"1\",\"2\",\"2\",\"1\"]", "[\"1\",\"2\",\"1\",\"1\"]" },
		{ "[\"1\",\"2\",\"2\",\"1\"]", "[\"1\",\"0\",\"0\",\"1\"]" },
		{ "\"epsilon\"", "\"small\"" },
		{ "[\"deep\",\"scale\"]", "[\"deep\",\"deep\"]" },
		{ "[\"deep\",\"scale\"]", "[\"photo\",\"scale\"]" },
		{ "{", "[" },
	};

	(void)state;
	assert_true(imports_with("photo", "photo"));
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		if (imports_with(changes[i][0], changes[i][1]))
			fail_msg("change %zu is taken", i);
}

static void shards_of_another_length_are_refused(void **state)
{
	struct tfjs_model graph = graph_of(str_from(network_json));
	struct str file;

	(void)state;
	graph.shards.len -= 4;
	assert_false(tfjs_import(&graph, &origin, &file, arena, &err));
	error_init(&err);
	graph.shards.len += 8;
	assert_false(tfjs_import(&graph, &origin, &file, arena, &err));
}

static void only_known_bytes_are_imported(void **state)
{
	struct str files[MODEL_MAX_SOURCES], file;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		files[i] = STR("something else");
	for (size_t i = 0; i < MODEL_PACKAGE_COUNT; i++) {
		const struct model_package *package = &model_packages[i];

		assert_true(package->source_count <= MODEL_MAX_SOURCES);
		error_init(&err);
		assert_false(model_import(package, files, &file, arena, &err));
		assert_non_null(strstr(err.detail, package->npm));
		assert_non_null(strstr(err.detail,
				       model_source_name(package->sources)));
	}
}

static void a_file_is_mapped(void **state)
{
	char path[] = "/tmp/model_import_test.XXXXXX";
	int fd = mkstemp(path);
	struct str file = import_graph();
	struct model model;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, file.ptr, file.len), file.len);
	assert_true(model_open(&model, path, &err));
	assert_true(model.weights[0] != 0);
	model_drop_weights(&model);
	model_drop_weights(&model);
	assert_string_equal(model.labels[1].name, "person");
	assert_string_equal(model.header->name, "a small one");
	model_close(&model);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_false(model_open(&model, path, &err));
	close(fd);
	unlink(path);
	error_init(&err);
	assert_false(model_open(&model, path, &err));
	assert_int_equal(err.code, ERROR_NOT_FOUND);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_graph_becomes_a_model),
		TEST(no_byte_of_a_file_may_change),
		TEST(a_file_cut_short_is_refused),
		TEST(figures_that_do_not_fit_are_refused),
		TEST(a_graph_that_is_another_is_refused),
		TEST(shards_of_another_length_are_refused),
		TEST(only_known_bytes_are_imported),
		TEST(a_file_is_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
