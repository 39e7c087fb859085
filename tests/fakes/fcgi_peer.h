/*
 * fcgi_peer.h: the web server's side of FastCGI 1.0, as much as a test of the
 * responder needs: one request at a time on a unix socket, kept or not.
 */
#ifndef FAKES_FCGI_PEER_H
#define FAKES_FCGI_PEER_H

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/buf.h"

enum { PEER_BEGIN = 1, PEER_END = 3, PEER_PARAMS = 4, PEER_STDIN = 5,
       PEER_STDOUT = 6 };

#define PEER_WAIT_S 10	/* then a test has failed */
#define PEER_HEADER_BYTES 8

static inline int peer_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval wait = { .tv_sec = PEER_WAIT_S };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path,
	       strnlen(path, sizeof(address.sun_path) - 1));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static inline void peer_record(struct buf *to, int type, struct str content)
{
	const char header[PEER_HEADER_BYTES] = {
		1, (char)type, 0, 1, (char)(content.len >> 8),
		(char)content.len, 0, 0
	};

	buf_add(to, header, sizeof(header));
	buf_add_str(to, content);
}

static inline void peer_begin(struct buf *to, bool keep)
{
	const char body[8] = { 0, 1, keep };

	peer_record(to, PEER_BEGIN, (struct str){ body, sizeof(body) });
}

static inline void peer_add_length(struct buf *to, size_t len)
{
	const char bytes[4] = { (char)(len >> 24 | 0x80), (char)(len >> 16),
				(char)(len >> 8), (char)len };

	buf_add(to, bytes, sizeof(bytes));
}

/* `parameters`: name, value, name, value …, NULL */
static inline void peer_params(struct buf *to, const char *const *parameters)
{
	struct buf pairs;

	buf_init(&pairs, to->arena, 60 * KIB);
	for (; parameters[0]; parameters += 2) {
		peer_add_length(&pairs, strlen(parameters[0]));
		peer_add_length(&pairs, strlen(parameters[1]));
		buf_add_text(&pairs, parameters[0]);
		buf_add_text(&pairs, parameters[1]);
	}
	peer_record(to, PEER_PARAMS, buf_str(&pairs));
	peer_record(to, PEER_PARAMS, STR(""));
}

static inline void peer_stdin(struct buf *to, struct str body)
{
	while (body.len > 0) {
		struct str part = { body.ptr,
				    body.len < 32 * KIB ? body.len : 32 * KIB };

		peer_record(to, PEER_STDIN, part);
		body.ptr += part.len;
		body.len -= part.len;
	}
	peer_record(to, PEER_STDIN, STR(""));
}

static inline bool peer_send(int fd, struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes.ptr += n;
		bytes.len -= (size_t)n;
	}
	return true;
}

static inline bool peer_receive(int fd, char *to, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, to, len, 0);

		if (n <= 0)
			return false;
		to += n;
		len -= (size_t)n;
	}
	return true;
}

/* Adds what the next record says to `answer`; false when there is none. */
static inline bool peer_read_record(int fd, struct buf *answer, int *ret_type)
{
	unsigned char header[PEER_HEADER_BYTES];
	static char content[65535 + 255];
	size_t len;

	if (!peer_receive(fd, (char *)header, sizeof(header)))
		return false;
	len = (size_t)header[4] << 8 | header[5];
	if (!peer_receive(fd, content, len + header[6]))
		return false;
	if (header[1] == PEER_STDOUT)
		buf_add(answer, content, len);
	*ret_type = header[1];
	return true;
}

/* The whole answer; false when it did not come to its end. */
static inline bool peer_read(int fd, struct buf *answer)
{
	int type = 0;

	while (type != PEER_END)
		if (!peer_read_record(fd, answer, &type))
			return false;
	return true;
}

/* The other side has closed the connection, or does so while we wait. */
static inline bool peer_is_closed(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

#endif
