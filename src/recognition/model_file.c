/*
 * model_file.c: reading, checking and writing of a model's file.
 */
#include "recognition/model_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/crypto.h"

#include "base/banned.h"

#define MAGIC "omlmodel"
#define FILE_VERSION 1u
#define DIGEST_FROM (offsetof(struct model_header, sha256) + SHA256_BYTES)
#define ALIGNMENT 64u
#define MAX_SIDE 4096u
#define MAX_KERNEL 7u
#define MAX_STRIDE 4u

static bool bad(struct error *err, const char *what)
{
	return error_set(err, ERROR_INVALID, "the model's file is damaged: %s",
			 what);
}

static bool fits(uint64_t end, uint64_t at, uint64_t count, size_t size)
{
	return at % 4 == 0 && at <= end && count <= (end - at) / size;
}

static bool check_header(const struct model_header *header, size_t bytes,
			 struct error *err)
{
	uint8_t digest[SHA256_BYTES];

	if (bytes < sizeof(*header) || memcmp(header->magic, MAGIC, 8))
		return error_set(err, ERROR_INVALID,
				 "this is no model's file");
	if (header->version != FILE_VERSION ||
	    header->header_bytes != sizeof(*header))
		return error_set(err, ERROR_INVALID,
				 "the model's file has version %u, here is %u: "
				 "import it anew", header->version, FILE_VERSION);
	if (header->file_bytes != bytes)
		return bad(err, "its length");
	sha256((struct str){ (const char *)header + DIGEST_FROM,
			     bytes - DIGEST_FROM }, digest);
	if (memcmp(digest, header->sha256, sizeof(digest)))
		return bad(err, "its digest");
	if (!memchr(header->name, '\0', sizeof(header->name)) ||
	    !memchr(header->source_sha256, '\0',
		    sizeof(header->source_sha256)))
		return bad(err, "its name");
	return true;
}

/* The weights come last: they are dropped with all that lies behind them. */
static bool check_places(const struct model_header *header, struct error *err)
{
	uint64_t end = header->weights_at;

	if (!header->layer_count || header->layer_count > MODEL_MAX_LAYERS ||
	    !header->output_count || header->output_count > MODEL_MAX_OUTPUTS ||
	    !header->class_count || header->class_count > MODEL_MAX_CLASSES)
		return bad(err, "its counts");
	if (end < sizeof(*header) ||
	    !fits(header->file_bytes, end, header->weight_count,
		  sizeof(float)) ||
	    !fits(end, header->tensors_at, header->layer_count + 1,
		  sizeof(struct model_tensor)) ||
	    !fits(end, header->layers_at, header->layer_count,
		  sizeof(struct model_layer)) ||
	    !fits(end, header->outputs_at, header->output_count,
		  sizeof(uint32_t)) ||
	    !fits(end, header->labels_at, header->class_count,
		  sizeof(struct model_label)) ||
	    !fits(end, header->licence_at, header->licence_bytes, 1))
		return bad(err, "its places");
	return true;
}

size_t model_weight_count(const struct model *model, uint32_t layer)
{
	const struct model_layer *of = &model->layers[layer];
	size_t window = (size_t)of->kernel * of->kernel;

	switch ((enum model_layer_kind)of->kind) {
	case MODEL_CONVOLUTION:
		return window * model->tensors[of->input].channels *
		       model->tensors[layer + 1].channels;
	case MODEL_DEPTHWISE:
		return window * model->tensors[of->input].channels;
	case MODEL_ADD:
		break;
	}
	return 0;
}

static bool same_shape(const struct model_tensor *a,
		       const struct model_tensor *b)
{
	return a->height == b->height && a->width == b->width &&
	       a->channels == b->channels;
}

static bool is_sound_addition(const struct model *model, uint32_t index)
{
	const struct model_layer *layer = &model->layers[index];

	return layer->second <= index &&
	       same_shape(&model->tensors[layer->input],
			  &model->tensors[index + 1]) &&
	       same_shape(&model->tensors[layer->second],
			  &model->tensors[index + 1]);
}

static bool is_sound_layer(const struct model *model, uint32_t index)
{
	const struct model_layer *layer = &model->layers[index];
	uint64_t floats = model->header->weight_count;
	const struct model_tensor *from, *to = &model->tensors[index + 1];

	if (layer->input > index)
		return false;
	if (layer->kind == MODEL_ADD)
		return is_sound_addition(model, index);
	if ((layer->kind != MODEL_CONVOLUTION &&
	     layer->kind != MODEL_DEPTHWISE) ||
	    !layer->kernel || layer->kernel > MAX_KERNEL || !layer->stride ||
	    layer->stride > MAX_STRIDE)
		return false;
	from = &model->tensors[layer->input];
	return to->height == (from->height - 1) / layer->stride + 1 &&
	       to->width == (from->width - 1) / layer->stride + 1 &&
	       (layer->kind == MODEL_CONVOLUTION ||
		to->channels == from->channels) &&
	       layer->weights_at <= floats &&
	       model_weight_count(model, index) <= floats - layer->weights_at &&
	       layer->biases_at <= floats &&
	       to->channels <= floats - layer->biases_at;
}

