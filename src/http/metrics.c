/*
 * metrics.c: one family of metrics after the other, each over all programs:
 * the format wants a family's lines together.
 */
#include "http/metrics.h"

#include <sys/stat.h>

#include "base/counters.h"
#include "base/banned.h"

static const char *folder;
static const char *last_backup;

struct programs {
	struct counters_copy *list;
	size_t count;
};

void metrics_open(const struct config *config)
{
	folder = config_text(config, "metrics.directory");
	/* AWS's stores keep backups of their own: "never" would be an alarm. */
	last_backup = NULL;
	if (!strcmp(config_text(config, "database.adapter"), "sqlite") &&
	    !strcmp(config_text(config, "object_archive.adapter"),
		    "directory"))
		last_backup = config_text(config, "backup.last_file");
}

static void begin(struct buf *to, const char *name, const char *type,
		  const char *help)
{
	buf_printf(to, "# HELP ordermill_%s %s\n# TYPE ordermill_%s %s\n", name,
		   help, name, type);
}

static void add_gauge(struct buf *to, const char *name, const char *help,
		      int64_t value)
{
	begin(to, name, "gauge", help);
	buf_printf(to, "ordermill_%s %lld\n", name, (long long)value);
}

/* The relay answers nobody. */
static bool answers(const struct counters_copy *program)
{
	return strcmp(program->name, "relay") != 0;
}

static void add_requests(struct buf *to, const struct programs *programs)
{
	begin(to, "requests_total", "counter",
	      "Requests answered, by class of status.");
	for (size_t i = 0; i < programs->count; i++) {
		const struct counters_copy *program = &programs->list[i];

		for (unsigned class = 2;
		     answers(program) && class < COUNTERS_CLASSES; class++)
			buf_printf(to, "ordermill_requests_total{operation=\"%s\",status=\"%uxx\"} %llu\n",
				   program->name, class,
				   (unsigned long long)
					   program->counters.requests[class]);
	}
}

static void add_problems(struct buf *to, const struct programs *programs)
{
	begin(to, "problems_total", "counter",
	      "Requests answered with a problem, by its type.");
	for (size_t i = 0; i < programs->count; i++) {
		const struct counters_copy *program = &programs->list[i];

		for (unsigned code = 1; code < ERROR_CODE_COUNT; code++)
			if (program->counters.problems[code])
				buf_printf(to, "ordermill_problems_total{operation=\"%s\",problem=\"%s\"} %llu\n",
					   program->name,
					   error_kind(code)->slug,
					   (unsigned long long)
						   program->counters
							   .problems[code]);
	}
}

static void add_histogram(struct buf *to, const struct counters_copy *program)
{
	static const int64_t bounds_us[COUNTERS_BUCKETS - 1] =
		COUNTERS_BOUNDS_US;
	uint64_t below = 0;

	for (unsigned i = 0; i < COUNTERS_BUCKETS; i++) {
		below += program->counters.buckets[i];
		buf_printf(to, "ordermill_request_duration_seconds_bucket{operation=\"%s\",le=\"",
			   program->name);
		if (i < ARRAY_LEN(bounds_us))
			buf_printf(to, "%g", (double)bounds_us[i] / 1e6);
		else
			buf_add_text(to, "+Inf");
		buf_printf(to, "\"} %llu\n", (unsigned long long)below);
	}
	buf_printf(to,
		   "ordermill_request_duration_seconds_sum{operation=\"%s\"} %.6f\n"
		   "ordermill_request_duration_seconds_count{operation=\"%s\"} %llu\n",
		   program->name, (double)program->counters.duration_us / 1e6,
		   program->name, (unsigned long long)below);
}

static void add_durations(struct buf *to, const struct programs *programs)
{
	begin(to, "request_duration_seconds", "histogram",
	      "From the whole request read to its answer sent.");
	for (size_t i = 0; i < programs->count; i++)
		if (answers(&programs->list[i]))
			add_histogram(to, &programs->list[i]);
}

static uint64_t up(const struct counters_copy *program)
{
	return program->up;
}

/* The last number of a program that was killed says nothing. */
static uint64_t workers(const struct counters_copy *program)
{
	return program->up ? program->counters.workers : 0;
}

static uint64_t restarts(const struct counters_copy *program)
{
	return program->counters.restarts;
}

static uint64_t starts(const struct counters_copy *program)
{
	return program->counters.starts;
}

static void add_processes(struct buf *to, const struct programs *programs)
{
	static const struct {
		const char *name, *type, *help;
		uint64_t (*value)(const struct counters_copy *);
	} families[] = {
		{ "up", "gauge", "Whether the program runs.", up },
		{ "workers", "gauge", "Its worker processes now.", workers },
		{ "worker_restarts_total", "counter",
		  "Workers that ended unasked and were started again.",
		  restarts },
		{ "starts_total", "counter", "Starts of the program.", starts },
	};

	for (size_t f = 0; f < ARRAY_LEN(families); f++) {
		begin(to, families[f].name, families[f].type, families[f].help);
		for (size_t i = 0; i < programs->count; i++)
			buf_printf(to, "ordermill_%s{operation=\"%s\"} %llu\n",
				   families[f].name, programs->list[i].name,
				   (unsigned long long)families[f].value(
					   &programs->list[i]));
	}
}

static void add_waiting(struct buf *to, const struct waiting *waiting,
			int64_t now_ms)
{
	int64_t oldest_ms = waiting->deletions.oldest_open_ms;

	add_gauge(to, "deletions_open", "Deletions that are not done yet.",
		  (int64_t)waiting->deletions.open);
	add_gauge(to, "deletions_oldest_open_seconds",
		  "Age of the oldest of them.",
		  oldest_ms ? (now_ms - oldest_ms) / 1000 : 0);
	add_gauge(to, "deletions_dead", "Events that are dead letters.",
		  (int64_t)waiting->deletions.dead);
	add_gauge(to, "mails_waiting", "Mails that are to be sent.",
		  (int64_t)waiting->mails.waiting);
	add_gauge(to, "mails_dead", "Mails that were given up.",
		  (int64_t)waiting->mails.dead);
}

static void add_last_backup(struct buf *to)
{
	struct stat st;

	if (last_backup)
		add_gauge(to, "last_backup_timestamp_seconds",
			  "When the last backup was done; 0: never.",
			  stat(last_backup, &st) == 0 ? (int64_t)st.st_mtime
						      : 0);
}

void metrics_render(struct response *res, const struct ports *ports,
		    const struct error *open_failure, int64_t now_ms)
{
	struct buf *to = &res->body;
	struct programs programs = { 0 };
	struct waiting waiting;
	bool ready = health_measure(ports, open_failure, to->arena, &waiting);

	res->content_type = "text/plain; version=0.0.4; charset=utf-8";
	if (folder)
		counters_read(folder, to->arena, &programs.list,
			      &programs.count);
	add_gauge(to, "ready", "Whether all dependencies answer.", ready);
	add_requests(to, &programs);
	add_problems(to, &programs);
	add_durations(to, &programs);
	add_processes(to, &programs);
	add_last_backup(to);
	if (waiting.known)
		add_waiting(to, &waiting, now_ms);
}
