/*
 * aws_source.c: the sources in their order.
 */
#include "aws/aws_source.h"

#include <ctype.h>

#include "aws/aws_profile.h"
#include "base/banned.h"

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

/* They go into headers. */
static bool check(const struct aws_credentials *credentials, struct error *err)
{
	const struct str parts[] = { credentials->access_key_id,
				     credentials->secret_access_key,
				     credentials->session_token };

	for (size_t part = 0; part < ARRAY_LEN(parts); part++)
		for (size_t i = 0; i < parts[part].len; i++)
			if (!isgraph((unsigned char)parts[part].ptr[i]))
				return error_cause(err, ERROR_UNAVAILABLE,
						   "the AWS credentials hold a "
						   "control character or a "
						   "space");
	return true;
}

static bool find(struct aws_lease *ret, bool *ret_fixed,
		 const struct aws_lease_way *way, struct error *err)
{
	*ret_fixed = take_environment(&ret->credentials, way->arena);
	if (*ret_fixed ||
	    take_file(&ret->credentials, AWS_CREDENTIALS_FILE, way->arena) ||
	    take_file(&ret->credentials, AWS_CONFIG_FILE, way->arena))
		return true;
	if (aws_lease_has_web_identity())
		return aws_lease_by_web_identity(ret, way, err);
	if (aws_lease_has_container())
		return aws_lease_by_container(ret, way, err);
	if (aws_lease_has_instance())
		return aws_lease_by_instance(ret, way, err);
	return error_cause(err, ERROR_UNAVAILABLE,
			   "there are no AWS credentials in the environment, in "
			   "the shared files or of a role");
}

bool aws_source_ask(struct aws_lease *ret, bool *ret_fixed,
		    const struct aws_lease_way *way, struct error *err)
{
	ret->expires_ms = AWS_CREDENTIALS_STAY_MS;
	return find(ret, ret_fixed, way, err) && check(&ret->credentials, err);
}
