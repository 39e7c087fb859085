/*
 * http_client_setup.h: what the tests of a client begin and end with: a
 * listener, and a client that calls it.
 */
#ifndef UNIT_HTTP_CLIENT_SETUP_H
#define UNIT_HTTP_CLIENT_SETUP_H

#include "http_listener.h"

#include "http_client/http_client.h"

static struct http_listener listener;
static struct http_client *client;
static struct arena *arena;
static struct error err;

static void open_client(void)
{
	listener_start(&listener);
	arena = arena_new("test", 16 * MIB);
	error_init(&err);
	assert_true(http_client_open(&client, &err));
}

static int tear_down(void **state)
{
	(void)state;
	http_client_close(client);
	listener_stop(&listener);
	arena_free(arena);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
