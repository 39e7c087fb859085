/*
 * objects_test.c: does objects hand on exactly the objects whose link is good,
 * with headers that say what they are?
 */
#include "../contract/archives.h"

#include "aws/aws_sigv4.h"
#include "http/operation.h"

#include "base/banned.h"

#define HOST "127.0.0.1:8080"

static struct ports ports;
static struct response res;

static bool ask(struct place *place, const char *key, const char *query,
		const char *host, int64_t now_ms)
{
	struct request req = {
		.arena = place->arena, .method = HTTP_GET,
		.route = &operation.routes[0], .query = str_from(query),
		.rest = str_from(key), .host = str_from(host),
		.now_ms = now_ms,
	};

	ports.archive = place->archive;
	error_init(&place->err);
	response_init(&res, place->arena);
	return operation.handle(&ports, &req, &res, &place->err);
}

static const char *link_of(struct place *place, const char *key,
			   const char *name)
{
	struct buf url;
	int64_t expires_ms;

	buf_init(&url, place->arena, 4 * KIB);
	assert_ok(place, object_archive_presign(place->archive, str_from(key),
						str_from(name), NOW, 600, &url,
						&expires_ms, &place->err));
	return strchr(url.ptr, '?') + 1;
}

static void assert_header(const char *line)
{
	char *all = arena_printf(res.headers.arena, "\r\n%.*s",
				 STR_ARG(buf_str(&res.headers)));

	if (!strstr(all, arena_printf(res.headers.arena, "\r\n%s\r\n", line)))
		fail_msg("no \"%s\" in%s", line, all);
}

static void a_good_link_is_handed_on(void **state)
{
	struct place *place = *state;
	const char *query = link_of(place, "images/a.png", NULL);

	assert_ok(place, ask(place, "images/a.png", query, HOST, NOW + 1000));
	assert_int_equal(res.status, 200);
	assert_string_equal(res.content_type, "image/png");
	assert_int_equal(res.body.len, 0);
	assert_header("X-Accel-Redirect: /_objects/images/a.png");
	assert_header("Cache-Control: private, max-age=599");
	assert_null(strstr(res.headers.ptr, "Content-Disposition"));
}

static void the_type_comes_of_the_keys_end(void **state)
{
	static const char *const types[][2] = {
		{ "a/b.json", "application/json" },
		{ "a.pdf", "application/pdf" }, { "a.jpg", "image/jpeg" },
		{ "a.png", "image/png" }, { "a.webp", "image/webp" },
		{ "a.html", "application/octet-stream" },
		{ "a.svg", "application/octet-stream" },
		{ "a.PNG", "application/octet-stream" },
		{ "png", "application/octet-stream" },
		{ "a.png.html", "application/octet-stream" },
	};
	struct place *place = *state;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const char *key = types[i][0];

		assert_ok(place, ask(place, key, link_of(place, key, NULL),
				     HOST, NOW));
		assert_string_equal(res.content_type, types[i][1]);
	}
}

static void a_named_link_is_a_download(void **state)
{
	struct place *place = *state;

	assert_ok(place, ask(place, "r.pdf", link_of(place, "r.pdf",
						     "Orders 2026.pdf"),
			     HOST, NOW));
	assert_header("Content-Disposition: attachment; "
		      "filename=\"Orders 2026.pdf\"");
	/* Whatever the name, presign makes one that is taken. */
	assert_ok(place, ask(place, "r.pdf", link_of(place, "r.pdf",
						     "\"\r\n\xe4\xb8\xad;.pdf"),
			     HOST, NOW));
	assert_header("Content-Disposition: attachment; filename=\"_.pdf\"");
}