static bool check_network(const struct model *model, struct error *err)
{
	const struct model_header *header = model->header;

	for (uint32_t i = 0; i <= header->layer_count; i++) {
		const struct model_tensor *tensor = &model->tensors[i];

		if (!tensor->height || tensor->height > MAX_SIDE ||
		    !tensor->width || tensor->width > MAX_SIDE ||
		    !tensor->channels || tensor->channels > MAX_SIDE ||
		    (uint64_t)tensor->height * tensor->width *
		    tensor->channels > 16 * MIB)
			return bad(err, "a tensor's shape");
	}
	if (model->tensors[0].channels != 3)
		return bad(err, "its input");
	for (uint32_t i = 0; i < header->layer_count; i++)
		if (!is_sound_layer(model, i))
			return error_set(err, ERROR_INVALID,
					 "the model's file is damaged: layer %u",
					 i);
	for (uint32_t i = 0; i < header->output_count; i++)
		if (!model->outputs[i] ||
		    model->outputs[i] > header->layer_count ||
		    model->tensors[model->outputs[i]].channels %
		    header->class_count)
			return bad(err, "an output");
	for (uint32_t i = 0; i < header->class_count; i++)
		if (!memchr(model->labels[i].name, '\0',
			    sizeof(model->labels[i].name)) ||
		    !utf8_valid(str_from(model->labels[i].name)))
			return bad(err, "a label");
	return true;
}

bool model_read(struct model *ret, struct str bytes, struct error *err)
{
	const void *base = bytes.ptr;
	const struct model_header *header = base;

	if (!check_header(header, bytes.len, err) || !check_places(header, err))
		return false;
	*ret = (struct model){
		.header = header,
		.tensors = (const void *)(bytes.ptr + header->tensors_at),
		.layers = (const void *)(bytes.ptr + header->layers_at),
		.outputs = (const void *)(bytes.ptr + header->outputs_at),
		.labels = (const void *)(bytes.ptr + header->labels_at),
		.weights = (const void *)(bytes.ptr + header->weights_at),
		.licence = bytes.ptr + header->licence_at,
	};
	return check_network(ret, err);
}

bool model_open(struct model *ret, const char *path, struct error *err)
{
	int fd CLEANUP(cleanup_fd) = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *bytes;

	*ret = (struct model){ 0 };
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_cause(err, ERROR_NOT_FOUND, "%s: %s", path,
				   strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return error_set(err, ERROR_INVALID, "this is no model's file");
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
				   strerror(errno));
	if (!model_read(ret, (struct str){ bytes, (size_t)st.st_size }, err)) {
		munmap(bytes, (size_t)st.st_size);
		*ret = (struct model){ 0 };
		return false;
	}
	ret->mapping = bytes;
	ret->mapping_bytes = (size_t)st.st_size;
	return true;
}

void model_close(struct model *model)
{
	if (model->mapping)
		munmap(model->mapping, model->mapping_bytes);
	*model = (struct model){ 0 };
}

void model_drop_weights(struct model *model)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t kept = (model->header->weights_at + page - 1) / page * page;

	if (!model->mapping || kept >= model->mapping_bytes)
		return;
	munmap((char *)model->mapping + kept, model->mapping_bytes - kept);
	model->mapping_bytes = kept;
	model->weights = NULL;
}

/* Where the part goes; moves `end` behind it. */
static uint64_t place(uint64_t *end, uint64_t bytes)
{
	uint64_t at = (*end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

	*end = at + bytes;
	return at;
}

struct str model_write(const struct model_header *from,
		       const struct model *parts, struct arena *arena)
{
	struct model_header header = *from;
	size_t tensors = (header.layer_count + 1) * sizeof(parts->tensors[0]);
	size_t layers = header.layer_count * sizeof(parts->layers[0]);
	size_t outputs = header.output_count * sizeof(parts->outputs[0]);
	size_t labels = header.class_count * sizeof(parts->labels[0]);
	size_t weights = header.weight_count * sizeof(parts->weights[0]);
	uint64_t end = sizeof(header);
	char *bytes;

	memcpy(header.magic, MAGIC, sizeof(header.magic));
	header.version = FILE_VERSION;
	header.header_bytes = sizeof(header);
	header.tensors_at = place(&end, tensors);
	header.layers_at = place(&end, layers);
	header.outputs_at = place(&end, outputs);
	header.labels_at = place(&end, labels);
	header.licence_at = place(&end, header.licence_bytes);
	header.weights_at = place(&end, weights);
	header.file_bytes = end;

	bytes = arena_zalloc(arena, end);
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + header.tensors_at, parts->tensors, tensors);
	memcpy(bytes + header.layers_at, parts->layers, layers);
	memcpy(bytes + header.outputs_at, parts->outputs, outputs);
	memcpy(bytes + header.labels_at, parts->labels, labels);
	memcpy(bytes + header.licence_at, parts->licence, header.licence_bytes);
	memcpy(bytes + header.weights_at, parts->weights, weights);
	sha256((struct str){ bytes + DIGEST_FROM, end - DIGEST_FROM },
	       (uint8_t *)bytes + offsetof(struct model_header, sha256));
	return (struct str){ bytes, end };
}
