/*
 * notify_test.c: what the service manager hears.
 */
#include "base/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/banned.h"

/* A manager on an abstract socket, which leaves no file. */
static int open_manager(char name[64])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int len = snprintf(name, 64, "@ordermill-notify-%d", getpid());

	memcpy(address.sun_path, name, (size_t)len);
	address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un,
						   sun_path) + (size_t)len)),
			 0);
	return fd;
}

static void the_manager_hears_that_we_are_ready(void **state)
{
	char name[64], heard[32] = "";
	int manager = open_manager(name);

	(void)state;
	setenv("NOTIFY_SOCKET", name, 1);
	notify_send("READY=1");
	assert_int_equal(recv(manager, heard, sizeof(heard) - 1, 0), 7);
	assert_string_equal(heard, "READY=1");
	close(manager);
}

static void without_a_manager_nothing_is_sent(void **state)
{
	char name[64], heard[32];
	int manager = open_manager(name);

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	notify_send("READY=1");
	setenv("NOTIFY_SOCKET", name + 1, 1);	/* neither / nor @ */
	notify_send("READY=1");
	assert_int_equal(recv(manager, heard, sizeof(heard), 0), -1);
	close(manager);
}

static void the_watchdog_is_fed_twice_a_period(void **state)
{
	char pid[16];

	(void)state;
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog_ms(), 15000);
	unsetenv("WATCHDOG_PID");
	assert_int_equal(notify_watchdog_ms(), 15000);
	assert_int_equal(notify_sooner_ms(-1), 15000);
	assert_int_equal(notify_sooner_ms(20000), 15000);
	assert_int_equal(notify_sooner_ms(0), 0);
}

static void a_watchdog_that_is_not_ours_is_not_fed(void **state)
{
	(void)state;
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_watchdog_ms(), 0);
	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", "30 seconds", 1);
	assert_int_equal(notify_watchdog_ms(), 0);
	unsetenv("WATCHDOG_USEC");
	assert_int_equal(notify_watchdog_ms(), 0);
	assert_int_equal(notify_sooner_ms(-1), -1);
	assert_int_equal(notify_sooner_ms(7), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manager_hears_that_we_are_ready),
		cmocka_unit_test(without_a_manager_nothing_is_sent),
		cmocka_unit_test(the_watchdog_is_fed_twice_a_period),
		cmocka_unit_test(a_watchdog_that_is_not_ours_is_not_fed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
