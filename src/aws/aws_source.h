/*
 * aws_source.h: credentials from the first source that has some, in this order:
 *
 *   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; they wait
 *      for 2 when the profile's role names them: credential_source =
 *      Environment
 *   2. the profile AWS_PROFILE of the shared files (of a key in both the
 *      credentials file's counts): its role_arn, else its aws_access_key_id …
 *   3. a role by a web identity: AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN
 *   4. a container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI
 *   5. an EC2 instance, by IMDSv2 alone, unless AWS_EC2_METADATA_DISABLED
 *
 * A role_arn is assumed with the credentials of one of:
 *
 *   source_profile	another profile: its keys, else its own role_arn; or
 *			the same profile with keys beside
 *   credential_source	Environment, EcsContainer or Ec2InstanceMetadata
 *   web_identity_token_file
 *
 * with role_session_name, external_id and duration_seconds as the profile says.
 * What nobody is there for (mfa_serial, sso_*, login_session) or would have to
 * start a program (credential_process) is refused, and so is a profile that is
 * missing: no source further down takes its place.
 *
 * https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
 */
#ifndef AWS_AWS_SOURCE_H
#define AWS_AWS_SOURCE_H

#include "aws/aws_lease.h"

#define AWS_CREDENTIALS_STAY_MS INT64_MAX	/* of those that do not expire */

/* One attempt. `ret_fixed`: another one would bring the same for ever.
 * ERROR_UNAVAILABLE with the source, or the profile and its key, and the reason
 * in the cause. */
bool aws_source_ask(struct aws_lease *ret, bool *ret_fixed,
		    const struct aws_lease_way *way, struct error *err)
	MUST_CHECK;

#endif
