/*
 * file_test.c: does a file get all the bytes, at once, and is a change of it
 * seen?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#include "base/file.h"

#include "base/banned.h"

#define MUCH_BYTES (1u * MIB)	/* more than a pipe holds */
#define INTERRUPTIONS 5

static char folder[64], path[96];
static struct error err;

static int open_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/file_test.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/file", folder);
	error_init(&err);
	return 0;
}

static int close_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);	/* fails when a temporary file was left */
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void assert_file_is(const char *text)
{
	char bytes[64] = "";
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	(void)!fread(bytes, 1, sizeof(bytes) - 1, file);
	fclose(file);
	assert_string_equal(bytes, text);
}

static unsigned mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	return st.st_mode & 07777;
}

/* --- all the bytes ------------------------------------------------------- */

static atomic_int interruptions;

static void interrupt(int number)
{
	(void)number;
	atomic_fetch_add(&interruptions, 1);
}

/* Begins to read when the writer, who waits with a full pipe, was interrupted
 * some times: first in the middle of a write(2), then before its first byte. */
static void *read_late(void *arg)
{
	const int *fd = arg;
	struct pollfd ready = { .fd = *fd, .events = POLLIN };
	static char bytes[MUCH_BYTES + 1];
	size_t len = 0;
	ssize_t got;

	poll(&ready, 1, -1);
	atomic_store(&interruptions, 0);
	while (atomic_load(&interruptions) < INTERRUPTIONS)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	while ((got = read(*fd, bytes + len, sizeof(bytes) - len)) > 0)
		len += (size_t)got;
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != (char)(i % 251))
			return NULL;
	return len == MUCH_BYTES ? bytes : NULL;
}

static void all_bytes_arrive_through_short_writes_and_signals(void **state)
{
	const struct sigaction interrupted = { .sa_handler = interrupt };
	struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { 0 };
	static char bytes[MUCH_BYTES];
	struct sigaction before;
	sigset_t alarm;
	pthread_t reader;
	void *read_bytes;
	int ends[2];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i % 251);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	assert_int_equal(sigaction(SIGALRM, &interrupted, &before), 0);
	assert_int_equal(pipe(ends), 0);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);	/* the reader's */
	assert_int_equal(pthread_create(&reader, NULL, read_late, &ends[0]),
			 0);
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	assert_true(file_write_all(ends[1],
				   (struct str){ bytes, sizeof(bytes) }));
	setitimer(ITIMER_REAL, &never, NULL);
	close(ends[1]);
	assert_int_equal(pthread_join(reader, &read_bytes), 0);
	close(ends[0]);
	sigaction(SIGALRM, &before, NULL);
	assert_non_null(read_bytes);
}

static void a_full_disk_is_told(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_false(file_write_all(fd, STR("some")));
	assert_int_equal(errno, ENOSPC);
	close(fd);
	assert_false(file_write_all(-1, STR("some")));
	assert_int_equal(errno, EBADF);
	assert_true(file_write_all(-1, STR("")));	/* nothing to do */
}

/* --- in another one's place ---------------------------------------------- */

static void a_file_is_replaced_as_a_whole(void **state)
{
	(void)state;
	assert_true(file_replace(path, STR("first"), 0640, &err));
	assert_file_is("first");
	assert_int_equal(mode_of(path), 0640);
	assert_true(file_replace(path, STR("2nd"), 0640, &err));
	assert_file_is("2nd");
}

static void the_mode_of_the_file_that_is_there_stays(void **state)
{
	(void)state;
	write_file("old");
	assert_int_equal(chmod(path, 0604), 0);
	assert_true(file_replace(path, STR("new"), 0640, &err));
	assert_int_equal(mode_of(path), 0604);
}

static void what_a_killed_writer_left_is_no_obstacle(void **state)
{
	char left[104];
	FILE *file;

	(void)state;
	snprintf(left, sizeof(left), "%s.new", path);
	file = fopen(left, "we");
	assert_non_null(file);
	fclose(file);
	assert_true(file_replace(path, STR("new"), 0640, &err));
	assert_file_is("new");
}

static void a_file_that_cannot_be_written_leaves_the_old_one(void **state)
{
	char inside[104];

	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(file_replace(path, STR("new"), 0640, &err));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.cause, path));
	assert_int_equal(rmdir(path), 0);

	error_init(&err);
	snprintf(inside, sizeof(inside), "%s/none", path);
	assert_false(file_replace(inside, STR("new"), 0640, &err));
	assert_false(file_sync_folder_of(inside));
	assert_int_equal(errno, ENOENT);
}

static void missing_folders_are_made(void **state)
{
	char outer[80], inner[96], inside[112];

	(void)state;
	snprintf(outer, sizeof(outer), "%s/a", folder);
	snprintf(inner, sizeof(inner), "%s/b", outer);
	snprintf(inside, sizeof(inside), "%s/file", inner);
	assert_true(file_make_folders_of(inside, 0700));
	assert_true(file_make_folders_of(inside, 0750));	/* as they are */
	assert_int_equal(mode_of(inner), 0700);
	assert_int_equal(access(inside, F_OK), -1);
	assert_int_equal(rmdir(inner), 0);
	assert_int_equal(rmdir(outer), 0);

	write_file("no folder");
	snprintf(inside, sizeof(inside), "%s/b/file", path);
	assert_false(file_make_folders_of(inside, 0700));
	assert_int_equal(errno, ENOTDIR);
	assert_true(file_make_folders_of("file", 0700));
}

/* --- still the one that was read? ---------------------------------------- */

static void a_change_is_seen_once(void **state)
{
	struct file_watch watch = { .path = path };

	(void)state;
	assert_false(file_has_changed(&watch));		/* none, as before */
	write_file("one");
	assert_true(file_has_changed(&watch));
	assert_false(file_has_changed(&watch));
	write_file("longer");
	assert_true(file_has_changed(&watch));
	unlink(path);
	assert_true(file_has_changed(&watch));
	assert_false(file_has_changed(&watch));
}

/* Of the same length, and within the clock's grain. */
static void a_file_in_its_place_is_another_one(void **state)
{
	struct file_watch watch = { .path = path };

	(void)state;
	assert_true(file_replace(path, STR("one"), 0640, &err));
	assert_true(file_has_changed(&watch));
	assert_true(file_replace(path, STR("two"), 0640, &err));
	assert_true(file_has_changed(&watch));
}

static void it_is_looked_at_once_a_second(void **state)
{
	struct file_watch watch = { .path = path };
	const int64_t now_ms = 1795536000000;

	(void)state;
	write_file("one");
	assert_true(file_has_changed_by(&watch, now_ms));
	write_file("longer");
	assert_false(file_has_changed_by(&watch, now_ms + 999));
	assert_true(file_has_changed_by(&watch, now_ms + 1000));
	assert_false(file_has_changed_by(&watch, now_ms + 2000));
	write_file("x");
	assert_true(file_has_changed_by(&watch, now_ms - 5000));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_folder, \
						   close_folder)
	const struct CMUnitTest tests[] = {
		TEST(all_bytes_arrive_through_short_writes_and_signals),
		TEST(a_full_disk_is_told),
		TEST(a_file_is_replaced_as_a_whole),
		TEST(the_mode_of_the_file_that_is_there_stays),
		TEST(what_a_killed_writer_left_is_no_obstacle),
		TEST(a_file_that_cannot_be_written_leaves_the_old_one),
		TEST(missing_folders_are_made),
		TEST(a_change_is_seen_once),
		TEST(a_file_in_its_place_is_another_one),
		TEST(it_is_looked_at_once_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
