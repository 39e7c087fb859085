/*
 * directory_list.c: keys in byte order, with as much memory as is asked for,
 * however many objects there are.
 */
#include "adapters/directory.h"

#include <sys/stat.h>

#include "base/banned.h"

#define LIST_BATCH 4096u

/* A folder's name has its '/', so that names sort as their keys do. */
struct entry {
	char name[DIRECTORY_SEGMENT_BYTES + 1];
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
	char key[2 * DIRECTORY_SEGMENT_BYTES];

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
	CLEANUP(cleanup_fd) int below = openat(folder, name,
					       DIRECTORY_FOLDER_FLAGS);
	if (below < 0)
		return directory_is_absence(errno) ||
		       error_cause(err, ERROR_UNAVAILABLE, "%s: %s", key.ptr,
				   strerror(errno));
	return list_folder(listing, below, key, err);
}

static bool list_once(struct listing *listing, int folder, struct str path,
		      char last[sizeof(struct entry)], bool *ret_more,
		      struct error *err)
{
	size_t left = listing->want - listing->count;
	size_t room = left < LIST_BATCH ? left : LIST_BATCH;
	CLEANUP(cleanup_free) struct entry *entries =
		calloc(2 * room, sizeof(*entries));
	int fd = openat(folder, ".", DIRECTORY_FOLDER_FLAGS);
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

bool directory_keys(int root, struct str prefix, struct str after, size_t limit,
		    struct arena *arena, struct object_keys *ret,
		    struct error *err)
{
	struct listing listing = {
		.arena = arena, .prefix = prefix, .after = after,
		.want = limit + 1,
		.keys = arena_alloc(arena, (limit + 1) * sizeof(struct str)),
	};

	if (!list_folder(&listing, root, STR(""), err))
		return false;
	ret->keys = listing.keys;
	ret->has_more = listing.count > limit;
	ret->count = ret->has_more ? limit : listing.count;
	return true;
}
