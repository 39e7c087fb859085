/*
 * aws_credentials.h: who we are, in the standard order:
 *
 *   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *   2. aws_access_key_id … of the shared credentials file, then of the config
 *      file, in the profile AWS_PROFILE
 *   3. a role by a web identity: AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN
 *   4. a container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI
 *   5. an EC2 instance, by IMDSv2 alone, unless AWS_EC2_METADATA_DISABLED
 *
 * Not here: IAM Identity Center (SSO), credential_process, roles of a profile.
 * Those that expire are fetched anew from 15 minutes before their end, once a
 * minute until that succeeds.
 *
 * https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 */
#ifndef AWS_AWS_CREDENTIALS_H
#define AWS_AWS_CREDENTIALS_H

#include "aws/aws_sigv4.h"
#include "base/config.h"
#include "http_client/http_client.h"

#define AWS_CREDENTIALS_STAY_MS INT64_MAX	/* of those that do not expire */

struct aws_credential_source;

/* The HTTP client is the caller's and stays his; so is the configuration. */
bool aws_credentials_open(struct aws_credential_source **ret,
			  const struct config *config,
			  struct http_client *http, struct error *err)
	MUST_CHECK;
void aws_credentials_close(struct aws_credential_source *source);

/* Good until the next call. ERROR_UNAVAILABLE when there are none; the cause
 * says which source failed and why. */
bool aws_credentials_get(struct aws_credential_source *source, int64_t now_ms,
			 struct aws_credentials *ret, int64_t *ret_expires_ms,
			 struct error *err) MUST_CHECK;
/* A service called them expired: the next get fetches them anew. False when
 * that is no use: they never change, or were fetched a moment ago. */
bool aws_credentials_forget(struct aws_credential_source *source,
			    int64_t now_ms);

#endif
