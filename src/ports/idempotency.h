/*
 * idempotency.h: one Idempotency-Key, one effect, one stored answer.
 *
 * The answer is rendered before the store is called, so that a store writes
 * order and answer in one commit. `key.len == 0`: the client sent none.
 */
#ifndef PORTS_IDEMPOTENCY_H
#define PORTS_IDEMPOTENCY_H

#include "base/crypto.h"
#include "base/str.h"

/* What a client gets. Headers are "Name: value\r\n" lines without Content-Type
 * and Content-Length. */
struct answer {
	int status;
	struct str content_type;
	struct str headers;
	struct str body;
};

struct idempotency {
	struct str key;
	uint8_t scope[SHA256_BYTES];		/* of caller, method, path and key */
	uint8_t body_digest[SHA256_BYTES];
	int64_t now_ms;
	const struct answer *answer;	/* valid when a store method is called */
};

#endif
