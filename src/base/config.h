/*
 * config.h: one file, `key = value`, checked against one typed table that also
 * prints the example file and the manual page.
 *
 * `#` starts a comment line. An unknown key or a bad value stops the start with
 * "file:line: key: reason, and what would be right". Secrets are paths to
 * files. Text stays owned by the config and lives as long as it does. Asking
 * for a key that is not in the table, or with the wrong type, is a bug and
 * aborts.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdio.h>

#include "base/error.h"

struct config;

/* `path` NULL: $ORDERMILL_CONFIG, else /etc/ordermill/ordermill.conf. */
bool config_load(struct config **ret, const char *path, struct error *err)
	MUST_CHECK;
void config_free(struct config *config);

/* Never NULL. A path that was left empty comes as
 * <state.directory>/<default>. */
const char *config_text(const struct config *config, const char *key);
int64_t config_int(const struct config *config, const char *key);
bool config_bool(const struct config *config, const char *key);

/* `<operation>.workers`, `<operation>.batch`; 0 where the file says nothing. */
unsigned config_workers(const struct config *config, const char *operation);
unsigned config_batch(const struct config *config, const char *operation);

void config_print(const struct config *config, FILE *to);  /* what is in force */
void config_print_example(FILE *to);	/* every key, its help and default */
void config_print_manual(FILE *to);	/* ordermill.conf(5), mdoc */

/* Where $CREDENTIALS_DIRECTORY has a file of a secret's key that is not empty,
 * the secret's path is that file's, whatever the configuration says. */

/* First line of a secret's file, without its newline, in a copy (free
 * it). */
bool config_secret(const struct config *config, const char *key, char **ret,
		   struct error *err) MUST_CHECK;

#endif
