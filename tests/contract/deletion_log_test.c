/*
 * deletion_log_test.c: does every deletion log keep deletion_log.h's promises?
 */
#include "engine.h"

#include "base/banned.h"

#define NOBODY "01930000-0000-7000-8000-000000000000"
#define DIGEST \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct deletion get_deletion(struct desk *desk, const char *event_id)
{
	struct deletion deletion;

	assert_ok(desk, deletion_log_get(desk->deletions, event_id, desk->arena,
					 &deletion, &desk->err));
	return deletion;
}

static bool set_archived(struct desk *desk, const char *event_id)
{
	bool changed;

	assert_ok(desk, deletion_log_set_archived(desk->deletions, event_id,
						  STR("archive/a.json"), DIGEST,
						  NOW + 9, &changed,
						  &desk->err));
	return changed;
}

static void set_state(struct desk *desk, const char *event_id,
		      enum deletion_state state)
{
	assert_ok(desk, deletion_log_set_state(desk->deletions, event_id, state,
					       &desk->err));
}

static void assert_state_refused(struct desk *desk, const char *event_id,
				 enum deletion_state state,
				 enum error_code code)
{
	assert_refused(desk, code,
		       deletion_log_set_state(desk->deletions, event_id, state,
					      &desk->err));
}

static void note(struct desk *desk, const char *event_id, bool acknowledged,
		 bool dead, int64_t next_ms, const char *reason)
{
	assert_ok(desk, deletion_log_note_attempt(desk->deletions, event_id,
						  acknowledged, dead, next_ms,
						  str_from(reason),
						  &desk->err));
}

static struct deletion_page list(struct desk *desk,
				 enum deletion_selection selection,
				 int64_t now_ms)
{
	struct deletion_page page;

	assert_ok(desk, deletion_log_list(desk->deletions, selection, NULL, 100,
					  now_ms, 0, desk->arena, &page,
					  &desk->err));
	return page;
}

static size_t count_of(struct desk *desk, enum deletion_selection selection)
{
	return list(desk, selection, NOW + 1000).count;
}

static void subscribe(struct desk *desk, const char *email, bool confirm)
{
	struct queued_mail *mails;
	size_t count;

	assert_ok(desk, subscriber_list_subscribe(desk->subscribers,
						  str_from(email), NOW,
						  &desk->err));
	assert_ok(desk, subscriber_list_due_mails(desk->subscribers, NOW, 100,
						  desk->arena, &mails, &count,
						  &desk->err));
	for (size_t i = 0; i < count; i++) {
		if (!str_is(mails[i].address, email))
			continue;
		if (confirm)
			assert_ok(desk, subscriber_list_confirm(
						desk->subscribers,
						mails[i].subscriber_id, NOW,
						&desk->err));
		assert_ok(desk, subscriber_list_mail_sent(desk->subscribers,
							  mails[i].id, NOW,
							  &desk->err));
	}
}

static size_t due_mails(struct desk *desk, struct queued_mail **ret)
{
	size_t count;

	assert_ok(desk, subscriber_list_due_mails(desk->subscribers,
						  NOW + 1000, 100, desk->arena,
						  ret, &count, &desk->err));
	return count;
}

static void send_mail(struct desk *desk, const struct queued_mail *mail)
{
	assert_ok(desk, subscriber_list_mail_sent(desk->subscribers, mail->id,
						  NOW, &desk->err));
}

static void lose_mail(struct desk *desk, const struct queued_mail *mail)
{
	assert_ok(desk, subscriber_list_mail_failed(desk->subscribers, mail->id,
						    true, INT64_MAX,
						    STR("refused"),
						    &desk->err));
}

