/*
 * http_client.h: GET from and POST to an endpoint that the configuration names; libcurl's
 * home (the SMTP mailer is its second, since libcurl speaks SMTP there).
 *
 * http and https only, no redirects, no proxy, TLS verified, connection kept
 * from one request to the next. A client belongs to one thread.
 */
#ifndef HTTP_CLIENT_HTTP_CLIENT_H
#define HTTP_CLIENT_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/error.h"

struct http_client;

struct http_timeouts {
	int connect_ms;
	int total_ms;
};

bool http_client_open(struct http_client **ret, struct error *err) MUST_CHECK;
void http_client_close(struct http_client *client);

/*
 * `headers`: "Name: value" each, ended by NULL. True when an answer came,
 * whatever its status; its body is appended to `answer` (NULL: not wanted), and
 * what passes the buffer's maximum is ERROR_UNAVAILABLE, as is everything else
 * that goes wrong.
 */
bool http_client_post(struct http_client *client, const char *url,
		      const char *const *headers, struct str body,
		      struct http_timeouts timeouts, int *ret_status,
		      struct buf *answer, struct error *err) MUST_CHECK;

/* Another way to the host of a URL, which stays the name that TLS verifies. */
struct http_door {
	const char *address;	/* host:port, or "" */
	const char *ca_file;	/* PEM; "": the system's authorities */
};

/* https only; as http_client_post otherwise. */
bool http_client_get(struct http_client *client, const char *url,
		     const struct http_door *door,
		     struct http_timeouts timeouts, int *ret_status,
		     struct buf *answer, struct error *err) MUST_CHECK;

#endif
