/*
 * check_mail.c: does the mail server answer?
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include "ordermill/check.h"
#include "ports/mailer.h"

#include "base/banned.h"

#define CONNECT_TIMEOUT_MS 3000

static bool connects_to(const struct addrinfo *address)
{
	int fd CLEANUP(cleanup_fd) =
		socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC |
					   SOCK_NONBLOCK, 0);
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int reason = 0;

	if (fd < 0)
		return false;
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
		return true;
	if (errno != EINPROGRESS)
		return false;
	if (poll(&wait, 1, CONNECT_TIMEOUT_MS) <= 0) {
		errno = ETIMEDOUT;
		return false;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &len) < 0)
		return false;
	errno = reason;
	return reason == 0;
}

/* smtp://host:port or smtps://host:port; a literal IPv6 host in brackets. */
static bool split_url(const char *url, char host[256], char port[8])
{
	const char *at = strstr(url, "://");
	bool bracketed;

	if (!at)
		return false;
	snprintf(port, 8, "%s", str_starts(str_from(url), STR("smtps:")) ?
					"465" : "25");
	at += 3;
	bracketed = *at == '[';
	at += bracketed;
	size_t len = strcspn(at, bracketed ? "]" : ":/");
	if (len == 0 || len > 255)
		return false;
	memcpy(host, at, len);
	host[len] = '\0';
	at += len + bracketed;
	if (*at == ':')
		snprintf(port, 8, "%.*s", (int)strcspn(at + 1, "/"), at + 1);
	return true;
}

static void check_smtp(const struct config *config)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const char *url = config_text(config, "mailer.url");
	struct addrinfo *addresses = NULL;
	char host[256], port[8];
	bool connected = false;
	int status;

	if (!split_url(url, host, port)) {
		say(BAD, "mailer", "mailer.url: %s is not smtp://host:port",
		    url);
		return;
	}
	status = getaddrinfo(host, port, &hints, &addresses);
	if (status != 0) {
		say(BAD, "mailer", "%s: %s", host, gai_strerror(status));
		return;
	}
	for (struct addrinfo *a = addresses; a && !connected; a = a->ai_next)
		connected = connects_to(a);
	if (connected)
		say(GOOD, "mailer", "smtp, %s answers", url);
	else
		say(BAD, "mailer", "smtp, %s: %s. Mail waits until it "
				   "answers.", url, strerror(errno));
	freeaddrinfo(addresses);
}

void check_mailer(const struct config *config)
{
	const char *folder = config_text(config, "mailer.directory");
	struct mailer *mailer;
	struct error err;

	error_init(&err);
	if (is_set_to(config, "mailer.adapter", "smtp")) {
		check_smtp(config);
	} else if (is_set_to(config, "mailer.adapter", "sns")) {
		say(GOOD, "mailer", "sns, %s",
		    config_text(config, "mailer.topic_arn"));
	} else if (!exists(folder)) {
		say(BAD, "mailer", "%s is not there. Run `ordermill init`.",
		    folder);
	} else if (!mailer_open(&mailer, config, &err)) {
		say(BAD, "mailer", "%s", failure_text(&err));
	} else {
		say(GOOD, "mailer", "maildir: mail lands in %s, nobody gets it",
		    folder);
		mailer_close(mailer);
	}
}
