/*
 * sns_verify.c: the steps in the order of their cost, and the certificates.
 */
#include "sns/sns_verify.h"

#include "http_client/http_client.h"

#include "base/banned.h"

#define KEPT 4			/* SNS has one at a time, two while it changes */
#define URL_MAX_BYTES 384u
#define PEM_MAX_BYTES (16u * KIB)
/* A fetch costs the sender of a forgery nothing: eight at once, then one in ten
 * seconds. */
#define FETCHES 8
#define FETCH_EVERY_MS 10000

static const struct http_timeouts timeouts = { 3000, 6000 };

struct kept {
	char url[URL_MAX_BYTES];
	struct certificate *certificate;
	uint64_t used;
};

struct sns_verifier {
	const struct sns_rules *rules;
	sns_fetch *fetch;
	void *context;
	struct http_client *client;	/* when it fetches by itself */
	struct http_door door;
	struct kept kept[KEPT];
	uint64_t clock;			/* counts uses: the oldest goes first */
	unsigned fetches_left;
	int64_t refilled_ms;
};

static bool fetch_by_https(void *context, const char *url, struct buf *pem,
			   struct error *err)
{
	struct sns_verifier *verifier = context;
	int status;

	if (!verifier->client && !http_client_open(&verifier->client, err))
		return false;
	if (!http_client_get(verifier->client, url, &verifier->door, timeouts,
			     &status, pem, err))
		return false;
	if (status != 200)
		return error_cause(err, ERROR_UNAVAILABLE, "%s answered %d",
				   url, status);
	return true;
}

static bool may_fetch(struct sns_verifier *verifier, int64_t now_ms)
{
	int64_t more = (now_ms - verifier->refilled_ms) / FETCH_EVERY_MS;

	/* A clock that was set back refills it too. */
	if (more != 0) {
		verifier->fetches_left = more < 0 ||
			more + verifier->fetches_left > FETCHES ?
				FETCHES :
				verifier->fetches_left + (unsigned)more;
		verifier->refilled_ms = now_ms;
	}
	if (verifier->fetches_left == 0)
		return false;
	verifier->fetches_left--;
	return true;
}

static struct kept *find_kept(struct sns_verifier *verifier, const char *url)
{
	for (size_t i = 0; i < KEPT; i++)
		if (verifier->kept[i].certificate &&
		    !strcmp(verifier->kept[i].url, url))
			return &verifier->kept[i];
	return NULL;
}

static struct kept *make_room(struct sns_verifier *verifier)
{
	struct kept *oldest = &verifier->kept[0];

	for (size_t i = 1; i < KEPT; i++)
		if (verifier->kept[i].used < oldest->used)
			oldest = &verifier->kept[i];
	certificate_free(oldest->certificate);
	oldest->certificate = NULL;
	return oldest;
}

static bool fetch(struct sns_verifier *verifier, const char *url,
		  int64_t now_ms, struct arena *arena, struct kept **ret,
		  struct error *err)
{
	struct certificate *certificate;
	struct error failure;
	struct buf pem;

	if (!may_fetch(verifier, now_ms))
		return error_cause(err, ERROR_UNAVAILABLE, "%s: too many "
				   "certificates were named; one in %d s is "
				   "fetched", url, FETCH_EVERY_MS / 1000);
	buf_init(&pem, arena, PEM_MAX_BYTES);
	error_init(&failure);
	if (!verifier->fetch(verifier->context, url, &pem, err))
		return false;
	/* What the genuine host answers is no forger's doing. */
	if (!certificate_parse(&certificate, buf_str(&pem), &failure))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "%s is no certificate", url);
	if (!sns_certificate_is_snss(certificate, verifier->rules->topic_arn,
				     arena)) {
		certificate_free(certificate);
		return error_set(err, ERROR_FORGED,
				 "The certificate is not made out to SNS.");
	}
	*ret = make_room(verifier);
	snprintf((*ret)->url, URL_MAX_BYTES, "%s", url);
	(*ret)->certificate = certificate;
	return true;
}

bool sns_verifier_certificate(struct sns_verifier *verifier,
			      const struct sns_message *message,
			      int64_t now_ms, struct arena *arena,
			      struct certificate **ret, struct error *err)
{
	struct str url = message->signing_cert_url;
	struct kept *kept;
	const char *text;

	if (url.len >= URL_MAX_BYTES ||
	    !sns_certificate_url_is_genuine(url, verifier->rules->topic_arn,
					    arena))
		return error_set(err, ERROR_FORGED,
				 "SigningCertURL is not SNS's.");
	text = arena_text(arena, url);
	kept = find_kept(verifier, text);
	if (!kept && !fetch(verifier, text, now_ms, arena, &kept, err))
		return false;
	kept->used = ++verifier->clock;
	*ret = kept->certificate;
	return true;
}

bool sns_verify(struct sns_verifier *verifier, struct str body,
		int64_t now_ms, struct arena *arena, struct event *ret,
		struct error *err)
{
	struct certificate *certificate;
	struct sns_message message;

	if (!sns_message_parse(&message, body, arena, err) ||
	    !sns_message_check(&message, verifier->rules, err) ||
	    !sns_verifier_certificate(verifier, &message, now_ms, arena,
				      &certificate, err) ||
	    !sns_message_verify(&message, certificate, now_ms, arena, err))
		return false;
	sns_message_event(&message, ret);
	return true;
}

bool sns_verifier_open_with(struct sns_verifier **ret, sns_fetch *fetch_it,
			    void *context, const struct sns_rules *rules,
			    struct error *err)
{
	struct sns_verifier *verifier = calloc(1, sizeof(*verifier));

	if (!verifier)
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	verifier->rules = rules;
	verifier->fetch = fetch_it;
	verifier->context = context;
	verifier->fetches_left = FETCHES;
	*ret = verifier;
	return true;
}

bool sns_verifier_open(struct sns_verifier **ret, const struct config *config,
		       const struct sns_rules *rules, struct error *err)
{
	if (!sns_verifier_open_with(ret, fetch_by_https, NULL, rules, err))
		return false;
	(*ret)->context = *ret;
	(*ret)->door = (struct http_door){
		.address = config_text(config, "event_bus.certificate_door"),
		.ca_file = config_text(config, "event_bus.ca_file"),
	};
	return true;
}

void sns_verifier_close(struct sns_verifier *verifier)
{
	if (!verifier)
		return;
	for (size_t i = 0; i < KEPT; i++)
		certificate_free(verifier->kept[i].certificate);
	http_client_close(verifier->client);
	free(verifier);
}
