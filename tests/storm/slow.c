/*
 * slow.c: preloaded into responders, it makes each request of the operation that
 * ORDERMILL_SLOW names cost 4 ms. An operation that does thousands a second cannot
 * be asked for five times as much from the same machine; this one can.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fcgiapp.h>

#include "base/banned.h"

int FCGX_Accept_r(FCGX_Request *request)
{
	int (*accept_it)(FCGX_Request *) =
		(int (*)(FCGX_Request *))dlsym(RTLD_NEXT, "FCGX_Accept_r");
	int status = accept_it(request);
	const char *slow = getenv("ORDERMILL_SLOW");

	if (status >= 0 && slow && !strcmp(slow, program_invocation_short_name))
		nanosleep(&(struct timespec){ .tv_nsec = 4000000 }, NULL);
	return status;
}
