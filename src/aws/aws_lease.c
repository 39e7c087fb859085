/*
 * aws_lease.c: four ways to credentials that expire. Each is one attempt; who
 * asks comes again.
 */
#include "aws/aws_lease.h"

#include <errno.h>

#include "aws/aws_answer.h"
#include "aws/aws_signed.h"
#include "aws/aws_xml.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/url.h"
#include "base/banned.h"

#define ANSWER_MAX_BYTES (64u * KIB)
#define TOKEN_MAX_BYTES (16u * KIB)
#define CONTAINER_HOST "http://169.254.170.2"
#define INSTANCE_HOST "http://169.254.169.254"
#define INSTANCE_ROLE "/latest/meta-data/iam/security-credentials/"

/* A neighbour answers at once or not at all. */
static const struct http_timeouts near = { 1000, 2000 };
static const struct http_timeouts far = { 2000, 5000 };

static const char *setting(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* --- what is lent -------------------------------------------------------- */

static bool take(struct aws_lease *ret, struct str id, struct str secret,
		 struct str token, struct str expiration, struct error *err)
{
	if (!id.len || !secret.len || !token.len ||
	    !time_parse(expiration, &ret->expires_ms))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "the answer holds no credentials");
	ret->credentials = (struct aws_credentials){ id, secret, token };
	return true;
}

static struct str member(struct json object, const char *name)
{
	return json_string(json_member(object, name));
}

bool aws_lease_from_json(struct aws_lease *ret, struct str text,
			 struct arena *arena, struct error *err)
{
	struct error broken;
	struct json body;

	error_init(&broken);
	if (!json_parse(&body, arena_str(arena, text), arena, &broken))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "the answer is no JSON");
	return take(ret, member(body, "AccessKeyId"),
		    member(body, "SecretAccessKey"), member(body, "Token"),
		    member(body, "Expiration"), err);
}

bool aws_lease_from_xml(struct aws_lease *ret, struct str text,
			struct arena *arena, struct error *err)
{
	const struct aws_xml *root, *result, *lent;

	if (!aws_xml_parse(&root, text, arena, err))
		return false;
	result = aws_xml_child(root, "AssumeRoleResult");
	if (!result)
		result = aws_xml_child(root, "AssumeRoleWithWebIdentityResult");
	lent = aws_xml_child(result, "Credentials");
	return take(ret, aws_xml_text(lent, "AccessKeyId"),
		    aws_xml_text(lent, "SecretAccessKey"),
		    aws_xml_text(lent, "SessionToken"),
		    aws_xml_text(lent, "Expiration"), err);
}

/* --- asking -------------------------------------------------------------- */

static bool say_refusal(const struct http_client_answer *answer,
			const char *source, const char *url,
			struct arena *arena, struct error *err)
{
	struct aws_answer said = { .status = answer->status,
				   .headers = answer->headers,
				   .body = answer->body };

	aws_answer_read(&said, arena);
	if (!said.error_message.len)
		said.error_message = answer->body;
	return error_cause(err, ERROR_UNAVAILABLE,
			   "credentials of %s: %s: status %d: %.60s %.180s",
			   source, url, answer->status,
			   arena_text(arena, said.error_code),
			   arena_text(arena, said.error_message));
}

static bool ask(const struct aws_lease_way *way,
		struct http_client_request *request, const char *source,
		struct str *ret, struct error *err)
{
	const struct http_door door = { "", config_text(way->config,
							"aws.ca_file") };
	struct http_client_answer answer;

	request->answer_max_bytes = ANSWER_MAX_BYTES;
	request->door = &door;
	http_client_call(way->http, request, 1, way->arena, &answer);
	if (answer.outcome != HTTP_ANSWERED)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "credentials of %s: %s: %s", source,
				   request->url, answer.failure);
	if (answer.status != 200)
		return say_refusal(&answer, source, request->url, way->arena,
				   err);
	*ret = answer.body;
	return true;
}

/* A short text without its line end. */
static bool read_token(const char *path, struct arena *arena, struct str *ret,
		       struct error *err)
{
	CLEANUP(cleanup_file) FILE *file = fopen(path, "re");
	char *text = arena_alloc(arena, TOKEN_MAX_BYTES + 1);
	size_t len;

