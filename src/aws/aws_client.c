/*
 * aws_client.c: rounds of signed calls, until each has an answer for good or
 * no attempt, time or quota is left.
 */
#include "aws/aws_client.h"

#include <errno.h>
#include <time.h>

#include "aws/aws_answer.h"
#include "aws/aws_credentials.h"
#include "aws/aws_retry.h"
#include "aws/aws_signed.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/deadline.h"
#include "base/banned.h"

#define ARENA_MAX_BYTES MIB
#define CONNECT_MS 2000
#define THROTTLED_WAIT_MS 1000
/* Less than this is the way of the answer, not the clock. */
#define SKEW_MIN_MS (4 * 60 * 1000)

static const struct service {
	const char *name;	/* of the endpoint and the credential scope */
	int total_ms;
	int wait_ms;
} services[] = {
	[AWS_DYNAMODB] = { "dynamodb", 5000, 25 },
	[AWS_S3] = { "s3", 15000, 50 },
	[AWS_SNS] = { "sns", 5000, 50 },
	[AWS_REKOGNITION] = { "rekognition", 10000, 50 },
};

struct aws_client {
	const struct service *service;
	struct arena *arena;
	struct http_client *http;
	struct http_door door;
	struct aws_credential_source *credentials;
	struct aws_signer signer;
	struct aws_signing_key key;
	struct aws_quota quota;
	int64_t skew_ms;	/* the service's clock less ours */
	struct aws_client_hooks hooks;
};

static uint32_t random_number(void)
{
	uint32_t number;

	random_bytes(&number, sizeof(number));
	return number;
}

