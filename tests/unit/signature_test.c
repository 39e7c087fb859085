/*
 * signature_test.c: is a genuine signature taken and every other one refused?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/signature.h"

#include "base/banned.h"

static char folder[200], key_path[256], certificate_path[256];
static struct arena *arena;
/* Making a key takes long: the tests that do not care share this pair. */
static struct str shared_key, shared_certificate;

static int setup_empty(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/signature_test.XXXXXX",
		 tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(key_path, sizeof(key_path), "%s/key.pem", folder);
	snprintf(certificate_path, sizeof(certificate_path),
		 "%s/certificate.pem", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(key_path);
	unlink(certificate_path);
	/* Fails, and the test with it, when a temporary file was left. */
	return rmdir(folder);
}

static void ensure(void)
{
	struct error err;

	error_init(&err);
	if (!signing_key_ensure(key_path, certificate_path, "localhost", &err))
		fail_msg("%s", err.cause);
}

static struct str content(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = arena_alloc(arena, 16 * KIB);
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, 16 * KIB, file);
	fclose(file);
	return (struct str){ text, len };
}

static void write_file(const char *path, struct str text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
	fclose(file);
}

static int setup_group(void **state)
{
	arena = arena_new("test", 4 * MIB);
	if (setup_empty(state))
		return -1;
	ensure();
	shared_key = content(key_path);
	shared_certificate = content(certificate_path);
	return teardown(state);
}

static int teardown_group(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static int setup(void **state)
{
	if (setup_empty(state))
		return -1;
	write_file(key_path, shared_key);
	write_file(certificate_path, shared_certificate);
	return 0;
}

static struct certificate *certificate(void)
{
	struct certificate *certificate;
	struct error err;

	error_init(&err);
	assert_true(certificate_parse(&certificate, content(certificate_path),
				      &err));
	return certificate;
}

static struct str signed_text(struct str data)
{
	struct signing_key *key;
	struct str signature;
	struct error err;

	error_init(&err);
	assert_true(signing_key_open(&key, key_path, &err));
	assert_true(signing_key_sign(key, data, arena, &signature, &err));
	signing_key_close(key);
	return signature;
}

/* Signature version 1, which the product itself never makes. */
static struct str signed_with_sha1(struct str data)
{
	FILE *file = fopen(key_path, "r");
	EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char signature[512];
	size_t bytes = sizeof(signature);
	struct buf buf;

	fclose(file);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha1(), NULL, key),
			 1);
	assert_int_equal(EVP_DigestSign(ctx, signature, &bytes,
					(const unsigned char *)data.ptr,
					data.len), 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	buf_init(&buf, arena, 1000);
	buf_add_base64(&buf, (struct str){ (char *)signature, bytes });
	return buf_str(&buf);
}

static bool verifies(int version, struct str data, struct str signature,
		     int64_t now_ms)
{
	struct certificate *with = certificate();
	struct error err;
	bool ok;

	error_init(&err);
	ok = certificate_verify(with, version, data, signature, now_ms, &err);
	if (!ok)
		assert_int_equal(err.code, ERROR_FORGED);
	certificate_free(with);
	return ok;
}

static void a_genuine_signature_verifies(void **state)
{
	int64_t now_ms = clock_now_ms();

	(void)state;
	assert_true(verifies(2, STR("text"), signed_text(STR("text")), now_ms));
	assert_true(verifies(2, STR(""), signed_text(STR("")), now_ms));
	assert_true(verifies(1, STR("text"), signed_with_sha1(STR("text")),
			     now_ms));
}

static void versions_do_not_stand_for_each_other(void **state)
{
	int64_t now_ms = clock_now_ms();
	struct str signature;

	(void)state;
	signature = signed_text(STR("text"));
	assert_false(verifies(1, STR("text"), signature, now_ms));
	assert_false(verifies(0, STR("text"), signature, now_ms));
	assert_false(verifies(3, STR("text"), signature, now_ms));
	assert_false(verifies(2, STR("text"), signed_with_sha1(STR("text")),
			      now_ms));
}

static void a_changed_text_or_signature_is_forged(void **state)
{
	int64_t now_ms = clock_now_ms();
	struct str signature;
	char *changed;

	(void)state;
	signature = signed_text(STR("text"));
	assert_false(verifies(2, STR("Text"), signature, now_ms));
	assert_false(verifies(2, STR("text\n"), signature, now_ms));
	assert_false(verifies(2, STR(""), signature, now_ms));
	changed = arena_text(arena, signature);
	changed[100] = changed[100] == 'A' ? 'B' : 'A';
	assert_false(verifies(2, STR("text"), str_from(changed), now_ms));
}

static void what_is_no_signature_is_forged(void **state)
{
	static const char *const bad[] = { "", "=", "AAAA", "not base64!",
					   "QUJD\n" };
	int64_t now_ms = clock_now_ms();
	char *huge;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(verifies(2, STR("x"), str_from(bad[i]), now_ms));
	assert_false(verifies(2, STR("x"), (struct str){ NULL, 0 }, now_ms));
	huge = arena_alloc(arena, 100 * KIB);
	memset(huge, 'A', 100 * KIB);
	assert_false(verifies(2, STR("x"), (struct str){ huge, 100 * KIB },
			      now_ms));
}

