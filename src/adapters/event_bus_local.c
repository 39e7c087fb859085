/*
 * event_bus_local.c: rings our own endpoint as SNS would, in SNS's envelope,
 * signed (version 2) with a key that is made at the first ring.
 *
 * event_bus.directory holds key.pem (the relay's alone), certificate.pem
 * (whoever verifies) and `subscription`: "pending <SHA-256 of the token>" or
 * "confirmed".
 */
#include "ports/event_bus.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "sns/sns_message.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/pattern.h"
#include "base/signature.h"
#include "http_client/http_client.h"

#include "base/banned.h"

#define ENVELOPE_MAX_BYTES (2u * MIB)
#define HEADER_MAX_BYTES 512u
#define CERTIFICATE_MAX_BYTES (16u * KIB)
#define TOKEN_BYTES 32
/* Who its certificate is of. */
#define COMMON_NAME "ordermill local event bus"
#define SUBSCRIPTION_MAX_BYTES 128

static const struct http_timeouts timeouts = { 5000, 15000 };

struct local {
	struct event_bus base;
	struct sns_rules rules;
	const char *endpoint;
	struct str certificate_url;	/* what we name as such; nobody fetches it */
	char certificate_url_text[512];
	char directory[PATH_MAX - 64];
	char key[PATH_MAX], certificate[PATH_MAX], subscription[PATH_MAX];
	struct signing_key *signing_key;	/* both opened by the first post */
	struct http_client *client;
};

static struct local *local_of(struct event_bus *bus)
{
	return (struct local *)bus;
}

static bool path_fault(const char *path, struct error *err)
{
	return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
			   strerror(errno));
}

/* --- sending ------------------------------------------------------------- */

static bool open_sender(struct local *local, struct error *err)
{
	if (!local->signing_key) {
		if (mkdir(local->directory, 0750) && errno != EEXIST)
			return path_fault(local->directory, err);
		if (!signing_key_ensure(local->key, local->certificate,
					COMMON_NAME, err) ||
		    !signing_key_open(&local->signing_key, local->key, err))
			return false;
	}
	return local->client || http_client_open(&local->client, err);
}

static bool sign_message(struct local *local, struct sns_message *message,
			 struct arena *arena, struct error *err)
{
	struct buf text;

	message->topic_arn = local->rules.topic_arn;
	message->signature_version = 2;
	message->signing_cert_url = local->certificate_url;
	buf_init(&text, arena, ENVELOPE_MAX_BYTES);
	sns_string_to_sign(message, &text);
	if (!buf_ok(&text))
		return error_cause(err, ERROR_INTERNAL,
				   "an event is larger than %u bytes",
				   ENVELOPE_MAX_BYTES);
	return signing_key_sign(local->signing_key, buf_str(&text), arena,
				&message->signature, err);
}

static void add_member(struct buf *to, const char *name, struct str value)
{
	buf_printf(to, "%s\n  \"%s\" : ", to->len > 1 ? "," : "", name);
	buf_add_json(to, value);
}

static void add_attribute(struct buf *to, const char *name, struct str value)
{
	buf_printf(to, "\"%s\" : {\"Type\":\"String\",\"Value\":", name);
	buf_add_json(to, value);
	buf_add_char(to, '}');
}

static void write_envelope(const struct sns_message *message,
			   struct str traceparent, struct buf *to)
{
	bool rings = message->type == EVENT_NOTIFICATION;

	buf_add_char(to, '{');
	add_member(to, "Type", str_from(sns_type_name(message->type)));
	add_member(to, "MessageId", message->message_id);
	if (!rings)
		add_member(to, "Token", message->token);
	add_member(to, "TopicArn", message->topic_arn);
	if (message->subject.ptr)
		add_member(to, "Subject", message->subject);
	add_member(to, "Message", message->message);
	if (!rings)
		add_member(to, "SubscribeURL", message->subscribe_url);
	add_member(to, "Timestamp", message->timestamp);
	add_member(to, "SignatureVersion", STR("2"));
	add_member(to, "Signature", message->signature);
	add_member(to, "SigningCertURL", message->signing_cert_url);
	if (rings) {
		add_member(to, "UnsubscribeURL", message->signing_cert_url);
		buf_add_text(to, ",\n  \"MessageAttributes\" : {");
		add_attribute(to, "event_type", STR("order.deleted"));
		if (traceparent.len) {
			buf_add_char(to, ',');
			add_attribute(to, "traceparent", traceparent);
		}
		buf_add_char(to, '}');
	}
	buf_add_text(to, "\n}");
}

