/*
 * aws_xml_fuzz.c: any bytes as an answer's XML.
 *
 * What is accepted is a tree within its bounds whose texts are valid UTF-8, and
 * written out again it reads as the same tree.
 */
#include "aws/aws_xml.h"
#include "base/buf.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "aws_xml_fuzz: %s\n", what);
	abort();
}

static void write_tree(const struct aws_xml *element, unsigned depth,
		       struct buf *to)
{
	check(depth <= 16, "too deep");
	check(element->name.len > 0, "no name");
	check(utf8_valid(element->text), "not UTF-8");
	check(!element->child || element->text.len == 0, "text and elements");
	buf_printf(to, "<%.*s>", STR_ARG(element->name));
	for (size_t i = 0; i < element->text.len; i++)
		buf_printf(to, strchr("<&>\r", element->text.ptr[i])
				       ? "&#%d;" : "%c",
			   element->text.ptr[i]);
	for (const struct aws_xml *child = element->child; child;
	     child = child->next)
		write_tree(child, depth + 1, to);
	buf_printf(to, "</%.*s>", STR_ARG(element->name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	CLEANUP(cleanup_arena) struct arena *arena = arena_new("fuzz", 256 * MIB);
	struct str text = { (const char *)data, bytes };
	const struct aws_xml *root;
	struct buf once, twice;
	struct error err;

	if (bytes > 64 * KIB)
		return 0;
	error_init(&err);
	if (!aws_xml_parse(&root, text, arena, &err)) {
		check(err.code == ERROR_UNAVAILABLE, "another code");
		return 0;
	}
	check(!error_is_set(&err), "an error beside success");
	buf_init(&once, arena, 16 * MIB);
	buf_init(&twice, arena, 16 * MIB);
	write_tree(root, 1, &once);
	check(aws_xml_parse(&root, buf_str(&once), arena, &err),
	      "what was written is not read");
	write_tree(root, 1, &twice);
	check(str_eq(buf_str(&once), buf_str(&twice)), "not the same tree");
	return 0;
}
