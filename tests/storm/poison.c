/*
 * poison.c: preloaded into responders, it kills the worker that has just read a
 * request whose target holds "poison": a fault in our own code, on demand.
 */
#include <dlfcn.h>
#include <signal.h>
#include <string.h>

#include <fcgiapp.h>

#include "base/banned.h"

int FCGX_Accept_r(FCGX_Request *request)
{
	int (*accept_it)(FCGX_Request *) =
		(int (*)(FCGX_Request *))dlsym(RTLD_NEXT, "FCGX_Accept_r");
	int status = accept_it(request);
	char **at = status < 0 ? NULL : request->envp;

	for (; at && *at; at++)
		if (!strncmp(*at, "REQUEST_URI=", 12) && strstr(*at, "poison"))
			raise(SIGSEGV);
	return status;
}
