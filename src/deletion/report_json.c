/*
 * report_json.c: {"id", "state", "done", "total", "url", …, "detail"}
 */
#include "deletion/report_json.h"

#include "base/clock.h"

#include "base/banned.h"

static bool add_link(struct object_archive *archive,
		     const struct settings *settings, const char *id,
		     const struct report_status *status, int64_t now_ms,
		     struct buf *to, struct error *err)
{
	const char *key = arena_printf(to->arena, "reports/%s.pdf", id);
	char expires_at[TIME_TEXT_BYTES];
	int64_t expires_ms;
	struct buf url;

	buf_init(&url, to->arena, 4 * KIB);
	if (!object_archive_presign(archive, str_from(key),
				    (struct str){ 0 }, now_ms,
				    settings->link_valid_s, &url, &expires_ms,
				    err))
		return false;
	time_format(expires_ms, expires_at);
	buf_add_text(to, ",\"url\":");
	buf_add_json(to, buf_str(&url));
	buf_printf(to,
		   ",\"expires_at\":\"%s\",\"sha256\":\"%s\",\"orders\":%llu,\"pages\":%llu",
		   expires_at, status->digest,
		   (unsigned long long)status->orders,
		   (unsigned long long)status->pages);
	return true;
}

bool report_to_json(struct object_archive *archive,
		    const struct settings *settings, const char *id,
		    const struct report_status *status, int64_t now_ms,
		    struct buf *to, struct error *err)
{
	buf_printf(to,
		   "{\"id\":\"%s\",\"state\":\"%s\",\"done\":%llu,\"total\":%llu",
		   id, report_state_name(status->state),
		   (unsigned long long)status->done,
		   (unsigned long long)status->total);
	if (status->state == REPORT_DONE &&
	    !add_link(archive, settings, id, status, now_ms, to, err))
		return false;
	buf_add_text(to, ",\"detail\":");
	buf_add_json(to, status->detail);
	buf_add_char(to, '}');
	return true;
}
