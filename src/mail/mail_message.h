/*
 * mail_message.h: the mails people get, as complete RFC 5322 messages
 * (multipart/alternative, text and HTML, UTF-8, CRLF, lines ≤ 78 where
 * possible, quoted-printable). Pure.
 *
 * Headers: From, To, Subject, Date, Message-ID (<mail id@host of site_url>),
 * MIME-Version, Auto-Submitted: auto-generated, traceparent where known; for
 * deletion mails also List-Id, List-Unsubscribe (https link and, RFC 8058,
 * List-Unsubscribe-Post: List-Unsubscribe=One-Click). Text from orders is
 * escaped for where it stands; control characters never reach a header.
 */
#ifndef MAIL_MAIL_MESSAGE_H
#define MAIL_MAIL_MESSAGE_H

#include "order/order.h"
#include "ports/settings.h"
#include "ports/subscriber_list.h"

/*
 * `order` and `deleted_ms` with MAIL_DELETION; else NULL, 0. `traceparent`: of
 * the deletion, or "". ERROR_INVALID when an address holds what it must not.
 */
bool mail_build(struct buf *to, const struct queued_mail *mail,
		const struct settings *settings, const char *from,
		const struct order *order, int64_t deleted_ms,
		const char *traceparent, int64_t now_ms, struct arena *arena,
		struct error *err) MUST_CHECK;

/* The same of a deletion for everybody at once, as plain text: nobody's link to
 * unsubscribe is in it. `text` in the arena. */
bool mail_build_text(struct str *ret_subject, struct str *ret_text,
		     const struct settings *settings,
		     const struct order *order, int64_t deleted_ms,
		     struct arena *arena, struct error *err) MUST_CHECK;

#endif
