/*
 * mail_message.c: what the desk writes to people, and the envelope of it.
 *
 * Each kind of mail fills a draft, paragraph by paragraph, in text and HTML at
 * once; mail_build puts headers and parts around it.
 */
#include <stdarg.h>
#include <time.h>

#include "base/limits.h"
#include "base/mail_syntax.h"
#include "mail/mail_message.h"
#include "mail/mime.h"
#include "order/link_token.h"
#include "order/money.h"

#include "base/banned.h"

#define PART_BYTES (256u * KIB)
#define NAME_LENGTH 80u		/* in a subject or a sender's name */
#define LINES_SHOWN 40u

struct draft {
	const struct settings *settings;
	struct arena *arena;
	struct str site;
	struct str subject;
	struct buf text, html;
	struct str unsubscribe_token;	/* "" without the way out */
};

static const char STYLE[] =
	"body{margin:0;padding:24px 12px;background:#f4f4f2;color:#22252a;"
	"font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\n"
	".card{max-width:560px;margin:0 auto;padding:28px 32px;"
	"background:#fff;border:1px solid #e2e2de;border-radius:10px}\n"
	".site{margin:0 0 4px;color:#6a6f76;font-size:14px}\n"
	"h1{margin:0 0 16px;font-size:21px;line-height:1.3;"
	"overflow-wrap:anywhere}\n"
	"p{margin:0 0 16px}\n"
	"a{color:#1f5fa8}\n"
	".button{display:inline-block;padding:10px 20px;border-radius:6px;"
	"background:#1f5fa8;color:#fff;text-decoration:none;font-weight:600}\n"
	"table{width:100%;margin:0 0 20px;border-collapse:collapse}\n"
	"th,td{padding:6px 12px 6px 0;text-align:left;vertical-align:top;"
	"border-bottom:1px solid #ecece8;overflow-wrap:anywhere}\n"
	"th{color:#6a6f76;font-weight:400;white-space:nowrap}\n"
	".number{padding-right:0;text-align:right;white-space:nowrap;"
	"font-variant-numeric:tabular-nums}\n"
	".count{width:1%}\n"
	".total{font-weight:600}\n"
	".small{margin:24px 0 0;color:#6a6f76;font-size:13px}\n"
	"@media (prefers-color-scheme:dark){\n"
	"body{background:#16181b;color:#e6e6e3}\n"
	".card{background:#1f2226;border-color:#33373c}\n"
	".site,th,.small{color:#9aa0a8}\n"
	"th,td{border-color:#2e3237}\n"
	"a{color:#8ab8f0}\n"
	".button{background:#3d7fcb;color:#fff}}\n";

static void say(struct draft *draft, const char *words)
{
	buf_printf(&draft->text, "%s\n\n", words);
	buf_printf(&draft->html, "<p>%s</p>\n", words);
}

static void title(struct draft *draft, const char *words, struct str subject)
{
	struct buf *text = &draft->text, *html = &draft->html;

	buf_printf(text, "%s%.*s\n\n", words, STR_ARG(subject));
	buf_printf(html, "<h1>%s<bdi>", words);
	buf_add_html(html, subject);
	buf_add_text(html, "</bdi></h1>\n");
}

/* A link that is the mail's purpose; `url` holds nothing HTML would mind. */
static void button(struct draft *draft, const char *words, struct str url)
{
	buf_printf(&draft->text, "%s:\n%.*s\n\n", words, STR_ARG(url));
	buf_add_text(&draft->html, "<p><a class=\"button\" href=\"");
	buf_add_html(&draft->html, url);
	buf_printf(&draft->html, "\">%s</a></p>\n", words);
}

static void fact(struct draft *draft, const char *label, struct str value)
{
	buf_printf(&draft->text, "  %-12s%.*s\n", label, STR_ARG(value));
	buf_printf(&draft->html, "<tr><th>%s</th><td dir=\"auto\">", label);
	buf_add_html(&draft->html, value);
	buf_add_text(&draft->html, "</td></tr>\n");
}

