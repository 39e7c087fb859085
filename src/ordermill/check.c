/*
 * check.c: `ordermill check` tries everything a desk stands on and says, for
 * what is not well, what to do. It makes and changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/url.h"
#include "ordermill/check.h"
#include "ordermill/token_file.h"
#include "ports/database.h"
#include "ports/deletion_log.h"
#include "ports/event_bus.h"
#include "ports/object_archive.h"
#include "ports/settings.h"
#include "recognition/model_file.h"

#include "base/banned.h"

#define BACKUP_OLD_MS (36ll * 3600 * 1000)

static bool any_bad;

void say(enum finding finding, const char *what, const char *fmt, ...)
{
	static const char *const words[] = { "ok", "note", "FAIL" };
	va_list args;

	any_bad |= finding == BAD;
	printf("%-5s %-15s ", words[finding], what);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

/* It works; NULL when nothing is missing besides. */
static void say_lacks(const char *what, const char *lacks, const char *adapter,
		      const char *place)
{
	if (lacks)
		say(HINT, what, "%s, %s: %s", adapter, place, lacks);
	else
		say(GOOD, what, "%s, %s", adapter, place);
}

static void check_state(const struct config *config)
{
	const char *path = config_text(config, "state.directory");

	if (access(path, R_OK | W_OK | X_OK) == 0)
		say(GOOD, "state", "%s", path);
	else
		say(BAD, "state", "%s: %s. Run `ordermill init` as the desk's "
				  "user.", path, strerror(errno));
}

static void check_secret(const struct config *config)
{
	const char *path = config_text(config, "site.secret_file");
	static struct settings settings;	/* its secret stays */
	struct error err;

	error_init(&err);
	if (!exists(path))	/* settings_open would make it */
		say(BAD, "site secret", "%s is not there. Run `ordermill "
					"init`.", path);
	else if (settings_open(&settings, config, &err))
		say(GOOD, "site secret", "%s", path);
	else
		say(BAD, "site secret", "%s", failure_text(&err));
}

static void check_deletions(struct database *database,
			    const struct config *config)
{
	struct deletion_stats stats;
	struct deletion_log *log;
	struct error err;

	error_init(&err);
	if (!deletion_log_open(&log, database, config, &err)) {
		say(BAD, "deletions", "%s", failure_text(&err));
		return;
	}
	if (!deletion_log_stats(log, &stats, &err))
		say(BAD, "deletions", "%s", failure_text(&err));
	else if (stats.dead)
		say(HINT, "deletions", "%llu open, %llu dead letters. See "
		    "`ordermill deletions list --dead`, then `redrive`.",
		    (unsigned long long)stats.open,
		    (unsigned long long)stats.dead);
	else
		say(GOOD, "deletions", "%llu open",
		    (unsigned long long)stats.open);
	deletion_log_close(log);
}

static void check_database(const struct config *config)
{
	bool is_file = is_set_to(config, "database.adapter", "sqlite");
	struct database *database;
	struct error err;

	error_init(&err);
	if (!database_open(&database, config, false, &err)) {
		say(BAD, "database", "%s. Run `ordermill init` when this desk "
				     "is new.", failure_text(&err));
		return;
	}
	if (database_check(database, &err))
		say_lacks("database", database_lacks(database),
			  config_text(config, "database.adapter"),
			  config_text(config, is_file ? "database.path"
						      : "database.table"));
	else
		say(BAD, "database", "%s", failure_text(&err));
	check_deletions(database, config);
	database_close(database);
}

