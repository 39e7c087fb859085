/*
 * log_test.c: is a line one line, whatever its values hold?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>

#include "base/log.h"

#include "base/banned.h"

static char written[8192];
static int saved_stderr, reader;

/* Standard error becomes a packet pipe: one read gives one write. */
static int setup(void **state)
{
	int ends[2];

	(void)state;
	if (pipe2(ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC))
		return -1;
	saved_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	reader = ends[0];
	log_open("test");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(reader);
	return 0;
}

/* The one packet that is waiting, less its varying time. */
static const char *line(void)
{
	ssize_t bytes = read(reader, written, sizeof(written) - 1);
	char *time, *behind;

	assert_true(bytes > 0);
	written[bytes] = '\0';
	assert_int_equal(read(reader, &(char){ 0 }, 1), -1);
	assert_int_equal(written[bytes - 1], '\n');
	assert_ptr_equal(strchr(written, '\n'), written + bytes - 1);
	time = strstr(written, " time=");
	assert_non_null(time);
	behind = strchr(time + 1, ' ');
	assert_non_null(behind);
	memmove(time, behind, strlen(behind) + 1);
	return written;
}

static const char *line_with(struct str value)
{
	struct log_line log;

	log_begin(&log, "info", "e");
	log_str(&log, "v", value);
	log_int(&log, "n", -7);
	log_end(&log);
	return line();
}

static void a_line_is_logfmt_in_one_write(void **state)
{
	(void)state;
	assert_string_equal(line_with(STR("plain/value:1")),
			    "op=test level=info event=e v=plain/value:1 "
			    "n=-7\n");
}

static void values_are_quoted_where_they_need_it(void **state)
{
	(void)state;
	assert_non_null(strstr(line_with(STR("two words")),
			       " v=\"two words\" n="));
	assert_non_null(strstr(line_with(STR("")), " v=\"\" n="));
	assert_non_null(strstr(line_with((struct str){ NULL, 0 }),
			       " v=\"\" n="));
	assert_non_null(strstr(line_with(STR("a=b")), " v=\"a=b\" n="));
	assert_non_null(strstr(line_with(STR("\xc3\xa4")),
			       " v=\"\xc3\xa4\" n="));
}

static void no_value_can_end_its_quotes_or_its_line(void **state)
{
	(void)state;
	assert_non_null(strstr(line_with(STR("a\" level=error \\")),
			       " v=\"a\\\" level=error \\\\\" n="));
	assert_non_null(strstr(line_with(STR("a\nop=x\r\t\0")),
			       " v=\"a\\nop=x\\u000d\\u0009\\u0000\" n="));
}

/* ESC [ and the C1 controls move a terminal's cursor; U+202E turns the text. */
static void no_value_can_control_a_terminal(void **state)
{
	(void)state;
	assert_non_null(strstr(line_with(STR("\x1b[2J\x7f")),
			       " v=\"\\u001b[2J\\u007f\" n="));
	assert_non_null(strstr(line_with(STR("\xc2\x9b" "2J")),
			       " v=\"\\u009b2J\" n="));
	assert_non_null(strstr(line_with(STR("\xe2\x80\xa8\xe2\x80\xae")),
			       " v=\"\\u2028\\u202e\" n="));
	assert_non_null(strstr(line_with(STR("\xff\xc3(")),
			       " v=\"\\xff\\xc3(\" n="));
	assert_non_null(strstr(line_with(STR("\xe2\x80\xaa\xe2\x81\xa6"
					     "\xe2\x81\xa9\xe2\x81\xaa"
					     "\xc2\x9f\xc2\xa0")),
			       " v=\"\\u202a\\u2066\\u2069\xe2\x81\xaa"
			       "\\u009f\xc2\xa0\" n="));
	/* U+FFFD itself is a character like others. */
	assert_non_null(strstr(line_with(STR("\xef\xbf\xbd")),
			       " v=\"\xef\xbf\xbd\" n="));
}

static void a_long_value_is_cut_and_the_next_field_still_there(void **state)
{
	static char text[5000];
	const char *got;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	got = line_with(str_from(text));
	assert_non_null(strstr(got, "aaa\u2026\" n=-7\n"));
	assert_true(strlen(got) < 700);
}

static void a_full_line_still_ends(void **state)
{
	static const char *const fillings[] = { "a", "\"", "\n", "\x01",
						"\xe2\x82\xac", "\xff" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fillings); i++) {
		static char text[4000];
		struct log_line log;
		size_t len = strlen(fillings[i]);

		for (size_t at = 0; at + len < sizeof(text); at += len)
			memcpy(text + at, fillings[i], len + 1);
		log_begin(&log, "info", "e");
		for (size_t cut = 0; cut < 40; cut++) {
			log_text(&log, "key", text + (cut % 7) * len);
			log_str(&log, "k",
				(struct str){ text, cut * 20 * len });
		}
		log_end(&log);
		assert_true(strlen(line()) < sizeof(log.text));
	}
}

static void a_message_is_formatted(void **state)
{
	(void)state;
	log_say("warn", "started", "%d workers", 2);
	assert_string_equal(line(), "op=test level=warn event=started "
				    "message=\"2 workers\"\n");
}

#define ON_PIPE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_PIPE(a_line_is_logfmt_in_one_write),
		ON_PIPE(values_are_quoted_where_they_need_it),
		ON_PIPE(no_value_can_end_its_quotes_or_its_line),
		ON_PIPE(no_value_can_control_a_terminal),
		ON_PIPE(a_long_value_is_cut_and_the_next_field_still_there),
		ON_PIPE(a_full_line_still_ends),
		ON_PIPE(a_message_is_formatted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
