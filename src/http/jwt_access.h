/*
 * jwt_access.h: the issuer's keys as the relay keeps them (access.jwt_keys_file)
 * and the tokens that were verified lately.
 *
 * Without access.jwt_issuer no JSON Web Token is accepted. The file is read
 * again when it changed; while it is missing every such token is refused.
 */
#ifndef HTTP_JWT_ACCESS_H
#define HTTP_JWT_ACCESS_H

#include "base/config.h"
#include "http/jwt.h"

/* Once per worker. `config` must outlive it. */
void jwt_access_open(const struct config *config);
/* Verified once, a token is known by its digest until it expires or the keys
 * change. *ret is good until the next call. ERROR_UNAUTHENTICATED. */
bool jwt_access_check(struct str token, int64_t now_ms, struct arena *arena,
		      const struct jwt **ret, struct error *err) MUST_CHECK;

#endif
