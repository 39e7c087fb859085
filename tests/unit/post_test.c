/*
 * post_test.c: is every mail sent that is owed, noted only when it was taken,
 * and every deletion advanced that has none waiting?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deletion/archive_step.h"
#include "fakes/deletion_log_memory.h"
#include "relay/post.h"
#include "relay/post_topic.h"

#include "base/banned.h"

#define NOW_MS 1795536000000ll
#define DAY_MS (24ll * 3600 * 1000)

#define ORDER_JSON \
	"{\"id\":\"01a20e79-0000-7000-8000-000000000000\",\"version\":1," \
	"\"status\":\"pending\",\"description\":\"a cup\",\"customer\":null," \
	"\"lines\":[],\"currency\":\"EUR\",\"price\":\"5.00\",\"notes\":\"\"," \
	"\"metadata\":{},\"image\":null," \
	"\"created_at\":\"2026-11-24T16:00:00.000Z\"," \
	"\"updated_at\":\"2026-11-24T16:00:00.000Z\"}"

static struct fake_list {
	struct subscriber_list base;
	struct queued_mail mails[20];
	int64_t next_ms[20];
	size_t count;
	unsigned sent, failed, dead;
	bool is_away;		/* for what is to be noted */
	int64_t put_off_until_ms;
	char subscribed[100], confirmed[ORDER_ID_BYTES];
} list;

static struct fake_mailer {
	struct mailer base;
	bool fails, permanent;
	unsigned taken;
	char from[100], to[100], message[20000];
	char subscribed[100], subject[300];	/* of one with a topic */
} mailer;

static struct fake_archive {
	struct object_archive base;
	struct str object;
} archive;

static struct deletion_log_memory deletions;
static bool fake_bracket(struct database *self, struct error *error)
{
	(void)self, (void)error;
	return true;
}

static const struct database_ops database_ops = {
	.name = "fake", .begin = fake_bracket, .commit = fake_bracket,
};
static struct database database = { .ops = &database_ops };
static struct post post;
static struct turn turn;
static struct error err;

static bool fake_due(struct subscriber_list *self, int64_t now_ms, size_t limit,
		     struct arena *arena, struct queued_mail **ret,
		     size_t *ret_count, struct error *error)
{
	(void)self, (void)error;
	*ret = arena_alloc(arena, limit * sizeof(**ret));
	*ret_count = 0;
	for (size_t i = 0; i < list.count && *ret_count < limit; i++)
		if (list.next_ms[i] <= now_ms)
			(*ret)[(*ret_count)++] = list.mails[i];
	return true;
}

static void take_out(const char *mail_id)
{
	for (size_t i = 0; i < list.count; i++)
		if (!strcmp(list.mails[i].id, mail_id))
			list.next_ms[i] = INT64_MAX;
}

static bool fake_sent(struct subscriber_list *self, const char *mail_id,
		      int64_t now_ms, struct error *error)
{
	(void)self, (void)now_ms;
	/* never before the 250 */
	if (list.is_away)
		return error_set(error, ERROR_UNAVAILABLE, "away");
	assert_true(mailer.taken > list.sent || list.confirmed[0]);
	list.sent++;
	take_out(mail_id);
	return true;
}

static bool fake_failed(struct subscriber_list *self, const char *mail_id,
			bool dead, int64_t next_ms, struct str reason,
			struct error *error)
{
	(void)self, (void)error;
	assert_true(reason.len > 0);
	list.failed++;
	list.dead += dead;
	list.put_off_until_ms = next_ms;
	take_out(mail_id);
	return true;
}

static bool fake_list_subscribe(struct subscriber_list *self, struct str email,
				int64_t now_ms, struct error *error)
{
	(void)self, (void)now_ms, (void)error;
	snprintf(list.subscribed, sizeof(list.subscribed), "%.*s",
		 STR_ARG(email));
	return true;
}

static bool fake_list_confirm(struct subscriber_list *self, const char *id,
			      int64_t now_ms, struct error *error)
{
	(void)self, (void)now_ms, (void)error;
	snprintf(list.confirmed, sizeof(list.confirmed), "%s", id);
	return true;
}

