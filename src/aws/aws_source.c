/*
 * aws_source.c: the sources in their order, and the roles of a profile.
 */
#include "aws/aws_source.h"

#include <ctype.h>

#include "aws/aws_profile.h"
#include "base/banned.h"

#define PROFILES_MAX 5u
#define DURATION_MIN_S 900u
#define DURATION_MAX_S 43200u

struct search {
	struct aws_lease_way way;
	struct str files[2];		/* by enum aws_shared_file */
};

/* --- keys ---------------------------------------------------------------- */

static bool is_in_environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

static struct str from_environment(const char *name, struct arena *arena)
{
	return is_in_environment(name) ?
		       arena_str(arena, str_from(getenv(name))) :
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

/* As botocore has it: who set one key did not want those of another source. */
static bool check_environment(struct error *err)
{
	static const char *const halves[] = { "AWS_ACCESS_KEY_ID",
					      "AWS_SECRET_ACCESS_KEY" };

	for (size_t i = 0; i < ARRAY_LEN(halves); i++) {
		const char *missing = halves[!i];

		if (is_in_environment(halves[i]) && !is_in_environment(missing))
			return error_cause(err, ERROR_UNAVAILABLE,
					   "half of the AWS credentials is in "
					   "the environment: %s is set and %s "
					   "is missing; set both or neither",
					   halves[i], missing);
	}
	return true;
}

static struct str none_if_empty(struct str text)
{
	return text.len ? text : (struct str){ NULL, 0 };
}

static bool take_keys(struct aws_credentials *ret, const struct search *search,
		      enum aws_shared_file file, struct str profile)
{
	struct str text = search->files[file];

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

static bool take_profile(struct aws_credentials *ret,
			 const struct search *search, struct str profile)
{
	return take_keys(ret, search, AWS_CREDENTIALS_FILE, profile) ||
	       take_keys(ret, search, AWS_CONFIG_FILE, profile);
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

/* --- roles --------------------------------------------------------------- */

/* Absent when it is empty, too. */
static struct str setting(const struct search *search, struct str profile,
			  const char *key)
{
	struct str value = aws_profile_find(
		search->files[AWS_CREDENTIALS_FILE], AWS_CREDENTIALS_FILE,
		profile, str_from(key));

	if (!value.len)
		value = aws_profile_find(search->files[AWS_CONFIG_FILE],
					 AWS_CONFIG_FILE, profile,
					 str_from(key));
	return none_if_empty(value);
}

static bool refuse(struct str profile, const char *key, const char *why,
		   struct error *err)
{
	return error_cause(err, ERROR_UNAVAILABLE,
			   "profile %.*s of the AWS shared files: %s: %s",
			   STR_ARG(profile), key, why);
}

static bool check_present(const struct search *search, struct str profile,
			  struct error *err)
{
	if (aws_profile_is_in(search->files[AWS_CREDENTIALS_FILE],
			      AWS_CREDENTIALS_FILE, profile) ||
	    aws_profile_is_in(search->files[AWS_CONFIG_FILE], AWS_CONFIG_FILE,
			      profile))
		return true;
	return error_cause(err, ERROR_UNAVAILABLE,
			   "profile %.*s: is in none of the AWS shared files "
			   "that can be read; AWS_CONFIG_FILE and "
			   "AWS_SHARED_CREDENTIALS_FILE say where they are",
			   STR_ARG(profile));
}

/* What a profile without credentials must not name. */
static bool check_supported(const struct search *search, struct str profile,
			    struct error *err)
{
	static const char no_program[] =
		"is not supported, no other program is started; keep its "
		"answer as aws_access_key_id … in the credentials file, or use "
		"role_arn";
	static const char no_person[] =
		"is not supported, as nobody is there to sign in; use role_arn "
		"with credential_source or web_identity_token_file, or keys";
	static const char no_role[] = "needs role_arn beside it";
	static const char half[] =
		"is one half; the other must be in the same file";
	static const struct {
		const char *key, *why;
	} refused[] = {
		{ "credential_process", no_program },
		{ "sso_session", no_person },
		{ "sso_start_url", no_person },
		{ "sso_account_id", no_person },
		{ "sso_role_name", no_person },
		{ "login_session", no_person },
		{ "source_profile", no_role },
		{ "credential_source", no_role },
		{ "web_identity_token_file", no_role },
		{ "aws_access_key_id", half },
		{ "aws_secret_access_key", half },
	};

	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (setting(search, profile, refused[i].key).len)
			return refuse(profile, refused[i].key, refused[i].why,
				      err);
	return true;
}

static bool read_role(struct aws_role *ret, const struct search *search,
		      struct str profile, struct error *err)
{
	struct str token_file = setting(search, profile,
					"web_identity_token_file");
	uint64_t duration_s;

	*ret = (struct aws_role){
		.arn = setting(search, profile, "role_arn"),
		.session_name = setting(search, profile, "role_session_name"),
		.external_id = setting(search, profile, "external_id"),
		.duration_s = setting(search, profile, "duration_seconds"),
		.token_file = token_file.len ?
			arena_text(search->way.arena, token_file) : NULL,
	};
	if (ret->duration_s.len &&
	    (!str_to_uint(ret->duration_s, DURATION_MAX_S, &duration_s) ||
	     duration_s < DURATION_MIN_S))
		return refuse(profile, "duration_seconds",
			      "must be 900 to 43200", err);
	return true;
}

static bool by_credential_source(struct aws_lease *ret,
				 const struct search *search,
				 struct str profile, struct str name,
				 struct error *err)
{
	const struct aws_lease_way *way = &search->way;

	if (str_is(name, "Environment") &&
	    take_environment(&ret->credentials, way->arena))
		return true;
	if (str_is(name, "EcsContainer") && aws_lease_has_container())
		return aws_lease_by_container(ret, way, err);
	if (str_is(name, "Ec2InstanceMetadata") && aws_lease_has_instance())
		return aws_lease_by_instance(ret, way, err);
	return refuse(profile, "credential_source",
		      "has no credentials here; it must be Environment, "
		      "EcsContainer or Ec2InstanceMetadata", err);
}

static bool by_role(struct aws_lease *ret, const struct search *search,
		    struct str profile, unsigned depth, struct error *err);

static bool by_source_profile(struct aws_lease *ret,
			      const struct search *search, struct str profile,
			      unsigned depth, struct error *err)
{
	if (take_profile(&ret->credentials, search, profile))
		return true;
	if (depth == PROFILES_MAX)
		return refuse(profile, "source_profile",
			      "goes in a circle, or over more than 5 profiles",
			      err);
	if (setting(search, profile, "role_arn").len)
		return by_role(ret, search, profile, depth, err);
	return check_present(search, profile, err) &&
	       check_supported(search, profile, err) &&
	       refuse(profile, "role_arn",
		      "is missing, and so are keys, but another profile has "
		      "this one for its source_profile", err);
}

static bool by_role(struct aws_lease *ret, const struct search *search,
		    struct str profile, unsigned depth, struct error *err)
{
	struct str from = setting(search, profile, "source_profile");
	struct str named = setting(search, profile, "credential_source");
	struct aws_lease source;
	struct aws_role role;

	if (!read_role(&role, search, profile, err))
		return false;
	if (!!from.len + !!named.len + !!role.token_file != 1)
		return refuse(profile, "role_arn",
			      "needs one of source_profile, credential_source "
			      "and web_identity_token_file", err);
	if (role.token_file)
		return aws_lease_by_web_identity(ret, &role, &search->way, err);
	if (setting(search, profile, "mfa_serial").len)
		return refuse(profile, "mfa_serial",
			      "is not supported, as nobody is there to type a "
			      "code; use a role that asks for none", err);
	return (from.len ? by_source_profile(&source, search, from, depth + 1,
					     err) :
			   by_credential_source(&source, search, profile,
						named, err)) &&
	       check(&source.credentials, err) &&
	       aws_lease_by_role(ret, &role, &source.credentials,
				 &search->way, err);
}

/* --- all of them --------------------------------------------------------- */

static bool find_sts(struct search *search, struct error *err)
{
	return aws_endpoint_find(&search->way.sts, search->way.config, "sts",
				 search->way.arena, err);
}

/* The environment or the machine lends them. */
static bool by_others(struct aws_lease *ret, struct search *search,
		      struct error *err)
{
	struct aws_role role;

	if (aws_lease_has_web_identity(&role))
		return find_sts(search, err) &&
		       aws_lease_by_web_identity(ret, &role, &search->way, err);
	if (aws_lease_has_container())
		return aws_lease_by_container(ret, &search->way, err);
	if (aws_lease_has_instance())
		return aws_lease_by_instance(ret, &search->way, err);
	return error_cause(err, ERROR_UNAVAILABLE,
			   "there are no AWS credentials in the environment, in "
			   "the shared files or of a role");
}

static bool find(struct aws_lease *ret, bool *ret_fixed, struct search *search,
		 struct error *err)
{
	struct str profile = aws_profile_name();
	bool has_role = setting(search, profile, "role_arn").len;

	*ret_fixed = !(has_role && str_is(setting(search, profile,
						  "credential_source"),
					  "Environment")) &&
		     take_environment(&ret->credentials, search->way.arena);
	if (*ret_fixed)
		return true;
	if (has_role)
		return find_sts(search, err) &&
		       by_role(ret, search, profile, 0, err);
	if (take_profile(&ret->credentials, search, profile))
		return true;
	return (!aws_profile_is_chosen() ||
		check_present(search, profile, err)) &&
	       check_supported(search, profile, err) &&
	       by_others(ret, search, err);
}

bool aws_source_ask(struct aws_lease *ret, bool *ret_fixed,
		    const struct aws_lease_way *way, struct error *err)
{
	struct search search = {
		.way = *way,
		.files = {
			[AWS_CONFIG_FILE] = aws_profile_read(AWS_CONFIG_FILE,
							     way->arena),
			[AWS_CREDENTIALS_FILE] = aws_profile_read(
				AWS_CREDENTIALS_FILE, way->arena),
		},
	};

	ret->expires_ms = AWS_CREDENTIALS_STAY_MS;
	return check_environment(err) && find(ret, ret_fixed, &search, err) &&
	       check(&ret->credentials, err);
}
