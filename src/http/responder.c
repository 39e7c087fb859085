/*
 * responder.c: take all that is ready, commit once, answer all.
 *
 * libfcgi is asked only for the FastCGI records of a connection that is known
 * to be readable: accepting, waiting and signals are ours (its own accept loop
 * and signal handlers cut large bodies short when a signal arrives).
 */
#include "http/responder.h"

#include <errno.h>
#include <fcgiapp.h>
#include <limits.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/deadline.h"
#include "base/log.h"
#include "http/exchange.h"
#include "http/metrics.h"
#include "base/banned.h"

#define BATCH_MAX 64u
#define READ_TIMEOUT_S 5	/* a peer that sends half a request */
#define SEND_TIMEOUT_S 30
#define REOPEN_AFTER_MS 500
/* Longer than nginx keeps a connection (keepalive_time, keepalive_timeout):
 * when we are to stop, we serve kept ones until nginx has closed them. It may
 * be sending a POST down any of them, and that is never sent twice. */
#define DRAIN_MS 3000
/* More than any body that nginx lets through (client_max_body_size). */
#define STDIN_MAX_BYTES (16u * MIB)

enum { LISTENER = LIMIT_CONNECTIONS, SIGNALS, EVENT_SOURCES };

struct connection {
	FCGX_Request fcgi;
	bool used, watched;
};

struct worker {
	const struct operation *operation;
	const struct config *config;
	struct counters *counters;
	int listener, epoll, signals;
	unsigned batch;
	struct crashes crashes;
	int64_t careful_until_ms;	/* 0: not, or not any more */
	bool accepting, draining;
	int64_t drain_until_ms;

	struct ports ports;
	struct error open_failure;
	int64_t opened_ms;

	struct connection connections[LIMIT_CONNECTIONS];
	unsigned used;
	struct exchange exchanges[BATCH_MAX];
};

static void watch(struct worker *w, int fd, unsigned source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u32 = source };

	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		log_say("error", "epoll", "add: %s", strerror(errno));
}

static void start_accepting(struct worker *w)
{
	if (w->accepting || w->draining || w->used >= LIMIT_CONNECTIONS)
		return;
	watch(w, w->listener, LISTENER, EPOLLIN | EPOLLEXCLUSIVE);
	w->accepting = true;
}

static void stop_accepting(struct worker *w)
{
	if (w->accepting)
		epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->listener, NULL);
	w->accepting = false;
}

static void drop(struct worker *w, struct connection *c)
{
	if (c->fcgi.ipcFd >= 0)
		FCGX_Free(&c->fcgi, 1);
	c->used = c->watched = false;
	w->used--;
}

/* The other side has closed it: there is nobody to linger for, as libfcgi does. */
static void hang_up(struct worker *w, struct connection *c)
{
	FCGX_Free(&c->fcgi, 0);
	close(c->fcgi.ipcFd);
	c->fcgi.ipcFd = -1;
	drop(w, c);
}