static void unknown_ids_are_not_found(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion;
	bool changed;
	uint64_t count;

	assert_refused(desk, ERROR_NOT_FOUND,
		       deletion_log_get(desk->deletions, NOBODY, desk->arena,
					&deletion, &desk->err));
	assert_refused(desk, ERROR_NOT_FOUND,
		       deletion_log_find(desk->deletions, NOBODY, desk->arena,
					 &deletion, &desk->err));
	assert_refused(desk, ERROR_NOT_FOUND,
		       deletion_log_get(desk->deletions, "no id", desk->arena,
					&deletion, &desk->err));
	assert_refused(desk, ERROR_NOT_FOUND,
		       deletion_log_set_archived(desk->deletions, NOBODY,
						 STR("k"), DIGEST, NOW,
						 &changed, &desk->err));
	assert_refused(desk, ERROR_NOT_FOUND,
		       deletion_log_note_attempt(desk->deletions, NOBODY, true,
						 false, 0, STR(""),
						 &desk->err));
	assert_refused(desk, ERROR_NOT_FOUND,
		       deletion_log_redrive(desk->deletions, NOBODY, &count,
					    &desk->err));
	assert_state_refused(desk, NOBODY, DELETION_DONE, ERROR_NOT_FOUND);
}

static void find_gives_the_newest_record_of_an_order(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "red", NOW);
	struct deletion found;

	assert_ok(desk, deletion_log_find(desk->deletions, deletion.order_id,
					  desk->arena, &found, &desk->err));
	assert_string_equal(found.event_id, deletion.event_id);
	assert_string_equal(found.order_id, deletion.order_id);
	assert_int_equal(found.archived_ms, 0);
	assert_true(str_is(found.archive_key, ""));
}

static void archived_notes_where_and_is_noted_once(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "red", NOW);
	bool changed;

	assert_true(set_archived(desk, deletion.event_id));
	assert_ok(desk, deletion_log_set_archived(desk->deletions,
						  deletion.event_id,
						  STR("elsewhere"), "ff",
						  NOW + 99, &changed,
						  &desk->err));
	assert_false(changed);
	deletion = get_deletion(desk, deletion.event_id);
	assert_int_equal(deletion.state, DELETION_ARCHIVED);
	assert_int_equal(deletion.archived_ms, NOW + 9);
	assert_true(str_is(deletion.archive_key, "archive/a.json"));
	assert_string_equal(deletion.archive_digest, DIGEST);
	assert_true(deletion.order_json.len > 0);
}

static void archived_queues_a_mail_for_each_confirmed_subscriber(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "red", NOW);
	struct queued_mail *mails;

	subscribe(desk, "ada@example.org", true);
	subscribe(desk, "bob@example.org", true);
	subscribe(desk, "eve@example.org", false);
	set_archived(desk, deletion.event_id);
	set_archived(desk, deletion.event_id);
	subscribe(desk, "late@example.org", true);
	assert_int_equal(due_mails(desk, &mails), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mails[i].kind, MAIL_DELETION);
		assert_string_equal(mails[i].event_id, deletion.event_id);
		assert_true(uuid_is_valid(str_from(mails[i].id)));
		assert_int_equal(mails[i].id[14], '7');
	}
	assert_string_not_equal(mails[0].id, mails[1].id);
	assert_false(str_eq(mails[0].address, mails[1].address));
	deletion = get_deletion(desk, deletion.event_id);
	assert_int_equal(deletion.mails_total, 2);
	assert_int_equal(deletion.mails_sent, 0);
}

static void a_record_waits_for_its_mails(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "red", NOW);
	struct queued_mail *mails;

	subscribe(desk, "ada@example.org", true);
	subscribe(desk, "bob@example.org", true);
	assert_state_refused(desk, deletion.event_id, DELETION_MAILED,
			     ERROR_CONFLICT);
	set_archived(desk, deletion.event_id);
	assert_state_refused(desk, deletion.event_id, DELETION_MAILED,
			     ERROR_CONFLICT);
	assert_int_equal(count_of(desk, DELETIONS_TO_CLOSE), 0);
	assert_int_equal(due_mails(desk, &mails), 2);
	send_mail(desk, &mails[0]);
	assert_state_refused(desk, deletion.event_id, DELETION_DONE,
			     ERROR_CONFLICT);
	lose_mail(desk, &mails[1]);
	assert_int_equal(count_of(desk, DELETIONS_TO_CLOSE), 1);
	set_state(desk, deletion.event_id, DELETION_MAILED);
	assert_int_equal(count_of(desk, DELETIONS_TO_CLOSE), 1);
	set_state(desk, deletion.event_id, DELETION_DONE);
	assert_int_equal(count_of(desk, DELETIONS_TO_CLOSE), 0);
	deletion = get_deletion(desk, deletion.event_id);
	assert_int_equal(deletion.mails_total, 2);
	assert_int_equal(deletion.mails_sent, 1);
	assert_int_equal(deletion.mails_dead, 1);
}

