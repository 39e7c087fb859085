/*
 * http_client.c: one multi handle that keeps the connections, and an easy
 * handle for each request that runs at the same time; every limit set on every
 * transfer.
 */
#include "http_client/http_client.h"

#include <pthread.h>
#include <strings.h>

#include "base/deadline.h"
#include "http_client/http_wire.h"
#include "base/banned.h"

#define UNWANTED_ANSWER_BYTES (64u * KIB)
#define POLL_MS 1000

struct transfer {
	CURL *curl;
	struct curl_slist *headers, *connect_to;
	struct buf *head;		/* NULL: not wanted */
	struct buf *body;		/* NULL: not wanted */
	size_t head_bytes, dropped_bytes;
	const char *refusal;
	struct http_client_answer *answer;
};

struct http_client {
	CURLM *multi;
	unsigned owner;			/* the `process` of that time */
	struct transfer transfers[HTTP_CLIENT_PARALLEL];
	struct http_wire wire;
};

/* Counts the forks that lead to this process: to ask getpid(2) at each call
 * would cost a system call. */
static unsigned process;

static void count_fork(void)
{
	process++;
}

static bool watch_forks(void)
{
	static bool watching;

	if (!watching)
		watching = pthread_atfork(NULL, NULL, count_fork) == 0;
	return watching;
}

static bool start_multi(struct http_client *client)
{
	client->owner = process;
	client->multi = curl_multi_init();
	client->wire = (struct http_wire){ .multi = client->multi };
	return client->multi &&
	       !curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS,
				  (long)HTTP_CLIENT_PARALLEL);
}

/* Two processes must not speak on one connection. The parent's handles are left
 * alone: to release them here would say good-bye to his peers. */
static void make_ours(struct http_client *client)
{
	if (client->owner == process)
		return;
	memset(client->transfers, 0, sizeof(client->transfers));
	(void)start_multi(client);
}

bool http_client_open(struct http_client **ret, struct error *err)
{
	struct http_client *client = calloc(1, sizeof(*client));

	if (!client || !watch_forks() ||
	    curl_global_init(CURL_GLOBAL_DEFAULT) ||
	    !start_multi(client)) {
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
	make_ours(client);
	for (size_t i = 0; i < ARRAY_LEN(client->transfers); i++)
		curl_easy_cleanup(client->transfers[i].curl);
	http_wire_close(&client->wire);
	curl_multi_cleanup(client->multi);
	curl_global_cleanup();
	free(client);
}

/* --- what comes ---------------------------------------------------------- */

/* A short count makes libcurl end the transfer. */
static size_t take_body(char *ptr, size_t size, size_t count, void *arg)
{
	struct transfer *transfer = arg;
	size_t bytes = size * count;

	if (!transfer->body) {
		transfer->dropped_bytes += bytes;
		if (transfer->dropped_bytes <= UNWANTED_ANSWER_BYTES)
			return bytes;
	} else {
		buf_add(transfer->body, ptr, bytes);
		if (buf_ok(transfer->body))
			return bytes;
	}
	transfer->refusal = "the answer is over its limit";
	return 0;
}

/* One line, with its end; of trailers and of a 100 Continue too. */
static size_t take_head(char *ptr, size_t size, size_t count, void *arg)
{
	static const char encoding[] = "Content-Encoding:";
	struct transfer *transfer = arg;
	struct str line = { ptr, size * count };

	transfer->head_bytes += line.len;
	if (transfer->head_bytes > HTTP_HEAD_MAX_BYTES) {
		transfer->refusal = "the answer's headers are over their limit";
		return 0;
	}
	if (line.len >= sizeof(encoding) &&
	    !strncasecmp(ptr, encoding, sizeof(encoding) - 1)) {
		struct str value = str_trim((struct str){
			ptr + sizeof(encoding) - 1,
			line.len - sizeof(encoding) + 1 });

		if (value.len && !str_eq_ignore_case(value, STR("identity"))) {
			transfer->refusal = "the answer has a Content-Encoding";
			return 0;
		}
	}
	if (!transfer->head)
		return line.len;
	if (str_starts(line, STR("HTTP/")))
		buf_reset(transfer->head);
	else if (str_trim(line).len)
		buf_add_str(transfer->head, line);
	return line.len;
}

/* --- what goes ----------------------------------------------------------- */

static bool append(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer)
		*list = longer;
	return longer;
}

static bool has_header(const char *const *headers, const char *name)
{
	for (; *headers; headers++)
		if (!strncasecmp(*headers, name, strlen(name)))
			return true;
	return false;
}

