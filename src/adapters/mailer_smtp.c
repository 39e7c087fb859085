/*
 * mailer_smtp.c: hands mail to an SMTP server (RFC 5321) with libcurl.
 *
 * The connection is kept from mail to mail. What the server said decides who
 * tries again: 5yz to MAIL, RCPT or DATA is for good, everything else passes.
 */
#include <curl/curl.h>

#include "base/mail_syntax.h"
#include "ports/mailer.h"

#include "base/banned.h"

#define CONNECT_TIMEOUT_MS 20000L	/* to the end of AUTH */
#define RESPONSE_TIMEOUT_S 30L	/* for each answer of the server */
#define TIMEOUT_MS 60000L	/* for one mail in all */

struct smtp {
	struct mailer base;
	CURL *curl;
	char *password;
	char message[CURL_ERROR_SIZE];
	struct str rest;	/* of the mail that is being sent */
	bool has_begun;		/* the server said 354 to DATA */
};

static size_t read_message(char *ret, size_t size, size_t count, void *arg)
{
	struct smtp *smtp = arg;
	size_t bytes = size * count < smtp->rest.len ? size * count :
						       smtp->rest.len;

	memcpy(ret, smtp->rest.ptr, bytes);
	smtp->rest.ptr += bytes;
	smtp->rest.len -= bytes;
	smtp->has_begun = true;
	return bytes;
}

/* An answer's text is for the log, if it is for anybody. */
static size_t drop(char *text, size_t size, size_t count, void *arg)
{
	(void)text, (void)arg;
	return size * count;
}

static bool setup(struct smtp *smtp, const struct config *config)
{
	const char *tls = config_text(config, "mailer.tls");
	const char *user = config_text(config, "mailer.user");
	const char *url = config_text(config, "mailer.url");
	/* A password goes to a proven server, or (never) in the open when that
	 * was asked for, but is not lost to somebody who hides STARTTLS. */
	long use_ssl = !strcmp(tls, "never") ? CURLUSESSL_NONE :
		       !strcmp(tls, "try") && !*user ? CURLUSESSL_TRY :
						       CURLUSESSL_ALL;
	/* TLS that could be stripped on the way gains nothing from a checked
	 * certificate, and loses servers that signed their own (RFC 7435). */
	long verify = use_ssl != CURLUSESSL_TRY ||
		      !strncmp(url, "smtps:", 6);
	CURLcode rc = CURLE_OK;

#define SET(option, value) \
	(rc = rc ? rc : curl_easy_setopt(smtp->curl, option, value))
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_USE_SSL, use_ssl);
	SET(CURLOPT_SSL_VERIFYPEER, verify);
	SET(CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, RESPONSE_TIMEOUT_S);
	SET(CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_READFUNCTION, read_message);
	SET(CURLOPT_READDATA, smtp);
	SET(CURLOPT_WRITEFUNCTION, drop);
	SET(CURLOPT_ERRORBUFFER, smtp->message);
	if (*user) {
		SET(CURLOPT_USERNAME, user);
		SET(CURLOPT_PASSWORD, smtp->password);
	}
#undef SET
	return rc == CURLE_OK;
}

/* RFC 4954, 6: these speak of our credentials, not of this mail. */
static bool is_about_access(long code)
{
	return code == 530 || code == 534 || code == 535 || code == 538;
}

/*
 * An idle connection can be closed by the server at the moment it is used
 * again, before this mail was spoken of: worth one try on a new one.
 */
static bool kept_connection_died(CURL *curl, long code)
{
	long connects = 0;

	curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
	return connects == 0 && (code == 0 || code == 421);
}

static CURLcode transfer(struct smtp *smtp, struct str message, long *ret_code)
{
	CURLcode rc;
	long fresh;

	for (fresh = 0; fresh < 2; fresh++) {
		*smtp->message = '\0';
		smtp->rest = message;
		smtp->has_begun = false;
		curl_easy_setopt(smtp->curl, CURLOPT_FRESH_CONNECT, fresh);
		rc = curl_easy_perform(smtp->curl);
		*ret_code = 0;
		curl_easy_getinfo(smtp->curl, CURLINFO_RESPONSE_CODE, ret_code);
		if (rc == CURLE_OK ||
		    !kept_connection_died(smtp->curl, *ret_code))
			break;
	}
	return rc;
}

