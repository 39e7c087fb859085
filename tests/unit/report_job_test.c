/*
 * report_job_test.c: is a report of a period drawn from just that period's
 * deletions, here or by a process that holds on to nothing of ours?
 */
#include "contract/archives.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "deletion/archive_step.h"
#include "deletion/report_job.h"
#include "order/order.h"

#include "base/banned.h"

#define DAY (24ll * 3600 * 1000)
#define REPORT "0193a5c0-0000-7000-8000-00000000000a"

static const struct settings settings = {
	.site_url = "http://desk", .site_name = "Desk", .currency = "EUR",
	.fonts = "/nonexistent",
};

static struct report_request request_of(int64_t from_ms, int64_t to_ms)
{
	return (struct report_request){
		.id = REPORT, .title = STR(""), .from_ms = from_ms,
		.to_ms = to_ms, .zone = "UTC", .now_ms = NOW,
	};
}

static void archive_order(struct place *place, int64_t deleted_ms)
{
	struct order order = {
		.description = STR("shoes"), .customer_name = STR(""),
		.customer_email = STR(""), .currency = "EUR",
		.price_minor = 500, .notes = STR(""),
		.image = { .confidence_permille = -1 },
	};
	struct deletion deletion = { .deleted_ms = deleted_ms,
				     .traceparent = STR("") };
	struct buf json, object, key;

	order_place(&order, deleted_ms);
	buf_init(&json, place->arena, MIB);
	order_to_json(&order, &json);
	deletion.order_json = buf_str(&json);
	uuid7(deleted_ms, deletion.event_id);
	buf_init(&object, place->arena, MIB);
	buf_init(&key, place->arena, 200);
	archive_object(&deletion, &object);
	archive_key(&deletion, &key);
	assert_ok(place, object_archive_put(place->archive, buf_str(&key),
					    buf_str(&object), TYPE,
					    OBJECT_CREATE, &place->err));
}

static void three_days(struct place *place)
{
	archive_order(place, NOW - 2 * DAY);
	archive_order(place, NOW - DAY);
	archive_order(place, NOW - DAY + 1);
	archive_order(place, NOW);
}

static uint64_t drawn(struct place *place, int64_t from_ms, int64_t to_ms)
{
	struct report_request request = request_of(from_ms, to_ms);
	struct report_status status;

	uuid7(NOW, request.id);
	assert_ok(place, report_draw(place->archive, &settings, &request, 4,
				     &status, &place->err));
	assert_int_equal(status.state, REPORT_DONE);
	assert_int_equal(strlen(status.digest), 64);
	return status.orders;
}

/* A key's day is all that counting sees: it may count a day too much. */
static void assert_counts(struct place *place, int64_t from_ms, int64_t to_ms,
			  uint64_t least, uint64_t most)
{
	struct report_request request = request_of(from_ms, to_ms);
	uint64_t count;

	assert_ok(place, report_count(place->archive, &request, UINT64_MAX,
				      &count, &place->err));
	assert_in_range(count, least, most);
}

static void a_period_is_from_its_first_instant_to_before_its_last(void **state)
{
	struct place *place = *state;

	three_days(place);
	assert_int_equal(drawn(place, INT64_MIN, INT64_MAX), 4);
	assert_int_equal(drawn(place, NOW - DAY, NOW), 2);
	assert_int_equal(drawn(place, NOW - DAY + 1, NOW + 1), 2);
	assert_int_equal(drawn(place, NOW - DAY, NOW - DAY + 1), 1);
	assert_int_equal(drawn(place, NOW + 1, INT64_MAX), 0);
	assert_int_equal(drawn(place, 0, NOW - 2 * DAY), 0);
	/* the ends of time */
	assert_int_equal(drawn(place, -1, 253402300799999), 4);

	assert_counts(place, INT64_MIN, INT64_MAX, 4, 4);
	assert_counts(place, NOW - DAY, NOW, 2, 4);
	assert_counts(place, NOW + 2 * DAY, INT64_MAX, 0, 0);
	assert_counts(place, INT64_MIN, NOW - 4 * DAY, 0, 0);
}

