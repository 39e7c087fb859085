/*
 * aws_credentials.c: what was lent is kept, and when to ask again.
 */
#include "aws/aws_credentials.h"

#include "base/banned.h"

#define ARENA_MAX_BYTES (2 * MIB)
#define ADVISORY_MS (15ll * 60 * 1000)
#define AGAIN_MS (60ll * 1000)
#define MOMENT_MS 5000

struct aws_credential_source {
	const struct config *config;
	struct http_client *http;
	/* What is held lies in one of them, what is fetched in the other. */
	struct arena *arenas[2];
	unsigned current;
	bool has, fixed;
	struct aws_lease held;
	int64_t fetched_ms, again_ms;
	struct error failure;		/* of the last fetch */
};

static bool is_good(const struct aws_credential_source *source, int64_t now_ms)
{
	return source->has && now_ms < source->held.expires_ms;
}

static void renew(struct aws_credential_source *source, int64_t now_ms)
{
	unsigned other = !source->current;
	const struct aws_lease_way way = {
		.http = source->http, .config = source->config,
		.arena = source->arenas[other], .now_ms = now_ms,
	};
	struct aws_lease fresh;

	error_init(&source->failure);
	arena_reset(source->arenas[other]);
	if (aws_source_ask(&fresh, &source->fixed, &way, &source->failure)) {
		source->held = fresh;
		source->current = other;
		source->has = true;
		source->fetched_ms = now_ms;
	}
	source->again_ms = now_ms + (is_good(source, now_ms) ? AGAIN_MS :
							       MOMENT_MS);
}

/* Between two attempts there is a pause, whatever came of the first. */
static bool is_to_be_renewed(const struct aws_credential_source *source,
			     int64_t now_ms)
{
	if (source->has && (source->held.expires_ms == AWS_CREDENTIALS_STAY_MS ||
			    source->held.expires_ms - now_ms > ADVISORY_MS))
		return false;
	return now_ms >= source->again_ms ||
	       now_ms < source->again_ms - AGAIN_MS; /* a clock set back */
}

bool aws_credentials_get(struct aws_credential_source *source, int64_t now_ms,
			 struct aws_credentials *ret, int64_t *ret_expires_ms,
			 struct error *err)
{
	if (is_to_be_renewed(source, now_ms))
		renew(source, now_ms);
	if (is_good(source, now_ms)) {
		*ret = source->held.credentials;
		*ret_expires_ms = source->held.expires_ms;
		return true;
	}
	if (error_is_set(&source->failure))
		return error_cause(err, source->failure.code, "%s",
				   source->failure.cause);
	return error_cause(err, ERROR_UNAVAILABLE,
			   "the AWS credentials have expired, and no new ones "
			   "came");
}

bool aws_credentials_forget(struct aws_credential_source *source,
			    int64_t now_ms)
{
	if (source->fixed || (now_ms >= source->fetched_ms &&
			      now_ms - source->fetched_ms < MOMENT_MS))
		return false;
	source->has = false;
	source->again_ms = now_ms;
	return true;
}

/* --- open, close --------------------------------------------------------- */

bool aws_credentials_open(struct aws_credential_source **ret,
			  const struct config *config,
			  struct http_client *http, struct error *err)
{
	struct aws_credential_source *source = calloc(1, sizeof(*source));

	if (!source)
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	source->arenas[0] = arena_new("aws_credentials", ARENA_MAX_BYTES);
	source->arenas[1] = arena_new("aws_credentials", ARENA_MAX_BYTES);
	source->config = config;
	source->http = http;
	*ret = source;
	return true;
}

void aws_credentials_close(struct aws_credential_source *source)
{
	if (!source)
		return;
	arena_free(source->arenas[0]);
	arena_free(source->arenas[1]);
	free(source);
}