static void a_done_record_drops_the_order_and_keeps_the_facts(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "red", NOW);

	set_archived(desk, deletion.event_id);
	set_state(desk, deletion.event_id, DELETION_MAILED);
	assert_true(get_deletion(desk, deletion.event_id).order_json.len > 0);
	set_state(desk, deletion.event_id, DELETION_DONE);
	deletion = get_deletion(desk, deletion.event_id);
	assert_null(deletion.order_json.ptr);
	assert_true(str_is(deletion.description, "red"));
	assert_int_equal(deletion.price_minor, 500);
	assert_int_equal(deletion.state, DELETION_DONE);
}

static void a_state_is_never_left_backwards(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "red", NOW);

	set_archived(desk, deletion.event_id);
	set_state(desk, deletion.event_id, DELETION_DONE);
	assert_false(set_archived(desk, deletion.event_id));
	set_state(desk, deletion.event_id, DELETION_PENDING);
	set_state(desk, deletion.event_id, DELETION_MAILED);
	set_state(desk, deletion.event_id, DELETION_DONE);
	assert_int_equal(get_deletion(desk, deletion.event_id).state,
			 DELETION_DONE);
	assert_state_refused(desk, deletion.event_id, DELETION_RESTORED,
			     ERROR_CONFLICT);
}

static void ringing_stops_once_it_was_heard(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "red", NOW);

	assert_int_equal(count_of(desk, DELETIONS_TO_RING), 1);
	note(desk, deletion.event_id, true, false, 0, "");
	assert_int_equal(count_of(desk, DELETIONS_TO_RING), 0);
	deletion = get_deletion(desk, deletion.event_id);
	assert_true(deletion.acknowledged);
	assert_int_equal(deletion.attempts, 1);
	assert_int_equal(deletion.state, DELETION_PENDING);
	assert_int_equal(count_of(desk, DELETIONS_PENDING), 1);
}

static void ringing_waits_for_its_time(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "red", NOW);

	note(desk, deletion.event_id, false, false, NOW + 500, "503");
	assert_int_equal(list(desk, DELETIONS_TO_RING, NOW + 499).count, 0);
	assert_int_equal(list(desk, DELETIONS_TO_RING, NOW + 500).count, 1);
	deletion = get_deletion(desk, deletion.event_id);
	assert_true(str_is(deletion.last_error, "503"));
	assert_int_equal(deletion.next_attempt_ms, NOW + 500);
}

static void a_dead_letter_rings_again_when_it_is_redriven(void **state)
{
	struct desk *desk = *state;
	struct deletion first = deleted_order(desk, "red", NOW);
	struct deletion second = deleted_order(desk, "blue", NOW);
	uint64_t count;

	note(desk, first.event_id, false, true, NOW + 900, "gave up");
	note(desk, second.event_id, false, true, NOW + 900, "gave up");
	assert_int_equal(count_of(desk, DELETIONS_TO_RING), 0);
	assert_int_equal(count_of(desk, DELETIONS_DEAD), 2);
	assert_ok(desk, deletion_log_redrive(desk->deletions, first.event_id,
					     &count, &desk->err));
	assert_int_equal(count, 1);
	assert_int_equal(list(desk, DELETIONS_TO_RING, NOW).count, 1);
	assert_int_equal(get_deletion(desk, first.event_id).attempts, 0);
	assert_ok(desk, deletion_log_redrive(desk->deletions, NULL, &count,
					     &desk->err));
	assert_int_equal(count, 1);
	assert_int_equal(count_of(desk, DELETIONS_DEAD), 0);
}

