/*
 * aws_sigv4.c: the four steps of Signature Version 4 (canonical request, string
 * to sign, signing key, signature), in header and query form, and the check of
 * a presigned query.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
#include "aws/aws_sigv4.h"

#include "base/clock.h"
#include "base/crypto.h"

#include "base/banned.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define TEXT_MAX_BYTES (256u * KIB)
#define EXPIRES_MAX_S 604800
#define CLOCK_SKEW_MS (15ll * 60 * 1000)

/* 2015-11-30T12:36:00.000Z without its marks and its milliseconds. */
void aws_amz_date(int64_t time_ms, char ret[AWS_AMZ_DATE_BYTES])
{
	char text[TIME_TEXT_BYTES];

	time_format(time_ms, text);
	for (const char *c = text; *c != '.'; c++)
		if (*c != '-' && *c != ':')
			*ret++ = *c;
	*ret++ = 'Z';
	*ret = '\0';
}

static void add_scope(struct buf *to, const struct aws_sign_input *in)
{
	char date[AWS_AMZ_DATE_BYTES];

	aws_amz_date(in->time_ms, date);
	buf_add(to, date, 8);
	buf_add_char(to, '/');
	buf_add_str(to, in->region);
	buf_add_char(to, '/');
	buf_add_str(to, in->service);
	buf_add_text(to, "/aws4_request");
}

/* --- path ---------------------------------------------------------------- */

static void drop_last_segment(struct buf *path)
{
	while (path->len > 0 && path->ptr[--path->len] != '/')
		;
}

/*
 * RFC 3986, 5.2.4, but as AWS's signers have it: empty segments are dropped
 * too, and a dot segment at the end leaves no slash.
 */
static struct str normal_path(struct str path, struct arena *arena)
{
	struct buf out;
	struct str rest = path, segment;

	buf_init(&out, arena, TEXT_MAX_BYTES);
	while (str_next(&rest, '/', &segment)) {
		if (str_is(segment, "..")) {
			drop_last_segment(&out);
		} else if (segment.len > 0 && !str_is(segment, ".")) {
			buf_add_char(&out, '/');
			buf_add_str(&out, segment);
		}
	}
	if (out.len == 0 || path.ptr[path.len - 1] == '/')
		buf_add_char(&out, '/');
	return buf_str(&out);
}

static void add_path(struct buf *to, const struct aws_sign_input *in,
		     struct arena *arena)
{
	struct str path = in->path;
	struct buf once;

	if (path.len == 0)
		path = STR("/");
	if (in->normalize_path)
		path = normal_path(path, arena);
	if (!in->double_encode_path) {
		buf_add_uri(to, path, true);
		return;
	}
	buf_init(&once, arena, TEXT_MAX_BYTES);
	buf_add_uri(&once, path, true);
	buf_add_uri(to, buf_str(&once), true);
}

/* --- query --------------------------------------------------------------- */

struct pair {
	struct str name, value;		/* decoded */
	struct str sort_name, sort_value; /* encoded */
};

/* A '%' that starts no escape stands for itself; so does '+'. */
static struct str percent_decode(struct str text, struct arena *arena)
{
	char *out = arena_alloc(arena, text.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '%' && i + 2 < text.len &&
		    hex_decode((struct str){ text.ptr + i + 1, 2 },
			       (uint8_t *)out + len, 1)) {
			i += 2;
			len++;
		} else {
			out[len++] = text.ptr[i];
		}
	}
	return (struct str){ out, len };
}

static struct str percent_encode(struct str text, struct arena *arena)
{
	struct buf out;

	buf_init(&out, arena, TEXT_MAX_BYTES);
	buf_add_uri(&out, text, false);
	return buf_str(&out);
}

static int compare_text(struct str a, struct str b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.ptr, b.ptr, common) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *p = a, *q = b;
	int order = compare_text(p->sort_name, q->sort_name);

	return order ? order : compare_text(p->sort_value, q->sort_value);
}

