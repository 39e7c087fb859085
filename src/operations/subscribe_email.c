/*
 * subscribe_email.c: POST /api/subscriptions, POST /api/subscriptions/confirm
 *
 * Double opt-in. Asking is answered the same, with the same work, whatever is
 * known of the address; a mail's link opens a page, and only that page's POST
 * confirms. Repeatable.
 */
#include "http/operation.h"
#include "order/email.h"
#include "order/link_token.h"
#include "base/banned.h"

static bool open_ports(struct ports *ports, const struct config *config,
		       struct error *err)
{
	ports->bell = bell_open(config);
	return database_open(&ports->database, config, false, err) &&
	       subscriber_list_open(&ports->subscribers, ports->database,
				    config, err);
}

/* The one member of a body such as {"email": "…"}. */
static bool read_member(const struct request *req, const char *name,
			struct str *ret, struct error *err)
{
	const char *const names[] = { name, NULL };
	const char *pointer = arena_printf(req->arena, "/%s", name);
	struct json body, member;

	if (!json_parse_object(&body, req->body, names, req->arena, err))
		return false;
	member = json_member(body, name);
	if (member.kind != JSON_STRING)
		return error_item(err, pointer,
				  member.kind == JSON_ABSENT ? "required" :
							       "wrong_type",
				  "Send the %s as text.", name);
	*ret = json_string(member);
	return true;
}

static bool subscribe(struct ports *ports, const struct request *req,
		      struct response *res, struct error *err)
{
	struct str given, email;

	if (!read_member(req, "email", &given, err))
		return false;
	if (!email_normalize(given, req->arena, &email))
		return error_item(err, "/email", "invalid",
				  "Write an e-mail address such as ada@example.org.");
	res->status = 202;
	buf_add_text(&res->body,
		     "{\"status\":\"accepted\",\"detail\":\"A mail is on its way. Its link subscribes the address.\"}");
	return subscriber_list_subscribe(ports->subscribers, email, req->now_ms,
					 err);
}

static bool confirm(struct ports *ports, const struct request *req,
		    struct response *res, struct error *err)
{
	char subscriber_id[ORDER_ID_BYTES];
	struct error failure;
	struct str token;

	if (!read_member(req, "token", &token, err) ||
	    !link_token_check(LINK_CONFIRM, token, req->now_ms,
			      ports->settings.secret, req->arena,
			      subscriber_id, err))
		return false;
	error_init(&failure);
	if (!subscriber_list_confirm(ports->subscribers, subscriber_id,
				     req->now_ms, &failure)) {
		if (failure.code != ERROR_NOT_FOUND)
			return error_cause(err, failure.code, "%s",
					   failure.cause);
		return error_item(err, "/token", "expired",
				  "The link is not valid any more. Subscribe again.");
	}
	buf_add_text(&res->body, "{\"status\":\"confirmed\"}");
	return true;
}

static bool subscribe_email(struct ports *ports, const struct request *req,
			    struct response *res, struct error *err)
{
	if (str_is(req->path, "/api/subscriptions"))
		return subscribe(ports, req, res, err);
	return confirm(ports, req, res, err);
}

static void committed(struct ports *ports)
{
	bell_ring(ports->bell);
}

const struct operation operation = {
	.name = "subscribe_email",
	.routes = {
		{ .methods = HTTP_POST, .path = "/api/subscriptions",
		  .allow = "POST", .accepts = "application/json" },
		{ .methods = HTTP_POST, .path = "/api/subscriptions/confirm",
		  .allow = "POST", .accepts = "application/json" },
	},
	.max_body_bytes = LIMIT_FORM_BODY_BYTES,
	.writes = true,
	.workers = 1, .batch = 32,
	.open_ports = open_ports, .handle = subscribe_email,
	.committed = committed,
};
