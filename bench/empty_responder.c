/*
 * empty_responder.c: the reference: a blocking libfcgi loop that answers the
 * same few bytes at once, N processes on fd 3. Not part of the product.
 */
#include <fcgiapp.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void serve(void)
{
	FCGX_Request request;
	char body[700];

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = 'x';
	FCGX_Init();
	FCGX_InitRequest(&request, 3, 0);
	while (FCGX_Accept_r(&request) >= 0) {
		FCGX_FPrintF(request.out, "Content-Type: application/json\r\n"
			     "Content-Length: %d\r\n\r\n", (int)sizeof(body));
		FCGX_PutStr(body, sizeof(body), request.out);
		FCGX_Finish_r(&request);
	}
	_exit(1);
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1;

	fcntl(3, F_SETFL, 0);
	for (int i = 0; i < count; i++)
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			serve();
		}
	while (wait(NULL) > 0)
		;
	return 1;
}