static struct pair *read_query(struct str query, struct arena *arena,
			       size_t *ret_count)
{
	struct str rest = query, piece;
	size_t count = 1;

	for (size_t i = 0; i < query.len; i++)
		count += query.ptr[i] == '&';
	struct pair *pairs = arena_alloc(arena, count * sizeof(*pairs));

	count = 0;
	while (str_next(&rest, '&', &piece)) {
		struct str value = piece, name;

		if (piece.len == 0)
			continue;
		if (!str_next(&value, '=', &name))
			name = STR("");
		pairs[count].name = percent_decode(name, arena);
		pairs[count].value = percent_decode(value, arena);
		pairs[count].sort_name =
			percent_encode(pairs[count].name, arena);
		pairs[count].sort_value =
			percent_encode(pairs[count].value, arena);
		count++;
	}
	*ret_count = count;
	return pairs;
}

static void add_query(struct buf *to, struct str query, struct arena *arena)
{
	size_t count;
	struct pair *pairs = read_query(query, arena, &count);

	qsort(pairs, count, sizeof(*pairs), compare_pairs);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_add_char(to, '&');
		buf_add_str(to, pairs[i].sort_name);
		buf_add_char(to, '=');
		buf_add_str(to, pairs[i].sort_value);
	}
}

/* --- headers ------------------------------------------------------------- */

/* Names in lower case, sorted; those of one name as they came. */
struct sorted_headers {
	struct aws_header *headers;
	size_t count;
};

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* Trimmed, runs of white space (folded lines too) made one space. */
static void add_header_value(struct buf *to, struct str value)
{
	bool started = false;
	size_t from = 0;

	for (size_t i = 0; i <= value.len; i++) {
		if (i < value.len && !is_space(value.ptr[i]))
			continue;
		if (i > from && started)
			buf_add_char(to, ' ');
		if (i > from) {
			buf_add(to, value.ptr + from, i - from);
			started = true;
		}
		from = i + 1;
	}
}

static struct str lower_name(struct str name, struct arena *arena)
{
	char *low;

	name = str_trim(name);
	low = arena_text(arena, name);
	for (size_t i = 0; i < name.len; i++)
		low[i] = lower(low[i]);
	return (struct str){ low, name.len };
}

static struct sorted_headers sort_headers(const struct aws_sign_input *in,
					  struct arena *arena)
{
	struct aws_header *sorted =
		arena_alloc(arena, (in->header_count + 1) * sizeof(*sorted));

	for (size_t i = 0; i < in->header_count; i++) {
		struct aws_header header = {
			lower_name(in->headers[i].name, arena),
			in->headers[i].value,
		};
		size_t place = i;

		for (; place && compare_text(sorted[place - 1].name,
					     header.name) > 0; place--)
			sorted[place] = sorted[place - 1];
		sorted[place] = header;
	}
	return (struct sorted_headers){ sorted, in->header_count };
}

static bool is_repeated(const struct sorted_headers *sorted, size_t i)
{
	return i > 0 && str_eq(sorted->headers[i].name,
			       sorted->headers[i - 1].name);
}

/* Values of one name are joined by commas. */
static void add_headers(struct buf *to, const struct sorted_headers *sorted)
{
	for (size_t i = 0; i < sorted->count; i++) {
		if (is_repeated(sorted, i)) {
			buf_add_char(to, ',');
		} else {
			if (i > 0)
				buf_add_char(to, '\n');
			buf_add_str(to, sorted->headers[i].name);
			buf_add_char(to, ':');
		}
		add_header_value(to, sorted->headers[i].value);
	}
	buf_add_char(to, '\n');
}

static void add_signed_headers(struct buf *to,
			       const struct sorted_headers *sorted)
{
	for (size_t i = 0; i < sorted->count; i++) {
		if (is_repeated(sorted, i))
			continue;
		if (i > 0)
			buf_add_char(to, ';');
		buf_add_str(to, sorted->headers[i].name);
	}
}

/* --- the stages ---------------------------------------------------------- */

static void add_canonical(const struct aws_sign_input *in,
			  const struct sorted_headers *sorted,
			  struct arena *arena, struct buf *to)
{
	buf_add_str(to, in->method);
	buf_add_char(to, '\n');
	add_path(to, in, arena);
	buf_add_char(to, '\n');
	add_query(to, in->query, arena);
	buf_add_char(to, '\n');
	add_headers(to, sorted);
	buf_add_char(to, '\n');
	add_signed_headers(to, sorted);
	buf_add_char(to, '\n');
	buf_add_str(to, in->payload_hash);
}

void aws_canonical_request(const struct aws_sign_input *in,
			   struct arena *arena, struct buf *to)
{
	struct sorted_headers sorted = sort_headers(in, arena);

