/*
 * directory_links.c: links in SigV4's query form, signed and verified with a
 * key of this desk.
 */
#include "adapters/directory.h"

#include "base/crypto.h"
#include "base/secret_file.h"
#include "order/text.h"

#include "base/banned.h"

#define LINK_MAX_S 604800u

/* Signed is the path that nginx hands on, whatever a proxy before it strips. */
bool directory_links_sign(const struct directory_links *links, struct str key,
			  struct str filename, int64_t now_ms,
			  unsigned valid_s, struct buf *ret_url,
			  int64_t *ret_expires_ms, struct error *err)
{
	struct aws_header host = { STR("host"), links->host };
	struct buf query;

	buf_init(&query, ret_url->arena, 4 * KIB);
	if (filename.len)
		object_add_disposition(&query, filename);
	struct aws_sign_input in = {
		.credentials = links->credentials,
		.region = links->region, .service = STR("s3"),
		.time_ms = now_ms, .method = STR("GET"),
		.path = str_from(arena_printf(ret_url->arena, "/objects/%.*s",
					      STR_ARG(key))),
		.query = buf_str(&query), .headers = &host, .header_count = 1,
		.payload_hash = STR("UNSIGNED-PAYLOAD"),
	};

	if (valid_s == 0 || valid_s > LINK_MAX_S)
		valid_s = LINK_MAX_S;
	buf_printf(ret_url, "%s%.*s?", links->site_url, STR_ARG(in.path));
	aws_presign(&in, valid_s, ret_url->arena, ret_url);
	if (!buf_ok(ret_url))
		return error_cause(err, ERROR_INTERNAL,
				   "a link's buffer is too small");
	/* The signature counts whole seconds. */
	*ret_expires_ms = (now_ms / 1000 + valid_s) * 1000;
	return true;
}

bool directory_links_verify(const struct directory_links *links,
			    struct str path, struct str query, struct str host,
			    int64_t now_ms, struct arena *arena,
			    int64_t *ret_expires_ms, struct error *err)
{
	return aws_verify_presigned(&links->credentials, links->region,
				    STR("s3"), STR("GET"), path, query,
				    text_lower(host, arena), now_ms, arena,
				    ret_expires_ms, err);
}

static bool open_credentials(struct directory_links *links,
			     const struct config *config, struct error *err)
{
	uint8_t random[32];
	CLEANUP(cleanup_arena) struct arena *arena =
		arena_new("object archive key", 4 * KIB);
	struct buf line;

	random_bytes(random, sizeof(random));
	buf_init(&line, arena, KIB);
	buf_add_base64url(&line, (struct str){ (char *)random,
					       sizeof(random) });
	if (!secret_file_ensure(config_text(config,
					    "object_archive.secret_key_file"),
				buf_str(&line), err) ||
	    !config_secret(config, "object_archive.secret_key_file",
			   &links->secret_text, err))
		return false;
	links->credentials = (struct aws_credentials){
		.access_key_id = str_from(config_text(
			config, "object_archive.access_key_id")),
		.secret_access_key = str_from(links->secret_text),
	};
	links->region = str_from(config_text(config,
						 "object_archive.region"));
	return true;
}

/* RFC 9110, 4.2.3: the scheme's own port is left out, case does not count. */
static bool take_host(struct directory_links *links, struct error *err)
{
	struct str url = str_from(links->site_url);
	bool https = str_starts(url, STR("https://"));
	struct str port = https ? STR(":443") : STR(":80");
	size_t scheme = https ? 8 : 7;
	struct str rest, host;

	if (!https && !str_starts(url, STR("http://")))
		return error_cause(err, ERROR_INTERNAL,
				   "site.url: is not an http or https URL");
	rest = (struct str){ url.ptr + scheme, url.len - scheme };
	if (!str_next(&rest, '/', &host))
		host = STR("");
	if (host.len > port.len &&
	    !memcmp(host.ptr + host.len - port.len, port.ptr, port.len))
		host.len -= port.len;
	links->host_text = strndup(host.ptr, host.len);
	if (!links->host_text)
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	for (char *c = links->host_text; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 'a' - 'A');
	links->host = str_from(links->host_text);
	return true;
}

bool directory_links_open(struct directory_links *links,
			  const struct config *config, struct error *err)
{
	links->site_url = config_text(config, "site.url");
	return take_host(links, err) && open_credentials(links, config, err);
}

void directory_links_close(struct directory_links *links)
{
	if (links->secret_text)
		explicit_bzero(links->secret_text, strlen(links->secret_text));
	free(links->secret_text);
	free(links->host_text);
}
