/*
 * object_archive_s3_test.c: what an engine may answer that the contract test's
 * peers do not: conflicts, checksums, other answers than they should be.
 */
#include "http_listener.h"

#include "base/crypto.h"
#include "ports/object_archive.h"

#include "base/banned.h"

#define OK ANSWER("200 OK")
#define EXISTS ANSWER("412 Precondition Failed")
#define CONFLICT ANSWER("409 Conflict")
#define GONE ANSWER("404 Not Found")
/* echo -n one | sha256sum, in base64 */
#define SUM_OF_ONE "dpLDrTVAu4A8Ags67mbNiIcSMjTqDG5xQ8Ct1z/0Me0="
#define HEAD_OF(bytes, checksum) \
	"HTTP/1.1 200 OK\r\nContent-Length: " bytes \
	"\r\nx-amz-checksum-sha256: " checksum "\r\n\r\n"
#define HEAD_ONE HEAD_OF("3", SUM_OF_ONE)
#define HEAD_PLAIN "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
#define BODY(text, bytes) \
	"HTTP/1.1 200 OK\r\nContent-Length: " bytes "\r\n\r\n" text

static struct http_listener listener;
static struct config *config;
static struct object_archive *archive;
static struct arena *arena;
static struct error err;

static void open_archive(const char *more)
{
	config = listener_config(&listener, "s3",
				 "object_archive.adapter = s3\n"
				 "object_archive.bucket = bbb\n", more);
	error_init(&err);
	if (!object_archive_open(&archive, config, &err))
		fail_msg("%s %s", err.detail, err.cause);
}

static void close_archive(void)
{
	object_archive_close(archive);
	config_free(config);
}

static int set_up(void **state)
{
	(void)state;
	listener_start(&listener);
	arena = arena_new("object_archive_s3_test", 64 * MIB);
	open_archive("");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_archive();
	listener_stop(&listener);
	arena_free(arena);
	return 0;
}

static void play(const char *a, const char *b, const char *c, const char *d)
{
	listener_play(&listener, a, b, c, d);
}

static bool put(enum object_put_mode mode)
{
	error_init(&err);
	return object_archive_put(archive, STR("a/k.json"), STR("one"),
				  STR("application/json"), mode, &err);
}

static bool sent(const char *text)
{
	return strcasestr(listener.request, text);
}

static void what_was_put_is_read_back_by_its_checksum(void **state)
{
	(void)state;
	play(OK, HEAD_ONE, NULL, NULL);
	assert_true(put(OBJECT_CREATE));
	assert_int_equal(listener.requests, 2);
	assert_true(sent("HEAD /bbb/a/k.json HTTP"));
	assert_true(sent("x-amz-checksum-mode: ENABLED"));
}

static void where_none_is_kept_the_bytes_are_read_back(void **state)
{
	(void)state;
	play(OK, HEAD_PLAIN, BODY("one", "3"), NULL);
	assert_true(put(OBJECT_CREATE));
	assert_int_equal(listener.requests, 3);
	play(OK, HEAD_PLAIN, BODY("onE", "3"), NULL);
	assert_false(put(OBJECT_CREATE));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	/* a checksum of parts is none of the whole */
	play(OK, HEAD_OF("3", "dpLDrTVAuLgD/AIM7mas2A==-2"),
	     BODY("one", "3"), NULL);
	assert_true(put(OBJECT_CREATE));
}

static void other_bytes_than_were_written_are_no_success(void **state)
{
	static const char *const heads[] = {
		HEAD_OF("4", SUM_OF_ONE), GONE,
		HEAD_OF("3", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
		HEAD_OF("-3", SUM_OF_ONE),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		play(OK, heads[i], NULL, NULL);
		assert_false(put(OBJECT_CREATE));
		assert_int_equal(err.code, ERROR_UNAVAILABLE);
		play(OK, heads[i], NULL, NULL);
		assert_false(put(OBJECT_REPLACE));
		assert_int_equal(err.code, ERROR_UNAVAILABLE);
	}
}

static void what_exists_is_compared(void **state)
{
	(void)state;
	play(EXISTS, HEAD_ONE, NULL, NULL);
	assert_true(put(OBJECT_CREATE));
	play(EXISTS, HEAD_OF("4", SUM_OF_ONE), NULL, NULL);
	assert_false(put(OBJECT_CREATE));
	assert_int_equal(err.code, ERROR_CONFLICT);
	/* removed in between: put again */
	play(EXISTS, GONE, OK, HEAD_ONE);
	assert_true(put(OBJECT_CREATE));
	assert_int_equal(listener.requests, 4);
	/* nobody asked for a condition */
	play(EXISTS, HEAD_ONE, NULL, NULL);
	assert_false(put(OBJECT_REPLACE));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
}

static void a_conflict_is_tried_again_and_not_for_ever(void **state)
{
	(void)state;
	play(CONFLICT, CONFLICT, OK, HEAD_ONE);
	assert_true(put(OBJECT_CREATE));
	play(NULL, NULL, NULL, NULL);
	listener.answer = CONFLICT;
	assert_false(put(OBJECT_CREATE));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_in_range(listener.requests, 2, 8);
}

static void only_create_is_conditional(void **state)
{
	(void)state;
	listener.answer = ANSWER("400 Bad Request");
	assert_false(put(OBJECT_CREATE));
	assert_true(sent("\r\nIf-None-Match: *\r\n"));
	assert_true(sent("\r\nx-amz-checksum-sha256: " SUM_OF_ONE "\r\n"));
	assert_true(sent("\r\nContent-Type: application/json\r\n"));
	assert_false(sent("server-side-encryption"));
	assert_false(sent("expected-bucket-owner"));
	assert_false(put(OBJECT_REPLACE));
	assert_false(sent("If-None-Match"));
}

static void encryption_and_owner_are_said_where_configured(void **state)
{
	struct str bytes;

	(void)state;
	close_archive();
	open_archive("object_archive.encryption = aws:kms\n"
		     "object_archive.kms_key = alias/desk\n"
		     "object_archive.bucket_owner = 123456789012\n");
	listener.answer = ANSWER("400 Bad Request");
	assert_false(put(OBJECT_CREATE));
	assert_true(sent("\r\nx-amz-server-side-encryption: aws:kms\r\n"));
	assert_true(sent("\r\nx-amz-server-side-encryption-aws-kms-key-id: "
			 "alias/desk\r\n"));
	assert_true(sent("\r\nx-amz-expected-bucket-owner: 123456789012\r\n"));
	assert_false(object_archive_get(archive, STR("k"), 9, arena, &bytes,
					&err));
	assert_true(sent("\r\nx-amz-expected-bucket-owner: 123456789012\r\n"));
}

static void a_list_that_is_none_is_our_trouble(void **state)
{
	static const char *const answers[] = {
		BODY("{}", "2"), BODY("", "0"), BODY("<a", "2"),
		BODY("<L><IsTruncated>true</IsTruncated></L>", "38"),
		ANSWER("400 Bad Request"), ANSWER("404 Not Found"),
	};
	struct object_keys keys;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		listener.answer = answers[i];
		error_init(&err);
		assert_false(object_archive_list(archive, STR("a/"), STR(""),
						 9, arena, &keys, &err));
		assert_int_equal(err.code, ERROR_UNAVAILABLE);
	}
}

