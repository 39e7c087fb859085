/*
 * jwt.h: bearer tokens of an OpenID Connect issuer (Cognito and others): JWS
 * compact form, RS256 or ES256, by the keys of the issuer's JWK set.
 *
 * RFC 7519 (JWT), 7515 (JWS), 7517 (JWK), 8725 (best current practices).
 * https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
 */
#ifndef HTTP_JWT_H
#define HTTP_JWT_H

#include "base/arena.h"
#include "base/error.h"

/* Of keys of one set; issuers publish two or three. */
#define JWT_MAX_KEYS 16u
#define JWT_MAX_TOKEN_BYTES (8u * KIB)
#define JWT_MAX_KEYS_BYTES (64u * KIB)
/* Clocks differ. */
#define JWT_SKEW_MS (60ll * 1000)

struct jwt_keys;

struct jwt_rules {
	struct str issuer;	/* `iss`, byte for byte */
	/* space separated; one must be in `aud`, or be `client_id` (Cognito's
	 * access tokens have no `aud`) */
	struct str audience;
	/* "word=scope,scope word=scope": what a word of `scope`, `scp` or
	 * `cognito:groups` gives here; empty: each scope by its own name */
	struct str scopes;
};

struct jwt {
	char caller[260];	/* "sub:" and the subject */
	char scopes[256];	/* ours, comma separated */
	int64_t expires_ms;	/* with the skew */
};

/* Keys of other kinds and for other uses are passed over. ERROR_NOT_JSON, or
 * ERROR_BAD_REQUEST when not one is left. */
bool jwt_keys_parse(struct jwt_keys **ret, struct str json,
		    struct arena *arena, struct error *err) MUST_CHECK;
void jwt_keys_free(struct jwt_keys *keys);

/* Two dots: an API token has none. */
bool jwt_looks_like_one(struct str token);
/* ERROR_UNAUTHENTICATED with the reason in the detail. */
bool jwt_verify(const struct jwt_rules *rules, const struct jwt_keys *keys,
		struct str token, int64_t now_ms, struct arena *arena,
		struct jwt *ret, struct error *err) MUST_CHECK;

#endif
