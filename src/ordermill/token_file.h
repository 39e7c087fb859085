/*
 * token_file.h: the file of API tokens (access.tokens_file), rewritten as a
 * whole so that a reader sees the old one or the new one.
 *
 * A line is `<name> <sha256 of the token, hex> <scope,scope,…> <created>`;
 * other lines (comments) are kept as they are. A token is `om_` and 43
 * characters of base64url; only its digest is stored.
 */
#ifndef ORDERMILL_TOKEN_FILE_H
#define ORDERMILL_TOKEN_FILE_H

#include "base/arena.h"
#include "base/crypto.h"
#include "base/error.h"
#include "http/access.h"

#define TOKEN_TEXT_BYTES 47	/* om_, 43 characters, NUL */

struct token_entry {
	struct str name;
	struct str digest;	/* hex */
	struct str scopes;	/* comma-separated */
	struct str created;
};

/* A file that is missing has no tokens. */
bool token_file_list(const char *path, struct arena *arena,
		     struct token_entry **ret, size_t *ret_count,
		     struct error *err) MUST_CHECK;
/* ERROR_CONFLICT when the name is taken, ERROR_BAD_REQUEST for a bad name or
 * an unknown scope. */
bool token_file_add(const char *path, struct str name, struct str scopes,
		    int64_t now_ms, struct arena *arena,
		    char ret_token[TOKEN_TEXT_BYTES],
		    struct error *err) MUST_CHECK;
/* ERROR_NOT_FOUND. */
bool token_file_revoke(const char *path, struct str name, struct arena *arena,
		       struct error *err) MUST_CHECK;

#endif
