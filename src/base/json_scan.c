/*
 * json_scan.c: recursive descent over the text, one node per value.
 *
 * Each read_ function takes its part of the text or fails; the first failure
 * names the place. Depth is bounded before a level is entered.
 */
#include "base/json_scan.h"

#include "base/banned.h"

#define NUMBER_MAX_BYTES 64
/* Objects up to this size are compared pair by pair, larger ones sorted. */
#define PAIRWISE_MAX 16u

struct scan {
	const char *at;
	const char *end;
	const char *start;
	struct json_node *nodes;
	uint32_t count;
	uint32_t max_nodes;
	uint32_t depth;
	struct error *err;
};

static bool read_value(struct scan *scan, struct json_node *node);

static bool fail_at(struct scan *scan, const char *at, const char *what)
{
	unsigned line = 1;
	const char *line_start = scan->start;

	for (const char *p = scan->start; p < at; p++) {
		if (*p == '\n') {
			line++;
			line_start = p + 1;
		}
	}
	return error_set(scan->err, ERROR_NOT_JSON, "line %u, column %zu: %s",
			 line, (size_t)(at - line_start) + 1, what);
}

static bool fail(struct scan *scan, const char *what)
{
	return fail_at(scan, scan->at, scan->at < scan->end ? what :
		       "the text ends too early");
}

static void skip_space(struct scan *scan)
{
	while (scan->at < scan->end &&
	       (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' ||
		*scan->at == '\t'))
		scan->at++;
}

/* The next character, or NUL at the end (a NUL in the text fits nowhere). */
static char peek(const struct scan *scan)
{
	return scan->at < scan->end ? *scan->at : '\0';
}

static bool read_char(struct scan *scan, char c, const char *what)
{
	if (peek(scan) != c)
		return fail(scan, what);
	scan->at++;
	return true;
}

