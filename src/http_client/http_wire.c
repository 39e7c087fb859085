/*
 * http_wire.c: one kept connection; out goes a request, in comes an answer.
 */
#include "http_client/http_wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/deadline.h"
#include "http_client/http_head.h"
#include "base/banned.h"

#define CHUNK_BYTES (16u * KIB)
#define POLL_MS 1000
#define SMALL_BODY_BYTES (32u * KIB)
#define IDLE_MAX_MS 118000	/* as CURLOPT_MAXAGE_CONN has it */

enum got {
	GOT_ANSWER,
	GOT_REFUSED,
	GOT_NOTHING,		/* not a byte: the peer had hung up, maybe */
	GOT_FAILURE,
	GOT_STRANGE		/* not understood */
};

struct exchange {
	const struct http_wire *wire;
	int64_t end_ms;		/* boot clock */
	size_t answer_max_bytes;
	bool is_head;		/* RFC 9110, 9.3.2: no body comes */
	struct buf in;
	struct http_head head;
	size_t head_bytes;	/* 0: not come yet */
	const char *failure;
};

void http_wire_close(struct http_wire *wire)
{
	if (wire->curl)
		curl_multi_remove_handle(wire->multi, wire->curl);
	curl_easy_cleanup(wire->curl);
	curl_slist_free_all(wire->connect_to);
	wire->curl = NULL;
	wire->connect_to = NULL;
}

/* --- the connection ------------------------------------------------------ */

/* "https://host:port": what stands before the path. */
static size_t origin_bytes(const char *url)
{
	const char *host = strstr(url, "://");

	return host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : 0;
}

/* libcurl searches its connection at each call: where nothing is encrypted it is
 * not asked. Like curl_easy_send(3) and curl_easy_recv(3). */
static CURLcode outcome(ssize_t bytes, CURLcode failure, size_t *ret)
{
	*ret = bytes > 0 ? (size_t)bytes : 0;
	if (bytes >= 0)
		return CURLE_OK;
	return errno == EAGAIN || errno == EINTR ? CURLE_AGAIN : failure;
}

static CURLcode send_some(const struct http_wire *wire, struct str out,
			  size_t *ret)
{
	if (!wire->is_plain)
		return curl_easy_send(wire->curl, out.ptr, out.len, ret);
	return outcome(send(wire->fd, out.ptr, out.len,
			    MSG_DONTWAIT | MSG_NOSIGNAL),
		       CURLE_SEND_ERROR, ret);
}

static CURLcode receive_some(const struct http_wire *wire, char *to,
			     size_t size, size_t *ret)
{
	if (!wire->is_plain)
		return curl_easy_recv(wire->curl, to, size, ret);
	return outcome(recv(wire->fd, to, size, MSG_DONTWAIT),
		       CURLE_RECV_ERROR, ret);
}

/* Nothing may come before we ask: what does is a good-bye, and would be taken
 * for the answer. */
static bool is_quiet(const struct http_wire *wire)
{
	size_t bytes;
	char byte;

	return receive_some(wire, &byte, 1, &bytes) == CURLE_AGAIN;
}

/* A NAT or a firewall on the way forgets an idle connection without a word: what
 * is sent then is answered by nobody, until the time is up. */
static bool is_kept(struct http_wire *wire,
		    const struct http_client_request *request)
{
	size_t bytes = origin_bytes(request->url);

	if (!wire->curl)
		return false;
	if (clock_boot_ms() - wire->used_ms < IDLE_MAX_MS &&
	    strlen(wire->origin) == bytes && wire->door == request->door &&
	    !memcmp(wire->origin, request->url, bytes) && is_quiet(wire))
		return true;
	http_wire_close(wire);
	return false;
}

/* No other transfer runs meanwhile. The handle stays with the multi one, as
 * CURLOPT_CONNECT_ONLY wants it. */
static CURLcode perform(struct http_wire *wire)
{
	CURLMcode result = curl_multi_add_handle(wire->multi, wire->curl);
	int running = 1, left;
	CURLMsg *message;

	while (!result && running) {
		result = curl_multi_perform(wire->multi, &running);
		if (!result && running)
			result = curl_multi_poll(wire->multi, NULL, 0, POLL_MS,
						 NULL);
	}
	message = curl_multi_info_read(wire->multi, &left);
	return message ? message->data.result : CURLE_FAILED_INIT;
}

