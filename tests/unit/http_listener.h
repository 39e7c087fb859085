/*
 * http_listener.h: an HTTP server of a few lines on a loopback port of the
 * kernel's choice, in a thread; keeps the last request and answers as told.
 */
#ifndef UNIT_HTTP_LISTENER_H
#define UNIT_HTTP_LISTENER_H

#include "test_setup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENER_MAX_BYTES (3 * 1024 * 1024)
#define LISTENER_PATIENCE_S 5	/* a test that failed leaves connections open */

struct http_listener {
	pthread_t thread;
	int fd;
	char url[64];			/* http://127.0.0.1:port */
	/* Set before a request, read after its answer came. */
	const char *answer;		/* the whole answer, as it is on the wire */
	const char *const *answers;	/* if set: one each, the last for ever */
	char *request;			/* the last one, terminated */
	unsigned requests, connections;
};

#define ANSWER(status_line) \
	"HTTP/1.1 " status_line "\r\nContent-Length: 0\r\n\r\n"

static inline size_t listener_body_bytes(const char *head)
{
	const char *field = strcasestr(head, "\ncontent-length:");

	return field ? strtoul(field + 16, NULL, 10) : 0;
}

/* False when the peer is gone, or silent. */
static inline int listener_read(struct http_listener *listener, int fd)
{
	size_t len = 0, whole = LISTENER_MAX_BYTES;
	char *text = malloc(LISTENER_MAX_BYTES + 1);

	while (len < whole) {
		ssize_t got = read(fd, text + len, LISTENER_MAX_BYTES - len);
		char *end;

		if (got <= 0)
			break;
		len += (size_t)got;
		text[len] = '\0';
		end = strstr(text, "\r\n\r\n");
		if (end)
			whole = (size_t)(end + 4 - text) +
				listener_body_bytes(text);
	}
	if (len < whole) {
		free(text);
		return 0;
	}
	free(listener->request);
	listener->request = text;
	listener->requests++;
	return 1;
}

static inline const char *listener_answer(struct http_listener *listener)
{
	if (!listener->answers)
		return listener->answer;
	if (!listener->answers[1])
		return listener->answers[0];
	return *listener->answers++;
}

static inline void *listener_run(void *arg)
{
	const struct timeval patience = { .tv_sec = LISTENER_PATIENCE_S };
	struct http_listener *listener = arg;
	int fd;

	while ((fd = accept(listener->fd, NULL, NULL)) >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
		listener->connections++;
		while (listener_read(listener, fd)) {
			const char *answer = listener_answer(listener);
			size_t bytes = strlen(answer);

			if (send(fd, answer, bytes, MSG_NOSIGNAL) !=
				    (ssize_t)bytes ||
			    strstr(answer, "Connection: close"))
				break;
		}
		close(fd);
	}
	return NULL;
}

static inline void listener_start(struct http_listener *listener)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	socklen_t bytes = sizeof(address);

	memset(listener, 0, sizeof(*listener));
	listener->answer = ANSWER("200 OK");
	listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(listener->fd >= 0);
	assert_int_equal(bind(listener->fd, (struct sockaddr *)&address,
			      bytes), 0);
	assert_int_equal(listen(listener->fd, 8), 0);
	assert_int_equal(getsockname(listener->fd,
				     (struct sockaddr *)&address, &bytes), 0);
	snprintf(listener->url, sizeof(listener->url), "http://127.0.0.1:%d",
		 ntohs(address.sin_port));
	assert_int_equal(pthread_create(&listener->thread, NULL, listener_run,
					listener), 0);
}

/* Quick when the client has closed its connection before. */
static inline void listener_stop(struct http_listener *listener)
{
	shutdown(listener->fd, SHUT_RDWR);
	pthread_join(listener->thread, NULL);
	close(listener->fd);
	free(listener->request);
}

static inline const char *listener_body(const struct http_listener *listener)
{
	return strstr(listener->request, "\r\n\r\n") + 4;
}

/* The answers of the next requests, up to a NULL; the last one for ever. With
 * none it is listener->answer again. */
static inline void listener_play(struct http_listener *listener, const char *a,
				 const char *b, const char *c, const char *d)
{
	static const char *answers[5];

	answers[0] = a;
	answers[1] = b;
	answers[2] = c;
	answers[3] = d;
	listener->requests = 0;
	listener->answers = a ? answers : NULL;
}

/* For a client of that service of AWS, which calls the listener. */
static inline struct config *listener_config(
	const struct http_listener *listener, const char *service,
	const char *keys, const char *more)
{
	setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
	unsetenv("AWS_SESSION_TOKEN");
	return test_config("aws.region = eu-central-1\n"
			   "aws.endpoint.%s = %s\n%s%s", service,
			   listener->url, keys, more);
}

#endif
