/*
 * jwt.c: reads a token strictly, in RFC 8725's order: algorithm, key,
 * signature, and only then what it claims.
 */
#include "http/jwt.h"

#include "base/crypto.h"
#include "base/json.h"
#include "base/public_key.h"
#include "http/access.h"

#include "base/banned.h"

struct jwt_key {
	char id[129];
	struct public_key *key;
};

struct jwt_keys {
	size_t count;
	struct jwt_key keys[JWT_MAX_KEYS];
};

static struct str text_of(struct json object, const char *name)
{
	return json_string(json_member(object, name));
}

static bool number_of(struct json jwk, const char *name, struct arena *arena,
		      struct str *ret)
{
	return base64url_decode(text_of(jwk, name), arena, ret);
}

static bool says_otherwise(struct json jwk, const char *name, const char *value)
{
	struct json member = json_member(jwk, name);

	return member.kind != JSON_ABSENT &&
	       !str_is(json_string(member), value);
}

/* RFC 7517, 4; NULL for a key of no use here. */
static struct public_key *read_key(struct json jwk, struct arena *arena)
{
	struct str kind = text_of(jwk, "kty"), a, b;

	if (says_otherwise(jwk, "use", "sig"))
		return NULL;
	if (str_is(kind, "RSA") && !says_otherwise(jwk, "alg", "RS256") &&
	    number_of(jwk, "n", arena, &a) && number_of(jwk, "e", arena, &b))
		return public_key_rsa(a, b);
	if (str_is(kind, "EC") && !says_otherwise(jwk, "alg", "ES256") &&
	    str_is(text_of(jwk, "crv"), "P-256") &&
	    number_of(jwk, "x", arena, &a) && number_of(jwk, "y", arena, &b))
		return public_key_p256(a, b);
	return NULL;
}

bool jwt_keys_parse(struct jwt_keys **ret, struct str json,
		    struct arena *arena, struct error *err)
{
	struct jwt_keys *set;
	struct json root, list;

	*ret = NULL;
	if (!json_parse(&root, json, arena, err))
		return false;
	list = json_member(root, "keys");
	set = calloc(1, sizeof(*set));
	if (!set)
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	for (size_t i = 0;
	     i < json_count(list) && set->count < JWT_MAX_KEYS; i++) {
		struct json jwk = json_element(list, i);
		struct jwt_key *to = &set->keys[set->count];
		struct str id = text_of(jwk, "kid");

		if (id.len >= sizeof(to->id) ||
		    !(to->key = read_key(jwk, arena)))
			continue;
		snprintf(to->id, sizeof(to->id), "%.*s", STR_ARG(id));
		set->count++;
	}
	if (!set->count) {
		jwt_keys_free(set);
		return error_set(err, ERROR_BAD_REQUEST,
				 "The set has no key for RS256 or ES256.");
	}
	*ret = set;
	return true;
}

void jwt_keys_free(struct jwt_keys *keys)
{
	if (!keys)
		return;
	for (size_t i = 0; i < keys->count; i++)
		public_key_free(keys->keys[i].key);
	free(keys);
}

bool jwt_looks_like_one(struct str token)
{
	size_t dots = 0;

	for (size_t i = 0; i < token.len; i++)
		dots += token.ptr[i] == '.';
	return dots == 2;
}

static bool refuse(struct error *err, const char *why)
{
	return error_set(err, ERROR_UNAUTHENTICATED, "The token %s.", why);
}

static bool read_part(struct str part, struct arena *arena, struct json *ret)
{
	struct error err;
	struct str text;

	error_init(&err);
	return base64url_decode(part, arena, &text) &&
	       json_parse(ret, text, arena, &err) && ret->kind == JSON_OBJECT;
}

/* By kid; a set of one key needs none. */
static const struct public_key *find_key(const struct jwt_keys *keys,
					 struct json header)
{
	struct json id = json_member(header, "kid");

	if (id.kind == JSON_ABSENT)
		return keys->count == 1 ? keys->keys[0].key : NULL;
	for (size_t i = 0; i < keys->count; i++)
		if (str_is(json_string(id), keys->keys[i].id))
			return keys->keys[i].key;
	return NULL;
}

/* The algorithm is the key's, never the token's wish (RFC 8725, 3.1). */
static bool check_signature(const struct jwt_keys *keys, struct json header,
			    struct str signed_part, struct str signature,
			    struct error *err)
{
	struct str algorithm = text_of(header, "alg");
	const struct public_key *key;

	if (!str_is(algorithm, "RS256") && !str_is(algorithm, "ES256"))
		return refuse(err, "is not signed by RS256 or ES256");
	/* RFC 7515, 4.1.11: we understand no extension */
	if (json_member(header, "crit").kind != JSON_ABSENT)
		return refuse(err, "needs an extension (crit)");
	key = find_key(keys, header);
	if (!key)
		return refuse(err, "is signed by a key that the issuer does "
				   "not publish");
	if (public_key_is_rsa(key) != str_is(algorithm, "RS256") ||
	    !public_key_verify(key, signed_part, signature))
		return refuse(err, "has a signature that does not fit");
	return true;
}

