/*
 * object_archive_test.c: does every archive keep object_archive.h's promises?
 */
#include "archives.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "http_client/http_client.h"

#include "base/banned.h"

static void put_then_get_gives_the_same_bytes(void **state)
{
	struct place *place = *state;
	struct str bytes = STR("a\0b\xff\n"), back;

	assert_ok(place, object_archive_put(place->archive, STR("x/y.json"),
					    bytes, TYPE, OBJECT_CREATE,
					    &place->err));
	assert_ok(place, get(place, "x/y.json", &back));
	assert_true(str_eq(back, bytes));
}

static void an_empty_object_is_an_object(void **state)
{
	struct place *place = *state;

	assert_ok(place, put(place, "empty.json", "", OBJECT_CREATE));
	assert_holds(place, "empty.json", "");
	assert_string_equal(list(place, "", "", 9), "empty.json\n");
}

static void a_large_object_comes_back_whole(void **state)
{
	struct place *place = *state;
	struct str bytes = { arena_alloc(place->arena, 3 * MIB + 1),
			     3 * MIB + 1 };
	struct str back;

	random_bytes((char *)bytes.ptr, bytes.len);
	assert_ok(place, object_archive_put(place->archive, STR("big.pdf"),
					    bytes, STR("application/pdf"),
					    OBJECT_CREATE, &place->err));
	assert_ok(place, object_archive_get(place->archive, STR("big.pdf"),
					    bytes.len, place->arena, &back,
					    &place->err));
	assert_true(str_eq(back, bytes));
}

static void what_was_never_put_is_not_found(void **state)
{
	struct place *place = *state;
	struct str bytes;

	assert_refused(place, ERROR_NOT_FOUND, get(place, "no", &bytes));
	assert_refused(place, ERROR_NOT_FOUND, get(place, "no/no", &bytes));
	assert_ok(place, put(place, "a/b", "x", OBJECT_CREATE));
	assert_refused(place, ERROR_NOT_FOUND, get(place, "a", &bytes));
	assert_refused(place, ERROR_NOT_FOUND, get(place, "a/b/c", &bytes));
}

static void an_object_over_the_readers_limit_is_refused(void **state)
{
	struct place *place = *state;
	struct str bytes;

	assert_ok(place, put(place, "k", "12345", OBJECT_CREATE));
	assert_ok(place, object_archive_get(place->archive, STR("k"), 5,
					    place->arena, &bytes,
					    &place->err));
	assert_refused(place, ERROR_INTERNAL,
		       object_archive_get(place->archive, STR("k"), 4,
					  place->arena, &bytes, &place->err));
}

static void many_are_read_as_one_is(void **state)
{
	struct place *place = *state;
	struct object_read objects[100];
	struct str keys[100];

	/* every tenth is too large, every tenth is missing */
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		keys[i] = str_from(arena_printf(place->arena, "m%zu", i));
		if (i % 10 != 9)
			assert_ok(place, put(place, keys[i].ptr,
					     i % 10 == 8 ? "12345" :
							   keys[i].ptr,
					     OBJECT_CREATE));
	}
	assert_ok(place, object_archive_get_many(place->archive, keys, 100, 4,
						 place->arena, objects,
						 &place->err));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		assert_int_equal(objects[i].code,
				 i % 10 == 9 ? ERROR_NOT_FOUND :
				 i % 10 == 8 ? ERROR_INTERNAL : ERROR_NONE);
		if (objects[i].code == ERROR_NONE)
			assert_true(str_eq(objects[i].bytes, keys[i]));
	}
	keys[50] = STR("../a");
	assert_refused(place, ERROR_BAD_REQUEST,
		       object_archive_get_many(place->archive, keys, 100, 4,
					       place->arena, objects,
					       &place->err));
	assert_ok(place, object_archive_get_many(place->archive, keys, 0, 4,
						 place->arena, objects,
						 &place->err));
}

static void create_again_with_the_same_bytes_is_success(void **state)
{
	struct place *place = *state;

	assert_ok(place, put(place, "a/k.json", "one", OBJECT_CREATE));
	assert_ok(place, put(place, "a/k.json", "one", OBJECT_CREATE));
	assert_holds(place, "a/k.json", "one");
}

static void create_never_replaces(void **state)
{
	static const char *const others[] = { "", "on", "onE", "one ", "two" };
	struct place *place = *state;

	assert_ok(place, put(place, "a/k.json", "one", OBJECT_CREATE));
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_refused(place, ERROR_CONFLICT,
			       put(place, "a/k.json", others[i],
				   OBJECT_CREATE));
		assert_holds(place, "a/k.json", "one");
	}
	assert_string_equal(list(place, "", "", 9), "a/k.json\n");
}

