/*
 * file.h: bytes into a file, a file in another one's place, and whether a file
 * is still the one that was read.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/types.h>
#include <time.h>

#include "base/error.h"

/* All of them, where fd stands, however many write(2)s it takes and whatever
 * signal comes between; false: errno says why, and some may be written. */
bool file_write_all(int fd, struct str bytes) MUST_CHECK;

/* The folders above it, where there are none yet; false: errno. */
bool file_make_folders_of(const char *path, unsigned mode) MUST_CHECK;

/* What is done in the folder of `path` is durable; false: errno. */
bool file_sync_folder_of(const char *path) MUST_CHECK;

/*
 * A small file as a whole: a reader sees the old one or the new one, also after
 * a power cut. Owner and mode are those of the file that is there, else
 * `mode`. Two at a time on the same path are not for it.
 */
bool file_replace(const char *path, struct str bytes, unsigned mode,
		  struct error *err) MUST_CHECK;

/* A file that others replace. Zeroed but for its path, it has seen nothing;
 * with a size of -1 even that there is none is news. */
struct file_watch {
	const char *path;
	ino_t inode;		/* all 0: there was none */
	off_t size;
	struct timespec modified;
	int64_t looked_ms;
};
/* Is it another file, or another content, than at the last call? One that is
 * not there is a file too. */
bool file_has_changed(struct file_watch *watch);
/* The same, looked at once a second: between, it has not. */
bool file_has_changed_by(struct file_watch *watch, int64_t now_ms);

#endif
