/*
 * crypto.h: digests, MACs, random bytes and encodings; one home of OpenSSL.
 *
 * A failure of the library itself (no memory, no entropy) ends the process:
 * there is nothing to answer without it.
 */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#define SHA256_BYTES 32
#define SHA256_HEX 64
#define MD5_BYTES 16

void sha256(struct str data, uint8_t ret[SHA256_BYTES]);
/* FIPS 198-1 */
void hmac_sha256(struct str key, struct str data, uint8_t ret[SHA256_BYTES]);
/* Lower case, terminated: hex_encode writes 2 * bytes + 1. */
void sha256_hex(struct str data, char ret[SHA256_HEX + 1]);
void hex_encode(const uint8_t *data, size_t bytes, char *ret);
bool hex_decode(struct str hex, uint8_t *ret, size_t bytes);
/* RFC 1321, for engines that ask for it; false where OpenSSL's policy has none. */
bool md5(struct str data, uint8_t ret[MD5_BYTES]);
void random_bytes(void *ret, size_t bytes);

/* RFC 4648: section 4 with padding, section 5 without. */
void buf_add_base64(struct buf *buf, struct str data);
void buf_add_base64url(struct buf *buf, struct str data);
/* Strict: no white space, canonical padding. `ret` in the arena. */
bool base64_decode(struct str text, struct arena *arena, struct str *ret);
bool base64url_decode(struct str text, struct arena *arena, struct str *ret);

#endif
