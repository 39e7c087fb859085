/*
 * restore_backup.c: `ordermill restore-backup FOLDER` makes the state anew from
 * a backup, on a desk that does not run.
 *
 * Every file is verified before the first one is placed, and the database comes
 * last: what was broken off is no desk that starts. Nothing is destroyed: with
 * --replace, what was there and is not the same in the backup is kept in a folder
 * beside the database. At the end the archive and the deletion log are held
 * against each other.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/counters.h"
#include "ordermill/backup_set.h"
#include "ports/database.h"
#include "ports/deletion_log.h"
#include "ports/object_archive.h"

#include "base/banned.h"

#define PAGE 200
#define OBJECT_MAX_BYTES (16u * MIB)

struct restoring {
	struct desk *desk;
	const char *folder;
	struct str sums;
	char aside[BACKUP_PATH_BYTES];	/* for what is replaced */
	bool aside_is_made;
	size_t files, left_out, missing;

	struct database *database;
	struct deletion_log *log;
	struct object_archive *archive;
};

static void release(struct restoring *r)
{
	backup_unmap(&r->sums);
	object_archive_close(r->archive);
	deletion_log_close(r->log);
	database_close(r->database);
}

/* --- may it be done? ------------------------------------------------------- */

static bool relay_runs(const struct config *config)
{
	char path[BACKUP_PATH_BYTES];
	int fd CLEANUP(cleanup_fd) = -1;

	snprintf(path, sizeof(path), "%s/run/relay.lock",
		 config_text(config, "state.directory"));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
}

static bool is_stopped(struct desk *desk, struct error *err)
{
	struct counters_copy *programs;
	size_t count;

	if (relay_runs(desk->config))
		return error_cause(err, ERROR_CONFLICT,
				   "the relay runs: stop the desk first");
	counters_read(config_text(desk->config, "metrics.directory"),
		      desk->arena, &programs, &count);
	for (size_t i = 0; i < count; i++)
		if (programs[i].up)
			return error_cause(err, ERROR_CONFLICT,
					   "%s runs: stop the desk first",
					   programs[i].name);
	return true;
}

static bool holds_files(const char *path)
{
	CLEANUP(cleanup_dir) DIR *folder = opendir(path);
	const struct dirent *found;

	while (folder && (found = readdir(folder)))
		if (found->d_name[0] != '.')
			return true;
	return false;
}

static bool is_empty(const struct config *config, struct error *err)
{
	const char *database = config_text(config, "database.path");
	const char *objects = config_text(config, "object_archive.directory");

	if (access(database, F_OK) == 0)
		return error_cause(err, ERROR_CONFLICT,
				   "%s is there: say --replace to put the "
				   "backup in its place", database);
	return !holds_files(objects) ||
	       error_cause(err, ERROR_CONFLICT,
			   "%s holds objects: say --replace to keep them "
			   "beside those of the backup", objects);
}

/* The next line of SHA256SUMS; *ret_end behind the last one. */
static bool next_sum(struct str *rest, struct str *ret_digest,
		     struct str *ret_name, bool *ret_end, struct error *err)
{
	struct str line;

	*ret_end = !str_next(rest, '\n', &line) || (!line.len && !rest->len);
	if (*ret_end)
		return true;
	if (line.len <= SHA256_HEX + 2 || line.ptr[SHA256_HEX] != ' ' ||
	    line.ptr[SHA256_HEX + 1] != ' ')
		return error_cause(err, ERROR_BAD_REQUEST,
				   "%s: this is no line of sha256sum: %.*s",
				   BACKUP_SUMS, STR_ARG(line));
	*ret_digest = (struct str){ line.ptr, SHA256_HEX };
	*ret_name = (struct str){ line.ptr + SHA256_HEX + 2,
				  line.len - SHA256_HEX - 2 };
	return true;
}

static bool verify_one(const struct restoring *r, struct str digest,
		       struct str name, struct error *err)
{
	struct str bytes CLEANUP(backup_unmap) = { NULL, 0 };
	char place[BACKUP_PATH_BYTES], from[BACKUP_PATH_BYTES];
	char found[SHA256_HEX + 1];
	unsigned mode;

	if (!backup_place(r->desk->config, name, place, err))
		return false;
	snprintf(from, sizeof(from), "%s/%.*s", r->folder, STR_ARG(name));
	if (!backup_map(from, &bytes, &mode, err))
		return false;
	sha256_hex(bytes, found);
	return str_is(digest, found) ||
	       error_cause(err, ERROR_INTERNAL,
			   "%s: is not what was backed up (its digest is "
			   "another)", from);
}

static bool verify(const struct restoring *r, struct error *err)
{
	struct str rest = r->sums, digest, name;
	bool end, has_database = false;

	for (;;) {
		if (!next_sum(&rest, &digest, &name, &end, err))
			return false;
		if (end)
			break;
		has_database |= str_is(name, BACKUP_DATABASE);
		if (!verify_one(r, digest, name, err))
			return false;
	}
	return has_database ||
	       error_cause(err, ERROR_BAD_REQUEST, "%s: has no %s", r->folder,
			   BACKUP_DATABASE);
}

