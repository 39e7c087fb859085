/*
 * email_test.c: which addresses are taken, and in what form?
 */
#include "order/email.h"
#include "test_arena.h"

#include "base/banned.h"

static void assert_normal(const char *email, const char *expected)
{
	struct str normal;

	if (!email_normalize(str_from(email), arena, &normal))
		fail_msg("refused: %s", email);
	if (!str_is(normal, expected))
		fail_msg("%.*s instead of %s", STR_ARG(normal), expected);
}

static void only_the_domain_is_folded(void **state)
{
	(void)state;
	assert_normal("ada@example.org", "ada@example.org");
	assert_normal("Ada.L+Shop@EXAMPLE.Org", "Ada.L+Shop@example.org");
	assert_normal("a@localhost", "a@localhost");
	assert_normal("a@LOCALHOST.X1", "a@localhost.x1");
	assert_normal("!#$%&'*/=?^_`{|}~-@x-y.org", "!#$%&'*/=?^_`{|}~-@x-y.org");
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "@", "a", "a@", "@b.org", "a@b", "a@b@c.org", "a b@c.org",
		"a@b c.org", " a@b.org", "a@b.org ", "a@b.org\n", "a@b.org\r",
		"a..b@c.org", ".a@b.org", "a.@b.org", "a@.org", "a@b..org",
		"a@b.org.", "a@-b.org", "a@b-.org", "a@b.123", "a@[127.0.0.1]",
		"\"a\"@b.org", "<a@b.org>", "a@b.org,c@d.org", "a,b@c.org",
		"a@b_c.org", "\xc3\xa9@b.org", "a@\xc3\xa9.org", "a@b.org\\",
		"a\r\nRCPT TO:<x@y.z>@b.org"
	};
	struct str normal;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (email_normalize(str_from(bad[i]), arena, &normal))
			fail_msg("taken: %s", bad[i]);
	assert_false(email_normalize(STR("a@b.org\0"), arena, &normal));
	assert_false(email_normalize((struct str){ 0 }, arena, &normal));
}

static void lengths_end_where_smtp_ends(void **state)
{
	struct str normal;
	char *label = arena_zalloc(arena, 64), *local = arena_zalloc(arena, 66);

	(void)state;
	memset(label, 'a', 63);
	memset(local, 'l', 64);
	assert_normal(arena_printf(arena, "%s@b.org", local),
		      arena_printf(arena, "%s@b.org", local));
	assert_normal(arena_printf(arena, "a@%s.org", label),
		      arena_printf(arena, "a@%s.org", label));
	assert_false(email_normalize(
		str_from(arena_printf(arena, "l%s@b.org", local)), arena,
		&normal));
	assert_false(email_normalize(
		str_from(arena_printf(arena, "a@a%s.org", label)), arena,
		&normal));
	/* 254 and 255 */
	assert_true(email_normalize(
		str_from(arena_printf(arena, "%s@%s.%s.%.57s.org", local,
				      label, label, label)), arena, &normal));
	assert_int_equal(normal.len, 254);
	assert_false(email_normalize(
		str_from(arena_printf(arena, "%s@%s.%s.%.58s.org", local,
				      label, label, label)), arena, &normal));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(only_the_domain_is_folded),
		TEST(what_is_no_address_is_refused),
		TEST(lengths_end_where_smtp_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
