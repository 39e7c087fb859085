/*
 * model_build.c: layers, weights and labels, one behind the other.
 */
#include "recognition/model_build.h"

#include "base/banned.h"

bool model_build_add(struct model_build *build, struct model_layer layer,
		     struct model_tensor made, struct error *err)
{
	if (build->layer_count == MODEL_MAX_LAYERS)
		return error_set(err, ERROR_INVALID,
				 "the graph has too many layers");
	build->layers[build->layer_count++] = layer;
	build->tensors[build->layer_count] = made;
	return true;
}

struct model_tensor model_build_stride(struct model_tensor from,
				       uint32_t stride)
{
	from.height = (from.height - 1) / stride + 1;
	from.width = (from.width - 1) / stride + 1;
	return from;
}

/* All weights one behind the other; each layer is told where its are. */
static void join_weights(struct model_build *b, struct model_header *header,
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

static struct model_label *name_classes(struct arena *arena,
					const struct model_origin *origin)
{
	struct model_label *ret = arena_zalloc(arena, origin->class_count *
						      sizeof(ret[0]));

	for (size_t i = 0; i < origin->label_count; i++) {
		const struct known_label *known = &origin->labels[i];

		if (known->class >= origin->class_count)
			continue;
		memcpy(ret[known->class].name, known->name,
		       sizeof(known->name));
		ret[known->class].synset = known->synset;
	}
	return ret;
}

struct str model_build_file(struct model_build *build,
			    const struct model_origin *origin)
{
	struct model parts = {
		.tensors = build->tensors, .layers = build->layers,
		.outputs = build->outputs, .licence = origin->licence.ptr,
		.labels = name_classes(build->arena, origin),
	};
	struct model_header header = {
		.layer_count = build->layer_count,
		.output_count = build->output_count,
		.class_count = origin->class_count,
		.licence_bytes = (uint32_t)origin->licence.len,
	};

	snprintf(header.name, sizeof(header.name), "%s", origin->name);
	snprintf(header.source_sha256, sizeof(header.source_sha256), "%s",
		 origin->source_sha256);
	join_weights(build, &header, &parts);
	return model_write(&header, &parts, build->arena);
}
