/*
 * object_archive_s3.c: objects in a bucket of S3, or of an engine that speaks
 * it, addressed by path.
 *
 * Create-only is `If-None-Match: *`. What was put is read back: its SHA-256 by
 * HEAD where the engine keeps one, else its bytes.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
#include "ports/object_archive.h"

#include <time.h>

#include "adapters/s3.h"
#include "aws/aws_xml.h"
#include "base/crypto.h"

#include "base/banned.h"

#define HEADERS_MAX 10
#define PUT_ATTEMPTS 6
#define PUT_WAIT_MS 40
#define LIST_MAX 1000u		/* S3's own limit of a page */
#define LIST_ANSWER_MAX_BYTES (4u * MIB)
#define LINK_MAX_S 604800u
#define MANY 32u

static struct s3 *s3_of(struct object_archive *archive)
{
	return (struct s3 *)archive;
}

static struct arena *new_arena(size_t payload_bytes)
{
	/* A growing buffer leaves its smaller selves behind. */
	return arena_new("object_archive_s3", MIB + 4 * payload_bytes);
}

/* --- calls --------------------------------------------------------------- */

/* A client's connections are not shared with a child (reports are drawn in
 * one), which has closed them: it opens its own and leaves the parent's. */
static bool have_client(struct s3 *s3, struct error *err)
{
	if (s3->client && s3->opened_by == getpid())
		return true;
	s3->client = NULL;
	s3->opened_by = getpid();
	return aws_client_open(&s3->client, s3->config, AWS_S3, err);
}

static struct str path_of(const struct s3 *s3, struct str key,
			  struct arena *arena)
{
	if (key.len == 0)
		return str_from(arena_printf(arena, "/%s", s3->bucket));
	return str_from(arena_printf(arena, "/%s/%.*s", s3->bucket,
				     STR_ARG(key)));
}

static void complete(const struct s3 *s3, struct str key,
		     struct aws_request *request, struct arena *arena)
{
	struct aws_header *headers =
		arena_alloc(arena, (request->header_count + 1) *
					   sizeof(*headers));

	if (request->header_count)
		memcpy(headers, request->headers,
		       request->header_count * sizeof(*headers));
	if (s3->owner[0])
		headers[request->header_count++] = (struct aws_header){
			STR("x-amz-expected-bucket-owner"),
			str_from(s3->owner) };
	request->headers = headers;
	request->path = path_of(s3, key, arena);
	if (request->answer_max_bytes < S3_ANSWER_MAX_BYTES)
		request->answer_max_bytes = S3_ANSWER_MAX_BYTES;
}

bool s3_call(struct s3 *s3, struct str key, struct aws_request *request,
	     struct arena *arena, struct aws_answer *ret, struct error *err)
{
	complete(s3, key, request, arena);
	return have_client(s3, err) &&
	       aws_call(s3->client, request, arena, ret, err);
}

bool s3_fault(const struct s3 *s3, struct str key, const char *step,
	      const struct aws_answer *answer, struct error *err)
{
	return error_cause(err, ERROR_UNAVAILABLE,
			   "s3 %s/%.*s: %s: status %d, %.*s, %.*s, request id "
			   "%.*s", s3->bucket, STR_ARG(key), step,
			   answer->status, STR_ARG(answer->error_code),
			   STR_ARG(answer->error_message),
			   STR_ARG(answer->request_id));
}

static bool is_good(const struct aws_answer *answer)
{
	return answer->status / 100 == 2;
}

void s3_checksum(struct str bytes, char ret[S3_CHECKSUM_BYTES + 1])
{
	CLEANUP(cleanup_arena) struct arena *arena = arena_new("checksum", KIB);
	uint8_t digest[SHA256_BYTES];
	struct buf text;

	sha256(bytes, digest);
	buf_init(&text, arena, S3_CHECKSUM_BYTES);
	buf_add_base64(&text, (struct str){ (char *)digest, sizeof(digest) });
	memcpy(ret, text.ptr, S3_CHECKSUM_BYTES + 1);
}

/* --- put ----------------------------------------------------------------- */

struct put {
	struct str key, bytes, content_type;
	enum object_put_mode mode;
	char checksum[S3_CHECKSUM_BYTES + 1];
};

static size_t put_headers(const struct s3 *s3, const struct put *put,
			  struct aws_header headers[HEADERS_MAX])
{
	size_t count = 0;

