/*
 * notify.c: the datagrams of sd_notify(3), without its library.
 */
#include "base/notify.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/banned.h"

#define WATCHDOG_MAX_US (3600ull * 1000 * 1000)

void notify_send(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un manager = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	CLEANUP(cleanup_fd) int fd = -1;

	if (!len || len >= sizeof(manager.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(manager.sun_path, path, len);
	if (path[0] == '@')	/* a name without a file, unix(7) */
		manager.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)sendto(fd, state, strlen(state),
			     MSG_NOSIGNAL | MSG_DONTWAIT,
			     (struct sockaddr *)&manager,
			     (socklen_t)(offsetof(struct sockaddr_un,
						  sun_path) + len));
}

int notify_watchdog_ms(void)
{
	const char *period = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t us, meant;

	if (!period ||
	    !str_to_uint(str_from(period), WATCHDOG_MAX_US, &us))
		return 0;
	if (pid && (!str_to_uint(str_from(pid), INT32_MAX, &meant) ||
		    (pid_t)meant != getpid()))
		return 0;
	return (int)(us / 2000);
}

int notify_sooner_ms(int wait_ms)
{
	int period_ms = notify_watchdog_ms();

	if (period_ms == 0)
		return wait_ms;
	return wait_ms < 0 || period_ms < wait_ms ? period_ms : wait_ms;
}
