/*
 * sqlite_power_test.c: does what was acknowledged survive a power cut?
 *
 * kill -9 cannot tell: what a process wrote stays in the page cache. So here a
 * VFS remembers what each write replaced, until the file is synced; a power cut
 * takes back some or all of what was not, at any write or sync, of commits and
 * of checkpoints alike.
 */
#include "../contract/engine.h"

#include <fcntl.h>

#include "adapters/sqlite.h"

#include "base/banned.h"

#define CUTS 150
#define BATCH 4
#define MAX_PENDING 20000

struct shim_file {
	sqlite3_file base;
	char path[256];
	sqlite3_file *real;
};

/* A write or truncation that no sync has made safe. */
struct pending {
	char path[256];
	sqlite3_int64 offset, size_before;
	int bytes;
	char *before;
};

static sqlite3_vfs *disk;
static struct pending pending[MAX_PENDING];
static size_t pending_count;
static int calls_left;	/* until the power fails; < 0: it does not */
static bool is_off;

static sqlite3_file *real_of(sqlite3_file *file)
{
	return ((struct shim_file *)file)->real;
}

static bool power_fails(void)
{
	if (calls_left >= 0 && calls_left-- == 0)
		is_off = true;
	return is_off;
}

static void remember(struct shim_file *file, sqlite3_int64 offset,
		     sqlite3_int64 bytes)
{
	struct pending *one = &pending[pending_count++];

	assert_true(pending_count < MAX_PENDING);
	snprintf(one->path, sizeof(one->path), "%s", file->path);
	file->real->pMethods->xFileSize(file->real, &one->size_before);
	if (offset >= one->size_before)
		bytes = 0;
	else if (offset + bytes > one->size_before)
		bytes = one->size_before - offset;
	one->offset = offset;
	one->bytes = (int)bytes;
	one->before = malloc((size_t)bytes + 1);
	if (bytes)
		file->real->pMethods->xRead(file->real, one->before, one->bytes,
					    offset);
}

static int shim_write(sqlite3_file *file, const void *data, int bytes,
		      sqlite3_int64 offset)
{
	if (power_fails())
		return SQLITE_IOERR;
	remember((struct shim_file *)file, offset, bytes);
	return real_of(file)->pMethods->xWrite(real_of(file), data, bytes,
					       offset);
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	if (power_fails())
		return SQLITE_IOERR;
	remember((struct shim_file *)file, size, INT32_MAX / 2);
	return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static void forget(const char *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < pending_count; i++) {
		if (path && strcmp(pending[i].path, path))
			pending[kept++] = pending[i];
		else
			free(pending[i].before);
	}
	pending_count = kept;
}

static int shim_sync(sqlite3_file *file, int flags)
{
	(void)flags;
	if (power_fails())
		return SQLITE_IOERR;
	forget(((struct shim_file *)file)->path);
	return SQLITE_OK;
}

/* The rest is the disk's. */
static int shim_close(sqlite3_file *file)
{
	int code = real_of(file)->pMethods->xClose(real_of(file));

	free(real_of(file));
	return code;
}

static int shim_read(sqlite3_file *file, void *to, int bytes,
		     sqlite3_int64 offset)
{
	return real_of(file)->pMethods->xRead(real_of(file), to, bytes, offset);
}

static int shim_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), ret);
}

static int shim_lock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int shim_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int shim_is_reserved(sqlite3_file *file, int *ret)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret);
}

static int shim_control(sqlite3_file *file, int what, void *arg)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), what, arg);
}

static int shim_sector(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int shim_traits(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int shim_shm_map(sqlite3_file *file, int page, int bytes, int extend,
			void volatile **ret)
{
	return real_of(file)->pMethods->xShmMap(real_of(file), page, bytes,
						extend, ret);
}

static int shim_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
	return real_of(file)->pMethods->xShmLock(real_of(file), offset, count,
						 flags);
}

static void shim_shm_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int shim_shm_unmap(sqlite3_file *file, int remove_it)
{
	return real_of(file)->pMethods->xShmUnmap(real_of(file), remove_it);
}

static const sqlite3_io_methods shim_methods = {
	.iVersion = 2, .xClose = shim_close, .xRead = shim_read,
	.xWrite = shim_write, .xTruncate = shim_truncate, .xSync = shim_sync,
	.xFileSize = shim_size, .xLock = shim_lock, .xUnlock = shim_unlock,
	.xCheckReservedLock = shim_is_reserved, .xFileControl = shim_control,
	.xSectorSize = shim_sector, .xDeviceCharacteristics = shim_traits,
	.xShmMap = shim_shm_map, .xShmLock = shim_shm_lock,
	.xShmBarrier = shim_shm_barrier, .xShmUnmap = shim_shm_unmap,
};

static int shim_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file,
		     int flags, int *ret_flags)
{
	struct shim_file *shim = (struct shim_file *)file;
	int code;

	(void)vfs;
	memset(shim, 0, sizeof(*shim));
	shim->real = calloc(1, (size_t)disk->szOsFile);
	code = disk->xOpen(disk, path, shim->real, flags, ret_flags);
	if (code != SQLITE_OK) {
		free(shim->real);
		return code;
	}
	snprintf(shim->path, sizeof(shim->path), "%s", path ? path : "");
	shim->base.pMethods = &shim_methods;
	return SQLITE_OK;
}

