/*
 * bell_test.c: does ringing reach a relay that is there, and trouble nobody
 * when it is not?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <sys/un.h>

#include "ports/bell.h"

#include "base/banned.h"

struct room {
	char folder[64];
	char conf[96];
	struct sockaddr_un address;
	struct config *config;
	struct bell *bell;
};

static void open_bell(struct room *room, const char *socket_path)
{
	struct error err;
	FILE *file = fopen(room->conf, "w");

	assert_non_null(file);
	fprintf(file, "state.directory = %s\nrelay.socket = %s\n",
		room->folder, socket_path);
	fclose(file);
	error_init(&err);
	if (!config_load(&room->config, room->conf, &err))
		fail_msg("%s %s", err.detail, err.cause);
	room->bell = bell_open(room->config);
	assert_non_null(room->bell);
}

static int set_up(void **state)
{
	struct room *room = calloc(1, sizeof(*room));
	const char *tmp = getenv("TMPDIR");

	snprintf(room->folder, sizeof(room->folder), "%s/bell.XXXXXX",
		 tmp && strlen(tmp) < 48 ? tmp : "/tmp");
	assert_non_null(mkdtemp(room->folder));
	snprintf(room->conf, sizeof(room->conf), "%s/conf", room->folder);
	room->address.sun_family = AF_UNIX;
	snprintf(room->address.sun_path, sizeof(room->address.sun_path),
		 "%s/relay.sock", room->folder);
	open_bell(room, room->address.sun_path);
	*state = room;
	return 0;
}

static int tear_down(void **state)
{
	struct room *room = *state;

	bell_close(room->bell);
	config_free(room->config);
	unlink(room->address.sun_path);
	unlink(room->conf);
	assert_int_equal(rmdir(room->folder), 0);
	free(room);
	return 0;
}

static int listen_at(struct room *room)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&room->address,
			      sizeof(room->address)), 0);
	return fd;
}

static unsigned heard(int fd)
{
	unsigned count = 0;
	char byte[16];

	while (recv(fd, byte, sizeof(byte), 0) > 0)
		count++;
	return count;
}

static void each_ring_is_heard(void **state)
{
	int fd = listen_at(*state);
	struct room *room = *state;

	bell_ring(room->bell);
	assert_int_equal(heard(fd), 1);
	assert_int_equal(heard(fd), 0);
	bell_ring(room->bell);
	bell_ring(room->bell);
	assert_int_equal(heard(fd), 2);
	close(fd);
}

static void ringing_without_a_relay_does_nothing(void **state)
{
	struct room *room = *state;
	int fd;

	bell_ring(room->bell);
	fd = listen_at(room);
	assert_int_equal(heard(fd), 0);
	close(fd);
	bell_ring(room->bell);
}

static void a_relay_that_came_back_is_heard_again(void **state)
{
	struct room *room = *state;
	int fd = listen_at(room);

	close(fd);
	unlink(room->address.sun_path);
	fd = listen_at(room);
	bell_ring(room->bell);
	assert_int_equal(heard(fd), 1);
	close(fd);
}

static void a_relay_that_does_not_listen_holds_nobody_up(void **state)
{
	struct room *room = *state;
	int fd = listen_at(room);
	unsigned count;

	alarm(5);
	for (unsigned i = 0; i < 10000; i++)
		bell_ring(room->bell);
	alarm(0);
	count = heard(fd);
	assert_true(count >= 1 && count < 10000);
	close(fd);
}

static void a_bell_that_is_missing_is_silent(void **state)
{
	(void)state;
	bell_ring(NULL);
	bell_close(NULL);
}

static void a_path_that_is_too_long_rings_nowhere(void **state)
{
	struct room *room = *state;
	char path[200];
	int fd;

	memset(path, 'x', sizeof(path));
	memcpy(path, room->address.sun_path, strlen(room->address.sun_path));
	path[sizeof(path) - 1] = '\0';
	/* What is left when it is cut. */
	snprintf(room->address.sun_path, sizeof(room->address.sun_path),
		 "%.107s", path);
	fd = listen_at(room);
	bell_close(room->bell);
	config_free(room->config);
	open_bell(room, path);
	bell_ring(room->bell);
	assert_int_equal(heard(fd), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(each_ring_is_heard),
		TEST(ringing_without_a_relay_does_nothing),
		TEST(a_relay_that_came_back_is_heard_again),
		TEST(a_relay_that_does_not_listen_holds_nobody_up),
		TEST(a_bell_that_is_missing_is_silent),
		TEST(a_path_that_is_too_long_rings_nowhere),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