	headers[count++] = (struct aws_header){ STR("Content-Type"),
						put->content_type };
	headers[count++] = (struct aws_header){ STR("x-amz-checksum-sha256"),
						str_from(put->checksum) };
	if (put->mode == OBJECT_CREATE)
		headers[count++] = (struct aws_header){ STR("If-None-Match"),
							STR("*") };
	if (strcmp(s3->encryption, "none"))
		headers[count++] = (struct aws_header){
			STR("x-amz-server-side-encryption"),
			str_from(s3->encryption) };
	if (s3->kms_key[0])
		headers[count++] = (struct aws_header){
			STR("x-amz-server-side-encryption-aws-kms-key-id"),
			str_from(s3->kms_key) };
	return count;
}

static bool put_once(struct s3 *s3, const struct put *put, struct arena *arena,
		     struct aws_answer *ret, struct error *err)
{
	struct aws_header headers[HEADERS_MAX];
	struct aws_request request = {
		.method = STR("PUT"), .headers = headers,
		.header_count = put_headers(s3, put, headers),
		.body = put->bytes,
	};

	return s3_call(s3, put->key, &request, arena, ret, err);
}

static bool head(struct s3 *s3, struct str key, struct arena *arena,
		 struct aws_answer *ret, struct error *err)
{
	struct aws_header mode = { STR("x-amz-checksum-mode"), STR("ENABLED") };
	struct aws_request request = { .method = STR("HEAD"), .headers = &mode,
				       .header_count = 1 };

	return s3_call(s3, key, &request, arena, ret, err);
}

static bool get_whole(struct s3 *s3, struct str key, size_t max_bytes,
		      struct arena *arena, struct aws_answer *ret,
		      struct error *err)
{
	struct aws_request request = { .method = STR("GET"),
				       .answer_max_bytes = max_bytes };

	return s3_call(s3, key, &request, arena, ret, err);
}

enum found { FOUND_SAME, FOUND_OTHER, FOUND_NONE };

/* What the store has under the key, beside what was to be put. */
static bool read_back(struct s3 *s3, const struct put *put,
		      struct arena *arena, enum found *ret, struct error *err)
{
	struct aws_answer answer;
	struct str checksum, length;
	uint64_t bytes;

	*ret = FOUND_NONE;
	if (!head(s3, put->key, arena, &answer, err))
		return false;
	if (answer.status == 404)
		return true;
	if (!is_good(&answer))
		return s3_fault(s3, put->key, "HEAD", &answer, err);
	*ret = FOUND_OTHER;
	length = aws_answer_header(&answer, STR("Content-Length"));
	if (length.ptr && (!str_to_uint(length, INT64_MAX, &bytes) ||
			   bytes != put->bytes.len))
		return true;
	checksum = aws_answer_header(&answer, STR("x-amz-checksum-sha256"));
	/* One of parts has "-2" behind it: not of the whole. */
	if (checksum.len == S3_CHECKSUM_BYTES) {
		if (str_is(checksum, put->checksum))
			*ret = FOUND_SAME;
		return true;
	}
	if (!get_whole(s3, put->key, put->bytes.len, arena, &answer, err))
		return false;
	if (answer.status == 404) {
		*ret = FOUND_NONE;
		return true;
	}
	if (!is_good(&answer))
		return s3_fault(s3, put->key, "GET", &answer, err);
	if (str_eq(answer.body, put->bytes))
		*ret = FOUND_SAME;
	return true;
}