/* --- placing --------------------------------------------------------------- */

static bool make_aside(struct restoring *r, struct error *err)
{
	if (!r->aside_is_made && mkdir(r->aside, 0700) < 0)
		return backup_fault(r->aside, err);
	r->aside_is_made = true;
	return true;
}

/* On the disk before what it was copied from is replaced. */
static bool write_aside(struct restoring *r, const char *to, struct str bytes,
			unsigned mode, struct error *err)
{
	return make_aside(r, err) && backup_write(to, bytes, mode, err) &&
	       backup_sync(to, err);
}

static bool put_aside(struct restoring *r, const char *path,
		      struct error *err)
{
	struct str bytes CLEANUP(backup_unmap) = { NULL, 0 };
	const char *name = strrchr(path, '/');
	char to[BACKUP_PATH_BYTES + 256];
	unsigned mode;

	if (access(path, F_OK) < 0)
		return true;
	if (!make_aside(r, err))
		return false;
	snprintf(to, sizeof(to), "%s%s", r->aside, name ? name : "");
	if (rename(path, to) == 0)
		return true;
	/* Objects may lie on a disk of their own. */
	if (errno != EXDEV)
		return backup_fault(path, err);
	return backup_map(path, &bytes, &mode, err) &&
	       write_aside(r, to, bytes, mode, err) &&
	       (unlink(path) == 0 || backup_fault(path, err));
}

/* A copy of what is at `path`, unless it is what the backup has. */
static bool keep_other(struct restoring *r, const char *path, struct str name,
		       struct str new_bytes, struct error *err)
{
	struct str bytes CLEANUP(backup_unmap) = { NULL, 0 };
	char to[2 * BACKUP_PATH_BYTES];
	unsigned mode;

	if (access(path, F_OK) < 0)
		return true;
	if (!backup_map(path, &bytes, &mode, err))
		return false;
	if (str_eq(bytes, new_bytes))
		return true;
	snprintf(to, sizeof(to), "%s/%.*s", r->aside, STR_ARG(name));
	for (char *c = to + strlen(r->aside) + 1; *c; c++)
		if (*c == '/')
			*c = '-';
	return write_aside(r, to, bytes, mode, err);
}

/* A write-ahead log that stayed would be taken for the new database's. */
static bool put_database_aside(struct restoring *r, struct error *err)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	char path[BACKUP_PATH_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		snprintf(path, sizeof(path), "%s%s",
			 config_text(r->desk->config, "database.path"),
			 parts[i]);
		if (!put_aside(r, path, err))
			return false;
	}
	return true;
}

static bool place_one(struct restoring *r, struct str name, struct error *err)
{
	struct str bytes CLEANUP(backup_unmap) = { NULL, 0 };
	char from[BACKUP_PATH_BYTES], to[BACKUP_PATH_BYTES];
	unsigned mode;

	snprintf(from, sizeof(from), "%s/%.*s", r->folder, STR_ARG(name));
	r->files++;
	return backup_place(r->desk->config, name, to, err) &&
	       backup_map(from, &bytes, &mode, err) &&
	       keep_other(r, to, name, bytes, err) &&
	       backup_write(to, bytes, mode, err);
}

static bool place(struct restoring *r, struct error *err)
{
	struct str rest = r->sums, digest, name;
	const struct config *config = r->desk->config;
	const char *objects = config_text(config, "object_archive.directory");
	bool end;

	if (!put_database_aside(r, err))
		return false;
	for (;;) {
		if (!next_sum(&rest, &digest, &name, &end, err))
			return false;
		if (end)
			break;
		if (!str_is(name, BACKUP_DATABASE) && !place_one(r, name, err))
			return false;
	}
	return (access(objects, F_OK) < 0 || backup_sync(objects, err)) &&
	       backup_sync(config_text(config, "site.secret_file"), err) &&
	       place_one(r, STR(BACKUP_DATABASE), err) &&
	       backup_sync(config_text(config, "database.path"), err);
}

/* --- is it consistent? ----------------------------------------------------- */

static bool check_object(struct restoring *r, const struct deletion *deletion,
			 struct error *err)
{
	char digest[SHA256_HEX + 1];
	struct error why;
	struct str bytes;

	if (!deletion->archive_key.len)
		return true;
	error_init(&why);
	if (object_archive_get(r->archive, deletion->archive_key,
			       OBJECT_MAX_BYTES, r->desk->arena, &bytes,
			       &why)) {
		sha256_hex(bytes, digest);
		if (!strcmp(digest, deletion->archive_digest))
			return true;
	} else if (why.code != ERROR_NOT_FOUND) {
		*err = why;
		return false;
	}
	r->missing++;
	fprintf(stderr, "%.*s: is missing or damaged (order %s)\n",
		STR_ARG(deletion->archive_key), deletion->order_id);
	return true;
}

