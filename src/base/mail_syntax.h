/*
 * mail_syntax.h: what an address and a message must look like before they go
 * anywhere near SMTP, where a stray CR or LF is a command (RFC 5321, 2.3.8).
 */
#ifndef BASE_MAIL_SYNTAX_H
#define BASE_MAIL_SYNTAX_H

#include "base/str.h"

#define MAIL_ADDRESS_BYTES 255	/* 254 and NUL */
#define MAIL_LINE_BYTES 998u	/* RFC 5322, 2.1.1, without CR and LF */

/* local@domain of dot-atom characters, at most 254 bytes; "desk@localhost" is
 * one. Never a character that means something to SMTP or to a header. */
bool mail_address_valid(struct str address);
/* "Order desk <desk@example.org>" or the bare address; `name` may be "". False
 * when the address is not valid or the name has a control character. */
bool mail_mailbox_parse(struct str mailbox, struct str *ret_name,
			struct str *ret_address);
/* Every line ends in CRLF and has at most MAIL_LINE_BYTES; no other CR, LF or
 * NUL. */
bool mail_message_canonical(struct str message);

#endif