static struct str make_link(struct draft *draft, const char *path,
			    struct str rest)
{
	struct buf url;

	buf_init(&url, draft->arena, 4 * KIB);
	buf_printf(&url, "%s%s%.*s", draft->settings->site_url, path,
		   STR_ARG(rest));
	return buf_str(&url);
}

static struct str issue(struct draft *draft, enum link_purpose purpose,
			const char *subscriber_id, int64_t expires_ms)
{
	struct buf token;

	buf_init(&token, draft->arena, KIB);
	link_token_issue(purpose, subscriber_id, expires_ms,
			 draft->settings->secret, &token);
	return buf_str(&token);
}

static struct str format(struct draft *draft, const char *fmt, ...)
	PRINTF_LIKE(2, 3);
static struct str format(struct draft *draft, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return arena_str(draft->arena, str_from(text));
}

static void fill_confirm(struct draft *draft, const struct queued_mail *mail,
			 int64_t now_ms)
{
	struct str token = issue(draft, LINK_CONFIRM, mail->subscriber_id,
				 now_ms + CONFIRM_VALID_MS);

	draft->subject = STR("Please confirm: mails about deleted orders");
	title(draft, "Please confirm your subscription", STR(""));
	say(draft, "Somebody, most likely you, asked us to write to this "
		   "address whenever an order is deleted. We do so only once "
		   "you have confirmed it.");
	button(draft, "Confirm the subscription",
	       make_link(draft, "/confirm?token=", token));
	say(draft, "The link is valid for 48 hours.");
	say(draft, "If it was not you, ignore this mail: nothing happens, and "
		   "no more mails come.");
}

static void fill_already(struct draft *draft)
{
	draft->subject = STR("You are subscribed already");
	title(draft, "You are subscribed already", STR(""));
	say(draft, "Somebody, most likely you, asked us to write to this "
		   "address whenever an order is deleted. That is so already, "
		   "there is nothing to do.");
	say(draft, "If it was not you, ignore this mail: nothing has changed.");
}

/* "24 November 2026, 16:07 UTC" */
static struct str time_in_words(struct draft *draft, int64_t time_ms)
{
	static const char *const months[] = {
		"January", "February", "March", "April", "May", "June",
		"July", "August", "September", "October", "November",
		"December"
	};
	time_t seconds = time_ms / 1000;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return STR("");
	return format(draft, "%d %s %d, %02d:%02d UTC", tm.tm_mday,
		      months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
		      tm.tm_min);
}

static struct str amount(struct draft *draft, const struct order *order,
			 int64_t minor)
{
	char text[MONEY_TEXT_BYTES];
	int scale = currency_scale(order->currency);

	money_format(minor, scale < 0 ? 2 : scale, text);
	return arena_str(draft->arena, str_from(text));
}

static void add_line(struct draft *draft, const struct order *order,
		     const struct order_line *line)
{
	struct str name = mime_one_line(draft->arena, line->name,
					LIMIT_NAME_LENGTH);
	struct str sku = mime_one_line(draft->arena, line->sku,
				       LIMIT_SKU_LENGTH);
	struct str each = amount(draft, order, line->unit_price_minor), sum;
	struct buf *html = &draft->html;
	int64_t minor = 0;

	sum = money_add_line(&minor, line->unit_price_minor, line->quantity) ?
	      amount(draft, order, minor) : STR("");
	buf_printf(&draft->text, "  %lld × %.*s%s%.*s%s\n      ",
		   (long long)line->quantity, STR_ARG(name),
		   sku.len ? " (" : "", STR_ARG(sku), sku.len ? ")" : "");
	if (line->quantity > 1)
		buf_printf(&draft->text, "%.*s each, together ", STR_ARG(each));
	buf_printf(&draft->text, "%.*s\n", STR_ARG(sum));
	buf_printf(html, "<tr><td class=\"number count\">%lld&nbsp;×&nbsp;</td>"
		   "<td dir=\"auto\">", (long long)line->quantity);
	buf_add_html(html, name);
	if (sku.len) {
		buf_add_text(html, "<br><span class=\"site\">");
		buf_add_html(html, sku);
		buf_add_text(html, "</span>");
	}
	buf_printf(html, "</td><td class=\"number\">%.*s</td>"
		   "<td class=\"number\">%.*s</td></tr>\n", STR_ARG(each),
		   STR_ARG(sum));
}