static bool has_bytes(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* One new connection, or NULL when there is none waiting. */
static struct connection *take_connection(struct worker *w)
{
	struct timeval read_timeout = { .tv_sec = READ_TIMEOUT_S };
	struct timeval send_timeout = { .tv_sec = SEND_TIMEOUT_S };
	struct connection *c = w->connections;
	int fd;

	if (w->used >= LIMIT_CONNECTIONS) {
		stop_accepting(w);
		return NULL;
	}
	fd = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return NULL;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &read_timeout,
		   sizeof(read_timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send_timeout,
		   sizeof(send_timeout));
	while (c->used)
		c++;
	/* Listener -1: when this connection fails, libfcgi must not accept
	 * another. */
	FCGX_InitRequest(&c->fcgi, -1, 0);
	c->fcgi.ipcFd = fd;
	c->fcgi.keepConnection = 1;
	c->used = true;
	c->watched = false;
	w->used++;
	return c;
}

static void read_body(struct cgi *cgi, FCGX_Request *fcgi, struct arena *arena,
		      size_t max_body_bytes)
{
	uint64_t length = 0;
	char *body;
	size_t got = 0;

	if (cgi->content_length.len == 0 ||
	    !str_to_uint(cgi->content_length, max_body_bytes, &length))
		return;	/* request_read refuses it */
	body = arena_alloc(arena, length + 1);
	while (got < length) {
		size_t want = length - got > INT_MAX ? INT_MAX : length - got;
		int n = FCGX_GetStr(body + got, (int)want, fcgi->in);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	body[got] = '\0';
	cgi->body = (struct str){ body, got };
	cgi->body_is_short = got < length;
}

/* To its end: a record that is left would be taken for the next request, and
 * libfcgi would hang up on that. */
static void skip_rest(FCGX_Request *fcgi)
{
	char rest[4096];
	size_t got = 0;
	int n;

	while (got < STDIN_MAX_BYTES &&
	       (n = FCGX_GetStr(rest, sizeof(rest), fcgi->in)) > 0)
		got += (size_t)n;
	if (got >= STDIN_MAX_BYTES)
		fcgi->keepConnection = 0;
}

/* Reads one request; false when the connection ended or was not FastCGI. */
static bool read_exchange(struct worker *w, struct exchange *ex,
			  struct connection *c)
{
	if (FCGX_Accept_r(&c->fcgi) < 0) {
		drop(w, c);
		return false;
	}
	if (!ex->arena)
		ex->arena = arena_new("request", LIMIT_REQUEST_ARENA_BYTES);
	ex->cgi = (struct cgi){ 0 };
	for (char **parameter = c->fcgi.envp; *parameter; parameter++)
		cgi_take(&ex->cgi, *parameter, ex->arena);
	if (w->careful_until_ms)
		c->fcgi.keepConnection = 0;
	read_body(&ex->cgi, &c->fcgi, ex->arena, w->operation->max_body_bytes);
	skip_rest(&c->fcgi);
	ex->connection = c;
	return true;
}

static bool put(FCGX_Request *fcgi, struct str text)
{
	return text.len == 0 ||
	       FCGX_PutStr(text.ptr, (int)text.len, fcgi->out) ==
		       (int)text.len;
}

static bool put_headers(struct exchange *ex, int64_t length)
{
	struct connection *c = ex->connection;
	struct buf headers;

	buf_init(&headers, ex->arena, 16 * KIB);
	exchange_headers(ex, length, &headers);
	return put(&c->fcgi, buf_str(&headers));
}

/* response_flush: a part of an answer whose length nobody knows yet. */
static bool flush_part(struct response *res)
{
	struct exchange *ex = res->connection;
	struct connection *c = ex->connection;
	bool ok = true;

	if (!res->streaming) {
		res->streaming = true;
		ok = put_headers(ex, -1);
	}
	if (!ex->req.head_only) {
		ok = ok && put(&c->fcgi, buf_str(&res->body));
		res->bytes_sent += res->body.len;
	}
	buf_reset(&res->body);
	return ok && FCGX_FFlush(c->fcgi.out) == 0;
}

static void send_answer(struct worker *w, struct exchange *ex)
{
	struct connection *c = ex->connection;
	struct response *res = &ex->res;
	bool has_body = res->status != 204 && res->status != 304;
	bool broken;

	if (res->streaming) {
		/* A stream that failed must not look complete: no end
		 * record. */
		broken = error_is_set(&ex->err) || !flush_part(res);
	} else {
		broken = !put_headers(ex, (int64_t)res->body.len);
		has_body = has_body && !ex->req.head_only;
		if (has_body)
			broken |= !put(&c->fcgi, buf_str(&res->body));
		res->bytes_sent = has_body ? res->body.len : 0;
	}
	if (broken) {
		shutdown(c->fcgi.ipcFd, SHUT_RDWR);
		c->fcgi.keepConnection = 0;
	}
	int fd = c->fcgi.ipcFd;

	exchange_note(ex, w->counters);	/* before the parameters' memory goes */
	FCGX_Finish_r(&c->fcgi);
	if (c->fcgi.ipcFd < 0) {
		drop(w, c);
	} else if (!c->watched) {
		watch(w, fd, (unsigned)(c - w->connections), EPOLLIN);
		c->watched = true;
	}
	arena_reset(ex->arena);
}

/* By the ops, not by the ports' functions: those would have every program link
 * every adapter and its libraries. */
#define CLOSE(port) do { if (port) (port)->ops->close(port); } while (0)

static void close_ports(struct ports *ports)
{
	free((void *)(uintptr_t)ports->settings.secret.ptr);
	bell_close(ports->bell);
	CLOSE(ports->mailer);
	CLOSE(ports->recognizer);
	CLOSE(ports->events);
	CLOSE(ports->archive);
	CLOSE(ports->subscribers);
	CLOSE(ports->deletions);
	CLOSE(ports->orders);
	CLOSE(ports->database);
	*ports = (struct ports){ 0 };
}

/* A dependency that is down at the start is no reason to be away: requests get
 * a 503 that says so, and opening is tried again. */
static void ensure_open(struct worker *w, int64_t now_ms)
{
	if (w->opened_ms && (!error_is_set(&w->open_failure) ||
			     now_ms - w->opened_ms < REOPEN_AFTER_MS))
		return;
	w->opened_ms = now_ms;
	error_init(&w->open_failure);
	if (settings_open(&w->ports.settings, w->config, &w->open_failure) &&
	    w->operation->open_ports(&w->ports, w->config, &w->open_failure))
		return;
	log_say("error", "open", "%s", error_reason(&w->open_failure));
	close_ports(&w->ports);
}

/* Opens what the batch needs; false with open_failure or `failure` set. */
static bool begin_batch(struct worker *w, size_t count, struct error *failure)
{
	error_init(failure);
	if (error_is_set(&w->open_failure))
		return false;
	if (w->operation->writes)
		return database_begin(w->ports.database, failure);
	/* One read lock for all of them; a single request takes its own. */
	return w->operation->snapshot && count > 1 &&
	       database_snapshot(w->ports.database, failure);
}

static void handle(struct worker *w, struct exchange *ex,
		   const struct error *failure, int64_t now_ms)
{
	exchange_handle(ex, w->operation, &w->ports,
			error_is_set(failure) ? failure : &w->open_failure,
			now_ms);
}

/* One request in a transaction of its own. */
static bool handle_alone(struct worker *w, struct exchange *ex, int64_t now_ms)
{
	struct error failure;

	if (!begin_batch(w, 1, &failure)) {
		exchange_fail(ex, &failure);
		return false;
	}
	error_init(&failure);
	handle(w, ex, &failure, now_ms);
	if (!ex->wrote) {
		database_rollback(w->ports.database);
		return false;
	}
	if (database_commit(w->ports.database, &failure))
		return true;
	exchange_fail(ex, &failure);
	return false;
}

/*
 * Commits what was written; false when nothing was stored. When the commit
 * fails, what any request of it was told may hang on what another one wrote
 * ("deleted", say): each is taken again, alone, so that one request's trouble
 * is no other's.
 */
static bool end_batch(struct worker *w, size_t count, bool wrote,
		      int64_t now_ms)
{
	struct error failure;
	bool any = false;

	error_init(&failure);
	if (!wrote) {
		database_rollback(w->ports.database);
		return false;
	}
	if (database_commit(w->ports.database, &failure))
		return true;
	for (size_t i = 0; i < count; i++)
		if (w->exchanges[i].ran)
			any |= handle_alone(w, &w->exchanges[i], now_ms);
	return any;
}

static void serve(struct worker *w, size_t count)
{
	int64_t now_ms = clock_now_ms();
	struct error failure;
	bool begun, wrote = false;

	deadline_set_in(w->operation->limit_ms ? w->operation->limit_ms :
						 LIMIT_REQUEST_MS);
	ensure_open(w, now_ms);
	begun = begin_batch(w, count, &failure);
	for (size_t i = 0; i < count; i++) {
		handle(w, &w->exchanges[i], &failure, now_ms);
		wrote |= w->exchanges[i].wrote;
	}
	if (begun)
		wrote = end_batch(w, count, wrote, now_ms);
	deadline_clear();
	for (size_t i = 0; i < count; i++)
		send_answer(w, &w->exchanges[i]);
	if (wrote && w->operation->committed)
		w->operation->committed(&w->ports);
}

static void start_draining(struct worker *w)
{
	struct signalfd_siginfo info;

	while (read(w->signals, &info, sizeof(info)) > 0)
		;
	w->draining = true;
	w->drain_until_ms = clock_boot_ms() + DRAIN_MS;
	stop_accepting(w);
}

static uint64_t *faults;
static struct sigaction usual_end[NSIG];

/*
 * The web server sends what we had in hand to the others at once, the fatal
 * request among it: they are to be careful by then. Their parent hears of our
 * end too late.
 */
static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	counters_add(faults, 1);
	sigaction(number, &usual_end[number], NULL);
	if (info->si_code <= 0)	/* from a program: not met again on return */
		raise(number);
}

static void tell_of_faults(uint64_t *ended)
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL,
				       SIGABRT };
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO };

	faults = ended;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		sigaction(numbers[i], &action, &usual_end[numbers[i]]);
}

