/*
 * backup_set.c: the parts of a backup, and copies that keep owners right when
 * root makes them.
 */
#include "ordermill/backup_set.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"

#include "base/banned.h"

#define FOLDER_MODE 0770
#define SECRET_FOLDER_MODE 0700

const struct backup_part backup_parts[] = {
	{ BACKUP_DATABASE, "database.path", false, false },
	{ "objects", "object_archive.directory", true, false },
	{ "event_bus", "event_bus.directory", true, true },
	{ "tokens", "access.tokens_file", false, true },
	{ "secrets/site.key", "site.secret_file", false, false },
	{ "secrets/objects.key", "object_archive.secret_key_file", false,
	  false },
	{ "secrets/relay.token", "relay.token_file", false, true },
	{ "secrets/mailer.password", "mailer.password_file", false, true },
};

const size_t backup_part_count = ARRAY_LEN(backup_parts);

bool backup_is_possible(const struct config *config, struct error *err)
{
	const char *database = config_text(config, "database.adapter");
	const char *archive = config_text(config, "object_archive.adapter");

	if (!strcmp(database, "sqlite") && !strcmp(archive, "directory"))
		return true;
	return error_cause(err, ERROR_UNAVAILABLE,
			   "database.adapter is %s and object_archive.adapter "
			   "is %s: those keep backups of their own "
			   "(point-in-time recovery, versioning); this command "
			   "knows sqlite and directory", database, archive);
}

/* No empty segment, none that begins with a dot, nothing but plain letters. */
static bool is_plain(struct str name)
{
	char before = '/';

	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '_' || c == '-';

		if (!plain && ((c != '/' && c != '.') || before == '/'))
			return false;
		before = c;
	}
	return before != '/';
}

static bool is_part(const struct backup_part *part, struct str name,
		    struct str *ret_rest)
{
	struct str own = str_from(part->name);

	if (!str_starts(name, own))
		return false;
	*ret_rest = (struct str){ name.ptr + own.len, name.len - own.len };
	return part->is_folder ? ret_rest->len > 1 && ret_rest->ptr[0] == '/'
			       : ret_rest->len == 0;
}

bool backup_place(const struct config *config, struct str name,
		  char ret[BACKUP_PATH_BYTES], struct error *err)
{
	struct str rest;

	for (size_t i = 0; is_plain(name) && i < backup_part_count; i++) {
		const char *place = config_text(config, backup_parts[i].key);
		int length;

		if (!is_part(&backup_parts[i], name, &rest))
			continue;
		if (!place[0])
			return error_cause(err, ERROR_BAD_REQUEST,
					   "%.*s is in the backup, and %s is "
					   "not set", STR_ARG(name),
					   backup_parts[i].key);
		length = snprintf(ret, BACKUP_PATH_BYTES, "%s%.*s", place,
				  STR_ARG(rest));
		if (length < BACKUP_PATH_BYTES)
			return true;
	}
	return error_cause(err, ERROR_BAD_REQUEST,
			   "%.*s is no part of a backup", STR_ARG(name));
}

bool backup_fault(const char *path, struct error *err)
{
	return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
			   strerror(errno));
}

bool backup_map(const char *path, struct str *ret, unsigned *ret_mode,
		struct error *err)
{
	int fd CLEANUP(cleanup_fd) = open(path, O_RDONLY | O_NOFOLLOW |
						O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	void *map;

	*ret = (struct str){ NULL, 0 };
	if (fd < 0 || fstat(fd, &st) < 0)
		return backup_fault(path, err);
	if (!S_ISREG(st.st_mode))
		return error_cause(err, ERROR_UNAVAILABLE, "%s: is no file",
				   path);
	*ret_mode = st.st_mode & 0777;
	if (st.st_size == 0)
		return true;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return backup_fault(path, err);
	*ret = (struct str){ map, (size_t)st.st_size };
	return true;
}

void backup_unmap(struct str *bytes)
{
	if (bytes->ptr)
		munmap((void *)(uintptr_t)bytes->ptr, bytes->len);
}

static bool folder_of(const char *path, char ret[BACKUP_PATH_BYTES])
{
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return false;
	snprintf(ret, BACKUP_PATH_BYTES, "%.*s", (int)(slash - path), path);
	return true;
}

static bool owner_above(const char *path, struct stat *ret)
{
	char folder[BACKUP_PATH_BYTES];
	const char *root = path[0] == '/' ? "/" : ".";

	return stat(folder_of(path, folder) ? folder : root, ret) == 0;
}

/* What only the owner may read lies where only the owner may look. */
static bool make_folders_of(const char *path, unsigned file_mode,
			    struct error *err)
{
	char folder[BACKUP_PATH_BYTES];
	struct stat above;

	if (!folder_of(path, folder) || access(folder, F_OK) == 0)
		return true;
	if (!make_folders_of(folder, file_mode, err))
		return false;
	if (mkdir(folder, file_mode & 0070 ? FOLDER_MODE :
					     SECRET_FOLDER_MODE) < 0 ||
	    !owner_above(folder, &above))
		return backup_fault(folder, err);
	if (geteuid() == 0 && chown(folder, above.st_uid, above.st_gid) < 0)
		return backup_fault(folder, err);
	return true;
}

static bool write_new(const char *path, const char *new_path, struct str bytes,
		      unsigned mode)
{
	struct stat old;
	bool was_there = stat(path, &old) == 0;
	int fd CLEANUP(cleanup_fd) = -1;

	if (!was_there && !owner_above(path, &old))
		return false;
	unlink(new_path);	/* of a run that was killed */
	fd = open(new_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd >= 0 &&
	       (geteuid() != 0 ||
		fchown(fd, old.st_uid, old.st_gid) == 0) &&
	       fchmod(fd, was_there ? old.st_mode & 0777 : mode) == 0 &&
	       file_write_all(fd, bytes) && rename(new_path, path) == 0;
}

bool backup_write(const char *path, struct str bytes, unsigned mode,
		  struct error *err)
{
	char new_path[BACKUP_PATH_BYTES + 8];

	if (!make_folders_of(path, mode, err))
		return false;
	snprintf(new_path, sizeof(new_path), "%s.new", path);
	if (write_new(path, new_path, bytes, mode))
		return true;
	backup_fault(path, err);
	unlink(new_path);
	return false;
}

bool backup_sync(const char *path, struct error *err)
{
	int fd CLEANUP(cleanup_fd) = open(path, O_RDONLY | O_CLOEXEC);

	return (fd >= 0 && syncfs(fd) == 0) || backup_fault(path, err);
}