static const struct subscriber_list_ops list_ops = {
	.name = "fake", .subscribe = fake_list_subscribe,
	.confirm = fake_list_confirm, .due_mails = fake_due, .mail_sent = fake_sent,
	.mail_failed = fake_failed,
};

static bool fake_send(struct mailer *self, struct str from, struct str to,
		      struct str message, const char *mail_id,
		      bool *ret_permanent, struct error *error)
{
	(void)self, (void)mail_id;
	*ret_permanent = mailer.permanent;
	if (mailer.fails)
		return error_cause(error, ERROR_UNAVAILABLE, "451 later");
	mailer.taken++;
	snprintf(mailer.from, sizeof(mailer.from), "%.*s", STR_ARG(from));
	snprintf(mailer.to, sizeof(mailer.to), "%.*s", STR_ARG(to));
	snprintf(mailer.message, sizeof(mailer.message), "%.*s",
		 STR_ARG(message));
	return true;
}

static const struct mailer_ops mailer_ops = { .name = "fake",
					      .send = fake_send };

static bool fake_topic_subscribe(struct mailer *self, struct str address,
				 bool *ret_permanent, struct error *error)
{
	(void)self;
	*ret_permanent = mailer.permanent;
	if (mailer.fails)
		return error_cause(error, ERROR_UNAVAILABLE, "no topic");
	mailer.taken++;
	snprintf(mailer.subscribed, sizeof(mailer.subscribed), "%.*s",
		 STR_ARG(address));
	return true;
}

static bool fake_topic_publish(struct mailer *self, struct str subject,
			       struct str text, bool *ret_permanent,
			       struct error *error)
{
	(void)self;
	*ret_permanent = mailer.permanent;
	if (mailer.fails)
		return error_cause(error, ERROR_UNAVAILABLE, "no topic");
	mailer.taken++;
	snprintf(mailer.subject, sizeof(mailer.subject), "%.*s",
		 STR_ARG(subject));
	snprintf(mailer.message, sizeof(mailer.message), "%.*s",
		 STR_ARG(text));
	return true;
}

static const struct mailer_topic_ops fake_topic = {
	.subscribe = fake_topic_subscribe, .publish = fake_topic_publish,
};
static const struct mailer_ops topic_mailer_ops = {
	.name = "fake", .topic = &fake_topic, .send = fake_send,
};

static bool fake_get(struct object_archive *self, struct str key,
		     size_t max_bytes, struct arena *arena, struct str *ret,
		     struct error *error)
{
	(void)self, (void)key, (void)max_bytes, (void)arena;
	*ret = archive.object;
	return archive.object.len ||
	       error_set(error, ERROR_NOT_FOUND, "no such object");
}

static const struct object_archive_ops archive_ops = { .name = "fake",
						       .get = fake_get };

static int open_post(void **state)
{
	(void)state;
	memset(&list, 0, sizeof(list));
	memset(&mailer, 0, sizeof(mailer));
	memset(&archive, 0, sizeof(archive));
	memset(&deletions, 0, sizeof(deletions));
	list.base.ops = &list_ops;
	mailer.base.ops = &mailer_ops;
	archive.base.ops = &archive_ops;
	deletions.base.ops = &memory_ops;
	post = (struct post){
		.settings = { .site_url = "http://desk.example",
			      .site_name = "Desk", .currency = "EUR",
			      .secret = STR("0123456789abcdef"
					    "0123456789abcdef") },
		.from = "Order desk <desk@desk.example>",
		.database = &database,
		.subscribers = &list.base, .log = &deletions.base,
		.archive = &archive.base, .mailer = &mailer.base,
	};
	turn.arena = arena_new("post_test", 32 * MIB);
	turn.now_ms = turn.due_ms = NOW_MS;
	error_init(&err);
	return 0;
}

static int close_post(void **state)
{
	(void)state;
	arena_free(turn.arena);
	return 0;
}

static struct queued_mail *owe(enum mail_kind kind, const char *event_id)
{
	struct queued_mail *mail = &list.mails[list.count];

