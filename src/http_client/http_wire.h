/*
 * http_wire.h: the short way of a request that may be sent twice. libcurl makes
 * one connection (name, TCP, TLS) and keeps it; request and answer are written
 * and read here, since libcurl's own HTTP costs more than all the rest of a
 * call to DynamoDB (bench/curl_floor.c).
 *
 * What is not simple is left to libcurl: a large body, and an answer that
 * http_head.h does not understand (the request goes out once more there, as do
 * all that follow).
 */
#ifndef HTTP_CLIENT_HTTP_WIRE_H
#define HTTP_CLIENT_HTTP_WIRE_H

#include <curl/curl.h>

#include "http_client/http_client.h"

#define HTTP_HEAD_MAX_BYTES (64u * KIB)

/* Zeroed but for its first member: no connection. */
struct http_wire {
	CURLM *multi;		/* the client's: it makes the connection */
	CURL *curl;		/* NULL: none */
	curl_socket_t fd;	/* its connection */
	bool is_plain;		/* no TLS on it */
	struct curl_slist *connect_to;
	const struct http_door *door;
	char origin[256];	/* of the URLs that the connection is for */
	int64_t used_ms;	/* boot clock: when it was used last */
	bool is_off;		/* an answer was not understood */
};

/* False: this one is libcurl's. */
bool http_wire_call(struct http_wire *wire,
		    const struct http_client_request *request,
		    struct arena *arena, struct http_client_answer *answer);
void http_wire_close(struct http_wire *wire);

/* http_client.c: what a connection is made by; the list is to be freed when
 * the handle is done with. */
bool http_set_connection(CURL *curl, const struct http_client_request *request,
			 struct curl_slist **connect_to);

#endif
