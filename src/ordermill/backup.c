/*
 * backup.c: `ordermill backup FOLDER` copies a local desk while it works.
 *
 * The database goes first, as of one moment; then all files. Whatever the
 * database says is archived was in the archive before it said so, and objects
 * are never changed: so it is among the files. What was archived later is there
 * too, and restore-backup leaves it out.
 */
#include <errno.h>
#include <fts.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "ordermill/backup_set.h"
#include "ports/database.h"

#include "base/banned.h"

struct backup {
	const struct config *config;
	const char *folder;	/* under its name while it is not whole */
	FILE *sums;
	size_t files;
	uint64_t bytes;
};

static bool note(struct backup *backup, const char *name, struct str bytes,
		 struct error *err)
{
	char digest[SHA256_HEX + 1];

	sha256_hex(bytes, digest);
	backup->files++;
	backup->bytes += bytes.len;
	return fprintf(backup->sums, "%s  %s\n", digest, name) > 0 ||
	       error_cause(err, ERROR_UNAVAILABLE, BACKUP_SUMS ": %s",
			   strerror(errno));
}

static bool copy_file(struct backup *backup, const char *from,
		      const char *name, struct error *err)
{
	struct str bytes CLEANUP(backup_unmap) = { NULL, 0 };
	char to[BACKUP_PATH_BYTES];
	unsigned mode;

	snprintf(to, sizeof(to), "%s/%s", backup->folder, name);
	return backup_map(from, &bytes, &mode, err) &&
	       backup_write(to, bytes, mode, err) &&
	       note(backup, name, bytes, err);
}

/* Was one of a moment, or an operator has deleted it. */
static bool is_gone(const char *path)
{
	return access(path, F_OK) < 0 && errno == ENOENT;
}

/* Names that begin with a dot are files that are being written. */
static bool copy_entry(struct backup *backup, FTS *tree, FTSENT *entry,
		       const struct backup_part *part, struct error *err)
{
	size_t root = strlen(config_text(backup->config, part->key));
	char name[BACKUP_PATH_BYTES];

	if (entry->fts_level > 0 && entry->fts_name[0] == '.') {
		fts_set(tree, entry, FTS_SKIP);
		return true;
	}
	switch (entry->fts_info) {
	case FTS_F:
		snprintf(name, sizeof(name), "%s%s", part->name,
			 entry->fts_path + root);
		if (copy_file(backup, entry->fts_accpath, name, err))
			return true;
		if (!is_gone(entry->fts_accpath))
			return false;
		error_init(err);
		return true;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return (entry->fts_level > 0 && is_gone(entry->fts_accpath)) ||
		       error_cause(err, ERROR_UNAVAILABLE, "%s: %s",
				   entry->fts_path,
				   strerror(entry->fts_errno));
	default:
		return true;
	}
}

static void close_tree(FTS **tree)
{
	if (*tree)
		fts_close(*tree);
}

static bool copy_folder(struct backup *backup, const struct backup_part *part,
			struct error *err)
{
	const char *from = config_text(backup->config, part->key);
	char *paths[] = { (char *)(uintptr_t)from, NULL };
	CLEANUP(close_tree) FTS *tree =
		fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;

	if (!tree)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", from,
				   strerror(errno));
	while ((entry = fts_read(tree)))
		if (!copy_entry(backup, tree, entry, part, err))
			return false;
	return true;
}

static bool copy_database(struct backup *backup, struct error *err)
{
	const char *from = config_text(backup->config, "database.path");
	struct str bytes CLEANUP(backup_unmap) = { NULL, 0 };
	char to[BACKUP_PATH_BYTES + 16];
	struct database *database;
	struct stat st;
	unsigned mode;
	bool ok;

	snprintf(to, sizeof(to), "%s/" BACKUP_DATABASE, backup->folder);
	if (!database_open(&database, backup->config, false, err))
		return false;
	ok = database_copy(database, to, err);
	database_close(database);
	if (!ok)
		return false;
	if (stat(from, &st) < 0 || chmod(to, st.st_mode & 0777) < 0)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", to,
				   strerror(errno));
	return backup_map(to, &bytes, &mode, err) &&
	       note(backup, BACKUP_DATABASE, bytes, err);
}

static bool copy_parts(struct backup *backup, struct error *err)
{
	if (!copy_database(backup, err))
		return false;
	for (size_t i = 1; i < backup_part_count; i++) {
		const struct backup_part *part = &backup_parts[i];
		const char *from = config_text(backup->config, part->key);

		if (part->may_miss && (!from[0] || access(from, F_OK) < 0))
			continue;
		if (part->is_folder ? !copy_folder(backup, part, err) :
				      !copy_file(backup, from, part->name, err))
			return false;
	}
	return true;
}

static bool make(struct backup *backup, struct error *err)
{
	FILE *sums CLEANUP(cleanup_file) = NULL;
	char path[BACKUP_PATH_BYTES + 16];

	if (mkdir(backup->folder, 0700) < 0)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s%s",
				   backup->folder, strerror(errno),
				   errno == EEXIST ? ". A backup that was "
				   "broken off left it: remove it" : "");
	snprintf(path, sizeof(path), "%s/" BACKUP_SUMS, backup->folder);
	backup->sums = sums = fopen(path, "wxe");
	if (!sums)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
				   strerror(errno));
	if (!copy_parts(backup, err))
		return false;
	if (fflush(sums) != 0 || fchmod(fileno(sums), 0600) < 0)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
				   strerror(errno));
	return backup_sync(backup->folder, err);
}

/* For /metrics and `ordermill check`: its time is that of the last backup. */
static bool note_last(const struct desk *desk, const char *folder,
		      struct error *err)
{
	char made_at[TIME_TEXT_BYTES];

	time_format(desk->now_ms, made_at);
	return backup_write(config_text(desk->config, "backup.last_file"),
			    str_from(arena_printf(desk->arena, "%s %s\n",
						  made_at, folder)),
			    0644, err);
}

static void strip_slashes(char *path)
{
	for (size_t len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
}

int command_backup(struct desk *desk, int argc, char **argv)
{
	char partial[BACKUP_PATH_BYTES];
	struct backup backup = { .config = desk->config, .folder = partial };
	struct error err;

	if (argc != 2 || !argv[1][0])
		return EXIT_USAGE;
	error_init(&err);
	strip_slashes(argv[1]);
	if (access(argv[1], F_OK) == 0)
		return say_failed("%s: is there already; a backup makes its "
				  "folder", argv[1]);
	snprintf(partial, sizeof(partial), "%s.partial", argv[1]);
	if (!backup_is_possible(desk->config, &err) || !make(&backup, &err))
		return say_failure(&err);
	if (rename(partial, argv[1]) < 0)
		return say_failed("%s: %s", argv[1], strerror(errno));
	if (!backup_sync(argv[1], &err) || !note_last(desk, argv[1], &err))
		return say_failure(&err);
	printf("%s: %zu files, %llu bytes.\n", argv[1], backup.files,
	       (unsigned long long)backup.bytes);
	return EXIT_GOOD;
}
