/*
 * bell.c: one datagram, empty but for a byte, to the relay's socket. A relay
 * that is away, or whose queue is full (it has been woken then), is no error.
 */
#include "ports/bell.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "base/banned.h"

struct bell {
	int fd;
	struct sockaddr_un relay;
};

struct bell *bell_open(const struct config *config)
{
	const char *path = config_text(config, "relay.socket");
	struct bell *bell = calloc(1, sizeof(*bell));

	if (!bell)
		return NULL;
	bell->fd = -1;
	bell->relay.sun_family = AF_UNIX;
	/* A path that is too long has no listener either. */
	if (strlen(path) < sizeof(bell->relay.sun_path)) {
		memcpy(bell->relay.sun_path, path, strlen(path));
		bell->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK |
				  SOCK_CLOEXEC, 0);
	}
	return bell;
}

void bell_close(struct bell *bell)
{
	if (!bell)
		return;
	cleanup_fd(&bell->fd);
	free(bell);
}

void bell_ring(struct bell *bell)
{
	/* Addressed each time: the relay's socket is a new one after its
	 * restart. */
	if (bell)
		(void)sendto(bell->fd, "!", 1, MSG_NOSIGNAL,
			     (const struct sockaddr *)&bell->relay,
			     sizeof(bell->relay));
}
