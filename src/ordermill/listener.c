/*
 * listener.c: the kernel says whether an address is taken, its tables in /proc
 * by which socket, and the processes' open files whose that is (proc(5)).
 */
#include "ordermill/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#include "base/banned.h"

#define LISTENS 0x0A	/* TCP_LISTEN, in the table's column st */
/* An IPv4 address in tcp6: ::ffff:0:0/96 in words of the machine's order. */
#define MAPPED (htonl(1) == 1 ? "00000000000000000000FFFF" \
			      : "0000000000000000FFFF0000")

struct place {
	struct sockaddr_storage address;
	socklen_t len;
	char hex[33];		/* of the address, as the tables have it */
	unsigned port;
};

enum holder { NOBODY, NGINX, ANOTHER };

/* "8080", "127.0.0.1:8080", "[::1]:8080", "[::1]", "*:8080" */
static bool split(struct str address, char ret_host[64], char ret_port[8])
{
	const char *end = address.ptr + address.len;
	const char *colon = memrchr(address.ptr, ':', address.len);
	const char *bracket = memrchr(address.ptr, ']', address.len);
	struct str host = address;
	uint64_t port = 80;

	if (colon && (!bracket || colon > bracket))
		host.len = (size_t)(colon - address.ptr);
	else
		colon = NULL;
	if (colon && !str_to_uint((struct str){ colon + 1,
						(size_t)(end - colon - 1) },
				  UINT16_MAX, &port))
		return false;
	if (!colon && str_to_uint(address, UINT16_MAX, &port))
		host = STR("*");
	if (bracket && host.len > 2)
		host = (struct str){ host.ptr + 1, host.len - 2 };
	snprintf(ret_host, 64, "%.*s", STR_ARG(host));
	snprintf(ret_port, 8, "%u", (unsigned)port);
	return true;
}

static void write_hex(struct place *place)
{
	const struct sockaddr_in6 *v6 = (void *)&place->address;
	const struct sockaddr_in *v4 = (void *)&place->address;
	uint32_t words[4] = { v4->sin_addr.s_addr };
	unsigned count = place->address.ss_family == AF_INET ? 1 : 4;

	if (count == 4)
		memcpy(words, &v6->sin6_addr, sizeof(words));
	for (unsigned i = 0; i < count; i++)
		snprintf(place->hex + 8 * i, 9, "%08X", words[i]);
	place->port = ntohs(v4->sin_port);
}

static bool place_of(struct str address, struct place *ret)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found;
	char host[64], port[8];

	if (!split(address, host, port) ||
	    getaddrinfo(strcmp(host, "*") ? host : "0.0.0.0", port, &hints,
			&found))
		return false;
	memcpy(&ret->address, found->ai_addr, found->ai_addrlen);
	ret->len = found->ai_addrlen;
	freeaddrinfo(found);
	write_hex(ret);
	return true;
}

/* As nginx would: it leaves IPv4 to sockets of its own. */
static bool is_taken(const struct place *place)
{
	int fd CLEANUP(cleanup_fd) = socket(place->address.ss_family,
					    SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int yes = 1;

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (place->address.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
	return bind(fd, (const void *)&place->address, place->len) < 0 &&
	       errno == EADDRINUSE;
}

static bool has_open(const char *pid, const char *socket)
{
	char path[300], target[64];
	CLEANUP(cleanup_dir) DIR *folder = NULL;
	const struct dirent *found;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	folder = opendir(path);
	while (folder && (found = readdir(folder))) {
		ssize_t len = readlinkat(dirfd(folder), found->d_name, target,
					 sizeof(target) - 1);

		if (len < 0)
			continue;
		target[len] = '\0';
		if (!strcmp(target, socket))
			return true;
	}
	return false;
}

static enum holder kind_of(const char *pid, char ret_who[LISTENER_TEXT_BYTES])
{
	FILE *file CLEANUP(cleanup_file) = NULL;
	char path[300], name[32] = "?";

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "re");
	if (file && fgets(name, sizeof(name), file))
		name[strcspn(name, "\n")] = '\0';
	snprintf(ret_who, LISTENER_TEXT_BYTES, "%s (process %.10s)", name,
		 pid);
	return strcmp(name, "nginx") ? ANOTHER : NGINX;
}

static enum holder holder_of(unsigned long inode,
			     char ret_who[LISTENER_TEXT_BYTES])
{
	CLEANUP(cleanup_dir) DIR *folder = opendir("/proc");
	const struct dirent *found;
	char socket[64];

	snprintf(socket, sizeof(socket), "socket:[%lu]", inode);
	while (folder && (found = readdir(folder)))
		if (found->d_name[0] >= '1' && found->d_name[0] <= '9' &&
		    has_open(found->d_name, socket))
			return kind_of(found->d_name, ret_who);
	snprintf(ret_who, LISTENER_TEXT_BYTES, "another program");
	return ANOTHER;
}

static bool is_any(const char *hex)
{
	return hex[strspn(hex, "0")] == '\0';
}

/* What in tcp6 takes IPv4, too, as an address of it; else unchanged. */
static const char *as_v4(const char *hex)
{
	if (is_any(hex))
		return "00000000";
	return strncmp(hex, MAPPED, strlen(MAPPED)) ? hex
						    : hex + strlen(MAPPED);
}

static enum holder look_in(const char *table, const struct place *place,
			   char ret_who[LISTENER_TEXT_BYTES])
{
	FILE *file CLEANUP(cleanup_file) = fopen(table, "re");
	enum holder holder = NOBODY;
	char line[512], own[33];
	unsigned port, state;
	unsigned long inode;

	while (file && holder != ANOTHER &&
	       fgets(line, sizeof(line), file)) {
		const char *hex = own;

		if (sscanf(line, " %*u: %32[0-9A-F]:%x %*[0-9A-F:] %x "
				 "%*s %*s %*s %*u %*u %lu",
			   own, &port, &state, &inode) != 4 ||
		    port != place->port || state != LISTENS)
			continue;
		if (strlen(place->hex) == 8)
			hex = as_v4(own);
		if (!strcmp(hex, place->hex) || is_any(hex) ||
		    (is_any(place->hex) && strlen(hex) == strlen(place->hex)))
			holder = holder_of(inode, ret_who);
	}
	return holder;
}

bool listener_is_in_the_way(struct str address,
			    char ret_who[LISTENER_TEXT_BYTES])
{
	struct place place = { 0 };
	enum holder holder = NOBODY;

	if (!place_of(address, &place) || !is_taken(&place))
		return false;
	snprintf(ret_who, LISTENER_TEXT_BYTES, "another program");
	if (place.address.ss_family == AF_INET)
		holder = look_in("/proc/net/tcp", &place, ret_who);
	if (holder == NOBODY)
		holder = look_in("/proc/net/tcp6", &place, ret_who);
	return holder != NGINX;
}