static void replace_replaces_and_creates(void **state)
{
	struct place *place = *state;

	assert_ok(place, put(place, "r/k", "one", OBJECT_REPLACE));
	assert_ok(place, put(place, "r/k", "two and more", OBJECT_REPLACE));
	assert_holds(place, "r/k", "two and more");
	assert_ok(place, put(place, "r/k", "", OBJECT_REPLACE));
	assert_holds(place, "r/k", "");
	assert_string_equal(list(place, "", "", 9), "r/k\n");
}

static void remove_can_be_repeated(void **state)
{
	struct place *place = *state;
	struct str bytes;

	assert_ok(place, put(place, "a/b/c", "x", OBJECT_CREATE));
	assert_ok(place, object_archive_remove(place->archive, STR("a/b/c"),
					       &place->err));
	assert_refused(place, ERROR_NOT_FOUND, get(place, "a/b/c", &bytes));
	assert_string_equal(list(place, "", "", 9), "");
	assert_ok(place, object_archive_remove(place->archive, STR("a/b/c"),
					       &place->err));
	assert_ok(place, object_archive_remove(place->archive, STR("z/z"),
					       &place->err));
	assert_ok(place, put(place, "a/b/c", "other", OBJECT_CREATE));
	assert_holds(place, "a/b/c", "other");
}

static void keys_that_are_none_never_reach_the_store(void **state)
{
	static const char *const keys[] = {
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..",
		"a/../b", "a/./b", ".hidden", "a/.hidden", "...", "a b", "a\\b",
		"a%2fb", "a\nb", "a\x01", "caf\xc3\xa9", "a:b", "a*", "~a",
		"a\x7f", "a?b", "a#b", "a+b",
	};
	struct place *place = *state;
	struct object_archive *archive = place->archive;
	struct str bytes;
	struct buf url;
	int64_t expires_ms;

	buf_init(&url, place->arena, KIB);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct str key = str_from(keys[i]);

		assert_refused(place, ERROR_BAD_REQUEST,
			       put(place, keys[i], "x", OBJECT_CREATE));
		assert_refused(place, ERROR_BAD_REQUEST,
			       put(place, keys[i], "x", OBJECT_REPLACE));
		assert_refused(place, ERROR_BAD_REQUEST,
			       get(place, keys[i], &bytes));
		assert_refused(place, ERROR_BAD_REQUEST,
			       object_archive_remove(archive, key,
						     &place->err));
		assert_refused(place, ERROR_BAD_REQUEST,
			       object_archive_presign(archive, key,
						      STR("f"), NOW, 60, &url,
						      &expires_ms,
						      &place->err));
	}
	assert_refused(place, ERROR_BAD_REQUEST,
		       object_archive_put(archive, STR("a\0b"), STR("x"), TYPE,
					  OBJECT_CREATE, &place->err));
	assert_string_equal(list(place, "", "", 9), "");
}

static void a_key_has_200_bytes_at_most(void **state)
{
	struct place *place = *state;
	char key[202];

	memset(key, 'k', sizeof(key));
	key[201] = '\0';
	assert_refused(place, ERROR_BAD_REQUEST,
		       put(place, key, "x", OBJECT_CREATE));
	key[200] = '\0';
	assert_ok(place, put(place, key, "x", OBJECT_CREATE));
	assert_holds(place, key, "x");
	for (size_t i = 1; i < 200; i += 2)
		key[i] = '/';
	key[199] = 'k';
	assert_ok(place, put(place, key, "deep", OBJECT_CREATE));
	assert_holds(place, key, "deep");
	assert_non_null(strstr(list(place, "k/k/", "", 9), key));
}

