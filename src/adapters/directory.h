/*
 * directory.h: the parts of object_archive_directory: the keys below a folder,
 * and links to objects that this desk serves itself.
 */
#ifndef ADAPTERS_DIRECTORY_H
#define ADAPTERS_DIRECTORY_H

#include <errno.h>
#include <fcntl.h>

#include "aws/aws_sigv4.h"
#include "ports/object_archive.h"

#define DIRECTORY_SEGMENT_BYTES 201	/* of a key, with its NUL */
#define DIRECTORY_FOLDER_FLAGS \
	(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static inline bool directory_is_absence(int cause)
{
	return cause == ENOENT || cause == ENOTDIR || cause == ELOOP;
}

/* directory_list.c: as object_archive_list. */
bool directory_keys(int root, struct str prefix, struct str after, size_t limit,
		    struct arena *arena, struct object_keys *ret,
		    struct error *err) MUST_CHECK;

/* directory_links.c: as object_archive_presign and object_archive_verify_link;
 * the key is made when there is none. */
struct directory_links {
	const char *site_url;		/* owned by the config */
	struct str host;		/* as a browser sends it */
	struct aws_credentials credentials;
	struct str region;
	char *host_text, *secret_text;
};
bool directory_links_open(struct directory_links *links,
			  const struct config *config,
			  struct error *err) MUST_CHECK;
void directory_links_close(struct directory_links *links);
bool directory_links_sign(const struct directory_links *links, struct str key,
			  struct str filename, int64_t now_ms,
			  unsigned valid_s, struct buf *ret_url,
			  int64_t *ret_expires_ms,
			  struct error *err) MUST_CHECK;
bool directory_links_verify(const struct directory_links *links,
			    struct str path, struct str query, struct str host,
			    int64_t now_ms, struct arena *arena,
			    int64_t *ret_expires_ms,
			    struct error *err) MUST_CHECK;

#endif