static void another_key_is_forged(void **state)
{
	int64_t now_ms = clock_now_ms();
	struct str signature;

	(void)state;
	signature = signed_text(STR("text"));
	unlink(key_path);
	ensure();
	assert_false(verifies(2, STR("text"), signature, now_ms));
}

static void a_certificate_is_valid_for_ten_years(void **state)
{
	const int64_t day_ms = 24ll * 3600 * 1000;
	int64_t now_ms = clock_now_ms();
	struct str signature;

	(void)state;
	signature = signed_text(STR("text"));
	assert_true(verifies(2, STR("text"), signature,
			     now_ms + 3649 * day_ms));
	assert_false(verifies(2, STR("text"), signature,
			      now_ms + 3651 * day_ms));
	assert_false(verifies(2, STR("text"), signature, now_ms - day_ms));
}

static void what_is_no_certificate_is_refused(void **state)
{
	static char large[20 * KIB];
	struct certificate *certificate;
	struct str bad[5];
	struct error err;

	(void)state;
	memset(large, 'A', sizeof(large));
	bad[0] = (struct str){ NULL, 0 };
	bad[1] = STR("hello");
	bad[2] = content(key_path);
	bad[3] = content(certificate_path);
	bad[3].len /= 2;
	bad[4] = (struct str){ large, sizeof(large) };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		error_init(&err);
		assert_false(certificate_parse(&certificate, bad[i], &err));
		assert_int_equal(err.code, ERROR_FORGED);
		assert_null(certificate);
	}
	certificate_free(NULL);
}

static void the_files_have_their_modes_and_stay(void **state)
{
	struct stat key, certificate;
	struct str first;

	(void)state;
	umask(0);
	ensure();
	assert_int_equal(stat(key_path, &key), 0);
	assert_int_equal(stat(certificate_path, &certificate), 0);
	assert_int_equal(key.st_mode & 07777, 0600);
	assert_int_equal(certificate.st_mode & 07777, 0644);
	umask(022);
	first = content(key_path);
	ensure();
	assert_true(str_eq(first, content(key_path)));
}

/* After a crash in between, or a restore of one file without the other. */
static void a_certificate_of_another_key_is_made_anew(void **state)
{
	int64_t now_ms = clock_now_ms();

	(void)state;
	unlink(key_path);
	ensure();
	assert_true(verifies(2, STR("x"), signed_text(STR("x")), now_ms));
	unlink(certificate_path);
	ensure();
	assert_true(verifies(2, STR("x"), signed_text(STR("x")), now_ms));
}

static void processes_at_once_agree_on_one_pair(void **state)
{
	pid_t children[4];
	int64_t now_ms = clock_now_ms();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		children[i] = fork();
		if (!children[i]) {
			struct error err;

			error_init(&err);
			_exit(signing_key_ensure(key_path, certificate_path,
						 "localhost", &err) ? 0 : 1);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		int status = 0;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_true(verifies(2, STR("x"), signed_text(STR("x")), now_ms));
}

static void a_key_that_cannot_be_read_is_refused_and_kept(void **state)
{
	struct signing_key *key;
	struct error err;

	(void)state;
	error_init(&err);
	assert_false(signing_key_open(&key, key_path, &err));
	assert_non_null(strstr(err.cause, key_path));
	assert_null(key);
	write_file(key_path, STR("not a key\n"));
	error_init(&err);
	assert_false(signing_key_open(&key, key_path, &err));
	error_init(&err);
	assert_false(signing_key_ensure(key_path, certificate_path, "x", &err));
	assert_true(str_is(content(key_path), "not a key\n"));
	signing_key_close(NULL);
}

static void a_place_that_cannot_be_is_named(void **state)
{
	struct error err;
	char below[300];

	(void)state;
	snprintf(below, sizeof(below), "%s/key.pem", certificate_path);
	error_init(&err);
	assert_false(signing_key_ensure(below, certificate_path, "x", &err));
	assert_non_null(strstr(err.cause, certificate_path));
	assert_non_null(strstr(err.cause, "Not a directory"));
	assert_null(strstr(err.detail, certificate_path));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define IN_EMPTY(test) \
	cmocka_unit_test_setup_teardown(test, setup_empty, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_genuine_signature_verifies),
		IN_FOLDER(versions_do_not_stand_for_each_other),
		IN_FOLDER(a_changed_text_or_signature_is_forged),
		IN_FOLDER(what_is_no_signature_is_forged),
		IN_FOLDER(another_key_is_forged),
		IN_FOLDER(a_certificate_is_valid_for_ten_years),
		IN_FOLDER(what_is_no_certificate_is_refused),
		IN_EMPTY(the_files_have_their_modes_and_stay),
		IN_FOLDER(a_certificate_of_another_key_is_made_anew),
		IN_EMPTY(processes_at_once_agree_on_one_pair),
		IN_EMPTY(a_key_that_cannot_be_read_is_refused_and_kept),
		IN_FOLDER(a_place_that_cannot_be_is_named),
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
