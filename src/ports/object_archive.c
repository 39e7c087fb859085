/*
 * object_archive.c: the list of archives, open by name
 * (`object_archive.adapter`), and the rule for keys, which no adapter can miss.
 */
#include "ports/object_archive.h"

#include "base/banned.h"

#define FILENAME_MAX_BYTES 100

static const struct {
	const char *name;
	bool (*open)(struct object_archive **, const struct config *,
		     struct error *);
} adapters[] = {
	{ "directory", object_archive_directory_open },
	{ "s3", object_archive_s3_open },
};

bool object_archive_open(struct object_archive **ret,
			 const struct config *config, struct error *err)
{
	const char *name = config_text(config, "object_archive.adapter");

	for (size_t i = 0; i < ARRAY_LEN(adapters); i++)
		if (!strcmp(adapters[i].name, name))
			return adapters[i].open(ret, config, err);
	return error_cause(err, ERROR_INTERNAL,
			   "object_archive.adapter: %s: is not directory or "
			   "s3",
			   name);
}

void object_archive_close(struct object_archive *archive)
{
	if (archive)
		archive->ops->close(archive);
}

static bool is_key_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool object_key_is_valid(struct str key)
{
	bool starts = true;	/* at the first byte of a segment */

	if (key.len == 0 || key.len > OBJECT_KEY_MAX_BYTES)
		return false;
	for (size_t i = 0; i < key.len; i++) {
		char c = key.ptr[i];

		if (starts && (c == '/' || c == '.'))
			return false;
		if (c != '/' && !is_key_character(c))
			return false;
		starts = c == '/';
	}
	return !starts;
}

static bool check_key(struct str key, struct error *err)
{
	if (!object_key_is_valid(key))
		return error_set(err, ERROR_BAD_REQUEST,
				 "That is not the key of an object.");
	return true;
}

bool object_archive_put(struct object_archive *archive, struct str key,
			struct str bytes, struct str content_type,
			enum object_put_mode mode, struct error *err)
{
	return check_key(key, err) &&
	       archive->ops->put(archive, key, bytes, content_type, mode, err);
}

/* Always false: who only reads is told what he did not get. */
static bool unread(struct error *err)
{
	if (err->code == ERROR_UNAVAILABLE)
		snprintf(err->detail, sizeof(err->detail), "%s",
			 "The archive could not be read. Try again in a moment.");
	return false;
}

bool object_archive_get(struct object_archive *archive, struct str key,
			size_t max_bytes, struct arena *arena, struct str *ret,
			struct error *err)
{
	return check_key(key, err) &&
	       (archive->ops->get(archive, key, max_bytes, arena, ret, err) ||
		unread(err));
}

bool object_archive_get_many(struct object_archive *archive,
			     const struct str *keys, size_t count,
			     size_t max_bytes, struct arena *arena,
			     struct object_read *ret, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (!check_key(keys[i], err))
			return false;
	return archive->ops->get_many(archive, keys, count, max_bytes, arena,
				      ret, err) || unread(err);
}

bool object_archive_list(struct object_archive *archive, struct str prefix,
			 struct str after, size_t limit, struct arena *arena,
			 struct object_keys *ret, struct error *err)
{
	return archive->ops->list(archive, prefix, after, limit, arena, ret,
				  err) || unread(err);
}

bool object_archive_remove(struct object_archive *archive, struct str key,
			   struct error *err)
{
	return check_key(key, err) && archive->ops->remove(archive, key, err);
}

bool object_archive_presign(struct object_archive *archive, struct str key,
			    struct str filename, int64_t now_ms,
			    unsigned valid_s, struct buf *ret_url,
			    int64_t *ret_expires_ms, struct error *err)
{
	return check_key(key, err) &&
	       archive->ops->presign(archive, key, filename, now_ms, valid_s,
				     ret_url, ret_expires_ms, err);
}

bool object_archive_verify_link(struct object_archive *archive,
				struct str path, struct str query,
				struct str host, int64_t now_ms,
				struct arena *arena, int64_t *ret_expires_ms,
				struct error *err)
{
	return archive->ops->verify_link(archive, path, query, host, now_ms,
					 arena, ret_expires_ms, err);
}

bool object_archive_check(struct object_archive *archive, struct error *err)
{
	return archive->ops->check(archive, err);
}

const char *object_archive_lacks(struct object_archive *archive,
				 struct arena *arena)
{
	return archive->ops->lacks(archive, arena);
}

bool object_archive_create(struct object_archive *archive,
			   struct setup *setup, struct error *err)
{
	return archive->ops->create(archive, setup, err);
}

/* Text that needs no escape between quotes; the rest becomes one '_' a run. */
static void add_filename(struct buf *to, struct str filename)
{
	bool replaced = false;

	for (size_t i = 0; i < filename.len && i < FILENAME_MAX_BYTES; i++) {
		char c = filename.ptr[i];
		bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || (c && strchr(" ._-", c));

		if (safe || !replaced)
			buf_add_char(to, safe ? c : '_');
		replaced = !safe;
	}
}

void object_add_disposition(struct buf *query, struct str filename)
{
	struct buf value;

	buf_init(&value, query->arena, KIB);
	buf_add_text(&value, "attachment; filename=\"");
	add_filename(&value, filename);
	buf_add_char(&value, '"');
	buf_add_text(query, "response-content-disposition=");
	buf_add_uri(query, buf_str(&value), false);
}
