/*
 * config.c: `ordermill config example|manual|print`.
 */
#include "ordermill/ordermill.h"

#include "base/banned.h"

static int print_in_force(void)
{
	struct config *config;
	struct error err;

	error_init(&err);
	if (!config_load(&config, NULL, &err))
		return say_failure(&err);
	config_print(config, stdout);
	config_free(config);
	return EXIT_GOOD;
}

int command_config(struct desk *desk, int argc, char **argv)
{
	(void)desk;
	if (argc != 2)
		return EXIT_USAGE;
	if (!strcmp(argv[1], "print"))
		return print_in_force();
	if (!strcmp(argv[1], "example"))
		config_print_example(stdout);
	else if (!strcmp(argv[1], "manual"))
		config_print_manual(stdout);
	else
		return EXIT_USAGE;
	return EXIT_GOOD;
}