/*
 * A worker died, of a request that may come again. With one request in
 * hand and no connection kept, we would die of it alone: the others wait in the
 * listener's queue, for the next worker.
 */
static unsigned batch_now(struct worker *w)
{
	uint64_t ended = counters_get(w->crashes.ended);

	if (ended != w->crashes.seen) {
		w->crashes.seen = ended;
		w->careful_until_ms = clock_boot_ms() + w->crashes.careful_ms;
	}
	if (w->careful_until_ms && clock_boot_ms() >= w->careful_until_ms)
		w->careful_until_ms = 0;
	return w->careful_until_ms ? 1 : w->batch;
}

/* One wake: everything that is ready, at most a batch. How many that is may change
 * at any moment, when another worker dies. */
static void turn(struct worker *w)
{
	struct epoll_event events[BATCH_MAX];
	int n = epoll_wait(w->epoll, events, (int)batch_now(w), 0);
	bool connecting = false;
	struct connection *c;
	size_t count = 0;

	if (n == 0) {	/* idle: time to write down what was done */
		log_release();
		n = epoll_wait(w->epoll, events, (int)batch_now(w),
			       w->draining ? 50 : -1);
	}
	log_hold();
	for (int i = 0; i < n; i++) {
		unsigned source = events[i].data.u32;

		if (source == SIGNALS) {
			start_draining(w);
		} else if (source == LISTENER) {
			connecting = true;
		} else if (count < batch_now(w) &&
			   w->connections[source].used) {
			c = &w->connections[source];
			if (events[i].events & EPOLLHUP &&
			    !has_bytes(c->fcgi.ipcFd))
				hang_up(w, c);
			else
				count += read_exchange(
					w, &w->exchanges[count], c);
		}
	}
	while (connecting && w->accepting && count < batch_now(w) &&
	       (c = take_connection(w))) {
		if (!w->careful_until_ms && !has_bytes(c->fcgi.ipcFd)) {
			watch(w, c->fcgi.ipcFd, (unsigned)(c - w->connections),
			      EPOLLIN);
			c->watched = true;
			continue;
		}
		count += read_exchange(w, &w->exchanges[count], c);
	}
	if (count > 0)
		serve(w, count);
	start_accepting(w);
}