	if (!file)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
				   strerror(errno));
	len = fread(text, 1, TOKEN_MAX_BYTES + 1, file);
	*ret = str_trim((struct str){ text, len });
	if (!ret->len || len > TOKEN_MAX_BYTES)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "%s: holds no token", path);
	return true;
}

/* --- STS ----------------------------------------------------------------- */

static void add_parameter(struct buf *form, const char *name, struct str value)
{
	if (!value.len)
		return;
	buf_printf(form, "&%s=", name);
	buf_add_uri(form, value, false);
}

static void add_role(struct buf *form, const char *action,
		     const struct aws_role *role, struct arena *arena)
{
	struct str session_name = role->session_name;

	if (!session_name.len)
		session_name = str_from(setting("AWS_ROLE_SESSION_NAME"));
	if (!session_name.len)
		session_name = STR("ordermill");
	buf_init(form, arena, ANSWER_MAX_BYTES);
	buf_printf(form, "Action=%s&Version=2011-06-15", action);
	add_parameter(form, "RoleArn", role->arn);
	add_parameter(form, "RoleSessionName", session_name);
	add_parameter(form, "DurationSeconds", role->duration_s);
}

bool aws_lease_has_web_identity(struct aws_role *ret)
{
	*ret = (struct aws_role){
		.arn = str_from(setting("AWS_ROLE_ARN")),
		.token_file = setting("AWS_WEB_IDENTITY_TOKEN_FILE"),
	};
	return ret->token_file && ret->arn.len;
}

bool aws_lease_by_web_identity(struct aws_lease *ret,
			       const struct aws_role *role,
			       const struct aws_lease_way *way,
			       struct error *err)
{
	static const char *const headers[] = {
		"Content-Type: application/x-www-form-urlencoded", NULL,
	};
	struct http_client_request request = {
		.method = "POST", .headers = headers, .timeouts = far,
		.url = arena_printf(way->arena, "%.*s%.*s/",
				    STR_ARG(way->sts.url),
				    STR_ARG(way->sts.path)),
	};
	struct str token, answer;
	struct buf form;

	if (!read_token(role->token_file, way->arena, &token, err))
		return false;
	add_role(&form, "AssumeRoleWithWebIdentity", role, way->arena);
	add_parameter(&form, "WebIdentityToken", token);
	request.body = buf_str(&form);
	return ask(way, &request, "a web identity", &answer, err) &&
	       aws_lease_from_xml(ret, answer, way->arena, err);
}

bool aws_lease_by_role(struct aws_lease *ret, const struct aws_role *role,
		       const struct aws_credentials *source,
		       const struct aws_lease_way *way, struct error *err)
{
	const struct aws_signer signer = { .endpoint = way->sts,
					   .service = STR("sts") };
	const struct aws_header type = {
		STR("Content-Type"), STR("application/x-www-form-urlencoded"),
	};
	struct aws_request call = {
		.method = STR("POST"), .path = STR("/"),
		.headers = &type, .header_count = 1,
	};
	struct http_client_request request;
	struct str answer;
	struct buf form;

	add_role(&form, "AssumeRole", role, way->arena);
	add_parameter(&form, "ExternalId", role->external_id);
	call.body = buf_str(&form);
	aws_signed_request(&signer, source, &call, way->now_ms, way->arena,
			   &request);
	request.timeouts = far;
	return ask(way, &request, arena_text(way->arena, role->arn), &answer,
		   err) &&
	       aws_lease_from_xml(ret, answer, way->arena, err);
}

/* --- container ----------------------------------------------------------- */

bool aws_lease_has_container(void)
{
	return setting("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") ||
	       setting("AWS_CONTAINER_CREDENTIALS_FULL_URI");
}

/* Without TLS only to this machine and to the agents of ECS and EKS. */
static bool is_allowed(struct str url)
{
	return str_starts(url, STR("https://")) || url_is_http_to_here(url) ||
	       url_is_http_to(url, "169.254.170.2") ||
	       url_is_http_to(url, "169.254.170.23") ||
	       url_is_http_to(url, "[fd00:ec2::23]");
}

