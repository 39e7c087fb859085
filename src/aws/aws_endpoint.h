/*
 * aws_endpoint.h: which region, and where a service is.
 *
 * Region: aws.region, AWS_REGION, AWS_DEFAULT_REGION, `region` of the shared
 * config file. Endpoint: aws.endpoint.SERVICE, AWS_ENDPOINT_URL_SERVICE,
 * AWS_ENDPOINT_URL, `endpoint_url` of the shared config file, else AWS's own.
 *
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 */
#ifndef AWS_AWS_ENDPOINT_H
#define AWS_AWS_ENDPOINT_H

#include "base/arena.h"
#include "base/config.h"

struct aws_endpoint {
	struct str region;
	struct str url;		/* scheme and authority, no slash at the end */
	struct str host;	/* as in the Host header: no default port */
	struct str path;	/* what precedes the path of every call, or "" */
};

/* `service`: "dynamodb", "s3", "sns", "rekognition" or "sts". In the arena.
 * ERROR_INTERNAL names the setting. */
bool aws_endpoint_find(struct aws_endpoint *ret, const struct config *config,
		       const char *service, struct arena *arena,
		       struct error *err) MUST_CHECK;

#endif