	add_canonical(in, &sorted, arena, to);
}

void aws_string_to_sign(const struct aws_sign_input *in,
			struct str canonical_request, struct buf *to)
{
	char date[AWS_AMZ_DATE_BYTES], digest[SHA256_HEX + 1];

	aws_amz_date(in->time_ms, date);
	sha256_hex(canonical_request, digest);
	buf_add_text(to, ALGORITHM "\n");
	buf_add_text(to, date);
	buf_add_char(to, '\n');
	add_scope(to, in);
	buf_add_char(to, '\n');
	buf_add(to, digest, SHA256_HEX);
}

/* What a key is made of: "AWS4" secret, date, region and service, each behind
 * a line end. */
static size_t key_source(const struct aws_sign_input *in, const char *date,
			 char ret[512])
{
	struct str parts[] = { STR("AWS4"), in->credentials.secret_access_key,
			       STR("\n"), { date, 8 }, STR("\n"), in->region,
			       STR("\n"), in->service };
	size_t len = 0;

	/* AWS's secrets have 40 characters, ours 43; a longer one is cut. */
	if (parts[1].len > 256)
		parts[1].len = 256;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (parts[i].len > 512 - len)
			parts[i].len = 512 - len;
		if (parts[i].len)
			memcpy(ret + len, parts[i].ptr, parts[i].len);
		len += parts[i].len;
	}
	return len;
}

static void make_key(const struct aws_sign_input *in, struct str made_of,
		     const char *date, uint8_t key[SHA256_BYTES])
{
	struct str chain = { (const char *)key, SHA256_BYTES };
	const char *end = memchr(made_of.ptr, '\n', made_of.len);

	hmac_sha256((struct str){ made_of.ptr, (size_t)(end - made_of.ptr) },
		    (struct str){ date, 8 }, key);
	hmac_sha256(chain, in->region, key);
	hmac_sha256(chain, in->service, key);
	hmac_sha256(chain, STR("aws4_request"), key);
}

static void find_key(const struct aws_sign_input *in,
		     uint8_t ret[SHA256_BYTES])
{
	struct aws_signing_key *kept = in->key;
	char date[AWS_AMZ_DATE_BYTES], made_of[512];
	size_t len;

	aws_amz_date(in->time_ms, date);
	len = key_source(in, date, made_of);
	if (kept && kept->made_of_len == len &&
	    !memcmp(kept->made_of, made_of, len)) {
		memcpy(ret, kept->key, SHA256_BYTES);
	} else {
		make_key(in, (struct str){ made_of, len }, date, ret);
		if (kept) {
			memcpy(kept->made_of, made_of, len);
			kept->made_of_len = len;
			memcpy(kept->key, ret, SHA256_BYTES);
		}
	}
	explicit_bzero(made_of, sizeof(made_of));
}

void aws_signature(const struct aws_sign_input *in, struct str string_to_sign,
		   char ret_hex[65])
{
	uint8_t key[SHA256_BYTES];

	find_key(in, key);
	hmac_sha256((struct str){ (const char *)key, sizeof(key) },
		    string_to_sign, key);
	hex_encode(key, sizeof(key), ret_hex);
}

static void sign(const struct aws_sign_input *in,
		 const struct sorted_headers *sorted, struct arena *arena,
		 char ret_hex[65])
{
	struct buf canonical, to_sign;

	buf_init(&canonical, arena, TEXT_MAX_BYTES);
	buf_init(&to_sign, arena, TEXT_MAX_BYTES);
	add_canonical(in, sorted, arena, &canonical);
	aws_string_to_sign(in, buf_str(&canonical), &to_sign);
	aws_signature(in, buf_str(&to_sign), ret_hex);
}

void aws_sign(const struct aws_sign_input *in, struct arena *arena,
	      struct buf *authorization)
{
	struct sorted_headers sorted = sort_headers(in, arena);
	char signature[65];

	sign(in, &sorted, arena, signature);
	buf_add_text(authorization, ALGORITHM " Credential=");
	buf_add_str(authorization, in->credentials.access_key_id);
	buf_add_char(authorization, '/');
	add_scope(authorization, in);
	buf_add_text(authorization, ", SignedHeaders=");
	add_signed_headers(authorization, &sorted);
	buf_add_text(authorization, ", Signature=");
	buf_add_text(authorization, signature);
}

