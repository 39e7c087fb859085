/*
 * counters.c: maps a program's counters, and reads those of all programs.
 */
#include "base/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/banned.h"

#define MAGIC "ordmil1"
#define FOLDER_MODE 0770
#define FILE_MODE 0640
#define PROGRAMS_MAX 64u

static bool fits(int fd, struct counters *ret)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size == sizeof(*ret) &&
	       pread(fd, ret, sizeof(*ret), 0) == sizeof(*ret) &&
	       !memcmp(ret->magic, MAGIC, sizeof(ret->magic));
}

/* A file of another version is replaced, not changed: its program may still
 * have it mapped. Written, not just made longer: a mapped page that the disk
 * has no room for would be a SIGBUS. */
static int make_file(const char *path)
{
	static const struct counters none = { .magic = MAGIC };
	char new_path[PATH_MAX + 16];
	int fd;

	snprintf(new_path, sizeof(new_path), "%s.%d", path, (int)getpid());
	fd = open(new_path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		  FILE_MODE);
	if (fd < 0)
		return -1;
	if (write(fd, &none, sizeof(none)) == sizeof(none) &&
	    rename(new_path, path) == 0)
		return fd;
	unlink(new_path);
	close(fd);
	return -1;
}

static int open_file(const char *folder, const char *path)
{
	struct counters there;
	int fd;

	/* The programs may be different users of one group. */
	if (mkdir(folder, FOLDER_MODE) == 0)
		(void)chmod(folder, FOLDER_MODE);
	fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && fits(fd, &there))
		return fd;
	if (fd >= 0)
		close(fd);
	return make_file(path);
}

struct counters *counters_open(const char *folder, const char *name,
			       struct error *err)
{
	static struct counters nobodys;
	struct counters *map = MAP_FAILED;
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open_file(folder, path);
	/* The descriptor stays open: the lock hangs on it. */
	if (fd >= 0 && flock(fd, LOCK_SH) == 0)
		map = mmap(NULL, sizeof(*map), PROT_READ | PROT_WRITE,
			   MAP_SHARED, fd, 0);
	if (map != MAP_FAILED) {
		counters_add(&map->starts, 1);
		return map;
	}
	error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path, strerror(errno));
	cleanup_fd(&fd);
	return &nobodys;
}

void counters_note(struct counters *counters, int status,
		   enum error_code problem, int64_t duration_us)
{
	static const int64_t bounds_us[COUNTERS_BUCKETS - 1] =
		COUNTERS_BOUNDS_US;
	unsigned class = (unsigned)status / 100, bucket = 0;

	while (bucket < ARRAY_LEN(bounds_us) && duration_us > bounds_us[bucket])
		bucket++;
	if (class < COUNTERS_CLASSES)
		counters_add(&counters->requests[class], 1);
	counters_add(&counters->buckets[bucket], 1);
	if (duration_us > 0)
		counters_add(&counters->duration_us, (uint64_t)duration_us);
	if (problem != ERROR_NONE)
		counters_add(&counters->problems[problem], 1);
}

/* Whoever lives holds a shared lock, with which an exclusive one conflicts. */
static bool is_locked(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	flock(fd, LOCK_UN);
	return false;
}

static bool read_one(int folder, const char *name, struct arena *arena,
		     struct counters_copy *ret)
{
	int fd CLEANUP(cleanup_fd) = openat(
		folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || !fits(fd, &ret->counters))
		return false;
	ret->name = arena_text(arena, str_from(name));
	ret->up = is_locked(fd);
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct counters_copy *left = a, *right = b;

	return strcmp(left->name, right->name);
}

/* A program's name has no dot; a file that is being made has. */
void counters_read(const char *folder, struct arena *arena,
		   struct counters_copy **ret, size_t *ret_count)
{
	CLEANUP(cleanup_dir) DIR *dir = opendir(folder);
	const struct dirent *found;

	*ret = arena_alloc(arena, PROGRAMS_MAX * sizeof(**ret));
	*ret_count = 0;
	while (dir && *ret_count < PROGRAMS_MAX && (found = readdir(dir)))
		if (!strchr(found->d_name, '.'))
			*ret_count += read_one(dirfd(dir), found->d_name, arena,
					       &(*ret)[*ret_count]);
	qsort(*ret, *ret_count, sizeof(**ret), by_name);
}
