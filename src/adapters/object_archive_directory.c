/*
 * object_archive_directory.c: an object is a file, its key the path below
 * object_archive.directory.
 *
 * Every step is relative to an open folder and follows no symbolic link, so
 * nothing leads out. A file is written in .incoming (one place to clean up, and
 * never part of a key), made durable, then linked or renamed to its name.
 */
#include "adapters/directory.h"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "base/crypto.h"
#include "base/file.h"

#include "base/banned.h"

/* A FIFO or device that somebody put there must not hold us up. */
#define FILE_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
/* The umask decides whether the group may write, too. */
#define FOLDER_MODE 0770
#define FILE_MODE 0640
#define LEFT_OVER_S 3600

struct directory {
	struct object_archive base;
	const char *path;
	int root;
	int incoming;
	/* The folder of the last put, "a/b/", known to be durable. */
	char durable[DIRECTORY_SEGMENT_BYTES];
	struct directory_links links;
};

static struct directory *directory_of(struct object_archive *archive)
{
	return (struct directory *)archive;
}

static bool fault(const struct directory *directory, struct str key,
		  const char *step, struct error *err)
{
	return error_cause(err, ERROR_UNAVAILABLE, "%s/%.*s: %s: %s",
			   directory->path, STR_ARG(key), step,
			   strerror(errno));
}

/*
 * After EIO the kernel has dropped the pages and says so once only: asking
 * again would "succeed". https://wiki.postgresql.org/wiki/Fsync_Errors
 */
static int sync_fd(int fd)
{
	int result = fsync(fd);

	if (result && errno == EIO) {
		fprintf(stderr, "object_archive: fsync failed, data may be "
			"lost: %s\n", strerror(errno));
		abort();
	}
	return result;
}

/* --- folders ------------------------------------------------------------- */

/* The next segment that ends in '/', terminated. */
static bool take_folder(struct str *rest, char segment[DIRECTORY_SEGMENT_BYTES])
{
	const char *slash = memchr(rest->ptr, '/', rest->len);
	size_t len = slash ? (size_t)(slash - rest->ptr) : 0;

	if (!slash || len >= DIRECTORY_SEGMENT_BYTES)
		return false;
	memcpy(segment, rest->ptr, len);
	segment[len] = '\0';
	rest->ptr += len + 1;
	rest->len -= len + 1;
	return true;
}

static struct str folder_of(struct str key)
{
	while (key.len > 0 && key.ptr[key.len - 1] != '/')
		key.len--;
	return key;
}

static int open_below(int parent, const char *name, bool to_put)
{
	int folder;

	if (to_put && mkdirat(parent, name, FOLDER_MODE) && errno != EEXIST)
		return -1;
	folder = openat(parent, name, DIRECTORY_FOLDER_FLAGS);
	if (folder >= 0 && to_put && sync_fd(parent)) {
		close(folder);
		return -1;
	}
	return folder;
}

/*
 * The folder that the object is in and the object's name there. To put, missing
 * folders are made, and each is made durable in its parent, also one that was
 * there: the process that made it may not have come so far.
 */
static int open_folder(struct directory *directory, struct str key,
		       bool to_put, char name[DIRECTORY_SEGMENT_BYTES])
{
	struct str path = folder_of(key);
	bool make = to_put && !str_is(path, directory->durable);
	char segment[DIRECTORY_SEGMENT_BYTES];
	int folder = openat(directory->root, ".", DIRECTORY_FOLDER_FLAGS);

	while (folder >= 0 && take_folder(&key, segment)) {
		CLEANUP(cleanup_fd) int parent = folder;

		folder = open_below(parent, segment, make);
	}
	snprintf(name, DIRECTORY_SEGMENT_BYTES, "%.*s", STR_ARG(key));
	if (folder >= 0 && make)
		snprintf(directory->durable, sizeof(directory->durable),
			 "%.*s", STR_ARG(path));
	return folder;
}

/* --- put ----------------------------------------------------------------- */

