/*
 * aws_endpoint.c: settings in their order, and one URL taken apart.
 */
#include "aws/aws_endpoint.h"

#include <ctype.h>

#include "aws/aws_profile.h"
#include "base/banned.h"

#define NAME_MAX_BYTES 64u

static struct str from_environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? str_from(value) : (struct str){ NULL, 0 };
}

static bool find_region(struct str *ret, const struct config *config,
			struct arena *arena, struct error *err)
{
	struct str region = str_from(config_text(config, "aws.region"));

	if (!region.len)
		region = from_environment("AWS_REGION");
	if (!region.len)
		region = from_environment("AWS_DEFAULT_REGION");
	if (!region.len)
		region = aws_profile_get(AWS_CONFIG_FILE, STR("region"), arena);
	if (!region.len)
		return error_cause(err, ERROR_INTERNAL,
				   "aws.region: is empty; set it, or AWS_REGION "
				   "in the environment");
	/* It becomes part of a host name. */
	for (size_t i = 0; i < region.len; i++)
		if (!islower((unsigned char)region.ptr[i]) &&
		    !isdigit((unsigned char)region.ptr[i]) &&
		    region.ptr[i] != '-')
			return error_cause(err, ERROR_INTERNAL,
					   "aws.region: %.*s: is no region; it "
					   "must be one such as eu-central-1",
					   STR_ARG(region));
	*ret = arena_str(arena, region);
	return true;
}

static struct str configured_url(const struct config *config,
				 const char *service, const char **ret_setting,
				 struct arena *arena)
{
	static char setting[2][NAME_MAX_BYTES];
	const char *ignore = getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
	struct str url;

	snprintf(setting[0], NAME_MAX_BYTES, "aws.endpoint.%s", service);
	*ret_setting = setting[0];
	url = str_from(config_text(config, setting[0]));
	if (url.len || (ignore && !strcmp(ignore, "true")))
		return url;
	snprintf(setting[1], NAME_MAX_BYTES, "AWS_ENDPOINT_URL_%s", service);
	for (char *c = setting[1]; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	*ret_setting = setting[1];
	url = from_environment(setting[1]);
	if (url.len)
		return url;
	*ret_setting = "AWS_ENDPOINT_URL";
	url = from_environment(*ret_setting);
	if (url.len)
		return url;
	*ret_setting = "endpoint_url";
	return aws_profile_get(AWS_CONFIG_FILE, STR("endpoint_url"), arena);
}

static bool is_plain(struct str url)
{
	for (size_t i = 0; i < url.len; i++)
		if (!isgraph((unsigned char)url.ptr[i]) ||
		    strchr("@?#\"<>\\", url.ptr[i]))
			return false;
	return true;
}

static bool ends_with(struct str text, struct str end)
{
	return text.len > end.len &&
	       !memcmp(text.ptr + text.len - end.len, end.ptr, end.len);
}

/* scheme://host[:port][/path] */
static bool take_apart(struct aws_endpoint *ret, struct str url)
{
	struct str host = url, rest;
	bool secure = str_starts(url, STR("https://"));
	size_t scheme = secure ? 8 : 7;
	struct str default_port = secure ? STR(":443") : STR(":80");

	if (!secure && !str_starts(url, STR("http://")))
		return false;
	while (url.len && url.ptr[url.len - 1] == '/')
		url.len--;
	if (url.len <= scheme || !is_plain(url))
		return false;
	rest = (struct str){ url.ptr + scheme, url.len - scheme };
	str_next(&rest, '/', &host);
	if (!host.len)
		return false;
	ret->url = (struct str){ url.ptr, scheme + host.len };
	ret->path = (struct str){ url.ptr + ret->url.len,
				  url.len - ret->url.len };
	if (ends_with(host, default_port))
		host.len -= default_port.len;
	ret->host = host;
	return true;
}

bool aws_endpoint_find(struct aws_endpoint *ret, const struct config *config,
		       const char *service, struct arena *arena,
		       struct error *err)
{
	const char *setting;
	struct str url;

	if (!find_region(&ret->region, config, arena, err))
		return false;
	url = configured_url(config, service, &setting, arena);
	if (!url.len) {
		bool china = str_starts(ret->region, STR("cn-"));

		url = str_from(arena_printf(arena, "https://%s.%.*s.amazonaws.com%s",
					    service, STR_ARG(ret->region),
					    china ? ".cn" : ""));
	}
	if (!take_apart(ret, arena_str(arena, url)))
		return error_cause(err, ERROR_INTERNAL,
				   "%s: %.*s: is no endpoint; it must be a URL "
				   "such as https://dynamodb.eu-central-1."
				   "amazonaws.com", setting, STR_ARG(url));
	return true;
}
