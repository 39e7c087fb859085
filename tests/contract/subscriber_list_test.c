/*
 * subscriber_list_test.c: does every subscriber list keep subscriber_list.h's
 * promises?
 */
#include "engine.h"

#include <time.h>

#include "base/banned.h"

#define NOBODY "01930000-0000-7000-8000-000000000000"
#define MINUTE_MS (60ll * 1000)

static void subscribe(struct desk *desk, const char *email, int64_t now_ms)
{
	assert_ok(desk, subscriber_list_subscribe(desk->subscribers,
						  str_from(email), now_ms,
						  &desk->err));
}

static size_t due(struct desk *desk, int64_t now_ms, struct queued_mail **ret)
{
	size_t count;

	assert_ok(desk, subscriber_list_due_mails(desk->subscribers, now_ms,
						  20000, desk->arena, ret,
						  &count, &desk->err));
	return count;
}

static void sent(struct desk *desk, const char *mail_id)
{
	assert_ok(desk, subscriber_list_mail_sent(desk->subscribers, mail_id,
						  NOW, &desk->err));
}

static void failed(struct desk *desk, const char *mail_id, bool dead,
		   int64_t next_ms)
{
	assert_ok(desk, subscriber_list_mail_failed(desk->subscribers, mail_id,
						    dead, next_ms, STR("450"),
						    &desk->err));
}

static void confirm(struct desk *desk, const char *subscriber_id)
{
	assert_ok(desk, subscriber_list_confirm(desk->subscribers,
						subscriber_id, NOW,
						&desk->err));
}

static void unsubscribe(struct desk *desk, const char *subscriber_id)
{
	assert_ok(desk, subscriber_list_unsubscribe(desk->subscribers,
						    subscriber_id,
						    &desk->err));
}

/* Subscribed, mailed and confirmed; the id. */
static const char *subscriber(struct desk *desk, const char *email)
{
	struct queued_mail *mails;

	subscribe(desk, email, NOW);
	assert_int_equal(due(desk, NOW, &mails), 1);
	confirm(desk, mails[0].subscriber_id);
	sent(desk, mails[0].id);
	return mails[0].subscriber_id;
}

static void set_archived(struct desk *desk, const struct deletion *deletion)
{
	bool changed;

	assert_ok(desk, deletion_log_set_archived(desk->deletions,
						  deletion->event_id,
						  STR("archive/a.json"), "00",
						  NOW, &changed, &desk->err));
}

static struct mail_stats stats_of(struct desk *desk)
{
	struct mail_stats stats;

	assert_ok(desk, subscriber_list_stats(desk->subscribers, &stats,
					      &desk->err));
	return stats;
}

static void subscribing_queues_a_mail_to_confirm(void **state)
{
	struct desk *desk = *state;
	struct queued_mail *mails;

	subscribe(desk, "Ada@example.org", NOW);
	assert_int_equal(due(desk, NOW - 1, &mails), 0);
	assert_int_equal(due(desk, NOW, &mails), 1);
	assert_int_equal(mails[0].kind, MAIL_CONFIRM);
	assert_true(str_is(mails[0].address, "Ada@example.org"));
	assert_string_equal(mails[0].event_id, "");
	assert_true(uuid_is_valid(str_from(mails[0].id)));
	assert_true(uuid_is_valid(str_from(mails[0].subscriber_id)));
	assert_int_equal(mails[0].attempts, 0);
	assert_int_equal(mails[0].queued_ms, NOW);
	assert_int_equal(stats_of(desk).waiting, 1);
}

static void an_address_gets_one_such_mail_in_ten_minutes(void **state)
{
	struct desk *desk = *state;
	struct queued_mail *mails;
	char first[ORDER_ID_BYTES];

	subscribe(desk, "ada@example.org", NOW);
	subscribe(desk, "ada@example.org", NOW);
	subscribe(desk, "ADA@example.org", NOW + 10 * MINUTE_MS - 1);
	assert_int_equal(due(desk, NOW + 60 * MINUTE_MS, &mails), 1);
	memcpy(first, mails[0].subscriber_id, sizeof(first));
	subscribe(desk, "ada@example.org", NOW + 10 * MINUTE_MS);
	assert_int_equal(due(desk, NOW + 60 * MINUTE_MS, &mails), 2);
	assert_string_equal(mails[1].subscriber_id, first);
	subscribe(desk, "bob@example.org", NOW);
	assert_int_equal(due(desk, NOW + 60 * MINUTE_MS, &mails), 3);
}

static void a_confirmed_address_is_told_so(void **state)
{
	struct desk *desk = *state;
	struct queued_mail *mails;

	subscriber(desk, "ada@example.org");
	subscribe(desk, "Ada@example.org", NOW + 11 * MINUTE_MS);
	assert_int_equal(due(desk, NOW + 11 * MINUTE_MS, &mails), 1);
	assert_int_equal(mails[0].kind, MAIL_ALREADY);
	assert_true(str_is(mails[0].address, "ada@example.org"));
	subscribe(desk, "ada@example.org", NOW + 12 * MINUTE_MS);
	assert_int_equal(due(desk, NOW + 60 * MINUTE_MS, &mails), 1);
}

