/*
 * sns_verify.h: whether a message is SNS's own, with the certificate it names,
 * fetched once and kept.
 *
 * A certificate is fetched only for a message that has passed every check that
 * needs none, only from the one host that the topic's region allows, over TLS
 * that the system's authorities vouch for; it must be made out to SNS. Few are
 * kept, and few are fetched in a minute: who sends forgeries makes us fetch
 * hardly anything.
 */
#ifndef SNS_SNS_VERIFY_H
#define SNS_SNS_VERIFY_H

#include "base/config.h"
#include "sns/sns_message.h"

struct sns_verifier;

/* Appends what `url` answers with to `pem`; ERROR_UNAVAILABLE. */
typedef bool sns_fetch(void *context, const char *url, struct buf *pem,
		       struct error *err);

/* By HTTPS, as event_bus.certificate_door and event_bus.ca_file say; or, in a
 * test, by `fetch`. `rules` stay the caller's. */
bool sns_verifier_open(struct sns_verifier **ret, const struct config *config,
		       const struct sns_rules *rules,
		       struct error *err) MUST_CHECK;
bool sns_verifier_open_with(struct sns_verifier **ret, sns_fetch *fetch,
			    void *context, const struct sns_rules *rules,
			    struct error *err) MUST_CHECK;
void sns_verifier_close(struct sns_verifier *verifier);

/* As event_bus.h has it. */
bool sns_verify(struct sns_verifier *verifier, struct str body,
		int64_t now_ms, struct arena *arena, struct event *ret,
		struct error *err) MUST_CHECK;
/* The certificate of a message that was parsed and checked; it stays the
 * verifier's, until the next call. */
bool sns_verifier_certificate(struct sns_verifier *verifier,
			      const struct sns_message *message,
			      int64_t now_ms, struct arena *arena,
			      struct certificate **ret,
			      struct error *err) MUST_CHECK;

#endif
