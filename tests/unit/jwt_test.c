/*
 * jwt_test.c: does a forged, foreign or stale token get in, by any of the known
 * ways? The keys are made here; OpenSSL signs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/crypto.h"
#include "http/jwt.h"

#include "base/banned.h"

#define NOW_MS 1795536460000ll
#define GOOD_CLAIMS \
	"{\"iss\":\"https://issuer.example/pool\",\"client_id\":\"desk\"," \
	"\"sub\":\"8f6b\",\"token_use\":\"access\",\"exp\":1795540060," \
	"\"scope\":\"openid orders:read staff\"}"

static EVP_PKEY *rsa, *p256, *stranger;
static struct arena *arena;
static struct jwt_keys *keys;
static struct error err;
static struct jwt jwt;
static struct jwt_rules rules;

static const char *base64url(const void *bytes, size_t count)
{
	struct buf buf;

	buf_init(&buf, arena, 64 * KIB);
	buf_add_base64url(&buf, (struct str){ bytes, count });
	return arena_text(arena, buf_str(&buf));
}

static const char *number(EVP_PKEY *key, const char *name, int bytes)
{
	unsigned char raw[1024];
	BIGNUM *n = NULL;
	const char *text;

	assert_true(EVP_PKEY_get_bn_param(key, name, &n));
	if (!bytes)
		bytes = BN_num_bytes(n);
	assert_true(BN_bn2binpad(n, raw, bytes) == bytes);
	text = base64url(raw, (size_t)bytes);
	BN_free(n);
	return text;
}

static const char *rsa_jwk(EVP_PKEY *key, const char *more)
{
	return arena_printf(arena, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"%s}",
			    number(key, OSSL_PKEY_PARAM_RSA_N, 0),
			    number(key, OSSL_PKEY_PARAM_RSA_E, 0), more);
}

static const char *p256_jwk(EVP_PKEY *key, const char *more)
{
	return arena_printf(arena, "{\"kty\":\"EC\",\"crv\":\"P-256\","
				   "\"x\":\"%s\",\"y\":\"%s\"%s}",
			    number(key, OSSL_PKEY_PARAM_EC_PUB_X, 32),
			    number(key, OSSL_PKEY_PARAM_EC_PUB_Y, 32), more);
}

static const char *key_set(void)
{
	return arena_printf(
		arena, "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"o\",\"k\":\"AAAA\"},"
		       "%s,%s,%s]}",
		rsa_jwk(rsa, ",\"kid\":\"r\",\"use\":\"sig\",\"alg\":\"RS256\""),
		p256_jwk(p256, ",\"kid\":\"e\""),
		rsa_jwk(stranger, ",\"kid\":\"enc\",\"use\":\"enc\""));
}

static int make_keys(void **state)
{
	(void)state;
	rsa = EVP_RSA_gen(2048);
	stranger = EVP_RSA_gen(2048);
	p256 = EVP_EC_gen("P-256");
	return !rsa || !stranger || !p256;
}

static int free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(stranger);
	EVP_PKEY_free(p256);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_new("jwt_test", 64 * MIB);
	error_init(&err);
	rules = (struct jwt_rules){
		.issuer = STR("https://issuer.example/pool"),
		.audience = STR("other desk"),
		.scopes = STR("orders:read=orders:read "
			      "staff=orders:write,orders:delete "
			      "boss=archive:run"),
	};
	if (!jwt_keys_parse(&keys, str_from(key_set()), arena, &err))
		fail_msg("%s", err.detail);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	jwt_keys_free(keys);
	arena_free(arena);
	return 0;
}

/* r and s, 32 bytes each, of DER */
static size_t raw_pair(unsigned char *signature, size_t bytes)
{
	const unsigned char *at = signature;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)bytes);

	assert_non_null(pair);
	BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + 32, 32);
	ECDSA_SIG_free(pair);
	return 64;
}

static const char *sign(EVP_PKEY *key, const char *header, const char *claims)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char signature[1024];
	size_t bytes = sizeof(signature);
	const char *text = arena_printf(arena, "%s.%s",
					base64url(header, strlen(header)),
					base64url(claims, strlen(claims)));

	assert_true(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key));
	assert_true(EVP_DigestSign(ctx, signature, &bytes,
				   (const unsigned char *)text, strlen(text)));
	EVP_MD_CTX_free(ctx);
	if (EVP_PKEY_is_a(key, "EC"))
		bytes = raw_pair(signature, bytes);
	return arena_printf(arena, "%s.%s", text, base64url(signature, bytes));
}

