/*
 * program.c: the beginning of main().
 */
#include "base/program.h"

#include "base/log.h"

#include "base/banned.h"

static int usage(const char *name)
{
	fprintf(stderr,
		"usage: %s [-t] [-c FILE]\n"
		"  -c FILE  the configuration (default $ORDERMILL_CONFIG, else\n"
		"           /etc/ordermill/ordermill.conf)\n"
		"  -t       check it, print what is in force, end\n", name);
	return 2;
}

bool program_begin(const char *name, int argc, char **argv,
		   struct config **ret, int *ret_status)
{
	const char *path = NULL;
	struct error err;
	bool test = false;
	int option;

	while ((option = getopt(argc, argv, "c:t")) != -1) {
		if (option == 'c') {
			path = optarg;
		} else if (option == 't') {
			test = true;
		} else {
			*ret_status = usage(name);
			return false;
		}
	}
	log_open(name);
	error_init(&err);
	if (!config_load(ret, path, &err)) {
		log_say("error", "config", "%s", error_reason(&err));
		*ret_status = 1;
		return false;
	}
	if (!test)
		return true;
	config_print(*ret, stdout);
	config_free(*ret);
	*ret_status = 0;
	return false;
}
