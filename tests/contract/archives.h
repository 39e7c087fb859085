/*
 * archives.h: the object archives that the tests run against, each test on a
 * fresh one.
 */
#ifndef CONTRACT_ARCHIVES_H
#define CONTRACT_ARCHIVES_H

#include "test_setup.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/crypto.h"
#include "ports/object_archive.h"

/* Values of `object_archive.adapter`. "s3" where ORDERMILL_TEST_S3 is the URL of
 * an engine, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for it. */
static const char *const archives[] = { "directory", "s3" };

#define NOW 1795536000000ll
#define TYPE STR("application/json")

struct place {
	char folder[TEST_FOLDER_BYTES];
	char bucket[33];
	struct config *config;
	struct arena *arena;
	struct object_archive *archive;
	struct error err;
};

static const char *current_archive;

static inline bool archive_is_there(const char *name)
{
	if (strcmp(name, "s3") || getenv("ORDERMILL_TEST_S3"))
		return true;
	print_message("skipped: %s: ORDERMILL_TEST_S3 names no engine\n", name);
	return false;
}

static inline bool is_s3(void)
{
	return current_archive && !strcmp(current_archive, "s3");
}

static inline void say_nothing(enum setup_result result, const char *what,
			       const char *where)
{
	(void)result, (void)what, (void)where;
}

/* Shows the error of a call that must succeed. */
#define assert_ok(place, call) \
	do { \
		error_init(&(place)->err); \
		if (!(call)) \
			fail_msg("%s: %s %s", #call, (place)->err.detail, \
				 (place)->err.cause); \
	} while (0)
#define assert_refused(place, wanted, call) \
	do { \
		error_init(&(place)->err); \
		assert_false(call); \
		assert_int_equal((place)->err.code, wanted); \
	} while (0)

static inline void place_configure(struct place *place, const char *more)
{
	const char *s3 = !is_s3() ? "" : arena_printf(
		place->arena, "aws.endpoint.s3 = %s\naws.region = us-east-1\n"
		"object_archive.bucket = place-%s\n",
		getenv("ORDERMILL_TEST_S3"), place->bucket);

	place->config = test_config("state.directory = %s\n"
				    "object_archive.adapter = %s\n%s%s",
				    place->folder, current_archive ?
				    current_archive : archives[0], more, s3);
	assert_ok(place, object_archive_open(&place->archive, place->config,
					     &place->err));
}

static inline void place_reconfigure(struct place *place, const char *more)
{
	object_archive_close(place->archive);
	config_free(place->config);
	place_configure(place, more);
}

static inline int place_setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	struct setup setup = { .say = say_nothing };
	uint8_t random[16];

	test_folder_make(place->folder, "place");
	place->arena = arena_new("test", 256 * MIB);
	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), place->bucket);
	place_configure(place, "");
	setup.arena = place->arena;
	assert_ok(place, object_archive_create(place->archive, &setup,
					       &place->err));
	*state = place;
	return 0;
}

static inline int place_teardown(void **state)
{
	struct place *place = *state;

	object_archive_close(place->archive);
	arena_free(place->arena);
	config_free(place->config);
	test_folder_remove(place->folder);
	free(place);
	return 0;
}

#define place_test(test) \
	cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

/* --- short forms --------------------------------------------------------- */

static inline bool put(struct place *place, const char *key, const char *text,
		       enum object_put_mode mode)
{
	return object_archive_put(place->archive, str_from(key),
				  str_from(text), TYPE, mode, &place->err);
}

static inline bool get(struct place *place, const char *key, struct str *ret)
{
	return object_archive_get(place->archive, str_from(key), MIB,
				  place->arena, ret, &place->err);
}

static inline void assert_holds(struct place *place, const char *key,
				const char *text)
{
	struct str bytes;

	assert_ok(place, get(place, key, &bytes));
	assert_true(str_is(bytes, text));
}

/* The keys, one a line, "+" at the end when there are more. */
static inline const char *list(struct place *place, const char *prefix,
			       const char *after, size_t limit)
{
	struct object_keys keys;
	struct buf text;

	assert_ok(place, object_archive_list(place->archive, str_from(prefix),
					     str_from(after), limit,
					     place->arena, &keys,
					     &place->err));
	assert_true(keys.count <= limit);
	buf_init(&text, place->arena, 16 * MIB);
	for (size_t i = 0; i < keys.count; i++)
		buf_printf(&text, "%.*s\n", STR_ARG(keys.keys[i]));
	buf_add_text(&text, keys.has_more ? "+" : "");
	return text.ptr;
}

#endif
