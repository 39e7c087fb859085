/*
 * report_job.c: from the archive, in order, to a PDF in the archive.
 */
#include "deletion/report_job.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/deadline.h"
#include "base/json.h"
#include "deletion/archive_object.h"
#include "report/report.h"
#include "base/banned.h"

/* A folder is read anew for each page of keys. */
#define PAGE 5000u
#define PAGE_ARENA_BYTES (8u * MIB)
#define OBJECT_MAX_BYTES (1u * MIB)
/* As many as the archive asks for at a time; twice the largest, for what is
 * read from their bytes. */
#define READ_AT_ONCE 32u
#define OBJECTS_ARENA_BYTES (2 * READ_AT_ONCE * OBJECT_MAX_BYTES)
#define STATUS_MAX_BYTES (4u * KIB)
#define DAY_MS (24ll * 3600 * 1000)
#define SILENT_MS (2ll * 60 * 1000)
#define TELL_EVERY_MS 1000

/* Walks the keys of the period: archive/YYYY/MM/DD/<UUIDv7>.json sort by
 * time. */
struct walk {
	struct object_archive *archive;
	char after[80], end[80];
	bool has_more;
};

static void day_key(int64_t time_ms, char ret[80])
{
	char day[TIME_TEXT_BYTES];

	time_format(time_ms, day);
	snprintf(ret, 80, "archive/%.4s/%.2s/%.2s/", day, day + 5, day + 8);
}

static void walk_start(struct walk *walk, struct object_archive *archive,
		       const struct report_request *request)
{
	*walk = (struct walk){ .archive = archive, .has_more = true };
	if (request->from_ms > 0)
		day_key(request->from_ms, walk->after);
	if (request->to_ms < INT64_MAX - DAY_MS)
		day_key(request->to_ms + DAY_MS, walk->end);
	else
		snprintf(walk->end, sizeof(walk->end), "archive/~");
}

static bool is_before(struct str key, const char *end)
{
	size_t len = strlen(end);
	int order = memcmp(key.ptr, end, key.len < len ? key.len : len);

	return order < 0 || (order == 0 && key.len < len);
}

static bool walk_page(struct walk *walk, struct arena *arena,
		      struct object_keys *page, struct error *err)
{
	if (!object_archive_list(walk->archive, STR("archive/"),
				 str_from(walk->after), PAGE, arena, page, err))
		return false;
	walk->has_more = page->has_more;
	while (page->count > 0 &&
	       !is_before(page->keys[page->count - 1], walk->end)) {
		page->count--;
		walk->has_more = false;
	}
	if (page->count > 0)
		snprintf(walk->after, sizeof(walk->after), "%.*s",
			 STR_ARG(page->keys[page->count - 1]));
	return true;
}

bool report_count(struct object_archive *archive,
		  const struct report_request *request, uint64_t most,
		  uint64_t *ret, struct error *err)
{
	CLEANUP(cleanup_arena)
	struct arena *arena = arena_new("report keys", PAGE_ARENA_BYTES);
	struct object_keys page;
	struct walk walk;

	walk_start(&walk, archive, request);
	*ret = 0;
	while (walk.has_more && *ret < most) {
		arena_reset(arena);
		if (!walk_page(&walk, arena, &page, err))
			return false;
		*ret += page.count;
	}
	return true;
}

static void status_key(const char *id, char ret[80])
{
	snprintf(ret, 80, "reports/%s.json", id);
}

static const char *const state_names[] = { "running", "done", "failed" };

const char *report_state_name(enum report_state state)
{
	return state_names[state];
}

static bool tell(struct object_archive *archive, const char *id,
		 const struct report_status *status, struct error *err)
{
	CLEANUP(cleanup_arena)
	struct arena *arena = arena_new("report status", 64 * KIB);
	char key[80], updated_at[TIME_TEXT_BYTES];
	struct buf json;

	status_key(id, key);
	time_format(status->updated_ms, updated_at);
	buf_init(&json, arena, STATUS_MAX_BYTES);
	buf_printf(&json,
		   "{\"state\":\"%s\",\"done\":%llu,\"total\":%llu,\"updated_at\":\"%s\",\"orders\":%llu,\"pages\":%llu,\"sha256\":\"%s\",\"filename\":",
		   state_names[status->state], (unsigned long long)status->done,
		   (unsigned long long)status->total, updated_at,
		   (unsigned long long)status->orders,
		   (unsigned long long)status->pages, status->digest);
	buf_add_json(&json, status->filename);
	buf_add_text(&json, ",\"detail\":");
	buf_add_json(&json, status->detail);
	buf_add_char(&json, '}');
	return object_archive_put(archive, str_from(key), buf_str(&json),
				  STR("application/json"), OBJECT_REPLACE, err);
}

