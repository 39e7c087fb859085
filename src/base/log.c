/*
 * log.c: logfmt lines on standard error, one write(2) each.
 *
 * Nothing a client sends can start a line, end a value or reach a terminal as
 * a control: quotes, controls and broken UTF-8 are escaped. A long value is
 * cut, so that the fields behind it still have room.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>

#include "base/clock.h"

#include "base/banned.h"

#define VALUE_MAX_BYTES 600u
/* One escape, the mark of a cut value, the quote and the newline. */
#define RESERVE_BYTES 16u

static const char *process_name = "ordermill";
static char held[32 * KIB];
static size_t held_bytes;
static bool holding;

void log_open(const char *name)
{
	process_name = name;
}

static void put(struct log_line *line, const char *text, size_t bytes)
{
	if (bytes < sizeof(line->text) - RESERVE_BYTES - line->len) {
		memcpy(line->text + line->len, text, bytes);
		line->len += bytes;
	}
}

static bool is_plain(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
			return false;
	}
	return value.len > 0;
}

/* Controls by Unicode, and the two line separators. */
static bool is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0) ||
	       point == 0x2028 || point == 0x2029 ||
	       (point >= 0x202a && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069);
}

/* One character of `value` at `*at`, escaped; returns the length of `ret`. */
static size_t escape(const char **at, const char *end, char ret[8])
{
	const char *from = *at;
	uint32_t point = utf8_next(at, end);
	size_t bytes = (size_t)(*at - from);

	if (point == 0xfffd && bytes == 1)
		return (size_t)snprintf(ret, 8, "\\x%02x",
					(unsigned)(unsigned char)*from);
	if (point == '\n')
		return (size_t)snprintf(ret, 8, "\\n");
	if (point == '"' || point == '\\')
		return (size_t)snprintf(ret, 8, "\\%c", (char)point);
	if (is_control(point))
		return (size_t)snprintf(ret, 8, "\\u%04x", (unsigned)point);
	memcpy(ret, from, bytes);
	return bytes;
}

static void put_quoted(struct log_line *line, struct str value)
{
	const char *at = value.ptr, *end = value.ptr + value.len;
	size_t stop = line->len + VALUE_MAX_BYTES;

	if (stop > sizeof(line->text) - 2 * RESERVE_BYTES)
		stop = sizeof(line->text) - 2 * RESERVE_BYTES;
	line->text[line->len++] = '"';
	while (at < end) {
		char escaped[8];

		if (line->len >= stop) {
			memcpy(line->text + line->len, "\u2026", 3);
			line->len += 3;
			break;
		}
		put(line, escaped, escape(&at, end, escaped));
	}
	line->text[line->len++] = '"';
}

/* False: a full line takes no further field. */
static bool put_key(struct log_line *line, const char *key)
{
	size_t key_bytes = strlen(key);

	if (line->len + key_bytes + 3 * RESERVE_BYTES > sizeof(line->text))
		return false;
	if (line->len)
		put(line, " ", 1);
	put(line, key, key_bytes);
	put(line, "=", 1);
	return true;
}

void log_str(struct log_line *line, const char *key, struct str value)
{
	if (!value.ptr)
		value = STR("");
	if (!put_key(line, key))
		return;
	if (value.len < VALUE_MAX_BYTES && is_plain(value) &&
	    value.len + 3 * RESERVE_BYTES < sizeof(line->text) - line->len)
		put(line, value.ptr, value.len);
	else
		put_quoted(line, value);
}

void log_text(struct log_line *line, const char *key, const char *value)
{
	log_str(line, key, str_from(value));
}

void log_int(struct log_line *line, const char *key, int64_t value)
{
	char text[24], *at = text + sizeof(text);
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do {
		*--at = (char)('0' + rest % 10);
	} while (rest /= 10);
	if (value < 0)
		*--at = '-';
	if (put_key(line, key))
		put(line, at, (size_t)(text + sizeof(text) - at));
}

void log_begin(struct log_line *line, const char *level, const char *event)
{
	char now[TIME_TEXT_BYTES];

	line->len = 0;
	time_format(clock_now_ms(), now);
	log_text(line, "op", process_name);
	if (put_key(line, "time"))
		put(line, now, strlen(now));
	log_text(line, "level", level);
	log_text(line, "event", event);
}

static void put_out(const char *text, size_t bytes)
{
	ssize_t written;

	do {
		written = write(STDERR_FILENO, text, bytes);
	} while (written < 0 && errno == EINTR);
}

void log_hold(void)
{
	holding = true;
}

void log_release(void)
{
	if (held_bytes > 0)
		put_out(held, held_bytes);
	held_bytes = 0;
	holding = false;
}

void log_end(struct log_line *line)
{
	line->text[line->len++] = '\n';
	if (!holding) {
		put_out(line->text, line->len);
	} else {
		if (line->len > sizeof(held) - held_bytes) {
			put_out(held, held_bytes);
			held_bytes = 0;
		}
		memcpy(held + held_bytes, line->text, line->len);
		held_bytes += line->len;
	}
	line->len = 0;
}

void log_say(const char *level, const char *event, const char *fmt, ...)
{
	struct log_line line;
	char text[1024];
	va_list args;

	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = '\0';
	va_end(args);
	log_begin(&line, level, event);
	log_text(&line, "message", text);
	log_end(&line);
}
