/*
 * aws_driver.c: for tests: signs and sends what it is told, a JSON object a
 * line, and answers each in a line.
 *
 *	aws_driver sign				Authorization, or a query
 *	aws_driver time N			nanoseconds per signature
 *	aws_driver call CONFIG SERVICE		JSON: what aws_call says
 *	aws_driver recognize CONFIG		JSON: what the recogniser says
 */
#include <stdint.h>
#include <time.h>

#include "aws/aws_client.h"
#include "base/config.h"
#include "base/crypto.h"
#include "base/deadline.h"
#include "base/json.h"
#include "ports/image_recognizer.h"

#include "base/banned.h"

#define LINE_MAX_BYTES (16u * MIB)
#define HEADERS_MAX 64

static struct str text_of(struct json object, const char *name)
{
	return json_string(json_member(object, name));
}

static uint64_t number_of(struct json object, const char *name, uint64_t other)
{
	uint64_t number = other;

	(void)str_to_uint(json_literal(json_member(object, name)), INT64_MAX,
			  &number);
	return number;
}

static size_t headers_of(struct json object, struct aws_header *ret)
{
	struct json list = json_member(object, "headers");
	size_t count = json_count(list);

	for (size_t i = 0; i < count && i < HEADERS_MAX; i++) {
		struct json pair = json_element(list, i);

		ret[i] = (struct aws_header){
			json_string(json_element(pair, 0)),
			json_string(json_element(pair, 1)) };
	}
	return count;
}

/* --- signing ------------------------------------------------------------- */

static struct aws_signing_key key;

static void sign(struct json line, struct arena *arena)
{
	struct aws_header headers[HEADERS_MAX];
	uint64_t expires_s = number_of(line, "expires_s", 0);
	struct aws_sign_input in = {
		.credentials = { text_of(line, "key"), text_of(line, "secret"),
				 text_of(line, "token") },
		.region = text_of(line, "region"),
		.service = text_of(line, "service"),
		.time_ms = (int64_t)number_of(line, "time_ms", 0),
		.method = text_of(line, "method"),
		.path = text_of(line, "path"), .query = text_of(line, "query"),
		.headers = headers, .header_count = headers_of(line, headers),
		.payload_hash = text_of(line, "payload_hash"),
		.normalize_path = json_bool(json_member(line, "normalize")),
		.double_encode_path = json_bool(json_member(line, "double")),
		.key = &key,
	};
	struct buf out;

	buf_init(&out, arena, MIB);
	if (expires_s)
		aws_presign(&in, (unsigned)expires_s, arena, &out);
	else
		aws_sign(&in, arena, &out);
	printf("%.*s\n", STR_ARG(buf_str(&out)));
}

/* A PutItem of an order: the most usual request. */
static int time_signing(unsigned long count)
{
	CLEANUP(cleanup_arena) struct arena *arena = arena_new("time", MIB);
	char hash[SHA256_HEX + 1];
	struct timespec start, end;
	struct aws_header headers[] = {
		{ STR("Host"), STR("dynamodb.eu-central-1.amazonaws.com") },
		{ STR("Content-Type"), STR("application/x-amz-json-1.0") },
		{ STR("X-Amz-Target"), STR("DynamoDB_20120810.PutItem") },
		{ STR("X-Amz-Date"), STR("20261124T160000Z") },
		{ STR("X-Amz-Content-Sha256"), { hash, SHA256_HEX } },
	};
	struct aws_sign_input in = {
		.credentials = { STR("AKIDEXAMPLE"),
				 STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLE"),
				 { NULL, 0 } },
		.region = STR("eu-central-1"), .service = STR("dynamodb"),
		.time_ms = 1795536000000ll, .method = STR("POST"),
		.path = STR("/"), .headers = headers,
		.header_count = ARRAY_LEN(headers),
		.payload_hash = { hash, SHA256_HEX },
		.normalize_path = true, .double_encode_path = true,
		.key = &key,
	};
	char body[700];
	struct buf out;

	memset(body, 'x', sizeof(body));
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned long i = 0; i < count; i++) {
		sha256_hex((struct str){ body, sizeof(body) }, hash);
		buf_init(&out, arena, 4 * KIB);
		aws_sign(&in, arena, &out);
		arena_reset(arena);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%.0f\n", ((double)(end.tv_sec - start.tv_sec) * 1e9 +
			  (double)(end.tv_nsec - start.tv_nsec)) /
				 (double)count);
	return 0;
}

/* --- calling ------------------------------------------------------------- */

static struct aws_client *client;
static struct image_recognizer *recognizer;

