/*
 * url.h: where a URL of a setting leads, as far as it can be told without a
 * resolver.
 */
#ifndef BASE_URL_H
#define BASE_URL_H

#include "base/str.h"

/* Plain http to `host`, written so, at any port. */
bool url_is_http_to(struct str url, const char *host);
/* Plain http to this machine: localhost or a loopback address. */
bool url_is_http_to_here(struct str url);

#endif
