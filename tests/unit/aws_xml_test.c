/*
 * aws_xml_test.c: is the XML of S3 and SNS read, and is nothing else taken?
 */
#include "aws/aws_xml.h"
#include "base/buf.h"
#include "test_arena.h"

#include "base/banned.h"

static const struct aws_xml *root;

static bool parse(struct str text)
{
	root = NULL;
	error_init(&err);
	return aws_xml_parse(&root, text, arena, &err);
}

static void a_list_of_keys_is_read(void **state)
{
	static const char *const keys[] = { "a/1", "a&b", "\xe2\x82\xac<" };
	const struct aws_xml *entry;
	size_t i = 0;

	(void)state;
	assert_true(parse(STR(
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/\">\n"
		" <IsTruncated>true</IsTruncated><Empty/><Blank></Blank>"
		"<Contents><Key>a/1</Key><Size>1</Size></Contents>"
		"<Contents a='&lt;"
		"' ><Key>a&amp;b</Key></Contents>"
		"<Other/><Contents><Key>&#8364;&lt;</Key></Contents>"
		"</ListBucketResult >\n")));
	assert_true(str_is(root->name, "ListBucketResult"));
	assert_true(str_is(aws_xml_text(root, "IsTruncated"), "true"));
	assert_true(str_is(aws_xml_text(root, "Empty"), ""));
	assert_true(str_is(aws_xml_text(root, "Blank"), ""));
	assert_null(aws_xml_text(root, "Key").ptr);
	for (entry = aws_xml_child(root, "Contents"); entry;
	     entry = aws_xml_next(entry))
		assert_true(str_is(aws_xml_text(entry, "Key"), keys[i++]));
	assert_int_equal(i, 3);
}

static void what_is_not_there_is_absent(void **state)
{
	(void)state;
	assert_true(parse(STR("<a><b/></a>")));
	assert_null(aws_xml_child(root, "c"));
	assert_null(aws_xml_child(NULL, "c"));
	assert_null(aws_xml_text(aws_xml_child(root, "c"), "d").ptr);
	assert_null(aws_xml_next(aws_xml_child(root, "b")));
	assert_null(aws_xml_text(root, "B").ptr);
}

static void references_become_characters(void **state)
{
	(void)state;
	assert_true(parse(STR("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x41;&#xe9;"
			      "&#x20AC;&#x1F600;&#9;</a>")));
	assert_true(str_is(root->text, "<>&\"'AA\xc3\xa9\xe2\x82\xac"
				       "\xf0\x9f\x98\x80\t"));
}

static void what_is_no_document_is_refused(void **state)
{
	static const char *const texts[] = {
		"", " ", "a", "<", "<>", "<a", "<a>", "<a/", "</a>", "<a></b>",
		"<a><b></a></b>", "<a/><b/>", "<a/>x", "x<a/>", "<a></a",
		"< a/>", "<1/>", "<a b/>", "<a b=/>", "<a b=1/>", "<a b=\"1/>",
		"<a b=\"<\"/>", "<ab=\"1\"/>", "<a b=\"1\"c=\"2\"/>",
		"<a>x<b/></a>", "<a><b/>x</a>", "<a>&</a>", "<a>&b;</a>",
		"<a>&lt</a>", "<a>&#;</a>", "<a>&#x;</a>", "<a>&#0;</a>",
		"<a>&#1;</a>", "<a>&#xD800;</a>", "<a>&#xFFFF;</a>",
		"<a>&#x110000;</a>", "<a>&#x100000041;</a>", "<a>&#6a;</a>",
		"<a>\x01</a>", "<a>\xff</a>", "<a>\xc0\xaf</a>",
		"<!DOCTYPE a><a/>",
		("<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>"
		 "<a>&b;</a>"),
		"<a><!-- b --></a>", "<a><![CDATA[b]]></a>", "<?b?><a/>",
		"<a><?b?></a>", " <?xml version=\"1.0\"?><a/>",
		"<?xml version=\"1.0\"?><?xml version=\"1.0\"?><a/>",
		"<?xmlx?><a/>", "{\"a\":1}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (parse(str_from(texts[i])))
			fail_msg("taken: %s", texts[i]);
		assert_int_equal(err.code, ERROR_UNAVAILABLE);
	}
	assert_false(parse(STR("<a>\0</a>")));
}

static struct str nested(unsigned depth, const char *open, const char *close)
{
	struct buf text;

	buf_init(&text, arena, 4 * MIB);
	for (unsigned i = 0; i < depth; i++)
		buf_add_text(&text, open);
	for (unsigned i = 0; i < depth; i++)
		buf_add_text(&text, close);
	return buf_str(&text);
}

static void depth_and_number_are_bounded(void **state)
{
	struct buf text;

	(void)state;
	assert_true(parse(nested(16, "<a>", "</a>")));
	assert_false(parse(nested(17, "<a>", "</a>")));
	assert_false(parse(nested(100000, "<a>", "</a>")));
	buf_init(&text, arena, MIB);
	buf_printf(&text, "<r>%.*s</r>",
		   STR_ARG(nested(19999, "<a/>", "")));
	assert_true(parse(buf_str(&text)));
	buf_reset(&text);
	buf_printf(&text, "<r>%.*s</r>",
		   STR_ARG(nested(20000, "<a/>", "")));
	assert_false(parse(buf_str(&text)));
}

static void every_cut_of_a_document_is_refused(void **state)
{
	struct str text = STR("<?xml version=\"1.0\"?><a b=\"c\"><d>&lt;e</d>"
			      "<f/></a>");

	(void)state;
	assert_true(parse(text));
	for (size_t i = 0; i < text.len; i++)
		assert_false(parse((struct str){ text.ptr, i }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_list_of_keys_is_read),
		TEST(what_is_not_there_is_absent),
		TEST(references_become_characters),
		TEST(what_is_no_document_is_refused),
		TEST(depth_and_number_are_bounded),
		TEST(every_cut_of_a_document_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