/* The headers that SNS sends; traceparent besides, for our own log lines. */
static bool post_envelope(struct local *local,
			  const struct sns_message *message,
			  struct str traceparent, struct arena *arena,
			  int *ret_status, struct error *err)
{
	const char *headers[] = {
		"Content-Type: text/plain; charset=UTF-8",
		"User-Agent: Amazon Simple Notification Service Agent",
		arena_printf(arena, "x-amz-sns-message-type: %s",
			     sns_type_name(message->type)),
		arena_printf(arena, "x-amz-sns-message-id: %.*s",
			     STR_ARG(message->message_id)),
		arena_printf(arena, "x-amz-sns-topic-arn: %.*s",
			     STR_ARG(message->topic_arn)),
		pattern_matches(PATTERN_TRACEPARENT, traceparent)
			? arena_printf(arena, "traceparent: %.*s",
				       STR_ARG(traceparent))
			: NULL,
		NULL,
	};
	struct buf envelope;

	buf_init(&envelope, arena, ENVELOPE_MAX_BYTES);
	write_envelope(message, traceparent, &envelope);
	if (!buf_ok(&envelope))
		return error_cause(err, ERROR_INTERNAL,
				   "an event is larger than %u bytes",
				   ENVELOPE_MAX_BYTES);
	return http_client_post(local->client, local->endpoint, headers,
				buf_str(&envelope), timeouts, ret_status, NULL,
				err);
}

/* SNS gives up on a 4xx too, but for 429; 408 is as passing as that. */
static bool is_permanent(int status)
{
	return status >= 400 && status < 500 && status != 408 && status != 429;
}

static bool local_publish(struct event_bus *bus, struct str subject,
			  struct str message, struct str traceparent,
			  int64_t now_ms, struct arena *arena,
			  bool *ret_permanent, struct error *err)
{
	struct local *local = local_of(bus);
	char id[ORDER_ID_BYTES], timestamp[TIME_TEXT_BYTES];
	struct sns_message notification = {
		.type = EVENT_NOTIFICATION, .message = message,
	};
	int status;

	*ret_permanent = false;
	uuid7(now_ms, id);
	time_format(now_ms, timestamp);
	notification.message_id = str_from(id);
	notification.timestamp = str_from(timestamp);
	if (subject.len)
		notification.subject = subject;
	if (!open_sender(local, err) ||
	    !sign_message(local, &notification, arena, err) ||
	    !post_envelope(local, &notification, traceparent, arena, &status,
			   err))
		return false;
	if (status / 100 == 2)
		return true;
	*ret_permanent = is_permanent(status);
	return error_cause(err, ERROR_UNAVAILABLE, "%s answered %d",
			   local->endpoint, status);
}

/* --- verifying ----------------------------------------------------------- */

static bool load_certificate(const struct local *local, struct arena *arena,
			     struct certificate **ret, struct error *err)
{
	CLEANUP(cleanup_file) FILE *file = fopen(local->certificate, "re");
	char *pem = arena_alloc(arena, CERTIFICATE_MAX_BYTES);
	size_t len;

	if (!file)
		return path_fault(local->certificate, err);
	len = fread(pem, 1, CERTIFICATE_MAX_BYTES, file);
	if (ferror(file) || len == CERTIFICATE_MAX_BYTES)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "%s: cannot be read", local->certificate);
	return certificate_parse(ret, (struct str){ pem, len }, err);
}

static void cleanup_certificate(struct certificate **certificate)
{
	if (*certificate)
		certificate_free(*certificate);
}

static bool local_verify(struct event_bus *bus, struct str body,
			 int64_t now_ms, struct arena *arena,
			 struct event *ret, struct error *err)
{
	const struct local *local = local_of(bus);
	CLEANUP(cleanup_certificate) struct certificate *certificate = NULL;
	struct sns_message message;

	if (!sns_message_parse(&message, body, arena, err) ||
	    !sns_message_check(&message, &local->rules, err))
		return false;
	if (!str_eq(message.signing_cert_url, local->certificate_url))
		return error_set(err, ERROR_FORGED,
				 "SigningCertURL is not this event bus's.");
	/* Read each time: a new key counts at once, and it is quick. */
	if (!load_certificate(local, arena, &certificate, err))
		return false;
	if (!sns_message_verify(&message, certificate, now_ms, arena, err))
		return false;
	sns_message_event(&message, ret);
	return true;
}

/* --- the subscription ---------------------------------------------------- */

/* "" when there is none. */
static bool read_subscription(const struct local *local,
			      char ret[SUBSCRIPTION_MAX_BYTES],
			      struct error *err)
{
	CLEANUP(cleanup_file) FILE *file = fopen(local->subscription, "re");

	ret[0] = '\0';
	if (!file)
		return errno == ENOENT ||
		       path_fault(local->subscription, err);
	if (!fgets(ret, SUBSCRIPTION_MAX_BYTES, file) && ferror(file))
		return path_fault(local->subscription, err);
	ret[strcspn(ret, "\n")] = '\0';
	return true;
}

static bool write_subscription(const struct local *local, const char *state,
			       struct error *err)
{
	char temporary[PATH_MAX + 8];
	CLEANUP(cleanup_fd) int fd = -1;

	snprintf(temporary, sizeof(temporary), "%s.XXXXXX",
		 local->subscription);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return path_fault(temporary, err);
	/* Two users write it in turns where relay and endpoint are apart. */
	if (!fchmod(fd, 0640) && file_write_all(fd, str_from(state)) &&
	    !fsync(fd) && !rename(temporary, local->subscription) &&
	    file_sync_folder_of(local->subscription))
		return true;
	path_fault(local->subscription, err);
	unlink(temporary);
	return false;
}

