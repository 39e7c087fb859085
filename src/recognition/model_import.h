/*
 * model_import.h: the packages that our models come from, and each made into a
 * model's file. Pure.
 *
 * What is taken is known byte for byte: an importer that takes anything would
 * have to trust it.
 */
#ifndef RECOGNITION_MODEL_IMPORT_H
#define RECOGNITION_MODEL_IMPORT_H

#include "base/arena.h"
#include "base/error.h"

#define MODEL_MAX_SOURCES 8u

struct model_source {
	const char *path;	/* in the package's archive */
	const char *sha256;
};

/* A package of npm's registry. */
struct model_package {
	const char *name;	/* what `ordermill model` calls it */
	const char *setting;	/* that says where its file goes */
	const char *npm;	/* name@version */
	const char *archive;	/* as npm names it */
	const char *archive_sha256;
	const struct model_source *sources;
	size_t source_count;
	bool (*import)(const struct str *files, struct str *ret,
		       struct arena *arena, struct error *err);
};

enum { MODEL_COCO, MODEL_OPEN_IMAGES, MODEL_PACKAGE_COUNT };
extern const struct model_package model_packages[MODEL_PACKAGE_COUNT];

/* The last part of a source's path. */
const char *model_source_name(const struct model_source *source);
/* The bytes of all the package's sources, in their order; ERROR_INVALID, with
 * the source's name, unless they are these. `ret` is a whole model's file in
 * the arena, which needs 96 MiB. */
bool model_import(const struct model_package *package, const struct str *files,
		  struct str *ret, struct arena *arena,
		  struct error *err) MUST_CHECK;

#endif
