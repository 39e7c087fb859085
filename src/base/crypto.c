/*
 * crypto.c: SHA-256, HMAC, random bytes, hex and base64.
 *
 * OpenSSL 3 looks an algorithm up by name at each one-shot call; so they are
 * fetched once and kept for the life of the process.
 */
#include "base/crypto.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/banned.h"

_Noreturn static void stop(const char *what)
{
	fprintf(stderr, "crypto: %s failed: no memory or no entropy\n", what);
	abort();
}

static const EVP_MD *sha256_md(void)
{
	static EVP_MD *md;

	if (!md)
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!md)
		stop("SHA-256");
	return md;
}

void sha256(struct str data, uint8_t ret[SHA256_BYTES])
{
	static EVP_MD_CTX *ctx;

	if (!ctx)
		ctx = EVP_MD_CTX_new();
	if (!ctx || !EVP_DigestInit_ex(ctx, sha256_md(), NULL) ||
	    !EVP_DigestUpdate(ctx, data.ptr, data.len) ||
	    !EVP_DigestFinal_ex(ctx, ret, NULL))
		stop("SHA-256");
}

bool md5(struct str data, uint8_t ret[MD5_BYTES])
{
	return EVP_Q_digest(NULL, "MD5", NULL, data.ptr, data.len, ret, NULL);
}

static EVP_MAC_CTX *hmac_new(void)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;

	if (!ctx || !EVP_MAC_CTX_set_params(ctx, params))
		stop("HMAC");
	EVP_MAC_free(mac);
	return ctx;
}

/* Remembers the key, if it is not a long one. */
static bool is_last_key(struct str key)
{
	static struct {
		size_t len;
		char bytes[2 * SHA256_BYTES];
	} last = { .len = SIZE_MAX };

	if (key.len == last.len && !memcmp(key.ptr, last.bytes, key.len))
		return true;
	last.len = key.len <= sizeof(last.bytes) ? key.len : SIZE_MAX;
	if (last.len == key.len)
		memcpy(last.bytes, key.ptr, key.len);
	return false;
}

void hmac_sha256(struct str key, struct str data, uint8_t ret[SHA256_BYTES])
{
	static EVP_MAC_CTX *ctx;
	size_t bytes;

	if (!ctx)
		ctx = hmac_new();
	if (!key.len)
		key = STR("");
	/* A NULL key means "the last one again" to OpenSSL. */
	if (is_last_key(key))
		key.ptr = NULL;
	if (!EVP_MAC_init(ctx, (const uint8_t *)key.ptr, key.len, NULL) ||
	    !EVP_MAC_update(ctx, (const uint8_t *)data.ptr, data.len) ||
	    !EVP_MAC_final(ctx, ret, &bytes, SHA256_BYTES))
		stop("HMAC");
}

void sha256_hex(struct str data, char ret[SHA256_HEX + 1])
{
	uint8_t bytes[SHA256_BYTES];

	sha256(data, bytes);
	hex_encode(bytes, sizeof(bytes), ret);
}

void hex_encode(const uint8_t *data, size_t bytes, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes; i++) {
		*ret++ = digits[data[i] >> 4];
		*ret++ = digits[data[i] & 15];
	}
	*ret = '\0';
}

bool hex_decode(struct str hex, uint8_t *ret, size_t bytes)
{
	if (hex.len != 2 * bytes)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		int high = str_hex_digit(hex.ptr[2 * i]);
		int low = str_hex_digit(hex.ptr[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void system_random(char *to, size_t bytes)
{
	while (bytes) {
		ssize_t got = getrandom(to, bytes, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			stop("getrandom");
		to += got;
		bytes -= (size_t)got;
	}
}

/*
 * Bytes fetched ahead: a call of the system for each identifier would cost more
 * than all else in a request. The kernel empties the page in a child, so that
 * no two processes hand out the same bytes; what was handed out is erased.
 */
struct pool {
	size_t left;
	char bytes[1024];
};

static struct pool *pool(void)
{
	static _Thread_local struct pool *pool;

	if (pool)
		return pool;
	pool = mmap(NULL, sizeof(*pool), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pool == MAP_FAILED || madvise(pool, sizeof(*pool), MADV_WIPEONFORK))
		stop("memory that a child does not inherit");
	return pool;
}

void random_bytes(void *ret, size_t bytes)
{
	struct pool *from = pool();

	if (bytes > sizeof(from->bytes) / 8) {
		system_random(ret, bytes);
		return;
	}
	if (from->left < bytes) {
		system_random(from->bytes, sizeof(from->bytes));
		from->left = sizeof(from->bytes);
	}
	from->left -= bytes;
	memcpy(ret, from->bytes + from->left, bytes);
	explicit_bzero(from->bytes + from->left, bytes);
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void add_base64(struct buf *buf, struct str data, const char *digits,
		       bool padding)
{
	const uint8_t *p = (const uint8_t *)data.ptr;

	for (size_t i = 0; i < data.len; i += 3) {
		size_t left = data.len - i;
		uint32_t bits = (uint32_t)p[i] << 16 |
				(left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
				(left > 2 ? p[i + 2] : 0);
		char four[] = {
			digits[bits >> 18], digits[bits >> 12 & 63],
			left > 1 ? digits[bits >> 6 & 63] : '=',
			left > 2 ? digits[bits & 63] : '=',
		};

		buf_add(buf, four, padding || left > 2 ? 4 : left + 1);
	}
}

void buf_add_base64(struct buf *buf, struct str data)
{
	add_base64(buf, data, base64_digits, true);
}

void buf_add_base64url(struct buf *buf, struct str data)
{
	add_base64(buf, data, base64url_digits, false);
}

static int base64_value(char c, const char *digits)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == digits[62])
		return 62;
	return c == digits[63] ? 63 : -1;
}

/* `text` without padding. Left-over bits must be zero (RFC 4648, 3.5). */
static bool decode(struct str text, struct arena *arena, const char *digits,
		   struct str *ret)
{
	char *to = arena_alloc(arena, text.len / 4 * 3 + 3);
	uint32_t bits = 0;
	size_t len = 0;

	if (text.len % 4 == 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int value = base64_value(text.ptr[i], digits);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		if (i % 4)
			to[len++] = (char)(bits >> (6 - i % 4 * 2));
	}
	if ((text.len % 4 == 2 && bits & 15) || (text.len % 4 == 3 && bits & 3))
		return false;
	to[len] = '\0';
	*ret = (struct str){ to, len };
	return true;
}

bool base64_decode(struct str text, struct arena *arena, struct str *ret)
{
	if (text.len % 4)
		return false;
	for (int i = 0; i < 2; i++) {
		if (text.len && text.ptr[text.len - 1] == '=')
			text.len--;
	}
	return decode(text, arena, base64_digits, ret);
}

bool base64url_decode(struct str text, struct arena *arena, struct str *ret)
{
	return decode(text, arena, base64url_digits, ret);
}
