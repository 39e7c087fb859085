/*
 * secret_file.c: written under another name, then linked to its own.
 */
#include "base/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"

#include "base/banned.h"

static bool path_fault(const char *path, struct error *err)
{
	return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
			   strerror(errno));
}

static bool write_line(int fd, struct str line)
{
	return file_write_all(fd, line) && file_write_all(fd, STR("\n")) &&
	       !fsync(fd);
}

bool secret_file_ensure(const char *path, struct str line, struct error *err)
{
	char temporary[PATH_MAX];
	CLEANUP(cleanup_fd) int fd = -1;
	bool ok;

	if (!access(path, F_OK))
		return true;
	if (!file_make_folders_of(path, 0700))
		return path_fault(path, err);
	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >=
	    (int)sizeof(temporary))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "%s: the path is too long", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return path_fault(temporary, err);
	ok = write_line(fd, line) &&
	     (!link(temporary, path) || errno == EEXIST);
	if (!ok)
		path_fault(path, err);
	unlink(temporary);
	return ok && (file_sync_folder_of(path) || path_fault(path, err));
}