	*mail = (struct queued_mail){
		.kind = kind, .address = STR("ada@example.org"),
		.queued_ms = NOW_MS,
		.subscriber_id = "01a20e78-0000-7000-8000-000000000000",
	};
	snprintf(mail->id, sizeof(mail->id), "01a20e77-0000-7000-8000-%012zu",
		 list.count);
	snprintf(mail->event_id, sizeof(mail->event_id), "%s", event_id);
	list.count++;
	return mail;
}

static struct deletion *delete_order(enum deletion_state state)
{
	struct deletion *deletion = memory_add(&deletions, NOW_MS, ORDER_JSON);

	deletion->state = state;
	deletion->archive_key = STR("archive/2026/11/24/x.json");
	return deletion;
}

static void take_turn(void)
{
	turn.again_in_ms = 5000;
	turn.progress = false;
	assert_true(post_turn(&post, &turn, &err));
}

static void a_confirmation_is_sent_and_noted(void **state)
{
	(void)state;
	owe(MAIL_CONFIRM, "");
	take_turn();
	assert_int_equal(list.sent, 1);
	assert_string_equal(mailer.from, "desk@desk.example");
	assert_string_equal(mailer.to, "ada@example.org");
	assert_non_null(strstr(mailer.message, "\r\n\r\n"));
	assert_int_equal(turn.again_in_ms, 0);
}

static void the_sender_is_the_address_alone(void **state)
{
	(void)state;
	post.from = " desk@desk.example ";
	owe(MAIL_CONFIRM, "");
	take_turn();
	assert_int_equal(list.sent, 1);
	assert_string_equal(mailer.from, "desk@desk.example");
}

static void a_deletion_is_told_with_its_order(void **state)
{
	(void)state;
	owe(MAIL_DELETION, delete_order(DELETION_ARCHIVED)->event_id);
	take_turn();
	assert_int_equal(list.sent, 1);
	assert_non_null(strstr(mailer.message, "a cup"));
	assert_non_null(strstr(mailer.message, "0af7651916cd43dd8448eb211c"));
}

static void a_mail_that_could_not_be_noted_is_not_sent_again(void **state)
{
	(void)state;
	owe(MAIL_CONFIRM, "");
	owe(MAIL_CONFIRM, "");
	list.is_away = true;
	for (unsigned i = 0; i < 3; i++) {
		error_init(&err);
		assert_false(post_turn(&post, &turn, &err));
		assert_int_equal(mailer.taken, 1);
	}
	list.is_away = false;
	take_turn();
	assert_int_equal(mailer.taken, 2);
	assert_int_equal(list.sent, 2);
}

static void a_refused_mail_waits_within_its_limit(void **state)
{
	(void)state;
	mailer.fails = true;
	owe(MAIL_CONFIRM, "")->attempts = 3;
	take_turn();
	assert_int_equal(list.sent, 0);
	assert_int_equal(list.failed, 1);
	assert_int_equal(list.dead, 0);
	assert_in_range(list.put_off_until_ms, NOW_MS, NOW_MS + 8000);
}

static void no_wait_is_longer_than_an_hour(void **state)
{
	(void)state;
	mailer.fails = true;
	owe(MAIL_CONFIRM, "")->attempts = 40;
	take_turn();
	assert_in_range(list.put_off_until_ms, NOW_MS, NOW_MS + 3600000);
}

static void a_mail_refused_for_good_is_dead(void **state)
{
	(void)state;
	mailer.fails = mailer.permanent = true;
	owe(MAIL_CONFIRM, "");
	take_turn();
	assert_int_equal(list.dead, 1);
}

static void a_mail_is_given_up_after_three_days(void **state)
{
	(void)state;
	mailer.fails = true;
	owe(MAIL_CONFIRM, "")->queued_ms = NOW_MS - 3 * DAY_MS + 1;
	take_turn();
	assert_int_equal(list.dead, 0);
	owe(MAIL_CONFIRM, "")->queued_ms = NOW_MS - 3 * DAY_MS;
	take_turn();
	assert_int_equal(list.dead, 1);
}

