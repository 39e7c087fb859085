/*
 * mail_message_test.c: does every mail say what a person needs, and can nothing
 * in an order change what it is?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "base/mail_syntax.h"
#include "mail/mail_message.h"
#include "order/link_token.h"

#include "base/banned.h"

#define NOW_MS 1795536460000ll	/* 2026-11-24T16:07:40Z */
#define MAIL "0193a5c0-0000-7000-8000-0000000000aa"
#define SUBSCRIBER "0193a5c0-0000-7000-8000-0000000000bb"
#define ORDER "0193a5c0-0000-7000-8000-0000000000cc"
#define TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static struct arena *arena;
static struct error err;
static struct settings settings;
static struct queued_mail mail;
static struct order_line lines[LIMIT_LINES];
static struct order order;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new("mail_message_test", 64 * MIB);
	error_init(&err);
	settings = (struct settings){
		.site_url = "https://desk.example.org",
		.site_name = "Order desk",
		.secret = STR("0123456789abcdef0123456789abcdef"),
	};
	mail = (struct queued_mail){
		.id = MAIL, .kind = MAIL_DELETION,
		.subscriber_id = SUBSCRIBER,
		.address = STR("reader@example.org"),
	};
	lines[0] = (struct order_line){ STR("SHOE-42"), STR("Running shoe"),
					2, 5990 };
	order = (struct order){
		.id = ORDER, .version = 3, .status = STATUS_CONFIRMED,
		.description = STR("red running shoes"),
		.customer_name = STR("Ada"),
		.customer_email = STR("ada@example.org"), .lines = lines,
		.line_count = 1, .currency = "EUR", .price_minor = 11980,
	};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static bool try_build(const char *from, size_t max_bytes, struct str *ret)
{
	struct buf message;
	bool built;

	buf_init(&message, arena, max_bytes);
	built = mail_build(&message, &mail, &settings, from, &order,
			   NOW_MS - 60000, TRACE, NOW_MS, arena, &err);
	*ret = buf_str(&message);
	return built;
}

static struct str build(void)
{
	struct str message;

	if (!try_build("Order desk <desk@example.org>", MIB, &message))
		fail_msg("%s %s", err.detail, err.cause);
	return message;
}

/* A header's value, unfolded; NULL when it is not there exactly once. */
static const char *header(struct str message, const char *name)
{
	const char *end = memmem(message.ptr, message.len, "\r\n\r\n", 4);
	char *head = arena_text(arena, (struct str){
		message.ptr, (size_t)(end + 2 - message.ptr) });
	char *needle = arena_printf(arena, "\r\n%s: ", name), *at, *to;

	head = arena_printf(arena, "\r\n%s", head);
	at = strstr(head, needle);
	if (!at || strstr(at + 2, needle))
		return NULL;
	at += strlen(needle);
	for (to = at; *at; at++) {
		if (at[0] == '\r' && at[1] == '\n') {
			if (at[2] != ' ')
				break;
			at++;
			continue;
		}
		*to++ = *at;
	}
	*to = '\0';
	return arena_text(arena, str_from(strstr(head, needle) +
					  strlen(needle)));
}

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* The decoded text of a part. */
static const char *part(struct str message, const char *type)
{
	char *all = arena_text(arena, message), *at, *to, *start;

	at = strstr(all, arena_printf(arena, "Content-Type: %s", type));
	assert_non_null(at);
	at = strstr(at, "\r\n\r\n") + 4;
	*strstr(at, "\r\n--=_") = '\0';
	for (start = to = at; *at; at++) {
		if (at[0] == '=' && at[1] == '\r') {
			at += 2;
		} else if (*at == '=') {
			*to++ = (char)(hex_digit(at[1]) << 4 |
				       hex_digit(at[2]));
			at += 2;
		} else if (*at != '\r') {
			*to++ = *at;
		}
	}
	*to = '\0';
	return start;
}

static void assert_in(const char *text, const char *part_of)
{
	if (!strstr(text, part_of))
		fail_msg("no \"%s\" in: %s", part_of, text);
}

static void assert_not_in(const char *text, const char *part_of)
{
	if (strstr(text, part_of))
		fail_msg("\"%s\" in: %s", part_of, text);
}

/* The token behind the first `prefix` of a text is good for `purpose`. */
static void assert_token(const char *text, const char *prefix,
			 enum link_purpose purpose, int64_t at_ms)
{
	const char *token = strstr(text, prefix);
	char subscriber[ORDER_ID_BYTES];