static void archiving_ends_a_dead_letter(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "red", NOW);
	struct deletion_stats stats;

	note(desk, deletion.event_id, false, true, 0, "gave up");
	assert_ok(desk, deletion_log_stats(desk->deletions, &stats,
					   &desk->err));
	assert_int_equal(stats.dead, 1);
	set_archived(desk, deletion.event_id);
	assert_int_equal(count_of(desk, DELETIONS_DEAD), 0);
	note(desk, deletion.event_id, false, true, 0, "the bell again");
	assert_ok(desk, deletion_log_stats(desk->deletions, &stats,
					   &desk->err));
	assert_int_equal(stats.dead, 0);
	assert_int_equal(count_of(desk, DELETIONS_DEAD), 0);
}

static void dead_mails_wait_again_when_they_are_redriven(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "red", NOW);
	struct queued_mail *mails;
	uint64_t count;

	subscribe(desk, "ada@example.org", true);
	subscribe(desk, "bob@example.org", true);
	set_archived(desk, deletion.event_id);
	assert_int_equal(due_mails(desk, &mails), 2);
	send_mail(desk, &mails[0]);
	lose_mail(desk, &mails[1]);
	set_state(desk, deletion.event_id, DELETION_MAILED);
	assert_int_equal(count_of(desk, DELETIONS_DEAD), 1);
	assert_ok(desk, deletion_log_redrive(desk->deletions, NULL, &count,
					     &desk->err));
	assert_int_equal(count, 1);
	deletion = get_deletion(desk, deletion.event_id);
	assert_int_equal(deletion.state, DELETION_ARCHIVED);
	assert_int_equal(deletion.mails_sent, 1);
	assert_int_equal(deletion.mails_dead, 0);
	assert_int_equal(due_mails(desk, &mails), 1);
	assert_int_equal(mails[0].attempts, 0);
	send_mail(desk, &mails[0]);
	set_state(desk, deletion.event_id, DELETION_DONE);
	assert_int_equal(get_deletion(desk, deletion.event_id).mails_sent, 2);
}

static void each_selection_has_its_records_in_order(void **state)
{
	struct desk *desk = *state;
	struct deletion deletions[6];
	struct deletion_page page;

	for (int i = 0; i < 6; i++)
		deletions[i] = deleted_order(desk, "x", NOW + i);
	set_archived(desk, deletions[1].event_id);
	set_archived(desk, deletions[2].event_id);
	set_state(desk, deletions[2].event_id, DELETION_MAILED);
	set_archived(desk, deletions[3].event_id);
	set_state(desk, deletions[3].event_id, DELETION_DONE);

	page = list(desk, DELETIONS_ALL, NOW);
	assert_int_equal(page.count, 6);
	assert_string_equal(page.deletions[0].event_id, deletions[5].event_id);
	assert_string_equal(page.deletions[5].event_id, deletions[0].event_id);
	page = list(desk, DELETIONS_OPEN, NOW);
	assert_int_equal(page.count, 5);
	assert_string_equal(page.deletions[0].event_id, deletions[0].event_id);
	assert_string_equal(page.deletions[3].event_id, deletions[4].event_id);
	page = list(desk, DELETIONS_PENDING, NOW);
	assert_int_equal(page.count, 3);
	assert_string_equal(page.deletions[1].event_id, deletions[4].event_id);
	page = list(desk, DELETIONS_TO_CLOSE, NOW);
	assert_int_equal(page.count, 2);
	assert_string_equal(page.deletions[0].event_id, deletions[1].event_id);
	assert_int_equal(list(desk, DELETIONS_TO_RING, NOW + 5).count, 3);
	assert_int_equal(list(desk, DELETIONS_DEAD, NOW).count, 0);
}

