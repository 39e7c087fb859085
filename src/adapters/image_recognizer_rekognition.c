/*
 * image_recognizer_rekognition.c: Amazon Rekognition's DetectLabels, and the
 * matcher over what it saw. Whatever goes wrong there, the photo is not_checked
 * with a reason: an upload never fails for it. Photos over the limit of what
 * goes with a call are named by their place in S3, if the archive is there.
 *
 * https://docs.aws.amazon.com/rekognition/latest/APIReference/API_DetectLabels.html
 */
#include "aws/aws_client.h"
#include "base/crypto.h"
#include "base/json.h"
#include "ports/image_recognizer.h"
#include "ports/object_archive.h"
#include "recognition/image_header.h"
#include "recognition/matcher.h"
#include "recognition/photo_strip.h"

#include "base/banned.h"

/* https://docs.aws.amazon.com/rekognition/latest/dg/limits.html */
#define INLINE_MAX_BYTES (5u * MIB)
#define OBJECT_MAX_BYTES (15u * MIB)
#define SIDE_MIN 80u
#define ANSWER_MAX_BYTES MIB
#define REQUEST_MAX_BYTES (INLINE_MAX_BYTES / 3 * 4 + KIB)
#define NAMES_MAX 16u		/* of a label; the service gives a handful */
#define NAME_MAX_BYTES 100u

struct rekognition {
	struct image_recognizer base;
	struct aws_client *client;
	struct matcher *matcher;
	struct object_archive *archive;	/* NULL: not in S3 */
	const char *bucket;
	int64_t min_confidence;
};

static struct rekognition *rekognition_of(struct image_recognizer *recognizer)
{
	return (struct rekognition *)recognizer;
}

/* --- asking -------------------------------------------------------------- */

/* NULL when the service can be asked about this photo. */
static const char *refusal(const struct rekognition *rekognition,
			   struct str image)
{
	size_t max_bytes = rekognition->archive ? OBJECT_MAX_BYTES :
						  INLINE_MAX_BYTES;
	struct image_header header;

	if (!image_header_read(image, &header) ||
	    !strcmp(header.ending, "webp") || header.width < SIDE_MIN ||
	    header.height < SIDE_MIN)
		return "unsupported_format";
	return image.len > max_bytes ? "too_large" : NULL;
}

/* Where and as what the upload will be kept, so that nothing is left over. */
static bool store(const struct rekognition *rekognition, struct str image,
		  struct str media_type, struct arena *arena,
		  const char **ret_key, struct error *err)
{
	char digest[SHA256_HEX + 1];
	struct image_header header;
	unsigned orientation;
	struct buf stripped;

	buf_init(&stripped, arena, image.len + PHOTO_STRIP_MORE_BYTES);
	if (!photo_strip(image, &stripped, &orientation) ||
	    !image_header_read(image, &header))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "the parts of the photo do not add up");
	sha256_hex(buf_str(&stripped), digest);
	*ret_key = arena_printf(arena, "images/%s.%s", digest, header.ending);
	return object_archive_put(rekognition->archive, str_from(*ret_key),
				  buf_str(&stripped), media_type,
				  OBJECT_CREATE, err);
}

/* By its bytes, or, over the limit of those, by where it is kept. */
static bool add_image(const struct rekognition *rekognition, struct str image,
		      struct str media_type, struct arena *arena,
		      struct buf *body, struct error *err)
{
	const char *key = "";

	if (image.len <= INLINE_MAX_BYTES) {
		buf_add_text(body, "{\"Bytes\":\"");
		buf_add_base64(body, image);
		buf_add_text(body, "\"}");
		return true;
	}
	if (!store(rekognition, image, media_type, arena, &key, err))
		return false;
	buf_printf(body, "{\"S3Object\":{\"Bucket\":\"%s\",\"Name\":\"%s\"}}",
		   rekognition->bucket, key);
	return true;
}

static bool ask(const struct rekognition *rekognition, struct str image,
		struct str media_type, struct arena *arena,
		struct aws_answer *ret, struct error *err)
{
	const struct aws_header headers[] = {
		{ STR("Content-Type"), STR("application/x-amz-json-1.1") },
		{ STR("X-Amz-Target"), STR("RekognitionService.DetectLabels") },
	};
	struct aws_request request = {
		.method = STR("POST"), .path = STR("/"),
		.headers = headers, .header_count = ARRAY_LEN(headers),
		.answer_max_bytes = ANSWER_MAX_BYTES,
	};
	struct buf body;

