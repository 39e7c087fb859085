/*
 * mime.h: text made safe for headers and bodies of mail. Pure.
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "base/buf.h"

/*
 * One line of valid UTF-8, at most `max_length` code points (then cut, with an
 * ellipsis): white space, controls, line separators and direction overrides are
 * single spaces, bytes that are not UTF-8 become U+FFFD. In the arena.
 */
struct str mime_one_line(struct arena *arena, struct str text,
			 size_t max_length);
/*
 * "Name: text" CRLF, folded at 76 columns; in encoded words (RFC 2047) where
 * `text` is not plain ASCII. `text` comes from mime_one_line.
 */
void mime_add_header(struct buf *to, const char *name, struct str text);
/* "Name: display <address>" CRLF; `display` may be "". */
void mime_add_mailbox(struct buf *to, const char *name, struct str display,
		      struct str address);
/* RFC 2045, 6.7; a newline of `text` is a line end. */
void mime_add_quoted_printable(struct buf *to, struct str text);

#endif
