/*
 * loopback_only.c: preloaded into a server that would listen on every
 * interface, so that it listens on loopback alone. Used by peers.py.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
	int (*real)(int, const struct sockaddr *, socklen_t);
	struct sockaddr_in local;

	*(void **)&real = dlsym(RTLD_NEXT, "bind");
	if (address->sa_family == AF_INET && size == sizeof(local)) {
		local = *(const struct sockaddr_in *)address;
		local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		address = (const struct sockaddr *)&local;
	}
	return real(fd, address, size);
}
