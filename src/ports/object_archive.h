/*
 * object_archive.h: objects by key, as S3 has them: archived orders, photos,
 * reports.
 *
 * Keys: archive/YYYY/MM/DD/<event id>.json (UTC day of the deletion; names sort
 * by time), images/<64 hex>.<jpg|png|webp>, reports/<id>.pdf,
 * reports/<id>.json. 1 to 200 bytes of a-z A-Z 0-9 / . _ -, no segment empty or
 * beginning with a dot; anything else is ERROR_BAD_REQUEST before a store is
 * asked.
 *
 * Promises (tests/contract/object_archive_test.c):
 * - put with OBJECT_CREATE never replaces: the same bytes again are success,
 *   other bytes ERROR_CONFLICT. A put that returned true is durable and was read
 *   back; one that failed left no torn object (a whole one at most, when only
 *   the last step failed): putting the same again is safe.
 * - OBJECT_REPLACE replaces as a whole (a reader sees old or new).
 * - get_many reads as get does, many at a time where that is quicker.
 * - list gives keys under a prefix in byte order, behind `after`.
 * - presign gives a URL for GET in SigV4's query form (X-Amz-…), good until
 *   *ret_expires_ms, the earlier of now + valid_s and what credentials allow.
 * - remove of what is not there is success.
 */
#ifndef PORTS_OBJECT_ARCHIVE_H
#define PORTS_OBJECT_ARCHIVE_H

#include "base/buf.h"
#include "base/config.h"
#include "base/error.h"
#include "ports/setup.h"

#define OBJECT_KEY_MAX_BYTES 200

struct object_archive;

enum object_put_mode { OBJECT_CREATE, OBJECT_REPLACE };

struct object_keys {
	struct str *keys;
	size_t count;
	bool has_more;
};

/* One of many that were read. ERROR_NONE and its bytes; ERROR_NOT_FOUND;
 * ERROR_INTERNAL: it is larger than the reader's limit. */
struct object_read {
	enum error_code code;
	struct str bytes;
};

struct object_archive_ops {
	const char *name;
	bool (*put)(struct object_archive *, struct str key, struct str bytes,
		    struct str content_type, enum object_put_mode,
		    struct error *);
	/* ERROR_NOT_FOUND; more than max_bytes: ERROR_INTERNAL. */
	bool (*get)(struct object_archive *, struct str key, size_t max_bytes,
		    struct arena *, struct str *ret, struct error *);
	/* ret[i] of keys[i]; false when one could not be read. */
	bool (*get_many)(struct object_archive *, const struct str *keys,
			 size_t count, size_t max_bytes, struct arena *,
			 struct object_read *ret, struct error *);
	bool (*list)(struct object_archive *, struct str prefix,
		     struct str after, size_t limit, struct arena *,
		     struct object_keys *ret, struct error *);
	bool (*remove)(struct object_archive *, struct str key, struct error *);
	/* `filename` for Content-Disposition (attachment), or none: inline. */
	bool (*presign)(struct object_archive *, struct str key,
			struct str filename, int64_t now_ms, unsigned valid_s,
			struct buf *ret_url, int64_t *ret_expires_ms,
			struct error *);
	/* For an archive whose objects we serve ourselves: is this a link that
	 * presign made, for `path` ("/objects/" and the key, decoded) on
	 * `host`? ERROR_BAD_LINK. */
	bool (*verify_link)(struct object_archive *, struct str path,
			    struct str query, struct str host, int64_t now_ms,
			    struct arena *, int64_t *ret_expires_ms,
			    struct error *);
	/* `ordermill init`: makes what is missing (the folder, the bucket). */
	bool (*create)(struct object_archive *, struct setup *, struct error *);
	bool (*check)(struct object_archive *, struct error *);
	/* What a desk works without and create would add, or why that cannot
	 * be told: for a person; NULL when nothing. */
	const char *(*lacks)(struct object_archive *, struct arena *);
	void (*close)(struct object_archive *);
};

struct object_archive {
	const struct object_archive_ops *ops;
};

bool object_archive_open(struct object_archive **ret,
			 const struct config *config,
			 struct error *err) MUST_CHECK;
void object_archive_close(struct object_archive *archive);
bool object_archive_put(struct object_archive *archive, struct str key,
			struct str bytes, struct str content_type,
			enum object_put_mode mode,
			struct error *err) MUST_CHECK;
bool object_archive_get(struct object_archive *archive, struct str key,
			size_t max_bytes, struct arena *arena, struct str *ret,
			struct error *err) MUST_CHECK;
bool object_archive_get_many(struct object_archive *archive,
			     const struct str *keys, size_t count,
			     size_t max_bytes, struct arena *arena,
			     struct object_read *ret,
			     struct error *err) MUST_CHECK;
bool object_archive_list(struct object_archive *archive, struct str prefix,
			 struct str after, size_t limit, struct arena *arena,
			 struct object_keys *ret, struct error *err) MUST_CHECK;
bool object_archive_remove(struct object_archive *archive, struct str key,
			   struct error *err) MUST_CHECK;
bool object_archive_presign(struct object_archive *archive, struct str key,
			    struct str filename, int64_t now_ms,
			    unsigned valid_s, struct buf *ret_url,
			    int64_t *ret_expires_ms,
			    struct error *err) MUST_CHECK;
bool object_archive_verify_link(struct object_archive *archive,
				struct str path, struct str query,
				struct str host, int64_t now_ms,
				struct arena *arena, int64_t *ret_expires_ms,
				struct error *err) MUST_CHECK;
bool object_archive_create(struct object_archive *archive,
			   struct setup *setup, struct error *err) MUST_CHECK;
bool object_archive_check(struct object_archive *archive,
			  struct error *err) MUST_CHECK;
const char *object_archive_lacks(struct object_archive *archive,
				 struct arena *arena);
bool object_key_is_valid(struct str key);
/* Appends response-content-disposition=… for presign: an attachment of that
 * name, in which all but ASCII letters, digits and " ._-" becomes '_'. */
void object_add_disposition(struct buf *query, struct str filename);

/* The adapters, for object_archive_open and the contract test. */
bool object_archive_directory_open(struct object_archive **ret,
				   const struct config *config,
				   struct error *err) MUST_CHECK;
bool object_archive_s3_open(struct object_archive **ret,
			    const struct config *config,
			    struct error *err) MUST_CHECK;

#endif
