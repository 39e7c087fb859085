/*
 * public_key.h: public keys by their numbers, as a JSON Web Key has them, and
 * the two signature algorithms of RFC 7518 that are accepted.
 *
 * RS256: RSASSA-PKCS1-v1_5 with SHA-256 (section 3.3); a modulus of 2048 to
 * 8192 bits. ES256: ECDSA on P-256 with SHA-256, the signature being r and s, 32
 * bytes each (section 3.4). A key verifies by its own algorithm only.
 */
#ifndef BASE_PUBLIC_KEY_H
#define BASE_PUBLIC_KEY_H

#include "base/str.h"

struct public_key;

/* Big-endian bytes (RFC 7518, 6.3.1 and 6.2.1). NULL when they are no such
 * key. */
struct public_key *public_key_rsa(struct str modulus, struct str exponent);
struct public_key *public_key_p256(struct str x, struct str y);
void public_key_free(struct public_key *key);
bool public_key_is_rsa(const struct public_key *key);
bool public_key_verify(const struct public_key *key, struct str data,
		       struct str signature);

#endif
