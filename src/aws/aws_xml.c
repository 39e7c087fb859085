/*
 * aws_xml.c: one pass, no recursion: a stack of open elements.
 *
 * https://www.w3.org/TR/xml/ (sections in brackets below)
 */
#include "aws/aws_xml.h"

#include "base/buf.h"

#include "base/banned.h"

#define DEPTH_MAX 16
#define ELEMENTS_MAX 20000u	/* a page of 1000 keys has about 8000 */
#define ANSWER_MAX_BYTES (8u * MIB)

struct reader {
	struct arena *arena;
	const char *at, *end;
	struct aws_xml *open[DEPTH_MAX];
	struct aws_xml **next[DEPTH_MAX + 1];	/* where the next one goes */
	size_t depth;
	size_t count;
	struct buf text;			/* of the innermost element */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct reader *reader)
{
	while (reader->at < reader->end && is_space(*reader->at))
		reader->at++;
}

static bool take(struct reader *reader, struct str what)
{
	struct str rest = { reader->at, (size_t)(reader->end - reader->at) };

	if (!str_starts(rest, what))
		return false;
	reader->at += what.len;
	return true;
}

/* [4], [5], of ASCII */
static bool is_name_character(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && ((c >= '0' && c <= '9') || c == '-' || c == '.' ||
			   c == ':'));
}

static bool take_name(struct reader *reader, struct str *ret)
{
	const char *start = reader->at;

	while (reader->at < reader->end &&
	       is_name_character(*reader->at, reader->at == start))
		reader->at++;
	*ret = (struct str){ start, (size_t)(reader->at - start) };
	return ret->len > 0;
}

/* [2] */
static bool is_character(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' ||
	       (c >= 0x20 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd) ||
	       (c >= 0x10000 && c <= 0x10ffff);
}

