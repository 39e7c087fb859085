/*
 * dynamodb_proxy.h: between a desk and a server that speaks DynamoDB: counts
 * the calls and disturbs chosen ones. A process of its own, killed at the end.
 */
#ifndef CONTRACT_DYNAMODB_PROXY_H
#define CONTRACT_DYNAMODB_PROXY_H

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROXY_MAX_BYTES (64u << 20)

enum proxy_fault {
	PROXY_NONE,
	PROXY_NO_REPLY,		/* done, but the answer is lost */
	PROXY_NO_REQUEST,	/* never reached the server */
	PROXY_THROTTLED,
	PROXY_BROKEN,		/* 500 */
	PROXY_CONFLICT,		/* a transaction is cancelled by another one */
	PROXY_HALF_REPLY
};

struct proxy_shared {
	atomic_int calls;	/* since proxy_disturb */
	atomic_int hits;	/* disturbed ones */
	atomic_int first, last;	/* which calls, from 1 */
	atomic_int fault;
	atomic_long answered_bytes;
};

struct proxy {
	pid_t pid;
	char url[64];
	struct proxy_shared *shared;
};

static inline int proxy_connect(const char *host, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (inet_pton(AF_INET, host, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* One message with a Content-Length; its bytes, 0 at the end. */
static inline size_t proxy_read(int fd, char *to)
{
	size_t got = 0, whole = 0;
	char *end, *length;
	ssize_t n;

	while (!whole || got < whole) {
		n = read(fd, to + got, PROXY_MAX_BYTES - 1 - got);
		if (n <= 0)
			return 0;
		got += (size_t)n;
		to[got] = '\0';
		end = whole ? NULL : strstr(to, "\r\n\r\n");
		if (!end)
			continue;
		length = strcasestr(to, "\r\ncontent-length:");
		whole = (size_t)(end + 4 - to);
		if (length && length < end)
			whole += strtoul(length + 17, NULL, 10);
	}
	return whole;
}

static inline bool proxy_write(int fd, const char *from, size_t bytes)
{
	while (bytes) {
		ssize_t n = send(fd, from, bytes, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		from += n;
		bytes -= (size_t)n;
	}
	return true;
}

static inline bool proxy_refuse(int fd, int status, const char *body)
{
	char answer[800];
	int bytes = snprintf(answer, sizeof(answer),
			     "HTTP/1.1 %d X\r\nContent-Type: "
			     "application/x-amz-json-1.0\r\n"
			     "x-amzn-RequestId: PROXY\r\nContent-Length: %zu"
			     "\r\n\r\n%s", status, strlen(body), body);

	return proxy_write(fd, answer, (size_t)bytes);
}

#define PROXY_TYPE "{\"__type\":\"com.amazonaws.dynamodb.v20120810#"

/* False: the connection ends. */
static inline bool proxy_disturbed(enum proxy_fault fault, int client,
				   int server, char *bytes, size_t size)
{
	switch (fault) {
	case PROXY_NONE:
		break;
	case PROXY_NO_REPLY:
		return proxy_write(server, bytes, size) &&
		       proxy_read(server, bytes) && false;
	case PROXY_NO_REQUEST:
		return false;
	case PROXY_THROTTLED:
		return proxy_refuse(client, 400, PROXY_TYPE
			"ProvisionedThroughputExceededException\","
			"\"message\":\"slow down\"}");
	case PROXY_BROKEN:
		return proxy_refuse(client, 500, PROXY_TYPE
				    "InternalServerError\",\"message\":\"\"}");
	case PROXY_CONFLICT:
		return proxy_refuse(client, 400, PROXY_TYPE
			"TransactionCanceledException\",\"Message\":\"\","
			"\"CancellationReasons\":[{\"Code\":\"None\"},"
			"{\"Code\":\"TransactionConflict\",\"Message\":\"\"}]}");
	case PROXY_HALF_REPLY:
		if (proxy_write(server, bytes, size) &&
		    (size = proxy_read(server, bytes)))
			proxy_write(client, bytes, size - size / 4);
		return false;
	}
	return false;
}

static inline void proxy_serve(struct proxy_shared *shared, int client,
			       const char *host, int port)
{
	char *bytes = malloc(PROXY_MAX_BYTES);
	int server = proxy_connect(host, port);
	size_t size;

	while (server >= 0 && (size = proxy_read(client, bytes))) {
		int call = atomic_fetch_add(&shared->calls, 1) + 1;
		enum proxy_fault fault = (enum proxy_fault)shared->fault;
		bool hit = fault != PROXY_NONE && call >= shared->first &&
			   call <= shared->last &&
			   (fault != PROXY_CONFLICT ||
			    strstr(bytes, "TransactWriteItems"));

		if (hit) {
			atomic_fetch_add(&shared->hits, 1);
			if (!proxy_disturbed(fault, client, server, bytes,
					     size))
				break;
			continue;
		}
		if (!proxy_write(server, bytes, size) ||
		    !(size = proxy_read(server, bytes)) ||
		    !proxy_write(client, bytes, size))
			break;
		atomic_fetch_add(&shared->answered_bytes, (long)size);
	}
	_exit(0);
}

static inline void proxy_run(struct proxy_shared *shared, int listener,
			     const char *host, int port)
{
	int one = 1;

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int client = accept(listener, NULL, NULL);

		if (client < 0)
			continue;
		setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			proxy_serve(shared, client, host, port);
		}
		close(client);
	}
}

/* `url` is http://HOST:PORT with a numeric host. */
static inline bool proxy_start(struct proxy *proxy, const char *url)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char host[40] = "";
	int port = 0;

	if (sscanf(url, "http://%39[0-9.]:%d", host, &port) != 2 ||
	    bind(listener, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(listener, 64) ||
	    getsockname(listener, (struct sockaddr *)&at, &size))
		return false;
	proxy->shared = mmap(NULL, sizeof(*proxy->shared),
			     PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(proxy->url, sizeof(proxy->url), "http://127.0.0.1:%d",
		 ntohs(at.sin_port));
	proxy->pid = fork();
	if (!proxy->pid) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		proxy_run(proxy->shared, listener, host, port);
	}
	setpgid(proxy->pid, proxy->pid);
	close(listener);
	return proxy->pid > 0;
}

static inline void proxy_stop(struct proxy *proxy)
{
	kill(-proxy->pid, SIGKILL);
	waitpid(proxy->pid, NULL, 0);
	munmap(proxy->shared, sizeof(*proxy->shared));
}

/* From now on, calls `first` to `last`, counted from 1. */
static inline void proxy_disturb(struct proxy *proxy, enum proxy_fault fault,
				 int first, int last)
{
	proxy->shared->fault = PROXY_NONE;
	proxy->shared->first = first;
	proxy->shared->last = last;
	proxy->shared->calls = 0;
	proxy->shared->hits = 0;
	proxy->shared->fault = fault;
}

static inline void proxy_calm(struct proxy *proxy)
{
	proxy->shared->fault = PROXY_NONE;
}

#endif
