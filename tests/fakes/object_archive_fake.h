/*
 * object_archive_fake.h: objects in memory, with a knob to fail. Keeps the put
 * and get of object_archive.h; the rest is not in it.
 */
#ifndef FAKES_OBJECT_ARCHIVE_FAKE_H
#define FAKES_OBJECT_ARCHIVE_FAKE_H

#include "ports/object_archive.h"

#define FAKE_OBJECTS 8

struct object_archive_fake {
	struct object_archive base;
	enum error_code fail_next;	/* ERROR_NONE: the next call works */
	unsigned puts;
	size_t count;
	struct {
		char key[200];
		char bytes[8192];
		size_t len;
	} objects[FAKE_OBJECTS];
};

static bool fake_archive_fails(struct object_archive_fake *fake,
			       struct error *err)
{
	enum error_code code = fake->fail_next;

	fake->fail_next = ERROR_NONE;
	if (code != ERROR_NONE)
		error_cause(err, code, "the fake archive was told to fail");
	return code != ERROR_NONE;
}

static bool fake_archive_find(const struct object_archive_fake *fake,
			      struct str key, size_t *ret)
{
	for (*ret = 0; *ret < fake->count; (*ret)++)
		if (str_is(key, fake->objects[*ret].key))
			return true;
	return false;
}

static bool fake_archive_put(struct object_archive *archive, struct str key,
			     struct str bytes, struct str content_type,
			     enum object_put_mode mode, struct error *err)
{
	struct object_archive_fake *fake =
		(struct object_archive_fake *)archive;
	size_t at;

	(void)content_type;
	fake->puts++;
	if (fake_archive_fails(fake, err))
		return false;
	if (fake_archive_find(fake, key, &at)) {
		struct str old = { fake->objects[at].bytes,
				   fake->objects[at].len };

		if (mode == OBJECT_CREATE && !str_eq(old, bytes))
			return error_set(err, ERROR_CONFLICT, "exists");
	} else if (at == FAKE_OBJECTS ||
		   bytes.len > sizeof(fake->objects[0].bytes)) {
		return error_cause(err, ERROR_UNAVAILABLE, "the fake is full");
	} else {
		fake->count++;
	}
	snprintf(fake->objects[at].key, sizeof(fake->objects[at].key), "%.*s",
		 STR_ARG(key));
	memcpy(fake->objects[at].bytes, bytes.ptr, bytes.len);
	fake->objects[at].len = bytes.len;
	return true;
}

static bool fake_archive_get(struct object_archive *archive, struct str key,
			     size_t max_bytes, struct arena *arena,
			     struct str *ret, struct error *err)
{
	struct object_archive_fake *fake =
		(struct object_archive_fake *)archive;
	size_t at;

	if (fake_archive_fails(fake, err))
		return false;
	if (!fake_archive_find(fake, key, &at))
		return error_set(err, ERROR_NOT_FOUND, "%s", "");
	if (fake->objects[at].len > max_bytes)
		return error_cause(err, ERROR_INTERNAL, "too large");
	*ret = arena_str(arena, (struct str){ fake->objects[at].bytes,
					      fake->objects[at].len });
	return true;
}

static const struct object_archive_ops object_archive_fake_ops = {
	.name = "fake", .put = fake_archive_put, .get = fake_archive_get,
};

#define OBJECT_ARCHIVE_FAKE { .base = { &object_archive_fake_ops } }

#endif
