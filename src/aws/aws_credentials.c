/*
 * aws_credentials.c: the sources in their order; the first that has credentials
 * is kept.
 */
#include "aws/aws_credentials.h"

#include "aws/aws_profile.h"
#include "base/banned.h"

#define ARENA_MAX_BYTES (2 * MIB)

struct aws_credential_source {
	struct arena *arena;		/* of `held` */
	struct http_client *http;
	bool has;
	struct aws_credentials held;
	int64_t expires_ms;
};

static struct str from_environment(const char *name, struct arena *arena)
{
	const char *value = getenv(name);

	return value && *value ? arena_str(arena, str_from(value)) :
				 (struct str){ NULL, 0 };
}

static bool take_environment(struct aws_credential_source *source)
{
	struct aws_credentials *held = &source->held;

	held->access_key_id = from_environment("AWS_ACCESS_KEY_ID",
					       source->arena);
	held->secret_access_key = from_environment("AWS_SECRET_ACCESS_KEY",
						   source->arena);
	held->session_token = from_environment("AWS_SESSION_TOKEN",
					       source->arena);
	return held->access_key_id.len && held->secret_access_key.len;
}

static bool take_file(struct aws_credential_source *source,
		      enum aws_shared_file file)
{
	struct str text = aws_profile_read(file, source->arena);
	struct str profile = aws_profile_name();
	struct aws_credentials *held = &source->held;

	held->access_key_id = aws_profile_find(text, file, profile,
					       STR("aws_access_key_id"));
	held->secret_access_key = aws_profile_find(
		text, file, profile, STR("aws_secret_access_key"));
	held->session_token = aws_profile_find(text, file, profile,
					       STR("aws_session_token"));
	return held->access_key_id.len && held->secret_access_key.len;
}

bool aws_credentials_open(struct aws_credential_source **ret,
			  const struct config *config,
			  struct http_client *http, struct error *err)
{
	struct aws_credential_source *source = calloc(1, sizeof(*source));

	(void)config;
	if (!source)
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	source->arena = arena_new("aws_credentials", ARENA_MAX_BYTES);
	source->http = http;
	*ret = source;
	return true;
}

void aws_credentials_close(struct aws_credential_source *source)
{
	if (!source)
		return;
	arena_free(source->arena);
	free(source);
}

void aws_credentials_forget(struct aws_credential_source *source)
{
	source->has = false;
}

bool aws_credentials_get(struct aws_credential_source *source, int64_t now_ms,
			 struct aws_credentials *ret, int64_t *ret_expires_ms,
			 struct error *err)
{
	(void)now_ms;
	if (!source->has) {
		arena_reset(source->arena);
		source->expires_ms = AWS_CREDENTIALS_STAY_MS;
		source->has = take_environment(source) ||
			      take_file(source, AWS_CREDENTIALS_FILE) ||
			      take_file(source, AWS_CONFIG_FILE);
	}
	if (!source->has)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "no AWS credentials in the environment or in "
				   "the shared files");
	*ret = source->held;
	*ret_expires_ms = source->expires_ms;
	return true;
}