static bool smtp_send(struct mailer *mailer, struct str from, struct str to,
		      struct str message, const char *mail_id,
		      bool *ret_permanent, struct error *err)
{
	struct smtp *smtp = (struct smtp *)mailer;
	char sender[MAIL_ADDRESS_BYTES], recipient[MAIL_ADDRESS_BYTES];
	struct curl_slist *recipients;
	CURLcode rc;
	long code;

	(void)mail_id;
	*ret_permanent = true;
	if (!mail_address_valid(from) || !mail_address_valid(to))
		return error_set(err, ERROR_INVALID,
				 "The mail's address is not valid.");
	if (!mail_message_canonical(message))
		return error_cause(err, ERROR_INTERNAL,
				   "smtp: the message is malformed");
	*ret_permanent = false;
	snprintf(sender, sizeof(sender), "%.*s", STR_ARG(from));
	snprintf(recipient, sizeof(recipient), "%.*s", STR_ARG(to));
	recipients = curl_slist_append(NULL, recipient);
	if (!recipients)
		return error_cause(err, ERROR_UNAVAILABLE, "smtp: no memory");
	curl_easy_setopt(smtp->curl, CURLOPT_MAIL_FROM, sender);
	curl_easy_setopt(smtp->curl, CURLOPT_MAIL_RCPT, recipients);
	rc = transfer(smtp, message, &code);
	curl_easy_setopt(smtp->curl, CURLOPT_MAIL_RCPT, NULL);
	curl_slist_free_all(recipients);
	if (rc == CURLE_OK)
		return true;
	/* Refused MAIL, RCPT and DATA are a CURLE_SEND_ERROR; what comes before
	 * is another, and about the connection. */
	*ret_permanent = (rc == CURLE_SEND_ERROR || smtp->has_begun) &&
			 code >= 500 && code < 600 && !is_about_access(code);
	return error_cause(err, ERROR_UNAVAILABLE, "smtp: %s (answer %ld)",
			   *smtp->message ? smtp->message :
					    curl_easy_strerror(rc),
			   code);
}

static void smtp_close(struct mailer *mailer)
{
	struct smtp *smtp = (struct smtp *)mailer;

	curl_easy_cleanup(smtp->curl);
	free(smtp->password);
	free(smtp);
	curl_global_cleanup();
}

static const struct mailer_ops smtp_ops = {
	.name = "smtp",
	.send = smtp_send,
	.close = smtp_close,
};

static bool open_smtp(struct smtp *smtp, const struct config *config,
		      struct error *err)
{
	const char *url = config_text(config, "mailer.url");

	if (strncmp(url, "smtp://", 7) && strncmp(url, "smtps://", 8))
		return error_cause(err, ERROR_INTERNAL, "mailer.url: %s: does "
				   "not start with smtp:// or smtps://", url);
	if (*config_text(config, "mailer.user") &&
	    !config_secret(config, "mailer.password_file", &smtp->password,
			   err))
		return false;
	if (!smtp->curl || !setup(smtp, config))
		return error_cause(err, ERROR_INTERNAL,
				   "smtp: libcurl cannot be set up");
	return true;
}

bool mailer_smtp_open(struct mailer **ret, const struct config *config,
		      struct error *err)
{
	struct smtp *smtp = calloc(1, sizeof(*smtp));

	if (!smtp)
		return error_cause(err, ERROR_INTERNAL, "smtp: no memory");
	smtp->base.ops = &smtp_ops;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	smtp->curl = curl_easy_init();
	if (!open_smtp(smtp, config, err)) {
		smtp_close(&smtp->base);
		return false;
	}
	*ret = &smtp->base;
	return true;
}
