/*
 * recognizer.c: the process that has the models. It looks at no photo itself:
 * for each connection it forks a child that goes to jail, and it answers in
 * the child's place when that comes to grief or takes too long.
 *
 * The listener is fd 3 with LISTEN_FDS=1 (sd_listen_fds(3)), which outlives us;
 * else it is made here.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/program.h"
#include "recognition/network.h"
#include "recognition/recognizer_wire.h"
#include "recognizer/look.h"

#include "base/banned.h"

/* At once; others wait in the listener's queue. */
#define MAX_CHILDREN 4u
#define BACKLOG 64

struct child {
	pid_t pid;		/* 0: free */
	int connection;
	int64_t started_ms;	/* boot clock */
	bool late;
};

struct recognizer {
	int listener, signal_fd;
	bool stopping;
	struct file_watch files[RECOGNIZER_MODELS];
	struct loaded_model models[RECOGNIZER_MODELS];
	struct child children[MAX_CHILDREN];
};

static void forget_model(struct loaded_model *loaded)
{
	network_close(loaded->network);
	loaded->network = NULL;
	model_close(&loaded->model);
}

static void load_model(struct loaded_model *loaded, const char *path)
{
	int64_t from_ms = clock_boot_ms();
	struct log_line line;
	struct error err;

	error_init(&err);
	if (!model_open(&loaded->model, path, &err) ||
	    !network_open(&loaded->network, &loaded->model, &err)) {
		forget_model(loaded);
		log_say("error", "no_model", "%s: %s", path, error_reason(&err));
		return;
	}
	/* The network has packed the weights. */
	model_drop_weights(&loaded->model);
	log_begin(&line, "info", "model");
	log_text(&line, "name", loaded->model.header->name);
	log_text(&line, "path", path);
	log_int(&line, "ms", clock_boot_ms() - from_ms);
	log_end(&line);
}

/* `ordermill model` replaces a file: the next photo sees it. The second need
 * not be there. */
static void follow_models(struct recognizer *recognizer)
{
	for (size_t i = 0; i < RECOGNIZER_MODELS; i++) {
		struct file_watch *file = &recognizer->files[i];

		if (!file_has_changed(file))
			continue;
		forget_model(&recognizer->models[i]);
		if (file->inode || i == 0)
			load_model(&recognizer->models[i], file->path);
	}
}

static struct child *free_child(struct recognizer *recognizer)
{
	for (size_t i = 0; i < MAX_CHILDREN; i++)
		if (!recognizer->children[i].pid)
			return &recognizer->children[i];
	return NULL;
}

static int run_child(struct recognizer *recognizer, int connection,
		     pid_t parent)
{
	sigset_t none;

	prctl(PR_SET_NAME, "recognizer.look");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		return 1;	/* it died before the line above */
	close(recognizer->listener);
	close(recognizer->signal_fd);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return look_at_photo(connection, recognizer->models);
}

static void start_child(struct recognizer *recognizer, struct child *child)
{
	int connection = accept4(recognizer->listener, NULL, NULL,
				 SOCK_CLOEXEC);
	pid_t parent = getpid();

	if (connection < 0)
		return;		/* it went away, or another one has it */
	follow_models(recognizer);
	*child = (struct child){ .connection = connection,
				 .started_ms = clock_boot_ms() };
	child->pid = fork();
	if (child->pid == 0)
		_exit(run_child(recognizer, connection, parent));
	if (child->pid < 0) {
		log_say("error", "fork", "%s", strerror(errno));
		close(connection);
		child->pid = 0;
	}
}

static void answer_instead(const struct child *child, bool late)
{
	struct recognizer_answer answer = {
		.version = RECOGNIZER_WIRE_VERSION,
		.outcome = late ? RECOGNIZER_TIMEOUT : RECOGNIZER_DECODE_FAILED,
	};

	(void)send(child->connection, &answer, sizeof(answer),
		   MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* `peak_kib` counts what it shared with us too. */
static void end_child(struct child *child, int status, int64_t peak_kib)
{
	bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	bool late = child->late || (WIFSIGNALED(status) &&
				    WTERMSIG(status) == SIGXCPU);
	struct log_line line;

	if (!well)
		answer_instead(child, late);
	log_begin(&line, well ? "info" : "warn", "photo");
	log_int(&line, "ms", clock_boot_ms() - child->started_ms);
	log_int(&line, "peak_kib", peak_kib);
	if (WIFSIGNALED(status))
		log_int(&line, "signal", WTERMSIG(status));
	else
		log_int(&line, "status", WEXITSTATUS(status));
	log_end(&line);
	close(child->connection);
	child->pid = 0;
}

static void reap(struct recognizer *recognizer)
{
	struct rusage used;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &used)) > 0)
		for (size_t i = 0; i < MAX_CHILDREN; i++)
			if (recognizer->children[i].pid == pid)
				end_child(&recognizer->children[i], status,
					  used.ru_maxrss);
}

