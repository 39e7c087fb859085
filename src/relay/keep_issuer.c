/*
 * keep_issuer.c: the issuer's keys (JWK set, RFC 7517), fetched for the
 * responders, which have no network of their own.
 *
 * Issuers publish a key well before they sign with it, so five minutes are soon
 * enough. A set that cannot be fetched leaves the old one in force.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "http_client/http_client.h"
#include "relay/keep.h"

#include "base/banned.h"

#define FETCH_EVERY_MS (5ll * 60 * 1000)
#define AGAIN_AFTER_MS (30ll * 1000)
#define MAX_BYTES (64u * KIB)

static const char *keys_url(const struct config *config, struct arena *arena)
{
	const char *url = config_text(config, "access.jwt_keys_url");

	if (url[0])
		return url;
	return arena_printf(arena, "%s/.well-known/jwks.json",
			    config_text(config, "access.jwt_issuer"));
}

/* With an empty set in its place every token would be refused. */
static bool has_public_key(struct json set)
{
	struct json_iterator it =
		json_first_element(json_member(set, "keys"));

	for (; it.value.value; json_next(&it)) {
		struct str kind = json_string(json_member(it.value, "kty"));

		if (str_is(kind, "RSA") || str_is(kind, "EC"))
			return true;
	}
	return false;
}

static bool fetch(struct keep *keep, struct arena *arena, struct str *ret,
		  struct error *err)
{
	static const char *const headers[] = {
		"Accept: application/jwk-set+json, application/json", NULL,
	};
	struct http_client_answer answer;
	struct http_client_request request = {
		.method = "GET", .url = keys_url(keep->config, arena),
		.headers = headers,
		.timeouts = { .connect_ms = 3000, .total_ms = 5000 },
		.answer_max_bytes = MAX_BYTES,
	};
	struct json set;

	http_client_call(keep->client, &request, 1, arena, &answer);
	if (answer.outcome != HTTP_ANSWERED)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s",
				   request.url, answer.failure);
	if (answer.status != 200)
		return error_cause(err, ERROR_UNAVAILABLE, "%s answered %d",
				   request.url, answer.status);
	if (!json_parse(&set, answer.body, arena, err) ||
	    !has_public_key(set))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "%s answered no JWK set with a public key",
				   request.url);
	*ret = answer.body;
	return true;
}

/* Whole, or as before. It can be fetched again: no fsync. */
static bool write_keys(const char *path, struct str keys, struct error *err)
{
	char temporary[PATH_MAX];
	CLEANUP(cleanup_fd) int fd = -1;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0 || !file_write_all(fd, keys) ||
	    rename(temporary, path) < 0)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
				   strerror(errno));
	return true;
}

void keep_issuer_keys(struct keep *keep, struct turn *turn)
{
	struct error err;
	struct str keys = { 0 };

	if (!config_text(keep->config, "access.jwt_issuer")[0] ||
	    turn->due_ms < keep->issuer_at_ms)
		return;
	error_init(&err);
	if (fetch(keep, turn->arena, &keys, &err) &&
	    write_keys(config_text(keep->config, "access.jwt_keys_file"), keys,
		       &err)) {
		keep->issuer_at_ms = turn->due_ms + FETCH_EVERY_MS;
		return;
	}
	keep->issuer_at_ms = turn->due_ms + AGAIN_AFTER_MS;
	log_say("warn", "issuer_keys_failed", "%s", error_reason(&err));
}
