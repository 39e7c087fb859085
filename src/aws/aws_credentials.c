/*
 * aws_credentials.c: the sources in their order, and when to ask again.
 */
#include "aws/aws_credentials.h"

#include <ctype.h>

#include "aws/aws_lease.h"
#include "aws/aws_profile.h"
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
	bool has, stays;
	struct aws_lease held;
	int64_t fetched_ms, again_ms;
	struct error failure;		/* of the last fetch */
};

/* --- sources that are at hand -------------------------------------------- */

static struct str from_environment(const char *name, struct arena *arena)
{
	const char *value = getenv(name);

	return value && *value ? arena_str(arena, str_from(value)) :
				 (struct str){ NULL, 0 };
}

static bool is_complete(const struct aws_credentials *credentials)
{
	return credentials->access_key_id.len &&
	       credentials->secret_access_key.len;
}

static bool take_environment(struct aws_credentials *ret, struct arena *arena)
{
	*ret = (struct aws_credentials){
		from_environment("AWS_ACCESS_KEY_ID", arena),
		from_environment("AWS_SECRET_ACCESS_KEY", arena),
		from_environment("AWS_SESSION_TOKEN", arena),
	};
	return is_complete(ret);
}

static struct str none_if_empty(struct str text)
{
	return text.len ? text : (struct str){ NULL, 0 };
}

static bool take_file(struct aws_credentials *ret, enum aws_shared_file file,
		      struct arena *arena)
{
	struct str text = aws_profile_read(file, arena);
	struct str profile = aws_profile_name();

	*ret = (struct aws_credentials){
		aws_profile_find(text, file, profile,
				 STR("aws_access_key_id")),
		aws_profile_find(text, file, profile,
				 STR("aws_secret_access_key")),
		none_if_empty(aws_profile_find(text, file, profile,
					       STR("aws_session_token"))),
	};
	return is_complete(ret);
}

/* --- all of them --------------------------------------------------------- */

static bool fetch(struct aws_credential_source *source, struct arena *arena,
		  struct aws_lease *ret, struct error *err)
{
	const struct aws_lease_way way = { source->http, source->config,
					   arena };

	ret->expires_ms = AWS_CREDENTIALS_STAY_MS;
	source->stays = take_environment(&ret->credentials, arena);
	if (source->stays ||
	    take_file(&ret->credentials, AWS_CREDENTIALS_FILE, arena) ||
	    take_file(&ret->credentials, AWS_CONFIG_FILE, arena))
		return true;
	if (aws_lease_has_web_identity())
		return aws_lease_by_web_identity(ret, &way, err);
	if (aws_lease_has_container())
		return aws_lease_by_container(ret, &way, err);
	if (aws_lease_has_instance())
		return aws_lease_by_instance(ret, &way, err);
	return error_cause(err, ERROR_UNAVAILABLE,
			   "there are no AWS credentials in the environment, in "
			   "the shared files or of a role");
}

/* They go into headers. */
static bool check(const struct aws_lease *lease, struct error *err)
{
	const struct str parts[] = { lease->credentials.access_key_id,
				     lease->credentials.secret_access_key,
				     lease->credentials.session_token };

	for (size_t part = 0; part < ARRAY_LEN(parts); part++)
		for (size_t i = 0; i < parts[part].len; i++)
			if (!isgraph((unsigned char)parts[part].ptr[i]))
				return error_cause(err, ERROR_UNAVAILABLE,
						   "the AWS credentials hold a "
						   "control character or a "
						   "space");
	return true;
}

static bool is_good(const struct aws_credential_source *source, int64_t now_ms)
{
	return source->has && now_ms < source->held.expires_ms;
}

static void renew(struct aws_credential_source *source, int64_t now_ms)
{
	unsigned other = !source->current;
	struct aws_lease fresh = { .expires_ms = 0 };

	error_init(&source->failure);
	arena_reset(source->arenas[other]);
	if (fetch(source, source->arenas[other], &fresh, &source->failure) &&
	    check(&fresh, &source->failure)) {
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
	if (source->stays || (now_ms >= source->fetched_ms &&
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
