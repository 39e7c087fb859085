/*
 * request.c: from FastCGI parameters to a request that a handler can trust.
 */
#include "http/request.h"

#include <stdio.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "base/pattern.h"
#include "http/operation.h"
#include "base/banned.h"

static const struct {
	const char *name;
	enum http_method method;
} methods[] = {
	{ "GET", HTTP_GET },	 { "HEAD", HTTP_HEAD },
	{ "POST", HTTP_POST },	 { "PUT", HTTP_PUT },
	{ "PATCH", HTTP_PATCH }, { "DELETE", HTTP_DELETE },
	{ "OPTIONS", HTTP_OPTIONS },
};

static bool is_token_text(struct str text, size_t max)
{
	if (text.len == 0 || text.len > max)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		      (c >= 'a' && c <= 'z') || c == '-' || c == '_' ||
		      c == '.'))
			return false;
	}
	return true;
}

/* https://www.w3.org/TR/trace-context/#traceparent-header */
static void trace_begin(struct request *req, struct str given)
{
	uint8_t random[24];
	char *to = req->traceparent;

	random_bytes(random, sizeof(random));
	/* 00-<trace id>-<span id>-<flags> */
	if (given.ptr && pattern_matches(PATTERN_TRACEPARENT, given)) {
		memcpy(to, given.ptr, TRACEPARENT_BYTES - 1);
	} else {
		memcpy(to, "00-", 3);
		hex_encode(random, 16, to + 3);
		memcpy(to + 52, "-01", 3);
	}
	memcpy(req->trace_id, to + 3, 32);
	to[35] = '-';
	hex_encode(random + 16, 8, to + 36);
	to[52] = '-';
	to[TRACEPARENT_BYTES - 1] = '\0';
}

void request_begin(struct request *req, const struct cgi *cgi,
		   struct arena *arena, int64_t now_ms)
{
	*req = (struct request){ .arena = arena, .now_ms = now_ms,
				 .caller = "" };
	if (is_token_text(cgi->request_id, sizeof(req->request_id) - 1)) {
		memcpy(req->request_id, cgi->request_id.ptr,
		       cgi->request_id.len);
		req->request_id[cgi->request_id.len] = '\0';
	} else {
		uuid7(now_ms, req->request_id);
	}
	trace_begin(req, cgi->traceparent);

	struct str rest = cgi->uri;
	if (!str_next(&rest, '?', &req->path))
		req->path = STR("");
	req->query = rest.ptr ? rest : STR("");
	req->host = cgi->host;
}

/* Matches "/api/orders/{id}" and "/objects/{key}"; the latter takes all that
 * follows. */
static bool route_matches(const char *pattern, struct request *req,
			  struct str *ret_key)
{
	struct str path = req->path;
	const char *brace = strchr(pattern, '{');
	size_t fixed = brace ? (size_t)(brace - pattern) : strlen(pattern);

	*ret_key = (struct str){ 0 };
	if (path.len < fixed || memcmp(path.ptr, pattern, fixed))
		return false;
	path.ptr += fixed;
	path.len -= fixed;
	if (!brace)
		return path.len == 0;
	if (!strcmp(brace, "{key}")) {
		*ret_key = path;
		return path.len > 0;
	}
	if (!uuid_is_valid(path))
		return false;
	req->id = arena_text(req->arena, path);
	return true;
}

static bool percent_decode(struct str from, struct arena *arena,
			   struct str *ret)
{
	char *to = arena_alloc(arena, from.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < from.len; i++) {
		uint8_t byte = (uint8_t)from.ptr[i];

		if (byte == '%') {
			if (from.len - i < 3 ||
			    !hex_decode((struct str){ from.ptr + i + 1, 2 },
					&byte, 1))
				return false;
			i += 2;
		}
		to[len++] = (char)byte;
	}
	*ret = (struct str){ to, len };
	return true;
}

static bool find_route(struct request *req, const struct operation *op,
		       enum http_method method, struct error *err)
{
	const struct route *same_path = NULL;
	struct str key;

