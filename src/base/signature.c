/*
 * signature.c: RSA signatures by OpenSSL, and the key pair of the local relay.
 */
#include "base/signature.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "base/secret_file.h"

#include "base/banned.h"

#define KEY_BITS 2048u
#define VALID_S (10l * 365 * 24 * 3600)
/* SNS's certificate has 2 KiB. */
#define MAX_PEM_BYTES (16u * KIB)

struct signing_key {
	EVP_PKEY *key;
};

struct certificate {
	X509 *x509;
};

static void cleanup_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void cleanup_x509(X509 **x509)
{
	X509_free(*x509);
}

static void cleanup_bio(BIO **bio)
{
	BIO_free(*bio);
}

static void cleanup_md_ctx(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static EVP_PKEY *read_key(const char *path)
{
	CLEANUP(cleanup_file) FILE *file = fopen(path, "re");

	/* The empty text is the pass phrase: nobody is to be asked for one. */
	return file ? PEM_read_PrivateKey(file, NULL, NULL, "") : NULL;
}

static X509 *make_certificate(EVP_PKEY *key, const char *common_name)
{
	X509 *x509 = X509_new();
	X509_NAME *name;
	uint64_t serial;

	if (!x509)
		return NULL;
	name = X509_get_subject_name(x509);
	random_bytes(&serial, sizeof(serial));
	/* RFC 5280, 4.1.2.2: positive */
	serial = serial >> 1 | 1;
	if (X509_set_version(x509, X509_VERSION_3) &&
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial) &&
	    X509_gmtime_adj(X509_getm_notBefore(x509), -3600) &&
	    X509_gmtime_adj(X509_getm_notAfter(x509), VALID_S) &&
	    X509_set_pubkey(x509, key) &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
				       (const unsigned char *)common_name, -1,
				       -1, 0) &&
	    X509_set_issuer_name(x509, name) &&
	    X509_sign(x509, key, EVP_sha256()))
		return x509;
	X509_free(x509);
	return NULL;
}

/* The key, or else the certificate, unless the file is there already. */
static bool put_pem(const char *path, EVP_PKEY *key, X509 *x509,
		    struct error *err)
{
	CLEANUP(cleanup_bio) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long bytes;

	if (!bio || !(key ? PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0,
						     NULL, NULL) :
			    PEM_write_bio_X509(bio, x509)))
		return error_cause(err, ERROR_INTERNAL, "%s: no PEM made",
				   path);
	/* Less the newline, which secret_file_ensure adds. */
	bytes = BIO_get_mem_data(bio, &text) - 1;
	return secret_file_ensure(path, (struct str){ text, (size_t)bytes },
				  err);
}

static bool ensure_key(const char *path, EVP_PKEY **ret, struct error *err)
{
	*ret = read_key(path);
	if (!*ret && !access(path, F_OK))
		return error_cause(err, ERROR_INTERNAL,
				   "%s: not a private key that can be read",
				   path);
	if (*ret)
		return true;
	*ret = EVP_RSA_gen(KEY_BITS);
	if (!*ret)
		return error_cause(err, ERROR_INTERNAL, "no RSA key made");
	if (!put_pem(path, *ret, NULL, err))
		return false;
	/* What is there now may be another process's. */
	EVP_PKEY_free(*ret);
	*ret = read_key(path);
	return *ret || error_cause(err, ERROR_INTERNAL,
				   "%s: cannot be read back", path);
}

static bool certificate_fits(const char *path, EVP_PKEY *key)
{
	CLEANUP(cleanup_file) FILE *file = fopen(path, "re");
	CLEANUP(cleanup_x509) X509 *x509 = NULL;

	if (file)
		x509 = PEM_read_X509(file, NULL, NULL, NULL);
	return x509 && X509_check_private_key(x509, key) == 1;
}

bool signing_key_ensure(const char *key_path, const char *certificate_path,
			const char *common_name, struct error *err)
{
	CLEANUP(cleanup_key) EVP_PKEY *key = NULL;
	CLEANUP(cleanup_x509) X509 *x509 = NULL;

	if (!ensure_key(key_path, &key, err))
		return false;
	if (certificate_fits(certificate_path, key))
		return true;
	x509 = make_certificate(key, common_name);
	if (!x509)
		return error_cause(err, ERROR_INTERNAL, "no certificate made");
	/* One of a key that is gone. */
	unlink(certificate_path);
	if (!put_pem(certificate_path, NULL, x509, err))
		return false;
	if (chmod(certificate_path, 0644))
		return error_cause(err, ERROR_INTERNAL, "%s: %s",
				   certificate_path, strerror(errno));
	return true;
}

