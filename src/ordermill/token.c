/*
 * token.c: `ordermill token add|list|revoke`.
 */
#include <getopt.h>

#include "ordermill/ordermill.h"
#include "ordermill/token_file.h"

#include "base/banned.h"

static int give(struct desk *desk, const char *path, const char *name,
	       const char *scopes)
{
	char token[TOKEN_TEXT_BYTES];
	struct error err;

	error_init(&err);
	if (!token_file_add(path, str_from(name), str_from(scopes),
			    desk->now_ms, desk->arena, token, &err))
		return say_failure(&err);
	puts(token);
	fputs("This is shown once: keep it. It works within a second.\n",
	      stderr);
	return EXIT_GOOD;
}

static int list(struct desk *desk, const char *path)
{
	struct token_entry *entries;
	struct error err;
	size_t count;

	error_init(&err);
	if (!token_file_list(path, desk->arena, &entries, &count, &err))
		return say_failure(&err);
	for (size_t i = 0; i < count; i++)
		printf("%-20.*s %.*s %.*s\n", STR_ARG(entries[i].name),
		       STR_ARG(entries[i].created),
		       STR_ARG(entries[i].scopes));
	return EXIT_GOOD;
}

static int take_back(struct desk *desk, const char *path, const char *name)
{
	struct error err;

	error_init(&err);
	if (!token_file_revoke(path, str_from(name), desk->arena, &err))
		return say_failure(&err);
	printf("%s is revoked; within a second it opens nothing.\n", name);
	return EXIT_GOOD;
}

int command_token(struct desk *desk, int argc, char **argv)
{
	static const struct option options[] = {
		{ "scopes", required_argument, NULL, 's' },
		{ 0 },
	};
	const char *path = config_text(desk->config, "access.tokens_file");
	const char *scopes = NULL;
	int option, count;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 's')
			return EXIT_USAGE;
		scopes = optarg;
	}
	argv += optind;
	count = argc - optind;
	if (count == 2 && !strcmp(argv[0], "add"))
		return give(desk, path, argv[1],
			   scopes ? scopes : ACCESS_SCOPES);
	if (count == 1 && !scopes && !strcmp(argv[0], "list"))
		return list(desk, path);
	if (count == 2 && !scopes && !strcmp(argv[0], "revoke"))
		return take_back(desk, path, argv[1]);
	return EXIT_USAGE;
}