static void confirming_can_be_repeated(void **state)
{
	struct desk *desk = *state;
	const char *id = subscriber(desk, "ada@example.org");

	confirm(desk, id);
	confirm(desk, id);
}

static void a_stranger_cannot_be_confirmed(void **state)
{
	struct desk *desk = *state;

	assert_refused(desk, ERROR_NOT_FOUND,
		       subscriber_list_confirm(desk->subscribers, NOBODY, NOW,
					       &desk->err));
	assert_refused(desk, ERROR_NOT_FOUND,
		       subscriber_list_confirm(desk->subscribers, "no id", NOW,
					       &desk->err));
}

static void unsubscribing_can_be_repeated_and_ends_it(void **state)
{
	struct desk *desk = *state;
	const char *id = subscriber(desk, "ada@example.org");
	struct deletion deletion;
	struct queued_mail *mails;

	unsubscribe(desk, id);
	unsubscribe(desk, id);
	unsubscribe(desk, NOBODY);
	assert_refused(desk, ERROR_NOT_FOUND,
		       subscriber_list_confirm(desk->subscribers, id, NOW,
					       &desk->err));
	deletion = deleted_order(desk, "red", NOW);
	set_archived(desk, &deletion);
	assert_int_equal(due(desk, NOW + MINUTE_MS, &mails), 0);
}

static void one_who_left_may_come_again(void **state)
{
	struct desk *desk = *state;
	const char *id = subscriber(desk, "ada@example.org");
	struct queued_mail *mails;

	unsubscribe(desk, id);
	subscribe(desk, "ada@example.org", NOW + 1);
	assert_int_equal(due(desk, NOW + 1, &mails), 1);
	assert_int_equal(mails[0].kind, MAIL_CONFIRM);
	assert_string_not_equal(mails[0].subscriber_id, id);
}

static void unsubscribing_drops_the_waiting_mails(void **state)
{
	struct desk *desk = *state;
	const char *ada = subscriber(desk, "ada@example.org");
	struct deletion deletion = deleted_order(desk, "red", NOW);
	struct queued_mail *mails;

	subscriber(desk, "bob@example.org");
	set_archived(desk, &deletion);
	assert_int_equal(due(desk, NOW, &mails), 2);
	unsubscribe(desk, ada);
	assert_int_equal(due(desk, NOW, &mails), 1);
	assert_true(str_is(mails[0].address, "bob@example.org"));
	sent(desk, mails[0].id);
	/* the record does not wait for a mail that will never be sent */
	assert_ok(desk, deletion_log_set_state(desk->deletions,
					       deletion.event_id, DELETION_DONE,
					       &desk->err));
	assert_ok(desk, deletion_log_get(desk->deletions, deletion.event_id,
					 desk->arena, &deletion, &desk->err));
	assert_int_equal(deletion.mails_total, 1);
	assert_int_equal(deletion.mails_sent, 1);
}

static void nobody_who_left_is_mailed_by_a_redrive(void **state)
{
	struct desk *desk = *state;
	const char *ada = subscriber(desk, "ada@example.org");
	struct deletion deletion = deleted_order(desk, "red", NOW);
	struct queued_mail *mails;
	uint64_t count;

	set_archived(desk, &deletion);
	assert_int_equal(due(desk, NOW, &mails), 1);
	failed(desk, mails[0].id, true, NOW);
	unsubscribe(desk, ada);
	assert_ok(desk, deletion_log_get(desk->deletions, deletion.event_id,
					 desk->arena, &deletion, &desk->err));
	assert_int_equal(deletion.mails_total, 0);
	assert_int_equal(deletion.mails_dead, 0);
	assert_ok(desk, deletion_log_redrive(desk->deletions, NULL, &count,
					     &desk->err));
	assert_int_equal(count, 0);
	assert_int_equal(due(desk, NOW, &mails), 0);
	assert_ok(desk, deletion_log_set_state(desk->deletions,
					       deletion.event_id, DELETION_DONE,
					       &desk->err));
}

static void a_mail_sent_while_its_reader_left_is_no_failure(void **state)
{
	struct desk *desk = *state;
	const char *ada = subscriber(desk, "ada@example.org");
	struct deletion deletion = deleted_order(desk, "red", NOW);
	struct queued_mail *mails;

	set_archived(desk, &deletion);
	assert_int_equal(due(desk, NOW, &mails), 1);
	unsubscribe(desk, ada);
	sent(desk, mails[0].id);
	failed(desk, mails[0].id, false, NOW);
	assert_ok(desk, deletion_log_get(desk->deletions, deletion.event_id,
					 desk->arena, &deletion, &desk->err));
	assert_int_equal(deletion.mails_sent, 0);
	assert_int_equal(deletion.mails_total, 0);
}