	assert_non_null(token);
	token += strlen(prefix);
	if (!link_token_check(purpose,
			      (struct str){ token, strcspn(token, "\n>\"") },
			      at_ms, settings.secret, arena, subscriber, &err))
		fail_msg("%s", err.detail);
	assert_string_equal(subscriber, SUBSCRIBER);
}

static void a_confirmation_has_a_link_that_is_good_for_48_hours(void **state)
{
	const char *link = "https://desk.example.org/confirm?token=";
	const char *text;
	char subscriber[ORDER_ID_BYTES];

	(void)state;
	mail.kind = MAIL_CONFIRM;
	text = part(build(), "text/plain");
	assert_in(text, "48 hours");
	assert_in(text, "ignore this mail");
	assert_token(text, link, LINK_CONFIRM, NOW_MS + 48 * 3600000ll - 1);
	assert_token(part(build(), "text/html"), link, LINK_CONFIRM, NOW_MS);
	text = strstr(text, link) + strlen(link);
	assert_false(link_token_check(LINK_CONFIRM,
				      (struct str){ text, strcspn(text, "\n") },
				      NOW_MS + 49 * 3600000ll, settings.secret,
				      arena, subscriber, &err));
}

static void a_mail_to_a_subscriber_says_that_nothing_changes(void **state)
{
	const char *text;

	(void)state;
	mail.kind = MAIL_ALREADY;
	text = part(build(), "text/plain");
	assert_in(text, "already");
	assert_not_in(text, "/confirm?");
	assert_token(text, "/unsubscribe?token=", LINK_UNSUBSCRIBE, NOW_MS);
}

static void a_deletion_says_what_was_deleted(void **state)
{
	static const char *const facts[] = {
		"red running shoes", "Ada", "ada@example.org", "confirmed",
		"Running shoe", "SHOE-42", "59.90", "119.80", "119.80 EUR",
		"24 November 2026, 16:06 UTC", ORDER, "archived",
		("https://desk.example.org/archive/" ORDER),
	};
	const char *text, *html;

	(void)state;
	text = part(build(), "text/plain");
	html = part(build(), "text/html");
	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		assert_in(text, facts[i]);
		assert_in(html, facts[i]);
	}
	assert_not_in(text, "{");
	assert_string_equal(header(build(), "Subject"),
			    "Order deleted: red running shoes");
}

static void a_deletion_can_be_unsubscribed_from(void **state)
{
	struct str message = build();

	(void)state;
	assert_token(header(message, "List-Unsubscribe"),
		     "<https://desk.example.org/api/unsubscribe?token=",
		     LINK_UNSUBSCRIBE, NOW_MS * 2);
	assert_string_equal(header(message, "List-Unsubscribe-Post"),
			    "List-Unsubscribe=One-Click");
	assert_string_equal(header(message, "List-Id"),
			    "<order-deleted.desk.example.org>");
	assert_token(part(message, "text/plain"),
		     "https://desk.example.org/unsubscribe?token=",
		     LINK_UNSUBSCRIBE, NOW_MS * 2);
}

static void only_a_deletion_has_the_headers_of_a_list(void **state)
{
	(void)state;
	mail.kind = MAIL_CONFIRM;
	assert_null(header(build(), "List-Unsubscribe"));
	assert_null(header(build(), "List-Id"));
	assert_not_in(part(build(), "text/plain"), "unsubscribe");
}

static void the_headers_are_complete(void **state)
{
	struct str message = build();

	(void)state;
	assert_string_equal(header(message, "From"),
			    "Order desk <desk@example.org>");
	assert_string_equal(header(message, "To"), "<reader@example.org>");
	assert_string_equal(header(message, "Date"),
			    "Tue, 24 Nov 2026 16:07:40 +0000");
	assert_string_equal(header(message, "Message-ID"),
			    "<" MAIL "@desk.example.org>");
	assert_string_equal(header(message, "Auto-Submitted"),
			    "auto-generated");
	assert_string_equal(header(message, "MIME-Version"), "1.0");
	assert_string_equal(header(message, "traceparent"), TRACE);
}

static void the_same_mail_is_the_same_bytes(void **state)
{
	struct str first = build();

	(void)state;
	assert_true(str_eq(first, build()));
}