static bool holds(int fd, struct str bytes)
{
	char chunk[32 * KIB];
	struct stat st;
	off_t at = 0;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    (size_t)st.st_size != bytes.len)
		return false;
	while ((size_t)at < bytes.len) {
		ssize_t got = pread(fd, chunk, sizeof(chunk), at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || (size_t)(at + got) > bytes.len ||
		    memcmp(chunk, bytes.ptr + at, (size_t)got))
			return false;
		at += got;
	}
	return true;
}

static int write_incoming(const struct directory *directory, struct str bytes,
			  char name[2 * 16 + 1])
{
	uint8_t random[16];
	int fd, cause;

	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), name);
	fd = openat(directory->incoming, name,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    FILE_MODE);
	if (fd < 0 || (file_write_all(fd, bytes) && !sync_fd(fd)))
		return fd;
	cause = errno;
	close(fd);
	unlinkat(directory->incoming, name, 0);
	errno = cause;
	return -1;
}

/* The name was taken: ours, if it holds the same. Whoever wrote it may have
 * stopped before it was durable. */
static bool accept_existing(const struct directory *directory, struct str key,
			    int folder, const char *name, struct str bytes,
			    struct error *err)
{
	CLEANUP(cleanup_fd) int fd = openat(folder, name, FILE_FLAGS);

	if (fd < 0)
		return fault(directory, key, "open", err);
	if (!holds(fd, bytes))
		return error_set(err, ERROR_CONFLICT,
				 "The object exists with other bytes.");
	if (sync_fd(fd))
		return fault(directory, key, "fsync", err);
	return true;
}

static bool publish(const struct directory *directory, struct str key,
		    const char *incoming, int folder, const char *name,
		    enum object_put_mode mode, struct str bytes,
		    struct error *err)
{
	int from = directory->incoming;
	bool ok;

	if (mode == OBJECT_REPLACE) {
		ok = !renameat(from, incoming, folder, name) ||
		     fault(directory, key, "rename", err);
	} else {
		ok = !linkat(from, incoming, folder, name, 0) ||
		     (errno == EEXIST
			      ? accept_existing(directory, key, folder, name,
						bytes, err)
			      : fault(directory, key, "link", err));
	}
	if (ok && sync_fd(folder))
		ok = fault(directory, key, "fsync of the folder", err);
	if (!ok || mode == OBJECT_CREATE)
		unlinkat(from, incoming, 0);
	return ok;
}

/* The type is not stored: who serves the object tells it by the key's end. */
static bool directory_put(struct object_archive *archive, struct str key,
			  struct str bytes, struct str content_type,
			  enum object_put_mode mode, struct error *err)
{
	struct directory *directory = directory_of(archive);
	char name[DIRECTORY_SEGMENT_BYTES], incoming[2 * 16 + 1];
	CLEANUP(cleanup_fd) int folder = -1;
	CLEANUP(cleanup_fd) int fd = -1;

	(void)content_type;
	folder = open_folder(directory, key, true, name);
	if (folder < 0)
		return fault(directory, key, "its folder", err);
	fd = write_incoming(directory, bytes, incoming);
	if (fd < 0)
		return fault(directory, key, "write", err);
	if (!publish(directory, key, incoming, folder, name, mode, bytes, err))
		return false;
	if (!holds(fd, bytes))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "%s/%.*s: reads back other bytes than were "
				   "written", directory->path, STR_ARG(key));
	return true;
}

/* --- get, remove --------------------------------------------------------- */

static bool not_found(const struct directory *directory, struct str key,
		      struct error *err)
{
	if (!directory_is_absence(errno))
		return fault(directory, key, "open", err);
	return error_set(err, ERROR_NOT_FOUND, "There is no such object.");
}

static bool read_all(int fd, char *to, size_t bytes)
{
	while (bytes > 0) {
		ssize_t got = read(fd, to, bytes);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		to += got;
		bytes -= (size_t)got;
	}
	return true;
}