static bool connect_to(struct http_wire *wire,
		       const struct http_client_request *request,
		       const char **ret_failure)
{
	CURLcode result = CURLE_OUT_OF_MEMORY;

	http_wire_close(wire);
	wire->curl = curl_easy_init();
	wire->door = request->door;
	snprintf(wire->origin, sizeof(wire->origin), "%.*s",
		 (int)origin_bytes(request->url), request->url);
	if (wire->curl &&
	    http_set_connection(wire->curl, request, &wire->connect_to) &&
	    !curl_easy_setopt(wire->curl, CURLOPT_CONNECT_ONLY, 1L))
		result = perform(wire);
	if (!result)
		result = curl_easy_getinfo(wire->curl, CURLINFO_ACTIVESOCKET,
					   &wire->fd);
	wire->is_plain = !strncmp(wire->origin, "http:", 5);
	if (!result)
		return true;
	*ret_failure = curl_easy_strerror(result);
	http_wire_close(wire);
	return false;
}

/* --- what goes ----------------------------------------------------------- */

static void add_line(struct buf *to, const char *line)
{
	size_t len = strlen(line);

	buf_add(to, line, len);
	/* libcurl's way to write a field without a value */
	if (!strchr(line, ':') && to->len && to->ptr[to->len - 1] == ';')
		to->ptr[to->len - 1] = ':';
	buf_add_text(to, "\r\n");
}

/* Absent: it is too large. */
static struct str write_request(const struct http_client_request *request,
				struct arena *arena)
{
	const char *path = request->url + origin_bytes(request->url);
	struct buf out;

	buf_init(&out, arena, HTTP_HEAD_MAX_BYTES + SMALL_BODY_BYTES);
	buf_add_text(&out, request->method);
	buf_add_char(&out, ' ');
	buf_add_text(&out, *path == '/' ? path : "/");
	buf_add_text(&out, " HTTP/1.1\r\n");
	for (const char *const *line = request->headers; *line; line++)
		add_line(&out, *line);
	/* RFC 9110, 8.6: of a method for which a body means something */
	if (request->body.len || request->method[0] == 'P') {
		buf_add_text(&out, "Content-Length: ");
		buf_add_int(&out, (int64_t)request->body.len);
		buf_add_text(&out, "\r\n");
	}
	buf_add_text(&out, "\r\n");
	buf_add_str(&out, request->body);
	return buf_ok(&out) ? buf_str(&out) : (struct str){ NULL, 0 };
}

static bool wait_for(struct exchange *ex, short events)
{
	struct pollfd fd = { .fd = ex->wire->fd, .events = events };
	int64_t left_ms = ex->end_ms - clock_boot_ms();

	if (left_ms > 0 && poll(&fd, 1, (int)left_ms) != 0)
		return true;	/* also of a signal: it is tried again */
	ex->failure = "no answer in time";
	return false;
}

static bool send_all(struct exchange *ex, struct str out)
{
	while (out.len) {
		size_t sent = 0;
		CURLcode result = send_some(ex->wire, out, &sent);

		if (result == CURLE_AGAIN) {
			if (!wait_for(ex, POLLOUT))
				return false;
		} else if (result) {
			ex->failure = curl_easy_strerror(result);
			return false;
		}
		out.ptr += sent;
		out.len -= sent;
	}
	return true;
}

/* --- what comes ---------------------------------------------------------- */

/* The bytes of a head with its empty line; 0: it has not all come. Quicker for a
 * short one than memmem(3), which prepares itself. */
static size_t find_head(struct str in)
{
	const char *at = in.ptr, *end = in.ptr + in.len;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
		at++;
		if (at - in.ptr >= 4 && !memcmp(at - 4, "\r\n\r\n", 4))
			return (size_t)(at - in.ptr);
	}
	return 0;
}

/* GOT_NOTHING: more is to come. */
static enum got look(struct exchange *ex)
{
	if (!ex->head_bytes) {
		ex->head_bytes = find_head(buf_str(&ex->in));
		if (!ex->head_bytes && ex->in.len <= HTTP_HEAD_MAX_BYTES)
			return GOT_NOTHING;
		ex->failure = "the answer's headers are over their limit";
		if (!ex->head_bytes ||
		    ex->head_bytes - 4 > HTTP_HEAD_MAX_BYTES)
			return GOT_REFUSED;
	}
	/* Anew each time: the buffer moves when it grows. */
	if (!http_head_read(&ex->head, (struct str){ ex->in.ptr,
						     ex->head_bytes - 2 }))
		return GOT_STRANGE;
	ex->failure = "the answer has a Content-Encoding";
	if (ex->head.is_encoded)
		return GOT_REFUSED;
	if (ex->is_head)
		ex->head.body_bytes = 0;
	ex->failure = "the answer is over its limit";
	if (ex->head.body_bytes > ex->answer_max_bytes)
		return GOT_REFUSED;
	if (ex->in.len < ex->head_bytes + ex->head.body_bytes)
		return GOT_NOTHING;
	ex->head.keeps &= ex->in.len == ex->head_bytes + ex->head.body_bytes;
	return GOT_ANSWER;
}

