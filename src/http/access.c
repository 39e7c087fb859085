/*
 * access.c: reads the tokens file and compares digests.
 */
#include "http/access.h"

#include "base/crypto.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/pattern.h"
#include "http/jwt_access.h"
#include "http/request.h"
#include "base/banned.h"

#define MAX_TOKENS 1000u

struct token {
	uint8_t digest[SHA256_BYTES];
	char name[65];
	char scopes[256];
};

static struct {
	struct file_watch file;
	struct str origins;
	struct token *tokens;
	size_t count;
	/* The last token that was found, as its bearer sent it: a desk sends
	 * the same one all day, and a digest costs more than the rest of the
	 * check. */
	char last_text[64];
	const struct token *last;
} access_state;

void access_open(const struct config *config)
{
	access_state.file.path = config_text(config, "access.tokens_file");
	access_state.origins = str_from(config_text(config, "access.origins"));
	jwt_access_open(config);
}

static bool parse_line(char *line, struct token *token)
{
	char digest[SHA256_HEX + 1];

	if (line[0] == '#' ||
	    sscanf(line, "%64s %64s %255s", token->name, digest,
		   token->scopes) != 3)
		return false;
	return hex_decode(str_from(digest), token->digest, SHA256_BYTES);
}

static void read_tokens(void)
{
	CLEANUP(cleanup_file) FILE *file = fopen(access_state.file.path, "re");
	char line[512];

	access_state.count = 0;
	access_state.last = NULL;
	if (!file)
		return;
	if (!access_state.tokens)
		access_state.tokens = calloc(MAX_TOKENS, sizeof(struct token));
	while (access_state.tokens && access_state.count < MAX_TOKENS &&
	       fgets(line, sizeof(line), file))
		if (parse_line(line,
			       &access_state.tokens[access_state.count]))
			access_state.count++;
}

static const struct token *find_token(struct str text)
{
	uint8_t digest[SHA256_BYTES];

	if (access_state.last &&
	    str_eq_constant_time(text, str_from(access_state.last_text)))
		return access_state.last;
	if (!pattern_matches(PATTERN_API_TOKEN, text))
		return NULL;
	sha256(text, digest);
	for (size_t i = 0; i < access_state.count; i++) {
		if (memcmp(access_state.tokens[i].digest, digest,
			   SHA256_BYTES))
			continue;
		access_state.last = &access_state.tokens[i];
		snprintf(access_state.last_text, sizeof(access_state.last_text),
			 "%.*s", STR_ARG(text));
		return access_state.last;
	}
	return NULL;
}

static bool has_scope(const char *scopes, const char *scope)
{
	struct str rest = str_from(scopes), one;

	while (str_next(&rest, ',', &one))
		if (str_is(one, scope))
			return true;
	return false;
}

static bool check_api_token(struct str text, int64_t now_ms,
			    const char **ret_name, const char **ret_scopes,
			    struct error *err)
{
	const struct token *token;

	if (file_has_changed_by(&access_state.file, now_ms))
		read_tokens();
	token = find_token(text);
	/* it may have been added just now */
	if (!token && file_has_changed(&access_state.file)) {
		read_tokens();
		token = find_token(text);
	}
	if (!token)
		return error_set(err, ERROR_UNAUTHENTICATED,
				 "The token is not known or was revoked.");
	*ret_name = token->name;
	*ret_scopes = token->scopes;
	return true;
}

static bool check_jwt(struct str text, const struct request *req,
		      const char **ret_name, const char **ret_scopes,
		      struct error *err)
{
	const struct jwt *jwt;

	if (!jwt_access_check(text, req->now_ms, req->arena, &jwt, err))
		return false;
	*ret_name = jwt->caller;
	*ret_scopes = jwt->scopes;
	return true;
}

bool access_check(struct request *req, struct str authorization,
		  const char *scope, struct error *err)
{
	const char *name = "", *scopes = "";
	struct str text;

	req->had_token = authorization.len > 0;
	if (authorization.len < 7 ||
	    !str_eq_ignore_case((struct str){ authorization.ptr, 7 },
				STR("Bearer ")))
		return error_set(err, ERROR_UNAUTHENTICATED, "");
	text = str_trim((struct str){ authorization.ptr + 7,
				      authorization.len - 7 });
	if (!(jwt_looks_like_one(text) ?
		      check_jwt(text, req, &name, &scopes, err) :
		      check_api_token(text, req->now_ms, &name, &scopes, err)))
		return false;
	/* A later request of the batch may have the file read again. */
	req->caller = arena_text(req->arena, str_from(name));
	if (!has_scope(scopes, scope))
		return error_set(err, ERROR_FORBIDDEN,
				 "The token '%s' lacks the scope %s.", name,
				 scope);
	return true;
}

bool access_origin_allowed(struct str origin)
{
	struct str rest = access_state.origins, one;

	while (str_next(&rest, ' ', &one))
		if (one.len > 0 && str_eq(one, origin))
			return true;
	return false;
}
