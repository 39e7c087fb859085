/*
 * multipart_test.c: is a part found, and a malformed body refused?
 */
#include "http/request.h"
#include "test_arena.h"

#include "base/banned.h"

/* The body in a block of just its size: AddressSanitizer sees its end. */
static bool read_field(const char *type, struct str body, const char *name,
		       struct str *ret)
{
	char *copy = arena_alloc(arena, body.len);
	struct request req = { .arena = arena,
			       .content_type = str_from(type) };

	memcpy(copy, body.ptr, body.len);
	req.body = (struct str){ copy, body.len };
	error_init(&err);
	return multipart_field(&req, name, ret, &err);
}

#define TYPE "multipart/form-data; boundary=b"

static void assert_found(const char *type, struct str body, const char *name,
			 struct str expected)
{
	struct str found;

	assert_true(read_field(type, body, name, &found));
	assert_non_null(found.ptr);
	assert_true(str_eq(found, expected));
}

static void assert_refused(const char *type, struct str body)
{
	struct str found;

	assert_false(read_field(type, body, "a", &found));
	assert_int_equal(err.code, ERROR_BAD_REQUEST);
}

#define PART(name, content) \
	"--b\r\nContent-Disposition: form-data; name=" name "\r\n\r\n" content \
	"\r\n"

static void a_part_is_found_by_its_name(void **state)
{
	const struct str body = STR(PART("\"x\"", "1") PART("\"a\"", "2")
				    PART("\"y\"", "3") "--b--\r\n");

	(void)state;
	assert_found(TYPE, body, "x", STR("1"));
	assert_found(TYPE, body, "a", STR("2"));
	assert_found(TYPE, body, "y", STR("3"));
}

static void a_name_without_quotes_is_a_name(void **state)
{
	(void)state;
	assert_found(TYPE, STR(PART("a", "2") "--b--"), "a", STR("2"));
}

static void content_is_bytes(void **state)
{
	(void)state;
	assert_found(TYPE, STR(PART("\"a\"", "\0\xff\r\n--\r\n--c\r\n")
			       "--b--\r\n"),
		     "a", STR("\0\xff\r\n--\r\n--c\r\n"));
	assert_found(TYPE, STR(PART("\"a\"", "") "--b--\r\n"), "a", STR(""));
}

static void a_boundary_may_be_quoted_and_the_header_in_any_case(void **state)
{
	(void)state;
	assert_found("Multipart/Form-Data; charset=utf-8; BOUNDARY=\"b\"",
		     STR("--b\r\nX: y\r\nCONTENT-DISPOSITION:form-data;name=a"
			 "\r\nContent-Type: image/png\r\n\r\n2\r\n--b--"),
		     "a", STR("2"));
}

static void a_part_that_is_not_there_is_absent(void **state)
{
	struct str found;

	(void)state;
	assert_true(read_field(TYPE, STR(PART("\"x\"", "1") "--b--\r\n"), "a",
			       &found));
	assert_null(found.ptr);
	assert_true(read_field(TYPE, STR("--b--"), "a", &found));
	assert_null(found.ptr);
	/* no header, and one that names nothing */
	assert_true(read_field(TYPE, STR("--b\r\n\r\n1\r\n"
					 "--b\r\nContent-Disposition: form-data"
					 "\r\n\r\n1\r\n--b--"), "a", &found));
	assert_null(found.ptr);
}

static void a_part_that_is_there_twice_is_refused(void **state)
{
	const struct str body = STR(PART("\"a\"", "1") PART("\"x\"", "2")
				    PART("a", "3") "--b--");

	(void)state;
	assert_refused(TYPE, body);
	assert_found(TYPE, body, "x", STR("2"));
	/* and what follows the part must be whole too */
	assert_refused(TYPE, STR(PART("\"a\"", "1") "--b\r\n"));
}

static void a_boundary_is_needed(void **state)
{
	const struct str body = STR(PART("\"a\"", "1") "--b--");
	char type[200];

	(void)state;
	assert_refused("multipart/form-data", body);
	assert_refused("multipart/form-data; boundary", body);
	assert_refused("multipart/form-data; boundary=", body);
	assert_refused("multipart/form-data; boundary=\"\"", body);
	assert_refused("", body);
	snprintf(type, sizeof(type), "multipart/form-data; boundary=%071d", 0);
	assert_refused(type, body);
	assert_refused("multipart/form-data; boundary=c", body);
}

/* The line end before a delimiter is the delimiter's: a part that has nothing
 * else has no headers either. */
static void a_delimiter_right_behind_a_delimiter_is_refused(void **state)
{
	(void)state;
	assert_refused(TYPE, STR("--b\r\n--b--\r\n"));
	assert_refused(TYPE, STR("--b\r\n--b\r\n--b--\r\n"));
	assert_refused(TYPE, STR("--b\r\n\r\n--b--\r\n"));
}

static void a_body_that_is_cut_is_refused_wherever_it_is(void **state)
{
	const struct str body = STR(PART("\"x\"", "1") PART("\"a\"", "2")
				    "--b--");

	(void)state;
	for (size_t len = 0; len < body.len - sizeof("\r\n--b--") + 1; len++)
		assert_refused(TYPE, (struct str){ body.ptr, len });
}

static void headers_without_an_end_are_refused(void **state)
{
	(void)state;
	assert_refused(TYPE, STR("--b\r\nContent-Disposition: form-data; "
				 "name=a\r\n--b--"));
	assert_refused(TYPE, STR("--b\r\nname=a\r\n--b--"));
	assert_refused(TYPE, STR("--bx\r\n\r\n1\r\n--b--"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_part_is_found_by_its_name),
		TEST(a_name_without_quotes_is_a_name),
		TEST(content_is_bytes),
		TEST(a_boundary_may_be_quoted_and_the_header_in_any_case),
		TEST(a_part_that_is_not_there_is_absent),
		TEST(a_part_that_is_there_twice_is_refused),
		TEST(a_boundary_is_needed),
		TEST(a_delimiter_right_behind_a_delimiter_is_refused),
		TEST(a_body_that_is_cut_is_refused_wherever_it_is),
		TEST(headers_without_an_end_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