/* Doubling, with full jitter. */
static void wait_before(unsigned attempt)
{
	uint32_t random;
	long ms;

	random_bytes(&random, sizeof(random));
	ms = (long)(random % ((PUT_WAIT_MS << attempt) + 1u));
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* *ret_again: the store was in the middle of something. */
static bool put_and_look(struct s3 *s3, const struct put *put,
			 bool *ret_again, struct error *err)
{
	CLEANUP(cleanup_arena) struct arena *arena = new_arena(put->bytes.len);
	struct aws_answer answer;
	enum found found;
	bool existed;

	*ret_again = false;
	if (!put_once(s3, put, arena, &answer, err))
		return false;
	existed = put->mode == OBJECT_CREATE && answer.status == 412;
	*ret_again = answer.status == 409;
	if (*ret_again)
		return true;
	if (!existed && !is_good(&answer))
		return s3_fault(s3, put->key, "PUT", &answer, err);
	if (!read_back(s3, put, arena, &found, err))
		return false;
	if (found == FOUND_SAME)
		return true;
	if (existed && found == FOUND_OTHER)
		return error_set(err, ERROR_CONFLICT,
				 "The object exists with other bytes.");
	/* It existed and was removed meanwhile. */
	*ret_again = existed;
	return existed ||
	       error_cause(err, ERROR_UNAVAILABLE,
			   "s3 %s/%.*s: reads back other bytes than were "
			   "written", s3->bucket, STR_ARG(put->key));
}

static bool s3_put(struct object_archive *archive, struct str key,
		   struct str bytes, struct str content_type,
		   enum object_put_mode mode, struct error *err)
{
	struct put put = { .key = key, .bytes = bytes,
			   .content_type = content_type, .mode = mode };
	struct s3 *s3 = s3_of(archive);
	bool again = true;

	s3_checksum(bytes, put.checksum);
	for (unsigned attempt = 0; again && attempt < PUT_ATTEMPTS;
	     attempt++) {
		if (attempt > 0)
			wait_before(attempt);
		if (!put_and_look(s3, &put, &again, err))
			return false;
	}
	return !again ||
	       error_cause(err, ERROR_UNAVAILABLE,
			   "s3 %s/%.*s: conflicts with other writers, %d times",
			   s3->bucket, STR_ARG(key), PUT_ATTEMPTS);
}

/* --- get, remove --------------------------------------------------------- */

/* One byte more than is wanted tells that there is more; a range of an object
 * without bytes is 416. */
static void prepare_get(const struct s3 *s3, struct str key, size_t max_bytes,
			struct arena *arena, struct aws_request *ret)
{
	struct aws_header *range = arena_alloc(arena, sizeof(*range));

	*range = (struct aws_header){
		STR("Range"),
		str_from(arena_printf(arena, "bytes=0-%zu", max_bytes)) };
	*ret = (struct aws_request){ .method = STR("GET"), .headers = range,
				     .header_count = 1,
				     .answer_max_bytes = max_bytes + 1 };
	complete(s3, key, ret, arena);
}

static bool take_object(const struct s3 *s3, struct str key, size_t max_bytes,
			const struct aws_answer *answer,
			struct object_read *ret, struct error *err)
{
	*ret = (struct object_read){ .code = ERROR_NONE, .bytes = STR("") };
	if (answer->status == 404)
		ret->code = ERROR_NOT_FOUND;
	else if (answer->status == 416)
		return true;
	else if (!is_good(answer))
		return s3_fault(s3, key, "GET", answer, err);
	else if (answer->body.len > max_bytes)
		ret->code = ERROR_INTERNAL;
	else if (answer->body.ptr)
		ret->bytes = answer->body;
	return true;
}

static bool s3_get_many(struct object_archive *archive, const struct str *keys,
			size_t count, size_t max_bytes, struct arena *arena,
			struct object_read *ret, struct error *err)
{
	struct s3 *s3 = s3_of(archive);

	if (!have_client(s3, err))
		return false;
	for (size_t at = 0; at < count; at += MANY) {
		size_t some = count - at < MANY ? count - at : MANY;
		struct aws_request requests[MANY];
		struct aws_answer answers[MANY];

		for (size_t i = 0; i < some; i++)
			prepare_get(s3, keys[at + i], max_bytes, arena,
				    &requests[i]);
		if (!aws_call_many(s3->client, requests, some, arena, answers,
				   err))
			return false;
		for (size_t i = 0; i < some; i++)
			if (!take_object(s3, keys[at + i], max_bytes,
					 &answers[i], &ret[at + i], err))
				return false;
	}
	return true;
}

static bool s3_get(struct object_archive *archive, struct str key,
		   size_t max_bytes, struct arena *arena, struct str *ret,
		   struct error *err)
{
	struct object_read read;

	if (!s3_get_many(archive, &key, 1, max_bytes, arena, &read, err))
		return false;
	if (read.code == ERROR_NOT_FOUND)
		return error_set(err, ERROR_NOT_FOUND,
				 "There is no such object.");
	if (read.code != ERROR_NONE)
		return error_cause(err, ERROR_INTERNAL,
				   "s3 %s/%.*s: is larger than %zu bytes",
				   s3_of(archive)->bucket, STR_ARG(key),
				   max_bytes);
	*ret = read.bytes;
	return true;
}

static bool s3_remove(struct object_archive *archive, struct str key,
		      struct error *err)
{
	CLEANUP(cleanup_arena) struct arena *arena = new_arena(0);
	struct aws_request request = { .method = STR("DELETE") };
	struct s3 *s3 = s3_of(archive);
	struct aws_answer answer;

	if (!s3_call(s3, key, &request, arena, &answer, err))
		return false;
	return is_good(&answer) || answer.status == 404 ||
	       s3_fault(s3, key, "DELETE", &answer, err);
}

/* --- list ---------------------------------------------------------------- */

struct listing {
	struct arena *arena;
	struct str prefix, after, token;
	struct str *keys;
	size_t count, want;
	bool has_more;
};

/* Keys are ASCII up to 'z': what begins behind that lies behind all of them,
 * and the engine may want UTF-8. */
static struct str ascii_of(struct str text, struct arena *arena)
{
	char *copy = arena_text(arena, text);

	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)copy[i] > 'z' || copy[i] == '\0') {
			copy[i] = copy[i] ? '~' : '!';
			return (struct str){ copy, i + 1 };
		}
	return (struct str){ copy, text.len };
}

