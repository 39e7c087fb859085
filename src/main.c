/*
 * main.c: the only main() of the responders: a small parent that keeps its
 * workers alive. The operation comes from the linker.
 *
 * The listener is fd 3 with LISTEN_FDS=1 (sd_listen_fds(3)), else fd 0
 * (spawn-fcgi). It belongs to whoever started us and outlives us.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/counters.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/program.h"
#include "http/operation.h"
#include "http/responder.h"
#include "base/banned.h"

#define MAX_WORKERS 64u
#define QUICK_DEATH_MS 1000
#define RESTART_PAUSE_MS 50
/* After a worker ended, all take one request at a time for as long. */
#define CAREFUL_MS 10000
#define NOBODY ((pid_t)-1)	/* as fork() says it */

struct parent {
	const struct config *config;
	struct counters *counters;
	struct crashes crashes;
	int listener;
	unsigned batch;
	sigset_t signals;
};

static unsigned first_set(unsigned configured, unsigned built_in)
{
	return configured ? configured : built_in ? built_in : 1;
}

/* listen(2) on a socket that listens sets its backlog anew. */
static bool bound_queue(int listener)
{
	return !operation.queue || listen(listener, (int)operation.queue) == 0;
}

static bool find_listener(int *ret)
{
	const char *count = getenv("LISTEN_FDS");
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	int fd = count && !strcmp(count, "1") ? 3 : 0;
	int flags = fcntl(fd, F_GETFL), listening = 0;
	socklen_t size = sizeof(listening);

	/* Whoever can connect can end a libfcgi process (a stack overflow in
	 * FCGI_GET_VALUES up to 2.4.7): never from a network. */
	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0 ||
	    address.ss_family != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 ||
	    !listening)
		return false;
	*ret = fd;
	return bound_queue(fd) && flags >= 0 &&
	       fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
	       fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static pid_t start_worker(const struct parent *parent)
{
	pid_t parent_pid = getpid();
	pid_t pid = fork();

	if (pid < 0)
		log_say("error", "fork", "%s", strerror(errno));
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent_pid)
		_exit(0);
	exit(responder_run(&operation, parent->config, parent->counters,
			   parent->listener, parent->batch, parent->crashes));
}

static void pause_ms(int64_t ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000,
				      .tv_nsec = ms % 1000 * 1000000 },
		  NULL);
}

static void note_ended(const struct parent *parent, pid_t *workers,
		       const int64_t *started_ms, unsigned count)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (unsigned i = 0; i < count; i++) {
			if (workers[i] != pid)
				continue;
			log_say("error", "worker_ended", "pid %d: %s %d", pid,
				WIFSIGNALED(status) ? "signal" : "status",
				WIFSIGNALED(status) ? WTERMSIG(status) :
						      WEXITSTATUS(status));
			counters_add(&parent->counters->restarts, 1);
			counters_add(parent->crashes.ended, 1);
			if (clock_boot_ms() - started_ms[i] < QUICK_DEATH_MS)
				pause_ms(RESTART_PAUSE_MS);
			workers[i] = NOBODY;
		}
	}
}

/* False when a place stays empty: there is no process to be had just now. */
static bool fill_places(const struct parent *parent, pid_t *workers,
			int64_t *started_ms, unsigned count)
{
	unsigned running = 0;

	for (unsigned i = 0; i < count; i++) {
		if (workers[i] <= 0) {
			workers[i] = start_worker(parent);
			started_ms[i] = clock_boot_ms();
		}
		running += workers[i] > 0;
	}
	counters_set(&parent->counters->workers, running);
	return running == count;
}

/* The next signal, or -1: a place is to be filled, or the manager to hear that
 * we are well. */
static int wait_for_signal(const struct parent *parent, bool full)
{
	int period_ms = notify_watchdog_ms();
	struct timespec wait = { .tv_sec = 1 };

	notify_send("WATCHDOG=1");
	if (full && period_ms == 0)
		return sigwaitinfo(&parent->signals, NULL);
	if (full)
		wait = (struct timespec){
			.tv_sec = period_ms / 1000,
			.tv_nsec = period_ms % 1000 * 1000000,
		};
	return sigtimedwait(&parent->signals, NULL, &wait);
}

static int keep_workers(const struct parent *parent, unsigned count)
{
	pid_t workers[MAX_WORKERS];
	int64_t started_ms[MAX_WORKERS];
	bool full, ready = false;
	int signal_number;

	for (unsigned i = 0; i < count; i++)
		workers[i] = NOBODY;
	log_say("info", "started", "%u workers, batches of %u", count,
		parent->batch);
	do {
		note_ended(parent, workers, started_ms, count);
		full = fill_places(parent, workers, started_ms, count);
		if (full && !ready)
			notify_send("READY=1");
		ready |= full;
		signal_number = wait_for_signal(parent, full);
	} while (signal_number == SIGCHLD || signal_number < 0);

	notify_send("STOPPING=1");
	for (unsigned i = 0; i < count; i++)
		if (workers[i] > 0)
			kill(workers[i], SIGTERM);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	counters_set(&parent->counters->workers, 0);
	log_say("info", "stopped", "%s", operation.name);
	return 0;
}

/*
 * libfcgi takes and gives back two buffers of 8 KiB for each request. The C
 * library keeps such sizes at hand only when told so in the environment, before
 * the program starts: a tenth of a GET.
 */
static void tune_allocator(char **argv)
{
	if (getenv("GLIBC_TUNABLES") ||
	    setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_max=32768", 1) < 0)
		return;
	execv("/proc/self/exe", argv);	/* goes on without, where it cannot */
}

/* Those that the parent waits for; a closed pipe is no reason to end. */
static void block_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGCHLD);
	sigaddset(ret, SIGPIPE);
	sigprocmask(SIG_BLOCK, ret, NULL);
	sigdelset(ret, SIGPIPE);
}

/* Zero, and the same in all processes. */
static uint64_t *share_number(void)
{
	static uint64_t alone;
	void *page = mmap(NULL, sizeof(alone), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? &alone : page;
}

int main(int argc, char **argv)
{
	struct parent parent = { .listener = -1 };
	struct config *config;
	unsigned workers;
	struct error err;
	int status;

	tune_allocator(argv);
	prctl(PR_SET_NAME, operation.name);	/* that exec left "exe" */
	if (!program_begin(operation.name, argc, argv, &config, &status))
		return status;
	if (!find_listener(&parent.listener)) {
		log_say("error", "listener",
			"no listening unix socket on fd 3 (LISTEN_FDS=1) or fd 0");
		config_free(config);
		return 1;
	}
	block_signals(&parent.signals);
	parent.config = config;
	error_init(&err);
	parent.counters = counters_open(config_text(config,
						    "metrics.directory"),
					operation.name, &err);
	if (error_is_set(&err))	/* it works none the worse */
		log_say("warn", "counters", "%s", err.cause);
	parent.crashes = (struct crashes){ share_number(), 0, CAREFUL_MS };
	workers = first_set(config_workers(config, operation.name),
			    operation.workers);
	parent.batch = first_set(config_batch(config, operation.name),
				 operation.batch);
	status = keep_workers(&parent,
			      workers < MAX_WORKERS ? workers : MAX_WORKERS);
	config_free(config);
	return status;
}