/* Kills those that take too long; how long until the next may be, or -1. */
static int watch_clock(struct recognizer *recognizer)
{
	int64_t now_ms = clock_boot_ms(), wait_ms = -1;

	for (size_t i = 0; i < MAX_CHILDREN; i++) {
		struct child *child = &recognizer->children[i];
		int64_t left_ms = child->started_ms + RECOGNIZER_LIMIT_MS -
				  now_ms;

		if (!child->pid || child->late)
			continue;
		if (left_ms <= 0) {
			child->late = true;
			kill(child->pid, SIGKILL);
		} else if (wait_ms < 0 || left_ms < wait_ms) {
			wait_ms = left_ms;
		}
	}
	return (int)wait_ms;
}

static void read_signals(struct recognizer *recognizer)
{
	struct signalfd_siginfo info;

	while (read(recognizer->signal_fd, &info, sizeof(info)) ==
	       sizeof(info))
		if (info.ssi_signo != SIGCHLD) {
			recognizer->stopping = true;
			notify_send("STOPPING=1");
		}
	reap(recognizer);
}

static bool any_child_runs(const struct recognizer *recognizer)
{
	for (size_t i = 0; i < MAX_CHILDREN; i++)
		if (recognizer->children[i].pid)
			return true;
	return false;
}

/* Asked to stop, it finishes what it has in hand. */
static void serve(struct recognizer *recognizer)
{
	while (!recognizer->stopping || any_child_runs(recognizer)) {
		struct child *child = free_child(recognizer);
		bool takes = child && !recognizer->stopping;
		struct pollfd fds[] = {
			{ .fd = recognizer->signal_fd, .events = POLLIN },
			{ .fd = takes ? recognizer->listener : -1,
			  .events = POLLIN },
		};

		notify_send("WATCHDOG=1");
		poll(fds, ARRAY_LEN(fds),
		     notify_sooner_ms(watch_clock(recognizer)));
		if (fds[0].revents)
			read_signals(recognizer);
		if (takes && fds[1].revents)
			start_child(recognizer, child);
	}
}

static bool make_listener(const char *path, int *ret, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "image_recognizer.socket: %s is too long for a socket",
				   path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	*ret = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(path);
	umask(0117);
	return (*ret >= 0 &&
		bind(*ret, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		listen(*ret, BACKLOG) == 0) ||
	       error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
			   strerror(errno));
}

static bool find_listener(const struct config *config, int *ret,
			  struct error *err)
{
	const char *count = getenv("LISTEN_FDS");
	int type = 0;
	socklen_t len = sizeof(type);

	if (!count)
		return make_listener(config_text(config,
						 "image_recognizer.socket"),
				     ret, err);
	*ret = 3;
	if (strcmp(count, "1") != 0 ||
	    getsockopt(*ret, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
	    type != SOCK_SEQPACKET)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "fd 3 is no listening socket of packets");
	fcntl(*ret, F_SETFD, FD_CLOEXEC);
	fcntl(*ret, F_SETFL, O_NONBLOCK);
	return true;
}

static bool open_signals(struct recognizer *recognizer, struct error *err)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	recognizer->signal_fd = signalfd(-1, &signals,
					 SFD_CLOEXEC | SFD_NONBLOCK);
	return recognizer->signal_fd >= 0 ||
	       error_cause(err, ERROR_UNAVAILABLE, "signalfd: %s",
			   strerror(errno));
}

static int run(const struct config *config)
{
	struct recognizer recognizer = {
		.listener = -1, .signal_fd = -1,
		.files = {
			{ .path = config_text(config,
					      "image_recognizer.model"),
			  .size = -1 },
			{ .path = config_text(config,
					      "image_recognizer.second_model"),
			  .size = -1 },
		},
	};
	struct error err;

	error_init(&err);
	if (!find_listener(config, &recognizer.listener, &err) ||
	    !open_signals(&recognizer, &err)) {
		log_say("error", "start", "%s", error_reason(&err));
		return 1;
	}
	follow_models(&recognizer);
	notify_send("READY=1");
	serve(&recognizer);
	for (size_t i = 0; i < RECOGNIZER_MODELS; i++)
		forget_model(&recognizer.models[i]);
	return 0;
}

int main(int argc, char **argv)
{
	struct config *config;
	int status;

	if (!program_begin("recognizer", argc, argv, &config, &status))
		return status;
	status = run(config);
	config_free(config);
	return status;
}
