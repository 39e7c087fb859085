/*
 * backup_set.h: what a backup of a local desk consists of, and how its files
 * are copied. A backup is a folder:
 *
 *	ordermill.db	the database, of one moment
 *	objects/ …	archived orders, photos, reports
 *	event_bus/ …	key, certificate and subscription
 *	tokens, secrets/site.key, …
 *	SHA256SUMS	of all these, as sha256sum(1) reads it; written last
 *
 * The configuration is not in it: it lies in /etc and names these places.
 */
#ifndef ORDERMILL_BACKUP_SET_H
#define ORDERMILL_BACKUP_SET_H

#include "base/crypto.h"
#include "ordermill/ordermill.h"

#define BACKUP_DATABASE "ordermill.db"
#define BACKUP_SUMS "SHA256SUMS"
#define BACKUP_PATH_BYTES 4096

struct backup_part {
	const char *name;	/* in the backup */
	const char *key;	/* of the configuration: where it is */
	bool is_folder;
	bool may_miss;		/* a desk can be without it */
};

extern const struct backup_part backup_parts[];	/* the database first */
extern const size_t backup_part_count;

/* A database and objects that are files of this machine; else says what to do
 * instead. */
bool backup_is_possible(const struct config *config,
			struct error *err) MUST_CHECK;

/* Where the file `name` of a backup lies on this desk. ERROR_BAD_REQUEST when
 * backups have no such file: it may come from anywhere. */
bool backup_place(const struct config *config, struct str name,
		  char ret[BACKUP_PATH_BYTES], struct error *err) MUST_CHECK;

/* A whole regular file, never changed while it is mapped; {NULL, 0} when it is
 * empty. */
bool backup_map(const char *path, struct str *ret, unsigned *ret_mode,
		struct error *err) MUST_CHECK;
void backup_unmap(struct str *bytes);	/* for CLEANUP */

/* With the folders above it, which get the owner of the folder that they are
 * in. A file that is there is replaced as a whole and leaves its owner and mode
 * to the new one. */
bool backup_write(const char *path, struct str bytes, unsigned mode,
		  struct error *err) MUST_CHECK;
/* errno's word about a file; always false. */
bool backup_fault(const char *path, struct error *err);
/* Everything written in the file system of `path` is on the disk. */
bool backup_sync(const char *path, struct error *err) MUST_CHECK;

#endif
