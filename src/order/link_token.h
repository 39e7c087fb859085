/*
 * link_token.h: the signed tokens in mails' links. Pure.
 *
 * base64url(purpose, subscriber id, end of validity or 0, HMAC-SHA-256 of
 * them).
 */
#ifndef ORDER_LINK_TOKEN_H
#define ORDER_LINK_TOKEN_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"

enum link_purpose { LINK_CONFIRM = 'c', LINK_UNSUBSCRIBE = 'u' };

void link_token_issue(enum link_purpose purpose, const char *subscriber_id,
		      int64_t expires_ms, struct str secret, struct buf *to);
/* An error_item at /token: invalid, expired. */
bool link_token_check(enum link_purpose purpose, struct str token,
		      int64_t now_ms, struct str secret, struct arena *arena,
		      char ret_subscriber_id[ORDER_ID_BYTES],
		      struct error *err) MUST_CHECK;

#endif
