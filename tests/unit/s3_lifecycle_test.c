/*
 * s3_lifecycle_test.c: do the desk's lifecycle rules join those of a bucket,
 * and is nothing of an operator's changed, shortened or lost?
 */
#include "http_listener.h"

#include "adapters/s3.h"

#include "base/banned.h"

#define REPORTS \
	"<Rule><ID>reports</ID><Filter><Prefix>reports/</Prefix></Filter>" \
	"<Status>Enabled</Status><Expiration><Days>30</Days></Expiration>" \
	"<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>" \
	"</NoncurrentVersionExpiration></Rule>"
#define OLD_VERSIONS \
	"<Rule><ID>old-versions</ID><Filter><Prefix></Prefix></Filter>" \
	"<Status>Enabled</Status>" \
	"<NoncurrentVersionExpiration><NoncurrentDays>90</NoncurrentDays>" \
	"</NoncurrentVersionExpiration><AbortIncompleteMultipartUpload>" \
	"<DaysAfterInitiation>1</DaysAfterInitiation>" \
	"</AbortIncompleteMultipartUpload></Rule>"
#define NONE \
	"<Error><Code>NoSuchLifecycleConfiguration</Code></Error>"
#define RULE(rest) \
	"<Rule><ID>own</ID><Status>Enabled</Status>" rest "</Rule>"

static struct http_listener listener;
static struct config *config;
static struct object_archive *archive;
static struct arena *arena;
static struct error err;
static struct buf said;

static int set_up(void **state)
{
	(void)state;
	listener_start(&listener);
	arena = arena_new("s3_lifecycle_test", 64 * MIB);
	config = listener_config(&listener, "s3",
				 "object_archive.adapter = s3\n"
				 "object_archive.bucket = bbb\n", "");
	error_init(&err);
	if (!object_archive_open(&archive, config, &err))
		fail_msg("%s %s", err.detail, err.cause);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	object_archive_close(archive);
	config_free(config);
	listener_stop(&listener);
	arena_free(arena);
	return 0;
}

static const char *http(const char *status, const char *headers,
			const char *body)
{
	return arena_printf(arena, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s"
			    "\r\n%s", status, strlen(body), headers, body);
}

static const char *configuration(const char *rules)
{
	return arena_printf(arena, "<?xml version=\"1.0\"?>\n"
			    "<LifecycleConfiguration" S3_NAMESPACE ">%s"
			    "</LifecycleConfiguration>", rules);
}

static void hear(enum setup_result result, const char *what, const char *where)
{
	assert_string_equal(where, "bbb");
	buf_printf(&said, "%s %s\n", result == SETUP_KEPT ? "kept" :
		   result == SETUP_MADE ? "made" : "skip", what);
}

static struct s3 *s3(void)
{
	return (struct s3 *)archive;
}

static bool ensure(const char *got, const char *put)
{
	struct setup setup = { arena, hear };

	error_init(&err);
	buf_init(&said, arena, 4 * KIB);
	listener_play(&listener, got, put, NULL, NULL);
	return s3_lifecycle_ensure(s3(), &setup, &err);
}

/* What the bucket has is `got`; "" for `put`: nothing is to be put. */
static void assert_put(const char *got, const char *put, const char *words)
{
	if (!ensure(got, ANSWER("200 OK")))
		fail_msg("%s", err.cause);
	assert_string_equal(said.ptr, words);
	assert_int_equal(listener.requests, *put ? 2 : 1);
	if (*put) {
		assert_memory_equal(listener.request,
				    "PUT /bbb?lifecycle= ", 20);
		assert_string_equal(listener_body(&listener), put);
	}
}

static void a_bucket_without_rules_gets_those_of_the_template(void **state)
{
	(void)state;
	assert_put(http("404 Not Found", "", NONE),
		   "<LifecycleConfiguration" S3_NAMESPACE ">" REPORTS
		   OLD_VERSIONS "</LifecycleConfiguration>",
		   "made lifecycle rule reports\n"
		   "made lifecycle rule old-versions\n");
	assert_non_null(strcasestr(listener.request, "\r\ncontent-md5: "));
	assert_non_null(strcasestr(listener.request,
				   "\r\nx-amz-checksum-sha256: "));
	assert_null(strcasestr(listener.request, "transition"));
	assert_put(http("200 OK", "", "<LifecycleConfiguration/>"),
		   "<LifecycleConfiguration" S3_NAMESPACE ">" REPORTS
		   OLD_VERSIONS "</LifecycleConfiguration>",
		   "made lifecycle rule reports\n"
		   "made lifecycle rule old-versions\n");
}

