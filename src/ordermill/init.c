/*
 * init.c: `ordermill init` makes what a desk needs before its first start:
 * folders, secrets, database, keys, the relay's token. Repeatable; it says what
 * it did and leaves alone what is there.
 *
 * With --local it asks no service of AWS: an upgrade of the package must succeed
 * without a network, and without the rights that making a bucket takes.
 */
#include <errno.h>
#include <getopt.h>
#include <sys/stat.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/secret_file.h"
#include "ordermill/ordermill.h"
#include "ordermill/token_file.h"
#include "ports/database.h"
#include "ports/event_bus.h"
#include "ports/mailer.h"
#include "ports/object_archive.h"
#include "ports/settings.h"

#include "base/banned.h"

#define FOLDER_MODE 0750
#define SECRET_FOLDER_MODE 0700
#define LINKS_KEY_BYTES 32

static bool exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static void say(bool was_there, const char *what, const char *where)
{
	printf("%-5s  %s: %s\n", was_there ? "kept" : "made", what, where);
}

/* With the folders above it. */
static bool make_folder(const char *path, unsigned mode, struct error *err)
{
	if (exists(path))
		return true;
	if (!file_make_folders_of(path, FOLDER_MODE) ||
	    mkdir(path, mode) < 0 || chmod(path, mode) < 0)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
				   strerror(errno));
	say(false, "folder", path);
	return true;
}

static bool make_folder_of(const char *path, unsigned mode, struct error *err)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return true;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	return make_folder(folder, mode, err);
}

static bool uses(const struct config *config, const char *key,
		 const char *adapter)
{
	return !strcmp(config_text(config, key), adapter);
}

static bool make_folders(const struct config *config, struct error *err)
{
	return make_folder(config_text(config, "state.directory"), FOLDER_MODE,
			   err) &&
	       make_folder_of(config_text(config, "site.secret_file"),
			      SECRET_FOLDER_MODE, err) &&
	       make_folder_of(config_text(config, "relay.token_file"),
			      SECRET_FOLDER_MODE, err) &&
	       make_folder_of(config_text(config, "relay.socket"), FOLDER_MODE,
			      err) &&
	       (!uses(config, "object_archive.adapter", "directory") ||
		make_folder(config_text(config, "object_archive.directory"),
			    FOLDER_MODE, err)) &&
	       (!uses(config, "event_bus.adapter", "local") ||
		make_folder(config_text(config, "event_bus.directory"),
			    FOLDER_MODE, err)) &&
	       (!uses(config, "mailer.adapter", "maildir") ||
		make_folder(config_text(config, "mailer.directory"),
			    SECRET_FOLDER_MODE, err));
}

static bool make_secret(const struct config *config, struct error *err)
{
	const char *path = config_text(config, "site.secret_file");
	bool was_there = exists(path);
	static struct settings settings;	/* its secret stays */

	if (!settings_open(&settings, config, err))
		return false;
	say(was_there, "site secret", path);
	return true;
}

/* Of no use where S3 signs links; systemd's units hand it over all the same, and
 * none starts without. */
static bool make_links_key(const struct config *config, struct error *err)
{
	const char *path = config_text(config,
				       "object_archive.secret_key_file");
	bool was_there = exists(path);
	char line[2 * LINKS_KEY_BYTES + 1];
	uint8_t random[LINKS_KEY_BYTES];

	random_bytes(random, sizeof(random));
	hex_encode(random, sizeof(random), line);
	if (!secret_file_ensure(path, str_from(line), err))
		return false;
	say(was_there, "links' key", path);
	return true;
}

static void say_step(enum setup_result result, const char *what,
		     const char *where)
{
	static const char *const words[] = {
		[SETUP_KEPT] = "kept", [SETUP_MADE] = "made",
		[SETUP_SKIPPED] = "skip",
	};

	printf("%-5s  %s: %s\n", words[result], what, where);
}

static bool make_database(struct desk *desk, struct error *err)
{
	const struct config *config = desk->config;
	bool is_file = uses(config, "database.adapter", "sqlite");
	const char *place = config_text(config, is_file ? "database.path"
							: "database.table");
	bool was_there = is_file && exists(place);
	struct database *database;

	if (!database_open(&database, config, true, err))
		return false;
	say(is_file ? was_there : !database->made,
	    is_file ? "database" : "DynamoDB table", place);
	if (!is_file)
		say_step(database->time_to_live, "time to live", place);
	database_close(database);
	return true;
}

