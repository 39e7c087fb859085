/*
 * keep_sweep.c: a deletion that is still pending after relay.sweep_after_s was
 * missed by the event path: archive_deleted_orders is asked to do the step.
 */
#include "base/json.h"
#include "base/log.h"
#include "http_client/http_client.h"
#include "relay/backoff.h"
#include "relay/keep.h"

#include "base/banned.h"

#define SWEEP_BASE_MS 1000
#define SWEEP_CAP_MS 10000

/* How many deletions failed; what is not understood counts as a failure. */
static uint64_t log_answer(struct str answer, struct arena *arena)
{
	static const char *const counts[] = { "examined", "archived",
					      "already_archived", "failed" };
	struct log_line line;
	struct json json;
	struct error ignored;
	uint64_t count = 1;

	error_init(&ignored);
	if (!json_parse(&json, answer, arena, &ignored) ||
	    json.kind != JSON_OBJECT)
		return 1;
	log_begin(&line, "info", "swept");
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct json member = json_member(json, counts[i]);

		if (member.kind != JSON_NUMBER ||
		    !str_to_uint(json_literal(member), INT64_MAX, &count))
			count = 1;
		log_int(&line, counts[i], (int64_t)count);
	}
	log_end(&line);
	return count;
}

static bool call_archive(struct keep *keep, struct arena *arena,
			 struct buf *answer, struct error *err)
{
	static const struct http_timeouts timeouts = {
		.connect_ms = 3000, .total_ms = 120000,
	};
	char *token CLEANUP(cleanup_free) = NULL;
	const char *headers[3] = { 0 };
	int status;

	if (!config_secret(keep->config, "relay.token_file", &token, err))
		return false;
	headers[0] = arena_printf(arena, "Authorization: Bearer %s", token);
	headers[1] = "Content-Type: application/json";
	if (!http_client_post(keep->client, keep->archive_url, headers,
			      STR("{}"), timeouts, &status, answer, err))
		return false;
	if (status != 200)
		return error_cause(err, ERROR_UNAVAILABLE, "%s answered %d",
				   keep->archive_url, status);
	return true;
}

/* Has archive_deleted_orders do what the event path did not do in time. */
static void sweep(struct keep *keep, struct turn *turn)
{
	struct error err;
	struct buf answer;
	uint64_t failed = 1;

	error_init(&err);
	buf_init(&answer, turn->arena, 64 * KIB);
	if (call_archive(keep, turn->arena, &answer, &err))
		failed = log_answer(buf_str(&answer), turn->arena);
	else
		log_say("warn", "sweep_failed", "%s", error_reason(&err));
	turn->progress = true;
	if (!failed)
		keep->sweeps_failed = 0;
	keep->sweep_at_ms = turn->due_ms +
			    backoff_limit_ms(keep->sweeps_failed,
					     SWEEP_BASE_MS, SWEEP_CAP_MS);
	keep->sweeps_failed += failed != 0;
}

bool keep_sweep(struct keep *keep, struct turn *turn,
			   struct error *err)
{
	struct deletion_page page;

	if (turn->due_ms < keep->sweep_at_ms)
		return true;
	if (!deletion_log_list(keep->log, DELETIONS_PENDING, NULL, 1,
			       turn->due_ms,
			       turn->now_ms - keep->sweep_after_ms,
			       turn->arena, &page, err))
		return false;
	if (page.count)
		sweep(keep, turn);
	else
		keep->sweeps_failed = 0;
	return true;
}