static void what_is_drawn_is_told_and_stored(void **state)
{
	struct place *place = *state;
	struct report_request request = request_of(INT64_MIN, INT64_MAX);
	struct report_status drawn_status, status;
	struct str pdf;

	three_days(place);
	assert_ok(place, report_draw(place->archive, &settings, &request, 4,
				     &drawn_status, &place->err));
	assert_ok(place, report_status(place->archive, REPORT, NOW + DAY,
				       place->arena, &status, &place->err));
	assert_int_equal(status.state, REPORT_DONE);
	assert_int_equal(status.orders, 4);
	assert_int_equal(status.done, 4);
	assert_int_equal(status.total, 4);
	assert_true(status.pages >= 1);
	assert_string_equal(status.digest, drawn_status.digest);
	assert_ok(place, object_archive_get(place->archive,
					    STR("reports/" REPORT ".pdf"),
					    16 * MIB, place->arena, &pdf,
					    &place->err));
	assert_true(str_starts(pdf, STR("%PDF-")));
}

static void a_damaged_object_is_named_and_not_fatal(void **state)
{
	struct place *place = *state;

	three_days(place);
	assert_ok(place, object_archive_put(
				 place->archive,
				 STR("archive/2026/11/24/"
				     "0193a5c0-0000-7000-8000-00000000000b.json"),
				 STR("{\"event"), TYPE, OBJECT_CREATE,
				 &place->err));
	assert_int_equal(drawn(place, INT64_MIN, INT64_MAX), 4);
}

static void an_unknown_report_is_not_found(void **state)
{
	struct place *place = *state;
	struct report_status status;

	assert_refused(place, ERROR_NOT_FOUND,
		       report_status(place->archive, REPORT, NOW, place->arena,
				     &status, &place->err));
}

static void tell(struct place *place, const char *json)
{
	assert_ok(place, object_archive_put(place->archive,
					    STR("reports/" REPORT ".json"),
					    str_from(json), TYPE,
					    OBJECT_REPLACE, &place->err));
}

static void a_silent_job_has_failed(void **state)
{
	struct place *place = *state;
	struct report_status status;
	int64_t told_ms;

	tell(place, "{\"state\":\"running\",\"done\":7,\"total\":9,"
		    "\"updated_at\":\"2026-11-24T16:00:00.000Z\","
		    "\"filename\":\"\",\"detail\":\"\"}");
	assert_true(time_parse(STR("2026-11-24T16:00:00.000Z"), &told_ms));
	assert_ok(place, report_status(place->archive, REPORT,
				       told_ms + 120000, place->arena, &status,
				       &place->err));
	assert_int_equal(status.state, REPORT_RUNNING);
	assert_int_equal(status.done, 7);
	assert_int_equal(status.total, 9);
	assert_ok(place, report_status(place->archive, REPORT,
				       told_ms + 120001, place->arena, &status,
				       &place->err));
	assert_int_equal(status.state, REPORT_FAILED);
	assert_true(status.detail.len > 0);
}

static void a_damaged_status_is_our_fault(void **state)
{
	static const char *const bad[] = {
		"", "{", "[]", "{}", "{\"state\":\"running\"}",
		"{\"state\":\"resting\",\"updated_at\":\"2026-11-24T16:00:00.000Z\"}"
	};
	struct place *place = *state;
	struct report_status status;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		tell(place, bad[i]);
		assert_refused(place, ERROR_INTERNAL,
			       report_status(place->archive, REPORT, NOW,
					     place->arena, &status,
					     &place->err));
	}
}

/* --- an archive with many keys --------------------------------------------- */

struct many {
	struct object_archive base;
	unsigned given, total;
};

static bool many_list(struct object_archive *archive, struct str prefix,
		      struct str after, size_t limit, struct arena *arena,
		      struct object_keys *ret, struct error *err)
{
	struct many *many = (struct many *)archive;

	(void)prefix;
	(void)after;
	(void)err;
	*ret = (struct object_keys){ 0 };
	ret->keys = arena_alloc(arena, limit * sizeof(*ret->keys));
	while (ret->count < limit && many->given < many->total)
		ret->keys[ret->count++] = str_from(arena_printf(
			arena, "archive/2026/11/24/%036u.json", many->given++));
	ret->has_more = many->given < many->total;
	return true;
}

static void a_million_objects_are_counted_in_little_memory(void **state)
{
	static const struct object_archive_ops ops = { .name = "many",
						       .list = many_list };
	struct many many = { { &ops }, 0, 1000000 };
	struct report_request request = request_of(INT64_MIN, INT64_MAX);
	struct error err;
	uint64_t count;

	(void)state;
	error_init(&err);
	assert_true(report_count(&many.base, &request, UINT64_MAX, &count,
				 &err));
	assert_int_equal(count, 1000000);
	many.given = 0;
	assert_true(report_count(&many.base, &request, 1200, &count, &err));
	assert_in_range(count, 1200, 1200 + 4999);	/* whole pages */
}

