/*
 * file.c: what write(2), rename(2) and stat(2) leave to their callers.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/banned.h"

#define LOOK_EVERY_MS 1000

bool file_write_all(int fd, struct str bytes)
{
	while (bytes.len) {
		ssize_t written = write(fd, bytes.ptr, bytes.len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		bytes.ptr += written;
		bytes.len -= (size_t)written;
	}
	return true;
}

bool file_make_folders_of(const char *path, unsigned mode)
{
	char part[PATH_MAX];

	for (const char *slash = path; (slash = strchr(slash + 1, '/'));) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return false;
	}
	return true;
}

bool file_sync_folder_of(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd CLEANUP(cleanup_fd) = -1;

	snprintf(folder, sizeof(folder), "%.*s",
		 slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && fsync(fd) == 0;
}

static bool write_new(const char *path, const char *new_path, struct str bytes,
		      mode_t mode)
{
	struct stat st;
	int fd CLEANUP(cleanup_fd) = -1;

	unlink(new_path);	/* of a writer that was killed */
	fd = open(new_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	if (stat(path, &st) == 0) {
		mode = st.st_mode & 07777;
		if ((st.st_uid != geteuid() || st.st_gid != getegid()) &&
		    fchown(fd, st.st_uid, st.st_gid) < 0)
			return false;
	}
	return fchmod(fd, mode) == 0 && file_write_all(fd, bytes) &&
	       fsync(fd) == 0 && rename(new_path, path) == 0;
}

bool file_replace(const char *path, struct str bytes, unsigned mode,
		  struct error *err)
{
	char new_path[PATH_MAX];

	snprintf(new_path, sizeof(new_path), "%s.new", path);
	if (write_new(path, new_path, bytes, mode) && file_sync_folder_of(path))
		return true;
	error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path, strerror(errno));
	unlink(new_path);
	return false;
}

bool file_has_changed(struct file_watch *watch)
{
	struct stat now;

	if (stat(watch->path, &now) < 0)
		now = (struct stat){ 0 };
	if (now.st_ino == watch->inode && now.st_size == watch->size &&
	    now.st_mtim.tv_sec == watch->modified.tv_sec &&
	    now.st_mtim.tv_nsec == watch->modified.tv_nsec)
		return false;
	watch->inode = now.st_ino;
	watch->size = now.st_size;
	watch->modified = now.st_mtim;
	return true;
}

bool file_has_changed_by(struct file_watch *watch, int64_t now_ms)
{
	/* a clock that went back is no reason to wait */
	if (now_ms >= watch->looked_ms &&
	    now_ms - watch->looked_ms < LOOK_EVERY_MS)
		return false;
	watch->looked_ms = now_ms;
	return file_has_changed(watch);
}