static bool make_headers(struct curl_slist **list, const char *const *headers)
{
	/* libcurl would wait a second for "100 Continue" before a large body,
	 * and would call every body a form. */
	bool ok = append(list, "Expect:") &&
		  (has_header(headers, "Content-Type:") ||
		   append(list, "Content-Type:"));

	for (; ok && *headers; headers++)
		ok = append(list, *headers);
	return ok;
}

static bool set_method(CURL *curl, const char *method, struct str body)
{
	if (!strcmp(method, "HEAD"))
		return !curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	if (!body.len && (!strcmp(method, "GET") || !strcmp(method, "DELETE")))
		return !curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L) &&
		       !curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	/* The size first: COPYPOSTFIELDS is not used, the body stays ours. */
	return !curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)body.len) &&
	       !curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
				 body.len ? body.ptr : "") &&
	       !curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

static long least(int wanted_ms, int64_t left_ms)
{
	/* 0 would mean "no limit". */
	if (left_ms < 1)
		left_ms = 1;
	return left_ms < wanted_ms ? (long)left_ms : wanted_ms;
}

/* "::host:port": whatever the URL names. */
static bool set_door(CURL *curl, const struct http_door *door,
		     struct curl_slist **connect_to)
{
	char entry[300];

	if (door->ca_file[0] &&
	    curl_easy_setopt(curl, CURLOPT_CAINFO, door->ca_file))
		return false;
	if (!door->address[0])
		return true;
	snprintf(entry, sizeof(entry), "::%s", door->address);
	return append(connect_to, entry) &&
	       !curl_easy_setopt(curl, CURLOPT_CONNECT_TO, *connect_to);
}

bool http_set_connection(CURL *curl, const struct http_client_request *request,
			 struct curl_slist **connect_to)
{
	return !curl_easy_setopt(curl, CURLOPT_URL, request->url) &&
	       !curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
				 request->https_only ? "https" :
						       "http,https") &&
	       !curl_easy_setopt(curl, CURLOPT_HTTP_VERSION,
				 (long)CURL_HTTP_VERSION_1_1) &&
	       !curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") &&
	       !curl_easy_setopt(curl, CURLOPT_NETRC,
				 (long)CURL_NETRC_IGNORED) &&
	       !curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) &&
	       (!request->door || set_door(curl, request->door, connect_to)) &&
	       !curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
				 least(request->timeouts.connect_ms,
				       deadline_left_ms()));
}

static bool set_up(struct transfer *transfer,
		   const struct http_client_request *request)
{
	CURL *curl = transfer->curl;

	curl_easy_reset(curl);
	return make_headers(&transfer->headers, request->headers) &&
	       set_method(curl, request->method, request->body) &&
	       http_set_connection(curl, request, &transfer->connect_to) &&
	       !curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L) &&
	       !curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) &&
	       !curl_easy_setopt(curl, CURLOPT_HTTPHEADER,
				 transfer->headers) &&
	       !curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
				 least(request->timeouts.total_ms,
				       deadline_left_ms())) &&
	       !curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_head) &&
	       !curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer) &&
	       !curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) &&
	       !curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer) &&
	       !curl_easy_setopt(curl, CURLOPT_PRIVATE, transfer);
}

/* --- the transfers that run ---------------------------------------------- */

static void end(struct http_client *client, struct transfer *transfer,
		const char *failure)
{
	struct http_client_answer *answer = transfer->answer;
	long status = 0;

	curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_multi_remove_handle(client->multi, transfer->curl);
	curl_slist_free_all(transfer->headers);
	curl_slist_free_all(transfer->connect_to);
	transfer->headers = transfer->connect_to = NULL;
	transfer->answer = NULL;
	if (transfer->refusal) {
		answer->outcome = HTTP_ANSWER_REFUSED;
		failure = transfer->refusal;
	} else if (failure) {
		answer->outcome = HTTP_NO_ANSWER;
	} else {
		answer->outcome = HTTP_ANSWERED;
		failure = "";
	}
	answer->status = (int)status;
	snprintf(answer->failure, sizeof(answer->failure), "%s", failure);
	if (transfer->head)
		answer->headers = buf_str(transfer->head);
	if (transfer->body)
		answer->body = buf_str(transfer->body);
}