static void add_parameter(struct buf *query, const char *name,
			  struct str value)
{
	if (value.len == 0)
		return;
	buf_printf(query, "%s%s=", query->len ? "&" : "", name);
	buf_add_uri(query, value, false);
}

static struct str list_query(const struct listing *listing)
{
	size_t left = listing->want - listing->count;
	char page[16];
	struct buf query;

	buf_init(&query, listing->arena, 8 * KIB);
	snprintf(page, sizeof(page), "%zu", left < LIST_MAX ? left : LIST_MAX);
	add_parameter(&query, "list-type", STR("2"));
	/* XML cannot hold every key that others may have put there. */
	add_parameter(&query, "encoding-type", STR("url"));
	add_parameter(&query, "max-keys", str_from(page));
	add_parameter(&query, "prefix", listing->prefix);
	if (listing->token.len)
		add_parameter(&query, "continuation-token", listing->token);
	else
		add_parameter(&query, "start-after", listing->after);
	return buf_str(&query);
}

/* In place; what is malformed stays, and is no key then. */
static struct str decoded(struct str key, struct arena *arena)
{
	char *to = arena_text(arena, key);
	size_t len = 0;

	for (size_t i = 0; i < key.len; i++) {
		int high = i + 2 < key.len ? str_hex_digit(key.ptr[i + 1]) : -1;
		int low = high >= 0 ? str_hex_digit(key.ptr[i + 2]) : -1;

		if (key.ptr[i] != '%' || low < 0) {
			to[len++] = key.ptr[i];
			continue;
		}
		to[len++] = (char)(high * 16 + low);
		i += 2;
	}
	return (struct str){ to, len };
}

static void take_keys(struct listing *listing, const struct aws_xml *root)
{
	const struct aws_xml *entry = aws_xml_child(root, "Contents");

	for (; entry; entry = aws_xml_next(entry)) {
		struct str key = decoded(aws_xml_text(entry, "Key"),
					 listing->arena);

		/* Somebody else's, or what an engine repeats. */
		if (listing->count == listing->want ||
		    !object_key_is_valid(key))
			continue;
		listing->keys[listing->count++] = key;
	}
}

/* An answer is many times its keys: it goes with the page. */
static bool list_page(struct s3 *s3, struct listing *listing,
		      struct error *err)
{
	CLEANUP(cleanup_arena) struct arena *arena =
		new_arena(2 * LIST_ANSWER_MAX_BYTES);
	struct aws_request request = {
		.method = STR("GET"), .query = list_query(listing),
		.answer_max_bytes = LIST_ANSWER_MAX_BYTES,
	};
	struct aws_answer answer;
	const struct aws_xml *root;

	if (!s3_call(s3, STR(""), &request, arena, &answer, err))
		return false;
	if (!is_good(&answer))
		return s3_fault(s3, listing->prefix, "list", &answer, err);
	if (!aws_xml_parse(&root, answer.body, arena, err))
		return false;
	take_keys(listing, root);
	listing->token = arena_str(listing->arena,
				   aws_xml_text(root,
						"NextContinuationToken"));
	listing->has_more = str_is(aws_xml_text(root, "IsTruncated"), "true");
	if (listing->has_more && !listing->token.len)
		return error_cause(err, ERROR_UNAVAILABLE, "s3 %s: a list goes "
				   "on without saying where", s3->bucket);
	return true;
}

