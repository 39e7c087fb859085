/*
 * crypto_test.c: do digests, MACs and encodings match their standards' vectors?
 */
#include <sys/wait.h>

#include "base/crypto.h"
#include "test_arena.h"

#include "base/banned.h"

/* FIPS 180-2, B.1 and B.2, and the empty text */
static void sha256_gives_the_published_digests(void **state)
{
	char hex[SHA256_HEX + 1];

	(void)state;
	sha256_hex(STR("abc"), hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
				 "b00361a396177a9cb410ff61f20015ad");
	sha256_hex((struct str){ NULL, 0 }, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb924"
				 "27ae41e4649b934ca495991b7852b855");
	sha256_hex(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnop"
		       "nopq"), hex);
	assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039"
				 "a33ce45964ff2167f6ecedd419db06c1");
}

/* RFC 1321, A.5 */
static void md5_gives_the_published_digests(void **state)
{
	char hex[2 * MD5_BYTES + 1];
	uint8_t digest[MD5_BYTES];

	(void)state;
	assert_true(md5(STR("message digest"), digest));
	hex_encode(digest, sizeof(digest), hex);
	assert_string_equal(hex, "f96b697d7cb7938d525a2f31aaf161d0");
	assert_true(md5((struct str){ NULL, 0 }, digest));
	hex_encode(digest, sizeof(digest), hex);
	assert_string_equal(hex, "d41d8cd98f00b204e9800998ecf8427e");
}

static void assert_hmac(struct str key, struct str data, const char *expected)
{
	uint8_t mac[SHA256_BYTES];
	char hex[SHA256_HEX + 1];

	hmac_sha256(key, data, mac);
	hex_encode(mac, sizeof(mac), hex);
	assert_string_equal(hex, expected);
}

/* RFC 4231, 4.3 and 4.7; and that an empty key is not the key before it. */
static void hmac_gives_the_published_macs(void **state)
{
	char long_key[131];

	(void)state;
	memset(long_key, 0xaa, sizeof(long_key));
	assert_hmac(STR("Jefe"), STR("what do ya want for nothing?"),
		    "5bdcc146bf60754e6a042426089575c7"
		    "5a003f089d2739839dec58b964ec3843");
	assert_hmac((struct str){ long_key, sizeof(long_key) },
		    STR("Test Using Larger Than Block-Size Key - Hash Key "
			"First"),
		    "60e431591ee0b67f0d8a26aacbf5b77f"
		    "8e0bc6213728c5140546040f0ee37f54");
	assert_hmac((struct str){ NULL, 0 }, (struct str){ NULL, 0 },
		    "b613679a0814d9ec772f95d778c35fc5"
		    "ff1697c493715653c6c712144292c5ad");
}

/* The key that came last is not set up again: each of these is followed by one
 * that only looks like it. */
static void hmac_takes_no_other_key_for_the_last_one(void **state)
{
	static const struct str keys[] = {
		{ "Jefe", 4 }, { "Jefe", 4 }, { "Jefg", 4 }, { "Jefe", 4 },
		{ "Jef", 3 }, { "Jefe", 4 }, { "Jefe\1", 5 }, { NULL, 0 },
		{ NULL, 0 }, { "Jefe", 4 },
	};
	char long_key[65];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		uint8_t mac[SHA256_BYTES], fresh[SHA256_BYTES];

		hmac_sha256(keys[i], STR("data"), mac);
		memset(long_key, (int)i, sizeof(long_key));
		hmac_sha256((struct str){ long_key, sizeof(long_key) },
			    STR(""), fresh);
		hmac_sha256(keys[i], STR("data"), fresh);
		assert_memory_equal(mac, fresh, sizeof(mac));
		if (i && !str_eq(keys[i], keys[i - 1])) {
			hmac_sha256(keys[i - 1], STR("data"), fresh);
			assert_memory_not_equal(mac, fresh, sizeof(mac));
		}
		hmac_sha256(keys[i], STR("data"), mac);
	}
}

static void hex_is_read_back_and_nothing_else(void **state)
{
	static const char *const bad[] = { "", "00ff", "00ff7", "00ff7fa",
					   "00fg7f", "0 ff7f", "-0ff7f" };
	const uint8_t bytes[] = { 0x00, 0xff, 0x7f };
	uint8_t back[3];
	char hex[7];

	(void)state;
	hex_encode(bytes, 3, hex);
	assert_string_equal(hex, "00ff7f");
	assert_true(hex_decode(STR("00fF7f"), back, 3));
	assert_memory_equal(back, bytes, 3);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(hex_decode(str_from(bad[i]), back, 3));
}

