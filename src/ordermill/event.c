/*
 * event.c: `ordermill event verify` says, step by step, why a message of SNS
 * was or would be refused.
 *
 * With --topic it asks about that topic's messages, of either signature
 * version; else about this desk's. With --certificate nothing is fetched.
 */
#include <errno.h>
#include <getopt.h>

#include "base/clock.h"
#include "base/limits.h"
#include "ordermill/ordermill.h"
#include "sns/sns_verify.h"

#include "base/banned.h"

#define PEM_MAX_BYTES (16u * KIB)

struct question {
	const char *file, *certificate, *topic;
	int64_t now_ms;
	struct config *config;		/* NULL: there is none */
	struct sns_rules rules;
	struct sns_message message;
};

static bool read_whole(const char *path, size_t max_bytes, struct arena *arena,
		       struct str *ret, struct error *err)
{
	bool is_input = !strcmp(path, "-");
	FILE *file = is_input ? stdin : fopen(path, "re");
	char *text = arena_alloc(arena, max_bytes + 1);
	size_t len;
	bool failed;

	if (!file)
		return error_cause(err, ERROR_INTERNAL, "%s: %s", path,
				   strerror(errno));
	len = fread(text, 1, max_bytes + 1, file);
	failed = ferror(file);
	if (!is_input)
		fclose(file);
	if (failed || len > max_bytes)
		return error_cause(err, ERROR_INTERNAL, "%s: %s", path,
				   failed ? "cannot be read" : "is too large");
	*ret = (struct str){ text, len };
	return true;
}