static enum got receive(struct exchange *ex)
{
	char chunk[CHUNK_BYTES];
	enum got got;

	/* Then until nothing is left: TLS may hold what poll does not see. */
	if (!wait_for(ex, POLLIN))
		return GOT_FAILURE;
	for (;;) {
		size_t bytes = 0;
		CURLcode result = receive_some(ex->wire, chunk, sizeof(chunk),
					       &bytes);

		if (result == CURLE_AGAIN) {
			if (!wait_for(ex, POLLIN))
				return GOT_FAILURE;
			continue;
		}
		if (result || !bytes) {
			ex->failure = "the connection broke before the answer "
				      "was whole";
			return ex->in.len ? GOT_FAILURE : GOT_NOTHING;
		}
		buf_add(&ex->in, chunk, bytes);
		got = look(ex);
		if (got != GOT_NOTHING)
			return got;
	}
}

static enum got run(struct http_wire *wire, struct exchange *ex,
		    const struct http_client_request *request, struct str out,
		    struct arena *arena)
{
	ex->wire = wire;
	ex->head_bytes = 0;
	/* what is over the limits is seen before it is over the buffer's */
	buf_init(&ex->in, arena, HTTP_HEAD_MAX_BYTES + CHUNK_BYTES +
					 request->answer_max_bytes);
	if (!send_all(ex, out))
		return GOT_NOTHING;
	return receive(ex);
}

/* --- both ---------------------------------------------------------------- */

static void fail(struct http_client_answer *answer, enum http_outcome outcome,
		 const char *failure)
{
	*answer = (struct http_client_answer){ .outcome = outcome };
	snprintf(answer->failure, sizeof(answer->failure), "%s", failure);
}

static void finish(struct http_wire *wire, const struct exchange *ex,
		   enum got got, struct http_client_answer *answer)
{
	if (got != GOT_ANSWER || !ex->head.keeps)
		http_wire_close(wire);
	wire->used_ms = clock_boot_ms();
	if (got == GOT_ANSWER)
		*answer = (struct http_client_answer){
			.outcome = HTTP_ANSWERED, .status = ex->head.status,
			.headers = ex->head.fields,
			.body = { ex->in.ptr + ex->head_bytes,
				  (size_t)ex->head.body_bytes },
		};
	else
		fail(answer, got == GOT_REFUSED ? HTTP_ANSWER_REFUSED :
						  HTTP_NO_ANSWER, ex->failure);
}

bool http_wire_call(struct http_wire *wire,
		    const struct http_client_request *request,
		    struct arena *arena, struct http_client_answer *answer)
{
	int64_t left_ms = deadline_left_ms();
	struct exchange ex = {
		.answer_max_bytes = request->answer_max_bytes,
		.is_head = !strcmp(request->method, "HEAD"),
		.failure = "no answer in time",
	};
	struct str out;
	enum got got = GOT_NOTHING;

	/* Of a large body an answer may come before it has gone. */
	if (wire->is_off || !left_ms ||
	    request->body.len > SMALL_BODY_BYTES ||
	    origin_bytes(request->url) >= sizeof(wire->origin))
		return false;
	out = write_request(request, arena);
	if (!out.ptr)
		return false;
	if (left_ms > request->timeouts.total_ms)
		left_ms = request->timeouts.total_ms;
	ex.end_ms = clock_boot_ms() + left_ms;
	if (is_kept(wire, request))
		got = run(wire, &ex, request, out, arena);
	/* Nothing came on a kept connection: the peer had given it up. */
	if (got == GOT_NOTHING && ex.end_ms > clock_boot_ms()) {
		if (!connect_to(wire, request, &ex.failure)) {
			fail(answer, HTTP_NO_ANSWER, ex.failure);
			return true;
		}
		got = run(wire, &ex, request, out, arena);
	}
	if (got == GOT_STRANGE) {
		wire->is_off = true;
		http_wire_close(wire);
		return false;
	}
	finish(wire, &ex, got, answer);
	return true;
}