	for (size_t i = 0; i < OPERATION_MAX_ROUTES; i++) {
		const struct route *route = &op->routes[i];

		if (!route->path || !route_matches(route->path, req, &key))
			continue;
		same_path = route;
		if (!(route->methods & method))
			continue;
		req->route = route;
		if (key.ptr && !percent_decode(key, req->arena, &req->rest))
			return error_set(err, ERROR_BAD_REQUEST,
					 "The path has a bad percent-escape.");
		return true;
	}
	if (!same_path)
		return error_set(err, ERROR_NOT_FOUND,
				 "There is nothing at this path.");
	req->route = same_path;
	return error_set(err, ERROR_METHOD_NOT_ALLOWED, "Allowed here: %s.",
			 same_path->allow);
}

static struct str media_type_of(struct str value)
{
	struct str type = { 0 };

	if (!str_next(&value, ';', &type))
		return STR("");
	return str_trim(type);
}

bool request_has_type(const struct request *req, const char *type)
{
	return str_eq_ignore_case(media_type_of(req->content_type),
				  str_from(type));
}

/* charset, where given, must be UTF-8: nothing here is read as anything
 * else. */
static bool charset_is_utf8(struct str content_type)
{
	struct str part;

	while (str_next(&content_type, ';', &part)) {
		part = str_trim(part);
		if (part.len > 8 &&
		    str_eq_ignore_case((struct str){ part.ptr, 8 },
				       STR("charset="))) {
			struct str set = { part.ptr + 8, part.len - 8 };

			if (!str_eq_ignore_case(set, STR("utf-8")) &&
			    !str_eq_ignore_case(set, STR("\"utf-8\"")))
				return false;
		}
	}
	return true;
}

static bool check_body(struct request *req, const struct cgi *cgi,
		       size_t max_body_bytes, struct error *err)
{
	uint64_t length = 0;
	const char *accepts = req->route->accepts;

	req->body = STR("");
	if (!accepts)
		return true;
	if (cgi->content_length.len > 0 &&
	    !str_to_uint(cgi->content_length, SIZE_MAX / 2, &length))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Content-Length is not a number.");
	if (length > max_body_bytes)
		return error_set(err, ERROR_TOO_LARGE,
				 "At most %zu bytes are taken here.",
				 max_body_bytes);
	if (cgi->body_is_short)
		return error_set(err, ERROR_BAD_REQUEST,
				 "The body ended before Content-Length.");
	if (!req->route->body_is_optional && cgi->content_length.len == 0)
		return error_set(err, ERROR_LENGTH_REQUIRED, "");
	if (cgi->body.ptr)
		req->body = cgi->body;
	req->content_type = cgi->content_type;
	if (length == 0 && req->route->body_is_optional)
		return true;

	struct str rest = str_from(accepts), one;
	while (str_next(&rest, ',', &one)) {
		one = str_trim(one);
		if (str_is(one, "*/*") ||
		    (str_eq_ignore_case(one,
					media_type_of(cgi->content_type)) &&
		     charset_is_utf8(cgi->content_type)))
			return true;
	}
	return error_set(err, ERROR_UNSUPPORTED_TYPE, "Send one of: %s.",
			 accepts);
}

/* RFC 9110, 12.4.2: 0 to 1000; "q" absent is 1. */
static unsigned quality_of(struct str parameters)
{
	struct str part;

	while (str_next(&parameters, ';', &part)) {
		part = str_trim(part);
		if (part.len < 3 || (part.ptr[0] | 0x20) != 'q' ||
		    part.ptr[1] != '=')
			continue;
		unsigned value = part.ptr[2] == '1' ? 1000 : 0;
		unsigned digit = 100;

		for (size_t i = 4; i < part.len && i < 7; i++, digit /= 10)
			if (part.ptr[i] >= '0' && part.ptr[i] <= '9')
				value += digit * (unsigned)(part.ptr[i] - '0');
		return value > 1000 ? 1000 : value;
	}
	return 1000;
}