/* Who only reads is not told what became of a write. */
static void what_cannot_be_read_says_that(void **state)
{
	static const char unread[] =
		"The archive could not be read. Try again in a moment.";
	const struct str key = STR("a/k.json");
	struct object_read read;
	struct object_keys keys;
	struct str bytes;

	(void)state;
	listener.answer = ANSWER("403 Forbidden");
	error_init(&err);
	assert_false(object_archive_get(archive, key, 9, arena, &bytes, &err));
	assert_string_equal(err.detail, unread);
	assert_non_null(strstr(err.cause, "status 403"));
	error_init(&err);
	assert_false(object_archive_get_many(archive, &key, 1, 9, arena, &read,
					     &err));
	assert_string_equal(err.detail, unread);
	error_init(&err);
	assert_false(object_archive_list(archive, STR("a/"), STR(""), 9, arena,
					 &keys, &err));
	assert_string_equal(err.detail, unread);
	assert_false(put(OBJECT_CREATE));
	assert_int_equal(err.code, ERROR_UNAVAILABLE);
	assert_string_not_equal(err.detail, unread);
	listener.answer = GONE;
	error_init(&err);
	assert_false(object_archive_get(archive, key, 9, arena, &bytes, &err));
	assert_int_equal(err.code, ERROR_NOT_FOUND);
	assert_string_not_equal(err.detail, unread);
}

/* Folders that a console made, names that are no keys of ours. */
static void what_others_put_there_is_not_listed(void **state)
{
	static const char xml[] =
		"<L><Contents><Key>a/</Key></Contents>"
		"<Contents><Key>a/%01x</Key></Contents>"
		"<Contents><Key>a/b%2Ejson</Key></Contents>"
		"<Contents><Key>a/caf%C3%A9</Key></Contents>"
		"<Contents/><Contents><Key>a/%</Key></Contents></L>";
	struct object_keys keys;

	(void)state;
	listener.answer = arena_printf(arena, "HTTP/1.1 200 OK\r\n"
				       "Content-Length: %zu\r\n\r\n%s",
				       strlen(xml), xml);
	error_init(&err);
	assert_true(object_archive_list(archive, STR("a/"), STR("a/\xff"), 9,
					arena, &keys, &err));
	assert_int_equal(keys.count, 1);
	assert_true(str_is(keys.keys[0], "a/b.json"));
	assert_false(keys.has_more);
	assert_true(sent("&start-after=a%2F~ HTTP"));
}

static void settings_that_are_wrong_stop_the_start(void **state)
{
	static const char *const wrong[] = {
		"object_archive.bucket = B\n", "object_archive.bucket = a/b\n",
		"object_archive.bucket = -aa\n",
		"object_archive.encryption = DES\n",
		"object_archive.bucket_owner = 12\n",
	};
	struct config *other;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(test_config_try(&other, &err, "%s", wrong[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(what_was_put_is_read_back_by_its_checksum),
		TEST(where_none_is_kept_the_bytes_are_read_back),
		TEST(other_bytes_than_were_written_are_no_success),
		TEST(what_exists_is_compared),
		TEST(a_conflict_is_tried_again_and_not_for_ever),
		TEST(only_create_is_conditional),
		TEST(encryption_and_owner_are_said_where_configured),
		TEST(a_list_that_is_none_is_our_trouble),
		TEST(what_cannot_be_read_says_that),
		TEST(what_others_put_there_is_not_listed),
		TEST(settings_that_are_wrong_stop_the_start),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