int responder_run(const struct operation *op, const struct config *config,
		  struct counters *counters, int listener, unsigned batch,
		  struct crashes crashes)
{
	static struct worker w;
	sigset_t stop;

	w = (struct worker){ .operation = op, .config = config,
			     .counters = counters, .crashes = crashes,
			     .listener = listener,
			     .batch = batch < BATCH_MAX ? batch : BATCH_MAX };
	for (size_t i = 0; i < BATCH_MAX; i++)
		w.exchanges[i].flush = flush_part;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	w.signals = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	w.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w.signals < 0 || w.epoll < 0 || FCGX_Init() != 0) {
		log_say("error", "start", "%s", strerror(errno));
		return 1;
	}
	tell_of_faults(crashes.ended);
	watch(&w, w.signals, SIGNALS, EPOLLIN);
	access_open(config);
	metrics_open(config);
	ensure_open(&w, clock_now_ms());
	start_accepting(&w);

	while (!w.draining ||
	       (w.used > 0 && clock_boot_ms() < w.drain_until_ms))
		turn(&w);
	close_ports(&w.ports);
	log_release();
	for (size_t i = 0; i < BATCH_MAX; i++)
		if (w.exchanges[i].arena)
			arena_free(w.exchanges[i].arena);
	return 0;
}