static void add_parameter(struct buf *query, const char *name,
			  struct str value)
{
	buf_printf(query, "&%s=", name);
	buf_add_uri(query, value, false);
}

void aws_presign(const struct aws_sign_input *in, unsigned expires_s,
		 struct arena *arena, struct buf *query)
{
	struct sorted_headers sorted = sort_headers(in, arena);
	struct aws_sign_input with = *in;
	struct buf raw, credential, headers;
	char date[AWS_AMZ_DATE_BYTES], signature[65];

	buf_init(&raw, arena, TEXT_MAX_BYTES);
	buf_init(&credential, arena, TEXT_MAX_BYTES);
	buf_init(&headers, arena, TEXT_MAX_BYTES);
	buf_add_str(&credential, in->credentials.access_key_id);
	buf_add_char(&credential, '/');
	add_scope(&credential, in);
	add_signed_headers(&headers, &sorted);
	aws_amz_date(in->time_ms, date);

	buf_add_str(&raw, in->query);
	add_parameter(&raw, "X-Amz-Algorithm", STR(ALGORITHM));
	add_parameter(&raw, "X-Amz-Credential", buf_str(&credential));
	add_parameter(&raw, "X-Amz-Date", str_from(date));
	buf_printf(&raw, "&X-Amz-Expires=%u", expires_s);
	if (in->credentials.session_token.ptr)
		add_parameter(&raw, "X-Amz-Security-Token",
			      in->credentials.session_token);
	add_parameter(&raw, "X-Amz-SignedHeaders", buf_str(&headers));
	with.query = buf_str(&raw);
	sign(&with, &sorted, arena, signature);
	add_query(query, with.query, arena);
	buf_printf(query, "&X-Amz-Signature=%s", signature);
}

/* --- the other side ------------------------------------------------------ */

enum parameter {
	ALGORITHM_PARAMETER, CREDENTIAL, DATE, EXPIRES, SECURITY_TOKEN,
	SIGNED_HEADERS, SIGNATURE, PARAMETER_COUNT
};

static const char *const parameter_names[PARAMETER_COUNT] = {
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
	"X-Amz-Security-Token", "X-Amz-SignedHeaders", "X-Amz-Signature",
};

static bool is_amz(struct str name)
{
	return name.len >= 6 &&
	       str_eq_ignore_case((struct str){ name.ptr, 6 }, STR("X-Amz-"));
}

static bool take_parameter(const struct pair *pair,
			   struct str found[PARAMETER_COUNT],
			   struct error *err)
{
	for (size_t i = 0; i < PARAMETER_COUNT; i++) {
		if (!str_is(pair->name, parameter_names[i]))
			continue;
		if (found[i].ptr)
			return error_set(err, ERROR_BAD_LINK,
					 "%s is given twice.",
					 parameter_names[i]);
		found[i] = pair->value;
		return true;
	}
	if (is_amz(pair->name))
		return error_set(err, ERROR_BAD_LINK,
				 "An X-Amz parameter is not known.");
	return true;
}

/* Sorts the query into its X-Amz parameters, and all but the signature
 * again. */
static bool take_parameters(struct str query, struct arena *arena,
			    bool with_token,
			    struct str found[PARAMETER_COUNT],
			    struct buf *ret_signed, struct error *err)
{
	size_t count;
	const struct pair *pairs = read_query(query, arena, &count);

	for (size_t i = 0; i < count; i++) {
		if (!take_parameter(&pairs[i], found, err))
			return false;
		if (str_is(pairs[i].name, parameter_names[SIGNATURE]))
			continue;
		buf_add_char(ret_signed, '&');
		buf_add_str(ret_signed, pairs[i].sort_name);
		buf_add_char(ret_signed, '=');
		buf_add_str(ret_signed, pairs[i].sort_value);
	}
	for (size_t i = 0; i < PARAMETER_COUNT; i++) {
		bool wanted = i != SECURITY_TOKEN || with_token;

		if (wanted && !found[i].ptr)
			return error_set(err, ERROR_BAD_LINK,
					 "%s is missing.", parameter_names[i]);
		if (!wanted && found[i].ptr)
			return error_set(err, ERROR_BAD_LINK,
					 "%s does not belong here.",
					 parameter_names[i]);
	}
	return true;
}