static void lines_are_short_and_end_in_crlf(void **state)
{
	struct str message, line;
	char words[2001];

	(void)state;
	memset(words, 'x', sizeof(words));
	order.description = (struct str){ words, 500 };
	order.customer_name = (struct str){ words, 200 };
	message = build();
	assert_true(mail_message_canonical(message));
	while (str_next(&message, '\n', &line))
		if (line.len > 77 &&
		    !str_starts(line, STR("List-Unsubscribe: ")))
			fail_msg("%.*s", STR_ARG(line));
}

static void text_of_an_order_stays_in_its_place(void **state)
{
	struct str message;
	const char *text;

	(void)state;
	order.description = STR("x\r\nBcc: evil@example.org\r\n\r\n.\r\nPrice: 0");
	order.customer_name = STR("Ada\nTotal 0");
	lines[0].name = STR("a\r\n\r\n--=_" MAIL "--\r\n");
	message = build();
	assert_null(header(message, "Bcc"));
	assert_string_equal(header(message, "Subject"),
			    "Order deleted: x Bcc: evil@example.org . Price: 0");
	assert_true(mail_message_canonical(message));
	text = part(message, "text/plain");
	assert_not_in(text, "\nPrice:");
	assert_not_in(text, "\nTotal 0");
	assert_in(text, "Ada Total 0");
	/* the boundary occurs where we put it: twice, and once at the end */
	for (size_t i = 0, at = 0; i < 4; i++) {
		const char *found = memmem(message.ptr + at, message.len - at,
					   "\r\n--=_", 6);

		assert_true(i < 3 ? found != NULL : found == NULL);
		at = found ? (size_t)(found - message.ptr) + 6 : at;
	}
}

static void markup_is_text(void **state)
{
	const char *html;

	(void)state;
	order.description = STR("<script>alert(1)</script> & \"x\"");
	lines[0].name = STR("</table><b>");
	settings.site_name = "<i>Desk</i>";
	html = part(build(), "text/html");
	assert_not_in(html, "<script");
	assert_not_in(html, "</table><b>");
	assert_not_in(html, "<i>");
	assert_in(html, "&lt;script&gt;alert(1)&lt;/script&gt; &amp; ");
	assert_in(part(build(), "text/plain"), "<script>alert(1)</script>");
}

static void other_scripts_are_encoded_words_in_headers(void **state)
{
	const char *subject;
	struct str words, word, decoded;
	struct buf text;

	(void)state;
	order.description = STR("größe 42, 日本語のとても長い説明文がここにあります、"
				"そしてまだ続きます");
	subject = header(build(), "Subject");
	buf_init(&text, arena, KIB);
	words = str_from(subject);
	while (str_next(&words, ' ', &word)) {
		assert_true(word.len <= 75);
		assert_true(str_starts(word, STR("=?utf-8?B?")));
		assert_true(base64_decode((struct str){ word.ptr + 10,
							word.len - 12 },
					  arena, &decoded));
		assert_true(utf8_valid(decoded));
		buf_add_str(&text, decoded);
	}
	assert_in(text.ptr, "Order deleted: größe 42, 日本語のとても長い説明文が");
}

static void what_looks_encoded_is_encoded(void **state)
{
	(void)state;
	order.description = STR("=?utf-8?B?QmNjOg==?=");
	assert_not_in(header(build(), "Subject"), "=?utf-8?B?QmNjOg==?=");
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
	(void)state;
	settings.site_name = "D\xff\xc3sk";
	assert_in(part(build(), "text/plain"), "D\xef\xbf\xbd\xef\xbf\xbdsk");
}

static void a_name_with_specials_is_quoted(void **state)
{
	struct str message;

	(void)state;
	assert_true(try_build("Desk, \"A\" <desk@example.org>", MIB,
			      &message));
	assert_string_equal(header(message, "From"),
			    "\"Desk, \\\"A\\\"\" <desk@example.org>");
	assert_true(try_build("Büro <desk@example.org>", MIB, &message));
	assert_string_equal(header(message, "From"),
			    "=?utf-8?B?QsO8cm8=?= <desk@example.org>");
	assert_true(try_build("desk@localhost", MIB, &message));
	assert_string_equal(header(message, "From"), "<desk@localhost>");
}

static void two_hundred_lines_are_cut(void **state)
{
	const char *text;

	(void)state;
	for (size_t i = 0; i < LIMIT_LINES; i++)
		lines[i] = (struct order_line){ STR("S"), STR("thing"), 1, 1 };
	order.line_count = LIMIT_LINES;
	text = part(build(), "text/plain");
	assert_in(text, "and 160 more");
	assert_in(part(build(), "text/html"), "and 160 more");
}