	buf_init(&body, arena, REQUEST_MAX_BYTES);
	buf_printf(&body, "{\"MaxLabels\":%u,\"MinConfidence\":%d,"
		   "\"Image\":", LIMIT_LABELS,
		   (int)rekognition->min_confidence);
	if (!add_image(rekognition, image, media_type, arena, &body, err))
		return false;
	buf_add_char(&body, '}');
	request.body = buf_str(&body);
	return aws_call(rekognition->client, &request, arena, ret, err);
}

static const char *reason_of(const struct aws_answer *answer)
{
	if (str_is(answer->error_code, "ImageTooLargeException"))
		return "too_large";
	if (str_is(answer->error_code, "InvalidImageFormatException"))
		return "unsupported_format";
	return "service_failed";
}

/* --- reading ------------------------------------------------------------- */

/* Behind the bracket that closes the one at `at`; strings are stepped over. */
static size_t behind_brackets(struct str text, size_t at)
{
	int depth = 0;

	for (bool quoted = false; at < text.len; at++) {
		char c = text.ptr[at];

		if (quoted && c == '\\')
			at++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '[' || c == '{'))
			depth++;
		else if (!quoted && (c == ']' || c == '}') && --depth <= 0)
			return at + 1;
	}
	return text.len;
}

/* Without the boxes of each thing seen: those of a crowd are more members than
 * a document may have (LIMIT_JSON_MEMBERS), and nobody looks at them. */
static struct str without_instances(struct str text, struct arena *arena)
{
	static const char name[] = "\"Instances\":[";
	const size_t kept = sizeof(name) - 2;
	struct buf out;

	buf_init(&out, arena, ANSWER_MAX_BYTES);
	while (text.len) {
		const char *found = memmem(text.ptr, text.len, name,
					   sizeof(name) - 1);
		size_t before = found ? (size_t)(found - text.ptr) + kept :
					text.len;
		size_t end = found ? behind_brackets(text, before) : text.len;

		buf_add(&out, text.ptr, before);
		if (found)
			buf_add_text(&out, "[]");
		text.ptr += end;
		text.len -= end;
	}
	return buf_str(&out);
}

static bool is_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.ptr[i] < ' ' || name.ptr[i] == 0x7f)
			return false;
	return name.len > 0 && name.len <= NAME_MAX_BYTES;
}

/* "99.94" is 999. */
static int permille_of(struct json number, struct arena *arena)
{
	struct str literal = json_literal(number);
	double percent = literal.len ? strtod(arena_text(arena, literal), NULL)
				     : 0;

	if (!(percent > 0))
		return 0;
	return percent >= 100 ? 1000 : (int)(percent * 10);
}

/* [{"Name": "Vehicle"}, …] */
static const struct str *names_of(struct json list, struct arena *arena,
				  size_t *ret_count)
{
	struct str *names = arena_alloc(arena, NAMES_MAX * sizeof(*names));
	size_t count = json_count(list);

	*ret_count = 0;
	for (size_t i = 0; i < count && *ret_count < NAMES_MAX; i++) {
		struct str name = json_string(json_member(
			json_element(list, i), "Name"));

		if (is_name(name))
			names[(*ret_count)++] = name;
	}
	return names;
}

/* How many there are; 0 of what cannot be read. */
static size_t read_labels(struct json body, struct arena *arena,
			  struct match_label ret[LIMIT_LABELS])
{
	struct json list = json_member(body, "Labels");
	size_t count = json_count(list), taken = 0;

	for (size_t i = 0; i < count && taken < LIMIT_LABELS; i++) {
		struct json label = json_element(list, i);
		struct match_label *to = &ret[taken];

		*to = (struct match_label){
			.name = json_string(json_member(label, "Name")),
			.confidence_permille = permille_of(
				json_member(label, "Confidence"), arena),
		};
		if (!is_name(to->name))
			continue;
		to->aliases = names_of(json_member(label, "Aliases"), arena,
				       &to->alias_count);
		to->parents = names_of(json_member(label, "Parents"), arena,
				       &to->parent_count);
		taken++;
	}
	return taken;
}

static bool read_answer(const struct aws_answer *answer, struct arena *arena,
			struct json *ret)
{
	struct error broken;

	error_init(&broken);
	return json_parse(ret, without_instances(answer->body, arena), arena,
			  &broken) &&
	       json_member(*ret, "Labels").kind == JSON_ARRAY;
}

