/*
 * http_client.c: one easy handle, kept; every limit set on every transfer.
 */
#include "http_client/http_client.h"

#include <curl/curl.h>

#include "base/banned.h"

#define UNWANTED_ANSWER_BYTES (64u * KIB)

struct http_client {
	CURL *curl;
};

struct answer_sink {
	struct buf *buf;
	size_t dropped_bytes;
};

static void cleanup_headers(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

bool http_client_open(struct http_client **ret, struct error *err)
{
	struct http_client *client = calloc(1, sizeof(*client));

	if (!client || curl_global_init(CURL_GLOBAL_DEFAULT) ||
	    !(client->curl = curl_easy_init())) {
		free(client);
		return error_cause(err, ERROR_UNAVAILABLE,
				   "libcurl could not be started");
	}
	*ret = client;
	return true;
}

void http_client_close(struct http_client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->curl);
	curl_global_cleanup();
	free(client);
}

/* A short count makes libcurl end the transfer. */
static size_t take_answer(char *ptr, size_t size, size_t count, void *arg)
{
	struct answer_sink *sink = arg;
	size_t bytes = size * count;

	if (!sink->buf) {
		sink->dropped_bytes += bytes;
		return sink->dropped_bytes > UNWANTED_ANSWER_BYTES ? 0 : bytes;
	}
	buf_add(sink->buf, ptr, bytes);
	return buf_ok(sink->buf) ? bytes : 0;
}

static bool make_headers(struct curl_slist **ret, const char *const *headers)
{
	/* libcurl would wait a second for "100 Continue" before a large
	 * body. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	for (; list && *headers; headers++) {
		struct curl_slist *longer = curl_slist_append(list, *headers);

		if (!longer) {
			curl_slist_free_all(list);
			return false;
		}
		list = longer;
	}
	*ret = list;
	return list;
}

static bool set_up(CURL *curl, const char *url, const char *protocols,
		   struct http_timeouts timeouts, struct answer_sink *sink)
{
	curl_easy_reset(curl);
	return !curl_easy_setopt(curl, CURLOPT_URL, url) &&
	       !curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols) &&
	       !curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) &&
	       !curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") &&
	       !curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
	       !curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) &&
	       !curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
				 (long)timeouts.connect_ms) &&
	       !curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
				 (long)timeouts.total_ms) &&
	       !curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer) &&
	       !curl_easy_setopt(curl, CURLOPT_WRITEDATA, sink);
}

static bool set_body(CURL *curl, struct curl_slist *headers, struct str body)
{
	/* The size first: COPYPOSTFIELDS is not used, the body stays ours. */
	return !curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)body.len) &&
	       !curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
				 body.len ? body.ptr : "") &&
	       !curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
}

static bool perform(CURL *curl, const char *method, const char *url,
		    int *ret_status, struct error *err)
{
	CURLcode result = curl_easy_perform(curl);
	long status;

	if (result != CURLE_OK)
		return error_cause(err, ERROR_UNAVAILABLE, "%s %s: %s", method,
				   url, curl_easy_strerror(result));
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	*ret_status = (int)status;
	return true;
}

bool http_client_post(struct http_client *client, const char *url,
		      const char *const *headers, struct str body,
		      struct http_timeouts timeouts, int *ret_status,
		      struct buf *answer, struct error *err)
{
	CLEANUP(cleanup_headers) struct curl_slist *list = NULL;
	struct answer_sink sink = { answer, 0 };

	if (!make_headers(&list, headers))
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	if (!set_up(client->curl, url, "http,https", timeouts, &sink) ||
	    !set_body(client->curl, list, body))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "libcurl refuses an option of a POST to %s",
				   url);
	return perform(client->curl, "POST", url, ret_status, err);
}

/* "::host:port": whatever the URL names. */
static bool set_door(CURL *curl, const struct http_door *door,
		     struct curl_slist **ret)
{
	char entry[300];

	if (door->ca_file[0] &&
	    curl_easy_setopt(curl, CURLOPT_CAINFO, door->ca_file))
		return false;
	if (!door->address[0])
		return true;
	snprintf(entry, sizeof(entry), "::%s", door->address);
	*ret = curl_slist_append(NULL, entry);
	return *ret && !curl_easy_setopt(curl, CURLOPT_CONNECT_TO, *ret);
}

bool http_client_get(struct http_client *client, const char *url,
		     const struct http_door *door,
		     struct http_timeouts timeouts, int *ret_status,
		     struct buf *answer, struct error *err)
{
	CLEANUP(cleanup_headers) struct curl_slist *list = NULL;
	struct answer_sink sink = { answer, 0 };

	if (!set_up(client->curl, url, "https", timeouts, &sink) ||
	    !set_door(client->curl, door, &list))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "libcurl refuses an option of a GET of %s",
				   url);
	return perform(client->curl, "GET", url, ret_status, err);
}