static void add_utf8(struct buf *to, uint32_t c)
{
	if (c < 0x80) {
		buf_add_char(to, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_add_char(to, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buf_add_char(to, (char)(0xe0 | c >> 12));
		} else {
			buf_add_char(to, (char)(0xf0 | c >> 18));
			buf_add_char(to, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_add_char(to, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_add_char(to, (char)(0x80 | (c & 0x3f)));
}

/* [66]: behind "&#" */
static bool take_number(struct reader *reader, struct buf *to)
{
	unsigned base = take(reader, STR("x")) ? 16 : 10;
	uint32_t value = 0;
	unsigned digits = 0;

	for (; reader->at < reader->end; reader->at++, digits++) {
		int digit = str_hex_digit(*reader->at);

		if (digit < 0 || digit >= (int)base || digits == 8)
			break;
		value = value * base + (uint32_t)digit;
	}
	if (digits == 0 || !is_character(value) || !take(reader, STR(";")))
		return false;
	add_utf8(to, value);
	return true;
}

/* [68]: behind "&" */
static bool take_reference(struct reader *reader, struct buf *to)
{
	static const struct {
		struct str name;
		char c;
	} entities[] = {
		{ { "lt;", 3 }, '<' }, { { "gt;", 3 }, '>' },
		{ { "amp;", 4 }, '&' }, { { "quot;", 5 }, '"' },
		{ { "apos;", 5 }, '\'' },
	};

	if (take(reader, STR("#")))
		return take_number(reader, to);
	for (size_t i = 0; i < ARRAY_LEN(entities); i++)
		if (take(reader, entities[i].name)) {
			buf_add_char(to, entities[i].c);
			return true;
		}
	return false;
}

/* Up to `end`: '<', or the quote of an attribute's value. */
static bool take_text(struct reader *reader, char end, struct buf *to)
{
	while (reader->at < reader->end && *reader->at != end) {
		unsigned char c = (unsigned char)*reader->at++;

		if (c == '&') {
			if (!take_reference(reader, to))
				return false;
		} else if (c == '<' || (c < 0x20 && !is_space((char)c))) {
			return false;
		} else {
			buf_add_char(to, (char)c);
		}
	}
	return true;
}

/* [40]: white space stands before each; a name twice is refused by nobody who
 * drops them. */
static bool take_attributes(struct reader *reader)
{
	struct str name;

	for (;;) {
		const char *start = reader->at;
		char quote[2] = "";

		skip_space(reader);
		if (!take_name(reader, &name))
			return true;
		if (reader->at - (ptrdiff_t)name.len == start)
			return false;
		skip_space(reader);
		if (!take(reader, STR("=")))
			return false;
		skip_space(reader);
		if (reader->at == reader->end ||
		    (*reader->at != '"' && *reader->at != '\''))
			return false;
		quote[0] = *reader->at++;
		buf_reset(&reader->text);
		if (!take_text(reader, quote[0], &reader->text) ||
		    !take(reader, (struct str){ quote, 1 }))
			return false;
		buf_reset(&reader->text);
	}
}

static bool is_blank(struct str text)
{
	return str_trim(text).len == 0;
}

/* Behind "<". */
static bool open_element(struct reader *reader)
{
	struct aws_xml *element =
		arena_zalloc(reader->arena, sizeof(*element));
	struct str name;

	if (reader->depth == DEPTH_MAX || reader->count++ == ELEMENTS_MAX ||
	    !is_blank(buf_str(&reader->text)) ||
	    !take_name(reader, &name) || !take_attributes(reader))
		return false;
	buf_reset(&reader->text);
	element->name = arena_str(reader->arena, name);
	element->text = STR("");
	*reader->next[reader->depth] = element;
	reader->next[reader->depth] = &element->next;
	if (take(reader, STR("/>")))
		return true;
	reader->open[reader->depth] = element;
	reader->next[++reader->depth] = &element->child;
	return take(reader, STR(">"));
}

/* Behind "</". */
static bool close_element(struct reader *reader)
{
	struct aws_xml *element;
	struct str name;

	if (reader->depth == 0)
		return false;
	element = reader->open[--reader->depth];
	if (!take_name(reader, &name) || !str_eq(name, element->name))
		return false;
	if (!element->child)
		element->text = arena_str(reader->arena,
					  buf_str(&reader->text));
	else if (!is_blank(buf_str(&reader->text)))
		return false;
	buf_reset(&reader->text);
	skip_space(reader);
	return take(reader, STR(">"));
}

static bool take_declaration(struct reader *reader)
{
	if (!take(reader, STR("<?xml")))
		return true;
	return take_attributes(reader) && take(reader, STR("?>"));
}

static bool read_document(struct reader *reader, struct aws_xml **ret)
{
	reader->next[0] = ret;
	if (!take_declaration(reader))
		return false;
	skip_space(reader);
	if (!take(reader, STR("<")) || !open_element(reader))
		return false;
	while (reader->depth > 0) {
		if (!take_text(reader, '<', &reader->text) ||
		    !take(reader, STR("<")))
			return false;
		if (!(take(reader, STR("/")) ? close_element(reader)
					     : open_element(reader)))
			return false;
	}
	skip_space(reader);
	return reader->at == reader->end;
}

bool aws_xml_parse(const struct aws_xml **ret, struct str text,
		   struct arena *arena, struct error *err)
{
	struct reader reader = { .arena = arena, .at = text.ptr,
				 .end = text.ptr + text.len };
	struct aws_xml *root = NULL;

	if (text.len > ANSWER_MAX_BYTES || text.len == 0 || !utf8_valid(text))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "the answer is no XML: %zu bytes", text.len);
	buf_init(&reader.text, arena, text.len);
	if (!read_document(&reader, &root))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "the answer is no XML that is understood, "
				   "at byte %td", reader.at - text.ptr);
	*ret = root;
	return true;
}

const struct aws_xml *aws_xml_child(const struct aws_xml *parent,
				    const char *name)
{
	const struct aws_xml *child = parent ? parent->child : NULL;

	while (child && !str_is(child->name, name))
		child = child->next;
	return child;
}

const struct aws_xml *aws_xml_next(const struct aws_xml *element)
{
	const struct aws_xml *next = element->next;

	while (next && !str_eq(next->name, element->name))
		next = next->next;
	return next;
}

struct str aws_xml_text(const struct aws_xml *parent, const char *name)
{
	const struct aws_xml *child = aws_xml_child(parent, name);

	return child ? child->text : (struct str){ NULL, 0 };
}
