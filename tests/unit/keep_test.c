/*
 * keep_test.c: is a record closed only when its bytes are in the archive, and is
 * what was missed swept?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include "deletion/archive_step.h"
#include "fakes/deletion_log_memory.h"
#include "http_client/http_client.h"
#include "relay/keep.h"

#include "base/banned.h"

#define NOW_MS 1795536000000ll

static struct fake_archive {
	struct object_archive base;
	struct str object;	/* of every key; absent: there is none */
	bool away;
	struct str unreadable;	/* a key */
	unsigned reads, writes;
} archive;

static struct fake_database {
	struct database base;
	unsigned maintained;
} database;

static struct deletion_log_memory deletions;
static struct keep keep;
static struct turn turn;
static struct error err;
static char folder[64], config_path[96], token_path[96];
static struct config *config;

static bool fake_get(struct object_archive *self, struct str key,
		     size_t max_bytes, struct arena *arena, struct str *ret,
		     struct error *error)
{
	(void)self, (void)max_bytes, (void)arena;
	archive.reads++;
	if (archive.away || str_eq(key, archive.unreadable))
		return error_cause(error, ERROR_UNAVAILABLE, "away");
	*ret = archive.object;
	return archive.object.len ||
	       error_set(error, ERROR_NOT_FOUND, "no such object");
}

static bool fake_put(struct object_archive *self, struct str key,
		     struct str bytes, struct str content_type,
		     enum object_put_mode mode, struct error *error)
{
	(void)self, (void)key, (void)content_type, (void)error;
	assert_int_equal(mode, OBJECT_CREATE);
	archive.writes++;
	archive.object = bytes;
	return true;
}

static const struct object_archive_ops archive_ops = {
	.name = "fake", .get = fake_get, .put = fake_put,
};

static bool fake_maintain(struct database *self, int64_t now_ms,
			  struct error *error)
{
	(void)self, (void)now_ms, (void)error;
	database.maintained++;
	return true;
}

static bool fake_bracket(struct database *self, struct error *error)
{
	(void)self, (void)error;
	return true;
}

static const struct database_ops database_ops = {
	.name = "fake", .begin = fake_bracket, .commit = fake_bracket,
	.maintain = fake_maintain,
};

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int open_keep(void **state)
{
	char text[200];

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/keep_test.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(config_path, sizeof(config_path), "%s/conf", folder);
	snprintf(token_path, sizeof(token_path), "%s/token", folder);
	snprintf(text, sizeof(text), "relay.token_file = %s\n", token_path);
	write_text(config_path, text);
	write_text(token_path, "om_secret\n");
	memset(&archive, 0, sizeof(archive));
	memset(&database, 0, sizeof(database));
	memset(&deletions, 0, sizeof(deletions));
	archive.base.ops = &archive_ops;
	database.base.ops = &database_ops;
	deletions.base.ops = &memory_ops;
	error_init(&err);
	assert_true(config_load(&config, config_path, &err));
	keep = (struct keep){
		.config = config, .database = &database.base,
		.log = &deletions.base, .archive = &archive.base,
		.sweep_after_ms = 120000,
	};
	assert_true(http_client_open(&keep.client, &err));
	turn.arena = arena_new("keep_test", 32 * MIB);
	turn.now_ms = turn.due_ms = NOW_MS;
	return 0;
}

static int close_keep(void **state)
{
	(void)state;
	arena_free(turn.arena);
	http_client_close(keep.client);
	free(keep.archive_url);
	config_free(config);
	unlink(config_path);
	unlink(token_path);
	return rmdir(folder);
}

static void take_turn(void)
{
	turn.again_in_ms = 1000;
	turn.progress = false;
	assert_true(keep_turn(&keep, &turn, &err));
	assert_true(keep_sweep(&keep, &turn, &err));
}

/* A mailed deletion; its archive object's bytes. */
static struct str mailed(struct deletion **ret)
{
	struct deletion *deletion = memory_add(&deletions, NOW_MS, "{}");
	struct buf object;