static bool make_archive(struct desk *desk, struct error *err)
{
	struct setup setup = { desk->arena, say_step };
	struct object_archive *archive;
	bool good;

	if (!object_archive_open(&archive, desk->config, err))
		return false;
	good = object_archive_create(archive, &setup, err) &&
	       object_archive_check(archive, err);
	object_archive_close(archive);
	return good;
}

static bool make_event_bus(struct desk *desk, struct error *err)
{
	struct setup setup = { desk->arena, say_step };
	struct event_bus *bus;
	bool good;

	if (!event_bus_open(&bus, desk->config, err))
		return false;
	good = event_bus_create(bus, &setup, err);
	event_bus_close(bus);
	return good;
}

static bool make_mailer(struct desk *desk, struct error *err)
{
	struct setup setup = { desk->arena, say_step };
	struct mailer *mailer;
	bool good;

	if (!mailer_open(&mailer, desk->config, err))
		return false;
	good = mailer_create(mailer, &setup, err);
	mailer_close(mailer);
	return good;
}

/* The token in the relay's file is the one the tokens file knows. */
static bool relay_token_fits(struct desk *desk, struct error *err)
{
	char digest[SHA256_HEX + 1];
	struct token_entry *entries;
	struct error ignored;
	char *token CLEANUP(cleanup_free) = NULL;
	size_t count;

	error_init(&ignored);
	if (!config_secret(desk->config, "relay.token_file", &token, &ignored))
		return false;
	sha256_hex(str_from(token), digest);
	if (!token_file_list(config_text(desk->config, "access.tokens_file"),
			     desk->arena, &entries, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (str_is(entries[i].name, "relay") &&
		    str_is(entries[i].scopes, "archive:run") &&
		    str_is(entries[i].digest, digest))
			return true;
	return false;
}

/* A crash between the two files leaves a token that does not fit: the next run
 * makes a new one. */
static bool make_relay_token(struct desk *desk, struct error *err)
{
	const char *tokens = config_text(desk->config, "access.tokens_file");
	const char *path = config_text(desk->config, "relay.token_file");
	char token[TOKEN_TEXT_BYTES];
	struct error ignored;

	if (relay_token_fits(desk, err)) {
		say(true, "relay's token", path);
		return true;
	}
	if (error_is_set(err))
		return false;
	error_init(&ignored);
	if (!token_file_revoke(tokens, STR("relay"), desk->arena, &ignored) &&
	    ignored.code != ERROR_NOT_FOUND) {
		*err = ignored;
		return false;
	}
	if (!token_file_add(tokens, STR("relay"), STR("archive:run"),
			    desk->now_ms, desk->arena, token, err))
		return false;
	token[TOKEN_TEXT_BYTES - 1] = '\n';
	if (!file_replace(path, (struct str){ token, TOKEN_TEXT_BYTES },
			      0600, err))
		return false;
	say(false, "relay's token", path);
	return true;
}

static bool make_all(struct desk *desk, bool local_alone, struct error *err)
{
	const struct config *config = desk->config;
	const struct {
		const char *key, *local;
		bool (*make)(struct desk *, struct error *);
	} steps[] = {
		{ "database.adapter", "sqlite", make_database },
		{ "object_archive.adapter", "directory", make_archive },
		{ "event_bus.adapter", "local", make_event_bus },
		{ "mailer.adapter", "maildir", make_mailer },
	};

	if (!make_folders(config, err) || !make_secret(config, err) ||
	    !make_links_key(config, err))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if ((!local_alone ||
		     uses(config, steps[i].key, steps[i].local)) &&
		    !steps[i].make(desk, err))
			return false;
	return make_relay_token(desk, err);
}

int command_init(struct desk *desk, int argc, char **argv)
{
	static const struct option options[] = {
		{ "local", no_argument, NULL, 'l' }, { 0 },
	};
	bool local_alone = false;
	struct error err;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'l')
			return EXIT_USAGE;
		local_alone = true;
	}
	if (optind != argc)
		return EXIT_USAGE;
	error_init(&err);
	if (!make_all(desk, local_alone, &err))
		return say_failure(&err);
	puts("The desk is set up. `ordermill check` tries all of it; "
	     "`ordermill token add NAME` lets somebody in.");
	return EXIT_GOOD;
}