static void check_archive(struct desk *desk)
{
	const struct config *config = desk->config;
	bool is_folder = is_set_to(config, "object_archive.adapter",
				   "directory");
	struct object_archive *archive;
	struct error err;

	error_init(&err);
	if (is_folder &&
	    !exists(config_text(config, "object_archive.directory"))) {
		say(BAD, "archive", "%s is not there. Run `ordermill init`.",
		    config_text(config, "object_archive.directory"));
		return;
	}
	if (!object_archive_open(&archive, config, &err)) {
		say(BAD, "archive", "%s", failure_text(&err));
		return;
	}
	if (object_archive_check(archive, &err))
		say_lacks("archive", object_archive_lacks(archive, desk->arena),
			  config_text(config, "object_archive.adapter"),
			  config_text(config,
				      is_folder ? "object_archive.directory"
						: "object_archive.bucket"));
	else
		say(BAD, "archive", "%s", failure_text(&err));
	object_archive_close(archive);
}

static void check_event_bus(const struct config *config)
{
	const char *folder = config_text(config, "event_bus.directory");
	bool local = is_set_to(config, "event_bus.adapter", "local");
	char path[4096];
	struct event_bus *bus;
	struct error err;

	error_init(&err);
	snprintf(path, sizeof(path), "%s/key.pem", folder);
	if (local && !exists(path)) {
		say(BAD, "event bus", "%s is not there. Run `ordermill init`.",
		    path);
		return;
	}
	if (!event_bus_open(&bus, config, &err)) {
		say(BAD, "event bus", "%s", failure_text(&err));
		return;
	}
	event_bus_close(bus);
	snprintf(path, sizeof(path), "%s/subscription", folder);
	if (local && !exists(path))
		say(HINT, "event bus", "local; the endpoint is not subscribed "
		    "yet: the relay does that when nginx and on_order_deleted "
		    "run");
	else
		say(GOOD, "event bus", "%s, %s",
		    config_text(config, "event_bus.adapter"),
		    config_text(config, "event_bus.topic_arn"));
}

static bool is_font(const FTSENT *entry)
{
	const char *dot = strrchr(entry->fts_name, '.');

	return entry->fts_info == FTS_F && dot &&
	       (!strcmp(dot, ".ttf") || !strcmp(dot, ".otf") ||
		!strcmp(dot, ".ttc"));
}

static void check_fonts(const struct config *config)
{
	const char *folder = config_text(config, "report.fonts");
	char *paths[] = { (char *)(uintptr_t)folder, NULL };
	FTS *tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, NULL);
	unsigned count = 0;
	FTSENT *entry;

	while (tree && (entry = fts_read(tree)))
		count += is_font(entry);
	if (tree)
		fts_close(tree);
	if (count)
		say(GOOD, "fonts", "%u in %s", count, folder);
	else
		say(HINT, "fonts", "none in %s: reports show Latin text only. "
				   "Debian: apt install fonts-dejavu-core",
		    folder);
}

static void check_tokens(struct desk *desk)
{
	const char *path = config_text(desk->config, "access.tokens_file");
	struct token_entry *entries;
	struct error err;
	size_t count, people = 0;

	error_init(&err);
	if (!token_file_list(path, desk->arena, &entries, &count, &err)) {
		say(BAD, "tokens", "%s", failure_text(&err));
		return;
	}
	for (size_t i = 0; i < count; i++)
		people += !str_is(entries[i].name, "relay");
	if (people)
		say(GOOD, "tokens", "%zu in %s", people, path);
	else
		say(HINT, "tokens", "nobody has one. Give one with `ordermill "
				    "token add NAME`.");
}

static void check_relay(const struct config *config)
{
	const char *token_path = config_text(config, "relay.token_file");
	char path[4096];
	int fd CLEANUP(cleanup_fd) = -1;

	if (access(token_path, R_OK) < 0) {
		say(BAD, "relay", "%s: %s. Run `ordermill init`.", token_path,
		    strerror(errno));
		return;
	}
	snprintf(path, sizeof(path), "%s/run/relay.lock",
		 config_text(config, "state.directory"));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0)
		say(GOOD, "relay", "runs");
	else
		say(HINT, "relay", "does not run: deletions are kept, and "
				   "archived and mailed when it does");
}

/* What is said of it when it is there. */
static const char *second_model(const struct config *config)
{
	struct model model;
	struct error err;

	error_init(&err);
	if (!model_open(&model, config_text(config,
					    "image_recognizer.second_model"),
			&err))
		return err.code == ERROR_NOT_FOUND ?
			       "" : "; the second model is damaged";
	model_close(&model);
	return " and a second model";
}

