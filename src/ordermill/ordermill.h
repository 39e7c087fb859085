/*
 * ordermill.h: the command line; one file per command, one table of them.
 *
 * Commands print what they did on standard output and why they could not on
 * standard error. They exit with 0, 1 (it failed) or 2 (they were called
 * wrongly).
 */
#ifndef ORDERMILL_ORDERMILL_H
#define ORDERMILL_ORDERMILL_H

#include "base/arena.h"
#include "base/config.h"
#include "base/error.h"

enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct desk {
	const struct config *config;	/* NULL for commands that need none */
	struct arena *arena;
	int64_t now_ms;
};

struct command {
	const char *name;
	const char *usage;		/* lines, each ended by \n */
	const char *help;		/* one line for the overview */
	bool needs_config;
	int (*run)(struct desk *, int argc, char **argv);
	bool stays_root;	/* else root becomes the state's owner */
};

int command_init(struct desk *desk, int argc, char **argv);
int command_backup(struct desk *desk, int argc, char **argv);
int command_restore_backup(struct desk *desk, int argc, char **argv);
int command_check(struct desk *desk, int argc, char **argv);
int command_token(struct desk *desk, int argc, char **argv);
int command_deletions(struct desk *desk, int argc, char **argv);
int command_event(struct desk *desk, int argc, char **argv);
int command_restore(struct desk *desk, int argc, char **argv);
int command_export(struct desk *desk, int argc, char **argv);
int command_match(struct desk *desk, int argc, char **argv);
int command_model(struct desk *desk, int argc, char **argv);
int command_config(struct desk *desk, int argc, char **argv);
int command_site(struct desk *desk, int argc, char **argv);
int command_errors(struct desk *desk, int argc, char **argv);

/* "ordermill: …" on standard error. Always EXIT_FAILED. */
int say_failure(const struct error *err);
int say_failed(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The same words where a line is built: the cause, else the detail. */
const char *failure_text(const struct error *err);

#endif
