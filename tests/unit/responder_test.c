/*
 * responder_test.c: is every request that reached a worker answered, once, and
 * never before the commit? A worker runs in a child on a socket of its own; the
 * test is its web server. Stopped by SIGSTOP, a worker finds all at once.
 */
#include "test_setup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/deadline.h"
#include "http/operation.h"
#include "http/responder.h"
#include "fakes/database_fake.h"
#include "fakes/fcgi_peer.h"

#include "base/banned.h"

#define PIECE_BYTES 50000u

static struct shared {
	struct database_fake_facts database;
	struct counters counters;
	uint64_t ended;
	unsigned handled, committed;
	int64_t left_ms;
	bool fail_open;
} *shared;

static struct {
	char folder[TEST_FOLDER_BYTES], path[128], log[128];
	struct config *config;
	struct arena *arena;
	int listener;
	int64_t careful_ms;
	pid_t worker;
} bench;

static struct database_fake database = { { .ops = &database_fake_ops }, NULL };

/* --- an operation that does as it is told -------------------------------- */

static bool open_ports(struct ports *ports, const struct config *config,
		       struct error *err)
{
	(void)config;
	if (shared->fail_open)
		return error_cause(err, ERROR_UNAVAILABLE, "told not to open");
	database.facts = &shared->database;
	ports->database = &database.base;
	return true;
}

/* Three pieces without a known end; the third fails when told so. */
static bool stream(const struct request *req, struct response *res,
		   struct error *err)
{
	for (int i = 0; i < 3; i++) {
		if (i == 2 && str_is(req->query, "break"))
			return error_cause(err, ERROR_UNAVAILABLE, "broke");
		for (unsigned n = 0; n < PIECE_BYTES; n++)
			buf_add_char(&res->body, (char)('a' + i));
		if (!response_flush(res, err))
			return false;
	}
	return true;
}

static bool handle(struct ports *ports, const struct request *req,
		   struct response *res, struct error *err)
{
	(void)ports;
	shared->handled++;
	shared->left_ms = deadline_left_ms();
	if (str_is(req->path, "/stream"))
		return stream(req, res, err);
	if (str_is(req->query, "crash"))
		_exit(7);
	if (str_is(req->query, "fault"))
		raise(SIGSEGV);
	if (str_is(req->query, "gone"))
		return error_set(err, ERROR_GONE, "told so");
	buf_add_text(&res->body, "done ");
	buf_add_str(&res->body, req->query);
	buf_add_str(&res->body, req->body);
	return true;
}

static void committed(struct ports *ports)
{
	(void)ports;
	shared->committed++;
}

#define ROUTES \
	{ { .methods = HTTP_GET, .path = "/t", .allow = "GET, HEAD, POST" }, \
	  { .methods = HTTP_POST, .path = "/t", .allow = "GET, HEAD, POST", \
	    .accepts = "*/*" }, \
	  { .methods = HTTP_GET, .path = "/stream", .allow = "GET, HEAD" } }

static const struct operation reading = {
	.name = "reading", .routes = ROUTES, .max_body_bytes = 64 * KIB,
	.open_ports = open_ports, .handle = handle,
};

static const struct operation writing = {
	.name = "writing", .routes = ROUTES, .max_body_bytes = 64 * KIB,
	.writes = true, .open_ports = open_ports, .handle = handle,
	.committed = committed,
};

static const struct operation looking = {
	.name = "looking", .routes = ROUTES, .max_body_bytes = 64 * KIB,
	.snapshot = true, .open_ports = open_ports, .handle = handle,
};

/* --- the bench ------------------------------------------------------------ */

static int set_up(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	test_folder_make(bench.folder, "responder");
	snprintf(bench.path, sizeof(bench.path), "%s/sock", bench.folder);
	snprintf(bench.log, sizeof(bench.log), "%s/log", bench.folder);
	bench.config = test_config("state.directory = %s\n", bench.folder);
	bench.arena = arena_new("responder_test", 64 * MIB);
	bench.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
				SOCK_CLOEXEC, 0);
	memcpy(address.sun_path, bench.path, strlen(bench.path));
	assert_int_equal(bind(bench.listener, (struct sockaddr *)&address,
			      sizeof(address)), 0);
	assert_int_equal(listen(bench.listener, 511), 0);
	*shared = (struct shared){ 0 };
	bench.worker = 0;
	bench.careful_ms = 0;
	return 0;
}

