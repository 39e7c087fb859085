/*
 * test_setup.h: what many tests begin with: a folder of their own, a
 * configuration.
 */
#ifndef TEST_SETUP_H
#define TEST_SETUP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/config.h"

#define TEST_FOLDER_BYTES 64

/* In TMPDIR, unless a socket's path in there would be too long. */
static inline void test_folder_make(char ret[TEST_FOLDER_BYTES],
				    const char *name)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(ret, TEST_FOLDER_BYTES, "%s/%s.XXXXXX",
		 tmp && strlen(tmp) < 40 ? tmp : "/tmp", name);
	assert_non_null(mkdtemp(ret));
}

static inline int test_folder_remove_one(const char *path,
					 const struct stat *status, int kind,
					 struct FTW *where)
{
	(void)status, (void)kind, (void)where;
	return remove(path);
}

/* With all that is in it; 0 when it is gone. */
static inline int test_folder_remove(const char *folder)
{
	return nftw(folder, test_folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

__attribute__((format(printf, 3, 0)))
static inline bool test_config_load(struct config **ret, struct error *err,
				    const char *text, va_list args)
{
	int fd = memfd_create("test.conf", MFD_CLOEXEC);
	char path[40];
	bool ok;

	assert_true(fd >= 0);
	assert_true(vdprintf(fd, text, args) >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	error_init(err);
	ok = config_load(ret, path, err);
	close(fd);
	return ok;
}

/* From its text; as config_load. */
__attribute__((format(printf, 3, 4)))
static inline bool test_config_try(struct config **ret, struct error *err,
				   const char *text, ...)
{
	va_list args;
	bool ok;

	va_start(args, text);
	ok = test_config_load(ret, err, text, args);
	va_end(args);
	return ok;
}

/* From its text; a wrong one fails the test. */
__attribute__((format(printf, 1, 2)))
static inline struct config *test_config(const char *text, ...)
{
	struct config *config = NULL;
	struct error err;
	va_list args;
	bool ok;

	va_start(args, text);
	ok = test_config_load(&config, &err, text, args);
	va_end(args);
	if (!ok)
		fail_msg("%s %s", err.detail, err.cause);
	return config;
}

#endif
