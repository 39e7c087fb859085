/*
 * image_recognizer_rekognition_test.c: is the service asked as it wants to be,
 * its answer read whatever it holds, and does an upload never fail for it?
 */
#include "http_listener.h"

#include "base/crypto.h"
#include "ports/image_recognizer.h"

#include "base/banned.h"

#define PNG(side) "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0" side "\0\0\0" side

static struct http_listener listener;
static struct config *config;
static struct image_recognizer *recognizer;
static struct recognition seen;
static struct arena *arena;
static struct error err;

static void open_recognizer(const char *wordnet)
{
	config = listener_config(
		&listener, "rekognition",
		"image_recognizer.adapter = rekognition\n"
		"image_recognizer.min_confidence = 60\n",
		arena_printf(arena, "image_recognizer.wordnet = %s\n",
			     wordnet));
	assert_true(image_recognizer_open(&recognizer, config, &err));
}

static int set_up(void **state)
{
	(void)state;
	listener_start(&listener);
	arena = arena_new("rekognition_test", 64 * MIB);
	error_init(&err);
	open_recognizer("/usr/share/wordnet");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	recognizer->ops->close(recognizer);
	listener_stop(&listener);
	config_free(config);
	arena_free(arena);
	return 0;
}

static void answer(const char *status_line, const char *body)
{
	listener.answer = arena_printf(arena, "HTTP/1.1 %s\r\n"
				       "Content-Length: %zu\r\n\r\n%s",
				       status_line, strlen(body), body);
}

static void look(struct str image, const char *description)
{
	assert_true(image_recognizer_recognize(recognizer, image,
					       STR("image/png"),
					       str_from(description), arena,
					       &seen, &err));
	assert_false(error_is_set(&err));
}

static void look_at_png(const char *description)
{
	look((struct str){ PNG("\x64"), sizeof(PNG("\x64")) - 1 },
	     description);
}

static void assert_not_checked(const char *reason)
{
	assert_int_equal(seen.verdict, VERDICT_NOT_CHECKED);
	assert_string_equal(seen.reason, reason);
	assert_true(seen.evidence.len > 0);
}

static void the_photo_is_sent_as_bytes(void **state)
{
	struct buf expected;

	(void)state;
	answer("200 OK", "{\"Labels\":[]}");
	look_at_png("a cup");
	buf_init(&expected, arena, KIB);
	buf_add_text(&expected, "{\"MaxLabels\":20,\"MinConfidence\":60,"
		     "\"Image\":{\"Bytes\":\"");
	buf_add_base64(&expected, (struct str){ PNG("\x64"),
						sizeof(PNG("\x64")) - 1 });
	buf_add_text(&expected, "\"}}");
	assert_string_equal(listener_body(&listener), expected.ptr);
	assert_non_null(strstr(listener.request, "\r\nX-Amz-Target: "
			       "RekognitionService.DetectLabels\r\n"));
	assert_non_null(strstr(listener.request, "\r\nContent-Type: "
			       "application/x-amz-json-1.1\r\n"));
}

static void labels_and_confidence_are_kept(void **state)
{
	(void)state;
	answer("200 OK",
	       "{\"LabelModelVersion\":\"3.0\",\"Labels\":["
	       "{\"Name\":\"Cup\",\"Confidence\":99.94,\"Instances\":[{\"a]\\\""
	       "\":[[1]]}],\"Parents\":[{\"Name\":\"Tableware\"}],"
	       "\"Aliases\":[{\"Name\":\"Mug\"}],\"Categories\":[]},"
	       "{\"Name\":\"Saucer\",\"Confidence\":7.05e1}]}");
	look_at_png("a cup");
	assert_int_equal(seen.label_count, 2);
	assert_true(str_is(seen.labels[0].name, "Cup"));
	assert_int_equal(seen.labels[0].confidence_permille, 999);
	assert_int_equal(seen.labels[1].confidence_permille, 705);
	assert_true(str_is(seen.model, "rekognition 3.0"));
}

static void the_boxes_of_a_crowd_are_no_trouble(void **state)
{
	struct buf body;

	(void)state;
	buf_init(&body, arena, MIB);
	buf_add_text(&body, "{\"Labels\":[{\"Name\":\"Person\","
		     "\"Confidence\":98,\"Instances\":[");
	for (int i = 0; i < 500; i++)
		buf_printf(&body, "%s{\"BoundingBox\":{\"Width\":0.1,\"Height\""
			   ":0.2,\"Left\":0.3,\"Top\":0.4},\"Confidence\":9}",
			   i ? "," : "");
	buf_add_text(&body, "],\"Parents\":[]}]}");
	answer("200 OK", body.ptr);
	look_at_png("a person");
	assert_int_equal(seen.label_count, 1);
}