static void add_lines(struct draft *draft, const struct order *order)
{
	size_t shown = order->line_count < LINES_SHOWN ? order->line_count :
							 LINES_SHOWN;
	struct str total = format(draft, "%.*s %s",
				  STR_ARG(amount(draft, order,
						 order->price_minor)),
				  order->currency);
	size_t i;

	buf_add_text(&draft->html, "<table>\n");
	for (i = 0; i < shown; i++)
		add_line(draft, order, &order->lines[i]);
	if (shown < order->line_count) {
		size_t rest = order->line_count - shown;

		buf_printf(&draft->text, "  and %zu more\n", rest);
		buf_printf(&draft->html, "<tr><td></td><td colspan=\"3\">"
			   "and %zu more</td></tr>\n", rest);
	}
	buf_printf(&draft->text, "  %-12s%.*s\n\n", "Total", STR_ARG(total));
	buf_printf(&draft->html, "<tr class=\"total\"><td colspan=\"2\">Total"
		   "</td><td class=\"number\" colspan=\"2\">%.*s</td></tr>\n"
		   "</table>\n", STR_ARG(total));
}

static void add_customer(struct draft *draft, const struct order *order)
{
	struct str name = mime_one_line(draft->arena, order->customer_name,
					LIMIT_NAME_LENGTH);
	struct str email = mime_one_line(draft->arena, order->customer_email,
					 LIMIT_EMAIL_BYTES);
	struct buf both;

	if (!name.len && !email.len)
		return;
	buf_init(&both, draft->arena, 2 * KIB);
	buf_add_str(&both, name);
	if (name.len && email.len)
		buf_add_text(&both, ", ");
	buf_add_str(&both, email);
	fact(draft, "Customer", buf_str(&both));
}

static void fill_deletion(struct draft *draft, const struct order *order,
			  int64_t deleted_ms)
{
	struct str description = mime_one_line(draft->arena,
					       order->description,
					       LIMIT_DESCRIPTION_LENGTH);
	struct str brief = mime_one_line(draft->arena, order->description,
					 NAME_LENGTH);

	draft->subject = format(draft, "Order deleted: %.*s", STR_ARG(brief));
	title(draft, "Order deleted: ", description);
	buf_add_text(&draft->html, "<table>\n");
	fact(draft, "Deleted", time_in_words(draft, deleted_ms));
	add_customer(draft, order);
	fact(draft, "Status", str_from(order_status_name(order->status)));
	fact(draft, "Order", str_from(order->id));
	buf_add_char(&draft->text, '\n');
	buf_add_text(&draft->html, "</table>\n");
	add_lines(draft, order);
	say(draft, "The order is not lost: it was archived as it was, and can "
		   "be restored.");
	button(draft, "See it in the archive",
	       make_link(draft, "/archive/", str_from(order->id)));
}

static void add_way_out(struct draft *draft)
{
	struct str url;

	if (!draft->unsubscribe_token.len)
		return;
	url = make_link(draft, "/unsubscribe?token=", draft->unsubscribe_token);
	buf_printf(&draft->text, "You get this because you subscribed to "
		   "mails about deleted orders.\nTo stop them:\n%.*s\n",
		   STR_ARG(url));
	buf_add_text(&draft->html, "<p class=\"small\">You get this because "
		     "you subscribed to mails about deleted orders. "
		     "<a href=\"");
	buf_add_html(&draft->html, url);
	buf_add_text(&draft->html, "\">Unsubscribe</a></p>\n");
}

