/*
 * log.h: one line per fact on standard error, `key=value` (logfmt), values
 * quoted where needed. Only main loops log; libraries return errors.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/cleanup.h"
#include "base/str.h"

/* `name` becomes the first field: op=create_order */
void log_open(const char *name);

/* A line is built step by step: begin, fields, end. */
struct log_line {
	char text[2048];
	size_t len;
};
void log_begin(struct log_line *line, const char *level, const char *event);
void log_text(struct log_line *line, const char *key, const char *value);
void log_str(struct log_line *line, const char *key, struct str value);
void log_int(struct log_line *line, const char *key, int64_t value);
void log_end(struct log_line *line);	/* one write(2) */

/* Between the two, lines are collected and leave in one write(2): for what
 * answers many requests in one turn. */
void log_hold(void);
void log_release(void);

/* Short form for one message. level: "info", "warn", "error" */
void log_say(const char *level, const char *event, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

#endif
