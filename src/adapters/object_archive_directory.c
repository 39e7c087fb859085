/*
 * object_archive_directory.c: an object is a file, its key the path below
 * object_archive.directory.
 *
 * Every step is relative to an open folder and follows no symbolic link, so
 * nothing leads out. A file is written in .incoming (one place to clean up, and
 * never part of a key), made durable, then linked or renamed to its name.
 */
#include "ports/object_archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "aws/aws_sigv4.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/secret_file.h"

#include "base/banned.h"

#define SEGMENT_MAX_BYTES 201
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* A FIFO or device that somebody put there must not hold us up. */
#define FILE_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
/* The umask decides whether the group may write, too. */
#define FOLDER_MODE 0770
#define FILE_MODE 0640
#define LEFT_OVER_S 3600
#define LIST_BATCH 4096u
#define LINK_MAX_S 604800u

struct directory {
	struct object_archive base;
	const char *path;
	int root;
	int incoming;
	/* The folder of the last put, "a/b/", known to be durable. */
	char durable[SEGMENT_MAX_BYTES];
	const char *site_url;
	struct str host;		/* as a browser sends it */
	struct aws_credentials credentials;
	struct str region;
	char *host_text, *secret_text;
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
static bool take_folder(struct str *rest, char segment[SEGMENT_MAX_BYTES])
{
	const char *slash = memchr(rest->ptr, '/', rest->len);
	size_t len = slash ? (size_t)(slash - rest->ptr) : 0;

	if (!slash || len >= SEGMENT_MAX_BYTES)
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
	folder = openat(parent, name, FOLDER_FLAGS);
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
		       bool to_put, char name[SEGMENT_MAX_BYTES])
{
	struct str path = folder_of(key);
	bool make = to_put && !str_is(path, directory->durable);
	char segment[SEGMENT_MAX_BYTES];
	int folder = openat(directory->root, ".", FOLDER_FLAGS);

	while (folder >= 0 && take_folder(&key, segment)) {
		CLEANUP(cleanup_fd) int parent = folder;

		folder = open_below(parent, segment, make);
	}
	snprintf(name, SEGMENT_MAX_BYTES, "%.*s", STR_ARG(key));
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
	char name[SEGMENT_MAX_BYTES], incoming[2 * 16 + 1];
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

static bool is_absence(int cause)
{
	return cause == ENOENT || cause == ENOTDIR || cause == ELOOP;
}

static bool not_found(const struct directory *directory, struct str key,
		      struct error *err)
{
	if (!is_absence(errno))
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
	char name[SEGMENT_MAX_BYTES];
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
	char name[SEGMENT_MAX_BYTES];
	CLEANUP(cleanup_fd) int folder = -1;

	folder = open_folder(directory, key, false, name);
	if (folder < 0)
		return is_absence(errno) ||
		       fault(directory, key, "open", err);
	if (unlinkat(folder, name, 0))
		return is_absence(errno) ||
		       fault(directory, key, "unlink", err);
	if (sync_fd(folder))
		return fault(directory, key, "fsync of the folder", err);
	return true;
}

/* --- list ---------------------------------------------------------------- */

/* A folder's name has its '/', so that names sort as their keys do. */
struct entry {
	char name[SEGMENT_MAX_BYTES + 1];
};

struct listing {
	struct arena *arena;
	struct str prefix, after;
	struct str *keys;
	size_t count, want;
};

static int compare_entries(const void *a, const void *b)
{
	const struct entry *p = a, *q = b;

	return strcmp(p->name, q->name);
}

static bool is_before_or_at(struct str a, struct str b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.ptr, b.ptr, common) : 0;

	return order ? order < 0 : a.len <= b.len;
}

/* Can this file, or something in this folder, be among the wanted keys? */
static bool is_wanted(const struct listing *listing, struct str key)
{
	bool is_folder = key.ptr[key.len - 1] == '/';

	if (!is_folder)
		return object_key_is_valid(key) &&
		       str_starts(key, listing->prefix) &&
		       !is_before_or_at(key, listing->after);
	return (str_starts(key, listing->prefix) ||
		str_starts(listing->prefix, key)) &&
	       (str_starts(listing->after, key) ||
		!is_before_or_at(key, listing->after));
}

static bool is_kind(int folder, const struct dirent *found, mode_t kind)
{
	struct stat st;

	if (found->d_type != DT_UNKNOWN)
		return found->d_type == (kind == S_IFDIR ? DT_DIR : DT_REG);
	return !fstatat(folder, found->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
	       (st.st_mode & S_IFMT) == kind;
}

static bool take_entry(const struct listing *listing, int folder,
		       struct str path, const struct dirent *found,
		       struct entry *ret)
{
	bool is_folder = is_kind(folder, found, S_IFDIR);
	size_t len = strlen(found->d_name);
	char key[2 * SEGMENT_MAX_BYTES];

	if (found->d_name[0] == '.' || len + 2 > sizeof(ret->name) ||
	    path.len + len + 1 > sizeof(key) ||
	    (!is_folder && !is_kind(folder, found, S_IFREG)))
		return false;
	memcpy(ret->name, found->d_name, len);
	if (is_folder)
		ret->name[len++] = '/';
	ret->name[len] = '\0';
	memcpy(key, path.ptr, path.len);
	memcpy(key + path.len, ret->name, len);
	return is_wanted(listing, (struct str){ key, path.len + len });
}

/*
 * The first `room` wanted entries behind `last`, in order; twice that many at a
 * time in memory, however many the folder has.
 */
static size_t read_batch(const struct listing *listing, int folder,
			 struct str path, const char *last,
			 struct entry *entries, size_t room, DIR *dir)
{
	const struct dirent *found;
	size_t count = 0;

	while ((found = readdir(dir))) {
		if (!take_entry(listing, folder, path, found,
				&entries[count]) ||
		    strcmp(entries[count].name, last) <= 0)
			continue;
		if (++count < 2 * room)
			continue;
		qsort(entries, count, sizeof(*entries), compare_entries);
		count = room;
	}
	qsort(entries, count, sizeof(*entries), compare_entries);
	return count < room ? count : room;
}

static bool list_folder(struct listing *listing, int folder, struct str path,
			struct error *err);

static bool list_entry(struct listing *listing, int folder, struct str path,
		       const char *name, struct error *err)
{
	struct arena *arena = listing->arena;
	struct str key = str_from(arena_printf(arena, "%.*s%s", STR_ARG(path),
					       name));

	if (key.ptr[key.len - 1] != '/') {
		listing->keys[listing->count++] = key;
		return true;
	}
	CLEANUP(cleanup_fd) int below = openat(folder, name, FOLDER_FLAGS);
	if (below < 0)
		return is_absence(errno) ||
		       error_cause(err, ERROR_UNAVAILABLE, "%s: %s", key.ptr,
				   strerror(errno));
	return list_folder(listing, below, key, err);
}

static void cleanup_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool list_once(struct listing *listing, int folder, struct str path,
		      char last[sizeof(struct entry)], bool *ret_more,
		      struct error *err)
{
	size_t left = listing->want - listing->count;
	size_t room = left < LIST_BATCH ? left : LIST_BATCH;
	CLEANUP(cleanup_free) struct entry *entries =
		calloc(2 * room, sizeof(*entries));
	int fd = openat(folder, ".", FOLDER_FLAGS);
	CLEANUP(cleanup_dir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t count;

	if (!entries || !dir)
		return error_cause(err, ERROR_UNAVAILABLE, "%.*s: %s",
				   STR_ARG(path), strerror(errno));
	count = read_batch(listing, folder, path, last, entries, room, dir);
	for (size_t i = 0; i < count && listing->count < listing->want; i++)
		if (!list_entry(listing, folder, path, entries[i].name, err))
			return false;
	*ret_more = count == room;
	if (count > 0)
		memcpy(last, entries[count - 1].name, sizeof(struct entry));
	return true;
}

static bool list_folder(struct listing *listing, int folder, struct str path,
			struct error *err)
{
	char last[sizeof(struct entry)] = "";
	bool more = true;

	/* Again when what came first were folders with too little in them. */
	while (more && listing->count < listing->want)
		if (!list_once(listing, folder, path, last, &more, err))
			return false;
	return true;
}

static bool directory_list(struct object_archive *archive, struct str prefix,
			   struct str after, size_t limit, struct arena *arena,
			   struct object_keys *ret, struct error *err)
{
	struct directory *directory = directory_of(archive);
	struct listing listing = {
		.arena = arena, .prefix = prefix, .after = after,
		.want = limit + 1,
		.keys = arena_alloc(arena, (limit + 1) * sizeof(struct str)),
	};

	if (!list_folder(&listing, directory->root, STR(""), err))
		return false;
	ret->keys = listing.keys;
	ret->has_more = listing.count > limit;
	ret->count = ret->has_more ? limit : listing.count;
	return true;
}

/* --- links --------------------------------------------------------------- */

/* Signed is the path that nginx hands on, whatever a proxy before it strips. */
static bool directory_presign(struct object_archive *archive, struct str key,
			      struct str filename, int64_t now_ms,
			      unsigned valid_s, struct buf *ret_url,
			      int64_t *ret_expires_ms, struct error *err)
{
	struct directory *directory = directory_of(archive);
	struct aws_header host = { STR("host"), directory->host };
	struct buf query;

	buf_init(&query, ret_url->arena, 4 * KIB);
	if (filename.len)
		object_add_disposition(&query, filename);
	struct aws_sign_input in = {
		.credentials = directory->credentials,
		.region = directory->region, .service = STR("s3"),
		.time_ms = now_ms, .method = STR("GET"),
		.path = str_from(arena_printf(ret_url->arena, "/objects/%.*s",
					      STR_ARG(key))),
		.query = buf_str(&query), .headers = &host, .header_count = 1,
		.payload_hash = STR("UNSIGNED-PAYLOAD"),
	};

	if (valid_s == 0 || valid_s > LINK_MAX_S)
		valid_s = LINK_MAX_S;
	buf_printf(ret_url, "%s%.*s?", directory->site_url, STR_ARG(in.path));
	aws_presign(&in, valid_s, ret_url->arena, ret_url);
	if (!buf_ok(ret_url))
		return error_cause(err, ERROR_INTERNAL,
				   "a link's buffer is too small");
	/* The signature counts whole seconds. */
	*ret_expires_ms = (now_ms / 1000 + valid_s) * 1000;
	return true;
}

static struct str lower_case(struct str text, struct arena *arena)
{
	char *low = arena_text(arena, text);

	for (size_t i = 0; i < text.len; i++)
		if (low[i] >= 'A' && low[i] <= 'Z')
			low[i] = (char)(low[i] + 'a' - 'A');
	return (struct str){ low, text.len };
}

static bool directory_verify_link(struct object_archive *archive,
				  struct str path, struct str query,
				  struct str host, int64_t now_ms,
				  struct arena *arena,
				  int64_t *ret_expires_ms, struct error *err)
{
	struct directory *directory = directory_of(archive);

	return aws_verify_presigned(&directory->credentials, directory->region,
				    STR("s3"), STR("GET"), path, query,
				    lower_case(host, arena), now_ms, arena,
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
	if (directory->secret_text)
		explicit_bzero(directory->secret_text,
			       strlen(directory->secret_text));
	free(directory->secret_text);
	free(directory->host_text);
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
	.close = directory_close,
};

static bool make_root(const char *path)
{
	CLEANUP(cleanup_free) char *copy = strdup(path);

	for (char *end = copy; end && (end = strchr(end + 1, '/'));) {
		*end = '\0';
		if (mkdir(copy, FOLDER_MODE) && errno != EEXIST)
			return false;
		*end = '/';
	}
	return !mkdir(path, FOLDER_MODE) || errno == EEXIST;
}

/*
 * What a killed process left. The file system's own clock says what is old: it
 * is read by touching the folder. A process that may not write cleans nothing.
 */
static void remove_left_over(int incoming)
{
	int fd = openat(incoming, ".", FOLDER_FLAGS);
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
	if (!make_root(directory->path) && errno != EACCES && errno != EROFS)
		return fault(directory, STR(""), "mkdir", err);
	directory->root = open(directory->path,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory->root < 0)
		return fault(directory, STR(""), "open", err);
	(void)mkdirat(directory->root, ".incoming", FOLDER_MODE);
	directory->incoming = openat(directory->root, ".incoming",
				     FOLDER_FLAGS);
	if (directory->incoming >= 0)
		remove_left_over(directory->incoming);
	return true;
}

static bool open_credentials(struct directory *directory,
			     const struct config *config, struct error *err)
{
	uint8_t random[32];
	CLEANUP(cleanup_arena) struct arena *arena =
		arena_new("object archive key", 4 * KIB);
	struct buf line;

	random_bytes(random, sizeof(random));
	buf_init(&line, arena, KIB);
	buf_add_base64url(&line, (struct str){ (char *)random,
					       sizeof(random) });
	if (!secret_file_ensure(config_text(config,
					    "object_archive.secret_key_file"),
				buf_str(&line), err) ||
	    !config_secret(config, "object_archive.secret_key_file",
			   &directory->secret_text, err))
		return false;
	directory->credentials = (struct aws_credentials){
		.access_key_id = str_from(config_text(
			config, "object_archive.access_key_id")),
		.secret_access_key = str_from(directory->secret_text),
	};
	directory->region = str_from(config_text(config,
						 "object_archive.region"));
	return true;
}

/* RFC 9110, 4.2.3: the scheme's own port is left out, case does not count. */
static bool take_host(struct directory *directory, struct error *err)
{
	struct str url = str_from(directory->site_url);
	bool https = str_starts(url, STR("https://"));
	struct str port = https ? STR(":443") : STR(":80");
	size_t scheme = https ? 8 : 7;
	struct str rest, host;

	if (!https && !str_starts(url, STR("http://")))
		return error_cause(err, ERROR_INTERNAL,
				   "site.url: is not an http or https URL");
	rest = (struct str){ url.ptr + scheme, url.len - scheme };
	if (!str_next(&rest, '/', &host))
		host = STR("");
	if (host.len > port.len &&
	    !memcmp(host.ptr + host.len - port.len, port.ptr, port.len))
		host.len -= port.len;
	directory->host_text = strndup(host.ptr, host.len);
	if (!directory->host_text)
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	for (char *c = directory->host_text; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 'a' - 'A');
	directory->host = str_from(directory->host_text);
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
	directory->site_url = config_text(config, "site.url");
	directory->root = directory->incoming = -1;
	if (open_folders(directory, err) && take_host(directory, err) &&
	    open_credentials(directory, config, err)) {
		*ret = &directory->base;
		return true;
	}
	directory_close(&directory->base);
	return false;
}