static void begin(struct draft *draft)
{
	struct buf *html = &draft->html;

	buf_init(&draft->text, draft->arena, PART_BYTES);
	buf_init(html, draft->arena, PART_BYTES);
	buf_printf(&draft->text, "%.*s\n\n", STR_ARG(draft->site));
	buf_printf(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
		   "<meta charset=\"utf-8\">\n"
		   "<meta name=\"viewport\" content=\"width=device-width\">\n"
		   "<meta name=\"color-scheme\" content=\"light dark\">\n"
		   "<style>\n%s</style>\n</head>\n<body>\n"
		   "<div class=\"card\">\n<p class=\"site\">", STYLE);
	buf_add_html(html, draft->site);
	buf_add_text(html, "</p>\n");
}

static void fill(struct draft *draft, const struct queued_mail *mail,
		 const struct order *order, int64_t deleted_ms, int64_t now_ms)
{
	begin(draft);
	if (mail->kind != MAIL_CONFIRM)
		draft->unsubscribe_token = issue(draft, LINK_UNSUBSCRIBE,
						 mail->subscriber_id, 0);
	switch (mail->kind) {
	case MAIL_CONFIRM:
		fill_confirm(draft, mail, now_ms);
		break;
	case MAIL_ALREADY:
		fill_already(draft);
		break;
	case MAIL_DELETION:
		fill_deletion(draft, order, deleted_ms);
		break;
	}
	add_way_out(draft);
	buf_add_text(&draft->html, "</div>\n</body>\n</html>\n");
}