static void a_sent_mail_counts_once(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion;
	struct queued_mail *mails;

	subscriber(desk, "ada@example.org");
	deletion = deleted_order(desk, "red", NOW);
	set_archived(desk, &deletion);
	assert_int_equal(due(desk, NOW, &mails), 1);
	sent(desk, mails[0].id);
	sent(desk, mails[0].id);
	failed(desk, mails[0].id, true, NOW);
	assert_ok(desk, deletion_log_get(desk->deletions, deletion.event_id,
					 desk->arena, &deletion, &desk->err));
	assert_int_equal(deletion.mails_sent, 1);
	assert_int_equal(deletion.mails_dead, 0);
	assert_int_equal(stats_of(desk).waiting, 0);
}

static void a_failed_mail_comes_again_when_its_time_has_come(void **state)
{
	struct desk *desk = *state;
	struct queued_mail *mails;

	subscribe(desk, "ada@example.org", NOW);
	due(desk, NOW, &mails);
	failed(desk, mails[0].id, false, NOW + MINUTE_MS);
	assert_int_equal(due(desk, NOW + MINUTE_MS - 1, &mails), 0);
	assert_int_equal(due(desk, NOW + MINUTE_MS, &mails), 1);
	assert_int_equal(mails[0].attempts, 1);
	assert_int_equal(mails[0].queued_ms, NOW);
	assert_int_equal(stats_of(desk).waiting, 1);
}

static void a_dead_mail_does_not_come_again(void **state)
{
	struct desk *desk = *state;
	struct queued_mail *mails;

	subscribe(desk, "ada@example.org", NOW);
	due(desk, NOW, &mails);
	failed(desk, mails[0].id, true, NOW);
	assert_int_equal(due(desk, INT64_MAX, &mails), 0);
	assert_int_equal(stats_of(desk).waiting, 0);
	assert_int_equal(stats_of(desk).dead, 1);
}

static void mails_come_oldest_first_and_no_more_than_asked_for(void **state)
{
	struct desk *desk = *state;
	struct queued_mail *mails;
	size_t count;

	subscribe(desk, "c@example.org", NOW + 2);
	subscribe(desk, "a@example.org", NOW);
	subscribe(desk, "b@example.org", NOW + 1);
	assert_ok(desk, subscriber_list_due_mails(desk->subscribers, NOW + 5, 2,
						  desk->arena, &mails, &count,
						  &desk->err));
	assert_int_equal(count, 2);
	assert_true(str_is(mails[0].address, "a@example.org"));
	assert_true(str_is(mails[1].address, "b@example.org"));
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void ten_thousand_are_queued_in_less_than_a_second(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "red", NOW);
	struct queued_mail *mails;
	/* by a server at a time, some are as good as many */
	const int readers = is_engine("sqlite") ? 10000 : 250;
	char email[64];
	double since;

	assert_ok(desk, database_begin(desk->database, &desk->err));
	for (int i = 0; i < readers; i++) {
		snprintf(email, sizeof(email), "reader%d@example.org", i);
		subscribe(desk, email, NOW);
	}
	assert_int_equal(due(desk, NOW, &mails), readers);
	for (int i = 0; i < readers; i++) {
		confirm(desk, mails[i].subscriber_id);
		sent(desk, mails[i].id);
	}
	assert_ok(desk, database_commit(desk->database, &desk->err));
	since = seconds();
	set_archived(desk, &deletion);
	if (is_engine("sqlite"))
		assert_true(seconds() - since < 1);
	assert_int_equal(stats_of(desk).waiting, readers);
	assert_ok(desk, deletion_log_get(desk->deletions, deletion.event_id,
					 desk->arena, &deletion, &desk->err));
	assert_int_equal(deletion.mails_total, readers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		desk_test(subscribing_queues_a_mail_to_confirm),
		desk_test(an_address_gets_one_such_mail_in_ten_minutes),
		desk_test(a_confirmed_address_is_told_so),
		desk_test(confirming_can_be_repeated),
		desk_test(a_stranger_cannot_be_confirmed),
		desk_test(unsubscribing_can_be_repeated_and_ends_it),
		desk_test(one_who_left_may_come_again),
		desk_test(unsubscribing_drops_the_waiting_mails),
		desk_test(nobody_who_left_is_mailed_by_a_redrive),
		desk_test(a_mail_sent_while_its_reader_left_is_no_failure),
		desk_test(a_sent_mail_counts_once),
		desk_test(a_failed_mail_comes_again_when_its_time_has_come),
		desk_test(a_dead_mail_does_not_come_again),
		desk_test(mails_come_oldest_first_and_no_more_than_asked_for),
		desk_test(ten_thousand_are_queued_in_less_than_a_second),
	};

	return run_on_every_engine(tests, ARRAY_LEN(tests));
}