static bool find_agent(const struct aws_lease_way *way, const char **ret_url,
		       struct error *err)
{
	const char *path = setting("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");

	*ret_url = setting("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	if (path)
		*ret_url = arena_printf(way->arena, CONTAINER_HOST "%s%s",
					path[0] == '/' ? "" : "/", path);
	if (!is_allowed(str_from(*ret_url)))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "AWS_CONTAINER_CREDENTIALS_FULL_URI: %s: "
				   "must be https, or http to this machine or "
				   "the container's agent", *ret_url);
	return true;
}

static bool find_authorization(const struct aws_lease_way *way,
			       const char **ret, struct error *err)
{
	const char *path = setting("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *text = setting("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	struct str token = str_from(text);

	*ret = NULL;
	if (!path && !text)
		return true;
	if (path && !read_token(path, way->arena, &token, err))
		return false;
	for (size_t i = 0; i < token.len; i++)
		if ((unsigned char)token.ptr[i] < ' ')
			return error_cause(err, ERROR_UNAVAILABLE,
					   "the container's authorization "
					   "token holds a control character");
	*ret = arena_printf(way->arena, "Authorization: %.*s",
			    STR_ARG(token));
	return true;
}

bool aws_lease_by_container(struct aws_lease *ret,
			    const struct aws_lease_way *way, struct error *err)
{
	const char *headers[] = { NULL, NULL };
	struct http_client_request request = {
		.method = "GET", .headers = headers, .timeouts = near,
	};
	struct str answer;

	return find_agent(way, &request.url, err) &&
	       find_authorization(way, &headers[0], err) &&
	       ask(way, &request, "the container", &answer, err) &&
	       aws_lease_from_json(ret, answer, way->arena, err);
}

/* --- instance ------------------------------------------------------------ */

bool aws_lease_has_instance(void)
{
	const char *disabled = setting("AWS_EC2_METADATA_DISABLED");

	return !disabled || strcasecmp(disabled, "true");
}

static const char *instance_url(const struct aws_lease_way *way,
				const char *path, struct str end)
{
	const char *host = setting("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	struct str base = str_from(host ? host : INSTANCE_HOST);

	while (base.len && base.ptr[base.len - 1] == '/')
		base.len--;
	return arena_printf(way->arena, "%.*s%s%.*s", STR_ARG(base), path,
			    STR_ARG(end));
}

static bool is_role_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || strchr("/?#%", name.ptr[i]))
			return false;
	return name.len > 0;
}

/* Version 2: a PUT gets the session token that every GET shows; a service that
 * gives none is not asked by version 1. */
bool aws_lease_by_instance(struct aws_lease *ret,
			   const struct aws_lease_way *way, struct error *err)
{
	static const char *const ttl[] = {
		"X-aws-ec2-metadata-token-ttl-seconds: 21600", NULL,
	};
	const char *headers[] = { NULL, NULL };
	struct http_client_request put = {
		.method = "PUT", .headers = ttl, .timeouts = near,
		.url = instance_url(way, "/latest/api/token", STR("")),
	};
	struct http_client_request get = {
		.method = "GET", .headers = headers, .timeouts = near,
		.url = instance_url(way, INSTANCE_ROLE, STR("")),
	};
	struct str token, roles, role, answer;

	if (!ask(way, &put, "the instance", &token, err))
		return false;
	headers[0] = arena_printf(way->arena, "X-aws-ec2-metadata-token: %.*s",
				  STR_ARG(token));
	if (strpbrk(headers[0], "\r\n"))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "the instance's session token holds a line "
				   "end");
	if (!ask(way, &get, "the instance", &roles, err))
		return false;
	/* One a line. */
	if (!str_next(&roles, '\n', &role) || !is_role_name(str_trim(role)))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "the instance has no role");
	get.url = instance_url(way, INSTANCE_ROLE, str_trim(role));
	return ask(way, &get, "the instance's role", &answer, err) &&
	       aws_lease_from_json(ret, answer, way->arena, err);
}
