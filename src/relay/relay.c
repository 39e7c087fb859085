/*
 * relay.c: the one long-running worker: a parent that keeps ring, post, keep and
 * sweep alive, one process each, and passes on the bell.
 *
 * Nothing that matters is in the memory of any of them: each may be killed at
 * any moment, and finds its work in the database when it comes back.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/program.h"
#include "relay/backoff.h"
#include "relay/keep.h"
#include "relay/post.h"
#include "relay/ring.h"

#include "base/banned.h"

#define LOCK_PATIENCE_MS 2000
#define LOCK_STEP_MS 50
#define RESTART_BASE_MS 100
#define RESTART_CAP_MS 5000
/* A child that lived this long was well: its next fall starts a new series. */
#define WELL_AFTER_MS 10000

enum { RING, POST, KEEP, SWEEP, CHILD_COUNT };

struct child {
	const struct turn_job *job;
	const char *log_name;
	int follower;		/* the child that its progress wakes */
	bool hears_bell;
	int wake_fd;
	pid_t pid;		/* 0: not running */
	unsigned falls;		/* in a row */
	int64_t started_ms;	/* boot clock, as the next */
	int64_t start_at_ms;
};

static struct child children[CHILD_COUNT] = {
	[RING] = { .job = &ring_job, .log_name = "relay.ring",
		   .follower = POST, .hears_bell = true },
	[POST] = { .job = &post_job, .log_name = "relay.post",
		   .follower = KEEP, .hears_bell = true },
	[KEEP] = { .job = &keep_job, .log_name = "relay.keep",
		   .follower = POST },
	[SWEEP] = { .job = &sweep_job, .log_name = "relay.sweep",
		    .follower = POST },
};

struct relay {
	const struct config *config;
	struct counters *counters;
	int signal_fd;
	int bell_fd;
	bool stopping;
};

static bool make_parent_folder(const char *path, struct error *err)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return true;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	if (mkdir(folder, 0750) < 0 && errno != EEXIST)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", folder,
				   strerror(errno));
	return true;
}

/*
 * The children hold the lock too, so that a relay which follows one that was
 * killed starts only when the last mail of the old one is finished.
 */
static bool take_lock(const struct config *config, struct error *err)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/run/relay.lock",
		 config_text(config, "state.directory"));
	if (!make_parent_folder(path, err))
		return false;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
				   strerror(errno));
	for (int waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) < 0;
	     waited_ms += LOCK_STEP_MS) {
		if (errno != EWOULDBLOCK || waited_ms >= LOCK_PATIENCE_MS) {
			close(fd);
			return error_cause(err, ERROR_UNAVAILABLE,
					   "another relay works on this state "
					   "(%s is locked)", path);
		}
		poll(NULL, 0, LOCK_STEP_MS);
	}
	return true;	/* held open until the last process ends */
}

/* The bell that systemd holds for us (sd_listen_fds(3)): what rings while we
 * are away is heard when we are back. */
static bool take_bell(int *ret, struct error *err)
{
	const int fd = 3;
	int type = 0;
	socklen_t size = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
	    type != SOCK_DGRAM || fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "fd 3 (LISTEN_FDS=1) is no datagram socket");
	*ret = fd;
	return true;
}

static bool is_handed_bell(void)
{
	const char *count = getenv("LISTEN_FDS");

	return count && !strcmp(count, "1");
}

static bool open_bell(const struct config *config, int *ret, struct error *err)
{
	const char *path = config_text(config, "relay.socket");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (is_handed_bell())
		return take_bell(ret, err);
	if (strlen(path) >= sizeof(address.sun_path))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "relay.socket: %s is too long for a socket",
				   path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (!make_parent_folder(path, err))
		return false;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(path);	/* ours alone: we hold the lock */
	if (fd < 0 || bind(fd, (struct sockaddr *)&address,
			   sizeof(address)) < 0 || chmod(path, 0660) < 0) {
		int reason = errno;

		if (fd >= 0)
			close(fd);
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
				   strerror(reason));
	}
	*ret = fd;
	return true;
}

static bool open_signals(struct relay *relay, struct error *err)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	relay->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (relay->signal_fd < 0)
		return error_cause(err, ERROR_UNAVAILABLE, "signalfd: %s",
				   strerror(errno));
	return true;
}

static bool open_wires(struct error *err)
{
	for (size_t i = 0; i < CHILD_COUNT; i++) {
		children[i].wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (children[i].wake_fd < 0)
			return error_cause(err, ERROR_UNAVAILABLE,
					   "eventfd: %s", strerror(errno));
	}
	return true;
}

static int run_child(const struct relay *relay, const struct child *child,
		     pid_t parent)
{
	struct turn_wires wires = {
		.wake = child->wake_fd,
		.follower = children[child->follower].wake_fd,
	};

	log_open(child->log_name);
	prctl(PR_SET_NAME, child->log_name);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		return 1;	/* it died before the line above */
	close(relay->bell_fd);
	close(relay->signal_fd);
	return turn_run(child->job, relay->config, &wires);
}

