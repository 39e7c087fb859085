/*
 * access_test.c: who gets in, and how soon nobody does any more?
 */
#include "test_setup.h"

#include <sys/stat.h>

#include "base/crypto.h"
#include "http/access.h"
#include "http/request.h"

#include "base/banned.h"

#define ADA "om_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define BOB "om_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

static char folder[TEST_FOLDER_BYTES], tokens[100];
static struct config *config;
static struct arena *arena;
static struct error err;
static struct request req;
static int64_t now_ms = 1795536000000;

/* Another file each time, as `ordermill token` leaves it. */
static void write_tokens(const char *lines)
{
	char temporary[120];
	FILE *file;

	snprintf(temporary, sizeof(temporary), "%s.new", tokens);
	file = fopen(temporary, "w");
	assert_non_null(file);
	fputs(lines, file);
	fclose(file);
	assert_int_equal(rename(temporary, tokens), 0);
}

static const char *line(const char *name, const char *token,
			const char *scopes)
{
	char digest[SHA256_HEX + 1];

	sha256_hex(str_from(token), digest);
	return arena_printf(arena, "%s %s %s 2026-11-24T16:00:00.000Z\n", name,
			    digest, scopes);
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_new("access_test", 4 * MIB);
	test_folder_make(folder, "access");
	snprintf(tokens, sizeof(tokens), "%s/tokens", folder);
	config = test_config("state.directory = %s\naccess.origins = "
			     "https://a.example https://b.example:8443\n",
			     folder);
	access_open(config);
	now_ms += 10000;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	config_free(config);
	arena_free(arena);
	test_folder_remove(folder);
	return 0;
}

static bool enter(const char *authorization, const char *scope)
{
	error_init(&err);
	req = (struct request){ .arena = arena, .now_ms = now_ms,
				.caller = "" };
	return access_check(&req, str_from(authorization), scope, &err);
}

static void assert_out(const char *authorization)
{
	assert_false(enter(authorization, "orders:read"));
	assert_int_equal(err.code, ERROR_UNAUTHENTICATED);
	assert_string_equal(req.caller, "");
}

static void a_token_opens_what_its_scopes_say(void **state)
{
	(void)state;
	write_tokens(arena_printf(arena, "# tokens\n\n%s%s",
				  line("ada", ADA, "orders:read,orders:write"),
				  line("bob", BOB, "orders:read")));
	assert_true(enter("Bearer " ADA, "orders:write"));
	assert_string_equal(req.caller, "ada");
	assert_true(req.had_token);
	assert_true(enter("bearer  " BOB " ", "orders:read"));
	assert_string_equal(req.caller, "bob");
	assert_false(enter("Bearer " BOB, "orders:write"));
	assert_int_equal(err.code, ERROR_FORBIDDEN);
	assert_non_null(strstr(err.detail, "orders:write"));
	assert_false(enter("Bearer " ADA, "orders:writ"));
	assert_false(enter("Bearer " ADA, ""));
}

static void anything_else_stays_out(void **state)
{
	static const char *const bad[] = {
		"", "Bearer", "Bearer ", ADA, "Basic " ADA, "Bearer" ADA,
		"Bearer " BOB, "Bearer " ADA "A", "Bearer " ADA ", Bearer " ADA,
		"Bearer om_", "Bearer # tokens"
	};
	char digest[SHA256_HEX + 1];

	(void)state;
	write_tokens(line("ada", ADA, "orders:read"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_out(bad[i]);
	assert_out(NULL);
	assert_false(req.had_token);
	/* the file's own words are no token */
	sha256_hex(STR(ADA), digest);
	assert_out(arena_printf(arena, "Bearer %s", digest));
	assert_true(enter("Bearer " ADA, "orders:read"));
}

static void damaged_lines_are_nobody(void **state)
{
	(void)state;
	write_tokens(arena_printf(arena, "x\nada zz orders:read\n#%s%s",
				  line("bob", BOB, "orders:read"),
				  line("ada", ADA, "orders:read")));
	assert_out("Bearer " BOB);
	assert_true(enter("Bearer " ADA, "orders:read"));
}

static void without_a_file_nobody_enters(void **state)
{
	(void)state;
	assert_out("Bearer " ADA);
	write_tokens(line("ada", ADA, "orders:read"));
	assert_true(enter("Bearer " ADA, "orders:read"));
	assert_int_equal(unlink(tokens), 0);
	now_ms += 1000;
	assert_out("Bearer " ADA);
}

static void a_new_token_is_known_at_once_and_a_revoked_one_after_a_second(
	void **state)
{
	(void)state;
	write_tokens(line("ada", ADA, "orders:read"));
	assert_true(enter("Bearer " ADA, "orders:read"));
	write_tokens(line("bob", BOB, "orders:read"));
	assert_true(enter("Bearer " BOB, "orders:read"));
	assert_out("Bearer " ADA);
	write_tokens(line("ada", ADA, "orders:read"));
	now_ms += 999;
	assert_true(enter("Bearer " BOB, "orders:read"));
	now_ms += 1;
	assert_out("Bearer " BOB);
	/* a clock that was set back does not keep it in */
	write_tokens(line("bob", BOB, "orders:read"));
	now_ms -= 3600000;
	assert_out("Bearer " ADA);
}

/* A batch holds many requests while a later one may have the file read again. */
static void a_callers_name_outlives_the_file(void **state)
{
	const char *caller;

	(void)state;
	write_tokens(line("ada", ADA, "orders:read"));
	assert_true(enter("Bearer " ADA, "orders:read"));
	caller = req.caller;
	write_tokens(line("bob", BOB, "orders:read"));
	assert_true(enter("Bearer " BOB, "orders:read"));
	assert_string_equal(caller, "ada");
}

static void an_origin_is_allowed_byte_for_byte(void **state)
{
	(void)state;
	assert_true(access_origin_allowed(STR("https://a.example")));
	assert_true(access_origin_allowed(STR("https://b.example:8443")));
	assert_false(access_origin_allowed(STR("https://b.example")));
	assert_false(access_origin_allowed(STR("https://A.example")));
	assert_false(access_origin_allowed(STR("https://a.example.org")));
	assert_false(access_origin_allowed(STR("http://a.example")));
	assert_false(access_origin_allowed(STR("null")));
	assert_false(access_origin_allowed(STR("")));
	assert_false(access_origin_allowed((struct str){ 0 }));
	assert_false(access_origin_allowed(
		STR("https://a.example https://b.example:8443")));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_token_opens_what_its_scopes_say),
		TEST(anything_else_stays_out),
		TEST(damaged_lines_are_nobody),
		TEST(without_a_file_nobody_enters),
		TEST(a_new_token_is_known_at_once_and_a_revoked_one_after_a_second),
		TEST(a_callers_name_outlives_the_file),
		TEST(an_origin_is_allowed_byte_for_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
