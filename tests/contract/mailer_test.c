/*
 * mailer_test.c: does every mailer keep mailer.h's promises? And does SMTP tell
 * what passes from what is for good, at each step of the dialogue?
 */
#include "mailers.h"

#include "base/banned.h"

static void a_mail_that_was_taken_is_there_byte_for_byte(void **state)
{
	struct mailroom *room = *state;

	assert_true(mailroom_send_one(room));
	assert_int_equal(arrived(room), 1);
	assert_string_equal(room->server.message, MAIL_TEXT);
}

static void a_mail_of_a_megabyte_is_taken(void **state)
{
	struct mailroom *room = *state;
	struct str line = STR("0123456789012345678901234567890123456789\r\n");
	struct str message = { malloc(line.len * 26000), line.len * 26000 };

	for (size_t i = 0; i < 26000; i++)
		memcpy((char *)message.ptr + i * line.len, line.ptr, line.len);
	/* The test's server keeps no more than 8 KiB, and hangs up. */
	if (room->server.listener)
		message.len = 160 * line.len;
	assert_true(mailroom_send(room, "desk@example.org", "a@example.org",
				  message));
	assert_int_equal(arrived(room), 1);
	free((void *)message.ptr);
}

static void an_address_that_is_none_is_refused_for_good(void **state)
{
	static const char *const bad[] = {
		"", "ada", "ada@example.org\r\nRCPT TO:<b@example.org>",
		"ada@example.org\n", "<ada@example.org>",
		"a@example.org> <b@example.org", "a b@example.org",
	};
	struct mailroom *room = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(mailroom_send(room, "desk@example.org", bad[i],
					   STR(MAIL_TEXT)));
		assert_true(room->permanent);
		assert_int_equal(room->err.code, ERROR_INVALID);
		assert_false(mailroom_send(room, bad[i], "ada@example.org",
					   STR(MAIL_TEXT)));
		assert_true(room->permanent);
	}
	assert_int_equal(arrived(room), 0);
}

static void a_message_with_bare_line_ends_is_refused(void **state)
{
	static const struct str bad[] = {
		{ "a: b\n\nc\r\n", 8 }, { "a: b\r\n\r\nc\rd\r\n", 13 },
		{ "a: b\r\n.\n.\r\n", 11 }, { "a: b", 4 }, { "a\0b\r\n", 5 },
		{ "", 0 },
	};
	struct mailroom *room = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(mailroom_send(room, "desk@example.org",
					   "ada@example.org", bad[i]));
		assert_true(room->permanent);
	}
	assert_int_equal(arrived(room), 0);
}

static void the_maildir_has_a_repeated_mail_once(void **state)
{
	struct mailroom *room = *state;

	assert_true(mailroom_send_one(room));
	assert_true(mailroom_send_one(room));
	assert_int_equal(arrived(room), 1);
	assert_int_equal(count_files(room, "tmp"), 0);
	assert_int_equal(count_files(room, "cur"), 0);
}

static void the_maildir_gets_over_what_a_killed_sender_left(void **state)
{
	struct mailroom *room = *state;
	char path[160];
	FILE *file;

	snprintf(path, sizeof(path), "%s/mail/tmp/" MAIL_ID ".eml",
		 room->folder);
	file = fopen(path, "w");
	fputs("a torn mail that is longer than the whole one will be, "
	      "whatever that one says in its few lines, and then some more\r\n",
	      file);
	fclose(file);
	assert_true(mailroom_send_one(room));
	assert_int_equal(arrived(room), 1);
	assert_string_equal(room->server.message, MAIL_TEXT);
	assert_int_equal(count_files(room, "tmp"), 0);
}

static void the_maildir_takes_only_uuids_for_names(void **state)
{
	struct mailroom *room = *state;

	assert_false(mailer_send(room->mailer, STR("a@b"), STR("c@d"),
				 STR(MAIL_TEXT), "../x", &room->permanent,
				 &room->err));
	assert_true(room->permanent);
}

static void a_maildir_that_is_gone_passes(void **state)
{
	struct mailroom *room = *state;
	char path[160];

	snprintf(path, sizeof(path), "%s/mail/new", room->folder);
	assert_int_equal(rmdir(path), 0);
	assert_false(mailroom_send_one(room));
	assert_false(room->permanent);
	assert_int_equal(room->err.code, ERROR_UNAVAILABLE);
	assert_int_equal(count_files(room, "tmp"), 0);
}

static void the_envelope_is_what_was_asked_for(void **state)
{
	struct mailroom *room = *state;

	assert_true(mailroom_send_one(room));
	assert_string_equal(room->server.sender, "desk@example.org");
	assert_string_equal(room->server.recipient, "ada@example.org");
}

static void the_connection_is_kept(void **state)
{
	struct mailroom *room = *state;

	for (unsigned i = 0; i < 5; i++)
		assert_true(mailroom_send_one(room));
	assert_int_equal(room->server.mails, 5);
	assert_int_equal(room->server.connections, 1);
}