static bool read_options(struct question *question, int argc, char **argv)
{
	static const struct option options[] = {
		{ "certificate", required_argument, NULL, 'c' },
		{ "now", required_argument, NULL, 'n' },
		{ "topic", required_argument, NULL, 't' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option) {
		case 'c':
			question->certificate = optarg;
			break;
		case 'n':
			if (!time_parse(str_from(optarg), &question->now_ms)) {
				say_failed("--now: %s is not a time such as "
					   "2026-11-24T16:00:00Z", optarg);
				return false;
			}
			break;
		case 't':
			question->topic = optarg;
			break;
		default:
			return false;
		}
	if (argc - optind != 2 || strcmp(argv[optind], "verify"))
		return false;
	question->file = argv[optind + 1];
	return true;
}

static bool take_rules(struct question *question, struct error *err)
{
	if (question->topic) {
		question->rules = (struct sns_rules){
			str_from(question->topic), true, true,
		};
		return true;
	}
	if (!question->config)
		return error_cause(err, ERROR_INTERNAL,
				   "of which topic? Say --topic ARN, or name "
				   "a configuration with -c FILE");
	sns_rules_read(&question->rules, question->config);
	return true;
}

/* --- the steps ----------------------------------------------------------- */

static void say_good(const char *step, struct str what)
{
	printf("ok       %-12s %.*s\n", step, STR_ARG(what));
}

static int say_refused(const char *step, const struct error *err)
{
	printf("REFUSED  %-12s %s\n", step, failure_text(err));
	return EXIT_FAILED;
}

/* The local bus names its own certificate and keeps it in a file. */
static bool is_local(const struct question *question)
{
	return question->config && !question->topic &&
	       !strcmp(config_text(question->config, "event_bus.adapter"),
		       "local");
}

static bool check_url(const struct question *question, struct arena *arena,
		      struct error *err)
{
	struct str url = question->message.signing_cert_url;

	if (is_local(question)
		    ? str_is(url, arena_printf(arena,
					       "%s/events/certificate.pem",
					       config_text(question->config,
							   "site.url")))
		    : sns_certificate_url_is_genuine(
			      url, question->rules.topic_arn, arena))
		return true;
	return error_set(err, ERROR_FORGED, "%.*s is not where %s keeps its "
			 "certificate.", STR_ARG(url),
			 is_local(question) ? "this desk" : "SNS");
}

static const char *certificate_path(const struct question *question,
				    struct arena *arena)
{
	if (question->certificate || !is_local(question))
		return question->certificate;
	return arena_printf(arena, "%s/certificate.pem",
			    config_text(question->config,
					"event_bus.directory"));
}

static bool read_certificate(const struct question *question, const char *path,
			     struct arena *arena, struct certificate **ret,
			     struct error *err)
{
	struct str pem;

	if (!read_whole(path, PEM_MAX_BYTES, arena, &pem, err) ||
	    !certificate_parse(ret, pem, err))
		return false;
	if (is_local(question) ||
	    sns_certificate_is_snss(*ret, question->rules.topic_arn, arena))
		return true;
	certificate_free(*ret);
	return error_set(err, ERROR_FORGED, "It is not made out to SNS.");
}

static int check_signature(const struct question *question,
			   struct certificate *certificate, struct arena *arena)
{
	struct error err;

	error_init(&err);
	if (!sns_message_verify(&question->message, certificate,
				question->now_ms, arena, &err))
		return say_refused("signature", &err);
	say_good("signature", STR("fits the message"));
	puts("The message is genuine.");
	return EXIT_GOOD;
}

static int check_by_file(const struct question *question, const char *path,
			 struct arena *arena)
{
	struct certificate *certificate;
	struct error err;
	int status;

	error_init(&err);
	if (!read_certificate(question, path, arena, &certificate, &err))
		return say_refused("certificate", &err);
	say_good("certificate", str_from(path));
	status = check_signature(question, certificate, arena);
	certificate_free(certificate);
	return status;
}

static int check_by_fetching(const struct question *question,
			     struct arena *arena)
{
	struct sns_verifier *verifier;
	struct certificate *certificate;
	struct error err;
	int status;

	error_init(&err);
	if (!sns_verifier_open(&verifier, question->config, &question->rules,
			       &err))
		return say_failure(&err);
	if (sns_verifier_certificate(verifier, &question->message,
				     question->now_ms, arena, &certificate,
				     &err)) {
		say_good("certificate", STR("fetched"));
		status = check_signature(question, certificate, arena);
	} else {
		status = say_refused("certificate", &err);
	}
	sns_verifier_close(verifier);
	return status;
}

static int check(struct question *question, struct str body,
		 struct arena *arena)
{
	struct sns_message *message = &question->message;
	const char *path;
	struct error err;

	error_init(&err);
	if (!sns_message_parse(message, body, arena, &err))
		return say_refused("envelope", &err);
	say_good("envelope", str_from(sns_type_name(message->type)));
	if (!sns_message_check(message, &question->rules, &err))
		return say_refused("claims", &err);
	say_good("topic", message->topic_arn);
	say_good("version", message->signature_version == 1 ?
				    STR("1 (SHA-1)") : STR("2 (SHA-256)"));
	if (!check_url(question, arena, &err))
		return say_refused("address", &err);
	say_good("address", message->signing_cert_url);
	path = certificate_path(question, arena);
	return path ? check_by_file(question, path, arena) :
		      check_by_fetching(question, arena);
}

static int verify(struct desk *desk, struct question *question)
{
	struct error err, no_config;
	struct str body;

	error_init(&err);
	error_init(&no_config);
	if (!config_load(&question->config, NULL, &no_config)) {
		question->config = NULL;
		if (!question->topic || !question->certificate) {
			say_failure(&no_config);
			return EXIT_USAGE;
		}
	}
	if (!take_rules(question, &err) ||
	    !read_whole(question->file, LIMIT_EVENT_BODY_BYTES, desk->arena,
			&body, &err)) {
		say_failure(&err);
		return EXIT_USAGE;
	}
	return check(question, body, desk->arena);
}

int command_event(struct desk *desk, int argc, char **argv)
{
	struct question question = { .now_ms = desk->now_ms };
	int status;

	if (!read_options(&question, argc, argv))
		return EXIT_USAGE;
	status = verify(desk, &question);
	config_free(question.config);
	return status;
}