static void pending_line(struct str token, char ret[SUBSCRIPTION_MAX_BYTES])
{
	char digest[SHA256_HEX + 1];

	sha256_hex(token, digest);
	snprintf(ret, SUBSCRIPTION_MAX_BYTES, "pending %s\n", digest);
}

static bool local_confirm(struct event_bus *bus, struct str token,
			  struct error *err)
{
	const struct local *local = local_of(bus);
	char state[SUBSCRIPTION_MAX_BYTES], expected[SUBSCRIPTION_MAX_BYTES];

	if (!read_subscription(local, state, err))
		return false;
	if (!strcmp(state, "confirmed"))
		return true;
	pending_line(token, expected);
	if (!str_eq_constant_time(str_from(state),
				  (struct str){ expected,
						strlen(expected) - 1 }))
		return error_set(err, ERROR_FORGED,
				 "Nobody waits for this confirmation.");
	return write_subscription(local, "confirmed\n", err);
}

static bool read_confirmed(const struct local *local, bool *ret_confirmed,
			   struct error *err)
{
	char state[SUBSCRIPTION_MAX_BYTES];

	if (!read_subscription(local, state, err))
		return false;
	*ret_confirmed = !strcmp(state, "confirmed");
	return true;
}

static bool ask_for_confirmation(struct local *local, int64_t now_ms,
				 struct arena *arena, struct error *err)
{
	uint8_t random[TOKEN_BYTES];
	char token[2 * TOKEN_BYTES + 1], state[SUBSCRIPTION_MAX_BYTES];
	char id[ORDER_ID_BYTES], timestamp[TIME_TEXT_BYTES];
	struct sns_message message = {
		.type = EVENT_SUBSCRIPTION_CONFIRMATION,
		.message = STR("This desk asks itself to confirm that it wants "
			       "the events of its topic."),
		.subscribe_url = local->certificate_url,
	};
	int status;

	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), token);
	uuid7(now_ms, id);
	time_format(now_ms, timestamp);
	message.token = str_from(token);
	message.message_id = str_from(id);
	message.timestamp = str_from(timestamp);
	pending_line(message.token, state);
	if (!open_sender(local, err) ||
	    !write_subscription(local, state, err) ||
	    !sign_message(local, &message, arena, err) ||
	    !post_envelope(local, &message, STR(""), arena, &status, err))
		return false;
	if (status / 100 != 2)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "%s answered %d to the confirmation",
				   local->endpoint, status);
	return true;
}

static bool local_ensure_subscription(struct event_bus *bus, int64_t now_ms,
				      struct arena *arena,
				      bool *ret_confirmed, struct error *err)
{
	struct local *local = local_of(bus);

	*ret_confirmed = false;
	if (!read_confirmed(local, ret_confirmed, err))
		return false;
	if (*ret_confirmed)
		return true;
	return ask_for_confirmation(local, now_ms, arena, err) &&
	       read_confirmed(local, ret_confirmed, err);
}

/* --- open, close --------------------------------------------------------- */

/* The relay would make it at its first event; `ordermill check` wants it now. */
static bool local_create(struct event_bus *bus, struct setup *setup,
			 struct error *err)
{
	const struct local *local = local_of(bus);
	bool was_there = !access(local->key, F_OK);

	if (!signing_key_ensure(local->key, local->certificate, COMMON_NAME,
				err))
		return false;
	setup->say(was_there ? SETUP_KEPT : SETUP_MADE, "event bus key",
		   local->key);
	return true;
}

static void local_close(struct event_bus *bus)
{
	struct local *local = local_of(bus);

	if (local->signing_key)
		signing_key_close(local->signing_key);
	http_client_close(local->client);
	free(local);
}

static const struct event_bus_ops local_ops = {
	.name = "local",
	.publish = local_publish,
	.verify = local_verify,
	.confirm = local_confirm,
	.ensure_subscription = local_ensure_subscription,
	.create = local_create,
	.close = local_close,
};

bool event_bus_local_open(struct event_bus **ret, const struct config *config,
			  struct error *err)
{
	const char *directory = config_text(config, "event_bus.directory");
	struct local *local = calloc(1, sizeof(*local));

	if (!local)
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	if (strlen(directory) >= sizeof(local->directory)) {
		free(local);
		return error_cause(err, ERROR_UNAVAILABLE,
				   "event_bus.directory: is too long");
	}
	local->base.ops = &local_ops;
	sns_rules_read(&local->rules, config);
	local->endpoint = config_text(config, "event_bus.endpoint");
	snprintf(local->certificate_url_text,
		 sizeof(local->certificate_url_text),
		 "%s/events/certificate.pem", config_text(config, "site.url"));
	local->certificate_url = str_from(local->certificate_url_text);
	snprintf(local->directory, sizeof(local->directory), "%s", directory);
	snprintf(local->key, PATH_MAX, "%s/key.pem", local->directory);
	snprintf(local->certificate, PATH_MAX, "%s/certificate.pem",
		 local->directory);
	snprintf(local->subscription, PATH_MAX, "%s/subscription",
		 local->directory);
	*ret = &local->base;
	return true;
}