/* NumericDate (RFC 7519, 2), whole seconds; a fraction is dropped. */
static bool read_time(struct json claims, const char *name, int64_t *ret_ms)
{
	struct str text = json_literal(json_member(claims, name));
	int64_t seconds = 0;
	size_t i;

	for (i = 0; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9';
	     i++) {
		seconds = seconds * 10 + (text.ptr[i] - '0');
		if (seconds > 253402300799)	/* the year 9999 */
			return false;
	}
	*ret_ms = seconds * 1000;
	return i > 0 && (i == text.len || text.ptr[i] == '.');
}

static bool check_times(struct json claims, int64_t now_ms,
			int64_t *ret_expires_ms, struct error *err)
{
	int64_t from_ms;

	if (!read_time(claims, "exp", ret_expires_ms))
		return refuse(err, "does not say when it expires (exp)");
	*ret_expires_ms += JWT_SKEW_MS;
	if (now_ms >= *ret_expires_ms)
		return refuse(err, "has expired");
	if (json_member(claims, "nbf").kind != JSON_ABSENT &&
	    (!read_time(claims, "nbf", &from_ms) ||
	     now_ms + JWT_SKEW_MS < from_ms))
		return refuse(err, "is not valid yet");
	return true;
}

static bool is_for_us(struct json claims, struct str audience)
{
	struct json aud = json_member(claims, "aud");

	if (aud.kind == JSON_ABSENT)
		return str_has_word(audience, text_of(claims, "client_id"));
	if (aud.kind == JSON_STRING)
		return str_has_word(audience, json_string(aud));
	for (size_t i = 0; i < json_count(aud); i++)
		if (str_has_word(audience, json_string(json_element(aud, i))))
			return true;
	return false;
}

/* An ID token says who somebody is, not what a client may do. */
static bool check_claims(const struct jwt_rules *rules, struct json claims,
			 struct error *err)
{
	if (!str_eq(text_of(claims, "iss"), rules->issuer))
		return refuse(err, "is of another issuer");
	if (!is_for_us(claims, rules->audience))
		return refuse(err, "is not meant for this desk (aud, "
				   "client_id)");
	if (says_otherwise(claims, "token_use", "access"))
		return refuse(err, "is no access token (token_use)");
	return true;
}

static void add_scopes(struct jwt *jwt, struct str scopes)
{
	size_t used = strlen(jwt->scopes);

	snprintf(jwt->scopes + used, sizeof(jwt->scopes) - used, "%s%.*s",
		 used ? "," : "", STR_ARG(scopes));
}

static bool grants(struct json claims, struct str word)
{
	static const char *const lists[] = { "scp", "cognito:groups" };

	if (str_has_word(text_of(claims, "scope"), word) ||
	    str_has_word(text_of(claims, "scp"), word))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct json list = json_member(claims, lists[i]);

		for (size_t j = 0; j < json_count(list); j++)
			if (str_eq(json_string(json_element(list, j)), word))
				return true;
	}
	return false;
}

/* Each rule once, whatever the token repeats: so the rules bound the text. */
static void map_scopes(struct jwt *jwt, struct str rules, struct json claims)
{
	struct str all = STR(ACCESS_SCOPES), rule, word;

	if (!rules.len)
		while (str_next(&all, ',', &word))
			if (grants(claims, word))
				add_scopes(jwt, word);
	while (str_next(&rules, ' ', &rule))
		if (str_next(&rule, '=', &word) && word.len && rule.len &&
		    grants(claims, word))
			add_scopes(jwt, rule);
}

/* OpenID Connect Core, 2: at most 255 ASCII characters. */
static bool take_subject(struct jwt *jwt, struct json claims,
			 struct error *err)
{
	struct str subject = text_of(claims, "sub");

	if (!subject.len || subject.len > 255)
		return refuse(err, "has no subject (sub)");
	for (size_t i = 0; i < subject.len; i++)
		if (subject.ptr[i] <= ' ' || subject.ptr[i] > '~')
			return refuse(err, "has a subject (sub) that is not "
					   "ASCII");
	snprintf(jwt->caller, sizeof(jwt->caller), "sub:%.*s",
		 STR_ARG(subject));
	return true;
}

bool jwt_verify(const struct jwt_rules *rules, const struct jwt_keys *keys,
		struct str token, int64_t now_ms, struct arena *arena,
		struct jwt *ret, struct error *err)
{
	struct str rest = token, parts[3], signature;
	struct json header, claims;

	if (token.len > JWT_MAX_TOKEN_BYTES)
		return refuse(err, "is too large");
	if (!jwt_looks_like_one(token))
		return refuse(err, "is no JSON Web Token");
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		str_next(&rest, '.', &parts[i]);
	if (!read_part(parts[0], arena, &header) ||
	    !base64url_decode(parts[2], arena, &signature))
		return refuse(err, "is no JSON Web Token");
	if (!check_signature(keys, header,
			     (struct str){ token.ptr,
					   parts[0].len + 1 + parts[1].len },
			     signature, err))
		return false;
	if (!read_part(parts[1], arena, &claims))
		return refuse(err, "has claims that are no JSON object");
	*ret = (struct jwt){ .scopes = "" };
	if (!check_claims(rules, claims, err) ||
	    !check_times(claims, now_ms, &ret->expires_ms, err) ||
	    !take_subject(ret, claims, err))
		return false;
	map_scopes(ret, rules->scopes, claims);
	return true;
}
