/*
 * report_request.c: the members of the body, each by its rules.
 */
#include "deletion/report_request.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "order/text.h"
#include "base/banned.h"

#define TITLE_LENGTH 200u
#define NOON_TOMORROW_MS (36ll * 3600 * 1000)

static bool read_text(struct json body, const char *name, const char *pointer,
		      struct str *ret, struct error *err)
{
	struct json member = json_member(body, name);

	*ret = (struct str){ 0 };
	if (member.kind == JSON_ABSENT || member.kind == JSON_NULL)
		return true;
	if (member.kind != JSON_STRING)
		return error_item(err, pointer, "wrong_type", "Send text.");
	*ret = json_string(member);
	return true;
}

/* First instant of a local day or, for "to", which is inclusive, of the next
 * one. */
static bool read_day(struct json body, const char *name, const char *pointer,
		     const char *zone, bool next, int64_t *ret_ms,
		     struct error *err)
{
	int year, month, day;
	struct str text;

	if (!read_text(body, name, pointer, &text, err))
		return false;
	if (!text.ptr)
		return true;
	if (!date_parse(text, &year, &month, &day) ||
	    !time_of_local_day(zone, year, month, day, ret_ms))
		return error_item(err, pointer, "invalid",
				  "Send a day such as 2026-11-24.");
	if (!next)
		return true;
	local_day_of(zone, *ret_ms + NOON_TOMORROW_MS, &year, &month, &day);
	if (!time_of_local_day(zone, year, month, day, ret_ms))
		*ret_ms = INT64_MAX;
	return true;
}

static bool read_title(struct json body, struct arena *arena, struct str *ret,
		       struct error *err)
{
	if (!read_text(body, "title", "/title", ret, err))
		return false;
	*ret = ret->ptr ? text_trim(*ret) : STR("");
	if (utf8_length(*ret) > TITLE_LENGTH)
		return error_item(err, "/title", "too_long",
				  "At most %u characters.", TITLE_LENGTH);
	if (text_bad_character(*ret, false))
		return error_item(err, "/title", "control_character",
				  "Write the title in one line of plain text.");
	*ret = arena_str(arena, *ret);
	return true;
}

static bool read_zone(struct json body, struct arena *arena, const char **ret,
		      struct error *err)
{
	struct str zone;

	if (!read_text(body, "tz", "/tz", &zone, err))
		return false;
	if (!zone.ptr)
		return true;
	*ret = arena_text(arena, zone);
	if (strlen(*ret) != zone.len || !zone_is_known(*ret))
		return error_item(err, "/tz", "invalid",
				  "Send an IANA time zone such as Europe/Berlin.");
	return true;
}

bool report_request_from_json(struct report_request *ret, struct str text,
			      int64_t now_ms, struct arena *arena,
			      struct error *err)
{
	static const char *const names[] = {
		"from", "to", "tz", "title", NULL
	};
	struct json body = { .kind = JSON_ABSENT };

	*ret = (struct report_request){ .from_ms = INT64_MIN,
					.to_ms = INT64_MAX, .zone = "UTC",
					.now_ms = now_ms };
	uuid7(now_ms, ret->id);
	if (text.len > 0 && !json_parse_object(&body, text, names, arena, err))
		return false;
	if (!read_zone(body, arena, &ret->zone, err) ||
	    !read_day(body, "from", "/from", ret->zone, false, &ret->from_ms,
		      err) ||
	    !read_day(body, "to", "/to", ret->zone, true, &ret->to_ms, err) ||
	    !read_title(body, arena, &ret->title, err))
		return false;
	if (ret->from_ms >= ret->to_ms)
		return error_item(err, "/to", "out_of_range",
				  "The last day must not be before the first.");
	return true;
}
