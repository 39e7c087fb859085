/*
 * check.h: how the parts of `ordermill check` say what they found.
 */
#ifndef ORDERMILL_CHECK_H
#define ORDERMILL_CHECK_H

#include "ordermill/ordermill.h"

enum finding {
	GOOD,
	HINT,	/* the desk works, and this may not be what is wanted */
	BAD	/* the command fails */
};

/* One line about `what`; after a HINT or BAD it says what to do. */
void say(enum finding finding, const char *what, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static inline bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static inline bool is_set_to(const struct config *config, const char *key,
			     const char *value)
{
	return !strcmp(config_text(config, key), value);
}

void check_mailer(const struct config *config);

#endif
