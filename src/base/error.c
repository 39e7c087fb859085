/*
 * error.c: the first failure, kept; and the table of problem types.
 */
#include "base/error.h"

#include <stdarg.h>

#include "base/banned.h"

static const struct error_kind kinds[ERROR_CODE_COUNT] = {
	[ERROR_NONE] = { ERROR_NONE, 200, "none", "No error", "" },
#define X(code, status, slug, title, detail) \
	[ERROR_##code] = { ERROR_##code, status, slug, title, detail },
	ERROR_KINDS(X)
#undef X
};

const struct error_kind *error_kind(enum error_code code)
{
	if ((unsigned)code >= ERROR_CODE_COUNT)
		code = ERROR_INTERNAL;
	return &kinds[code];
}

void error_init(struct error *err)
{
	err->code = ERROR_NONE;
	err->detail[0] = '\0';
	err->cause[0] = '\0';
	err->etag[0] = '\0';
	err->link[0] = '\0';
	err->retry_after_s = 0;
	err->item_count = 0;
}

/*
 * These texts go into JSON: a character cut in half at the end goes, and what
 * is not UTF-8 becomes '?'.
 */
static void make_valid(char *text)
{
	size_t len = strlen(text);

	if (utf8_valid((struct str){ text, len }))
		return;
	for (size_t back = 1; back <= 3 && back < len; back++) {
		if (utf8_valid((struct str){ text, len - back })) {
			text[len - back] = '\0';
			return;
		}
	}
	for (; *text; text++) {
		if ((unsigned char)*text >= 0x80)
			*text = '?';
	}
}

__attribute__((format(printf, 3, 0)))
static void format(char *to, size_t size, const char *fmt, va_list args)
{
	if (vsnprintf(to, size, fmt, args) < 0)
		to[0] = '\0';
	make_valid(to);
}

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
	make_valid(to);
}

bool error_set(struct error *err, enum error_code code, const char *detail_fmt,
	       ...)
{
	va_list args;

	if (error_is_set(err))
		return false;
	err->code = code;
	va_start(args, detail_fmt);
	format(err->detail, sizeof(err->detail), detail_fmt, args);
	va_end(args);
	if (!err->detail[0])
		copy(err->detail, sizeof(err->detail),
		     error_kind(code)->detail);
	return false;
}

bool error_cause(struct error *err, enum error_code code, const char *cause_fmt,
		 ...)
{
	va_list args;

	if (error_is_set(err))
		return false;
	err->code = code;
	copy(err->detail, sizeof(err->detail), error_kind(code)->detail);
	va_start(args, cause_fmt);
	format(err->cause, sizeof(err->cause), cause_fmt, args);
	va_end(args);
	return false;
}

bool error_item(struct error *err, const char *pointer, const char *code,
		const char *detail_fmt, ...)
{
	struct error_item *item;
	va_list args;

	if (!error_is_set(err)) {
		err->code = ERROR_INVALID;
		err->item_count = 0;
	}
	if (err->code != ERROR_INVALID || err->item_count == ERROR_MAX_ITEMS)
		return false;
	item = &err->items[err->item_count++];
	copy(item->pointer, sizeof(item->pointer), pointer);
	copy(item->code, sizeof(item->code), code);
	va_start(args, detail_fmt);
	format(item->detail, sizeof(item->detail), detail_fmt, args);
	va_end(args);
	if (err->item_count == 1)
		snprintf(err->detail, sizeof(err->detail), "%s: %s",
			 item->pointer[0] ? item->pointer : "/", item->detail);
	return false;
}

const char *error_reason(const struct error *err)
{
	if (err->cause[0])
		return err->cause;
	return err->detail[0] ? err->detail : error_kind(err->code)->title;
}