static void pages_continue_behind_the_given_record(void **state)
{
	struct desk *desk = *state;
	static const enum deletion_selection selections[] = {
		DELETIONS_ALL, DELETIONS_OPEN, DELETIONS_PENDING,
		DELETIONS_TO_RING,
	};

	for (int i = 0; i < 7; i++)
		deleted_order(desk, "x", NOW + i);
	for (size_t k = 0; k < ARRAY_LEN(selections); k++) {
		struct deletion_page all = list(desk, selections[k], NOW + 9);
		struct deletion_page page;
		const char *after = NULL;
		size_t seen = 0;

		assert_int_equal(all.count, 7);
		assert_false(all.has_more);
		do {
			assert_ok(desk, deletion_log_list(
						desk->deletions, selections[k],
						after, 3, NOW + 9, INT64_MAX,
						desk->arena, &page,
						&desk->err));
			for (size_t i = 0; i < page.count; i++)
				assert_string_equal(
					page.deletions[i].event_id,
					all.deletions[seen++].event_id);
			assert_int_equal(page.has_more, seen < 7);
			after = page.deletions[page.count - 1].event_id;
		} while (page.has_more);
		assert_int_equal(seen, 7);
	}
}

static void only_records_older_than_an_instant_are_listed(void **state)
{
	struct desk *desk = *state;
	struct deletion_page page;

	for (int i = 0; i < 5; i++)
		deleted_order(desk, "x", NOW + i);
	assert_ok(desk, deletion_log_list(desk->deletions, DELETIONS_PENDING,
					  NULL, 10, NOW, NOW + 2, desk->arena,
					  &page, &desk->err));
	assert_int_equal(page.count, 2);
	assert_ok(desk, deletion_log_list(desk->deletions, DELETIONS_ALL, NULL,
					  10, NOW, NOW + 4, desk->arena, &page,
					  &desk->err));
	assert_int_equal(page.count, 4);
}

static void stats_count_what_is_open(void **state)
{
	struct desk *desk = *state;
	struct deletion first, second;
	struct deletion_stats stats;

	assert_ok(desk, deletion_log_stats(desk->deletions, &stats,
					   &desk->err));
	assert_int_equal(stats.open, 0);
	assert_int_equal(stats.oldest_open_ms, 0);
	assert_int_equal(stats.dead, 0);
	first = deleted_order(desk, "x", NOW);
	second = deleted_order(desk, "y", NOW + 5);
	set_archived(desk, first.event_id);
	set_state(desk, first.event_id, DELETION_DONE);
	note(desk, second.event_id, false, true, 0, "gave up");
	assert_ok(desk, deletion_log_stats(desk->deletions, &stats,
					   &desk->err));
	assert_int_equal(stats.open, 1);
	assert_int_equal(stats.oldest_open_ms, NOW + 5);
	assert_int_equal(stats.dead, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		desk_test(unknown_ids_are_not_found),
		desk_test(find_gives_the_newest_record_of_an_order),
		desk_test(archived_notes_where_and_is_noted_once),
		desk_test(archived_queues_a_mail_for_each_confirmed_subscriber),
		desk_test(a_record_waits_for_its_mails),
		desk_test(a_done_record_drops_the_order_and_keeps_the_facts),
		desk_test(a_state_is_never_left_backwards),
		desk_test(ringing_stops_once_it_was_heard),
		desk_test(ringing_waits_for_its_time),
		desk_test(a_dead_letter_rings_again_when_it_is_redriven),
		desk_test(archiving_ends_a_dead_letter),
		desk_test(dead_mails_wait_again_when_they_are_redriven),
		desk_test(each_selection_has_its_records_in_order),
		desk_test(pages_continue_behind_the_given_record),
		desk_test(only_records_older_than_an_instant_are_listed),
		desk_test(stats_count_what_is_open),
	};

	return run_on_every_engine(tests, ARRAY_LEN(tests));
}