#define RS256 "{\"alg\":\"RS256\",\"kid\":\"r\"}"
#define ES256 "{\"alg\":\"ES256\",\"kid\":\"e\"}"

static bool enters(const char *token)
{
	error_init(&err);
	return jwt_verify(&rules, keys, str_from(token), NOW_MS, arena, &jwt,
			  &err);
}

static void assert_out(const char *token, const char *why)
{
	if (enters(token))
		fail_msg("let in: %s", token);
	assert_int_equal(err.code, ERROR_UNAUTHENTICATED);
	if (!strstr(err.detail, why))
		fail_msg("'%s' does not say '%s'", err.detail, why);
}

static void a_genuine_token_gives_the_scopes_that_the_rules_say(void **state)
{
	(void)state;
	assert_true(enters(sign(rsa, RS256, GOOD_CLAIMS)));
	assert_string_equal(jwt.caller, "sub:8f6b");
	assert_string_equal(jwt.scopes, "orders:read,orders:write,orders:delete");
	assert_int_equal(jwt.expires_ms, 1795540060000 + JWT_SKEW_MS);
	assert_true(enters(sign(p256, ES256, GOOD_CLAIMS)));
}

static void scopes_come_from_scp_and_groups_too(void **state)
{
	(void)state;
	assert_true(enters(sign(rsa, RS256,
		"{\"iss\":\"https://issuer.example/pool\",\"aud\":[\"x\",\"desk\"],"
		"\"sub\":\"a\",\"exp\":1795540060.5,\"scp\":[\"orders:read\"],"
		"\"cognito:groups\":[\"boss\",\"boss\"]}")));
	assert_string_equal(jwt.scopes, "orders:read,archive:run");
	assert_true(enters(sign(rsa, RS256,
		"{\"iss\":\"https://issuer.example/pool\",\"aud\":\"other\","
		"\"sub\":\"a\",\"exp\":1795540060,\"scp\":\"boss\"}")));
	assert_string_equal(jwt.scopes, "archive:run");
	assert_true(enters(sign(rsa, RS256,
		"{\"iss\":\"https://issuer.example/pool\",\"aud\":\"other\","
		"\"sub\":\"a\",\"exp\":1795540060,\"scope\":\"orders:rea\"}")));
	assert_string_equal(jwt.scopes, "");
}

static void without_rules_each_scope_goes_by_its_own_name(void **state)
{
	(void)state;
	rules.scopes = STR("");
	assert_true(enters(sign(rsa, RS256,
		"{\"iss\":\"https://issuer.example/pool\",\"aud\":\"desk\","
		"\"sub\":\"a\",\"exp\":1795540060,"
		"\"scope\":\"archive:run openid orders:read staff\"}")));
	assert_string_equal(jwt.scopes, "orders:read,archive:run");
}

static void the_algorithm_is_the_keys(void **state)
{
	const char *none = arena_printf(arena, "%s.%s.",
					base64url("{\"alg\":\"none\"}", 14),
					base64url(GOOD_CLAIMS,
						  strlen(GOOD_CLAIMS)));

	(void)state;
	assert_out(none, "not signed by");
	assert_out(sign(rsa, "{\"alg\":\"None\",\"kid\":\"r\"}", GOOD_CLAIMS),
		   "not signed by");
	assert_out(sign(rsa, "{\"alg\":\"HS256\",\"kid\":\"r\"}", GOOD_CLAIMS),
		   "not signed by");
	assert_out(sign(rsa, "{\"alg\":\"RS384\",\"kid\":\"r\"}", GOOD_CLAIMS),
		   "not signed by");
	assert_out(sign(rsa, "{\"alg\":\"ES256\",\"kid\":\"r\"}", GOOD_CLAIMS),
		   "does not fit");
	assert_out(sign(p256, "{\"alg\":\"RS256\",\"kid\":\"e\"}", GOOD_CLAIMS),
		   "does not fit");
	assert_out(sign(rsa, "{\"kid\":\"r\"}", GOOD_CLAIMS), "not signed by");
}

