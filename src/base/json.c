/*
 * json.c: access to the nodes of a scanned document.
 *
 * The nodes are copied to the arena with their text, in which the escapes are
 * then decoded in place. A member is found by walking its siblings: objects
 * here have a dozen.
 */
#include "base/json.h"

#include "base/banned.h"

static struct json value_of(const struct json_node *node)
{
	return (struct json){ (enum json_kind)node->kind, node };
}

static bool has_kind(struct json json, enum json_kind kind)
{
	return json.kind == kind && json.value;
}

/* The nodes' texts, copied and decoded. */
static void own_texts(struct json_node *nodes, size_t count, struct str text,
		      struct arena *arena)
{
	char *copy = arena_text(arena, text);

	for (struct json_node *node = nodes; node < nodes + count; node++) {
		char *value = copy + (node->text - text.ptr);

		node->text = value;
		if (node->escaped)
			node->len = (uint32_t)json_unescape(value, value,
							    node->len);
		if (node->name) {
			char *name = copy + (node->name - text.ptr);

			node->name = name;
			if (node->name_escaped)
				node->name_len = (uint32_t)json_unescape(
					name, name, node->name_len);
		}
	}
}

bool json_parse(struct json *ret, struct str text, struct arena *arena,
		struct error *err)
{
	struct json_node scanned[JSON_MAX_NODES];
	struct json_node *nodes;
	size_t count;

	*ret = (struct json){ JSON_ABSENT, NULL };
	if (!json_scan_nodes(text, scanned, JSON_MAX_NODES, &count, err))
		return false;
	nodes = arena_alloc(arena, count * sizeof(nodes[0]));
	memcpy(nodes, scanned, count * sizeof(nodes[0]));
	own_texts(nodes, count, text, arena);
	*ret = value_of(nodes);
	return true;
}

/* Each but the first stands behind a bracket or a comma outside strings. */
static size_t most_values(struct str text)
{
	bool in_string = false;
	size_t count = 1;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '"')
			in_string = !in_string;
		else if (in_string)
			i += c == '\\';
		else
			count += c == ',' || c == '{' || c == '[';
	}
	return count;
}

bool json_parse_large(struct json *ret, struct str text, size_t max_nodes,
		      struct arena *arena, struct error *err)
{
	struct json_node *scanned CLEANUP(cleanup_free) = NULL;
	struct json_node *nodes;
	size_t count;

	/* a value takes two characters at least, the first one one */
	if (text.len / 2 < JSON_MAX_NODES && max_nodes >= JSON_MAX_NODES)
		return json_parse(ret, text, arena, err);
	*ret = (struct json){ JSON_ABSENT, NULL };
	count = most_values(text);
	if (max_nodes > count)
		max_nodes = count;
	scanned = malloc(max_nodes * sizeof(scanned[0]));
	if (!scanned)
		return error_cause(err, ERROR_UNAVAILABLE, "no memory");
	if (!json_scan_nodes(text, scanned, max_nodes, &count, err))
		return false;
	nodes = arena_alloc(arena, count * sizeof(nodes[0]));
	memcpy(nodes, scanned, count * sizeof(nodes[0]));
	own_texts(nodes, count, text, arena);
	*ret = value_of(nodes);
	return true;
}

struct json json_member(struct json object, const char *name)
{
	size_t len = strlen(name);

	if (has_kind(object, JSON_OBJECT)) {
		const struct json_node *node = object.value + 1;

		for (size_t i = object.value->count; i; i--) {
			if (node->name_len == len &&
			    !memcmp(node->name, name, len))
				return value_of(node);
			node += node->span;
		}
	}
	return (struct json){ JSON_ABSENT, NULL };
}

size_t json_count(struct json json)
{
	if (has_kind(json, JSON_OBJECT) || has_kind(json, JSON_ARRAY))
		return json.value->count;
	return 0;
}

struct json json_element(struct json array, size_t index)
{
	const struct json_node *node;

	if (!has_kind(array, JSON_ARRAY) || index >= array.value->count)
		return (struct json){ JSON_ABSENT, NULL };
	for (node = array.value + 1; index; index--)
		node += node->span;
	return value_of(node);
}

struct str json_string(struct json string)
{
	if (!has_kind(string, JSON_STRING))
		return (struct str){ NULL, 0 };
	return (struct str){ string.value->text, string.value->len };
}

bool json_bool(struct json boolean)
{
	return has_kind(boolean, JSON_BOOL) && boolean.value->text[0] == 't';
}

struct str json_literal(struct json number)
{
	if (!has_kind(number, JSON_NUMBER))
		return (struct str){ NULL, 0 };
	return (struct str){ number.value->text, number.value->len };
}

static struct json_iterator at_node(const struct json_node *node, size_t left)
{
	return (struct json_iterator){
		.name = { node->name, node->name_len },
		.value = value_of(node),
		.left = left,
	};
}

struct json_iterator json_first(struct json object)
{
	if (!has_kind(object, JSON_OBJECT) || !object.value->count)
		return (struct json_iterator){ .left = 0 };
	return at_node(object.value + 1, object.value->count - 1);
}

struct json_iterator json_first_element(struct json array)
{
	if (!has_kind(array, JSON_ARRAY) || !array.value->count)
		return (struct json_iterator){ .left = 0 };
	return at_node(array.value + 1, array.value->count - 1);
}

void json_next(struct json_iterator *it)
{
	const struct json_node *node = it->value.value;

	*it = it->left ? at_node(node + node->span, it->left - 1) :
			 (struct json_iterator){ .left = 0 };
}

/* RFC 6901, 3 */
static char *escape_name(char *to, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '~' || name.ptr[i] == '/') {
			*to++ = '~';
			*to++ = name.ptr[i] == '~' ? '0' : '1';
		} else {
			*to++ = name.ptr[i];
		}
	}
	return to;
}

const char *json_pointer(struct arena *arena, const char *prefix,
			 struct str name)
{
	size_t prefix_bytes = strlen(prefix);
	char *pointer = arena_alloc(arena, prefix_bytes + 2 * name.len + 2);

	memcpy(pointer, prefix, prefix_bytes);
	pointer[prefix_bytes] = '/';
	*escape_name(pointer + prefix_bytes + 1, name) = '\0';
	return pointer;
}

static bool is_listed(struct str name, const char *const *names)
{
	while (*names) {
		if (str_is(name, *names++))
			return true;
	}
	return false;
}

bool json_only(struct json object, const char *prefix,
	       const char *const *names, struct error *err)
{
	struct json_iterator it;
	bool ok = true;

	for (it = json_first(object); it.name.ptr; json_next(&it)) {
		char name[2 * LIMIT_JSON_NAME_BYTES + 1];
		char pointer[sizeof(err->items[0].pointer)];

		if (is_listed(it.name, names))
			continue;
		*escape_name(name, it.name) = '\0';
		if (snprintf(pointer, sizeof(pointer), "%s/%s", prefix,
			     name) < 0)
			pointer[0] = '\0';
		ok = error_item(err, pointer, "unknown_member",
				"There is no such member.");
	}
	return ok;
}

bool json_parse_object(struct json *ret, struct str text,
		       const char *const *names, struct arena *arena,
		       struct error *err)
{
	if (!json_parse(ret, text, arena, err))
		return false;
	if (ret->kind != JSON_OBJECT)
		return error_set(err, ERROR_NOT_JSON,
				 "The body must be a JSON object.");
	return json_only(*ret, "", names, err);
}