static void a_kept_connection_that_died_is_replaced_at_once(void **state)
{
	struct mailroom *room = *state;

	room->server.second_mail = "";
	assert_true(mailroom_send_one(room));
	assert_true(mailroom_send_one(room));
	room->server.second_mail = "421 idle for too long";
	assert_true(mailroom_send_one(room));
	assert_int_equal(room->server.mails, 3);
	assert_int_equal(room->server.connections, 3);
}

static void answer(struct mailroom *room, enum smtp_step step,
		   const char *text)
{
	memset(room->server.answers, 0, sizeof(room->server.answers));
	room->server.answers[step] = text;
}

static void not_now_passes_at_every_step(void **state)
{
	struct mailroom *room = *state;

	for (int step = 0; step < STEP_COUNT; step++) {
		answer(room, step, "451 not now");
		if (mailroom_send_one(room))
			fail_msg("sent at step %d", step);
		if (room->permanent)
			fail_msg("for good at step %d", step);
		assert_int_equal(room->err.code, ERROR_UNAVAILABLE);
	}
	assert_int_equal(room->server.mails, 0);
}

static void a_dead_connection_passes_at_every_step(void **state)
{
	struct mailroom *room = *state;

	for (int step = 0; step < STEP_COUNT; step++) {
		answer(room, step, "");
		if (mailroom_send_one(room))
			fail_msg("sent at step %d", step);
		if (room->permanent)
			fail_msg("for good at step %d", step);
	}
	assert_int_equal(room->server.mails, 0);
}

static void never_is_for_good_when_it_is_about_the_mail(void **state)
{
	static const bool for_good[STEP_COUNT] = {
		[STEP_MAIL] = true, [STEP_RCPT] = true, [STEP_DATA] = true,
		[STEP_BODY] = true,
	};
	struct mailroom *room = *state;

	for (int step = 0; step < STEP_COUNT; step++) {
		answer(room, step, "554 never");
		if (mailroom_send_one(room))
			fail_msg("sent at step %d", step);
		if (room->permanent != for_good[step])
			fail_msg("step %d", step);
	}
	assert_int_equal(room->server.mails, 0);
}

static void a_demand_for_a_password_passes(void **state)
{
	struct mailroom *room = *state;

	answer(room, STEP_MAIL, "530 5.7.0 Authentication required");
	assert_false(mailroom_send_one(room));
	assert_false(room->permanent);
}

static void mail_goes_on_after_a_failure(void **state)
{
	struct mailroom *room = *state;

	answer(room, STEP_RCPT, "550 no such person");
	assert_false(mailroom_send_one(room));
	answer(room, STEP_RCPT, NULL);
	assert_true(mailroom_send_one(room));
	assert_int_equal(room->server.mails, 1);
}

static void a_server_that_is_not_there_passes(void **state)
{
	struct mailroom *room = *state;

	smtp_stop(&room->server);
	assert_false(mailroom_send_one(room));
	assert_false(room->permanent);
	assert_int_equal(room->err.code, ERROR_UNAVAILABLE);
}

int main(void)
{
	const struct CMUnitTest every[] = {
		mailroom_test(a_mail_that_was_taken_is_there_byte_for_byte),
		mailroom_test(a_mail_of_a_megabyte_is_taken),
		mailroom_test(an_address_that_is_none_is_refused_for_good),
		mailroom_test(a_message_with_bare_line_ends_is_refused),
	};
	const struct CMUnitTest maildir[] = {
		mailroom_test(the_maildir_has_a_repeated_mail_once),
		mailroom_test(the_maildir_gets_over_what_a_killed_sender_left),
		mailroom_test(the_maildir_takes_only_uuids_for_names),
		mailroom_test(a_maildir_that_is_gone_passes),
	};
	const struct CMUnitTest smtp[] = {
		mailroom_test(the_envelope_is_what_was_asked_for),
		mailroom_test(the_connection_is_kept),
		mailroom_test(a_kept_connection_that_died_is_replaced_at_once),
		mailroom_test(not_now_passes_at_every_step),
		mailroom_test(a_dead_connection_passes_at_every_step),
		mailroom_test(never_is_for_good_when_it_is_about_the_mail),
		mailroom_test(a_demand_for_a_password_passes),
		mailroom_test(mail_goes_on_after_a_failure),
		mailroom_test(a_server_that_is_not_there_passes),
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_LEN(mailers); i++) {
		current_mailer = mailers[i];
		failed += cmocka_run_group_tests_name(mailers[i], every, NULL,
						      NULL);
	}
	current_mailer = "maildir";
	failed += cmocka_run_group_tests_name("maildir", maildir, NULL, NULL);
	current_mailer = "smtp";
	failed += cmocka_run_group_tests_name("smtp", smtp, NULL, NULL);
	return failed;
}