static void every_other_request_is_403(void **state)
{
	struct place *place = *state;
	const char *query = link_of(place, "images/a.png", NULL);
	const struct {
		const char *key, *query, *host;
		int64_t now_ms;
	} cases[] = {
		{ "images/a.png", "", HOST, NOW },
		{ "images/b.png", query, HOST, NOW },
		{ "images/../images/a.png", query, HOST, NOW },
		{ "/images/a.png", query, HOST, NOW },
		{ "../secrets/objects.key", query, HOST, NOW },
		{ "", query, HOST, NOW },
		{ "images/a.png", query, "localhost:8080", NOW },
		{ "images/a.png", query, "", NOW },
		{ "images/a.png", query, HOST, NOW + 600000 },
		{ "images/a.png", query, HOST, NOW - 1000000 },
		{ "images/a.png", query + 1, HOST, NOW },
		{ "images/a.png", arena_printf(place->arena, "%s&a=b", query),
		  HOST, NOW },
		{ "images/a.png", arena_printf(place->arena,
			"%s&response-content-disposition=inline", query),
		  HOST, NOW },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_refused(place, ERROR_BAD_LINK,
			       ask(place, cases[i].key, cases[i].query,
				   cases[i].host, cases[i].now_ms));
		assert_int_equal(error_kind(place->err.code)->status, 403);
		assert_int_equal(res.headers.len, 0);
	}
}

/* --- links that somebody with the key made ------------------------------- */

static const char *sign(struct place *place, const char *key,
			const char *query)
{
	CLEANUP(cleanup_free) char *secret = NULL;
	struct aws_header host = { STR("host"), STR(HOST) };
	struct buf to;

	assert_ok(place, config_secret(place->config,
				       "object_archive.secret_key_file",
				       &secret, &place->err));
	struct aws_sign_input in = {
		.credentials = { STR("ordermill"), str_from(secret),
				 { NULL, 0 } },
		.region = STR("local"), .service = STR("s3"), .time_ms = NOW,
		.method = STR("GET"),
		.path = str_from(arena_printf(place->arena, "/objects/%s",
					      key)),
		.query = str_from(query), .headers = &host, .header_count = 1,
		.payload_hash = STR("UNSIGNED-PAYLOAD"),
	};
	buf_init(&to, place->arena, 8 * KIB);
	aws_presign(&in, 600, place->arena, &to);
	return to.ptr;
}

static void a_signed_disposition_has_one_of_three_forms(void **state)
{
	static const char *const good[] = {
		"inline", "attachment", "attachment%3B%20filename%3D%22a%22",
	};
	static const char *const bad[] = {
		"", "form-data", "inline%0d%0aX-Evil:1", "inline%3B%20x",
		"attachment%3B%20filename%3Da",
		"attachment%3B%20filename%3D%22%22",
		"attachment%3B%20filename%3D%22a%22b%22",
		"attachment%3B%20filename%3D%22a%5C%22",
		"attachment%3B%20filename%3D%22a/b%22",
		"attachment%3B%20filename%3D%22a%0d%0a%22",
		"attachment%3B%20filename%3D%22%c3%a9%22",
		"attachment%3B%20filename%3D%22",
		"attachment%3B%20filename%3D%22aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaa%22",
	};
	const char *start = "response-content-disposition";
	struct place *place = *state;

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_ok(place, ask(place, "a", sign(place, "a", arena_printf(
			place->arena, "%s=%s", start, good[i])), HOST, NOW));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_refused(place, ERROR_BAD_PARAMETER,
			       ask(place, "a", sign(place, "a", arena_printf(
				       place->arena, "%s=%s", start, bad[i])),
				   HOST, NOW));
		assert_null(strstr(res.headers.ptr, "X-Evil"));
	}
	assert_refused(place, ERROR_BAD_PARAMETER,
		       ask(place, "a", sign(place, "a", arena_printf(
			       place->arena, "%s=inline&%s=inline", start,
			       start)), HOST, NOW));
}

static void a_signed_path_that_is_no_key_is_not_found(void **state)
{
	static const char *const keys[] = {
		"../state.db", "a//b", ".incoming/x", "a b", "",
	};
	struct place *place = *state;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_refused(place, ERROR_NOT_FOUND,
			       ask(place, keys[i], sign(place, keys[i], ""),
				   HOST, NOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		place_test(a_good_link_is_handed_on),
		place_test(the_type_comes_of_the_keys_end),
		place_test(a_named_link_is_a_download),
		place_test(every_other_request_is_403),
		place_test(a_signed_disposition_has_one_of_three_forms),
		place_test(a_signed_path_that_is_no_key_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