/* Undoes the last unsynced writes first: all, or those that chance says. */
static void cut_power(bool all)
{
	for (size_t i = pending_count; i-- > 0;) {
		const struct pending *one = &pending[i];
		int fd;

		if (!all && random() % 2)
			continue;
		fd = open(one->path, O_WRONLY);
		assert_true(fd >= 0);
		if (one->bytes)
			assert_int_equal(pwrite(fd, one->before,
						(size_t)one->bytes,
						one->offset), one->bytes);
		/* what was appended may be there as zeros */
		if (all)
			assert_int_equal(ftruncate(fd, one->size_before), 0);
		close(fd);
	}
	forget(NULL);
}

static bool write_batch(struct desk *desk, char ids[BATCH][ORDER_ID_BYTES])
{
	bool ok;

	error_init(&desk->err);
	ok = database_begin(desk->database, &desk->err);
	for (int i = 0; ok && i < BATCH; i++) {
		struct order order = some_order("red shoes", NOW);

		memcpy(ids[i], order.id, ORDER_ID_BYTES);
		ok = order_store_create(desk->orders, &order, NULL, desk->arena,
					&desk->err);
	}
	return database_commit(desk->database, &desk->err) && ok;
}

/* Works until the power fails; the number of acknowledged orders grows. */
static void work(struct desk *desk, char (*acknowledged)[ORDER_ID_BYTES],
		 size_t *count)
{
	int64_t now_ms = NOW;

	while (!is_off) {
		if (write_batch(desk, acknowledged + *count))
			*count += BATCH;
		else
			database_rollback(desk->database);
		/* a second of quiet: a checkpoint */
		for (int i = 0; i < 3 && random() % 2; i++) {
			error_init(&desk->err);
			if (!database_maintain(desk->database, now_ms,
					       &desk->err))
				assert_int_equal(desk->err.code,
						 ERROR_UNAVAILABLE);
			now_ms += 1100;
		}
		arena_reset(desk->arena);
	}
}

static int64_t read_int(struct desk *desk, const char *sql)
{
	int64_t value;

	assert_ok(desk, sqlite_read_int(sqlite_of(desk->database), sql, &value,
					&desk->err));
	return value;
}

static void check(struct desk *desk, char (*acknowledged)[ORDER_ID_BYTES],
		  size_t count)
{
	struct stored_order stored;

	for (size_t i = 0; i < count; i++)
		assert_ok(desk, order_store_get(desk->orders, acknowledged[i],
						desk->arena, &stored,
						&desk->err));
	assert_int_equal(read_int(desk, "SELECT integrity_check = 'ok'"
					" FROM pragma_integrity_check"), 1);
	assert_int_equal(read_int(desk, "SELECT count(*) FROM search"
					" WHERE search MATCH 'shoes'"),
			 read_int(desk, "SELECT count(*) FROM orders"));
	arena_reset(desk->arena);
}

static void nothing_acknowledged_is_lost_by_a_power_cut(void **state)
{
	static char acknowledged[100000][ORDER_ID_BYTES];
	struct desk *desk = *state;
	size_t count = 0;

	srandom(5);
	forget(NULL);
	for (int i = 0; i < CUTS; i++) {
		is_off = false;
		calls_left = (int)(random() % 300);
		work(desk, acknowledged, &count);
		desk_close(desk);
		cut_power(i % 3 == 0);
		is_off = false;
		calls_left = -1;
		desk_open(desk, false);
		check(desk, acknowledged, count);
	}
	assert_true(count > CUTS);
}

int main(void)
{
	static sqlite3_vfs shim;
	const struct CMUnitTest tests[] = {
		desk_test(nothing_acknowledged_is_lost_by_a_power_cut),
	};

	calls_left = -1;
	disk = sqlite3_vfs_find(NULL);
	shim = *disk;
	shim.zName = "power";
	shim.szOsFile = sizeof(struct shim_file);
	shim.xOpen = shim_open;
	sqlite3_vfs_register(&shim, 1);
	return run_on_every_engine(tests, ARRAY_LEN(tests));
}
