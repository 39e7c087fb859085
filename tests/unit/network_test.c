/*
 * network_test.c: does a network give what its definition gives, and are its
 * labels the best of all boxes?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "recognition/photo_labels.h"
#include "recognition/tfjs_import.h"
#include "vectors/network_table.h"

#include "base/banned.h"

static struct arena *arena;
static struct model model;
static struct network *network;
static struct error err;

static int open_network(void **state)
{
	static const struct model_origin origin = {
		.name = "", .source_sha256 = "", .licence = { "", 0 },
		.labels = coco_labels, .label_count = ARRAY_LEN(coco_labels),
		.class_count = NETWORK_CLASSES,
	};
	struct tfjs_model graph = {
		.model_json = str_from(network_json),
		.shards = { (const char *)network_weights,
			    sizeof(network_weights) },
		.input = "photo", .output = "joined", .side = NETWORK_SIDE,
	};
	struct str file;

	(void)state;
	arena = arena_new("network_test", 16 * MIB);
	error_init(&err);
	return tfjs_import(&graph, &origin, &file, arena, &err) &&
	       model_read(&model, file, &err) &&
	       network_open(&network, &model, &err) ? 0 : -1;
}

static int close_network(void **state)
{
	(void)state;
	network_close(network);
	arena_free(arena);
	return 0;
}

static void assert_output(uint32_t index, const float *expected, size_t count)
{
	size_t got;
	const float *output = network_output(network, index, &got);

	assert_int_equal(got, count);
	for (size_t i = 0; i < count; i++)
		if (fabsf(output[i] - expected[i]) >
		    1e-4f * (1 + fabsf(expected[i])))
			fail_msg("output %u, %zu: %f, not %f", index, i,
				 (double)output[i], (double)expected[i]);
}

static void it_gives_what_its_definition_gives(void **state)
{
	(void)state;
	for (int run = 0; run < 2; run++) {	/* nothing of a run is left */
		memcpy(network_input(network), network_photo,
		       sizeof(network_photo));
		assert_true(network_run(network, &err));
		assert_output(0, network_output_0,
			      ARRAY_LEN(network_output_0));
		assert_output(1, network_output_1,
			      ARRAY_LEN(network_output_1));
	}
}

static int permille_of(uint32_t class)
{
	float best = -INFINITY;

	for (size_t i = class; i < ARRAY_LEN(network_output_0); i += 3)
		best = fmaxf(best, network_output_0[i]);
	for (size_t i = class; i < ARRAY_LEN(network_output_1); i += 3)
		best = fmaxf(best, network_output_1[i]);
	return (int)lrintf(1000 / (1 + expf(-best)));
}

static void labels_are_the_best_of_all_boxes(void **state)
{
	struct seen_label seen[LIMIT_LABELS];
	size_t count, expected = 0;

	(void)state;
	memcpy(network_input(network), network_photo, sizeof(network_photo));
	assert_true(network_run(network, &err));
	count = labels_of(&model, network, seen, 0);
	for (uint32_t class = 1; class < NETWORK_CLASSES; class++)
		expected += permille_of(class) >= LABEL_MIN_PERMILLE;
	assert_true(expected > 0);
	assert_int_equal(count, expected);
	for (size_t i = 0; i < count; i++) {
		uint32_t class = (uint32_t)(seen[i].label - model.labels);

		assert_int_not_equal(class, 0);		/* the background */
		assert_in_range(seen[i].permille, permille_of(class) - 1,
				permille_of(class) + 1);
		if (i)
			assert_true(seen[i - 1].permille >= seen[i].permille);
	}
}

/* A grey photo: this network sees both classes in it, one more than the other. */
static void labels_of_two_models_are_joined(void **state)
{
	struct model_label other[NETWORK_CLASSES] = {
		{ .name = "" },
		{ .name = "human", .synset = model.labels[1].synset },
		{ .name = "mug", .synset = 3797390 },
	};
	struct model second = model;
	struct seen_label seen[LIMIT_LABELS];
	size_t count;

	(void)state;
	second.labels = other;
	memset(network_input(network), 0, sizeof(network_photo));
	assert_true(network_run(network, &err));
	count = labels_of(&model, network, seen, 0);
	assert_int_equal(count, 2);
	assert_int_not_equal(seen[0].permille, seen[1].permille);
	/* one synset is one thing, whatever its name */
	count = labels_of(&second, network, seen, count);
	assert_int_equal(count, 3);
	for (size_t i = 1; i < count; i++)
		assert_true(seen[i - 1].permille >= seen[i].permille);
	for (size_t i = 0; i < count; i++)
		assert_string_not_equal(seen[i].label->name, "human");
}

