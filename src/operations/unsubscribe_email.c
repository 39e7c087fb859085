/*
 * unsubscribe_email.c: POST /api/unsubscribe
 *
 * One click (RFC 8058): the signed token stands in the query or the body; 200
 * also when already gone. A GET, as from a mail program that knows no
 * one-click, leads to the page with the button and changes nothing. Repeatable.
 */
#include "http/operation.h"
#include "order/link_token.h"
#include "base/banned.h"

static bool open_ports(struct ports *ports, const struct config *config,
		       struct error *err)
{
	return database_open(&ports->database, config, false, err) &&
	       subscriber_list_open(&ports->subscribers, ports->database,
				    config, err);
}

static bool field_of(const struct request *req, const char *name,
		     struct str *ret, struct error *err)
{
	if (request_has_type(req, "multipart/form-data"))
		return multipart_field(req, name, ret, err);
	return form_parameter(req->body, name, req->arena, ret, err);
}

/* In the link of the List-Unsubscribe header the token stands in the query, and
 * the body is the one that RFC 8058, 3.1 prescribes; the page sends the token
 * in the body. */
static bool token_of(const struct request *req, struct str *ret,
		     struct error *err)
{
	struct str word;

	if (!form_parameter(req->query, "token", req->arena, ret, err))
		return false;
	if (req->method == HTTP_GET)
		return true;
	if (!ret->ptr)
		return field_of(req, "token", ret, err);
	if (!field_of(req, "List-Unsubscribe", &word, err))
		return false;
	if (!str_is(word, "One-Click"))
		return error_item(err, "/List-Unsubscribe", "required",
				  "Send List-Unsubscribe=One-Click.");
	return true;
}

static bool unsubscribe_email(struct ports *ports, const struct request *req,
			      struct response *res, struct error *err)
{
	char subscriber_id[ORDER_ID_BYTES];
	struct str token;

	if (!token_of(req, &token, err))
		return false;
	if (!link_token_check(LINK_UNSUBSCRIBE, token, req->now_ms,
			      ports->settings.secret, req->arena,
			      subscriber_id, err))
		return false;
	if (req->method == HTTP_GET) {
		/* A genuine token has only letters, digits, '-' and '_'. */
		res->status = 303;
		response_header(res, "Location", "/unsubscribe?token=%.*s",
				STR_ARG(token));
		return true;
	}
	buf_add_text(&res->body, "{\"status\":\"unsubscribed\"}");
	return subscriber_list_unsubscribe(ports->subscribers, subscriber_id,
					   err);
}

const struct operation operation = {
	.name = "unsubscribe_email",
	.routes = {
		{ .methods = HTTP_POST, .path = "/api/unsubscribe",
		  .allow = "GET, HEAD, POST",
		  .accepts = "application/x-www-form-urlencoded, multipart/form-data",
		  .offers = "*" },
		{ .methods = HTTP_GET, .path = "/api/unsubscribe",
		  .allow = "GET, HEAD, POST",
		  .offers = "*" },
	},
	.max_body_bytes = LIMIT_FORM_BODY_BYTES,
	.writes = true,
	.workers = 1, .batch = 32,
	.open_ports = open_ports, .handle = unsubscribe_email,
};