/* One call for the whole path; a link on the way is ELOOP. */
static int open_step_by_step(struct directory *directory, struct str key)
{
	char name[DIRECTORY_SEGMENT_BYTES];
	CLEANUP(cleanup_fd) int folder = open_folder(directory, key, false,
						     name);

	return folder < 0 ? -1 : openat(folder, name, FILE_FLAGS);
}

static int open_object(struct directory *directory, struct str key)
{
	struct open_how how = {
		.flags = FILE_FLAGS,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	char path[OBJECT_KEY_MAX_BYTES + 1];
	int fd;

	snprintf(path, sizeof(path), "%.*s", STR_ARG(key));
	fd = (int)syscall(SYS_openat2, directory->root, path, &how,
			  sizeof(how));
	/* systemd's RestrictSUIDSGID= takes the call away: it cannot look into
	 * its argument. */
	return fd < 0 && errno == ENOSYS ? open_step_by_step(directory, key) :
					   fd;
}

static bool directory_get(struct object_archive *archive, struct str key,
			  size_t max_bytes, struct arena *arena,
			  struct str *ret, struct error *err)
{
	struct directory *directory = directory_of(archive);
	CLEANUP(cleanup_fd) int fd = -1;
	struct stat st;
	char *to;

	fd = open_object(directory, key);
	if (fd < 0)
		return not_found(directory, key, err);
	if (fstat(fd, &st))
		return fault(directory, key, "fstat", err);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_NOT_FOUND,
				 "There is no such object.");
	if ((uint64_t)st.st_size > max_bytes)
		return error_cause(err, ERROR_INTERNAL,
				   "%s/%.*s: has more than %zu bytes",
				   directory->path, STR_ARG(key), max_bytes);
	to = arena_alloc(arena, (size_t)st.st_size + 1);
	to[st.st_size] = '\0';
	errno = 0;
	if (!read_all(fd, to, (size_t)st.st_size))
		return fault(directory, key, "read", err);
	*ret = (struct str){ to, (size_t)st.st_size };
	return true;
}

static bool directory_get_many(struct object_archive *archive,
			       const struct str *keys, size_t count,
			       size_t max_bytes, struct arena *arena,
			       struct object_read *ret, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct error failure;

		error_init(&failure);
		ret[i] = (struct object_read){ .code = ERROR_NONE };
		if (directory_get(archive, keys[i], max_bytes, arena,
				  &ret[i].bytes, &failure))
			continue;
		if (failure.code == ERROR_UNAVAILABLE)
			return error_cause(err, failure.code, "%s",
					   failure.cause);
		ret[i].code = failure.code;
	}
	return true;
}

static bool directory_remove(struct object_archive *archive, struct str key,
			     struct error *err)
{
	struct directory *directory = directory_of(archive);
	char name[DIRECTORY_SEGMENT_BYTES];
	CLEANUP(cleanup_fd) int folder = -1;

	folder = open_folder(directory, key, false, name);
	if (folder < 0)
		return directory_is_absence(errno) ||
		       fault(directory, key, "open", err);
	if (unlinkat(folder, name, 0))
		return directory_is_absence(errno) ||
		       fault(directory, key, "unlink", err);
	if (sync_fd(folder))
		return fault(directory, key, "fsync of the folder", err);
	return true;
}

static bool directory_list(struct object_archive *archive, struct str prefix,
			   struct str after, size_t limit, struct arena *arena,
			   struct object_keys *ret, struct error *err)
{
	return directory_keys(directory_of(archive)->root, prefix, after, limit,
			      arena, ret, err);
}

static bool directory_presign(struct object_archive *archive, struct str key,
			      struct str filename, int64_t now_ms,
			      unsigned valid_s, struct buf *ret_url,
			      int64_t *ret_expires_ms, struct error *err)
{
	return directory_links_sign(&directory_of(archive)->links, key,
				    filename, now_ms, valid_s, ret_url,
				    ret_expires_ms, err);
}

static bool directory_verify_link(struct object_archive *archive,
				  struct str path, struct str query,
				  struct str host, int64_t now_ms,
				  struct arena *arena,
				  int64_t *ret_expires_ms, struct error *err)
{
	return directory_links_verify(&directory_of(archive)->links, path,
				      query, host, now_ms, arena,
				      ret_expires_ms, err);
}