/* --- a process of its own ------------------------------------------------------ */

static void a_job_of_its_own_is_done_and_told(void **state)
{
	struct place *place = *state;
	struct report_request request = request_of(INT64_MIN, INT64_MAX);
	struct report_status status;
	int child_status;

	three_days(place);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	assert_ok(place, report_start(place->archive, &settings, &request, 4,
				      &place->err));
	/* it says at once that it runs, and its end is the end of the job */
	assert_ok(place, report_status(place->archive, REPORT, NOW,
				       place->arena, &status, &place->err));
	assert_true(waitpid(-1, &child_status, 0) > 0);
	assert_int_equal(child_status, 0);
	assert_ok(place, report_status(place->archive, REPORT, NOW,
				       place->arena, &status, &place->err));
	assert_int_equal(status.state, REPORT_DONE);
	assert_int_equal(status.orders, 4);
}

static volatile pid_t *job;	/* shared with it */

/* Lists for ever, slowly. */
static bool slow_list(struct object_archive *archive, struct str prefix,
		      struct str after, size_t limit, struct arena *arena,
		      struct object_keys *ret, struct error *err)
{
	(void)archive;
	(void)prefix;
	(void)after;
	(void)limit;
	(void)arena;
	(void)err;
	*job = getpid();
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	*ret = (struct object_keys){ .has_more = true };
	return true;
}

static bool put_nothing(struct object_archive *archive, struct str key,
			struct str bytes, struct str content_type,
			enum object_put_mode mode, struct error *err)
{
	(void)archive;
	(void)key;
	(void)bytes;
	(void)content_type;
	(void)mode;
	(void)err;
	return true;
}

static const struct object_archive_ops slow_ops = {
	.name = "slow", .list = slow_list, .put = put_nothing,
};

static void start_slow_job(void)
{
	struct object_archive slow = { &slow_ops };
	struct report_request request = request_of(INT64_MIN, INT64_MAX);
	struct error err;

	*job = 0;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	error_init(&err);
	assert_true(report_start(&slow, &settings, &request, 9, &err));
}

static void await_job(void)
{
	for (int i = 0; i < 500 && *job == 0; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	assert_true(*job > 0);
}

/* The listener may be fd 0 (spawn-fcgi): whoever held it would keep the desk's
 * door open with nobody behind it. */
static void a_job_holds_no_connection_and_no_listener(void **state)
{
	int connection[2], listener[2], input = dup(0), status;
	char byte;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, connection), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, listener), 0);
	dup2(listener[1], 0);
	close(listener[1]);
	start_slow_job();

	/* as soon as report_start returns: nginx is answered then */
	close(connection[1]);
	dup2(input, 0);
	close(input);
	assert_int_equal(recv(connection[0], &byte, 1, MSG_DONTWAIT), 0);
	assert_int_equal(recv(listener[0], &byte, 1, MSG_DONTWAIT), 0);
	close(connection[0]);
	close(listener[0]);
	await_job();
	kill(*job, SIGKILL);
	assert_int_equal(waitpid(*job, &status, 0), *job);
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void ignore(int signal_number)
{
	(void)signal_number;
}

/* libfcgi has put handlers of its own where SIGTERM would end us. */
static void a_job_ends_at_sigterm(void **state)
{
	sigset_t stop;
	int status;

	(void)state;
	signal(SIGTERM, ignore);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	start_slow_job();
	await_job();
	kill(*job, SIGTERM);
	for (int i = 0; i < 200; i++) {
		if (waitpid(*job, &status, WNOHANG) == *job) {
			assert_true(WIFSIGNALED(status));
			assert_int_equal(WTERMSIG(status), SIGTERM);
			signal(SIGTERM, SIG_DFL);
			sigprocmask(SIG_UNBLOCK, &stop, NULL);
			return;
		}
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	kill(*job, SIGKILL);
	waitpid(*job, &status, 0);
	fail_msg("the job went on");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		place_test(a_period_is_from_its_first_instant_to_before_its_last),
		place_test(what_is_drawn_is_told_and_stored),
		place_test(a_damaged_object_is_named_and_not_fatal),
		place_test(an_unknown_report_is_not_found),
		place_test(a_silent_job_has_failed),
		place_test(a_damaged_status_is_our_fault),
		place_test(a_million_objects_are_counted_in_little_memory),
		place_test(a_job_of_its_own_is_done_and_told),
		place_test(a_job_holds_no_connection_and_no_listener),
		place_test(a_job_ends_at_sigterm),
	};

	job = mmap(NULL, sizeof(*job), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (job == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