/* One archive object into the report; a damaged one is named there. */
static bool add_object(struct report *report,
		       const struct report_request *request, struct str key,
		       const struct object_read *object, struct arena *arena,
		       uint64_t *orders, struct error *err)
{
	struct deletion deletion;
	struct error failure;
	struct order order;

	error_init(&failure);
	if (object->code != ERROR_NONE ||
	    !archive_object_parse(object->bytes, arena, &deletion, &failure) ||
	    !order_from_stored_json(&order, deletion.order_json, arena,
				    &failure)) {
		report_add_damaged(report, key,
				   object->code == ERROR_NOT_FOUND ?
					   "it went away" :
					   "its bytes are damaged");
		return true;
	}
	if (deletion.deleted_ms < request->from_ms ||
	    deletion.deleted_ms >= request->to_ms)
		return true;
	++*orders;
	return report_add(report, &order, deletion.deleted_ms, err);
}

/* A page's objects, READ_AT_ONCE of them in memory at a time. */
static bool add_page(struct object_archive *archive, struct report *report,
		     const struct report_request *request,
		     const struct object_keys *page, struct arena *arena,
		     struct report_status *status, struct error *err)
{
	struct object_read objects[READ_AT_ONCE];

	for (size_t at = 0; at < page->count; at += READ_AT_ONCE) {
		const struct str *keys = page->keys + at;
		size_t left = page->count - at;
		size_t count = left < READ_AT_ONCE ? left : READ_AT_ONCE;

		arena_reset(arena);
		if (!object_archive_get_many(archive, keys, count,
					     OBJECT_MAX_BYTES, arena, objects,
					     err))
			return false;
		for (size_t i = 0; i < count; i++)
			if (!add_object(report, request, keys[i], &objects[i],
					arena, &status->orders, err))
				return false;
		status->done += count;
	}
	return true;
}

static bool add_all(struct object_archive *archive, struct report *report,
		    const struct report_request *request,
		    struct report_status *status, struct error *err)
{
	CLEANUP(cleanup_arena)
	struct arena *keys = arena_new("report keys", PAGE_ARENA_BYTES);
	CLEANUP(cleanup_arena)
	struct arena *arena = arena_new("report objects", OBJECTS_ARENA_BYTES);
	int64_t told_ms = clock_boot_ms();
	struct object_keys page;
	struct walk walk;

	walk_start(&walk, archive, request);
	while (walk.has_more) {
		arena_reset(keys);
		if (!walk_page(&walk, keys, &page, err) ||
		    !add_page(archive, report, request, &page, arena, status,
			      err))
			return false;
		if (clock_boot_ms() - told_ms >= TELL_EVERY_MS) {
			told_ms = clock_boot_ms();
			status->updated_ms = clock_now_ms();
			if (!tell(archive, request->id, status, err))
				return false;
		}
	}
	return true;
}

static void cleanup_report(struct report **report)
{
	report_free(*report);
}

bool report_draw(struct object_archive *archive,
		 const struct settings *settings,
		 const struct report_request *request, uint64_t total,
		 struct report_status *ret, struct error *err)
{
	struct report_head head = {
		.title = request->title, .zone = request->zone,
		.site_name = str_from(settings->site_name),
		.from_ms = request->from_ms, .to_ms = request->to_ms,
		.now_ms = request->now_ms, .fonts = settings->fonts,
	};
	CLEANUP(cleanup_report) struct report *report = NULL;
	unsigned pages;
	struct str pdf;
	char key[80];

	*ret = (struct report_status){ .total = total,
				       .filename = STR("report.pdf"),
				       .detail = STR("") };
	snprintf(key, sizeof(key), "reports/%s.pdf", request->id);
	if (!report_new(&report, &head, err) ||
	    !add_all(archive, report, request, ret, err) ||
	    !report_end(report, &pdf, &pages, err) ||
	    !object_archive_put(archive, str_from(key), pdf,
				STR("application/pdf"), OBJECT_CREATE, err))
		return false;
	sha256_hex(pdf, ret->digest);
	ret->state = REPORT_DONE;
	ret->pages = pages;
	ret->updated_ms = request->now_ms;
	return tell(archive, request->id, ret, err);
}