static bool check_deletions(struct restoring *r, struct error *err)
{
	char after[ORDER_ID_BYTES] = "";
	struct deletion_page page;

	do {
		arena_reset(r->desk->arena);
		if (!deletion_log_list(r->log, DELETIONS_ALL,
				       after[0] ? after : NULL, PAGE,
				       r->desk->now_ms, 0, r->desk->arena,
				       &page, err))
			return false;
		if (page.count)
			memcpy(after, page.deletions[page.count - 1].event_id,
			       sizeof(after));
		for (size_t i = 0; i < page.count; i++)
			if (!check_object(r, &page.deletions[i], err))
				return false;
	} while (page.has_more && page.count);
	return true;
}

/* archive/2026/11/24/<event id>.json */
static bool event_of(struct str key, char ret[ORDER_ID_BYTES])
{
	size_t tail = ORDER_ID_BYTES - 1 + strlen(".json");

	if (key.len < tail)
		return false;
	snprintf(ret, ORDER_ID_BYTES, "%s", key.ptr + key.len - tail);
	return uuid_is_valid(str_from(ret));
}

/* Was archived when the database had been copied already: there the order
 * lives, and a report would count it as deleted. */
static bool leave_out_unknown(struct restoring *r, struct str key,
			      struct error *err)
{
	char event_id[ORDER_ID_BYTES], path[BACKUP_PATH_BYTES];
	struct deletion deletion;
	struct error why;

	error_init(&why);
	if (!event_of(key, event_id) ||
	    deletion_log_get(r->log, event_id, r->desk->arena, &deletion,
			     &why))
		return true;
	if (why.code != ERROR_NOT_FOUND) {
		*err = why;
		return false;
	}
	r->left_out++;
	snprintf(path, sizeof(path), "%s/%.*s",
		 config_text(r->desk->config, "object_archive.directory"),
		 STR_ARG(key));
	return put_aside(r, path, err);
}

static bool check_archive(struct restoring *r, struct error *err)
{
	char after[OBJECT_KEY_MAX_BYTES + 1] = "";
	struct object_keys page;

	do {
		arena_reset(r->desk->arena);
		if (!object_archive_list(r->archive, STR("archive/"),
					 str_from(after), PAGE, r->desk->arena,
					 &page, err))
			return false;
		if (page.count)
			snprintf(after, sizeof(after), "%.*s",
				 STR_ARG(page.keys[page.count - 1]));
		for (size_t i = 0; i < page.count; i++)
			if (!leave_out_unknown(r, page.keys[i], err))
				return false;
	} while (page.has_more && page.count);
	return true;
}

static bool check_all(struct restoring *r, struct error *err)
{
	const struct config *config = r->desk->config;

	return database_open(&r->database, config, true, err) &&
	       deletion_log_open(&r->log, r->database, config, err) &&
	       object_archive_open(&r->archive, config, err) &&
	       check_deletions(r, err) && check_archive(r, err);
}

/* --- the command ------------------------------------------------------------ */

static bool open_backup(struct restoring *r, struct error *err)
{
	char path[BACKUP_PATH_BYTES];
	unsigned mode;

	snprintf(path, sizeof(path), "%s/" BACKUP_SUMS, r->folder);
	snprintf(r->aside, sizeof(r->aside), "%s.replaced-%lld",
		 config_text(r->desk->config, "database.path"),
		 (long long)r->desk->now_ms / 1000);
	return backup_map(path, &r->sums, &mode, err);
}

static int say_result(const struct restoring *r)
{
	printf("%zu files are in place, all with their digests.\n", r->files);
	if (r->left_out)
		printf("%zu archived orders, deleted when the database had "
		       "been copied already, are left out: they live there.\n",
		       r->left_out);
	if (r->aside_is_made)
		printf("What is not in use any more is kept in %s.\n",
		       r->aside);
	if (r->missing)
		return say_failed("%zu archived orders are missing or damaged",
				  r->missing);
	return EXIT_GOOD;
}

int command_restore_backup(struct desk *desk, int argc, char **argv)
{
	static const struct option options[] = {
		{ "replace", no_argument, NULL, 'r' }, { 0 },
	};
	struct restoring r CLEANUP(release) = { .desk = desk };
	bool replace = false;
	struct error err;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'r')
			return EXIT_USAGE;
		replace = true;
	}
	if (optind + 1 != argc)
		return EXIT_USAGE;
	r.folder = argv[optind];
	error_init(&err);
	if (!backup_is_possible(desk->config, &err) ||
	    !is_stopped(desk, &err) ||
	    (!replace && !is_empty(desk->config, &err)) ||
	    !open_backup(&r, &err) || !verify(&r, &err) || !place(&r, &err) ||
	    !check_all(&r, &err))
		return say_failure(&err);
	return say_result(&r);
}