static void check_local_recognizer(const struct config *config)
{
	const char *path = config_text(config, "image_recognizer.model");
	const char *socket = config_text(config, "image_recognizer.socket");
	const char *wordnet = config_text(config, "image_recognizer.wordnet");
	struct model model;
	struct error err;

	error_init(&err);
	if (!model_open(&model, path, &err)) {
		say(HINT, "recognizer", "%s: %s. Verdicts are not_checked; "
		    "`ordermill model install` fetches one", path,
		    failure_text(&err));
		return;
	}
	if (!exists(socket))
		say(HINT, "recognizer", "%s is not there: the program "
		    "recognizer does not run, verdicts are not_checked",
		    socket);
	else if (!exists(wordnet))
		say(HINT, "recognizer", "%s is not there: verdicts are "
		    "not_checked. Debian: apt install wordnet-base", wordnet);
	else
		say(GOOD, "recognizer", "local, %s%s", model.header->name,
		    second_model(config));
	model_close(&model);
}

static void check_recognizer(const struct config *config)
{
	const char *name = config_text(config, "image_recognizer.adapter");

	if (!strcmp(name, "local"))
		check_local_recognizer(config);
	else if (!strcmp(name, "none"))
		say(HINT, "recognizer", "none: photos are stored and their "
					"verdict is not_checked");
	else
		say(GOOD, "recognizer", "%s", name);
}

/* Tokens travel in every request. */
static void check_tls(const struct config *config)
{
	const char *url = config_text(config, "site.url");

	if (str_starts(str_from(url), STR("https://")))
		say(GOOD, "tls", "site.url is %s", url);
	else if (url_is_http_to_here(str_from(url)))
		say(HINT, "tls", "none, for this machine alone. Before others "
				 "reach the desk: a certificate in nginx, and "
				 "https:// in site.url");
	else
		say(HINT, "tls", "%s: tokens and orders travel in the clear. "
				 "Give nginx a certificate, then set site.url "
				 "to https://", url);
}

static void check_backup(const struct config *config, int64_t now_ms)
{
	const char *path = config_text(config, "backup.last_file");
	struct stat st;
	long long hours;

	if (!is_set_to(config, "database.adapter", "sqlite")) {
		say(HINT, "backup", "%s keeps its own: see that point-in-time "
				    "recovery and versioning are on",
		    config_text(config, "database.adapter"));
		return;
	}
	if (stat(path, &st) < 0) {
		say(HINT, "backup", "none was made. Once a day: `ordermill "
				    "backup FOLDER`, and the folder on "
				    "another machine");
		return;
	}
	hours = (now_ms / 1000 - st.st_mtime) / 3600;
	say(now_ms - st.st_mtime * 1000ll > BACKUP_OLD_MS ? HINT : GOOD,
	    "backup", "the last one is %lld hour%s old", hours,
	    hours == 1 ? "" : "s");
}

int command_check(struct desk *desk, int argc, char **argv)
{
	const struct config *config = desk->config;
	int option;
	bool print = false;

	while ((option = getopt(argc, argv, "t")) != -1) {
		if (option != 't')
			return EXIT_USAGE;
		print = true;
	}
	if (optind != argc)
		return EXIT_USAGE;
	if (print) {
		config_print(config, stdout);
		return EXIT_GOOD;
	}
	say(GOOD, "config", "profile %s, site %s",
	    config_text(config, "profile"), config_text(config, "site.url"));
	check_state(config);
	check_secret(config);
	check_database(config);
	check_archive(desk);
	check_event_bus(config);
	check_mailer(config);
	check_recognizer(config);
	check_fonts(config);
	check_tokens(desk);
	check_relay(config);
	check_tls(config);
	check_backup(config, desk->now_ms);
	return any_bad ? EXIT_FAILED : EXIT_GOOD;
}