static void start_child(const struct relay *relay, struct child *child)
{
	pid_t parent = getpid();

	child->started_ms = clock_boot_ms();
	child->pid = fork();
	if (child->pid == 0)
		exit(run_child(relay, child, parent));
	if (child->pid < 0) {
		log_say("error", "fork", "%s", strerror(errno));
		child->pid = 0;
		child->start_at_ms = child->started_ms + RESTART_CAP_MS;
	}
}

static void start_due_children(const struct relay *relay)
{
	int64_t now_ms = clock_boot_ms();
	unsigned running = 0;

	for (size_t i = 0; i < CHILD_COUNT; i++) {
		if (!children[i].pid && children[i].start_at_ms <= now_ms)
			start_child(relay, &children[i]);
		running += children[i].pid > 0;
	}
	counters_set(&relay->counters->workers, running);
}

static void note_end(const struct relay *relay, struct child *child,
		     int status)
{
	int64_t now_ms = clock_boot_ms();
	struct log_line line;

	child->pid = 0;
	if (relay->stopping)
		return;
	counters_add(&relay->counters->restarts, 1);
	if (now_ms - child->started_ms >= WELL_AFTER_MS)
		child->falls = 0;
	child->start_at_ms = now_ms + backoff_limit_ms(child->falls++,
						       RESTART_BASE_MS,
						       RESTART_CAP_MS);
	log_begin(&line, "error", "child_ended");
	log_text(&line, "child", child->job->name);
	if (WIFSIGNALED(status))
		log_int(&line, "signal", WTERMSIG(status));
	else
		log_int(&line, "status", WEXITSTATUS(status));
	log_int(&line, "restart_in_ms", child->start_at_ms - now_ms);
	log_end(&line);
}

static void reap(const struct relay *relay)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < CHILD_COUNT; i++)
			if (children[i].pid == pid)
				note_end(relay, &children[i], status);
}

static void stop(struct relay *relay)
{
	relay->stopping = true;
	notify_send("STOPPING=1");
	for (size_t i = 0; i < CHILD_COUNT; i++)
		if (children[i].pid)
			kill(children[i].pid, SIGTERM);
}

static void read_signals(struct relay *relay)
{
	struct signalfd_siginfo info;

	while (read(relay->signal_fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo == SIGCHLD)
			reap(relay);
		else
			stop(relay);
}

static void pass_on_bell(const struct relay *relay)
{
	char byte;

	while (recv(relay->bell_fd, &byte, 1, 0) >= 0)
		;
	for (size_t i = 0; i < CHILD_COUNT; i++)
		if (children[i].hears_bell)
			(void)eventfd_write(children[i].wake_fd, 1);
}

static int until_next_start_ms(void)
{
	int64_t now_ms = clock_boot_ms();
	int64_t wait_ms = -1;

	for (size_t i = 0; i < CHILD_COUNT; i++) {
		int64_t in_ms = children[i].start_at_ms - now_ms;

		if (children[i].pid)
			continue;
		if (in_ms < 0)
			in_ms = 0;
		if (wait_ms < 0 || in_ms < wait_ms)
			wait_ms = in_ms;
	}
	return (int)wait_ms;
}

static bool any_child_runs(void)
{
	for (size_t i = 0; i < CHILD_COUNT; i++)
		if (children[i].pid)
			return true;
	return false;
}

static void supervise(struct relay *relay)
{
	struct pollfd fds[] = {
		{ .fd = relay->signal_fd, .events = POLLIN },
		{ .fd = relay->bell_fd, .events = POLLIN },
	};

	start_due_children(relay);
	notify_send("READY=1");
	while (!relay->stopping || any_child_runs()) {
		if (!relay->stopping)
			start_due_children(relay);
		notify_send("WATCHDOG=1");
		poll(fds, ARRAY_LEN(fds),
		     notify_sooner_ms(relay->stopping ?
				      -1 : until_next_start_ms()));
		if (fds[1].revents)
			pass_on_bell(relay);
		if (fds[0].revents)
			read_signals(relay);
	}
}

static bool start(struct relay *relay, struct error *err)
{
	return take_lock(relay->config, err) &&
	       open_bell(relay->config, &relay->bell_fd, err) &&
	       open_signals(relay, err) && open_wires(err);
}

int main(int argc, char **argv)
{
	struct relay relay = { .signal_fd = -1, .bell_fd = -1 };
	struct config *config;
	struct error err;
	int status;

	if (!program_begin("relay", argc, argv, &config, &status))
		return status;
	relay.config = config;
	error_init(&err);
	if (!start(&relay, &err)) {
		log_say("error", "start", "%s", error_reason(&err));
		config_free(config);
		return 1;
	}
	relay.counters = counters_open(config_text(config, "metrics.directory"),
				       "relay", &err);
	if (error_is_set(&err))	/* it works none the worse */
		log_say("warn", "counters", "%s", err.cause);
	log_say("info", "started", "%s", config_text(config, "relay.socket"));
	supervise(&relay);
	if (!is_handed_bell())
		unlink(config_text(config, "relay.socket"));
	log_say("info", "stopped", "%s", config_text(config, "relay.socket"));
	config_free(config);
	return 0;
}