static void only_published_keys_count(void **state)
{
	(void)state;
	assert_out(sign(stranger, RS256, GOOD_CLAIMS), "does not fit");
	assert_out(sign(stranger, "{\"alg\":\"RS256\",\"kid\":\"enc\"}",
			GOOD_CLAIMS), "does not publish");
	assert_out(sign(rsa, "{\"alg\":\"RS256\",\"kid\":\"q\"}", GOOD_CLAIMS),
		   "does not publish");
	assert_out(sign(rsa, "{\"alg\":\"RS256\"}", GOOD_CLAIMS),
		   "does not publish");
	assert_out(sign(rsa, "{\"alg\":\"RS256\",\"kid\":1}", GOOD_CLAIMS),
		   "does not publish");
	/* a key of the token's own */
	assert_out(sign(stranger,
			arena_printf(arena, "{\"alg\":\"RS256\",\"jwk\":%s}",
				     rsa_jwk(stranger, "")), GOOD_CLAIMS),
		   "does not publish");
	assert_out(sign(rsa, "{\"alg\":\"RS256\",\"kid\":\"r\","
			     "\"crit\":[\"b64\"],\"b64\":false}", GOOD_CLAIMS),
		   "extension");
}

static void every_changed_character_is_noticed(void **state)
{
	EVP_PKEY *const signers[] = { rsa, p256 };

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(signers); k++) {
		const char *good = sign(signers[k], k ? ES256 : RS256,
					GOOD_CLAIMS);
		size_t bytes = strlen(good);
		char *token = strdup(good);

		for (size_t i = 0; i < bytes; i++) {
			token[i] = good[i] == 'A' ? 'B' : 'A';
			assert_out(token, "");
			token[i] = good[i];
			token[i] = '\0';
			assert_out(token, "");
			token[i] = good[i];
		}
		assert_true(enters(token));
		free(token);
	}
}