static void a_mail_of_no_deletion_is_dead(void **state)
{
	(void)state;
	owe(MAIL_DELETION, "01a20e7a-0000-7000-8000-00000000dead");
	take_turn();
	assert_int_equal(mailer.taken, 0);
	assert_int_equal(list.dead, 1);
}

static void an_address_with_a_line_break_is_dead(void **state)
{
	(void)state;
	owe(MAIL_CONFIRM, "")->address = STR("a@b.c\r\nBcc: x@y.z");
	take_turn();
	assert_int_equal(mailer.taken, 0);
	assert_int_equal(list.dead, 1);
}

static void an_order_its_record_has_dropped_comes_from_the_archive(void **state)
{
	struct deletion *deletion = delete_order(DELETION_ARCHIVED);
	struct buf object;

	(void)state;
	buf_init(&object, turn.arena, 1 * MIB);
	archive_object(deletion, &object);
	owe(MAIL_DELETION, deletion->event_id);
	deletion->state = DELETION_DONE;
	deletion->order_json = (struct str){ 0 };
	archive.object = buf_str(&object);
	take_turn();
	assert_int_equal(list.sent, 1);
	assert_non_null(strstr(mailer.message, "a cup"));
}

/* --- a mailer that keeps the readers itself ------------------------------ */

static void with_a_topic_one_subscriber_stands_for_all(void **state)
{
	(void)state;
	assert_true(post_topic_open(&post, NOW_MS, &err));
	assert_string_equal(list.subscribed, "");
	mailer.base.ops = &topic_mailer_ops;
	assert_true(post_topic_open(&post, NOW_MS, &err));
	assert_true(list.subscribed[0]);
	owe(MAIL_CONFIRM, "")->address = str_from(list.subscribed);
	take_turn();
	assert_string_equal(list.confirmed,
			    "01a20e78-0000-7000-8000-000000000000");
	assert_int_equal(list.sent, 1);
	assert_int_equal(mailer.taken, 0);
}

static void with_a_topic_each_deletion_is_published_once(void **state)
{
	(void)state;
	mailer.base.ops = &topic_mailer_ops;
	assert_true(post_topic_open(&post, NOW_MS, &err));
	owe(MAIL_DELETION, delete_order(DELETION_ARCHIVED)->event_id)->address =
		str_from(list.subscribed);
	take_turn();
	assert_int_equal(list.sent, 1);
	assert_string_equal(mailer.subject, "Order deleted: a cup");
	assert_non_null(strstr(mailer.message, "a cup"));
	assert_non_null(strstr(mailer.message, "http://desk.example/archive/"));
	/* nobody's own link, and no markup */
	assert_null(strstr(mailer.message, "unsubscribe"));
	assert_null(strstr(mailer.message, "<"));
	take_turn();
	assert_int_equal(mailer.taken, 1);
}

static void with_a_topic_an_address_is_passed_on_to_be_asked(void **state)
{
	(void)state;
	mailer.base.ops = &topic_mailer_ops;
	owe(MAIL_CONFIRM, "");
	take_turn();
	assert_string_equal(mailer.subscribed, "ada@example.org");
	assert_int_equal(list.sent, 1);
	mailer.fails = true;
	owe(MAIL_CONFIRM, "");
	take_turn();
	assert_int_equal(list.failed, 1);
	assert_int_equal(list.dead, 0);
}

static void with_a_topic_nobody_of_the_desks_own_list_is_mailed(void **state)
{
	(void)state;
	mailer.base.ops = &topic_mailer_ops;
	owe(MAIL_DELETION, delete_order(DELETION_ARCHIVED)->event_id);
	take_turn();
	assert_int_equal(mailer.taken, 0);
	assert_int_equal(list.dead, 1);
}

static void an_archive_that_does_not_answer_puts_the_mail_off(void **state)
{
	struct deletion *deletion = delete_order(DELETION_DONE);

	(void)state;
	deletion->order_json = (struct str){ 0 };
	owe(MAIL_DELETION, deletion->event_id);
	take_turn();
	assert_int_equal(list.failed, 1);
	assert_int_equal(list.dead, 0);
}