/* RFC 4648, 10 */
static void base64_gives_the_published_texts(void **state)
{
	static const char *const samples[][3] = {
		{ "", "", "" },
		{ "f", "Zg==", "Zg" },
		{ "fo", "Zm8=", "Zm8" },
		{ "foo", "Zm9v", "Zm9v" },
		{ "foob", "Zm9vYg==", "Zm9vYg" },
		{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "+/+/", "-_-_" },
		{ "i\xb7\x1dy\xf8!\x8a" "9%\x9az)\xaa\xbb-\xba\xfc\x31"
		  "\xcb=\xba", "abcdefghijklmnopqrstuvwxyz26",
		  "abcdefghijklmnopqrstuvwxyz26" },
		{ "\xd3\x4d\xb4\xd3\x9e\x79\xa6\x9a\x69", "00200555pppp",
		  "00200555pppp" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct buf buf;
		struct str back;

		buf_init(&buf, arena, 100);
		buf_add_base64(&buf, str_from(samples[i][0]));
		assert_string_equal(buf.ptr, samples[i][1]);
		assert_true(base64_decode(buf_str(&buf), arena, &back));
		assert_true(str_is(back, samples[i][0]));
		buf_reset(&buf);
		buf_add_base64url(&buf, str_from(samples[i][0]));
		assert_string_equal(buf.ptr, samples[i][2]);
		assert_true(base64url_decode(buf_str(&buf), arena, &back));
		assert_true(str_is(back, samples[i][0]));
	}
}

/* One text for one value, or two signatures would be one (RFC 4648, 3.5). */
static void base64_that_is_not_canonical_is_refused(void **state)
{
	static const char *const bad[] = {
		"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=",
		"Zm8=Zm8=", "Zm 8", "Zm9v\n", "\nZm9", "Zm9-", "Zm_v", "Zg=a",
		"\xc3\xa4\xc3\xa4",
	};
	static const char *const bad_url[] = {
		"Zg==", "Z", "Zm9vY", "Zh", "Zm9", "Zm+v", "Zm/v", "Zm8=",
		"Zm8 ", "Zm8\n",
	};
	struct str back;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(base64_decode(str_from(bad[i]), arena, &back));
	for (size_t i = 0; i < ARRAY_LEN(bad_url); i++)
		assert_false(base64url_decode(str_from(bad_url[i]), arena,
					      &back));
}

static void random_bytes_differ(void **state)
{
	uint8_t a[32], b[32];
	static const uint8_t zeros[16];

	(void)state;
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a + 16, zeros, sizeof(zeros));
}

/* A worker that repeated its parent's bytes would repeat its identifiers. */
static void a_child_has_random_bytes_of_its_own(void **state)
{
	uint8_t of_parent[24], of_child[24];
	int ends[2], status = 0;
	pid_t child;

	(void)state;
	random_bytes(of_parent, sizeof(of_parent));
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child) {
		random_bytes(of_child, sizeof(of_child));
		_exit(write(ends[1], of_child, sizeof(of_child)) ==
			      sizeof(of_child) ? 0 : 1);
	}
	random_bytes(of_parent, sizeof(of_parent));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(read(ends[0], of_child, sizeof(of_child)),
			 sizeof(of_child));
	assert_memory_not_equal(of_parent, of_child, sizeof(of_child));
	close(ends[0]);
	close(ends[1]);
}

static void no_random_bytes_come_twice(void **state)
{
	static uint8_t seen[2000][8];
	uint8_t large[3000];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
		random_bytes(seen[i], sizeof(seen[i]));
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(seen[i], seen[j], 8);
	}
	memset(large, 0, sizeof(large));
	random_bytes(large, sizeof(large));
	for (size_t i = 0; i + 8 <= sizeof(large); i += 8)
		assert_memory_not_equal(large + i, (uint8_t[8]){ 0 }, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sha256_gives_the_published_digests),
		TEST(md5_gives_the_published_digests),
		TEST(hmac_gives_the_published_macs),
		TEST(hmac_takes_no_other_key_for_the_last_one),
		TEST(hex_is_read_back_and_nothing_else),
		TEST(base64_gives_the_published_texts),
		TEST(base64_that_is_not_canonical_is_refused),
		TEST(random_bytes_differ),
		TEST(a_child_has_random_bytes_of_its_own),
		TEST(no_random_bytes_come_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
