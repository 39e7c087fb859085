/*
 * public_key.c: RFC 7518's RS256 and ES256 by OpenSSL.
 */
#include "base/public_key.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "base/cleanup.h"

#include "base/banned.h"

#define MIN_MODULUS_BYTES 256
#define MAX_MODULUS_BYTES 1024
#define P256_BYTES 32
/* SEC 1, 2.3.3: 4, x, y */
#define P256_POINT_BYTES (1 + 2 * P256_BYTES)

struct public_key {
	EVP_PKEY *key;
	bool is_rsa;
};

static void cleanup_build(OSSL_PARAM_BLD **build)
{
	OSSL_PARAM_BLD_free(*build);
}

static void cleanup_params(OSSL_PARAM **params)
{
	OSSL_PARAM_free(*params);
}

static void cleanup_pkey_ctx(EVP_PKEY_CTX **ctx)
{
	EVP_PKEY_CTX_free(*ctx);
}

static void cleanup_md_ctx(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static void cleanup_bignum(BIGNUM **number)
{
	BN_free(*number);
}

static void cleanup_ecdsa(ECDSA_SIG **signature)
{
	ECDSA_SIG_free(*signature);
}

static BIGNUM *number(struct str bytes)
{
	return BN_bin2bn((const unsigned char *)bytes.ptr, (int)bytes.len,
			 NULL);
}

static struct public_key *make(const char *kind, OSSL_PARAM_BLD *build)
{
	CLEANUP(cleanup_params) OSSL_PARAM *params =
		OSSL_PARAM_BLD_to_param(build);
	CLEANUP(cleanup_pkey_ctx) EVP_PKEY_CTX *ctx =
		EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	struct public_key *key = calloc(1, sizeof(*key));

	if (key && params && ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &key->key, EVP_PKEY_PUBLIC_KEY,
			      params) == 1) {
		key->is_rsa = EVP_PKEY_is_a(key->key, "RSA");
		return key;
	}
	public_key_free(key);
	return NULL;
}

struct public_key *public_key_rsa(struct str modulus, struct str exponent)
{
	CLEANUP(cleanup_build) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	CLEANUP(cleanup_bignum) BIGNUM *n = NULL;
	CLEANUP(cleanup_bignum) BIGNUM *e = NULL;

	if (modulus.len < MIN_MODULUS_BYTES || !modulus.ptr[0] ||
	    modulus.len > MAX_MODULUS_BYTES || !exponent.len ||
	    exponent.len > 8)
		return NULL;
	n = number(modulus);
	e = number(exponent);
	if (!build || !n || !e || !BN_is_odd(n) || !BN_is_odd(e) ||
	    BN_is_one(e) ||
	    !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) ||
	    !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
		return NULL;
	return make("RSA", build);
}

struct public_key *public_key_p256(struct str x, struct str y)
{
	CLEANUP(cleanup_build) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	unsigned char point[P256_POINT_BYTES] = { 4 };

	if (x.len != P256_BYTES || y.len != P256_BYTES || !build)
		return NULL;
	memcpy(point + 1, x.ptr, P256_BYTES);
	memcpy(point + 1 + P256_BYTES, y.ptr, P256_BYTES);
	if (!OSSL_PARAM_BLD_push_utf8_string(
		    build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) ||
	    !OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
					      point, sizeof(point)))
		return NULL;
	return make("EC", build);
}

void public_key_free(struct public_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->key);
	free(key);
}

bool public_key_is_rsa(const struct public_key *key)
{
	return key->is_rsa;
}

static bool verify(EVP_PKEY *key, struct str data,
		   const unsigned char *signature, size_t bytes)
{
	CLEANUP(cleanup_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	return ctx &&
	       EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, signature, bytes,
				(const unsigned char *)data.ptr, data.len) == 1;
}

/* OpenSSL wants r and s in DER. */
static bool verify_p256(EVP_PKEY *key, struct str data, struct str signature)
{
	CLEANUP(cleanup_ecdsa) ECDSA_SIG *pair = ECDSA_SIG_new();
	unsigned char der[80], *end = der;
	BIGNUM *r, *s;
	int bytes;

	if (signature.len != 2 * P256_BYTES || !pair)
		return false;
	r = number((struct str){ signature.ptr, P256_BYTES });
	s = number((struct str){ signature.ptr + P256_BYTES, P256_BYTES });
	if (!r || !s || !ECDSA_SIG_set0(pair, r, s)) {
		BN_free(r);
		BN_free(s);
		return false;
	}
	bytes = i2d_ECDSA_SIG(pair, NULL);
	if (bytes <= 0 || (size_t)bytes > sizeof(der))
		return false;
	i2d_ECDSA_SIG(pair, &end);
	return verify(key, data, der, (size_t)bytes);
}

bool public_key_verify(const struct public_key *key, struct str data,
		       struct str signature)
{
	if (!key->is_rsa)
		return verify_p256(key->key, data, signature);
	return verify(key->key, data, (const unsigned char *)signature.ptr,
		      signature.len);
}
