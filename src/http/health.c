/*
 * health.c: asks the opened ports how they are.
 */
#include "http/health.h"

#include "base/clock.h"
#include "base/banned.h"

static void add_dependency(struct buf *to, const char *name,
			   const char *adapter, bool ok, const char *detail)
{
	if (to->ptr[to->len - 1] == '}')
		buf_add_char(to, ',');
	buf_printf(to,
		   "{\"name\":\"%s\",\"adapter\":\"%s\",\"status\":\"%s\",\"detail\":",
		   name, adapter, ok ? "ok" : "failed");
	if (ok)
		buf_add_text(to, "null}");
	else {
		buf_add_json(to, str_from(detail));
		buf_add_char(to, '}');
	}
}

static const char *words(const struct error *err)
{
	return error_kind(err->code)->title;
}

static bool check_all(struct buf *to, const struct ports *ports)
{
	bool all = true;
	struct error err;

	if (ports->database) {
		error_init(&err);
		bool ok = database_check(ports->database, &err);

		add_dependency(to, "database", ports->database->ops->name, ok,
			       ok ? NULL : words(&err));
		all &= ok;
	}
	if (ports->archive) {
		error_init(&err);
		bool ok = object_archive_check(ports->archive, &err);

		add_dependency(to, "object_archive", ports->archive->ops->name,
			       ok, ok ? NULL : words(&err));
		all &= ok;
	}
	return all;
}

static bool add_stats(struct buf *to, const struct ports *ports)
{
	struct deletion_stats deletions = { 0 };
	struct mail_stats mails = { 0 };
	char oldest[TIME_TEXT_BYTES];
	struct error err;

	error_init(&err);
	if (ports->deletions &&
	    deletion_log_stats(ports->deletions, &deletions, &err)) {
		buf_printf(to, ",\"deletions\":{\"open\":%llu,\"oldest_at\":",
			   (unsigned long long)deletions.open);
		if (deletions.oldest_open_ms) {
			time_format(deletions.oldest_open_ms, oldest);
			buf_printf(to, "\"%s\"", oldest);
		} else {
			buf_add_text(to, "null");
		}
		buf_printf(to, ",\"dead\":%llu}",
			   (unsigned long long)deletions.dead);
	}
	error_init(&err);
	if (ports->subscribers &&
	    subscriber_list_stats(ports->subscribers, &mails, &err))
		buf_printf(to, ",\"mails\":{\"waiting\":%llu,\"dead\":%llu}",
			   (unsigned long long)mails.waiting,
			   (unsigned long long)mails.dead);
	return deletions.dead == 0 && mails.dead == 0;
}

void health_render(struct response *res, const struct ports *ports,
		   const struct error *open_failure)
{
	struct buf *to = &res->body;
	struct buf dependencies;
	bool ready = !error_is_set(open_failure), clean = true;

	buf_init(&dependencies, to->arena, 4 * KIB);
	buf_add_char(&dependencies, '[');
	if (ready)
		ready = check_all(&dependencies, ports);
	else
		add_dependency(&dependencies, "start", "", false,
			       words(open_failure));
	buf_add_char(&dependencies, ']');

	struct buf stats;
	buf_init(&stats, to->arena, 4 * KIB);
	buf_add_text(&stats, "");
	if (ready)
		clean = add_stats(&stats, ports);
	res->status = ready ? 200 : 503;
	buf_printf(to, "{\"status\":\"%s\",\"dependencies\":",
		   !ready ? "unavailable" : clean ? "ready" : "degraded");
	buf_add_str(to, buf_str(&dependencies));
	buf_add_str(to, buf_str(&stats));
	buf_add_char(to, '}');
	if (!ready)
		response_header(res, "Retry-After", "1");
}
