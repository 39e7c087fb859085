/*
 * database.h: the engine that order_store, deletion_log and subscriber_list
 * share, since one commit spans them.
 *
 * One per process, opened after the fork, used by one thread. Between begin and
 * commit, every write through the three ports belongs to one transaction;
 * outside, each method is atomic by itself. mark and release bracket one
 * request in it: what a failed request wrote is never stored. An engine that
 * cannot take back just that refuses the commit. When commit fails
 * (ERROR_UNAVAILABLE) nothing of the transaction was stored: the caller takes
 * the requests again, one transaction each.
 *
 * An engine without open transactions (DynamoDB) implements the bracket as
 * nothing: its methods are atomic by themselves.
 */
#ifndef PORTS_DATABASE_H
#define PORTS_DATABASE_H

#include "base/config.h"
#include "base/error.h"
#include "ports/setup.h"

struct database;

struct database_ops {
	const char *name;	/* "sqlite" */
	bool (*begin)(struct database *, struct error *);
	/* Until rollback, reads see one state of the database. Only for as long
	 * as a batch of quick reads takes. */
	bool (*snapshot)(struct database *, struct error *);
	bool (*commit)(struct database *, struct error *);
	void (*rollback)(struct database *);
	bool (*mark)(struct database *, struct error *);
	/* keep: the request's writes stay in the transaction; else they do not,
	 * or the transaction will not be committed */
	bool (*release)(struct database *, bool keep, struct error *);
	/* Reachable, right schema, right settings. */
	bool (*check)(struct database *, struct error *);
	/* What a desk works without and an open that migrates would set: for a
	 * person; NULL when nothing. */
	const char *(*lacks)(struct database *);
	/* Housekeeping of the relay alone: checkpoint, expired idempotency
	 * records, subscribers never confirmed. Returns quickly; called every
	 * second or so. */
	bool (*maintain)(struct database *, int64_t now_ms, struct error *);
	/* Into a new file: all that was committed at one moment, while others
	 * read and write. ERROR_UNAVAILABLE where the engine is no file. */
	bool (*copy)(struct database *, const char *path, struct error *);
	void (*close)(struct database *);
};

struct database {
	const struct database_ops *ops;
	/* Set by an open that migrates, where they are known. */
	bool made;
	enum setup_result time_to_live;	/* what expires goes by itself */
};

/* Creates or migrates the schema when `migrate`; else a missing or older one is
 * an error. */
bool database_open(struct database **ret, const struct config *config,
		   bool migrate, struct error *err) MUST_CHECK;
void database_close(struct database *database);
/* The adapters, for database_open and tests. */
bool database_dynamodb_open(struct database **ret, const struct config *config,
			    bool migrate, struct error *err) MUST_CHECK;
bool database_sqlite_open(struct database **ret, const struct config *config,
			  bool migrate, struct error *err) MUST_CHECK;

static inline bool database_begin(struct database *d, struct error *err)
{
	return d->ops->begin(d, err);
}
static inline bool database_snapshot(struct database *d, struct error *err)
{
	return d->ops->snapshot(d, err);
}
static inline bool database_commit(struct database *d, struct error *err)
{
	return d->ops->commit(d, err);
}
static inline void database_rollback(struct database *d)
{
	d->ops->rollback(d);
}
static inline bool database_mark(struct database *d, struct error *err)
{
	return d->ops->mark(d, err);
}
static inline bool database_release(struct database *d, bool keep,
				    struct error *err)
{
	return d->ops->release(d, keep, err);
}
static inline bool database_check(struct database *d, struct error *err)
{
	return d->ops->check(d, err);
}
static inline const char *database_lacks(struct database *d)
{
	return d->ops->lacks(d);
}
static inline bool database_maintain(struct database *d, int64_t now_ms,
				     struct error *err)
{
	return d->ops->maintain(d, now_ms, err);
}
static inline bool database_copy(struct database *d, const char *path,
				 struct error *err)
{
	return d->ops->copy(d, path, err);
}

#endif
