/*
 * object_archive_directory_test.c: what the directory adapter promises beyond
 * the contract: nothing leads out of its folder, trouble with the disk is
 * ERROR_UNAVAILABLE and leaves nothing, and its links are its own.
 */
#include "../contract/archives.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/banned.h"

static const char *path_of(struct place *place, const char *below)
{
	return arena_printf(place->arena, "%s/objects/%s", place->folder,
			    below);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static unsigned count_incoming(struct place *place)
{
	DIR *dir = opendir(path_of(place, ".incoming"));
	unsigned count = 0;

	assert_non_null(dir);
	for (const struct dirent *found; (found = readdir(dir));)
		count += found->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* --- nothing leads out --------------------------------------------------- */

static void a_link_to_a_folder_is_not_followed(void **state)
{
	struct place *place = *state;
	struct str bytes;

	assert_int_equal(mkdir(arena_printf(place->arena, "%s/outside",
					    place->folder), 0755), 0);
	write_file(arena_printf(place->arena, "%s/outside/secret",
				place->folder), "secret");
	assert_int_equal(symlink("../outside", path_of(place, "images")), 0);
	assert_refused(place, ERROR_NOT_FOUND,
		       get(place, "images/secret", &bytes));
	assert_refused(place, ERROR_UNAVAILABLE,
		       put(place, "images/new", "x", OBJECT_CREATE));
	assert_refused(place, ERROR_UNAVAILABLE,
		       put(place, "images/new", "x", OBJECT_REPLACE));
	assert_ok(place, object_archive_remove(place->archive,
					       STR("images/secret"),
					       &place->err));
	assert_int_equal(access(arena_printf(place->arena,
					     "%s/outside/secret",
					     place->folder), F_OK), 0);
	assert_string_equal(list(place, "", "", 9), "");
}

static void a_link_to_a_file_is_not_followed(void **state)
{
	struct place *place = *state;
	struct str bytes;

	write_file(arena_printf(place->arena, "%s/secret", place->folder),
		   "secret");
	assert_int_equal(symlink("../secret", path_of(place, "k")), 0);
	assert_refused(place, ERROR_NOT_FOUND, get(place, "k", &bytes));
	assert_refused(place, ERROR_UNAVAILABLE,
		       put(place, "k", "secret", OBJECT_CREATE));
	assert_string_equal(list(place, "", "", 9), "");
	/* Replacing replaces the link itself. */
	assert_ok(place, put(place, "k", "own", OBJECT_REPLACE));
	assert_holds(place, "k", "own");
}

/* As in the sandbox of a systemd unit with RestrictSUIDSGID=. */
static bool lose_openat2(void)
{
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_LEN(filter), filter };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int read_in_sandbox(struct place *place)
{
	struct str bytes;

	if (!lose_openat2())
		return 1;
	error_init(&place->err);
	if (!get(place, "a/b/kept", &bytes) || !str_is(bytes, "kept"))
		return 2;
	if (get(place, "images/secret", &bytes) ||
	    get(place, "link", &bytes))
		return 3;
	return get(place, "a/b/none", &bytes) ? 4 : 0;
}

static void without_openat2_it_reads_and_nothing_leads_out(void **state)
{
	struct place *place = *state;
	int status;
	pid_t pid;

	assert_ok(place, put(place, "a/b/kept", "kept", OBJECT_CREATE));
	assert_int_equal(mkdir(arena_printf(place->arena, "%s/outside",
					    place->folder), 0755), 0);
	write_file(arena_printf(place->arena, "%s/outside/secret",
				place->folder), "secret");
	assert_int_equal(symlink("../outside", path_of(place, "images")), 0);
	assert_int_equal(symlink("../outside/secret", path_of(place, "link")),
			 0);
	pid = fork();
	if (pid == 0)
		_exit(read_in_sandbox(place));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void a_pipe_in_the_folder_holds_nobody_up(void **state)
{
	struct place *place = *state;
	struct str bytes;

	assert_int_equal(mkfifo(path_of(place, "pipe"), 0600), 0);
	assert_refused(place, ERROR_NOT_FOUND, get(place, "pipe", &bytes));
	assert_refused(place, ERROR_CONFLICT,
		       put(place, "pipe", "x", OBJECT_CREATE));
	assert_string_equal(list(place, "", "", 9), "");
}

static void foreign_names_are_not_listed(void **state)
{
	struct place *place = *state;

	write_file(path_of(place, ".hidden"), "x");
	write_file(path_of(place, "name with space"), "x");
	write_file(path_of(place, "ok"), "x");
	assert_int_equal(mkdir(path_of(place, ".git"), 0755), 0);
	write_file(path_of(place, ".git/config"), "x");
	assert_string_equal(list(place, "", "", 9), "ok\n");
	assert_string_equal(list(place, ".", "", 9), "");
	assert_string_equal(list(place, "../", "", 9), "");
}

/* --- trouble ------------------------------------------------------------- */

static void a_put_leaves_nothing_in_incoming(void **state)
{
	struct place *place = *state;

	assert_ok(place, put(place, "a", "1", OBJECT_CREATE));
	assert_ok(place, put(place, "a", "1", OBJECT_CREATE));
	assert_ok(place, put(place, "a", "2", OBJECT_REPLACE));
	assert_refused(place, ERROR_CONFLICT,
		       put(place, "a", "3", OBJECT_CREATE));
	assert_int_equal(count_incoming(place), 0);
}

/* A limit on the size of files stands for the full disk. */
static void what_does_not_fit_is_unavailable_and_leaves_nothing(void **state)
{
	struct place *place = *state;
	struct rlimit old, small;
	char *text = arena_zalloc(place->arena, 64 * KIB + 1);
	bool large, fits;

	memset(text, 'x', 64 * KIB);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ 16 * KIB, old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	error_init(&place->err);
	large = put(place, "d/large", text, OBJECT_CREATE);
	struct error err = place->err;
	error_init(&place->err);
	fits = put(place, "d/small", "x", OBJECT_CREATE);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_false(large);
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.cause, "d/large"));
	assert_true(fits);
	assert_int_equal(count_incoming(place), 0);
	assert_string_equal(list(place, "", "", 9), "d/small\n");
	assert_ok(place, put(place, "d/large", text, OBJECT_CREATE));
}

/* Runs `test` in a child as a user who may only read. */
static void as_nobody(struct place *place, void (*test)(struct place *))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		if (geteuid() == 0 && setuid(65534))
			_exit(9);
		test(place);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define child_check(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s: %s %s\n", #condition, \
				place->err.detail, place->err.cause); \
			_exit(1); \
		} \
	} while (0)

static void only_reads(struct place *place)
{
	struct str bytes;

	error_init(&place->err);
	child_check(get(place, "a/k", &bytes));
	child_check(!put(place, "a/new", "x", OBJECT_CREATE));
	child_check(place->err.code == ERROR_UNAVAILABLE);
	child_check(strstr(place->err.cause, "Permission denied"));
	error_init(&place->err);
	child_check(!put(place, "a/k", "x", OBJECT_REPLACE));
	child_check(place->err.code == ERROR_UNAVAILABLE);
	error_init(&place->err);
	child_check(!put(place, "b/new", "x", OBJECT_CREATE));
	child_check(place->err.code == ERROR_UNAVAILABLE);
	error_init(&place->err);
	child_check(!object_archive_remove(place->archive, STR("a/k"),
					   &place->err));
	child_check(place->err.code == ERROR_UNAVAILABLE);
	error_init(&place->err);
	child_check(!object_archive_check(place->archive, &place->err));
	child_check(place->err.code == ERROR_UNAVAILABLE);
}

static void a_folder_that_may_only_be_read_is_unavailable(void **state)
{
	struct place *place = *state;

	assert_ok(place, put(place, "a/k", "x", OBJECT_CREATE));
	assert_int_equal(chmod(path_of(place, "a/k"), 0444), 0);
	assert_int_equal(chmod(path_of(place, "a"), 0555), 0);
	assert_int_equal(chmod(path_of(place, ".incoming"), 0555), 0);
	assert_int_equal(chmod(path_of(place, ""), 0555), 0);
	as_nobody(place, only_reads);
	assert_int_equal(chmod(path_of(place, ""), 0755), 0);
	assert_int_equal(chmod(path_of(place, ".incoming"), 0755), 0);
	assert_int_equal(chmod(path_of(place, "a"), 0755), 0);
	assert_holds(place, "a/k", "x");
}

static void a_removed_folder_fails_the_check(void **state)
{
	struct place *place = *state;

	assert_int_equal(rmdir(path_of(place, ".incoming")), 0);
	assert_int_equal(rmdir(path_of(place, "")), 0);
	assert_refused(place, ERROR_UNAVAILABLE,
		       object_archive_check(place->archive, &place->err));
	assert_refused(place, ERROR_UNAVAILABLE,
		       put(place, "k", "x", OBJECT_CREATE));
}

static void a_file_where_the_folder_should_be_stops_the_start(void **state)
{
	struct place *place = *state;
	struct object_archive *other;

	assert_int_equal(rmdir(path_of(place, ".incoming")), 0);
	assert_int_equal(rmdir(path_of(place, "")), 0);
	write_file(arena_printf(place->arena, "%s/objects", place->folder),
		   "x");
	assert_refused(place, ERROR_UNAVAILABLE,
		       object_archive_open(&other, place->config,
					   &place->err));
}

/* --- what a killed process leaves ---------------------------------------- */

static void left_over_files_go_after_an_hour(void **state)
{
	struct place *place = *state;
	struct timespec old[2] = { { .tv_sec = time(NULL) - 3700 },
				   { .tv_sec = time(NULL) - 3700 } };

	write_file(path_of(place, ".incoming/old"), "x");
	write_file(path_of(place, ".incoming/young"), "x");
	assert_int_equal(utimensat(AT_FDCWD, path_of(place, ".incoming/old"),
				   old, 0), 0);
	assert_string_equal(list(place, "", "", 9), "");
	place_reconfigure(place, "");
	assert_int_equal(access(path_of(place, ".incoming/old"), F_OK), -1);
	assert_int_equal(access(path_of(place, ".incoming/young"), F_OK), 0);
}

static void old_objects_stay(void **state)
{
	struct place *place = *state;
	struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	assert_ok(place, put(place, "a/k", "x", OBJECT_CREATE));
	assert_int_equal(utimensat(AT_FDCWD, path_of(place, "a/k"), old, 0),
			 0);
	place_reconfigure(place, "");
	assert_holds(place, "a/k", "x");
}

/* --- links --------------------------------------------------------------- */

static char *presign(struct place *place, const char *key, const char *name)
{
	struct buf url;
	int64_t expires_ms;

	buf_init(&url, place->arena, 4 * KIB);
	assert_ok(place, object_archive_presign(place->archive, str_from(key),
						str_from(name), NOW, 600, &url,
						&expires_ms, &place->err));
	return url.ptr;
}

static bool verify(struct place *place, const char *path, const char *query,
		   const char *host)
{
	int64_t expires_ms;

	error_init(&place->err);
	return object_archive_verify_link(place->archive, str_from(path),
					  str_from(query), str_from(host), NOW,
					  place->arena, &expires_ms,
					  &place->err);
}

static void its_own_links_verify_on_their_host(void **state)
{
	static const struct {
		const char *site, *start, *host;
	} sites[] = {
		{ "http://127.0.0.1:8080", "http://127.0.0.1:8080/objects/",
		  "127.0.0.1:8080" },
		{ "https://desk.example.org",
		  "https://desk.example.org/objects/", "desk.example.org" },
		{ "https://Desk.Example.org:443",
		  "https://Desk.Example.org:443/objects/",
		  "DESK.example.org" },
		{ "http://desk.example.org:80",
		  "http://desk.example.org:80/objects/", "desk.example.org" },
		{ "https://desk.example.org:80",
		  "https://desk.example.org:80/objects/",
		  "desk.example.org:80" },
	};
	struct place *place = *state;

	for (size_t i = 0; i < ARRAY_LEN(sites); i++) {
		char *url, *query;

		place_reconfigure(place, arena_printf(place->arena,
						      "site.url = %s\n",
						      sites[i].site));
		url = presign(place, "images/a.png", "a.png");
		query = strchr(url, '?') + 1;
		assert_memory_equal(url, sites[i].start,
				    strlen(sites[i].start));
		if (!verify(place, "/objects/images/a.png", query,
			    sites[i].host))
			fail_msg("%s: %s", sites[i].site, place->err.detail);
		assert_false(verify(place, "/objects/images/b.png", query,
				    sites[i].host));
		assert_false(verify(place, "/objects/images/a.png", query,
				    "other.example.org"));
		assert_int_equal(place->err.code, ERROR_BAD_LINK);
		assert_false(verify(place, "/objects/images/a.png", "",
				    sites[i].host));
	}
}

static void the_key_is_made_once_and_kept_secret(void **state)
{
	struct place *place = *state;
	char *url = presign(place, "a", NULL);
	const char *path = arena_printf(place->arena,
					"%s/secrets/objects.key",
					place->folder);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 44);
	place_reconfigure(place, "");
	assert_true(verify(place, "/objects/a", strchr(url, '?') + 1,
			   "127.0.0.1:8080"));
	assert_int_equal(unlink(path), 0);
	place_reconfigure(place, "");
	assert_false(verify(place, "/objects/a", strchr(url, '?') + 1,
			    "127.0.0.1:8080"));
}

static void an_empty_key_file_stops_the_start(void **state)
{
	struct place *place = *state;
	struct object_archive *other;

	write_file(arena_printf(place->arena, "%s/secrets/objects.key",
				place->folder), "");
	error_init(&place->err);
	assert_false(object_archive_open(&other, place->config, &place->err));
	assert_non_null(strstr(place->err.cause, "objects.key"));
}

static void processes_that_start_at_once_share_one_key(void **state)
{
	struct place *place = *state;
	char *url;
	pid_t children[6];

	assert_int_equal(unlink(arena_printf(place->arena,
					     "%s/secrets/objects.key",
					     place->folder)), 0);
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct object_archive *other;

			error_init(&place->err);
			child_check(object_archive_open(&other, place->config,
							&place->err));
			object_archive_close(place->archive);
			place->archive = other;
			url = presign(place, "a", NULL);
			write_file(path_of(place, arena_printf(
				place->arena, "url%zu", i)),
				strchr(url, '?') + 1);
			_exit(0);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0),
				 children[i]);
		assert_int_equal(status, 0);
	}
	place_reconfigure(place, "");
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		struct str query;

		assert_ok(place, get(place, arena_printf(place->arena,
							 "url%zu", i),
				     &query));
		if (!verify(place, "/objects/a", query.ptr, "127.0.0.1:8080"))
			fail_msg("child %zu had another key", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		place_test(a_link_to_a_folder_is_not_followed),
		place_test(a_link_to_a_file_is_not_followed),
		place_test(without_openat2_it_reads_and_nothing_leads_out),
		place_test(a_pipe_in_the_folder_holds_nobody_up),
		place_test(foreign_names_are_not_listed),
		place_test(a_put_leaves_nothing_in_incoming),
		place_test(what_does_not_fit_is_unavailable_and_leaves_nothing),
		place_test(a_folder_that_may_only_be_read_is_unavailable),
		place_test(a_removed_folder_fails_the_check),
		place_test(a_file_where_the_folder_should_be_stops_the_start),
		place_test(left_over_files_go_after_an_hour),
		place_test(old_objects_stay),
		place_test(its_own_links_verify_on_their_host),
		place_test(the_key_is_made_once_and_kept_secret),
		place_test(an_empty_key_file_stops_the_start),
		place_test(processes_that_start_at_once_share_one_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