static bool read_date(struct str date, int64_t *ret_ms)
{
	char text[TIME_TEXT_BYTES];
	char again[AWS_AMZ_DATE_BYTES];

	if (date.len != AWS_AMZ_DATE_BYTES - 1 || memchr(date.ptr, '\0', date.len))
		return false;
	snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ",
		 date.ptr, date.ptr + 4, date.ptr + 6, date.ptr + 9,
		 date.ptr + 11, date.ptr + 13);
	if (!time_parse(str_from(text), ret_ms))
		return false;
	aws_amz_date(*ret_ms, again);
	return str_is(date, again);
}

static bool check_times(const struct str found[PARAMETER_COUNT],
			int64_t now_ms, int64_t *ret_made_ms,
			int64_t *ret_expires_ms, struct error *err)
{
	uint64_t expires_s;

	if (!read_date(found[DATE], ret_made_ms))
		return error_set(err, ERROR_BAD_LINK,
				 "X-Amz-Date is not a time.");
	if (!str_to_uint(found[EXPIRES], EXPIRES_MAX_S, &expires_s) ||
	    expires_s == 0)
		return error_set(err, ERROR_BAD_LINK,
				 "X-Amz-Expires is not 1 to 604800 seconds.");
	if (*ret_made_ms > now_ms + CLOCK_SKEW_MS)
		return error_set(err, ERROR_BAD_LINK,
				 "The link was made in the future.");
	*ret_expires_ms = *ret_made_ms + (int64_t)expires_s * 1000;
	if (now_ms >= *ret_expires_ms)
		return error_set(err, ERROR_BAD_LINK, "The link has expired.");
	return true;
}

static bool check_claims(const struct aws_sign_input *in,
			 const struct str found[PARAMETER_COUNT],
			 struct arena *arena, struct error *err)
{
	struct buf credential;

	buf_init(&credential, arena, TEXT_MAX_BYTES);
	buf_add_str(&credential, in->credentials.access_key_id);
	buf_add_char(&credential, '/');
	add_scope(&credential, in);
	if (!str_is(found[ALGORITHM_PARAMETER], ALGORITHM))
		return error_set(err, ERROR_BAD_LINK,
				 "X-Amz-Algorithm is not " ALGORITHM ".");
	if (!str_eq(found[CREDENTIAL], buf_str(&credential)))
		return error_set(err, ERROR_BAD_LINK,
				 "X-Amz-Credential names another key, day, "
				 "region or service.");
	if (!str_is(found[SIGNED_HEADERS], "host"))
		return error_set(err, ERROR_BAD_LINK,
				 "X-Amz-SignedHeaders is not host.");
	if (in->credentials.session_token.ptr &&
	    !str_eq_constant_time(found[SECURITY_TOKEN],
				  in->credentials.session_token))
		return error_set(err, ERROR_BAD_LINK,
				 "X-Amz-Security-Token is another one.");
	return true;
}

bool aws_verify_presigned(const struct aws_credentials *credentials,
			  struct str region, struct str service,
			  struct str method, struct str path, struct str query,
			  struct str host, int64_t now_ms, struct arena *arena,
			  int64_t *ret_expires_ms, struct error *err)
{
	struct aws_header host_header = { STR("host"), host };
	struct aws_sign_input in = {
		.credentials = *credentials, .region = region,
		.service = service, .method = method, .path = path,
		.headers = &host_header, .header_count = 1,
		.payload_hash = STR("UNSIGNED-PAYLOAD"),
	};
	struct sorted_headers sorted = { &host_header, 1 };
	struct str found[PARAMETER_COUNT] = { { NULL, 0 } };
	struct buf signed_query;
	char signature[65];

	if (query.len > TEXT_MAX_BYTES / 8 || path.len > TEXT_MAX_BYTES / 8)
		return error_set(err, ERROR_BAD_LINK, "The link is too long.");
	buf_init(&signed_query, arena, TEXT_MAX_BYTES);
	if (!take_parameters(query, arena, credentials->session_token.ptr,
			     found, &signed_query, err) ||
	    !check_times(found, now_ms, &in.time_ms, ret_expires_ms, err) ||
	    !check_claims(&in, found, arena, err))
		return false;
	in.query = buf_str(&signed_query);
	sign(&in, &sorted, arena, signature);
	if (!str_eq_constant_time(found[SIGNATURE], str_from(signature)))
		return error_set(err, ERROR_BAD_LINK,
				 "The signature does not fit this path, query "
				 "and host.");
	return true;
}
