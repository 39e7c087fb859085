/*
 * deletions.c: `ordermill deletions list|redrive`.
 */
#include <getopt.h>

#include "ordermill/ordermill.h"
#include "ports/bell.h"
#include "ports/database.h"
#include "ports/deletion_log.h"

#include "base/banned.h"

#define PAGE 50

struct log_handles {
	struct database *database;
	struct deletion_log *log;
};

static void close_log(struct log_handles *handles)
{
	deletion_log_close(handles->log);
	database_close(handles->database);
}

static bool open_log(struct log_handles *ret, const struct config *config,
		     struct error *err)
{
	return database_open(&ret->database, config, false, err) &&
	       deletion_log_open(&ret->log, ret->database, config, err);
}

static void print_deletion(const struct deletion *deletion)
{
	char deleted_at[TIME_TEXT_BYTES];

	time_format(deletion->deleted_ms, deleted_at);
	printf("%s  order %s  %s  %-8s  mailed %u of %u", deletion->event_id,
	       deletion->order_id, deleted_at,
	       deletion_state_name(deletion->state), deletion->mails_sent,
	       deletion->mails_total);
	if (deletion->mails_dead)
		printf(" (%u given up)", deletion->mails_dead);
	if (deletion->state == DELETION_PENDING)
		printf("  %s after %u attempts",
		       deletion->dead ? "dead letter" : "ringing",
		       deletion->attempts);
	if (deletion->state == DELETION_PENDING && deletion->last_error.len)
		printf(": %.*s", STR_ARG(deletion->last_error));
	putchar('\n');
}

static int list(struct desk *desk, enum deletion_selection selection)
{
	struct log_handles handles CLEANUP(close_log) = { 0 };
	char after[ORDER_ID_BYTES] = "";
	struct deletion_page page;
	struct error err;

	error_init(&err);
	if (!open_log(&handles, desk->config, &err))
		return say_failure(&err);
	do {
		arena_reset(desk->arena);
		if (!deletion_log_list(handles.log, selection,
				       after[0] ? after : NULL, PAGE,
				       desk->now_ms, INT64_MAX, desk->arena,
				       &page, &err))
			return say_failure(&err);
		for (size_t i = 0; i < page.count; i++)
			print_deletion(&page.deletions[i]);
		if (page.count)
			memcpy(after, page.deletions[page.count - 1].event_id,
			       sizeof(after));
	} while (page.has_more && page.count);
	return EXIT_GOOD;
}

static int redrive(struct desk *desk, const char *event_id)
{
	struct log_handles handles CLEANUP(close_log) = { 0 };
	struct bell *bell;
	struct error err;
	uint64_t count;

	if (event_id && !uuid_is_valid(str_from(event_id)))
		return say_failed("%s is not an event id (a UUID)", event_id);
	error_init(&err);
	if (!open_log(&handles, desk->config, &err) ||
	    !deletion_log_redrive(handles.log, event_id, &count, &err))
		return say_failure(&err);
	bell = bell_open(desk->config);
	bell_ring(bell);
	bell_close(bell);
	printf("%llu dead letter%s tried again.\n", (unsigned long long)count,
	       count == 1 ? " is" : "s are");
	return event_id && !count ? EXIT_FAILED : EXIT_GOOD;
}

int command_deletions(struct desk *desk, int argc, char **argv)
{
	enum { NONE = -1 };
	static const struct option options[] = {
		{ "open", no_argument, NULL, DELETIONS_OPEN },
		{ "dead", no_argument, NULL, DELETIONS_DEAD },
		{ "all", no_argument, NULL, DELETIONS_ALL },
		{ 0 },
	};
	int selection = NONE, option, count;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?' || selection != NONE)
			return EXIT_USAGE;
		selection = option;
	}
	argv += optind;
	count = argc - optind;
	if (count == 1 && !strcmp(argv[0], "list"))
		return list(desk, selection == NONE ?
				  DELETIONS_OPEN :
				  (enum deletion_selection)selection);
	if (count >= 1 && count <= 2 && selection == NONE &&
	    !strcmp(argv[0], "redrive"))
		return redrive(desk, argv[1]);
	return EXIT_USAGE;
}