static void print_texts(struct buf *out, const char *name, struct str text)
{
	buf_printf(out, ",\"%s\":", name);
	buf_add_json(out, utf8_valid(text) ? text : STR("(not UTF-8)"));
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

static void call(struct json line, struct arena *arena)
{
	struct aws_header headers[HEADERS_MAX];
	struct aws_request request = {
		.method = text_of(line, "method"),
		.path = text_of(line, "path"), .query = text_of(line, "query"),
		.headers = headers, .header_count = headers_of(line, headers),
		.body = text_of(line, "body"),
		.answer_max_bytes = number_of(line, "max_bytes", MIB),
	};
	uint64_t deadline_ms = number_of(line, "deadline_ms", 0);
	struct aws_answer answer = { .status = 0 };
	int64_t start_ms = monotonic_ms();
	struct error err;
	struct buf out;
	bool ok;

	error_init(&err);
	if (deadline_ms)
		deadline_set_in((int64_t)deadline_ms);
	ok = aws_call(client, &request, arena, &answer, &err);
	deadline_clear();
	buf_init(&out, arena, LINE_MAX_BYTES);
	buf_printf(&out, "{\"ok\":%s,\"status\":%d,\"ms\":%lld",
		   ok ? "true" : "false", answer.status,
		   (long long)(monotonic_ms() - start_ms));
	print_texts(&out, "error_code", answer.error_code);
	print_texts(&out, "request_id", answer.request_id);
	print_texts(&out, "body", answer.body);
	print_texts(&out, "problem",
		    ok ? STR("") : str_from(error_kind(err.code)->slug));
	print_texts(&out, "cause", str_from(ok ? "" : err.cause));
	printf("%s}\n", out.ptr);
}

static void recognize(struct json line, struct arena *arena)
{
	struct recognition seen = { .reason = "" };
	struct str photo = STR("");
	struct error err;
	struct buf out;
	bool ok;

	error_init(&err);
	(void)base64_decode(text_of(line, "photo"), arena, &photo);
	deadline_set_in((int64_t)number_of(line, "deadline_ms", 20000));
	ok = image_recognizer_recognize(recognizer, photo,
					text_of(line, "media_type"),
					text_of(line, "description"), arena,
					&seen, &err);
	deadline_clear();
	buf_init(&out, arena, LINE_MAX_BYTES);
	buf_printf(&out, "{\"ok\":%s,\"verdict\":\"%s\",\"confidence\":%d",
		   ok ? "true" : "false", verdict_name(seen.verdict),
		   seen.confidence_permille);
	print_texts(&out, "reason", str_from(seen.reason));
	print_texts(&out, "model", seen.model);
	print_texts(&out, "evidence", seen.evidence);
	buf_add_text(&out, ",\"labels\":[");
	for (size_t i = 0; i < seen.label_count; i++) {
		if (i > 0)
			buf_add_char(&out, ',');
		buf_add_json(&out, seen.labels[i].name);
	}
	printf("%s]}\n", out.ptr);
}

/* --- lines --------------------------------------------------------------- */

static int run(void (*take)(struct json, struct arena *))
{
	CLEANUP(cleanup_arena) struct arena *arena =
		arena_new("aws_driver", 128 * MIB);
	CLEANUP(cleanup_free) char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		struct str text = str_trim((struct str){ line, (size_t)len });
		struct error err;
		struct json object;

		error_init(&err);
		if (!json_parse(&object, text, arena, &err)) {
			fprintf(stderr, "aws_driver: %s\n", err.detail);
			return 2;
		}
		take(object, arena);
		fflush(stdout);
		arena_reset(arena);
	}
	return 0;
}

static bool find_service(const char *name, enum aws_service *ret)
{
	static const char *const names[] = {
		[AWS_DYNAMODB] = "dynamodb", [AWS_S3] = "s3",
		[AWS_SNS] = "sns", [AWS_REKOGNITION] = "rekognition",
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		*ret = (enum aws_service)i;
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

static int fail(const struct error *err)
{
	fprintf(stderr, "aws_driver: %s\n", error_reason(err));
	return 1;
}

static int run_call(const char *path, const char *name)
{
	struct config *config = NULL;
	enum aws_service service;
	struct error err;
	int status;

	error_init(&err);
	if (!find_service(name, &service) || !config_load(&config, path, &err) ||
	    !aws_client_open(&client, config, service, &err))
		return fail(&err);
	status = run(call);
	aws_client_close(client);
	config_free(config);
	return status;
}

static int run_recognize(const char *path)
{
	struct config *config = NULL;
	struct error err;
	int status;

	error_init(&err);
	if (!config_load(&config, path, &err) ||
	    !image_recognizer_open(&recognizer, config, &err))
		return fail(&err);
	status = run(recognize);
	recognizer->ops->close(recognizer);
	config_free(config);
	return status;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "sign"))
		return run(sign);
	if (argc == 3 && !strcmp(argv[1], "time"))
		return time_signing(strtoul(argv[2], NULL, 10));
	if (argc == 4 && !strcmp(argv[1], "call"))
		return run_call(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "recognize"))
		return run_recognize(argv[2]);
	fprintf(stderr, "aws_driver: see the head of its source\n");
	return 2;
}