static bool s3_list(struct object_archive *archive, struct str prefix,
		    struct str after, size_t limit, struct arena *arena,
		    struct object_keys *ret, struct error *err)
{
	struct listing listing = {
		.arena = arena, .prefix = prefix,
		.after = ascii_of(after, arena), .want = limit + 1,
		.keys = arena_alloc(arena, (limit + 1) * sizeof(struct str)),
		.has_more = true,
	};

	while (listing.has_more && listing.count < listing.want)
		if (!list_page(s3_of(archive), &listing, err))
			return false;
	ret->keys = listing.keys;
	ret->has_more = listing.count > limit;
	ret->count = ret->has_more ? limit : listing.count;
	return true;
}

/* --- links --------------------------------------------------------------- */

static bool s3_presign(struct object_archive *archive, struct str key,
		       struct str filename, int64_t now_ms, unsigned valid_s,
		       struct buf *ret_url, int64_t *ret_expires_ms,
		       struct error *err)
{
	struct arena *arena = ret_url->arena;
	struct s3 *s3 = s3_of(archive);
	struct buf query;

	buf_init(&query, arena, 4 * KIB);
	if (filename.len)
		object_add_disposition(&query, filename);
	if (valid_s == 0 || valid_s > LINK_MAX_S)
		valid_s = LINK_MAX_S;
	if (!have_client(s3, err) ||
	    !aws_presigned_url(s3->client, path_of(s3, key, arena),
			       buf_str(&query), valid_s, now_ms, arena,
			       ret_url, ret_expires_ms, err))
		return false;
	return buf_ok(ret_url) ||
	       error_cause(err, ERROR_INTERNAL,
			   "a link's buffer is too small");
}

static bool s3_verify_link(struct object_archive *archive, struct str path,
			   struct str query, struct str host, int64_t now_ms,
			   struct arena *arena, int64_t *ret_expires_ms,
			   struct error *err)
{
	(void)archive, (void)path, (void)query, (void)host, (void)now_ms;
	(void)arena, (void)ret_expires_ms;
	return error_set(err, ERROR_BAD_LINK,
			 "Objects are not served here: the bucket serves "
			 "them.");
}

/* --- open, check, close -------------------------------------------------- */

static bool s3_check(struct object_archive *archive, struct error *err)
{
	CLEANUP(cleanup_arena) struct arena *arena = new_arena(0);
	struct aws_request request = { .method = STR("HEAD") };
	struct s3 *s3 = s3_of(archive);
	struct aws_answer answer;

	if (!s3_call(s3, STR(""), &request, arena, &answer, err))
		return false;
	if (answer.status == 404)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "s3: there is no bucket %s; `ordermill "
				   "init` makes it", s3->bucket);
	return is_good(&answer) ||
	       s3_fault(s3, STR(""), "HEAD", &answer, err);
}

static const char *s3_lacks(struct object_archive *archive,
			    struct arena *arena)
{
	return s3_lifecycle_lacks(s3_of(archive), arena);
}

static bool s3_create(struct object_archive *archive, struct setup *setup,
		      struct error *err)
{
	return s3_bucket_create(s3_of(archive), setup, err);
}

static void s3_close(struct object_archive *archive)
{
	struct s3 *s3 = s3_of(archive);

	if (s3->opened_by == getpid())
		aws_client_close(s3->client);
	free(s3);
}

static const struct object_archive_ops s3_ops = {
	.name = "s3",
	.put = s3_put,
	.get = s3_get,
	.get_many = s3_get_many,
	.list = s3_list,
	.remove = s3_remove,
	.presign = s3_presign,
	.verify_link = s3_verify_link,
	.create = s3_create,
	.check = s3_check,
	.lacks = s3_lacks,
	.close = s3_close,
};

bool object_archive_s3_open(struct object_archive **ret,
			    const struct config *config, struct error *err)
{
	const char *bucket = config_text(config, "object_archive.bucket");
	struct s3 *s3;

	if (!bucket[0])
		return error_cause(err, ERROR_INTERNAL,
				   "object_archive.bucket: is empty; name the "
				   "bucket");
	s3 = calloc(1, sizeof(*s3));
	if (!s3)
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	*s3 = (struct s3){
		.base.ops = &s3_ops, .config = config, .bucket = bucket,
		.encryption = config_text(config, "object_archive.encryption"),
		.kms_key = config_text(config, "object_archive.kms_key"),
		.owner = config_text(config, "object_archive.bucket_owner"),
	};
	/* Settings that are wrong shall stop the start. */
	if (!have_client(s3, err)) {
		free(s3);
		return false;
	}
	*ret = &s3->base;
	return true;
}
