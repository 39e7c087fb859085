/*
 * url.c: where a URL leads.
 */
#include "base/url.h"

#include "base/banned.h"

/* Host and port of plain http; absent of anything else. */
static struct str http_authority(struct str url)
{
	struct str scheme = STR("http://"), authority;

	if (!str_starts(url, scheme))
		return (struct str){ NULL, 0 };
	url = (struct str){ url.ptr + scheme.len, url.len - scheme.len };
	return str_next(&url, '/', &authority) ? authority :
						 (struct str){ NULL, 0 };
}

static bool consists_of(struct str text, const char *characters)
{
	for (size_t i = 0; i < text.len; i++)
		if (!text.ptr[i] || !strchr(characters, text.ptr[i]))
			return false;
	return true;
}

/* So that "http://localhost:80@example.org" is not localhost. */
static bool is_port(struct str text)
{
	return !text.len ||
	       (text.ptr[0] == ':' &&
		consists_of((struct str){ text.ptr + 1, text.len - 1 },
			    "0123456789"));
}

bool url_is_http_to(struct str url, const char *host)
{
	struct str authority = http_authority(url), known = str_from(host);

	return str_starts(authority, known) &&
	       is_port((struct str){ authority.ptr + known.len,
				     authority.len - known.len });
}

bool url_is_http_to_here(struct str url)
{
	struct str authority = http_authority(url);

	return (str_starts(authority, STR("127.")) &&
		consists_of(authority, "0123456789.:")) ||
	       url_is_http_to(url, "localhost") ||
	       url_is_http_to(url, "[::1]");
}
