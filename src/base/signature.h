/*
 * signature.h: RSA keys and X.509 certificates, as SNS signs with
 * (RSASSA-PKCS1-v1_5 with SHA-1 for signature version 1, SHA-256 for 2).
 */
#ifndef BASE_SIGNATURE_H
#define BASE_SIGNATURE_H

#include "base/arena.h"
#include "base/error.h"

struct signing_key;	/* a private key */
struct certificate;

/* Makes a 2048-bit key and a self-signed certificate (`common_name`, ten years)
 * as PEM files, mode 0600 and 0644, unless both exist. Safe against a second
 * process. */
bool signing_key_ensure(const char *key_path, const char *certificate_path,
			const char *common_name, struct error *err) MUST_CHECK;
bool signing_key_open(struct signing_key **ret, const char *path,
		      struct error *err) MUST_CHECK;
void signing_key_close(struct signing_key *key);
/* SHA-256. The signature as base64 in the arena. */
bool signing_key_sign(struct signing_key *key, struct str data,
		      struct arena *arena, struct str *ret,
		      struct error *err) MUST_CHECK;

bool certificate_parse(struct certificate **ret, struct str pem,
		       struct error *err) MUST_CHECK;
void certificate_free(struct certificate *certificate);
/* Whether it is made out to that host (RFC 6125; without subject alternative
 * names, its common name). */
bool certificate_is_for(const struct certificate *certificate,
			const char *host);
/* version 1: SHA-1, 2: SHA-256. ERROR_FORGED when it does not verify or the
 * certificate is not valid at `now_ms`. */
bool certificate_verify(struct certificate *certificate, int version,
			struct str data, struct str signature_base64,
			int64_t now_ms, struct error *err) MUST_CHECK;

#endif