static void the_matcher_says_what_that_means(void **state)
{
	(void)state;
	answer("200 OK", "{\"Labels\":[{\"Name\":\"Cup\",\"Confidence\":99}]}");
	look_at_png("a cup of coffee");
	if (!strcmp(seen.reason, "no_wordnet"))
		skip();
	assert_int_equal(seen.verdict, VERDICT_MATCH);
	look_at_png("a bicycle");
	assert_int_equal(seen.verdict, VERDICT_MISMATCH);
	assert_true(seen.warning.len > 0);
}

static void without_wordnet_labels_are_kept_all_the_same(void **state)
{
	(void)state;
	recognizer->ops->close(recognizer);
	config_free(config);
	open_recognizer("/nowhere");
	answer("200 OK", "{\"Labels\":[{\"Name\":\"Cup\",\"Confidence\":99}]}");
	look_at_png("a cup");
	assert_not_checked("no_wordnet");
	assert_int_equal(seen.label_count, 1);
}

static void what_the_service_cannot_read_is_not_sent(void **state)
{
	struct str webp = STR("RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\x63\0\x19"
			      "\0\0\0\0\0\0\0\0\0\0");
	char *large = arena_zalloc(arena, 6 * MIB);

	(void)state;
	look((struct str){ PNG("\x4f"), sizeof(PNG("\x4f")) - 1 }, "a cup");
	assert_not_checked("unsupported_format");
	look(webp, "a cup");
	assert_not_checked("unsupported_format");
	look(STR("GIF89a"), "a cup");
	assert_not_checked("unsupported_format");
	memcpy(large, PNG("\x64"), sizeof(PNG("\x64")) - 1);
	look((struct str){ large, 6 * MIB }, "a cup");
	assert_not_checked("too_large");
	assert_int_equal(listener.requests, 0);
}

static void what_the_service_refuses_has_a_reason(void **state)
{
	(void)state;
	answer("400 No", "{\"__type\":\"ImageTooLargeException\"}");
	look_at_png("a cup");
	assert_not_checked("too_large");
	answer("400 No", "{\"__type\":\"InvalidImageFormatException\"}");
	look_at_png("a cup");
	assert_not_checked("unsupported_format");
	answer("400 No", "{\"__type\":\"InvalidParameterException\"}");
	look_at_png("a cup");
	assert_not_checked("service_failed");
	assert_non_null(memmem(seen.cause.ptr, seen.cause.len,
			       "InvalidParameterException", 25));
	answer("403 No", "<Code>InvalidClientTokenId</Code>");
	look_at_png("a cup");
	assert_not_checked("service_failed");
	assert_non_null(memmem(seen.cause.ptr, seen.cause.len,
			       "InvalidClientTokenId", 20));
}

static void an_answer_that_makes_no_sense_is_a_failed_service(void **state)
{
	static const char *const bodies[] = {
		"", "{", "[]", "{}", "{\"Labels\":{}}", "{\"Labels\":7}",
		"{\"Labels\":[}", "\"Instances\":[", "{\"Instances\":[[[[\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		answer("200 OK", bodies[i]);
		look_at_png("a cup");
		assert_not_checked("service_failed");
	}
}

static void labels_that_are_none_are_left_out(void **state)
{
	(void)state;
	answer("200 OK", "{\"Labels\":[7,null,{},{\"Name\":\"\"},"
	       "{\"Name\":\"a\\nb\"},{\"Name\":3},{\"Name\":\"Cup\","
	       "\"Confidence\":1e9,\"Parents\":[{}],\"Aliases\":7},"
	       "{\"Name\":\"Pot\",\"Confidence\":-5}]}");
	look_at_png("a cup");
	assert_int_equal(seen.label_count, 2);
	assert_int_equal(seen.labels[0].confidence_permille, 1000);
	assert_int_equal(seen.labels[1].confidence_permille, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_photo_is_sent_as_bytes),
		TEST(labels_and_confidence_are_kept),
		TEST(the_boxes_of_a_crowd_are_no_trouble),
		TEST(the_matcher_says_what_that_means),
		TEST(without_wordnet_labels_are_kept_all_the_same),
		TEST(what_the_service_cannot_read_is_not_sent),
		TEST(what_the_service_refuses_has_a_reason),
		TEST(an_answer_that_makes_no_sense_is_a_failed_service),
		TEST(labels_that_are_none_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