bool signing_key_open(struct signing_key **ret, const char *path,
		      struct error *err)
{
	EVP_PKEY *key = read_key(path);

	*ret = NULL;
	if (!key || !EVP_PKEY_is_a(key, "RSA")) {
		EVP_PKEY_free(key);
		return error_cause(err, ERROR_INTERNAL,
				   "%s: not an RSA private key that can be "
				   "read", path);
	}
	*ret = malloc(sizeof(**ret));
	if (!*ret) {
		EVP_PKEY_free(key);
		return error_cause(err, ERROR_INTERNAL, "no memory");
	}
	(*ret)->key = key;
	return true;
}

void signing_key_close(struct signing_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->key);
	free(key);
}

bool signing_key_sign(struct signing_key *key, struct str data,
		      struct arena *arena, struct str *ret, struct error *err)
{
	CLEANUP(cleanup_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t bytes = (size_t)EVP_PKEY_get_size(key->key);
	unsigned char *signature = arena_alloc(arena, bytes);
	struct buf base64;

	if (!ctx ||
	    !EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->key) ||
	    EVP_DigestSign(ctx, signature, &bytes,
			   (const unsigned char *)data.ptr, data.len) != 1)
		return error_cause(err, ERROR_INTERNAL, "signing failed");
	buf_init(&base64, arena, 4 * (bytes / 3 + 1));
	buf_add_base64(&base64, (struct str){ (char *)signature, bytes });
	*ret = buf_str(&base64);
	return true;
}

bool certificate_parse(struct certificate **ret, struct str pem,
		       struct error *err)
{
	CLEANUP(cleanup_bio) BIO *bio = NULL;
	X509 *x509;

	*ret = NULL;
	if (!pem.len || pem.len > MAX_PEM_BYTES)
		return error_set(err, ERROR_FORGED,
				 "The certificate is empty or too large.");
	bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	x509 = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	if (!x509)
		return error_set(err, ERROR_FORGED,
				 "The certificate cannot be read.");
	*ret = malloc(sizeof(**ret));
	if (!*ret) {
		X509_free(x509);
		return error_cause(err, ERROR_INTERNAL, "no memory");
	}
	(*ret)->x509 = x509;
	return true;
}

void certificate_free(struct certificate *certificate)
{
	if (!certificate)
		return;
	X509_free(certificate->x509);
	free(certificate);
}

bool certificate_is_for(const struct certificate *certificate,
			const char *host)
{
	return X509_check_host(certificate->x509, host, 0,
			       X509_CHECK_FLAG_NO_WILDCARDS, NULL) == 1;
}

static bool is_valid_at(const X509 *x509, time_t now)
{
	/* X509_cmp_time: 0 is an error, negative is "before now" or equal. */
	return X509_cmp_time(X509_get0_notBefore(x509), &now) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(x509), &now) > 0;
}

static bool verify(EVP_PKEY *key, const EVP_MD *md, struct str data,
		   struct str signature)
{
	CLEANUP(cleanup_md_ctx) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	return ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr,
				signature.len, (const unsigned char *)data.ptr,
				data.len) == 1;
}

bool certificate_verify(struct certificate *certificate, int version,
			struct str data, struct str signature_base64,
			int64_t now_ms, struct error *err)
{
	CLEANUP(cleanup_arena) struct arena *arena = NULL;
	EVP_PKEY *key = X509_get0_pubkey(certificate->x509);
	struct str signature;

	if (version != 1 && version != 2)
		return error_set(err, ERROR_FORGED,
				 "The signature version is not known.");
	if (!is_valid_at(certificate->x509, now_ms / 1000))
		return error_set(err, ERROR_FORGED,
				 "The certificate is not valid today.");
	if (!key || !EVP_PKEY_is_a(key, "RSA"))
		return error_set(err, ERROR_FORGED,
				 "The certificate has no RSA key.");
	arena = arena_new("signature", 8 * KIB);
	if (signature_base64.len > 4 * KIB ||
	    !base64_decode(signature_base64, arena, &signature))
		return error_set(err, ERROR_FORGED,
				 "The signature is not base64.");
	if (!verify(key, version == 1 ? EVP_sha1() : EVP_sha256(), data,
		    signature))
		return error_set(err, ERROR_FORGED,
				 "The signature does not fit the message.");
	return true;
}