/* How much the Accept header wants this type: the most specific range
 * counts. */
static unsigned wanted(struct str accept, struct str type)
{
	unsigned best = 0, best_rank = 0;
	struct str range;

	while (str_next(&accept, ',', &range)) {
		struct str rest = range, name;

		if (!str_next(&rest, ';', &name))
			continue;
		name = str_trim(name);
		unsigned rank = 0;

		if (str_is(name, "*/*"))
			rank = 1;
		else if (name.len > 2 && name.ptr[name.len - 1] == '*' &&
			 type.len >= name.len - 1 &&
			 str_eq_ignore_case(
				 (struct str){ type.ptr, name.len - 1 },
				 (struct str){ name.ptr, name.len - 1 }))
			rank = 2;
		else if (str_eq_ignore_case(name, type))
			rank = 3;
		if (rank > best_rank) {
			best_rank = rank;
			best = quality_of(rest);
		}
	}
	return best;
}

static bool agree_on_type(struct request *req, struct str accept,
			  struct error *err)
{
	const char *offers = req->route->offers ? req->route->offers :
						  "application/json";
	struct str rest = str_from(offers), one;
	unsigned best = 0;

	if (!strcmp(offers, "*")) {
		req->accept = "application/json";
		return true;
	}
	if (!strchr(offers, ',') &&
	    (accept.len == 0 || str_is(accept, "*/*"))) {
		req->accept = offers;
		return true;
	}
	while (str_next(&rest, ',', &one)) {
		one = str_trim(one);
		unsigned q = accept.len == 0 ? 1 : wanted(accept, one);

		if (q > best) {
			best = q;
			req->accept = arena_text(req->arena, one);
		}
	}
	if (best == 0)
		return error_set(err, ERROR_NOT_ACCEPTABLE,
				 "This can be had as: %s.", offers);
	return true;
}

