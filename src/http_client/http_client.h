/*
 * http_client.h: requests to endpoints that the configuration names; libcurl's
 * home (the SMTP mailer is its second, since libcurl speaks SMTP there).
 *
 * http and https only, HTTP/1.1, no redirects, no proxy, no Content-Encoding,
 * TLS verified, connections kept from one request to the next. Every time-out
 * is cut to what is left of the process's deadline (base/deadline.h). A client
 * belongs to one thread. A child of a fork gets new connections of
 * its own with its first request.
 */
#ifndef HTTP_CLIENT_HTTP_CLIENT_H
#define HTTP_CLIENT_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/error.h"

#define HTTP_CLIENT_PARALLEL 32u

struct http_client;

struct http_timeouts {
	int connect_ms;
	int total_ms;
};

/* Another way to the host of a URL, which stays the name that TLS verifies. */
struct http_door {
	const char *address;	/* host:port, or "" */
	const char *ca_file;	/* PEM; "": the system's authorities */
};

struct http_client_request {
	const char *method;
	const char *url;
	/* "Name: value" each, ended by NULL. */
	const char *const *headers;
	struct str body;
	struct http_timeouts timeouts;
	size_t answer_max_bytes;
	const struct http_door *door;	/* NULL: the usual one */
	bool https_only;
	bool may_repeat;	/* it does no harm when it arrives twice */
};

enum http_outcome {
	HTTP_ANSWERED,
	/* It came, but is over a limit or encoded: another try is no use. */
	HTTP_ANSWER_REFUSED,
	HTTP_NO_ANSWER,
};

struct http_client_answer {
	enum http_outcome outcome;
	char failure[160];		/* in words; "" of HTTP_ANSWERED */
	int status;
	struct str headers;		/* "Name: value\r\n" each */
	struct str body;
};

bool http_client_open(struct http_client **ret, struct error *err) MUST_CHECK;
void http_client_close(struct http_client *client);

/* All of them, at most HTTP_CLIENT_PARALLEL at a time; answers[i] is that of
 * requests[i], in the arena. */
void http_client_call(struct http_client *client,
		      const struct http_client_request *requests, size_t count,
		      struct arena *arena, struct http_client_answer *answers);

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

/* https only; as http_client_post otherwise. */
bool http_client_get(struct http_client *client, const char *url,
		     const struct http_door *door,
		     struct http_timeouts timeouts, int *ret_status,
		     struct buf *answer, struct error *err) MUST_CHECK;

#endif