static void what_has_no_mail_waiting_is_mailed_and_wakes_keep(void **state)
{
	struct deletion *deletion = delete_order(DELETION_ARCHIVED);

	(void)state;
	take_turn();
	assert_int_equal(deletion->state, DELETION_MAILED);
	assert_true(turn.progress);
	/* a moment for others of a burst to come together, then the tick */
	take_turn();
	assert_false(turn.progress);
	assert_in_range(turn.again_in_ms, 1, 20);
	post.advance_at_ms = 0;
	take_turn();
	assert_int_equal(turn.again_in_ms, 5000);
}

static void what_has_a_mail_waiting_is_left(void **state)
{
	struct deletion *deletion = delete_order(DELETION_ARCHIVED);

	(void)state;
	deletions.waiting[0] = 1;
	take_turn();
	assert_int_equal(deletion->state, DELETION_ARCHIVED);
	assert_false(turn.progress);
}

static void a_mail_tried_again_meanwhile_is_no_failure(void **state)
{
	struct deletion *deletion = delete_order(DELETION_ARCHIVED);

	(void)state;
	deletions.conflict_next = true;
	take_turn();
	assert_int_equal(deletion->state, DELETION_ARCHIVED);
	assert_false(turn.progress);
}

static void a_page_of_records_is_advanced_a_turn(void **state)
{
	(void)state;
	for (int i = 0; i < MEMORY_DELETIONS; i++)
		delete_order(DELETION_ARCHIVED);
	take_turn();
	assert_int_equal(turn.again_in_ms, 0);
	assert_int_equal(deletions.deletions[31].state, DELETION_MAILED);
	assert_int_equal(deletions.deletions[32].state, DELETION_ARCHIVED);
	take_turn();
	assert_int_equal(deletions.deletions[39].state, DELETION_MAILED);
}

static void a_long_queue_does_not_hold_records_up(void **state)
{
	struct deletion *deletion = delete_order(DELETION_ARCHIVED);

	(void)state;
	for (int i = 0; i < 20; i++)
		owe(MAIL_CONFIRM, "");
	for (int i = 0; i < 16; i++)
		take_turn();
	assert_int_equal(list.sent, 16);
	assert_int_equal(deletion->state, DELETION_MAILED);
}

static void a_mail_due_shortly_is_waited_for_in_fine_steps(void **state)
{
	(void)state;
	owe(MAIL_CONFIRM, "");
	list.next_ms[0] = NOW_MS + 700;
	take_turn();
	assert_int_equal(list.sent, 0);
	assert_int_equal(turn.again_in_ms, 250);
}

#define post_test(f) cmocka_unit_test_setup_teardown(f, open_post, close_post)

int main(void)
{
	const struct CMUnitTest tests[] = {
		post_test(a_confirmation_is_sent_and_noted),
		post_test(the_sender_is_the_address_alone),
		post_test(a_deletion_is_told_with_its_order),
		post_test(a_mail_that_could_not_be_noted_is_not_sent_again),
		post_test(a_refused_mail_waits_within_its_limit),
		post_test(no_wait_is_longer_than_an_hour),
		post_test(a_mail_refused_for_good_is_dead),
		post_test(a_mail_is_given_up_after_three_days),
		post_test(a_mail_of_no_deletion_is_dead),
		post_test(an_address_with_a_line_break_is_dead),
		post_test(
			an_order_its_record_has_dropped_comes_from_the_archive),
		post_test(an_archive_that_does_not_answer_puts_the_mail_off),
		post_test(with_a_topic_one_subscriber_stands_for_all),
		post_test(with_a_topic_each_deletion_is_published_once),
		post_test(with_a_topic_an_address_is_passed_on_to_be_asked),
		post_test(with_a_topic_nobody_of_the_desks_own_list_is_mailed),
		post_test(what_has_no_mail_waiting_is_mailed_and_wakes_keep),
		post_test(what_has_a_mail_waiting_is_left),
		post_test(a_mail_tried_again_meanwhile_is_no_failure),
		post_test(a_page_of_records_is_advanced_a_turn),
		post_test(a_long_queue_does_not_hold_records_up),
		post_test(a_mail_due_shortly_is_waited_for_in_fine_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