static struct str without_leading(struct str text, const char *characters)
{
	while (text.len > 0 && strchr(characters, text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	return text;
}

/* RFC 9110, 8.8.3: no quote, no space, no control character. */
static bool is_opaque_tag(struct str tag)
{
	for (size_t i = 0; i < tag.len; i++)
		if ((unsigned char)tag.ptr[i] <= ' ' || tag.ptr[i] == 0x7f)
			return false;
	return true;
}

/* Takes the next off a list of entity tags, which may have empty members (RFC
 * 9110, 5.6.1). False at the end, and where the list is malformed. */
static bool next_etag(struct str *rest, struct str *tag, bool *weak)
{
	const char *end;

	*rest = without_leading(*rest, ", \t");
	*weak = str_starts(*rest, STR("W/"));
	if (*weak) {
		rest->ptr += 2;
		rest->len -= 2;
	}
	if (rest->len < 2 || rest->ptr[0] != '"')
		return false;
	end = memchr(rest->ptr + 1, '"', rest->len - 1);
	if (!end)
		return false;
	*tag = (struct str){ rest->ptr, (size_t)(end - rest->ptr) + 1 };
	rest->len -= tag->len;
	rest->ptr = end + 1;
	*rest = without_leading(*rest, " \t");
	return is_opaque_tag(*tag) && (rest->len == 0 || rest->ptr[0] == ',');
}

static bool etag_list_is_valid(struct str list)
{
	struct str rest = without_leading(list, ", \t"), tag;
	bool weak;

	if (str_is(str_trim(list), "*"))
		return true;
	if (rest.len == 0)
		return false;
	while (rest.len > 0) {
		if (!next_etag(&rest, &tag, &weak))
			return false;
		rest = without_leading(rest, ", \t");
	}
	return true;
}

bool request_if_match(const struct request *req, int64_t version, bool required,
		      struct error *err)
{
	struct str rest = str_trim(req->if_match), tag;
	char expected[32];
	bool weak;

	if (!req->if_match.ptr)
		return required ? error_set(err, ERROR_PRECONDITION_REQUIRED, "") :
				  true;
	if (str_is(rest, "*"))
		return true;
	snprintf(expected, sizeof(expected), "\"%lld", (long long)version);
	size_t len = strlen(expected);

	/* `"3"`, or `"3.<period>"` as get_order_by_id gives for an order with a
	 * photo, whose link changes with time and is no part of the order */
	while (next_etag(&rest, &tag, &weak))
		if (!weak && tag.len > len && !memcmp(tag.ptr, expected, len) &&
		    (tag.ptr[len] == '"' || tag.ptr[len] == '.'))
			return true;
	snprintf(err->etag, sizeof(err->etag), "%s\"", expected);
	return error_set(err, ERROR_CHANGED, "");
}

bool request_if_none_match(const struct request *req, const char *etag)
{
	struct str rest = str_trim(req->if_none_match), tag;
	bool weak;

	if (!req->if_none_match.ptr)
		return false;
	if (str_is(rest, "*"))
		return true;
	while (next_etag(&rest, &tag, &weak))
		if (str_is(tag, etag))
			return true;
	return false;
}

/* draft-ietf-httpapi-idempotency-key-header: a quoted string; bare taken too. */
static bool read_idempotency_key(struct request *req, struct str given,
				 struct error *err)
{
	struct str key = str_trim(given);

	if (key.len >= 2 && key.ptr[0] == '"' && key.ptr[key.len - 1] == '"')
		key = (struct str){ key.ptr + 1, key.len - 2 };
	if (key.len == 0 || key.len > LIMIT_IDEMPOTENCY_KEY_BYTES)
		return error_set(err, ERROR_BAD_REQUEST,
				 "Idempotency-Key takes 1 to %u characters.",
				 LIMIT_IDEMPOTENCY_KEY_BYTES);
	for (size_t i = 0; i < key.len; i++)
		if (key.ptr[i] < 0x21 || key.ptr[i] > 0x7e ||
		    key.ptr[i] == '"' || key.ptr[i] == '\\')
			return error_set(err, ERROR_BAD_REQUEST,
					 "Idempotency-Key takes visible ASCII characters without quotes and backslashes.");

	req->idempotency.key = key;
	req->idempotency.now_ms = req->now_ms;
	sha256(req->body, req->idempotency.body_digest);
	return true;
}

/* Who asked for what under which key; needs the caller, so after access. */
static void scope_idempotency(struct request *req, const char *method)
{
	char *scope = arena_printf(req->arena, "%s\n%s\n%.*s\n%.*s",
				   req->caller, method, STR_ARG(req->path),
				   STR_ARG(req->idempotency.key));

	sha256(str_from(scope), req->idempotency.scope);
}

bool request_read(struct request *req, const struct cgi *cgi,
		  const struct operation *op, struct error *err)
{
	const char *name = NULL;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_is(cgi->method, methods[i].name)) {
			req->method = methods[i].method;
			name = methods[i].name;
		}
	req->head_only = req->method == HTTP_HEAD;
	if (req->head_only)
		req->method = HTTP_GET;
	if (!find_route(req, op, req->method, err))
		return false;
	if (req->query.len > LIMIT_QUERY_BYTES)
		return error_set(err, ERROR_URI_TOO_LONG,
				 "A query takes at most %u bytes.",
				 LIMIT_QUERY_BYTES);
	if (req->route->scope && !access_check(req, cgi->authorization,
					       req->route->scope, err))
		return false;
	if (!agree_on_type(req, cgi->accept, err))
		return false;
	if (!check_body(req, cgi, op->max_body_bytes, err))
		return false;
	if (cgi->if_match.ptr && !etag_list_is_valid(cgi->if_match))
		return error_set(err, ERROR_BAD_REQUEST,
				 "If-Match takes \"*\" or quoted ETags.");
	req->if_match = cgi->if_match;
	req->if_none_match = cgi->if_none_match;
	if (op->takes_idempotency_key && cgi->idempotency_key.ptr) {
		if (!read_idempotency_key(req, cgi->idempotency_key, err))
			return false;
		scope_idempotency(req, name);
	}
	return true;
}
