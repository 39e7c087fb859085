/*
 * aws_profile_test.c: is a value found in the section it is in, and nowhere
 * else?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aws/aws_profile.h"

#include "base/banned.h"

static const char config[] =
	"# a comment\n"
	"region = outside\n"
	"[default]\n"
	"region=eu-central-1\n"
	"s3 =\n"
	"  region = nested\n"
	"[profile desk]\r\n"
	"region = eu-west-1   # here\r\n"
	"REGION = eu-west-2\n"
	"role_arn = arn:aws:iam::1:role/a#b\n"
	"empty =\n"
	"no equals sign\n"
	"[other]\n"
	"region = wrong\n"
	"[ profile   spaced ]\n"
	"region = eu-north-1";

static struct str find(enum aws_shared_file file, const char *profile,
		       const char *key)
{
	return aws_profile_find(str_from(config), file, str_from(profile),
				str_from(key));
}

static void assert_value(struct str got, const char *want)
{
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.ptr, want, got.len);
}

static void a_value_is_that_of_its_profile(void **state)
{
	(void)state;
	assert_value(find(AWS_CONFIG_FILE, "default", "region"),
		     "eu-central-1");
	assert_value(find(AWS_CONFIG_FILE, "spaced", "region"), "eu-north-1");
}

static void the_last_of_several_counts(void **state)
{
	(void)state;
	assert_value(find(AWS_CONFIG_FILE, "desk", "region"), "eu-west-2");
}

static void a_hash_within_a_word_is_no_comment(void **state)
{
	(void)state;
	assert_value(find(AWS_CONFIG_FILE, "desk", "role_arn"),
		     "arn:aws:iam::1:role/a#b");
}

static void the_config_file_wants_the_word_profile(void **state)
{
	(void)state;
	assert_null(find(AWS_CONFIG_FILE, "other", "region").ptr);
	assert_value(find(AWS_CREDENTIALS_FILE, "other", "region"), "wrong");
	assert_null(find(AWS_CREDENTIALS_FILE, "desk", "region").ptr);
}

static void what_is_empty_is_there_and_what_is_missing_is_not(void **state)
{
	(void)state;
	assert_value(find(AWS_CONFIG_FILE, "desk", "empty"), "");
	assert_non_null(find(AWS_CONFIG_FILE, "desk", "empty").ptr);
	assert_null(find(AWS_CONFIG_FILE, "desk", "missing").ptr);
	assert_null(find(AWS_CONFIG_FILE, "nobody", "region").ptr);
}

static void a_profile_without_settings_is_there(void **state)
{
	static const char text[] = "[default]\n[profile a]\n[b]";

	(void)state;
	assert_true(aws_profile_is_in(str_from(text), AWS_CONFIG_FILE,
				      STR("a")));
	assert_true(aws_profile_is_in(str_from(text), AWS_CREDENTIALS_FILE,
				      STR("b")));
	assert_false(aws_profile_is_in(str_from(text), AWS_CONFIG_FILE,
				       STR("b")));
	assert_false(aws_profile_is_in(STR("default"), AWS_CONFIG_FILE,
				       STR("default")));
}

static void broken_files_give_nothing(void **state)
{
	static const char *const texts[] = { "", "[", "[]", "[default",
					     "=", "[default]\n=x", "\n\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_null(aws_profile_find(str_from(texts[i]),
					     AWS_CREDENTIALS_FILE,
					     STR("default"), STR("region"))
				    .ptr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_that_of_its_profile),
		cmocka_unit_test(the_last_of_several_counts),
		cmocka_unit_test(a_hash_within_a_word_is_no_comment),
		cmocka_unit_test(the_config_file_wants_the_word_profile),
		cmocka_unit_test(
			what_is_empty_is_there_and_what_is_missing_is_not),
		cmocka_unit_test(a_profile_without_settings_is_there),
		cmocka_unit_test(broken_files_give_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
