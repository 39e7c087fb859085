/*
 * aws_lease.h: credentials that somebody lends for a while: STS for a role, a
 * container's agent, an instance's metadata service.
 *
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html
 */
#ifndef AWS_AWS_LEASE_H
#define AWS_AWS_LEASE_H

#include "aws/aws_endpoint.h"
#include "aws/aws_sigv4.h"
#include "http_client/http_client.h"

struct aws_lease {
	struct aws_credentials credentials;
	int64_t expires_ms;
};

struct aws_lease_way {
	struct http_client *http;
	const struct config *config;
	struct arena *arena;		/* of what is lent */
	int64_t now_ms;
	struct aws_endpoint sts;	/* for those who lend a role */
};

struct aws_role {
	struct str arn;
	/* absent: AWS_ROLE_SESSION_NAME, or "ordermill" */
	struct str session_name;
	struct str external_id;		/* absent: none */
	struct str duration_s;		/* absent: STS's hour */
	const char *token_file;		/* of the web identity */
};

/* Whether the environment names one. */
bool aws_lease_has_web_identity(struct aws_role *ret);
bool aws_lease_has_container(void);
bool aws_lease_has_instance(void);

/* ERROR_UNAVAILABLE with the source and the reason in the cause. */
bool aws_lease_by_web_identity(struct aws_lease *ret,
			       const struct aws_role *role,
			       const struct aws_lease_way *way,
			       struct error *err) MUST_CHECK;
/* `source`: whom the role trusts. */
bool aws_lease_by_role(struct aws_lease *ret, const struct aws_role *role,
		       const struct aws_credentials *source,
		       const struct aws_lease_way *way, struct error *err)
	MUST_CHECK;
bool aws_lease_by_container(struct aws_lease *ret,
			    const struct aws_lease_way *way, struct error *err)
	MUST_CHECK;
bool aws_lease_by_instance(struct aws_lease *ret,
			   const struct aws_lease_way *way, struct error *err)
	MUST_CHECK;

/* Pure: what the agent and the metadata service answer (JSON), and STS (XML).
 * For tests. */
bool aws_lease_from_json(struct aws_lease *ret, struct str text,
			 struct arena *arena, struct error *err) MUST_CHECK;
bool aws_lease_from_xml(struct aws_lease *ret, struct str text,
			struct arena *arena, struct error *err) MUST_CHECK;

#endif
