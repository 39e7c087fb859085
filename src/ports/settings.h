/*
 * settings.h: what operations need to know of the configuration, read once.
 */
#ifndef PORTS_SETTINGS_H
#define PORTS_SETTINGS_H

#include "base/config.h"
#include "base/str.h"

struct settings {
	const char *site_url;		/* no trailing slash */
	const char *site_name;
	const char *currency;		/* default of orders */
	bool require_if_match;
	const char *fonts;		/* folder that reports take fonts from */
	unsigned link_valid_s;		/* of presigned links to reports */
	struct str secret;		/* 32 bytes, signs cursors, receipts,
					 * link tokens */
};

/* The secret is made (32 random bytes, mode 0600) when its file does not
 * exist. */
bool settings_open(struct settings *ret, const struct config *config,
		   struct error *err) MUST_CHECK;

#endif