static void sleep_ms(int64_t ms)
{
	struct timespec left = { .tv_sec = ms / 1000,
				 .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static const struct aws_client_hooks real = {
	/* A request is signed with the time at which it goes out. */
	.now_ms = clock_now_ms,
	.random = random_number,
	.sleep_ms = sleep_ms,
};

bool aws_client_open(struct aws_client **ret, const struct config *config,
		     enum aws_service service, struct error *err)
{
	struct aws_client *client = calloc(1, sizeof(*client));

	if (!client)
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	client->service = &services[service];
	client->arena = arena_new("aws_client", ARENA_MAX_BYTES);
	client->signer.service = str_from(client->service->name);
	client->signer.is_s3 = service == AWS_S3;
	client->signer.sends_digest = service != AWS_DYNAMODB;
	client->signer.key = &client->key;
	client->quota.tokens = AWS_QUOTA_FULL;
	client->hooks = real;
	client->door = (struct http_door){ "", config_text(config,
							  "aws.ca_file") };
	if (!aws_endpoint_find(&client->signer.endpoint, config,
			       client->service->name, client->arena, err) ||
	    !http_client_open(&client->http, err) ||
	    !aws_credentials_open(&client->credentials, config, client->http,
				  err)) {
		aws_client_close(client);
		return false;
	}
	*ret = client;
	return true;
}

void aws_client_close(struct aws_client *client)
{
	if (!client)
		return;
	aws_credentials_close(client->credentials);
	http_client_close(client->http);
	explicit_bzero(&client->key, sizeof(client->key));
	arena_free(client->arena);
	free(client);
}

void aws_client_set_hooks(struct aws_client *client,
			  const struct aws_client_hooks *hooks)
{
	client->hooks = *hooks;
}

/* --- one call ------------------------------------------------------------ */

struct call {
	const struct aws_request *request;
	struct aws_answer *answer;
	unsigned attempts;
	bool open;		/* is to be sent, again or for the first time */
	bool failed;
	bool refreshed, corrected;
	int held;		/* tokens that its last retry cost */
	int64_t wait_ms;
	char failure[160];
};

static int64_t service_time_ms(const struct aws_client *client)
{
	return client->hooks.now_ms() + client->skew_ms;
}

static void give_up(struct call *call, const char *why)
{
	call->open = false;
	call->failed = true;
	snprintf(call->failure, sizeof(call->failure), "%s", why);
}

static void try_again(struct aws_client *client, struct call *call, int base_ms,
		      int cost, const char *why)
{
	unsigned retry = call->attempts - 1;

	if (call->attempts >= AWS_ATTEMPTS ||
	    !aws_quota_take(&client->quota, cost)) {
		give_up(call, why);
		return;
	}
	call->held = cost;
	call->wait_ms = aws_retry_wait_ms(base_ms, retry,
					  client->hooks.random());
	if (call->wait_ms >= deadline_left_ms())
		give_up(call, why);
}

/* With another clock or other credentials there is nothing to wait for. */
static void try_at_once(struct aws_client *client, struct call *call,
			bool is_mended, const char *why)
{
	if (is_mended)
		try_again(client, call, 0, AWS_QUOTA_RETRY, why);
	else
		give_up(call, why);
}

static void succeed(struct aws_client *client, struct call *call)
{
	aws_quota_give(&client->quota,
		       call->held ? call->held : AWS_QUOTA_SUCCESS);
	call->open = false;
}

/* Once for each call: the same answer to a request signed anew is final. */
static bool correct_clock(struct aws_client *client, struct call *call)
{
	int64_t date_ms, skew_ms;

	if (call->corrected || !aws_answer_date(call->answer, &date_ms))
		return false;
	skew_ms = date_ms - client->hooks.now_ms();
	if (llabs(skew_ms - client->skew_ms) < SKEW_MIN_MS)
		return false;
	client->skew_ms = skew_ms;
	call->corrected = true;
	return true;
}

/* Likewise. */
static bool refresh_credentials(struct aws_client *client, struct call *call)
{
	if (call->refreshed)
		return false;
	call->refreshed = true;
	return aws_credentials_forget(client->credentials,
				      service_time_ms(client));
}

static void judge(struct aws_client *client, struct call *call)
{
	const struct aws_answer *answer = call->answer;
	int wait_ms = client->service->wait_ms;

	call->wait_ms = 0;
	switch (aws_retry_judge(answer->status, answer->error_code)) {
	case AWS_FINAL:
		if (aws_answer_is_whole(answer))
			succeed(client, call);
		else
			try_again(client, call, wait_ms, AWS_QUOTA_RETRY,
				  "the answer's checksum is wrong");
		return;
	case AWS_TRANSIENT:
		try_again(client, call, wait_ms, AWS_QUOTA_RETRY, "failed");
		return;
	case AWS_THROTTLED:
		try_again(client, call, THROTTLED_WAIT_MS, AWS_QUOTA_RETRY,
			  "throttled");
		return;
	case AWS_EXPIRED:
		try_at_once(client, call, refresh_credentials(client, call),
			    "our credentials have expired");
		return;
	case AWS_SKEWED:
		try_at_once(client, call, correct_clock(client, call),
			    "our signature was refused");
		return;
	case AWS_REFUSED:
		give_up(call, "our credentials were refused");
		return;
	case AWS_MOVED:
		give_up(call, "redirected; is the region right?");
		return;
	}
}

static void take_answer(struct aws_client *client, struct call *call,
			const struct http_client_answer *got,
			struct arena *arena)
{
	call->attempts++;
	call->wait_ms = 0;
	*call->answer = (struct aws_answer){
		.status = got->outcome == HTTP_ANSWERED ? got->status : 0,
		.body = got->body, .headers = got->headers,
	};
	aws_answer_read(call->answer, arena);
	switch (got->outcome) {
	case HTTP_ANSWERED:
		judge(client, call);
		return;
	case HTTP_ANSWER_REFUSED:
		give_up(call, got->failure);
		return;
	case HTTP_NO_ANSWER:
		try_again(client, call, client->service->wait_ms,
			  AWS_QUOTA_TIMEOUT, got->failure);
		return;
	}
}

/* --- rounds -------------------------------------------------------------- */

static bool run_round(struct aws_client *client, struct call **calls,
		      size_t count, struct arena *arena, struct error *err)
{
	struct http_client_request *requests =
		arena_alloc(arena, count * sizeof(*requests));
	struct http_client_answer *answers =
		arena_alloc(arena, count * sizeof(*answers));
	struct aws_credentials credentials;
	int64_t now_ms = service_time_ms(client), expires_ms;

	if (!aws_credentials_get(client->credentials, now_ms, &credentials,
				 &expires_ms, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct aws_request *request = calls[i]->request;

		aws_signed_request(&client->signer, &credentials, request,
				   now_ms, arena, &requests[i]);
		requests[i].timeouts = (struct http_timeouts){
			CONNECT_MS, client->service->total_ms };
		requests[i].answer_max_bytes = request->answer_max_bytes;
		requests[i].door = &client->door;
		requests[i].may_repeat = true;
	}
	http_client_call(client->http, requests, count, arena, answers);
	for (size_t i = 0; i < count; i++)
		take_answer(client, calls[i], &answers[i], arena);
	return true;
}

/* Those that are to be sent, and how long to wait before. */
static size_t gather(struct call *calls, size_t count, struct call **ret,
		     int64_t *ret_wait_ms)
{
	size_t open = 0;

	*ret_wait_ms = 0;
	for (size_t i = 0; i < count; i++) {
		if (!calls[i].open)
			continue;
		ret[open++] = &calls[i];
		if (calls[i].wait_ms > *ret_wait_ms)
			*ret_wait_ms = calls[i].wait_ms;
	}
	return open;
}

static bool report(const struct aws_client *client, const struct call *call,
		   struct arena *arena, struct error *err)
{
	const struct aws_answer *answer = call->answer;
	struct str action = aws_action_name(call->request, arena);

	return error_cause(err, ERROR_UNAVAILABLE,
			   "%s %.*s: %s: status %d, %.*s, %.80s, request id "
			   "%.*s, attempts %u", client->service->name,
			   STR_ARG(action), call->failure, answer->status,
			   STR_ARG(answer->error_code),
			   arena_text(arena, answer->error_message),
			   STR_ARG(answer->request_id), call->attempts);
}

bool aws_call_many(struct aws_client *client,
		   const struct aws_request *requests, size_t count,
		   struct arena *arena, struct aws_answer *ret,
		   struct error *err)
{
	struct call *calls = arena_zalloc(arena, count * sizeof(*calls) + 1);
	struct call **open = arena_alloc(arena, count * sizeof(struct call *) +
					 1);
	int64_t wait_ms;
	size_t left;

	for (size_t i = 0; i < count; i++)
		calls[i] = (struct call){ .request = &requests[i],
					  .answer = &ret[i], .open = true };
	while ((left = gather(calls, count, open, &wait_ms))) {
		if (wait_ms)
			client->hooks.sleep_ms(wait_ms);
		if (!run_round(client, open, left, arena, err))
			return false;
	}
	for (size_t i = 0; i < count; i++)
		if (calls[i].failed)
			return report(client, &calls[i], arena, err);
	return true;
}

bool aws_call(struct aws_client *client, const struct aws_request *request,
	      struct arena *arena, struct aws_answer *ret, struct error *err)
{
	return aws_call_many(client, request, 1, arena, ret, err);
}

struct str aws_client_region(const struct aws_client *client)
{
	return client->signer.endpoint.region;
}

struct str aws_client_host(const struct aws_client *client)
{
	return client->signer.endpoint.host;
}

/* --- links --------------------------------------------------------------- */

bool aws_presigned_url(struct aws_client *client, struct str path,
		       struct str query, unsigned valid_s, int64_t now_ms,
		       struct arena *arena, struct buf *ret_url,
		       int64_t *ret_expires_ms, struct error *err)
{
	struct aws_credentials credentials;
	struct aws_header host = { STR("Host"), client->signer.endpoint.host };
	struct aws_sign_input in = {
		.region = client->signer.endpoint.region,
		.service = client->signer.service,
		.time_ms = now_ms + client->skew_ms,
		.method = STR("GET"), .query = query,
		.headers = &host, .header_count = 1,
		.payload_hash = STR("UNSIGNED-PAYLOAD"),
		.key = &client->key,
	};
	int64_t left_ms;

	if (!aws_credentials_get(client->credentials, in.time_ms, &credentials,
				 ret_expires_ms, err))
		return false;
	left_ms = (int64_t)valid_s * 1000;
	/* A link dies with the credentials that signed it. */
	if (*ret_expires_ms != AWS_CREDENTIALS_STAY_MS &&
	    *ret_expires_ms - in.time_ms < left_ms)
		left_ms = *ret_expires_ms - in.time_ms;
	if (left_ms < 1000)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "our credentials expire too soon for a link");
	in.credentials = credentials;
	in.path = str_from(arena_printf(arena, "%.*s%.*s",
					STR_ARG(client->signer.endpoint.path),
					STR_ARG(path)));
	buf_add_str(ret_url, client->signer.endpoint.url);
	buf_add_uri(ret_url, in.path, true);
	buf_add_char(ret_url, '?');
	aws_presign(&in, (unsigned)(left_ms / 1000), arena, ret_url);
	/* The signature counts whole seconds, by the service's clock. */
	*ret_expires_ms = (in.time_ms / 1000 + left_ms / 1000) * 1000 -
			  client->skew_ms;
	return true;
}