	buf_init(&object, turn.arena, 1 * MIB);
	archive_object(deletion, &object);
	sha256_hex(buf_str(&object), deletion->archive_digest);
	deletion->archive_key = STR("archive/2026/11/24/x.json");
	deletion->state = DELETION_MAILED;
	*ret = deletion;
	return buf_str(&object);
}

static void bytes_that_are_right_close_the_record(void **state)
{
	struct deletion *deletion;

	(void)state;
	archive.object = mailed(&deletion);
	take_turn();
	assert_int_equal(deletion->state, DELETION_DONE);
	assert_int_equal(archive.writes, 0);
}

static void an_archived_record_is_not_closed_before_it_is_mailed(void **state)
{
	struct deletion *deletion;

	(void)state;
	archive.object = mailed(&deletion);
	deletion->state = DELETION_ARCHIVED;
	take_turn();
	assert_int_equal(deletion->state, DELETION_ARCHIVED);
	assert_int_equal(archive.reads, 0);
}

static void damaged_bytes_keep_the_record_open(void **state)
{
	struct deletion *deletion;

	(void)state;
	mailed(&deletion);
	archive.object = STR("{\"torn");
	take_turn();
	assert_int_equal(deletion->state, DELETION_MAILED);
	assert_int_equal(archive.writes, 0);
}

static void damage_is_looked_at_again_once_a_minute(void **state)
{
	struct deletion *deletion;
	struct str good = mailed(&deletion);

	(void)state;
	archive.object = STR("{\"torn");
	for (int i = 0; i < 60; i++) {
		take_turn();
		turn.due_ms += 1000;
	}
	assert_int_equal(archive.reads, 1);
	archive.object = good;	/* somebody brought the backup */
	take_turn();
	assert_int_equal(deletion->state, DELETION_DONE);
}

static void damaged_records_do_not_hold_others_up(void **state)
{
	struct deletion *deletion;
	struct str good = STR("");

	(void)state;
	for (int i = 0; i < MEMORY_DELETIONS; i++) {
		good = mailed(&deletion);
		if (i < MEMORY_DELETIONS - 1)
			deletion->archive_digest[0] = 'x';
	}
	archive.object = good;
	take_turn();
	assert_int_equal(turn.again_in_ms, 0);
	take_turn();
	assert_int_equal(deletion->state, DELETION_DONE);
}

static void an_archive_that_is_away_is_not_taken_for_damaged(void **state)
{
	struct deletion *deletion;

	(void)state;
	archive.object = mailed(&deletion);
	archive.away = true;
	for (int i = 0; i < 120; i++) {
		take_turn();
		turn.due_ms += 1000;
	}
	assert_in_range(archive.reads, 10, 20);
	archive.away = false;
	for (int i = 0; i < 12; i++) {
		take_turn();
		turn.due_ms += 1000;
	}
	assert_int_equal(deletion->state, DELETION_DONE);
}

static void an_object_that_cannot_be_read_does_not_hold_others_up(void **state)
{
	struct deletion *first, *second;

	(void)state;
	archive.object = mailed(&first);
	first->archive_key = archive.unreadable = STR("archive/first.json");
	archive.object = mailed(&second);
	for (int i = 0; i < 5; i++) {
		take_turn();
		turn.due_ms += 1000;
	}
	assert_int_equal(first->state, DELETION_MAILED);
	assert_int_equal(second->state, DELETION_DONE);
}

static void an_object_that_is_gone_is_put_back(void **state)
{
	struct deletion *deletion;
	struct str good = mailed(&deletion);

	(void)state;
	take_turn();
	assert_int_equal(archive.writes, 1);
	assert_true(str_eq(archive.object, good));
	assert_int_equal(deletion->state, DELETION_DONE);
}

static void an_object_that_would_differ_is_not_put_back(void **state)
{
	struct deletion *deletion;

	(void)state;
	mailed(&deletion);
	deletion->order_json = STR("{\"a\":1}");
	take_turn();
	assert_int_equal(archive.writes, 0);
	assert_int_equal(deletion->state, DELETION_MAILED);
}

static void the_database_is_kept_once_a_second(void **state)
{
	(void)state;
	take_turn();
	turn.due_ms += 999;
	take_turn();
	assert_int_equal(database.maintained, 1);
	turn.due_ms += 1;
	take_turn();
	assert_int_equal(database.maintained, 2);
}