static void list_gives_keys_in_byte_order(void **state)
{
	static const char *const keys[] = {
		"b", "a/x", "a.json", "a-1", "a/b/c", "a/B", "a0", "A", "a/a",
		"a_", "9",
	};
	struct place *place = *state;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_ok(place, put(place, keys[i], "x", OBJECT_CREATE));
	assert_string_equal(list(place, "", "", 99),
			    "9\nA\na-1\na.json\na/B\na/a\na/b/c\na/x\na0\na_\n"
			    "b\n");
	assert_string_equal(list(place, "a", "", 99),
			    "a-1\na.json\na/B\na/a\na/b/c\na/x\na0\na_\n");
	assert_string_equal(list(place, "a/", "", 99),
			    "a/B\na/a\na/b/c\na/x\n");
	assert_string_equal(list(place, "a/b", "", 99), "a/b/c\n");
	assert_string_equal(list(place, "a/b/c", "", 99), "a/b/c\n");
	assert_string_equal(list(place, "a/b/c/", "", 99), "");
	assert_string_equal(list(place, "zz", "", 99), "");
	assert_string_equal(list(place, "../", "", 99), "");
	assert_string_equal(list(place, "", "a/a", 99),
			    "a/b/c\na/x\na0\na_\nb\n");
	assert_string_equal(list(place, "", "a/", 3), "a/B\na/a\na/b/c\n+");
	assert_string_equal(list(place, "", "a/b", 2), "a/b/c\na/x\n+");
	assert_string_equal(list(place, "a/", "a-", 1), "a/B\n+");
	assert_string_equal(list(place, "", "b", 99), "");
	assert_string_equal(list(place, "", "\xff", 99), "");
	assert_string_equal(list(place, "", "", 0), "+");
}

static void paging_gives_each_key_once_whatever_the_page(void **state)
{
	struct place *place = *state;
	char key[64], last[64];
	size_t seen;

	for (unsigned i = 0; i < 60; i++) {
		snprintf(key, sizeof(key), "p/%u/%c/%02u.json", i % 4,
			 "ab-"[i % 3], i);
		assert_ok(place, put(place, key, "x", OBJECT_CREATE));
	}
	for (size_t page = 1; page < 63; page++) {
		struct object_keys keys = { .has_more = true };

		last[0] = '\0';
		for (seen = 0; keys.has_more; seen += keys.count) {
			assert_ok(place, object_archive_list(
				place->archive, STR("p/"), str_from(last),
				page, place->arena, &keys, &place->err));
			assert_true(keys.count == page || !keys.has_more);
			for (size_t i = 0; i < keys.count; i++) {
				snprintf(key, sizeof(key), "%.*s",
					 STR_ARG(keys.keys[i]));
				assert_true(strcmp(key, last) > 0);
				memcpy(last, key, sizeof(key));
			}
		}
		assert_int_equal(seen, 60);
	}
}

static void folders_without_objects_hide_nothing(void **state)
{
	struct place *place = *state;
	char key[64];

	for (unsigned i = 0; i < 30; i++) {
		snprintf(key, sizeof(key), "e/%02u/x", i);
		assert_ok(place, put(place, key, "x", OBJECT_CREATE));
		if (i < 29)
			assert_ok(place, object_archive_remove(
				place->archive, str_from(key), &place->err));
	}
	assert_string_equal(list(place, "e/", "", 1), "e/29/x\n");
}

/* --- many at once -------------------------------------------------------- */

/* A process, as workers are; its counts are in memory that both see. */
struct writer {
	pid_t pid;
	struct place *place;
	char text[8];
	unsigned wins, conflicts, faults;
};

static struct writer *new_writers(size_t count)
{
	struct writer *writers = mmap(NULL, count * sizeof(*writers),
				      PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(writers != MAP_FAILED);
	return writers;
}

static void writer_start(struct writer *writer, struct place *place,
			 void (*run)(struct writer *))
{
	pid_t pid;

	writer->place = place;
	pid = fork();
	assert_true(pid >= 0);
	if (pid > 0) {
		writer->pid = pid;
		return;
	}
	run(writer);
	_exit(0);
}

static void writer_end(struct writer *writer)
{
	int status;

	assert_int_equal(waitpid(writer->pid, &status, 0), writer->pid);
	assert_int_equal(status, 0);
	assert_int_equal(writer->faults, 0);
}

static void create_many(struct writer *writer)
{
	struct object_archive *archive;
	struct error err;
	char key[32];

	error_init(&err);
	if (!object_archive_open(&archive, writer->place->config, &err)) {
		writer->faults = 1;
		return;
	}
	for (unsigned i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "many/%u/k.json", i);
		error_init(&err);
		if (object_archive_put(archive, str_from(key),
				       str_from(writer->text), TYPE,
				       OBJECT_CREATE, &err))
			writer->wins++;
		else if (err.code == ERROR_CONFLICT)
			writer->conflicts++;
		else
			writer->faults++;
	}
	object_archive_close(archive);
}