/* The child has the caller's connections open, and its listener (fd 0,
 * perhaps): while it did, nobody would see them end. 1 and 2 may be the
 * journal's. */
static void close_sockets(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		int fd = (int)strtol(entry->d_name, NULL, 10);

		if (fd != 1 && fd != 2 && fstat(fd, &st) == 0 &&
		    S_ISSOCK(st.st_mode))
			close(fd);
	}
	if (dir)
		closedir(dir);
}

static void draw_and_tell(struct object_archive *archive,
			  const struct settings *settings,
			  const struct report_request *request, uint64_t total)
{
	struct report_status status;
	struct error err, failure;

	error_init(&err);
	if (report_draw(archive, settings, request, total, &status, &err))
		return;
	error_init(&failure);
	status.state = REPORT_FAILED;
	status.updated_ms = clock_now_ms();
	status.detail = STR("The report could not be drawn. Try again.");
	if (!tell(archive, request->id, &status, &failure))
		_exit(1);
}

/* The caller may have blocked signals, and libfcgi put handlers of its own. */
static void take_signals_as_usual(void)
{
	sigset_t none;

	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

bool report_start(struct object_archive *archive,
		  const struct settings *settings,
		  const struct report_request *request, uint64_t total,
		  struct error *err)
{
	struct report_status status = { .total = total,
					.updated_ms = request->now_ms,
					.filename = STR(""),
					.detail = STR("") };
	int ended = 0;
	pid_t pid;

	if (!tell(archive, request->id, &status, err))
		return false;
	pid = fork();
	if (pid == 0) {
		/* This one ends at once; the one that draws is init's. */
		close_sockets();
		take_signals_as_usual();
		deadline_clear();	/* the request's */
		pid = fork();
		if (pid != 0)
			_exit(pid < 0);
		/* The request's: nobody waits for this one. */
		deadline_clear();
		draw_and_tell(archive, settings, request, total);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, &ended, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 || ended != 0)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "no process to draw a report");
	return true;
}

static uint64_t count_of(struct json json, const char *name)
{
	uint64_t value = 0;

	(void)str_to_uint(json_literal(json_member(json, name)), INT64_MAX,
			  &value);
	return value;
}

static bool read_state(struct str name, enum report_state *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(state_names); i++)
		if (str_is(name, state_names[i])) {
			*ret = (enum report_state)i;
			return true;
		}
	return false;
}

static bool read_status(struct str text, struct arena *arena,
			struct report_status *ret)
{
	struct error damaged;
	struct str digest;
	struct json json;

	error_init(&damaged);
	if (!json_parse(&json, text, arena, &damaged))
		return false;
	*ret = (struct report_status){
		.done = count_of(json, "done"), .total = count_of(json, "total"),
		.orders = count_of(json, "orders"),
		.pages = count_of(json, "pages"),
		.filename = json_string(json_member(json, "filename")),
		.detail = json_string(json_member(json, "detail")),
	};
	digest = json_string(json_member(json, "sha256"));
	snprintf(ret->digest, sizeof(ret->digest), "%.*s", STR_ARG(digest));
	return read_state(json_string(json_member(json, "state")),
			  &ret->state) &&
	       time_parse(json_string(json_member(json, "updated_at")),
			  &ret->updated_ms);
}

bool report_status(struct object_archive *archive, const char *id,
		   int64_t now_ms, struct arena *arena,
		   struct report_status *ret, struct error *err)
{
	struct str text;
	char key[80];

	status_key(id, key);
	if (!object_archive_get(archive, str_from(key), STATUS_MAX_BYTES, arena,
				&text, err))
		return false;
	if (!read_status(text, arena, ret))
		return error_cause(err, ERROR_INTERNAL, "%s is damaged", key);
	if (ret->state == REPORT_RUNNING &&
	    now_ms - ret->updated_ms > SILENT_MS) {
		ret->state = REPORT_FAILED;
		ret->detail = STR("The drawing was interrupted. Try again.");
	}
	return true;
}
