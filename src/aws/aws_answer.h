/*
 * aws_answer.h: what an answer says of an error, JSON or XML (an authorizer in
 * front of a JSON service may speak XML), its checksum and its Date. Pure.
 */
#ifndef AWS_AWS_ANSWER_H
#define AWS_AWS_ANSWER_H

#include "aws/aws_client.h"

/* Fills error_code, error_message and request_id from headers and body. */
void aws_answer_read(struct aws_answer *answer, struct arena *arena);
/* False when x-amz-crc32 is there and is not that of the body. */
bool aws_answer_is_whole(const struct aws_answer *answer);
/* The Date header (RFC 9110, 5.6.7, IMF-fixdate); false without one. */
bool aws_answer_date(const struct aws_answer *answer, int64_t *ret_ms);

#endif
