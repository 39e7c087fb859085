/*
 * probe.c: stands in for one program of a unit and tries what it must not.
 *
 * Arguments: absolute paths that it must not read, or, after a "w:", not write.
 * Each attempt is a child of its own, for a system call that is not allowed ends
 * the process. Exit status: how many attempts succeeded.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path;

static bool reads(void)
{
	char byte;
	int fd = open(path, O_RDONLY);

	/* A folder counts as read when it can be opened. */
	return fd >= 0 && (read(fd, &byte, 1) >= 0 || errno == EISDIR);
}

static bool writes(void)
{
	char file[4096];

	snprintf(file, sizeof(file), "%s/.probe", path);
	return open(file, O_WRONLY | O_CREAT, 0600) >= 0 && !unlink(file);
}

static bool connects(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(8080) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd >= 0 &&
	       !connect(fd, (struct sockaddr *)&address, sizeof(address));
}

static bool opens_raw_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}

static bool executes(void)
{
	execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
	return false;	/* a shell that runs leaves status 0: see try() */
}

static bool traces(void)
{
	pid_t child = fork();
	bool attached;

	if (child == 0) {
		pause();
		_exit(0);
	}
	attached = !ptrace(PTRACE_ATTACH, child, NULL, NULL);
	kill(child, SIGKILL);
	return attached;
}

static bool mounts(void)
{
	/* Nowhere: whoever gets as far as looking for it was let through. */
	return !mount("none", "/nowhere", "tmpfs", 0, NULL) || errno != EPERM;
}

static bool leaves_namespace(void)
{
	return !unshare(CLONE_NEWUSER);
}

static bool writes_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool becomes_root(void)
{
	return getuid() == 0 || !setuid(0);
}

static bool makes_set_user_id(void)
{
	int fd = memfd_create("probe", 0);

	return fd >= 0 && !fchmod(fd, S_ISUID | 0755);
}

static bool signals_init(void)
{
	return !kill(1, 0);
}

static bool loads_module(void)
{
	/* EPERM: not allowed; anything else came as far as the file. */
	return syscall(SYS_finit_module, -1, "", 0) >= 0 || errno != EPERM;
}

static int try(const char *what, bool (*attempt)(void))
{
	int status;
	pid_t pid = fork();
	bool done;

	if (pid == 0)
		_exit(attempt() ? 0 : 1);
	waitpid(pid, &status, 0);
	done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	fprintf(stderr, "probe: %s %s%s%s\n", done ? "ALLOWED" : "denied ",
		what, path ? " " : "", path ? path : "");
	return done;
}

int main(int argc, char **argv)
{
	int allowed = 0;

	for (int i = 1; i < argc; i++) {
		bool write_it = !strncmp(argv[i], "w:", 2);

		if (argv[i][0] == '-')
			continue;
		path = argv[i] + (write_it ? 2 : 0);
		allowed += try(write_it ? "write in" : "read",
			       write_it ? writes : reads);
	}
	path = NULL;
	if (argc < 2 || strcmp(argv[1], "-network"))
		allowed += try("connect over the network", connects);
	allowed += try("open a raw socket", opens_raw_socket);
	allowed += try("execute a shell", executes);
	allowed += try("trace a process", traces);
	allowed += try("mount", mounts);
	allowed += try("leave the namespace", leaves_namespace);
	allowed += try("have writable code", writes_code);
	allowed += try("become root", becomes_root);
	allowed += try("make a set-user-ID file", makes_set_user_id);
	allowed += try("signal the service manager", signals_init);
	allowed += try("load a module", loads_module);
	return allowed;
}
