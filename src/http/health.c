/*
 * health.c: asks the opened ports how they are.
 */
#include "http/health.h"

#include "base/clock.h"
#include "base/limits.h"
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
		bool ok = ports->archive->ops->check(ports->archive, &err);

		add_dependency(to, "object_archive", ports->archive->ops->name,
			       ok, ok ? NULL : words(&err));
		all &= ok;
	}
	return all;
}

static struct waiting ask_waiting(const struct ports *ports)
{
	struct waiting ret = { 0 };
	struct error err;

	error_init(&err);
	ret.known = ports->deletions && ports->subscribers &&
		    ports->deletions->ops->stats(ports->deletions,
						 &ret.deletions, &err) &&
		    ports->subscribers->ops->stats(ports->subscribers,
						   &ret.mails, &err);
	return ret;
}

static bool is_clean(const struct waiting *waiting, int64_t now_ms)
{
	return waiting->deletions.dead == 0 && waiting->mails.dead == 0 &&
	       (waiting->deletions.oldest_open_ms == 0 ||
		now_ms - waiting->deletions.oldest_open_ms <=
			DELETION_SWEEP_MS);
}

static void add_waiting(struct buf *to, const struct waiting *waiting)
{
	char oldest[TIME_TEXT_BYTES];

	buf_printf(to, ",\"deletions\":{\"open\":%llu,\"oldest_at\":",
		   (unsigned long long)waiting->deletions.open);
	if (waiting->deletions.oldest_open_ms) {
		time_format(waiting->deletions.oldest_open_ms, oldest);
		buf_printf(to, "\"%s\"", oldest);
	} else {
		buf_add_text(to, "null");
	}
	buf_printf(to,
		   ",\"dead\":%llu},\"mails\":{\"waiting\":%llu,\"dead\":%llu}",
		   (unsigned long long)waiting->deletions.dead,
		   (unsigned long long)waiting->mails.waiting,
		   (unsigned long long)waiting->mails.dead);
}

bool health_measure(const struct ports *ports, const struct error *open_failure,
		    struct arena *arena, struct waiting *ret)
{
	struct buf unread;

	*ret = (struct waiting){ 0 };
	if (error_is_set(open_failure))
		return false;
	buf_init(&unread, arena, 4 * KIB);
	buf_add_char(&unread, '[');
	if (!check_all(&unread, ports))
		return false;
	*ret = ask_waiting(ports);
	return true;
}

void health_render(struct response *res, const struct ports *ports,
		   const struct error *open_failure, int64_t now_ms)
{
	struct buf *to = &res->body;
	bool ready = !error_is_set(open_failure);
	struct waiting waiting = { 0 };
	struct buf dependencies;

	buf_init(&dependencies, to->arena, 4 * KIB);
	buf_add_char(&dependencies, '[');
	if (ready)
		ready = check_all(&dependencies, ports);
	else
		add_dependency(&dependencies, "start", "", false,
			       words(open_failure));
	buf_add_char(&dependencies, ']');
	if (ready)
		waiting = ask_waiting(ports);

	buf_printf(to, "{\"status\":\"%s\",\"dependencies\":",
		   !ready ? "unavailable" :
		   is_clean(&waiting, now_ms) ? "ready" : "degraded");
	buf_add_str(to, buf_str(&dependencies));
	if (waiting.known)
		add_waiting(to, &waiting);
	buf_add_char(to, '}');
	if (ready)
		return;
	res->status = 503;
	response_header(res, "Retry-After", "1");
}