static void rules_that_are_there_are_kept_in_whatever_form(void **state)
{
	static const char *const old_form =
		"<Rule><Prefix>reports/</Prefix><Status>Enabled</Status>"
		"<ID>reports</ID><NoncurrentVersionExpiration><NoncurrentDays>1"
		"</NoncurrentDays></NoncurrentVersionExpiration><Expiration>"
		"<Days>30</Days></Expiration></Rule><Rule><ID>old-versions</ID>"
		"<Filter/><Status>Enabled</Status><NoncurrentVersionExpiration>"
		"<NoncurrentDays>90</NoncurrentDays>"
		"</NoncurrentVersionExpiration><AbortIncompleteMultipartUpload>"
		"<DaysAfterInitiation>1</DaysAfterInitiation>"
		"</AbortIncompleteMultipartUpload></Rule>";
	static const char words[] = "kept lifecycle rule reports\n"
				    "kept lifecycle rule old-versions\n";

	(void)state;
	assert_put(http("200 OK", "", configuration(REPORTS OLD_VERSIONS)), "",
		   words);
	assert_put(http("200 OK", "", configuration(old_form)), "", words);
}

static void what_is_missing_joins_an_operators_rules(void **state)
{
	static const char own[] =
		RULE("<Filter><Tag><Key>a&amp;b</Key><Value>c</Value></Tag>"
		     "</Filter><Transition><Days>9</Days><StorageClass>GLACIER"
		     "</StorageClass></Transition>")
		RULE("<Filter><Prefix>archive/</Prefix></Filter><Expiration>"
		     "<Days>3650</Days></Expiration>")
		RULE("<Filter/><AbortIncompleteMultipartUpload>"
		     "<DaysAfterInitiation>7</DaysAfterInitiation>"
		     "</AbortIncompleteMultipartUpload><Expiration>"
		     "<ExpiredObjectDeleteMarker>true"
		     "</ExpiredObjectDeleteMarker></Expiration>");
	const char *size = "x-amz-transition-default-minimum-object-size: "
			   "varies_by_storage_class\r\n";

	(void)state;
	assert_put(http("200 OK", size, configuration(own)),
		   configuration(arena_printf(arena, "%s" REPORTS OLD_VERSIONS,
					      own)),
		   "made lifecycle rule reports\n"
		   "made lifecycle rule old-versions\n");
	assert_non_null(strcasestr(listener.request, size));
	assert_put(http("200 OK", "", configuration(REPORTS)),
		   configuration(REPORTS OLD_VERSIONS),
		   "kept lifecycle rule reports\n"
		   "made lifecycle rule old-versions\n");
}

/* XML 1.0, 3.1: ETag ::= '</' Name S? '>' */
static void the_end_of_the_rules_is_found_however_it_is_written(void **state)
{
	(void)state;
	assert_put(http("200 OK", "", "<LifecycleConfiguration>" REPORTS
			"</LifecycleConfiguration >\n"),
		   "<LifecycleConfiguration>" REPORTS OLD_VERSIONS
		   "</LifecycleConfiguration >\n",
		   "kept lifecycle rule reports\n"
		   "made lifecycle rule old-versions\n");
}

