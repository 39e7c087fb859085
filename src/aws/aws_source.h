/*
 * aws_source.h: credentials from the first source that has some, in this order:
 *
 *   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *   2. aws_access_key_id … of the shared credentials file, then of the config
 *      file, in the profile AWS_PROFILE
 *   3. a role by a web identity: AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN
 *   4. a container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI
 *   5. an EC2 instance, by IMDSv2 alone, unless AWS_EC2_METADATA_DISABLED
 *
 * Not here: IAM Identity Center (SSO), credential_process, roles of a profile.
 *
 * https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 */
#ifndef AWS_AWS_SOURCE_H
#define AWS_AWS_SOURCE_H

#include "aws/aws_lease.h"

#define AWS_CREDENTIALS_STAY_MS INT64_MAX	/* of those that do not expire */

/* One attempt. `ret_fixed`: another one would bring the same for ever.
 * ERROR_UNAVAILABLE with the source and the reason in the cause. */
bool aws_source_ask(struct aws_lease *ret, bool *ret_fixed,
		    const struct aws_lease_way *way, struct error *err)
	MUST_CHECK;

#endif
