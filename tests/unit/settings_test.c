/*
 * settings_test.c: is the site's secret made once, kept private and checked?
 */
#include "../contract/engine.h"

#include <sys/stat.h>

#include "ports/settings.h"

#include "base/banned.h"

/* Keeps the path of the secret; the settings' copy of it is freed. */
static bool open_settings(struct desk *desk, uint8_t ret[32])
{
	struct settings settings;

	error_init(&desk->err);
	if (!settings_open(&settings, desk->config, &desk->err))
		return false;
	assert_int_equal(settings.secret.len, 32);
	memcpy(ret, settings.secret.ptr, 32);
	free((void *)(uintptr_t)settings.secret.ptr);
	return true;
}

static void the_secret_is_made_once_and_is_private(void **state)
{
	struct desk *desk = *state;
	uint8_t first[32], second[32];
	static const uint8_t zeros[32];
	struct stat status;

	assert_true(open_settings(desk, first));
	assert_true(open_settings(desk, second));
	assert_memory_equal(first, second, 32);
	assert_memory_not_equal(first, zeros, 32);
	assert_int_equal(stat(config_text(desk->config, "site.secret_file"),
			      &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_damaged_secret_is_refused_and_left_alone(void **state)
{
	static const char *const contents[] = {
		"", "\n", "short\n",
		"zz23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0\n",
	};
	struct desk *desk = *state;
	const char *path = config_text(desk->config, "site.secret_file");
	uint8_t secret[32];
	struct stat status;

	assert_true(open_settings(desk, secret));
	for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
		FILE *file = fopen(path, "w");

		fputs(contents[i], file);
		fclose(file);
		assert_false(open_settings(desk, secret));
		assert_true(desk->err.cause[0]);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_size, strlen(contents[i]));
	}
}

static void settings_come_from_the_config(void **state)
{
	struct desk *desk = *state;
	struct settings settings;

	assert_ok(desk, settings_open(&settings, desk->config, &desk->err));
	assert_string_equal(settings.currency, "EUR");
	assert_string_equal(settings.site_name, "Order desk");
	assert_string_equal(settings.site_url, "http://127.0.0.1:8080");
	assert_false(settings.require_if_match);
	free((void *)(uintptr_t)settings.secret.ptr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		desk_test(the_secret_is_made_once_and_is_private),
		desk_test(a_damaged_secret_is_refused_and_left_alone),
		desk_test(settings_come_from_the_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