static void claims_must_fit(void **state)
{
	static const char *const bad[][2] = {
		{ "{\"iss\":\"https://issuer.example/pool2\",", "issuer" },
		{ "{", "issuer" },
		{ "{\"iss\":[\"https://issuer.example/pool\"],", "issuer" },
	};
	static const char *const worse[][2] = {
		{ "\"aud\":\"des\"", "meant for" },
		{ "\"aud\":[]", "meant for" },
		{ "\"aud\":[\"des\",\"desk2\"]", "meant for" },
		{ "\"aud\":\"des\",\"client_id\":\"desk\"", "meant for" },
		{ "\"aud\":null,\"client_id\":\"desk\"", "meant for" },
		{ "\"aud\":\"\"", "meant for" },
		{ "\"aud\":\"other desk\"", "meant for" },
		{ "\"sub\":\"a\"", "meant for" },
		{ "\"aud\":\"desk\",\"token_use\":\"id\"", "access token" },
		{ "\"aud\":\"desk\"", "expires" },
		{ "\"aud\":\"desk\",\"exp\":\"1795540060\"", "expires" },
		{ "\"aud\":\"desk\",\"exp\":-1", "expires" },
		{ "\"aud\":\"desk\",\"exp\":1e12", "expires" },
		{ "\"aud\":\"desk\",\"exp\":99999999999999999999", "expires" },
		{ "\"aud\":\"desk\",\"exp\":1795536400", "expired" },
		{ "\"aud\":\"desk\",\"exp\":1795540060,\"nbf\":1795536521",
		  "not valid yet" },
		{ "\"aud\":\"desk\",\"exp\":1795540060,\"nbf\":\"x\"",
		  "not valid yet" },
		{ "\"aud\":\"desk\",\"exp\":1795540060", "subject" },
		{ "\"aud\":\"desk\",\"exp\":1795540060,\"sub\":\"\"", "subject" },
		{ "\"aud\":\"desk\",\"exp\":1795540060,\"sub\":\"a b\"",
		  "subject" },
		{ "\"aud\":\"desk\",\"aud\":\"desk\",\"exp\":1795540060,"
		  "\"sub\":\"a\"", "no JSON object" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_out(sign(rsa, RS256,
				arena_printf(arena, "%s%s", bad[i][0],
					     &GOOD_CLAIMS[strlen(
						"{\"iss\":\"https://issuer."
						"example/pool\",")])),
			   bad[i][1]);
	for (size_t i = 0; i < ARRAY_LEN(worse); i++)
		assert_out(sign(rsa, RS256,
				arena_printf(arena,
					     "{\"iss\":\"https://issuer.example/"
					     "pool\",%s}", worse[i][0])),
			   worse[i][1]);
	assert_out(sign(rsa, RS256, "[]"), "no JSON object");
	assert_out(sign(rsa, RS256, "{"), "no JSON object");
	/* a minute of skew */
	assert_true(enters(sign(rsa, RS256,
		"{\"iss\":\"https://issuer.example/pool\",\"aud\":\"desk\","
		"\"sub\":\"a\",\"exp\":1795536401,\"nbf\":1795536520}")));
}

static void anything_else_is_no_token(void **state)
{
	char *large = malloc(20000);

	(void)state;
	assert_out("", "no JSON Web Token");
	assert_out("..", "no JSON Web Token");
	assert_out("a.b", "no JSON Web Token");
	assert_out("e30.e30.e30.e30", "no JSON Web Token");
	assert_out("e30.e30.e30", "not signed by");
	assert_out(arena_printf(arena, "%s=", sign(rsa, RS256, GOOD_CLAIMS)),
		   "no JSON Web Token");
	memset(large, 'e', 19999);
	large[19999] = '\0';
	large[100] = large[200] = '.';
	assert_out(large, "too large");
	free(large);
}

static void assert_no_keys(const char *json)
{
	struct jwt_keys *none;

	error_init(&err);
	if (jwt_keys_parse(&none, str_from(json), arena, &err))
		fail_msg("keys of %s", json);
	assert_null(none);
	assert_true(error_is_set(&err));
}

static void keys_that_are_weak_or_damaged_are_passed_over(void **state)
{
	EVP_PKEY *small = EVP_RSA_gen(1024);
	EVP_PKEY *p384 = EVP_EC_gen("P-384");

	(void)state;
	assert_no_keys("");
	assert_no_keys("[]");
	assert_no_keys("{\"keys\":{}}");
	assert_no_keys("{\"keys\":[1,null,{},{\"kty\":\"RSA\"}]}");
	assert_no_keys(arena_printf(arena, "{\"keys\":[%s]}",
				    rsa_jwk(small, "")));
	assert_no_keys(arena_printf(arena, "{\"keys\":[%s]}",
				    rsa_jwk(rsa, ",\"alg\":\"PS256\"")));
	assert_no_keys(arena_printf(arena, "{\"keys\":[%s]}",
				    rsa_jwk(rsa, ",\"use\":\"enc\"")));
	/* a point that is not on the curve */
	assert_no_keys(arena_printf(arena,
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\","
		"\"y\":\"%s\"}]}", number(p256, OSSL_PKEY_PARAM_EC_PUB_Y, 32),
		number(p256, OSSL_PKEY_PARAM_EC_PUB_Y, 32)));
	assert_no_keys(arena_printf(arena,
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\","
		"\"y\":\"%s\"}]}", number(p384, OSSL_PKEY_PARAM_EC_PUB_X, 48),
		number(p384, OSSL_PKEY_PARAM_EC_PUB_Y, 48)));
	EVP_PKEY_free(small);
	EVP_PKEY_free(p384);
}

static void a_set_of_one_key_needs_no_kid(void **state)
{
	struct jwt_keys *one;

	(void)state;
	assert_true(jwt_keys_parse(&one,
				   str_from(arena_printf(arena,
							 "{\"keys\":[%s]}",
							 rsa_jwk(rsa, ""))),
				   arena, &err));
	assert_true(jwt_verify(&rules, one,
			       str_from(sign(rsa, "{\"alg\":\"RS256\"}",
					     GOOD_CLAIMS)),
			       NOW_MS, arena, &jwt, &err));
	jwt_keys_free(one);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_genuine_token_gives_the_scopes_that_the_rules_say),
		TEST(scopes_come_from_scp_and_groups_too),
		TEST(without_rules_each_scope_goes_by_its_own_name),
		TEST(the_algorithm_is_the_keys),
		TEST(only_published_keys_count),
		TEST(every_changed_character_is_noticed),
		TEST(claims_must_fit),
		TEST(anything_else_is_no_token),
		TEST(keys_that_are_weak_or_damaged_are_passed_over),
		TEST(a_set_of_one_key_needs_no_kid),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
