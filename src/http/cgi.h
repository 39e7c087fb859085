/*
 * cgi.h: what nginx sent of one request, as FastCGI parameters and body, before
 * anything is believed. Absent parameters are {NULL, 0}.
 */
#ifndef HTTP_CGI_H
#define HTTP_CGI_H

#include "base/arena.h"

struct cgi {
	struct str method, uri, content_type, content_length;
	struct str authorization, accept, origin;
	struct str if_match, if_none_match, idempotency_key;
	struct str traceparent, request_id, host, client;
	struct str body;
	bool body_is_short;		/* the peer ended before Content-Length */
};

/*
 * Takes one "NAME=value"; unknown names are ignored. A header that came twice
 * is joined by a comma (RFC 9110, 5.3): a list goes on, anything else is
 * malformed.
 */
void cgi_take(struct cgi *cgi, const char *parameter, struct arena *arena);

#endif