/* RFC 5322, 3.3; in English whatever the locale */
static void add_date(struct buf *to, int64_t now_ms)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = now_ms / 1000;
	struct tm tm = { .tm_mday = 1 };

	gmtime_r(&seconds, &tm);
	buf_printf(to, "Date: %.3s, %d %.3s %d %02d:%02d:%02d +0000\r\n",
		   days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
		   tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Printable, and nothing that would end the link where it stands. */
static bool is_link(const char *url)
{
	const char *at;

	for (at = url; *at; at++)
		if (*at <= 0x20 || *at >= 0x7f || strchr("<>\"\\", *at))
			return false;
	return at != url && at - url <= 512;
}

/* The host of the site as a dot-atom, which an IPv6 address is not. */
static struct str host_of(const char *url)
{
	const char *start = strstr(url, "://");
	struct str host;
	size_t i;

	start = start ? start + 3 : url;
	host = (struct str){ start, strcspn(start, "/:?#") };
	for (i = 0; i < host.len; i++)
		if (!(host.ptr[i] >= 'a' && host.ptr[i] <= 'z') &&
		    !(host.ptr[i] >= 'A' && host.ptr[i] <= 'Z') &&
		    !(host.ptr[i] >= '0' && host.ptr[i] <= '9') &&
		    host.ptr[i] != '-' && host.ptr[i] != '.')
			return STR("localhost");
	return host.len ? host : STR("localhost");
}

/* W3C Trace Context, 3.2 */
static bool is_traceparent(const char *text)
{
	return text && strlen(text) == 55 &&
	       strspn(text, "0123456789abcdef-") == 55;
}

static void add_list_headers(struct buf *to, struct draft *draft,
			     struct str host)
{
	struct str url = make_link(draft, "/api/unsubscribe?token=",
				   draft->unsubscribe_token);

	/* RFC 2919, RFC 2369, RFC 8058 */
	buf_printf(to, "List-Id: <order-deleted.%.*s>\r\n", STR_ARG(host));
	buf_printf(to, "List-Unsubscribe: <%.*s>\r\n", STR_ARG(url));
	buf_add_text(to, "List-Unsubscribe-Post: "
			 "List-Unsubscribe=One-Click\r\n");
}

static void add_part(struct buf *to, const struct queued_mail *mail,
		     const char *subtype, struct str content)
{
	buf_printf(to, "--=_%s\r\nContent-Type: text/%s; charset=utf-8\r\n"
		   "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
		   mail->id, subtype);
	mime_add_quoted_printable(to, content);
}

static void add_body(struct buf *to, const struct queued_mail *mail,
		     struct draft *draft)
{
	/* "=_" never occurs in quoted-printable (RFC 2045, 6.7). */
	buf_printf(to, "MIME-Version: 1.0\r\nContent-Type: "
		   "multipart/alternative;\r\n boundary=\"=_%s\"\r\n\r\n",
		   mail->id);
	add_part(to, mail, "plain", buf_str(&draft->text));
	add_part(to, mail, "html", buf_str(&draft->html));
	buf_printf(to, "--=_%s--\r\n", mail->id);
}

static void add_headers(struct buf *to, const struct queued_mail *mail,
			struct draft *draft, struct str name,
			struct str sender, const char *traceparent,
			int64_t now_ms)
{
	struct str host = host_of(draft->settings->site_url);

	mime_add_mailbox(to, "From",
			 mime_one_line(draft->arena, name, NAME_LENGTH),
			 sender);
	mime_add_mailbox(to, "To", STR(""), mail->address);
	mime_add_header(to, "Subject", draft->subject);
	add_date(to, now_ms);
	buf_printf(to, "Message-ID: <%s@%.*s>\r\n", mail->id, STR_ARG(host));
	/* RFC 3834, 5: no vacation notice shall answer. */
	buf_add_text(to, "Auto-Submitted: auto-generated\r\n");
	if (is_traceparent(traceparent))
		buf_printf(to, "traceparent: %s\r\n", traceparent);
	if (mail->kind == MAIL_DELETION)
		add_list_headers(to, draft, host);
}

bool mail_build(struct buf *to, const struct queued_mail *mail,
		const struct settings *settings, const char *from,
		const struct order *order, int64_t deleted_ms,
		const char *traceparent, int64_t now_ms, struct arena *arena,
		struct error *err)
{
	struct draft draft = { .settings = settings, .arena = arena };
	struct str name, sender;

	if (!mail_address_valid(mail->address))
		return error_set(err, ERROR_INVALID,
				 "The subscriber's address is not valid.");
	if (!mail_mailbox_parse(str_from(from), &name, &sender))
		return error_set(err, ERROR_INVALID,
				 "mailer.from is not a valid address.");
	if (!is_link(settings->site_url) || !uuid_is_valid(str_from(mail->id)))
		return error_cause(err, ERROR_INTERNAL,
				   "mail: site.url or the mail's id is not "
				   "valid");
	if (mail->kind == MAIL_DELETION && !order)
		return error_cause(err, ERROR_INTERNAL,
				   "mail %s: no order", mail->id);
	draft.site = mime_one_line(arena, str_from(settings->site_name),
				   NAME_LENGTH);
	fill(&draft, mail, order, deleted_ms, now_ms);
	add_headers(to, mail, &draft, name, sender, traceparent, now_ms);
	add_body(to, mail, &draft);
	if (!buf_ok(&draft.text) || !buf_ok(&draft.html) || !buf_ok(to))
		return error_cause(err, ERROR_INTERNAL,
				   "mail %s: longer than its buffer", mail->id);
	return true;
}

bool mail_build_text(struct str *ret_subject, struct str *ret_text,
		     const struct settings *settings,
		     const struct order *order, int64_t deleted_ms,
		     struct arena *arena, struct error *err)
{
	struct draft draft = { .settings = settings, .arena = arena };

	draft.site = mime_one_line(arena, str_from(settings->site_name),
				   NAME_LENGTH);
	begin(&draft);
	fill_deletion(&draft, order, deleted_ms);
	if (!buf_ok(&draft.text))
		return error_cause(err, ERROR_INTERNAL,
				   "mail of order %s: longer than its buffer",
				   order->id);
	*ret_subject = draft.subject;
	*ret_text = buf_str(&draft.text);
	return true;
}
