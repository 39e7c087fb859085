/*
 * token_file_test.c: are tokens added and taken back without harm to the others?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/pattern.h"
#include "ordermill/token_file.h"

#include "base/banned.h"

#define NOW_MS 1795536000000ll

static char folder[64], path[96], lock_path[96];
static struct arena *arena;
static struct error err;
static char token[TOKEN_TEXT_BYTES];

static int open_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/token_file_test.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/tokens", folder);
	snprintf(lock_path, sizeof(lock_path), "%s/tokens.lock", folder);
	arena = arena_new("token_file_test", 256 * MIB);
	error_init(&err);
	return 0;
}

static int close_folder(void **state)
{
	(void)state;
	arena_free(arena);
	unlink(path);
	unlink(lock_path);
	return rmdir(folder);	/* fails when a temporary file was left */
}

static bool add(const char *name, const char *scopes)
{
	error_init(&err);
	return token_file_add(path, str_from(name), str_from(scopes), NOW_MS,
			      arena, token, &err);
}

static size_t list(struct token_entry **ret)
{
	size_t count;

	error_init(&err);
	assert_true(token_file_list(path, arena, ret, &count, &err));
	return count;
}

static void write_text(const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static void a_new_token_is_listed_by_its_digest_alone(void **state)
{
	struct token_entry *entries;
	char digest[SHA256_HEX + 1];

	(void)state;
	assert_true(add("ada", "orders:read,orders:write"));
	assert_true(pattern_matches(PATTERN_API_TOKEN, str_from(token)));
	assert_int_equal(list(&entries), 1);
	sha256_hex(str_from(token), digest);
	assert_true(str_is(entries[0].name, "ada"));
	assert_true(str_is(entries[0].digest, digest));
	assert_true(str_is(entries[0].scopes, "orders:read,orders:write"));
	assert_true(str_is(entries[0].created, "2026-11-24T16:00:00.000Z"));
}

static void two_tokens_differ(void **state)
{
	char first[TOKEN_TEXT_BYTES];

	(void)state;
	assert_true(add("a", "orders:read"));
	memcpy(first, token, sizeof(first));
	assert_true(add("b", "orders:read"));
	assert_string_not_equal(first, token);
}

static void a_name_that_is_taken_is_refused(void **state)
{
	struct token_entry *entries;

	(void)state;
	assert_true(add("ada", "orders:read"));
	assert_false(add("ada", "orders:read"));
	assert_int_equal(err.code, ERROR_CONFLICT);
	assert_int_equal(list(&entries), 1);
}

static void a_bad_name_is_refused(void **state)
{
	static const char *const names[] = {
		"", "a b", "#a", "a\n", "ä",
		"12345678901234567890123456789012345678901234567890123456789012345",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_false(add(names[i], "orders:read"));
		assert_int_equal(err.code, ERROR_BAD_REQUEST);
	}
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(lock_path, F_OK), -1);
}

static void an_unknown_scope_is_refused(void **state)
{
	static const char *const scopes[] = {
		"", "orders", "orders:read,", "orders:read,,orders:write",
		"orders:read orders:write", "ORDERS:READ",
		ACCESS_SCOPES ",orders:read",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
		assert_false(add("ada", scopes[i]));
	assert_int_equal(access(path, F_OK), -1);
}

static void all_scopes_fit(void **state)
{
	(void)state;
	assert_true(add("ada", ACCESS_SCOPES));
}

static void a_revoked_token_is_gone_and_the_others_stay(void **state)
{
	struct token_entry *entries;

	(void)state;
	assert_true(add("a", "orders:read"));
	assert_true(add("b", "orders:read"));
	assert_true(add("c", "orders:read"));
	assert_true(token_file_revoke(path, STR("b"), arena, &err));
	assert_int_equal(list(&entries), 2);
	assert_true(str_is(entries[0].name, "a"));
	assert_true(str_is(entries[1].name, "c"));
}

static void revoking_what_is_not_there_changes_nothing(void **state)
{
	struct token_entry *entries;

	(void)state;
	assert_true(add("ada", "orders:read"));
	assert_false(token_file_revoke(path, STR("ad"), arena, &err));
	assert_int_equal(err.code, ERROR_NOT_FOUND);
	assert_int_equal(list(&entries), 1);
}

static void comments_and_mode_are_kept(void **state)
{
	struct token_entry *entries;
	struct stat st;
	char text[32] = "";
	FILE *file;

	(void)state;
	write_text("# the lobby's screen\n", 0600);
	assert_true(add("ada", "orders:read"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(list(&entries), 1);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_string_equal(text, "# the lobby's screen\n");
}

static void a_new_file_is_closed_to_others(void **state)
{
	struct stat st;

	(void)state;
	assert_true(add("ada", "orders:read"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void lines_that_are_no_tokens_are_skipped(void **state)
{
	struct token_entry *entries;

	(void)state;
	write_text("\nada\nada 00\n \nada zz orders:read\n", 0600);
	assert_int_equal(list(&entries), 0);
}

static void a_missing_file_has_no_tokens(void **state)
{
	struct token_entry *entries;

	(void)state;
	assert_int_equal(list(&entries), 0);
}

static void a_folder_that_is_missing_is_said(void **state)
{
	(void)state;
	assert_false(token_file_add("/nonexistent/tokens", STR("a"),
				    STR("orders:read"), NOW_MS, arena, token,
				    &err));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.cause, "/nonexistent/tokens"));
}

static void many_writers_lose_nothing(void **state)
{
	struct token_entry *entries;
	int status;

	(void)state;
	for (int i = 0; i < 8; i++)
		if (fork() == 0) {
			char name[16];

			snprintf(name, sizeof(name), "w%d", i);
			_exit(add(name, "orders:read") ? 0 : 1);
		}
	for (int i = 0; i < 8; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(list(&entries), 8);
}

#define file_test(f) cmocka_unit_test_setup_teardown(f, open_folder, close_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		file_test(a_new_token_is_listed_by_its_digest_alone),
		file_test(two_tokens_differ),
		file_test(a_name_that_is_taken_is_refused),
		file_test(a_bad_name_is_refused),
		file_test(an_unknown_scope_is_refused),
		file_test(all_scopes_fit),
		file_test(a_revoked_token_is_gone_and_the_others_stay),
		file_test(revoking_what_is_not_there_changes_nothing),
		file_test(comments_and_mode_are_kept),
		file_test(a_new_file_is_closed_to_others),
		file_test(lines_that_are_no_tokens_are_skipped),
		file_test(a_missing_file_has_no_tokens),
		file_test(a_folder_that_is_missing_is_said),
		file_test(many_writers_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