static void start(const struct operation *op, unsigned batch)
{
	sigset_t signals, before;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGPIPE);
	sigprocmask(SIG_BLOCK, &signals, &before);
	bench.worker = fork();
	if (bench.worker != 0)
		sigprocmask(SIG_SETMASK, &before, NULL);
	assert_true(bench.worker >= 0);
	if (bench.worker > 0)
		return;
	dup2(open(bench.log, O_WRONLY | O_CREAT | O_APPEND, 0600), 2);
	/* our ends of connections, too, would be open here as well */
	close_range(3, (unsigned)bench.listener - 1, 0);
	close_range((unsigned)bench.listener + 1, ~0u, 0);
	signal(SIGSEGV, SIG_DFL);	/* cmocka's own would go on with the tests */
	_exit(responder_run(op, bench.config, &shared->counters,
			    bench.listener, batch,
			    (struct crashes){ &shared->ended, 0,
					      bench.careful_ms }));
}

static void show_log(void)
{
	FILE *file = fopen(bench.log, "re");
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		fputs(line, stderr);
	if (file)
		fclose(file);
}

/* The worker's end, awaited for at most `wait_ms`. */
static bool has_ended(int64_t wait_ms)
{
	int status = 0;

	for (; wait_ms >= 0; wait_ms -= 5) {
		if (waitpid(bench.worker, &status, WNOHANG) == bench.worker) {
			bench.worker = 0;
			if (status != 0)
				show_log();
			assert_int_equal(status, 0);
			return true;
		}
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	return false;
}

static int tear_down(void **state)
{
	(void)state;
	if (bench.worker) {
		kill(bench.worker, SIGKILL);
		waitpid(bench.worker, NULL, 0);
	}
	close(bench.listener);
	arena_free(bench.arena);
	config_free(bench.config);
	test_folder_remove(bench.folder);
	return 0;
}

static void wait_ms(int64_t ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000,
				      .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

static int64_t now_ms(void)
{
	return clock_boot_ms();
}

static void hold(void)
{
	int status;

	kill(bench.worker, SIGSTOP);
	assert_int_equal(waitpid(bench.worker, &status, WUNTRACED),
			 bench.worker);
	assert_true(WIFSTOPPED(status));
}

static void go_on(void)
{
	kill(bench.worker, SIGCONT);
}

static int dial(void)
{
	int fd = peer_connect(bench.path);

	assert_true(fd >= 0);
	return fd;
}

/* A request's records; `padding` bytes more in its parameters. */
static struct str request_of(const char *method, const char *uri,
			     const char *length, struct str body, bool keep,
			     size_t padding)
{
	char *pad = arena_zalloc(bench.arena, padding + 1);
	const char *const parameters[] = {
		"REQUEST_METHOD", method, "REQUEST_URI", uri,
		"CONTENT_LENGTH", length, "CONTENT_TYPE", "text/plain",
		"HTTP_X_PADDING", memset(pad, 'p', padding), NULL
	};
	struct buf bytes;

	buf_init(&bytes, bench.arena, 32 * MIB);
	peer_begin(&bytes, keep);
	peer_params(&bytes, parameters);
	peer_stdin(&bytes, body);
	return buf_str(&bytes);
}

static void ask(int fd, const char *method, const char *uri)
{
	assert_true(peer_send(fd, request_of(method, uri, "", STR(""), true,
					     0)));
}

static void assert_starts(struct buf *answer, const char *status)
{
	if (!str_starts(buf_str(answer), str_from(status)))
		fail_msg("instead of %s: %.300s", status, answer->ptr);
}

static void assert_ends(struct buf *answer, const char *text)
{
	size_t len = strlen(text);

	if (answer->len < len ||
	    memcmp(answer->ptr + answer->len - len, text, len))
		fail_msg("does not end in %s: %.300s", text, answer->ptr);
}

static void read_answer(int fd, struct buf *answer)
{
	buf_init(answer, bench.arena, 32 * MIB);
	if (peer_read(fd, answer))
		return;
	show_log();
	fail_msg("no answer, or not all of it: %.300s", answer->ptr);
}

static void assert_answer(int fd, const char *status, const char *end)
{
	struct buf answer;

	read_answer(fd, &answer);
	assert_starts(&answer, status);
	assert_ends(&answer, end);
}

/* --- one request after the other ------------------------------------------- */

static void a_kept_connection_takes_the_next_request(void **state)
{
	int fd = dial();

	(void)state;
	start(&reading, 4);
	for (int i = 0; i < 3; i++) {
		ask(fd, "GET", "/t?one");
		assert_answer(fd, "Status: 200 ", "\r\n\r\ndone one");
	}
	close(fd);
}

static void waiting_for_others_has_a_deadline(void **state)
{
	int fd = dial();

	(void)state;
	start(&reading, 4);
	ask(fd, "GET", "/t?one");
	assert_answer(fd, "Status: 200 ", "\r\n\r\ndone one");
	assert_in_range(shared->left_ms, 1, LIMIT_REQUEST_MS);
	close(fd);
}

static void a_connection_that_is_not_kept_is_closed(void **state)
{
	int fd = dial();

	(void)state;
	start(&reading, 4);
	peer_send(fd, request_of("GET", "/t?one", "", STR(""), false, 0));
	assert_answer(fd, "Status: 200 ", "done one");
	assert_true(peer_is_closed(fd));
	close(fd);
}

static void a_head_has_no_body(void **state)
{
	struct buf answer;
	int fd = dial();

	(void)state;
	start(&reading, 4);
	ask(fd, "HEAD", "/t?one");
	read_answer(fd, &answer);
	assert_starts(&answer, "Status: 200 ");
	assert_ends(&answer, "\r\n\r\n");
	assert_non_null(strstr(answer.ptr, "\r\nContent-Length: 8\r\n"));
	close(fd);
}

/* libfcgi reads 8 KiB at a time: the record that ends a body may come alone. */
static void what_is_left_of_a_request_is_not_the_next_one(void **state)
{
	size_t bare = request_of("GET", "/t?a", "", STR(""), true, 0).len;

	(void)state;
	start(&reading, 4);
	for (size_t cut = 0; cut <= 8; cut++) {
		size_t padding = 8192 + cut - bare;
		int fd = dial();

		for (int i = 0; i < 2; i++) {
			peer_send(fd, request_of("GET", "/t?a", "", STR(""),
						 true, padding));
			assert_answer(fd, "Status: 200 ", "done a");
		}
		close(fd);
	}
}

static void a_body_is_taken_whole(void **state)
{
	char *text = arena_alloc(bench.arena, 64 * KIB);
	struct str body = { memset(text, 'x', 64 * KIB), 64 * KIB };
	struct buf answer;
	int fd = dial();

	(void)state;
	start(&reading, 4);
	peer_send(fd, request_of("POST", "/t", "65536", body, true, 0));
	read_answer(fd, &answer);
	assert_starts(&answer, "Status: 200 ");
	assert_non_null(strstr(answer.ptr, "\r\nContent-Length: 65541\r\n"));
	assert_ends(&answer, "xxxxxxxx");
	close(fd);
}

static void a_body_over_the_limit_is_413_and_the_connection_lives(void **state)
{
	size_t len = 3 * MIB;
	char *text = arena_alloc(bench.arena, len);
	struct str body = { memset(text, 'x', len), len };
	int fd = dial();

	(void)state;
	start(&reading, 4);
	peer_send(fd, request_of("POST", "/t", "3145728", body, true, 0));
	assert_answer(fd, "Status: 413 ", "}");
	ask(fd, "GET", "/t?next");
	assert_answer(fd, "Status: 200 ", "done next");
	close(fd);
}

static void a_length_that_is_a_lie_is_400(void **state)
{
	int fd = dial();

	(void)state;
	start(&reading, 4);
	peer_send(fd, request_of("POST", "/t", "9", STR("12345678"), true, 0));
	assert_answer(fd, "Status: 400 ", "}");
	peer_send(fd, request_of("POST", "/t", "-1", STR("1"), true, 0));
	assert_answer(fd, "Status: 400 ", "}");
	peer_send(fd, request_of("POST", "/t", "1e1", STR("1"), true, 0));
	assert_answer(fd, "Status: 400 ", "}");
	/* longer than it says: what it says counts */
	peer_send(fd, request_of("POST", "/t", "2", STR("12345678"), true, 0));
	assert_answer(fd, "Status: 200 ", "done 12");
	ask(fd, "GET", "/t?next");
	assert_answer(fd, "Status: 200 ", "done next");
	close(fd);
}

static void what_is_not_fastcgi_is_hung_up_on(void **state)
{
	int fd = dial(), good = dial();

	(void)state;
	start(&reading, 4);
	peer_send(fd, STR("GET / HTTP/1.1\r\n\r\n"));
	assert_true(peer_is_closed(fd));
	close(fd);
	ask(good, "GET", "/t?good");
	assert_answer(good, "Status: 200 ", "done good");
	close(good);
}

/* --- answers without a known end ------------------------------------------ */

static void a_stream_comes_in_pieces_without_a_length(void **state)
{
	struct buf answer;
	int fd = dial();
	char *body;

	(void)state;
	start(&reading, 4);
	ask(fd, "GET", "/stream");
	read_answer(fd, &answer);
	assert_starts(&answer, "Status: 200 ");
	assert_null(strstr(answer.ptr, "Content-Length"));
	body = strstr(answer.ptr, "\r\n\r\n");
	assert_non_null(body);
	assert_int_equal(strlen(body + 4), 3 * PIECE_BYTES);
	assert_ends(&answer, "ccccc");
	ask(fd, "GET", "/t?next");
	assert_answer(fd, "Status: 200 ", "done next");
	close(fd);
}

static void a_stream_that_breaks_has_no_end(void **state)
{
	struct buf answer;
	int fd = dial();

	(void)state;
	start(&reading, 4);
	buf_init(&answer, bench.arena, MIB);
	ask(fd, "GET", "/stream?break");
	assert_false(peer_read(fd, &answer));
	assert_starts(&answer, "Status: 200 ");
	assert_ends(&answer, "bbbb");
	close(fd);
	fd = dial();
	ask(fd, "GET", "/t?next");
	assert_answer(fd, "Status: 200 ", "done next");
	close(fd);
}

static void a_client_that_goes_away_takes_nobody_along(void **state)
{
	(void)state;
	start(&reading, 4);
	for (int i = 0; i < 4; i++) {
		int gone = dial(), here = dial();

		hold();
		ask(gone, "GET", i % 2 ? "/stream" : "/t?gone away");
		ask(here, "GET", "/t?here");
		close(gone);
		go_on();
		assert_answer(here, "Status: 200 ", "done here");
		close(here);
	}
}

/* --- all that is ready, one commit ---------------------------------------- */

static void what_is_ready_shares_one_commit(void **state)
{
	int fds[20];

	(void)state;
	start(&writing, 64);
	for (int i = 0; i < 20; i++) {
		fds[i] = dial();
		ask(fds[i], "GET", "/t?warm");
		assert_answer(fds[i], "Status: 200 ", "done warm");
	}
	wait_ms(20);
	hold();
	shared->database = (struct database_fake_facts){ 0 };
	shared->committed = 0;
	for (int i = 0; i < 20; i++)
		ask(fds[i], "GET", "/t?many");
	go_on();
	for (int i = 0; i < 20; i++) {
		assert_answer(fds[i], "Status: 200 ", "done many");
		close(fds[i]);
	}
	assert_int_equal(shared->database.begins, 1);
	assert_int_equal(shared->database.commits, 1);
	assert_int_equal(shared->database.marks, 20);
	assert_int_equal(shared->database.kept, 20);
	assert_int_equal(shared->counters.requests[2], 40);
	wait_ms(20);
	assert_int_equal(shared->committed, 1);
}

static void more_than_a_batch_is_answered_too(void **state)
{
	int fds[40];

	(void)state;
	start(&writing, 3);
	wait_ms(50);
	hold();
	for (int i = 0; i < 40; i++) {
		fds[i] = dial();
		ask(fds[i], "GET", "/t?many");
	}
	go_on();
	for (int i = 0; i < 40; i++) {
		assert_answer(fds[i], "Status: 200 ", "done many");
		close(fds[i]);
	}
	assert_true(shared->database.commits >= 14);
}

static void one_that_fails_is_undone_alone(void **state)
{
	int good = dial(), bad = dial();

	(void)state;
	ask(good, "GET", "/t?good");
	ask(bad, "GET", "/t?gone");
	start(&writing, 8);
	assert_answer(good, "Status: 200 ", "done good");
	assert_answer(bad, "Status: 410 ", "}");
	assert_int_equal(shared->database.commits, 1);
	assert_int_equal(shared->database.kept, 1);
	assert_int_equal(shared->database.undone, 1);
	close(good);
	close(bad);
}

static void nothing_written_is_nothing_committed(void **state)
{
	int fd = dial();

	(void)state;
	start(&writing, 8);
	ask(fd, "GET", "/t?gone");
	assert_answer(fd, "Status: 410 ", "}");
	assert_int_equal(shared->database.commits, 0);
	assert_int_equal(shared->database.rollbacks, 1);
	assert_int_equal(shared->committed, 0);
	close(fd);
}

/* What one was told may hang on what another wrote: "deleted", say. */
static void a_failed_commit_is_503_for_who_fails_alone_too(
	void **state)
{
	int good = dial(), bad = dial(), lost = dial();

	(void)state;
	shared->database.fail_commit = true;
	ask(good, "GET", "/t?good");
	ask(bad, "GET", "/t?gone");
	ask(lost, "GET", "/nowhere");
	start(&writing, 8);
	assert_answer(good, "Status: 503 ", "}");
	assert_answer(bad, "Status: 410 ", "}");
	assert_answer(lost, "Status: 404 ", "}");
	/* together, and the one that writes once more alone */
	assert_int_equal(shared->database.commits, 2);
	wait_ms(20);
	assert_int_equal(shared->committed, 0);

	shared->database.fail_commit = false;
	ask(good, "GET", "/t?again");
	assert_answer(good, "Status: 200 ", "done again");
	close(good);
	close(bad);
	close(lost);
}

static void a_transaction_that_does_not_begin_is_503(void **state)
{
	int fd = dial();

	(void)state;
	shared->database.fail_begin = true;
	start(&writing, 8);
	ask(fd, "GET", "/t?a");
	assert_answer(fd, "Status: 503 ", "}");
	assert_int_equal(shared->handled, 0);
	shared->database.fail_begin = false;
	ask(fd, "GET", "/t?b");
	assert_answer(fd, "Status: 200 ", "done b");
	close(fd);
}

static void a_mark_that_fails_is_503_and_nothing_is_done(void **state)
{
	int fd = dial();

	(void)state;
	shared->database.fail_mark = true;
	start(&writing, 8);
	ask(fd, "GET", "/t?a");
	assert_answer(fd, "Status: 503 ", "}");
	assert_int_equal(shared->handled, 0);
	assert_int_equal(shared->database.commits, 0);
	close(fd);
}

static void a_release_that_fails_is_503(void **state)
{
	int fd = dial();

	(void)state;
	shared->database.fail_release = true;
	start(&writing, 8);
	ask(fd, "GET", "/t?a");
	assert_answer(fd, "Status: 503 ", "}");
	assert_int_equal(shared->database.commits, 0);
	close(fd);
}

static void a_batch_of_quick_reads_shares_one_snapshot(void **state)
{
	int first = dial(), second = dial();

	(void)state;
	ask(first, "GET", "/t?1");
	ask(second, "GET", "/t?gone");
	start(&looking, 8);
	assert_answer(first, "Status: 200 ", "done 1");
	assert_answer(second, "Status: 410 ", "}");
	assert_int_equal(shared->database.snapshots, 1);
	assert_int_equal(shared->database.rollbacks, 1);
	ask(first, "GET", "/t?2");
	assert_answer(first, "Status: 200 ", "done 2");
	assert_int_equal(shared->database.snapshots, 1);
	close(first);
	close(second);
}

static void what_cannot_be_opened_is_503_until_it_can(void **state)
{
	int fd = dial();
	struct buf answer;

	(void)state;
	shared->fail_open = true;
	start(&writing, 8);
	ask(fd, "GET", "/t?a");
	read_answer(fd, &answer);
	assert_starts(&answer, "Status: 503 ");
	assert_non_null(strstr(answer.ptr, "\r\nRetry-After: 1\r\n"));
	assert_null(strstr(answer.ptr, "told not to"));
	assert_null(strstr(answer.ptr, "stored"));	/* by a GET? */
	ask(fd, "GET", "/readyz");
	assert_answer(fd, "Status: 503 ", "}");
	shared->fail_open = false;
	wait_ms(600);
	ask(fd, "GET", "/t?b");
	assert_answer(fd, "Status: 200 ", "done b");
	close(fd);
}

static void with_all_connections_taken_the_next_waits_for_one(void **state)
{
	int idle[LIMIT_CONNECTIONS], last;
	struct buf answer;

	(void)state;
	start(&reading, 64);
	for (unsigned i = 0; i < LIMIT_CONNECTIONS; i++) {
		idle[i] = dial();
		ask(idle[i], "GET", "/t?idle");
		read_answer(idle[i], &answer);
		arena_reset(bench.arena);
	}
	last = dial();
	ask(last, "GET", "/t?last");
	wait_ms(50);
	assert_int_equal(shared->handled, LIMIT_CONNECTIONS);
	close(idle[17]);
	assert_answer(last, "Status: 200 ", "done last");
	for (unsigned i = 0; i < LIMIT_CONNECTIONS; i++)
		if (i != 17)
			close(idle[i]);
	close(last);
}

/* --- drain, then die -------------------------------------------------------- */

static void sigterm_ends_a_worker_without_work(void **state)
{
	(void)state;
	start(&writing, 8);
	wait_ms(50);
	kill(bench.worker, SIGTERM);
	assert_true(has_ended(1000));
}

static void a_request_beside_sigterm_is_answered(void **state)
{
	int kept = dial(), fresh;

	(void)state;
	start(&reading, 64);
	ask(kept, "GET", "/t?warm");
	assert_answer(kept, "Status: 200 ", "done warm");
	hold();
	ask(kept, "GET", "/t?kept");
	kill(bench.worker, SIGTERM);
	go_on();
	assert_answer(kept, "Status: 200 ", "done kept");
	close(kept);
	assert_true(has_ended(1000));

	/* and who connects now is the next worker's */
	fresh = dial();
	ask(fresh, "GET", "/t?next");
	start(&reading, 64);
	assert_answer(fresh, "Status: 200 ", "done next");
	close(fresh);
	kill(bench.worker, SIGTERM);
	assert_true(has_ended(1000));
}

/* A connection that was taken and has not said anything yet is about to: nginx
 * sends right after it has connected, and never sends a POST twice. */
static void a_connection_just_taken_is_heard_before_the_end(void **state)
{
	int fd = dial();

	(void)state;
	start(&reading, 8);
	wait_ms(100);
	kill(bench.worker, SIGTERM);
	wait_ms(100);
	peer_send(fd, request_of("POST", "/t", "1", STR("x"), true, 0));
	assert_answer(fd, "Status: 200 ", "done x");
	close(fd);
	assert_true(has_ended(1000));
}

/* Only the web server knows that it is not sending down it just now. */
static void kept_connections_are_served_until_the_web_server_closes(
	void **state)
{
	int fd = dial(), other = dial();

	(void)state;
	start(&writing, 8);
	ask(fd, "GET", "/t?a");
	assert_answer(fd, "Status: 200 ", "done a");
	ask(other, "GET", "/t?a");
	assert_answer(other, "Status: 200 ", "done a");
	kill(bench.worker, SIGTERM);
	assert_false(has_ended(300));
	for (int i = 0; i < 3; i++) {
		ask(fd, "GET", "/t?b");
		assert_answer(fd, "Status: 200 ", "done b");
	}
	close(fd);
	assert_false(has_ended(300));
	close(other);
	assert_true(has_ended(1000));
}

static void a_worker_does_not_wait_for_ever(void **state)
{
	int fd = dial();
	int64_t from_ms;

	(void)state;
	start(&writing, 8);
	ask(fd, "GET", "/t?a");
	assert_answer(fd, "Status: 200 ", "done a");
	from_ms = now_ms();
	kill(bench.worker, SIGTERM);
	assert_true(has_ended(5000));
	assert_in_range(now_ms() - from_ms, 1000, 4000);
	close(fd);
}

static void wait_for_crash(void)
{
	int status;

	assert_int_equal(waitpid(bench.worker, &status, 0), bench.worker);
	assert_int_equal(WEXITSTATUS(status), 7);
	bench.worker = 0;
}

static void a_careful_worker_that_dies_takes_one_request_along(void **state)
{
	int crash, fds[5];

	(void)state;
	bench.careful_ms = 60000;
	shared->ended = 1;
	start(&reading, 64);
	wait_ms(50);
	hold();
	crash = dial();
	ask(crash, "GET", "/t?crash");
	for (int i = 0; i < 5; i++) {
		fds[i] = dial();
		ask(fds[i], "GET", "/t?lives");
	}
	go_on();
	wait_for_crash();
	start(&reading, 64);
	for (int i = 0; i < 5; i++) {
		assert_answer(fds[i], "Status: 200 ", "done lives");
		assert_true(peer_is_closed(fds[i]));	/* kept, it could be taken along */
		close(fds[i]);
	}
	close(crash);
}

static void a_careful_worker_is_as_any_other_after_a_while(void **state)
{
	int fd = dial();

	(void)state;
	bench.careful_ms = 1;
	shared->ended = 1;
	start(&reading, 64);
	ask(fd, "GET", "/t?first");
	assert_answer(fd, "Status: 200 ", "done first");
	close(fd);
	wait_ms(20);
	fd = dial();
	ask(fd, "GET", "/t?one");
	assert_answer(fd, "Status: 200 ", "done one");
	ask(fd, "GET", "/t?two");
	assert_answer(fd, "Status: 200 ", "done two");
	close(fd);
}

static void a_worker_is_careful_when_another_one_ended(void **state)
{
	int fd = dial();

	(void)state;
	bench.careful_ms = 60000;
	start(&reading, 64);
	ask(fd, "GET", "/t?one");
	assert_answer(fd, "Status: 200 ", "done one");
	counters_add(&shared->ended, 1);
	ask(fd, "GET", "/t?two");
	assert_answer(fd, "Status: 200 ", "done two");
	assert_true(peer_is_closed(fd));
	close(fd);
}

static void a_fault_is_told_before_the_connection_closes(void **state)
{
	int fd = dial(), status;

	(void)state;
	start(&reading, 64);
	ask(fd, "GET", "/t?fault");
	assert_true(peer_is_closed(fd));
	assert_int_equal(counters_get(&shared->ended), 1);
	assert_int_equal(waitpid(bench.worker, &status, 0), bench.worker);
	assert_true(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
	bench.worker = 0;
	close(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_kept_connection_takes_the_next_request),
		TEST(a_connection_that_is_not_kept_is_closed),
		TEST(waiting_for_others_has_a_deadline),
		TEST(a_head_has_no_body),
		TEST(what_is_left_of_a_request_is_not_the_next_one),
		TEST(a_body_is_taken_whole),
		TEST(a_body_over_the_limit_is_413_and_the_connection_lives),
		TEST(a_length_that_is_a_lie_is_400),
		TEST(what_is_not_fastcgi_is_hung_up_on),
		TEST(a_stream_comes_in_pieces_without_a_length),
		TEST(a_stream_that_breaks_has_no_end),
		TEST(a_client_that_goes_away_takes_nobody_along),
		TEST(what_is_ready_shares_one_commit),
		TEST(more_than_a_batch_is_answered_too),
		TEST(one_that_fails_is_undone_alone),
		TEST(nothing_written_is_nothing_committed),
		TEST(a_failed_commit_is_503_for_who_fails_alone_too),
		TEST(a_transaction_that_does_not_begin_is_503),
		TEST(a_mark_that_fails_is_503_and_nothing_is_done),
		TEST(a_release_that_fails_is_503),
		TEST(a_batch_of_quick_reads_shares_one_snapshot),
		TEST(what_cannot_be_opened_is_503_until_it_can),
		TEST(with_all_connections_taken_the_next_waits_for_one),
		TEST(sigterm_ends_a_worker_without_work),
		TEST(a_request_beside_sigterm_is_answered),
		TEST(a_connection_just_taken_is_heard_before_the_end),
		TEST(kept_connections_are_served_until_the_web_server_closes),
		TEST(a_worker_does_not_wait_for_ever),
		TEST(a_careful_worker_that_dies_takes_one_request_along),
		TEST(a_careful_worker_is_as_any_other_after_a_while),
		TEST(a_worker_is_careful_when_another_one_ended),
		TEST(a_fault_is_told_before_the_connection_closes),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
