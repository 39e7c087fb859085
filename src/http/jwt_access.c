/*
 * jwt_access.c: a signature costs more than the request it allows, so each
 * token's is verified once a worker.
 */
#include "http/jwt_access.h"

#include "base/crypto.h"
#include "base/file.h"

#include "base/banned.h"

#define KNOWN 64u	/* a power of two: the place is part of the digest */

struct known_jwt {
	uint8_t digest[SHA256_BYTES];
	struct jwt jwt;		/* expires_ms 0: none */
};

static struct {
	struct jwt_rules rules;
	struct file_watch file;
	struct jwt_keys *keys;
	struct known_jwt *known;
} state;

void jwt_access_open(const struct config *config)
{
	state.rules = (struct jwt_rules){
		.issuer = str_from(config_text(config, "access.jwt_issuer")),
		.audience = str_from(config_text(config,
						 "access.jwt_audience")),
		.scopes = str_from(config_text(config, "access.jwt_scopes")),
	};
	state.file.path = config_text(config, "access.jwt_keys_file");
	state.file.looked_ms = 0;
}

static void read_keys(struct arena *arena)
{
	CLEANUP(cleanup_file) FILE *file = fopen(state.file.path, "re");
	char *text = arena_alloc(arena, JWT_MAX_KEYS_BYTES);
	struct error err;
	size_t bytes;

	jwt_keys_free(state.keys);
	state.keys = NULL;
	if (state.known)
		memset(state.known, 0, KNOWN * sizeof(*state.known));
	else
		state.known = calloc(KNOWN, sizeof(*state.known));
	if (!file || !state.known)
		return;
	error_init(&err);
	bytes = fread(text, 1, JWT_MAX_KEYS_BYTES, file);
	if (!jwt_keys_parse(&state.keys, (struct str){ text, bytes }, arena,
			    &err))
		state.keys = NULL;
}

bool jwt_access_check(struct str token, int64_t now_ms, struct arena *arena,
		      const struct jwt **ret, struct error *err)
{
	uint8_t digest[SHA256_BYTES];
	struct known_jwt *known;

	if (!state.rules.issuer.len)
		return error_set(err, ERROR_UNAUTHENTICATED,
				 "No issuer of JSON Web Tokens is set up here.");
	if (file_has_changed_by(&state.file, now_ms))
		read_keys(arena);
	if (!state.keys)
		return error_set(err, ERROR_UNAUTHENTICATED,
				 "The issuer's keys are not there yet.");
	sha256(token, digest);
	known = &state.known[digest[0] % KNOWN];
	if (known->jwt.expires_ms <= now_ms ||
	    memcmp(known->digest, digest, sizeof(digest))) {
		struct jwt jwt;

		if (!jwt_verify(&state.rules, state.keys, token, now_ms, arena,
				&jwt, err))
			return false;
		known->jwt = jwt;
		memcpy(known->digest, digest, sizeof(digest));
	}
	*ret = &known->jwt;
	return true;
}