/* Four hexadecimal digits at `p`, or -1. */
static int32_t hex4(const char *p, const char *end)
{
	int32_t value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = str_hex_digit(p[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* Behind "\u": RFC 8259, 7; surrogates only in pairs. */
static bool read_unicode_escape(struct scan *scan)
{
	int32_t unit = hex4(scan->at, scan->end);
	int32_t low;

	if (unit < 0)
		return fail(scan, "\\u needs four hexadecimal digits");
	if (unit == 0)
		return fail(scan, "\\u0000 is not accepted");
	scan->at += 4;
	if (unit < 0xd800 || unit > 0xdfff)
		return true;
	if (unit > 0xdbff || scan->end - scan->at < 6 || scan->at[0] != '\\' ||
	    scan->at[1] != 'u')
		return fail_at(scan, scan->at - 6, "a lone surrogate");
	low = hex4(scan->at + 2, scan->end);
	if (low < 0xdc00 || low > 0xdfff)
		return fail_at(scan, scan->at - 6, "a lone surrogate");
	scan->at += 6;
	return true;
}

static bool read_escape(struct scan *scan)
{
	scan->at++;
	switch (peek(scan)) {
	case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r':
	case 't':
		scan->at++;
		return true;
	case 'u':
		scan->at++;
		return read_unicode_escape(scan);
	default:
		return fail(scan, "no such escape; write \\\\ for a backslash");
	}
}

static bool read_utf8(struct scan *scan)
{
	size_t left = (size_t)(scan->end - scan->at);
	size_t bytes = utf8_sequence((struct str){ scan->at, left });

	if (!bytes)
		return fail(scan, "not UTF-8");
	scan->at += bytes;
	return true;
}

/* ASCII that stands for itself in a string: RFC 8259, 7. */
static inline bool is_plain(char c)
{
	return (signed char)c >= 0x20 && c != '"' && c != '\\';
}

static bool read_string(struct scan *scan, const char **ret, uint32_t *ret_len,
			bool *ret_escaped)
{
	*ret = ++scan->at;
	*ret_escaped = false;
	for (;;) {
		const char *at = scan->at, *end = scan->end;
		unsigned char c;

		while (at < end && is_plain(*at))
			at++;
		scan->at = at;
		if (at == end)
			return fail(scan, "");
		c = (unsigned char)*at;
		if (c == '"') {
			*ret_len = (uint32_t)(scan->at++ - *ret);
			return true;
		}
		if (c == '\\') {
			*ret_escaped = true;
			if (!read_escape(scan))
				return false;
		} else if (c >= 0x80) {
			if (!read_utf8(scan))
				return false;
		} else {
			return fail(scan, "a control character in a string; "
				    "write it as an escape");
		}
	}
}

static bool read_digits(struct scan *scan)
{
	if (peek(scan) < '0' || peek(scan) > '9')
		return fail(scan, "a digit is missing");
	while (peek(scan) >= '0' && peek(scan) <= '9')
		scan->at++;
	return true;
}

/* RFC 8259, 6 */
static bool read_number(struct scan *scan, struct json_node *node)
{
	if (peek(scan) == '-')
		scan->at++;
	if (peek(scan) == '0') {
		scan->at++;
		if (peek(scan) >= '0' && peek(scan) <= '9')
			return fail(scan, "a number must not start with 0");
	} else if (!read_digits(scan)) {
		return false;
	}
	if (peek(scan) == '.') {
		scan->at++;
		if (!read_digits(scan))
			return false;
	}
	if (peek(scan) == 'e' || peek(scan) == 'E') {
		scan->at++;
		if (peek(scan) == '+' || peek(scan) == '-')
			scan->at++;
		if (!read_digits(scan))
			return false;
	}
	if (scan->at - node->text > NUMBER_MAX_BYTES)
		return fail_at(scan, node->text,
			       "a number of more than 64 characters");
	return true;
}

static bool read_word(struct scan *scan, struct str word)
{
	struct str rest = { scan->at, (size_t)(scan->end - scan->at) };

	if (!str_starts(rest, word))
		return fail(scan, "not a value; text needs \"quotes\"");
	scan->at += word.len;
	return true;
}

static char *put_utf8(char *to, uint32_t point)
{
	static const uint8_t leads[] = { 0, 0xc0, 0xe0, 0xf0 };
	int more = (point > 0x7f) + (point > 0x7ff) + (point > 0xffff);

	*to++ = (char)(leads[more] | point >> (6 * more));
	while (more--)
		*to++ = (char)(0x80 | (point >> (6 * more) & 0x3f));
	return to;
}

size_t json_unescape(char *to, const char *from, size_t len)
{
	static const char plain[256] = {
		['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r',
		['t'] = '\t', ['"'] = '"', ['\\'] = '\\', ['/'] = '/',
	};
	const char *end = from + len;
	const char *start = to;

	while (from < end) {
		uint32_t point;

		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		from++;
		if (*from != 'u') {
			*to++ = plain[(unsigned char)*from++];
			continue;
		}
		point = (uint32_t)hex4(from + 1, end);
		from += 5;
		if (point >= 0xd800 && point <= 0xdfff) {
			point = 0x10000 + ((point - 0xd800) << 10) +
				((uint32_t)hex4(from + 2, end) - 0xdc00);
			from += 6;
		}
		to = put_utf8(to, point);
	}
	return (size_t)(to - start);
}

/* A member's name, decoded into `space` when it has escapes. */
static struct str decoded_name(const struct json_node *node, char *space)
{
	if (!node->name_escaped)
		return (struct str){ node->name, node->name_len };
	return (struct str){ space, json_unescape(space, node->name,
						  node->name_len) };
}

static int compare_names(const void *a, const void *b)
{
	const struct json_node *first = *(const struct json_node *const *)a;
	const struct json_node *second = *(const struct json_node *const *)b;
	char first_space[LIMIT_JSON_NAME_BYTES];
	char second_space[LIMIT_JSON_NAME_BYTES];
	struct str x = decoded_name(first, first_space);
	struct str y = decoded_name(second, second_space);

	if (x.len != y.len)
		return x.len < y.len ? -1 : 1;
	return memcmp(x.ptr, y.ptr, x.len);
}

static bool fail_twice(struct scan *scan, const struct json_node *a,
		       const struct json_node *b)
{
	return fail_at(scan, (a->name > b->name ? a : b)->name - 1,
		       "a name that the object has already");
}

static bool check_many_names(struct scan *scan, const struct json_node *object)
{
	const struct json_node *members[LIMIT_JSON_MEMBERS];
	const struct json_node *member = object + 1;

	if (object->count > LIMIT_JSON_MEMBERS)
		return fail(scan, "too many members");
	for (uint32_t i = 0; i < object->count; i++, member += member->span)
		members[i] = member;
	qsort(members, object->count, sizeof(members[0]), compare_names);
	for (uint32_t i = 1; i < object->count; i++) {
		if (!compare_names(&members[i - 1], &members[i]))
			return fail_twice(scan, members[i - 1], members[i]);
	}
	return true;
}

static bool check_names(struct scan *scan, const struct json_node *object)
{
	const struct json_node *a = object + 1;

	if (object->count > PAIRWISE_MAX)
		return check_many_names(scan, object);
	for (uint32_t i = 0; i < object->count; i++, a += a->span) {
		const struct json_node *b = a + a->span;

		for (uint32_t j = i + 1; j < object->count; j++, b += b->span) {
			bool plain = !a->name_escaped && !b->name_escaped;

			if (plain && a->name_len != b->name_len)
				continue;
			if (!compare_names(&a, &b))
				return fail_twice(scan, a, b);
		}
	}
	return true;
}

static bool read_name(struct scan *scan, struct json_node *member)
{
	if (peek(scan) != '"')
		return fail(scan, "a name in \"quotes\" is missing");
	if (!read_string(scan, &member->name, &member->name_len,
			 &member->name_escaped))
		return false;
	if (member->name_len > LIMIT_JSON_NAME_BYTES)
		return fail_at(scan, member->name, "the name is too long");
	skip_space(scan);
	if (!read_char(scan, ':', "':' is missing"))
		return false;
	skip_space(scan);
	return true;
}

static bool read_item(struct scan *scan, struct json_node *container)
{
	struct json_node *item = &scan->nodes[scan->count];

	if (scan->count == scan->max_nodes)
		return fail(scan, "too many members and elements");
	scan->count++;
	*item = (struct json_node){ .span = 1 };
	if (container->kind == JSON_OBJECT && !read_name(scan, item))
		return false;
	return read_value(scan, item);
}

static bool read_container(struct scan *scan, struct json_node *container)
{
	uint32_t first = scan->count;
	char close = container->kind == JSON_OBJECT ? '}' : ']';

	if (scan->depth == LIMIT_JSON_DEPTH)
		return fail(scan, "nested too deeply");
	scan->depth++;
	scan->at++;
	skip_space(scan);
	if (peek(scan) != close) {
		for (;;) {
			if (!read_item(scan, container))
				return false;
			container->count++;
			skip_space(scan);
			if (peek(scan) != ',')
				break;
			scan->at++;
			skip_space(scan);
		}
	}
	if (!read_char(scan, close, close == '}' ?
		       "',' or '}' is missing" : "',' or ']' is missing"))
		return false;
	scan->depth--;
	container->span = 1 + scan->count - first;
	return container->kind == JSON_ARRAY || check_names(scan, container);
}

static bool read_of_kind(struct scan *scan, struct json_node *node)
{
	switch (peek(scan)) {
	case '{':
		node->kind = JSON_OBJECT;
		return read_container(scan, node);
	case '[':
		node->kind = JSON_ARRAY;
		return read_container(scan, node);
	case 't':
		node->kind = JSON_BOOL;
		return read_word(scan, STR("true"));
	case 'f':
		node->kind = JSON_BOOL;
		return read_word(scan, STR("false"));
	case 'n':
		node->kind = JSON_NULL;
		return read_word(scan, STR("null"));
	case '-': case '0': case '1': case '2': case '3': case '4': case '5':
	case '6': case '7': case '8': case '9':
		node->kind = JSON_NUMBER;
		return read_number(scan, node);
	default:
		return fail(scan, "not a value; text needs \"quotes\"");
	}
}

static bool read_value(struct scan *scan, struct json_node *node)
{
	node->text = scan->at;
	if (peek(scan) == '"') {
		node->kind = JSON_STRING;
		return read_string(scan, &node->text, &node->len,
				   &node->escaped);
	}
	if (!read_of_kind(scan, node))
		return false;
	node->len = (uint32_t)(scan->at - node->text);
	return true;
}

bool json_scan_nodes(struct str text, struct json_node *nodes, size_t max_nodes,
		     size_t *ret_count, struct error *err)
{
	struct scan scan = { .nodes = nodes, .count = 1, .err = err,
			     .max_nodes = (uint32_t)max_nodes };

	if (!text.ptr)
		text = STR("");
	if (text.len > UINT32_MAX)
		return error_set(err, ERROR_NOT_JSON, "the text is too long");
	scan.start = scan.at = text.ptr;
	scan.end = text.ptr + text.len;
	nodes[0] = (struct json_node){ .span = 1 };
	skip_space(&scan);
	if (!read_value(&scan, &nodes[0]))
		return false;
	skip_space(&scan);
	if (scan.at != scan.end)
		return fail(&scan, "something follows the value");
	*ret_count = scan.count;
	return true;
}

bool json_scan(struct str text, struct error *err)
{
	struct json_node nodes[JSON_MAX_NODES];
	size_t count;

	return json_scan_nodes(text, nodes, JSON_MAX_NODES, &count, err);
}
