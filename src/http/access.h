/*
 * access.h: who may do what: API tokens, kept as digests in access.tokens_file,
 * and JSON Web Tokens of an issuer (jwt_access.h).
 *
 * A line of the file is `<name> <sha256 of the token, hex> <scope,scope,…>
 * <created>`; '#' starts a comment. The file is looked at once a second at most
 * and read again when it changed, so a revocation takes effect within a second
 * or so. A file that is missing gives no access to anybody.
 */
#ifndef HTTP_ACCESS_H
#define HTTP_ACCESS_H

#include "base/config.h"
#include "base/error.h"
#include "base/str.h"

/* All there are. */
#define ACCESS_SCOPES "orders:read,orders:write,orders:delete,images:write," \
		      "reports:write,archive:run"

struct request;

/* Once per worker. `config` must outlive it. */
void access_open(const struct config *config);
/* Sets req->caller. ERROR_UNAUTHENTICATED, or ERROR_FORBIDDEN naming the
 * scope. */
bool access_check(struct request *req, struct str authorization,
		  const char *scope, struct error *err) MUST_CHECK;
/* The origin is one of access.origins, byte for byte. */
bool access_origin_allowed(struct str origin);

#endif
