/*
 * aws_credentials.h: who we are, by the first source that has credentials
 * (aws_source.h).
 *
 * Those that expire are fetched anew from 15 minutes before their end, once a
 * minute until that succeeds.
 */
#ifndef AWS_AWS_CREDENTIALS_H
#define AWS_AWS_CREDENTIALS_H

#include "aws/aws_source.h"

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