/* False when it ended at once. */
static bool start(struct http_client *client, struct transfer *transfer,
		  const struct http_client_request *request,
		  struct http_client_answer *answer)
{
	*answer = (struct http_client_answer){ .outcome = HTTP_NO_ANSWER };
	transfer->answer = answer;
	transfer->head_bytes = transfer->dropped_bytes = 0;
	transfer->refusal = NULL;
	if (client->multi && !transfer->curl)
		transfer->curl = curl_easy_init();
	if (!transfer->curl)
		snprintf(answer->failure, sizeof(answer->failure),
			 "out of memory");
	else if (deadline_left_ms() == 0)
		end(client, transfer, "the request's time is used up");
	else if (!set_up(transfer, request))
		end(client, transfer, "libcurl refuses an option");
	else if (curl_multi_add_handle(client->multi, transfer->curl))
		end(client, transfer, "libcurl refuses the transfer");
	else
		return true;
	transfer->answer = NULL;
	return false;
}

/* How many of them ended. */
static size_t take_ended(struct http_client *client)
{
	struct transfer *transfer;
	size_t ended = 0;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(client->multi, &left))) {
		CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
				  &transfer);
		end(client, transfer,
		    result == CURLE_OK ? NULL : curl_easy_strerror(result));
		ended++;
	}
	return ended;
}

static struct transfer *idle_transfer(struct http_client *client)
{
	struct transfer *transfer = client->transfers;

	while (transfer->answer)
		transfer++;
	return transfer;
}

/* Until one of them ends. */
static size_t run(struct http_client *client)
{
	size_t ended;
	int running;

	for (;;) {
		CURLMcode result = curl_multi_perform(client->multi, &running);

		ended = take_ended(client);
		if (ended)
			return ended;
		if (!result)
			result = curl_multi_poll(client->multi, NULL, 0,
						 POLL_MS, NULL);
		if (!result)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(client->transfers); i++) {
			if (!client->transfers[i].answer)
				continue;
			end(client, &client->transfers[i],
			    curl_multi_strerror(result));
			ended++;
		}
		return ended;
	}
}

static struct buf *new_buf(struct arena *arena, size_t max_bytes)
{
	struct buf *buf = arena_alloc(arena, sizeof(*buf));

	buf_init(buf, arena, max_bytes);
	return buf;
}

void http_client_call(struct http_client *client,
		      const struct http_client_request *requests, size_t count,
		      struct arena *arena, struct http_client_answer *answers)
{
	size_t next = 0, running = 0;

	make_ours(client);
	if (count == 1 && requests->may_repeat &&
	    http_wire_call(&client->wire, requests, arena, answers))
		return;
	while (next < count || running) {
		while (next < count && running < HTTP_CLIENT_PARALLEL) {
			const struct http_client_request *request =
				&requests[next];
			struct transfer *transfer = idle_transfer(client);

			transfer->head = new_buf(arena, HTTP_HEAD_MAX_BYTES);
			transfer->body = new_buf(arena,
						 request->answer_max_bytes);
			running += start(client, transfer, request,
					 &answers[next++]);
		}
		if (running)
			running -= run(client);
	}
}

/* One request, its answer's body appended to a buffer of the caller's. */
static bool perform(struct http_client *client,
		    const struct http_client_request *request, int *ret_status,
		    struct buf *answer, struct error *err)
{
	struct transfer *transfer = &client->transfers[0];
	struct http_client_answer got;

	make_ours(client);
	transfer->head = NULL;
	transfer->body = answer;
	if (start(client, transfer, request, &got))
		run(client);
	if (got.outcome != HTTP_ANSWERED)
		return error_cause(err, ERROR_UNAVAILABLE, "%s %s: %s",
				   request->method, request->url, got.failure);
	*ret_status = got.status;
	return true;
}

bool http_client_post(struct http_client *client, const char *url,
		      const char *const *headers, struct str body,
		      struct http_timeouts timeouts, int *ret_status,
		      struct buf *answer, struct error *err)
{
	const struct http_client_request request = {
		.method = "POST", .url = url, .headers = headers, .body = body,
		.timeouts = timeouts,
	};

	return perform(client, &request, ret_status, answer, err);
}

bool http_client_get(struct http_client *client, const char *url,
		     const struct http_door *door,
		     struct http_timeouts timeouts, int *ret_status,
		     struct buf *answer, struct error *err)
{
	static const char *const no_headers[] = { NULL };
	const struct http_client_request request = {
		.method = "GET", .url = url, .headers = no_headers,
		.timeouts = timeouts, .door = door, .https_only = true,
	};

	return perform(client, &request, ret_status, answer, err);
}