static const struct seen_label *find(const struct seen_label *seen,
				     size_t count, uint32_t synset)
{
	for (size_t i = 0; i < count; i++)
		if (seen[i].label->synset == synset)
			return &seen[i];
	return NULL;
}

static void of_two_models_the_surer_counts(void **state)
{
	struct model_label other[NETWORK_CLASSES] = {
		{ .name = "" },
		{ .name = "bike", .synset = model.labels[2].synset },
		{ .name = "human", .synset = model.labels[1].synset },
	};
	struct model second = model;
	struct seen_label seen[LIMIT_LABELS];
	const struct seen_label *one, *two;
	size_t count;
	int best;

	(void)state;
	second.labels = other;
	memset(network_input(network), 0, sizeof(network_photo));
	assert_true(network_run(network, &err));
	count = labels_of(&model, network, seen, 0);
	best = seen[0].permille;
	assert_int_not_equal(seen[1].permille, best);
	count = labels_of(&second, network, seen, count);
	assert_int_equal(count, 2);
	one = find(seen, count, model.labels[1].synset);
	two = find(seen, count, model.labels[2].synset);
	assert_non_null(one);
	assert_non_null(two);
	assert_int_equal(one->permille, best);
	assert_int_equal(two->permille, best);
}

static void of_many_labels_the_surest_stay(void **state)
{
	struct model_label others[LIMIT_LABELS + 1] = { { .name = "" } };
	struct seen_label seen[LIMIT_LABELS], low;
	size_t count = LIMIT_LABELS;

	(void)state;
	for (size_t i = 0; i < LIMIT_LABELS; i++) {
		others[i].synset = (uint32_t)i + 1;
		seen[i] = (struct seen_label){
			&others[i], (uint16_t)(i ? 301 : 1000) };
	}
	low = seen[LIMIT_LABELS - 1];
	memset(network_input(network), 0, sizeof(network_photo));
	assert_true(network_run(network, &err));
	count = labels_of(&model, network, seen, count);
	assert_int_equal(count, LIMIT_LABELS);
	assert_ptr_equal(seen[0].label, &others[0]);
	assert_non_null(find(seen, count, model.labels[1].synset));
	assert_non_null(find(seen, count, model.labels[2].synset));
	assert_null(find(seen, count, low.label->synset));

	for (size_t i = 0; i < LIMIT_LABELS; i++)	/* all surer */
		seen[i] = (struct seen_label){ &others[i], 1001 };
	assert_int_equal(labels_of(&model, network, seen, count), LIMIT_LABELS);
	for (size_t i = 0; i < LIMIT_LABELS; i++)
		assert_ptr_equal(seen[i].label, &others[i]);
}

static void a_smaller_input_has_every_pixel(void **state)
{
	uint8_t rgb[4 * 4 * 3];
	struct photo photo = { .rgb = rgb, .width = 4, .height = 4 };
	float to[2 * 2 * 3];

	(void)state;
	for (size_t i = 0; i < sizeof(rgb); i++)
		rgb[i] = (uint8_t)(i * 5);
	photo_to_input(&photo, 2, 2, to);
	/* the mean of the four at the lower right */
	for (int c = 0; c < 3; c++) {
		float mean = (float)(rgb[30 + c] + rgb[33 + c] + rgb[42 + c] +
				     rgb[45 + c]) / 4;

		assert_float_equal(to[9 + c], mean / 127.5f - 1, 1e-5);
	}
}

static void a_larger_input_goes_from_one_pixel_to_the_next(void **state)
{
	uint8_t rgb[] = { 0, 0, 0, 255, 255, 255 };
	struct photo photo = { .rgb = rgb, .width = 2, .height = 1 };
	float to[4 * 3];

	(void)state;
	photo_to_input(&photo, 1, 4, to);
	assert_float_equal(to[0], -1, 1e-5);
	assert_float_equal(to[3], -0.5, 1e-5);
	assert_float_equal(to[6], 0.5, 1e-5);
	assert_float_equal(to[9], 1, 1e-5);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_gives_what_its_definition_gives),
		cmocka_unit_test(labels_are_the_best_of_all_boxes),
		cmocka_unit_test(labels_of_two_models_are_joined),
		cmocka_unit_test(of_two_models_the_surer_counts),
		cmocka_unit_test(of_many_labels_the_surest_stay),
		cmocka_unit_test(a_smaller_input_has_every_pixel),
		cmocka_unit_test(a_larger_input_goes_from_one_pixel_to_the_next),
	};

	return cmocka_run_group_tests(tests, open_network, close_network);
}