static void of_many_creators_of_a_key_one_wins(void **state)
{
	struct writer *writers = new_writers(4);
	unsigned wins = 0;

	for (size_t i = 0; i < 4; i++) {
		snprintf(writers[i].text, sizeof(writers[i].text), "w%zu", i);
		writer_start(&writers[i], *state, create_many);
	}
	for (size_t i = 0; i < 4; i++) {
		writer_end(&writers[i]);
		wins += writers[i].wins;
	}
	assert_int_equal(wins, 40);
	munmap(writers, 4 * sizeof(*writers));
}

static void replace_many(struct writer *writer)
{
	static char large[2][64 * KIB];
	struct object_archive *archive;
	struct error err;

	error_init(&err);
	if (!object_archive_open(&archive, writer->place->config, &err)) {
		writer->faults = 1;
		return;
	}
	for (unsigned i = 0; i < 100; i++) {
		struct str bytes = { large[i % 2], sizeof(large[0]) };

		memset(large[i % 2], "ab"[i % 2], sizeof(large[0]));
		error_init(&err);
		if (!object_archive_put(archive, STR("whole"), bytes, TYPE,
					OBJECT_REPLACE, &err))
			writer->faults++;
	}
	object_archive_close(archive);
}

/*
 * A store may say that it cannot answer now, never something torn: radosgw
 * answers a read whose object was replaced beneath it with 500 (ECANCELED in
 * its log), at times to all the attempts of one call.
 */
static void get_again(struct place *place, const char *key, struct str *bytes)
{
	for (unsigned i = 0; i < 20; i++) {
		error_init(&place->err);
		if (get(place, key, bytes))
			return;
		assert_int_equal(place->err.code, ERROR_UNAVAILABLE);
	}
	fail_msg("20 reads refused: %s", place->err.cause);
}

static void a_reader_of_a_replaced_object_sees_old_or_new(void **state)
{
	struct place *place = *state;
	struct writer *writer = new_writers(1);
	struct str bytes = STR("aa");

	assert_ok(place, object_archive_put(place->archive, STR("whole"),
					    bytes, TYPE, OBJECT_CREATE,
					    &place->err));
	writer_start(writer, place, replace_many);
	for (unsigned i = 0; i < 200; i++) {
		get_again(place, "whole", &bytes);
		assert_true(bytes.len == 2 || bytes.len == 64 * KIB);
		for (size_t at = 1; at < bytes.len; at++)
			if (bytes.ptr[at] != bytes.ptr[0])
				fail_msg("torn at %zu", at);
	}
	writer_end(writer);
	munmap(writer, sizeof(*writer));
}

/* --- links --------------------------------------------------------------- */

static char *presign(struct place *place, const char *key, const char *name,
		     unsigned valid_s)
{
	struct buf url;
	int64_t expires_ms;

	buf_init(&url, place->arena, 4 * KIB);
	assert_ok(place, object_archive_presign(place->archive, str_from(key),
						str_from(name), NOW + 999,
						valid_s, &url, &expires_ms,
						&place->err));
	assert_true(expires_ms <= NOW + 1000 * (int64_t)valid_s + 999);
	assert_true(expires_ms > NOW);
	return url.ptr;
}

static void a_link_has_sigv4s_query_form(void **state)
{
	static const char *const parts[] = {
		"X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Credential=",
		"X-Amz-Date=20261124T160000Z", "X-Amz-Expires=600",
		"X-Amz-SignedHeaders=host", "X-Amz-Signature=",
	};
	struct place *place = *state;
	char *url = presign(place, "images/a.png", NULL, 600);

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		assert_non_null(strstr(url, parts[i]));
	assert_null(strstr(url, "response-content-disposition"));
	assert_non_null(strstr(url, "/images/a.png?"));
	assert_null(strstr(presign(place, "images/a.png", "", 600),
			   "response-content-disposition"));
}

static void a_link_with_a_name_is_a_download(void **state)
{
	struct place *place = *state;

	assert_non_null(strstr(presign(place, "r.pdf", "Orders 2026.pdf", 9),
			       "response-content-disposition=attachment%3B%20"
			       "filename%3D%22Orders%202026.pdf%22"));
	/* Nothing of a name ends the quotes or leaves ASCII. */
	assert_non_null(strstr(presign(place, "r.pdf", "a\"\r\n; x=\xc3\xa9.p",
				       9),
			       "%22a_%20x_.p%22"));
}

static void a_link_ends_when_it_says(void **state)
{
	struct place *place = *state;
	struct buf url;
	int64_t expires_ms;

	buf_init(&url, place->arena, 4 * KIB);
	assert_ok(place, object_archive_presign(place->archive, STR("a"),
						STR("x"), NOW + 500, 60, &url,
						&expires_ms, &place->err));
	assert_int_equal(expires_ms, NOW + 60000);
}

