/*
 * counters_test.c: is what several processes count added up, kept over a
 * restart, and seen by a reader, whatever lies in the folder?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/counters.h"

#include "base/banned.h"

static char folder[64], path[96];
static struct arena *arena;
static struct counters_copy *list;
static size_t count;

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/counters.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/metrics", folder);
	arena = arena_new("counters_test", MIB);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	arena_free(arena);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct counters *open_one(const char *name)
{
	struct counters *counters;
	struct error err;

	error_init(&err);
	counters = counters_open(path, name, &err);
	if (error_is_set(&err))
		fail_msg("%s", err.cause);
	return counters;
}

/* In a process of its own, which is gone when this returns. */
static void in_a_child(void (*work)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		work();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static const struct counters_copy *read_one(const char *name)
{
	counters_read(path, arena, &list, &count);
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list[i].name, name))
			return &list[i];
	return NULL;
}

static void put_file(const char *name, const char *bytes, size_t length)
{
	char file[160];
	int fd;

	snprintf(file, sizeof(file), "%s/%s", path, name);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	close(fd);
}

static void a_request_is_counted_by_class_duration_and_problem(void **state)
{
	struct counters *counters = open_one("a");

	(void)state;
	counters_note(counters, 200, ERROR_NONE, 100);
	counters_note(counters, 201, ERROR_NONE, 101);
	counters_note(counters, 404, ERROR_NOT_FOUND, 5000001);
	counters_note(counters, 999, ERROR_NONE, -5);
	assert_int_equal(counters->requests[2], 2);
	assert_int_equal(counters->requests[4], 1);
	assert_int_equal(counters->buckets[0], 2);
	assert_int_equal(counters->buckets[1], 1);
	assert_int_equal(counters->buckets[COUNTERS_BUCKETS - 1], 1);
	assert_int_equal(counters->duration_us, 5000202);
	assert_int_equal(counters->problems[ERROR_NOT_FOUND], 1);
	assert_int_equal(counters->problems[ERROR_NONE], 0);
}

static void count_in_four_processes(void)
{
	struct counters *counters = open_one("shared");

	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			for (int n = 0; n < 10000; n++)
				counters_note(counters, 200, ERROR_NONE, 1);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
}

static void processes_count_together_and_restarts_go_on(void **state)
{
	const struct counters_copy *copy;

	(void)state;
	in_a_child(count_in_four_processes);
	in_a_child(count_in_four_processes);
	copy = read_one("shared");
	assert_non_null(copy);
	assert_int_equal(copy->counters.requests[2], 80000);
	assert_int_equal(copy->counters.starts, 2);
}

static void open_and_end(void)
{
	counters_set(&open_one("gone")->workers, 3);
}

static void the_lock_says_who_lives(void **state)
{
	(void)state;
	in_a_child(open_and_end);
	open_one("here");
	assert_false(read_one("gone")->up);
	assert_true(read_one("here")->up);
	/* looking did not take it away */
	assert_true(read_one("here")->up);
}

static void what_is_no_counters_file_is_left_out(void **state)
{
	static const struct counters other = { .magic = "ordmil0" };
	char sub[160];

	(void)state;
	open_one("good");
	put_file("short", "ordmil1", 8);
	put_file("other", (const char *)&other, sizeof(other));
	put_file("good.4711", (const char *)&other, sizeof(other));
	snprintf(sub, sizeof(sub), "%s/folder", path);
	assert_int_equal(mkdir(sub, 0700), 0);
	snprintf(sub, sizeof(sub), "%s/fifo", path);
	assert_int_equal(mkfifo(sub, 0600), 0);
	snprintf(sub, sizeof(sub), "%s/link", path);
	assert_int_equal(symlink("good", sub), 0);
	counters_read(path, arena, &list, &count);
	assert_int_equal(count, 1);
	assert_string_equal(list[0].name, "good");
}

static void a_file_of_another_version_is_replaced_not_changed(void **state)
{
	static const struct counters other = { .magic = "ordmil0",
					       .starts = 7 };
	struct counters seen;
	char file[160];
	int fd;

	(void)state;
	open_one("x");
	put_file("a", (const char *)&other, sizeof(other));
	snprintf(file, sizeof(file), "%s/a", path);
	fd = open(file, O_RDONLY);
	open_one("a");
	assert_int_equal(pread(fd, &seen, sizeof(seen), 0), sizeof(seen));
	assert_string_equal(seen.magic, other.magic);
	assert_int_equal(seen.starts, 7);
	close(fd);
	assert_int_equal(read_one("a")->counters.starts, 1);
}

static void without_a_place_it_counts_for_itself(void **state)
{
	struct counters *counters;
	struct error err;

	(void)state;
	error_init(&err);
	counters = counters_open("/nonexistent/metrics", "a", &err);
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.cause, "/nonexistent/metrics/a"));
	counters_note(counters, 200, ERROR_NONE, 1);
	assert_int_equal(counters->requests[2], 1);
	counters_read("/nonexistent/metrics", arena, &list, &count);
	assert_int_equal(count, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_request_is_counted_by_class_duration_and_problem),
		TEST(processes_count_together_and_restarts_go_on),
		TEST(the_lock_says_who_lives),
		TEST(what_is_no_counters_file_is_left_out),
		TEST(a_file_of_another_version_is_replaced_not_changed),
		TEST(without_a_place_it_counts_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
