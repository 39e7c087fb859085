/*
 * mail_syntax_test.c: can anything but an address, or anything but whole lines,
 * get as far as SMTP?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/mail_syntax.h"

#include "base/banned.h"

static void an_address_has_a_local_part_and_a_domain(void **state)
{
	static const char *const good[] = {
		"a@b", "desk@localhost", "ada.lovelace+x@example.org",
		"o'hara@example.org", "x_y=z@a-b.example",
	};
	static const char *const bad[] = {
		"", "@", "a@", "@b", "ab", "a@b@c", "a b@c", "a@b c",
		"<a@b>", "a@b\r\nRCPT TO:<c@d>", "a@b\n", "a\t@b", "a@b>",
		"a@b,c@d", "\"a\"@b", "a@[127.0.0.1]", "z\xc3\xb6@b", "a@b\x7f",
		"a(c)@b", "a;b@c", "a:b@c", "a\\b@c",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!mail_address_valid(str_from(good[i])))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (mail_address_valid(str_from(bad[i])))
			fail_msg("taken: %s", bad[i]);
	assert_false(mail_address_valid((struct str){ "a@b\0c", 5 }));
	assert_false(mail_address_valid((struct str){ NULL, 0 }));
}

static void an_address_has_at_most_254_bytes(void **state)
{
	char text[256];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[1] = '@';
	assert_true(mail_address_valid((struct str){ text, 254 }));
	assert_false(mail_address_valid((struct str){ text, 255 }));
}

static void a_mailbox_may_have_a_name(void **state)
{
	struct str name, address;

	(void)state;
	assert_true(mail_mailbox_parse(STR("Order desk <desk@localhost>"),
				       &name, &address));
	assert_true(str_is(name, "Order desk"));
	assert_true(str_is(address, "desk@localhost"));
	assert_true(mail_mailbox_parse(STR(" \"Desk, K\xc3\xb6ln\" <a@b> "),
				       &name, &address));
	assert_true(str_is(name, "Desk, K\xc3\xb6ln"));
	assert_true(mail_mailbox_parse(STR("a@b"), &name, &address));
	assert_true(str_is(name, ""));
	assert_true(str_is(address, "a@b"));
	assert_true(mail_mailbox_parse(STR("<a@b>"), &name, &address));
	assert_true(str_is(name, ""));
}

static void a_malformed_mailbox_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "<>", "desk", "Desk <a@b", "Desk a@b>", "Desk <a b@c>",
		"Desk <a@b> x", "Desk\r\nBcc: c@d <a@b>", "De\tsk <a@b>",
	};
	struct str name, address;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (mail_mailbox_parse(str_from(bad[i]), &name, &address))
			fail_msg("taken: %s", bad[i]);
}

static void only_whole_crlf_lines_are_canonical(void **state)
{
	char line[1001];

	(void)state;
	assert_true(mail_message_canonical(STR("a\r\n")));
	assert_true(mail_message_canonical(STR("a: b\r\n\r\n.\r\n\r\n")));
	assert_false(mail_message_canonical(STR("")));
	assert_false(mail_message_canonical(STR("a")));
	assert_false(mail_message_canonical(STR("a\r")));
	assert_false(mail_message_canonical(STR("a\n")));
	assert_false(mail_message_canonical(STR("a\nb\r\n")));
	assert_false(mail_message_canonical(STR("a\rb\r\n")));
	assert_false(mail_message_canonical(STR("a\r\nb")));
	assert_false(mail_message_canonical(STR("a\r\r\n")));
	assert_false(mail_message_canonical(STR("a\0b\r\n")));

	memset(line, 'x', sizeof(line));
	memcpy(line + 998, "\r\n", 2);
	assert_true(mail_message_canonical((struct str){ line, 1000 }));
	line[998] = 'x';
	memcpy(line + 999, "\r\n", 2);
	assert_false(mail_message_canonical((struct str){ line, 1001 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_a_local_part_and_a_domain),
		cmocka_unit_test(an_address_has_at_most_254_bytes),
		cmocka_unit_test(a_mailbox_may_have_a_name),
		cmocka_unit_test(a_malformed_mailbox_is_refused),
		cmocka_unit_test(only_whole_crlf_lines_are_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