/* --- the verdict --------------------------------------------------------- */

static void take_match(const struct match *match, struct recognition *ret)
{
	ret->verdict = match->verdict;
	ret->confidence_permille = match->confidence_permille;
	ret->reason = match->reason;
	ret->evidence = match->evidence;
	ret->warning = match->warning;
}

static void not_checked(const char *reason, struct recognition *ret)
{
	struct match match;

	match_not_checked(reason, &match);
	take_match(&match, ret);
}

static void judge(const struct rekognition *rekognition, struct json body,
		  struct str description, struct arena *arena,
		  struct recognition *ret)
{
	static const struct match_vocabulary anything = { NULL, 0 };
	struct match_label labels[LIMIT_LABELS];
	struct match match;
	struct str version = json_string(json_member(body,
						     "LabelModelVersion"));

	ret->label_count = read_labels(body, arena, labels);
	for (size_t i = 0; i < ret->label_count; i++)
		ret->labels[i] = (struct image_label){
			labels[i].name, labels[i].confidence_permille };
	ret->model = is_name(version) ?
			     str_from(arena_printf(arena, "rekognition %.*s",
						   STR_ARG(version))) :
			     STR("rekognition");
	matcher_match(rekognition->matcher, description, labels,
		      ret->label_count, &anything, arena, &match);
	take_match(&match, ret);
}

/* For the operator: an upload that succeeds shall not hide a wrong key. */
static struct str cause_of(const struct error *failure,
			   const struct aws_answer *answer,
			   struct arena *arena)
{
	if (error_is_set(failure))
		return arena_str(arena, str_from(failure->cause));
	return str_from(arena_printf(
		arena, "rekognition DetectLabels: status %d, %.*s, request id "
		"%.*s", answer->status, STR_ARG(answer->error_code),
		STR_ARG(answer->request_id)));
}

static bool rekognition_recognize(struct image_recognizer *recognizer,
				  struct str image, struct str media_type,
				  struct str description, struct arena *arena,
				  struct recognition *ret, struct error *err)
{
	const struct rekognition *rekognition = rekognition_of(recognizer);
	const char *reason = refusal(rekognition, image);
	struct aws_answer answer;
	struct error failure;
	struct json body;

	(void)err;
	*ret = (struct recognition){ .model = STR("") };
	error_init(&failure);
	if (!reason && !ask(rekognition, image, media_type, arena, &answer,
			    &failure))
		reason = "service_failed";
	else if (!reason && answer.status != 200)
		reason = reason_of(&answer);
	else if (!reason && !read_answer(&answer, arena, &body))
		reason = "service_failed";
	if (reason)
		not_checked(reason, ret);
	if (reason && !strcmp(reason, "service_failed"))
		ret->cause = cause_of(&failure, &answer, arena);
	if (!reason)
		judge(rekognition, body, description, arena, ret);
	return true;
}

/* --- open, close --------------------------------------------------------- */

static void rekognition_close(struct image_recognizer *recognizer)
{
	struct rekognition *rekognition = rekognition_of(recognizer);

	if (rekognition->matcher)
		matcher_close(rekognition->matcher);
	if (rekognition->archive)
		rekognition->archive->ops->close(rekognition->archive);
	aws_client_close(rekognition->client);
	free(rekognition);
}

static const struct image_recognizer_ops rekognition_ops = {
	.name = "rekognition",
	.recognize = rekognition_recognize,
	.close = rekognition_close,
};

bool image_recognizer_rekognition_open(struct image_recognizer **ret,
				       const struct config *config,
				       struct error *err)
{
	struct rekognition *rekognition = calloc(1, sizeof(*rekognition));

	if (!rekognition)
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	rekognition->base.ops = &rekognition_ops;
	rekognition->min_confidence =
		config_int(config, "image_recognizer.min_confidence");
	rekognition->bucket = config_text(config, "object_archive.bucket");
	if (!aws_client_open(&rekognition->client, config, AWS_REKOGNITION,
			     err) ||
	    (!strcmp(config_text(config, "object_archive.adapter"), "s3") &&
	     !object_archive_open(&rekognition->archive, config, err))) {
		rekognition_close(&rekognition->base);
		return false;
	}
	rekognition->matcher = matcher_open(
		config_text(config, "image_recognizer.wordnet"));
	*ret = &rekognition->base;
	return true;
}