static void a_rule_for_the_same_is_not_shortened_by_ours(void **state)
{
	static const char *const own[] = {
		RULE("<Prefix>rep</Prefix><Expiration><Days>365</Days>"
		     "</Expiration>"),
		RULE("<Filter><Prefix>reports/2026</Prefix></Filter>"
		     "<Expiration><Date>2030-01-01</Date></Expiration>"),
		RULE("<Filter><And><Prefix>reports/</Prefix><Tag><Key>a</Key>"
		     "<Value>b</Value></Tag></And></Filter><Expiration><Days>"
		     "365</Days></Expiration>"),
		RULE("<Expiration><Days>365</Days></Expiration>"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		assert_put(http("200 OK", "", configuration(own[i])),
			   configuration(arena_printf(arena, "%s" OLD_VERSIONS,
						      own[i])),
			   "skip lifecycle rule reports (another rule of the "
			   "bucket decides)\n"
			   "made lifecycle rule old-versions\n");
	assert_put(http("200 OK", "", configuration(REPORTS RULE(
			"<Filter><Prefix>archive/</Prefix></Filter>"
			"<NoncurrentVersionExpiration><NoncurrentDays>3650"
			"</NoncurrentDays></NoncurrentVersionExpiration>"))),
		   "", "kept lifecycle rule reports\n"
		   "skip lifecycle rule old-versions (another rule of the "
		   "bucket decides)\n");
}

static void a_rule_of_our_name_that_differs_stays(void **state)
{
	static const char *const cuts[][2] = {
		{ "<Days>30", "<Days>31" }, { "Enabled", "Disabled" },
		{ "<NoncurrentDays>1<", "<NoncurrentDays>2<" },
		{ "<Prefix>reports/</Prefix>", "<Prefix>report/</Prefix>" },
		{ "<Filter><Prefix>reports/</Prefix></Filter>",
		  "<Filter><And><Prefix>reports/</Prefix><ObjectSizeLessThan>9"
		  "</ObjectSizeLessThan></And></Filter>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		static const char rules[] = REPORTS OLD_VERSIONS;
		const char *at = strstr(rules, cuts[i][0]);

		assert_put(http("200 OK", "", configuration(arena_printf(
				   arena, "%.*s%s%s", (int)(at - rules), rules,
				   cuts[i][1], at + strlen(cuts[i][0])))),
			   "", "skip lifecycle rule reports (the bucket's "
			   "differs and stays)\n"
			   "kept lifecycle rule old-versions\n");
	}
}

static void an_engine_without_lifecycle_is_said_and_no_failure(void **state)
{
	const char *const answers[] = {
		ANSWER("501 Not Implemented"), ANSWER("405 Not Allowed"),
		ANSWER("404 Not Found"), ANSWER("200 OK"),
		http("400 Bad Request", "",
		     "<Error><Code>InvalidArgument</Code></Error>"),
		http("200 OK", "", "<ListBucketResult/>"),
		http("200 OK", "", "<LifecycleConfiguration>"),
	};
	const char *const refusals[] = { "NotImplemented", "MalformedXML" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		assert_put(answers[i], "",
			   "skip lifecycle rule reports (this engine "
			   "has none)\nskip lifecycle rule old-versions (this "
			   "engine has none)\n");
		listener_play(&listener, answers[i], NULL, NULL, NULL);
		assert_null(object_archive_lacks(archive, arena));
	}
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		assert_true(ensure(http("404 Not Found", "", NONE),
				   http(i ? "400 Bad Request" :
					    "501 Not Implemented", "",
					arena_printf(arena, "<Error><Code>%s"
						     "</Code><Message>why"
						     "</Message></Error>",
						     refusals[i]))));
		assert_string_equal(said.ptr, arena_printf(
			arena, "skip lifecycle rule reports (missing; not "
			"taken: %s: why)\nskip lifecycle rule old-versions "
			"(missing; not taken: %s: why)\n", refusals[i],
			refusals[i]));
	}
}

static void what_may_not_be_done_is_a_failure(void **state)
{
	const char *denied = http("403 Forbidden", "",
				  "<Error><Code>AccessDenied</Code></Error>");

	(void)state;
	assert_false(ensure(denied, NULL));
	assert_non_null(strstr(err.cause, "status 403, AccessDenied"));
	assert_int_equal(listener.requests, 1);
	assert_false(ensure(http("404 Not Found", "", NONE), denied));
	assert_non_null(strstr(err.cause, "status 403, AccessDenied"));
	assert_int_equal(said.len, 0);
}

static void check_names_what_is_missing_and_changes_nothing(void **state)
{
	const struct {
		const char *answer, *lacks;
	} cases[] = {
		{ http("404 Not Found", "", NONE), "rule reports is missing" },
		{ http("200 OK", "", configuration(REPORTS)),
		  "rule old-versions is missing" },
		{ ANSWER("403 Forbidden"), "its lifecycle cannot be read: " },
		{ http("200 OK", "", configuration(REPORTS OLD_VERSIONS)),
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *lacks;

		listener_play(&listener, cases[i].answer, NULL, NULL, NULL);
		lacks = object_archive_lacks(archive, arena);
		assert_int_equal(listener.requests, 1);
		if (cases[i].lacks)
			assert_non_null(strstr(lacks, cases[i].lacks));
		else
			assert_null(lacks);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_bucket_without_rules_gets_those_of_the_template),
		TEST(rules_that_are_there_are_kept_in_whatever_form),
		TEST(what_is_missing_joins_an_operators_rules),
		TEST(the_end_of_the_rules_is_found_however_it_is_written),
		TEST(a_rule_for_the_same_is_not_shortened_by_ours),
		TEST(a_rule_of_our_name_that_differs_stays),
		TEST(an_engine_without_lifecycle_is_said_and_no_failure),
		TEST(what_may_not_be_done_is_a_failure),
		TEST(check_names_what_is_missing_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
