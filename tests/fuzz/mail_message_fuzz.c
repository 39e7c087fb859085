/*
 * mail_message_fuzz.c: any text in any place of a mail.
 *
 * The first byte chooses the kind; fields are separated by NUL. What is built
 * has whole lines, only our headers, each once, and just two parts.
 */
#include "base/mail_syntax.h"
#include "mail/mail_message.h"

#include "base/banned.h"

#define ID "0193a5c0-0000-7000-8000-0000000000aa"
#define NOW_MS 1795536460000ll

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "mail_message_fuzz: %s\n", what);
	abort();
}

static struct str next(struct str *rest)
{
	struct str field;

	return str_next(rest, '\0', &field) ? field : STR("");
}

static void check_headers(struct str head)
{
	static const char *const names[] = {
		"From", "To", "Subject", "Date", "Message-ID",
		"Auto-Submitted", "traceparent", "List-Id",
		"List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version",
		"Content-Type",
	};
	unsigned seen = 0;
	struct str line;

	while (str_next(&head, '\n', &line)) {
		struct str name = { line.ptr, 0 };
		unsigned i;

		for (i = 0; i + 1 < line.len; i++)
			check(line.ptr[i] >= 0x20 && line.ptr[i] <= 0x7e,
			      "a header is not printable");
		if (!line.len || line.ptr[0] == ' ')
			continue;
		while (name.len < line.len && line.ptr[name.len] != ':')
			name.len++;
		for (i = 0; i < ARRAY_LEN(names); i++)
			if (str_is(name, names[i]))
				break;
		check(i < ARRAY_LEN(names), "a header that is not ours");
		check(!(seen & 1u << i), "a header twice");
		seen |= 1u << i;
	}
}

static void check_message(struct str message)
{
	const char *end = memmem(message.ptr, message.len, "\r\n\r\n", 4);
	const char *at = message.ptr;
	size_t boundaries = 0;

	check(mail_message_canonical(message), "not canonical");
	check(end != NULL, "no end of the headers");
	check_headers((struct str){ message.ptr,
				    (size_t)(end + 1 - message.ptr) });
	for (;; boundaries++) {
		at = memmem(at, (size_t)(message.ptr + message.len - at),
			    "\r\n--=_" ID, 42);
		if (!at++)
			break;
	}
	check(boundaries == 3, "not two parts");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	CLEANUP(cleanup_arena) struct arena *arena =
		arena_new("fuzz", 64 * MIB);
	struct str rest = { (const char *)data, bytes };
	struct settings settings = {
		.secret = STR("0123456789abcdef0123456789abcdef"),
	};
	struct queued_mail mail = { .id = ID, .subscriber_id = ID };
	struct order_line line = { .quantity = 3, .unit_price_minor = 5 };
	struct order order = { .id = ID, .lines = &line, .line_count = 1,
			       .currency = "EUR", .price_minor = 15 };
	const char *from, *trace;
	struct error err;
	struct buf message;

	if (!bytes)
		return 0;
	error_init(&err);
	mail.kind = data[0] % 3;
	rest.ptr++;
	rest.len--;
	mail.address = next(&rest);
	from = arena_text(arena, next(&rest));
	settings.site_url = arena_text(arena, next(&rest));
	settings.site_name = arena_text(arena, next(&rest));
	trace = arena_text(arena, next(&rest));
	order.description = next(&rest);
	order.customer_name = next(&rest);
	order.customer_email = next(&rest);
	line.sku = next(&rest);
	line.name = next(&rest);
	buf_init(&message, arena, 4 * MIB);
	if (mail_build(&message, &mail, &settings, from, &order, NOW_MS, trace,
		       NOW_MS, arena, &err))
		check_message(buf_str(&message));
	else
		check(error_is_set(&err), "no error");
	return 0;
}
