/*
 * aws_signed.c: URL and headers of a call.
 */
#include "aws/aws_signed.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/banned.h"

#define URL_MAX_BYTES (16u * KIB)
#define AUTHORIZATION_MAX_BYTES (4u * KIB)
#define OWN_HEADERS 4u		/* host, date, digest, token */

static struct str url_of(const struct aws_signer *signer, struct str path,
			 struct str query, struct arena *arena)
{
	struct buf url;

	buf_init(&url, arena, URL_MAX_BYTES);
	buf_add_str(&url, signer->endpoint.url);
	buf_add_uri(&url, path, true);
	if (query.len) {
		buf_add_char(&url, '?');
		buf_add_str(&url, query);
	}
	return buf_str(&url);
}

static struct str digest_of(struct str body, struct arena *arena)
{
	char *hex = arena_alloc(arena, SHA256_HEX + 1);

	sha256_hex(body.ptr ? body : STR(""), hex);
	return (struct str){ hex, SHA256_HEX };
}

static struct str joined(struct str a, const char *between, struct str b,
			 struct arena *arena)
{
	size_t middle = strlen(between), len = a.len + middle + b.len;
	char *text = arena_alloc(arena, len + 1);

	if (a.len)
		memcpy(text, a.ptr, a.len);
	memcpy(text + a.len, between, middle);
	if (b.len)
		memcpy(text + a.len + middle, b.ptr, b.len);
	text[len] = '\0';
	return (struct str){ text, len };
}

/* libcurl leaves a header without a value out unless it ends in ';'. */
static const char *header_line(struct aws_header header, struct arena *arena)
{
	return joined(header.name, header.value.len ? ": " : ";", header.value,
		      arena).ptr;
}

void aws_signed_request(const struct aws_signer *signer,
			const struct aws_credentials *credentials,
			const struct aws_request *request, int64_t time_ms,
			struct arena *arena, struct http_client_request *ret)
{
	size_t count = request->header_count;
	struct aws_header *headers =
		arena_alloc(arena, (count + OWN_HEADERS) * sizeof(*headers));
	const char **lines =
		arena_alloc(arena, (count + OWN_HEADERS + 2) * sizeof(*lines));
	struct str path = joined(signer->endpoint.path, "", request->path,
				 arena);
	struct aws_sign_input in = {
		.credentials = *credentials,
		.region = signer->endpoint.region, .service = signer->service,
		.time_ms = time_ms, .method = request->method, .path = path,
		.query = request->query, .headers = headers,
		.payload_hash = digest_of(request->body, arena),
		.normalize_path = !signer->is_s3,
		.double_encode_path = !signer->is_s3,
		.key = signer->key,
	};
	char date[AWS_AMZ_DATE_BYTES];
	struct buf authorization;

	aws_amz_date(time_ms, date);
	if (count)
		memcpy(headers, request->headers, count * sizeof(*headers));
	headers[count++] = (struct aws_header){ STR("Host"),
						signer->endpoint.host };
	headers[count++] = (struct aws_header){ STR("X-Amz-Date"),
						str_from(date) };
	if (signer->sends_digest)
		headers[count++] = (struct aws_header){
			STR("X-Amz-Content-Sha256"), in.payload_hash };
	if (credentials->session_token.ptr)
		headers[count++] = (struct aws_header){
			STR("X-Amz-Security-Token"),
			credentials->session_token };
	in.header_count = count;
	buf_init(&authorization, arena, AUTHORIZATION_MAX_BYTES);
	aws_sign(&in, arena, &authorization);
	for (size_t i = 0; i < count; i++)
		lines[i] = header_line(headers[i], arena);
	lines[count++] = header_line(
		(struct aws_header){ STR("Authorization"),
				     buf_str(&authorization) }, arena);
	lines[count] = NULL;
	*ret = (struct http_client_request){
		.method = arena_text(arena, request->method),
		.url = url_of(signer, path, request->query, arena).ptr,
		.headers = lines,
		.body = request->body,
	};
}

struct str aws_action_name(const struct aws_request *request,
			   struct arena *arena)
{
	struct str body = request->body, target, part;

	/* "DynamoDB_20120810.PutItem" */
	for (size_t i = 0; i < request->header_count; i++) {
		target = request->headers[i].value;
		if (str_eq_ignore_case(request->headers[i].name,
				       STR("X-Amz-Target")) &&
		    str_next(&target, '.', &part) && target.len)
			return target;
	}
	if (str_starts(body, STR("Action="))) {
		str_next(&body, '&', &part);
		return (struct str){ part.ptr + 7, part.len - 7 };
	}
	return str_from(arena_printf(arena, "%.*s %.*s",
				     STR_ARG(request->method),
				     STR_ARG(request->path)));
}
