/*
 * http_head.h: the head of an answer, as far as the short way (http_wire.h)
 * understands it. Pure.
 *
 * RFC 9112. What is not exactly one whole HTTP/1.1 answer of a length that is
 * told is not understood: chunks, 1xx, an end by closing, folded lines, a
 * length that is given twice.
 */
#ifndef HTTP_CLIENT_HTTP_HEAD_H
#define HTTP_CLIENT_HTTP_HEAD_H

#include "base/str.h"

struct http_head {
	int status;
	struct str fields;	/* "Name: value\r\n" each */
	uint64_t body_bytes;
	bool keeps;		/* the connection stays open */
	bool is_encoded;	/* has a Content-Encoding */
};

/* `text`: from the status line to the end of the last field, "\r\n" included;
 * false: not understood. `ret` points into it. */
bool http_head_read(struct http_head *ret, struct str text);

#endif