/* --- check, open, close -------------------------------------------------- */

static bool directory_check(struct object_archive *archive, struct error *err)
{
	struct directory *directory = directory_of(archive);
	struct stat st;
	struct statvfs fs;

	if (fstat(directory->root, &st) ||
	    fstatvfs(directory->root, &fs) ||
	    faccessat(directory->root, ".", R_OK | W_OK | X_OK, AT_EACCESS))
		return fault(directory, STR(""), "check", err);
	if (st.st_nlink == 0)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "%s: was removed", directory->path);
	if (fs.f_bavail == 0)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: disk is full",
				   directory->path);
	return true;
}

static const char *directory_lacks(struct object_archive *archive,
				   struct arena *arena)
{
	(void)archive, (void)arena;
	return NULL;
}

/* Opening has made the folder already. */
static bool directory_create(struct object_archive *archive,
			     struct setup *setup, struct error *err)
{
	struct directory *directory = directory_of(archive);

	if (!directory_check(archive, err))
		return false;
	setup->say(SETUP_KEPT, "object archive", directory->path);
	return true;
}

static void directory_close(struct object_archive *archive)
{
	struct directory *directory = directory_of(archive);

	cleanup_fd(&directory->root);
	cleanup_fd(&directory->incoming);
	directory_links_close(&directory->links);
	free(directory);
}

static const struct object_archive_ops directory_ops = {
	.name = "directory",
	.put = directory_put,
	.get = directory_get,
	.get_many = directory_get_many,
	.list = directory_list,
	.remove = directory_remove,
	.presign = directory_presign,
	.verify_link = directory_verify_link,
	.create = directory_create,
	.check = directory_check,
	.lacks = directory_lacks,
	.close = directory_close,
};

/*
 * What a killed process left. The file system's own clock says what is old: it
 * is read by touching the folder. A process that may not write cleans nothing.
 */
static void remove_left_over(int incoming)
{
	int fd = openat(incoming, ".", DIRECTORY_FOLDER_FLAGS);
	CLEANUP(cleanup_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *found;
	struct stat now, st;

	if (!dir || futimens(incoming, NULL) || fstat(incoming, &now))
		return;
	while ((found = readdir(dir)))
		if (!fstatat(incoming, found->d_name, &st,
			     AT_SYMLINK_NOFOLLOW) &&
		    !S_ISDIR(st.st_mode) &&
		    now.st_mtime - st.st_mtime > LEFT_OVER_S)
			unlinkat(incoming, found->d_name, 0);
}

/* A process that only makes links may not be allowed to make folders. */
static bool open_folders(struct directory *directory, struct error *err)
{
	if ((!file_make_folders_of(directory->path, FOLDER_MODE) ||
	     (mkdir(directory->path, FOLDER_MODE) && errno != EEXIST)) &&
	    errno != EACCES && errno != EROFS)
		return fault(directory, STR(""), "mkdir", err);
	directory->root = open(directory->path,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory->root < 0)
		return fault(directory, STR(""), "open", err);
	(void)mkdirat(directory->root, ".incoming", FOLDER_MODE);
	directory->incoming = openat(directory->root, ".incoming",
				     DIRECTORY_FOLDER_FLAGS);
	if (directory->incoming >= 0)
		remove_left_over(directory->incoming);
	return true;
}

bool object_archive_directory_open(struct object_archive **ret,
				   const struct config *config,
				   struct error *err)
{
	struct directory *directory = calloc(1, sizeof(*directory));

	if (!directory)
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	directory->base.ops = &directory_ops;
	directory->path = config_text(config, "object_archive.directory");
	directory->root = directory->incoming = -1;
	if (open_folders(directory, err) &&
	    directory_links_open(&directory->links, config, err)) {
		*ret = &directory->base;
		return true;
	}
	directory_close(&directory->base);
	return false;
}