static void an_order_may_have_neither_lines_nor_customer(void **state)
{
	(void)state;
	order.line_count = 0;
	order.customer_name = order.customer_email = STR("");
	assert_in(part(build(), "text/plain"), "119.80 EUR");
	assert_not_in(part(build(), "text/plain"), "Customer");
}

static void a_site_without_a_name_has_a_host_all_the_same(void **state)
{
	(void)state;
	settings.site_url = "http://[::1]:8080";
	assert_string_equal(header(build(), "Message-ID"),
			    "<" MAIL "@localhost>");
	settings.site_url = "http://127.0.0.1:8080";
	assert_string_equal(header(build(), "List-Id"),
			    "<order-deleted.127.0.0.1>");
}

static void assert_refused(const char *from, enum error_code code)
{
	struct str message;

	error_init(&err);
	assert_false(try_build(from, MIB, &message));
	assert_int_equal(err.code, code);
}

static void a_bad_address_is_refused(void **state)
{
	(void)state;
	assert_refused("Desk\r\nBcc: a@b <desk@example.org>", ERROR_INVALID);
	assert_refused("", ERROR_INVALID);
	mail.address = STR("reader@example.org\r\nBcc: a@b");
	assert_refused("desk@example.org", ERROR_INVALID);
	mail.address = STR("reader@example.org>, <a@b");
	assert_refused("desk@example.org", ERROR_INVALID);
	mail.address = (struct str){ NULL, 0 };
	assert_refused("desk@example.org", ERROR_INVALID);
}

static void what_would_break_a_header_is_refused(void **state)
{
	(void)state;
	settings.site_url = "https://a/>\r\nBcc: b@c";
	assert_refused("desk@example.org", ERROR_INTERNAL);
	settings.site_url = "https://desk.example.org";
	memcpy(mail.id, "x\r\n", 4);
	assert_refused("desk@example.org", ERROR_INTERNAL);
}

static void a_bad_traceparent_is_left_out(void **state)
{
	struct buf message;

	(void)state;
	buf_init(&message, arena, MIB);
	assert_true(mail_build(&message, &mail, &settings, "a@b", &order,
			       NOW_MS, "00-\r\nBcc: a@b", NOW_MS, arena,
			       &err));
	assert_null(header(buf_str(&message), "traceparent"));
	assert_null(header(buf_str(&message), "Bcc"));
}

static void a_buffer_that_is_too_small_is_an_error(void **state)
{
	struct str message;

	(void)state;
	assert_false(try_build("desk@example.org", 2 * KIB, &message));
	assert_int_equal(err.code, ERROR_INTERNAL);
}

static void a_deletion_without_its_order_is_an_error(void **state)
{
	struct buf message;

	(void)state;
	buf_init(&message, arena, MIB);
	assert_false(mail_build(&message, &mail, &settings, "a@b", NULL, 0,
				"", NOW_MS, arena, &err));
	assert_int_equal(err.code, ERROR_INTERNAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_confirmation_has_a_link_that_is_good_for_48_hours),
		TEST(a_mail_to_a_subscriber_says_that_nothing_changes),
		TEST(a_deletion_says_what_was_deleted),
		TEST(a_deletion_can_be_unsubscribed_from),
		TEST(only_a_deletion_has_the_headers_of_a_list),
		TEST(the_headers_are_complete),
		TEST(the_same_mail_is_the_same_bytes),
		TEST(lines_are_short_and_end_in_crlf),
		TEST(text_of_an_order_stays_in_its_place),
		TEST(markup_is_text),
		TEST(other_scripts_are_encoded_words_in_headers),
		TEST(what_looks_encoded_is_encoded),
		TEST(bytes_that_are_not_utf8_are_replaced),
		TEST(a_name_with_specials_is_quoted),
		TEST(two_hundred_lines_are_cut),
		TEST(an_order_may_have_neither_lines_nor_customer),
		TEST(a_site_without_a_name_has_a_host_all_the_same),
		TEST(a_bad_address_is_refused),
		TEST(what_would_break_a_header_is_refused),
		TEST(a_bad_traceparent_is_left_out),
		TEST(a_buffer_that_is_too_small_is_an_error),
		TEST(a_deletion_without_its_order_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