/* --- a server for one request */

static char request[2000];

static void *serve(void *arg)
{
	static const char body[] = "{\"examined\":1,\"archived\":1,"
				   "\"already_archived\":0,\"failed\":0}";
	int connection = accept(*(int *)arg, NULL, NULL);
	size_t len = 0;
	ssize_t got;

	while (!strstr(request, "\r\n\r\n{}") && len < sizeof(request) - 1 &&
	       (got = read(connection, request + len,
			   sizeof(request) - 1 - len)) > 0)
		len += (size_t)got;
	dprintf(connection, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
		"Content-Type: application/json\r\n\r\n%s", sizeof(body) - 1,
		body);
	close(connection);
	return NULL;
}

static int listen_on(unsigned *ret_port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void set_url(unsigned port)
{
	assert_true(asprintf(&keep.archive_url,
			     "http://127.0.0.1:%u/api/archive", port) > 0);
}

static void what_was_missed_is_swept_with_the_token(void **state)
{
	pthread_t server;
	unsigned port;
	int fd = listen_on(&port);

	(void)state;
	assert_int_equal(listen(fd, 1), 0);
	set_url(port);
	memset(request, 0, sizeof(request));
	assert_int_equal(pthread_create(&server, NULL, serve, &fd), 0);
	memory_add(&deletions, NOW_MS - 120001, "{}");
	take_turn();
	pthread_join(server, NULL);
	close(fd);
	assert_true(turn.progress);
	assert_non_null(strstr(request, "POST /api/archive HTTP/1.1\r\n"));
	assert_non_null(strstr(request, "Authorization: Bearer om_secret\r\n"));
	assert_int_equal(keep.sweeps_failed, 0);
	assert_int_equal(keep.sweep_at_ms, NOW_MS + 1000);
}

static void what_is_young_is_not_swept(void **state)
{
	(void)state;
	set_url(1);
	memory_add(&deletions, NOW_MS - 119999, "{}");
	take_turn();
	assert_false(turn.progress);
}

static void a_sweep_that_fails_slows_down_to_every_ten_seconds(void **state)
{
	unsigned port;
	int fd = listen_on(&port);	/* bound, not listening: refused */

	(void)state;
	set_url(port);
	memory_add(&deletions, NOW_MS - 120001, "{}");
	for (int i = 0; i < 8; i++) {
		turn.due_ms = keep.sweep_at_ms > turn.due_ms ?
			      keep.sweep_at_ms : turn.due_ms;
		take_turn();
	}
	assert_int_equal(keep.sweeps_failed, 8);
	assert_int_equal(keep.sweep_at_ms, turn.due_ms + 10000);
	close(fd);
}

static void a_relay_without_a_token_sweeps_nothing(void **state)
{
	(void)state;
	set_url(1);
	write_text(token_path, "");
	memory_add(&deletions, NOW_MS - 120001, "{}");
	take_turn();
	assert_int_equal(keep.sweeps_failed, 1);
}

#define keep_test(f) cmocka_unit_test_setup_teardown(f, open_keep, close_keep)

int main(void)
{
	const struct CMUnitTest tests[] = {
		keep_test(bytes_that_are_right_close_the_record),
		keep_test(an_archived_record_is_not_closed_before_it_is_mailed),
		keep_test(damaged_bytes_keep_the_record_open),
		keep_test(damage_is_looked_at_again_once_a_minute),
		keep_test(damaged_records_do_not_hold_others_up),
		keep_test(an_archive_that_is_away_is_not_taken_for_damaged),
		keep_test(an_object_that_cannot_be_read_does_not_hold_others_up),
		keep_test(an_object_that_is_gone_is_put_back),
		keep_test(an_object_that_would_differ_is_not_put_back),
		keep_test(the_database_is_kept_once_a_second),
		keep_test(what_was_missed_is_swept_with_the_token),
		keep_test(what_is_young_is_not_swept),
		keep_test(a_sweep_that_fails_slows_down_to_every_ten_seconds),
		keep_test(a_relay_without_a_token_sweeps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
