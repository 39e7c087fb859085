/*
 * keep.c: housekeeping, once a second and after mails went out: close what is
 * finished, keep the database in shape; and, in a process of its own since it
 * may take seconds, sweep what was missed.
 */
#include "relay/keep.h"

#include "http_client/http_client.h"

#include "base/banned.h"

#define MAINTAIN_EVERY_MS 1000

bool keep_turn(struct keep *keep, struct turn *turn, struct error *err)
{
	if (!keep_close_page(keep, turn, err))
		return false;
	keep_issuer_keys(keep, turn);
	if (turn->due_ms < keep->maintain_at_ms)
		return true;
	keep->maintain_at_ms = turn->due_ms + MAINTAIN_EVERY_MS;
	return database_maintain(keep->database, turn->now_ms, err);
}

static void keep_close(void *job)
{
	struct keep *keep = job;

	http_client_close(keep->client);
	object_archive_close(keep->archive);
	deletion_log_close(keep->log);
	database_close(keep->database);
	free(keep->archive_url);
}

static bool set_archive_url(struct keep *keep, const struct config *config,
			    struct error *err)
{
	const char *url = config_text(config, "relay.archive_url");

	if (asprintf(&keep->archive_url, "%s%s",
		     url[0] ? url : config_text(config, "site.url"),
		     url[0] ? "" : "/api/archive") >= 0)
		return true;
	keep->archive_url = NULL;
	return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
}

static bool keep_open(void **ret, const struct config *config,
		      struct error *err)
{
	static struct keep the_keep;	/* one in a process */
	struct keep *keep = &the_keep;

	keep->config = config;
	keep->sweep_after_ms = config_int(config, "relay.sweep_after_s") * 1000;
	if (set_archive_url(keep, config, err) &&
	    database_open(&keep->database, config, false, err) &&
	    deletion_log_open(&keep->log, keep->database, config, err) &&
	    object_archive_open(&keep->archive, config, err) &&
	    http_client_open(&keep->client, err)) {
		*ret = keep;
		return true;
	}
	keep_close(keep);
	return false;
}

static bool keep_take(void *job, struct turn *turn, struct error *err)
{
	return keep_turn(job, turn, err);
}

static bool sweep_take(void *job, struct turn *turn, struct error *err)
{
	return keep_sweep(job, turn, err);
}

const struct turn_job sweep_job = {
	.name = "sweep", .tick_ms = 1000,
	.open = keep_open, .take = sweep_take, .close = keep_close,
};

const struct turn_job keep_job = {
	.name = "keep", .tick_ms = 1000,
	.open = keep_open, .take = keep_take, .close = keep_close,
};
