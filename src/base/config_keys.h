/*
 * config_keys.h: the table of keys, for the three files that read, print and
 * explain it. Others include config.h.
 */
#ifndef BASE_CONFIG_KEYS_H
#define BASE_CONFIG_KEYS_H

#include "base/str.h"

#define CONFIG_DEFAULT_PATH "/etc/ordermill/ordermill.conf"

enum config_type {
	CONFIG_TEXT,
	CONFIG_PATH,
	CONFIG_INT,
	CONFIG_BOOL,
};

struct config_key {
	const char *name;
	enum config_type type;
	/* A relative path lies in state.directory. */
	const char *fallback;
	const char *aws;	/* with profile = aws, where it differs */
	bool (*check)(struct str value);	/* of a text; NULL: any */
	const char *expected;			/* what check wants */
	bool secret;	/* a path that a credential may replace */
	int64_t min, max;			/* of an integer */
	const char *help;	/* neighbours that share it share the pointer */
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* config_key_count when there is no such key. */
size_t config_key_find(struct str name);

#endif
