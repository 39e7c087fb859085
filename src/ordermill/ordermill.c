/*
 * ordermill.c: finds the command, reads the configuration, runs it.
 */
#include "ordermill/ordermill.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"

#include "base/banned.h"

#ifndef ORDERMILL_VERSION
#define ORDERMILL_VERSION "0.1.0"
#endif
#define ARENA_BYTES (64u * MIB)

static const struct command commands[] = {
	{ "init", "ordermill init [--local]\n",
	  "make the state folder, secrets, database and the relay's token",
	  true, command_init, false },
	{ "check", "ordermill check [-t]\n",
	  "try everything the desk needs; with -t, print the configuration",
	  true, command_check, false },
	{ "token",
	  "ordermill token add NAME [--scopes a,b]\n"
	  "ordermill token list\n"
	  "ordermill token revoke NAME\n",
	  "give, list and revoke API tokens", true, command_token, false },
	{ "deletions",
	  "ordermill deletions list [--open | --dead | --all]\n"
	  "ordermill deletions redrive [EVENT_ID]\n",
	  "what became of deletions; try dead letters again", true,
	  command_deletions, false },
	{ "event",
	  "ordermill event verify FILE [--certificate PEM] [--now TIME] "
	  "[--topic ARN]\n",
	  "why a message of the event bus was or would be refused", false,
	  command_event, false },
	{ "restore", "ordermill restore ORDER_ID\n",
	  "put a deleted order back, same id and bytes", true,
	  command_restore, false },
	{ "backup", "ordermill backup FOLDER\n",
	  "copy the whole desk into a new folder, while it works", true,
	  command_backup, true },
	{ "restore-backup", "ordermill restore-backup [--replace] FOLDER\n",
	  "make the state anew from a backup, on a desk that is stopped", true,
	  command_restore_backup, true },
	{ "export", "ordermill export\n",
	  "all live orders, one JSON document a line", true, command_export,
	  false },
	{ "site",
	  "ordermill site enable [--server-name NAME] [--listen ADDRESS]\n"
	  "ordermill site (disable | reload)\n",
	  "nginx's site: write it, try it, have it taken over", false,
	  command_site, false },
	{ "model",
	  "ordermill model install [coco | open-images]\n"
	  "ordermill model import FILE…\n"
	  "ordermill model show\n",
	  "the networks that look at photos: fetch one by npm, or take its files",
	  true, command_model, false },
	{ "config", "ordermill config (example | manual | print)\n",
	  "an example file, its manual page, what is in force", false,
	  command_config, false },
	{ "match",
	  "ordermill match DESCRIPTION [LABEL[=CONFIDENCE] [--parents A,B] "
	  "[--aliases A,B]]... [--coco] [--wordnet DIR]\n",
	  "what a photo with these labels would be said to show", false,
	  command_match, false },
	{ "errors", "ordermill errors --format=(markdown | html)\n",
	  "every problem type the API answers with", false, command_errors,
	  false },
};

int say_failed(const char *fmt, ...)
{
	va_list args;

	fputs("ordermill: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_FAILED;
}

const char *failure_text(const struct error *err)
{
	return err->item_count && !err->cause[0] ? err->items[0].detail
						 : error_reason(err);
}

int say_failure(const struct error *err)
{
	return say_failed("%s", failure_text(err));
}

static void print_help(FILE *to)
{
	fputs("usage: ordermill [-c FILE] COMMAND [ARGUMENTS]\n\n", to);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(to, "  %-14s %s\n", commands[i].name,
			commands[i].help);
	fputs("\n  -c FILE    the configuration (default $ORDERMILL_CONFIG, "
	      "else\n"
	      "             /etc/ordermill/ordermill.conf)\n"
	      "  --help     this text; after a command, how to call it\n"
	      "  --version  the version\n", to);
}

static int print_usage(const struct command *command, FILE *to)
{
	struct str rest = str_from(command->usage), line;

	while (str_next(&rest, '\n', &line))
		if (line.len)
			fprintf(to, "usage: %.*s\n", STR_ARG(line));
	return EXIT_USAGE;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* Files that root made would be closed to the desk: as root, work as the owner
 * of the state folder. */
static bool become_owner(const struct config *config, struct error *err)
{
	struct passwd *owner;
	struct stat st;

	if (geteuid() != 0 ||
	    stat(config_text(config, "state.directory"), &st) < 0 ||
	    st.st_uid == 0)
		return true;
	owner = getpwuid(st.st_uid);
	if ((owner && initgroups(owner->pw_name, st.st_gid) < 0) ||
	    (!owner && setgroups(0, NULL) < 0) ||
	    setgid(st.st_gid) < 0 || setuid(st.st_uid) < 0)
		return error_cause(err, ERROR_INTERNAL,
				   "cannot become the owner of %s: %s",
				   config_text(config, "state.directory"),
				   strerror(errno));
	return true;
}

static int run(const struct command *command, const char *config_path,
	       int argc, char **argv)
{
	struct arena *arena CLEANUP(cleanup_arena) =
		arena_new("ordermill", ARENA_BYTES);
	struct desk desk = { .arena = arena, .now_ms = clock_now_ms() };
	struct config *config = NULL;
	struct error err;
	int status;

	error_init(&err);
	if (command->needs_config &&
	    (!config_load(&config, config_path, &err) ||
	     (!command->stays_root && !become_owner(config, &err)))) {
		config_free(config);
		return say_failure(&err);
	}
	desk.config = config;
	status = command->run(&desk, argc, argv);
	if (status == EXIT_USAGE)
		print_usage(command, stderr);
	if (fflush(stdout) != 0 || ferror(stdout))
		status = say_failed("standard output: cannot be written");
	config_free(config);
	return status;
}

/* -1: go on with the command at optind; else the exit status. */
static int read_options(int argc, char **argv, const char **ret_config_path)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "+c:h", options, NULL)) != -1)
		switch (option) {
		case 'c':
			*ret_config_path = optarg;
			break;
		case 'h':
			print_help(stdout);
			return EXIT_GOOD;
		case 'V':
			puts("ordermill " ORDERMILL_VERSION);
			return EXIT_GOOD;
		default:
			print_help(stderr);
			return EXIT_USAGE;
		}
	if (optind < argc)
		return -1;
	print_help(stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const char *config_path = NULL;
	const struct command *command;
	int status;

	log_open("ordermill");
	/* What it makes is for the desk's groups, and for nobody else. */
	umask(0007);
	status = read_options(argc, argv, &config_path);
	if (status >= 0)
		return status;
	command = find_command(argv[optind]);
	if (!command) {
		say_failed("%s: no such command", argv[optind]);
		print_help(stderr);
		return EXIT_USAGE;
	}
	argc -= optind;
	argv += optind;
	if (argc > 1 && !strcmp(argv[1], "--help")) {
		print_usage(command, stdout);
		return EXIT_GOOD;
	}
	optind = 0;	/* getopt starts anew (GNU) */
	/* `config print` wants the file that -c named. */
	if (config_path)
		setenv("ORDERMILL_CONFIG", config_path, 1);
	return run(command, config_path, argc, argv);
}