/* GET, or another method; what came as Content-Disposition. */
static int fetch(struct place *place, const char *method, const char *url,
		 const char **ret_headers)
{
	static const char *const none[] = { NULL };
	struct http_client_request request = {
		.method = method, .url = url, .headers = none,
		.timeouts = { 2000, 9000 }, .answer_max_bytes = MIB,
	};
	struct http_client_answer answer;
	struct http_client *client;

	assert_ok(place, http_client_open(&client, &place->err));
	http_client_call(client, &request, 1, place->arena, &answer);
	http_client_close(client);
	assert_int_equal(answer.outcome, HTTP_ANSWERED);
	if (ret_headers)
		*ret_headers = arena_text(place->arena, answer.headers);
	return answer.status;
}

static const char *with(struct place *place, const char *url, const char *old,
			const char *new)
{
	const char *at = strstr(url, old);

	assert_non_null(at);
	return arena_printf(place->arena, "%.*s%s%s", (int)(at - url), url,
			    new, at + strlen(old));
}

/* The directory's are served by a program: tests/integration/test_objects.py */
static void a_link_is_served_as_signed_and_not_otherwise(void **state)
{
	struct place *place = *state;
	const char *url, *headers;
	int64_t expires_ms;
	struct buf buf;

	if (!is_s3())
		return;
	assert_ok(place, put(place, "reports/a.pdf", "A", OBJECT_CREATE));
	assert_ok(place, put(place, "reports/b.pdf", "B", OBJECT_CREATE));
	buf_init(&buf, place->arena, 4 * KIB);
	assert_ok(place, object_archive_presign(
		place->archive, STR("reports/a.pdf"), STR("Orders 1.pdf"),
		clock_now_ms(), 600, &buf, &expires_ms, &place->err));
	url = buf.ptr;
	assert_int_equal(fetch(place, "GET", url, &headers), 200);
	assert_non_null(strcasestr(headers, "content-disposition: attachment; "
					    "filename=\"Orders 1.pdf\""));
	assert_int_equal(fetch(place, "DELETE", url, NULL), 403);
	assert_int_equal(fetch(place, "GET", with(place, url, "a.pdf?",
						  "b.pdf?"), NULL), 403);
	assert_int_equal(fetch(place, "GET", with(place, url, "Expires=600",
						  "Expires=601"), NULL), 403);
	assert_int_equal(fetch(place, "GET", with(place, url, "Orders",
						  "Others"), NULL), 403);
	for (size_t i = 0; i < 64; i++) {
		char *other = arena_text(place->arena, str_from(url));
		char *at = strstr(other, "X-Amz-Signature=") + 16 + i;

		*at = *at == '0' ? '1' : '0';
		assert_int_equal(fetch(place, "GET", other, NULL), 403);
	}
	assert_int_equal(fetch(place, "GET", url, NULL), 200);
}

static void an_archive_in_order_passes_its_check(void **state)
{
	struct place *place = *state;

	assert_ok(place, object_archive_check(place->archive, &place->err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		place_test(put_then_get_gives_the_same_bytes),
		place_test(an_empty_object_is_an_object),
		place_test(a_large_object_comes_back_whole),
		place_test(what_was_never_put_is_not_found),
		place_test(an_object_over_the_readers_limit_is_refused),
		place_test(many_are_read_as_one_is),
		place_test(create_again_with_the_same_bytes_is_success),
		place_test(create_never_replaces),
		place_test(replace_replaces_and_creates),
		place_test(remove_can_be_repeated),
		place_test(keys_that_are_none_never_reach_the_store),
		place_test(a_key_has_200_bytes_at_most),
		place_test(list_gives_keys_in_byte_order),
		place_test(paging_gives_each_key_once_whatever_the_page),
		place_test(folders_without_objects_hide_nothing),
		place_test(of_many_creators_of_a_key_one_wins),
		place_test(a_reader_of_a_replaced_object_sees_old_or_new),
		place_test(a_link_has_sigv4s_query_form),
		place_test(a_link_with_a_name_is_a_download),
		place_test(a_link_ends_when_it_says),
		place_test(a_link_is_served_as_signed_and_not_otherwise),
		place_test(an_archive_in_order_passes_its_check),
	};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_LEN(archives); i++) {
		if (!archive_is_there(archives[i]))
			continue;
		current_archive = archives[i];
		failed += cmocka_run_group_tests_name(archives[i], tests, NULL,
						      NULL);
	}
	return failed;
}
