/*
 * config.c: reading ordermill.conf by the table of keys.
 */
#include "base/config.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/config_keys.h"

#include "base/banned.h"

#define MAX_FILE_BYTES (256u * KIB)
#define MAX_SECRET_BYTES 4096u

struct value {
	const char *text;	/* NULL: the default */
	int64_t number;		/* of an INT or a BOOL */
	unsigned line;		/* where the file says it, 0 for nowhere */
};

struct config {
	struct arena *arena;
	struct value values[];	/* as in config_keys */
};

/* A line of the file, for messages. */
struct place {
	const char *path;
	unsigned line;
	struct str key;
};

static bool refuse(const struct place *place, struct error *err,
		   const char *reason, const char *expected)
{
	return error_cause(err, ERROR_INTERNAL, "%s:%u: %.*s: %s; %s",
			   place->path, place->line, STR_ARG(place->key),
			   reason, expected);
}

static bool set_number(const struct config_key *key, struct value *value,
		       struct str text, const struct place *place,
		       struct error *err)
{
	char expected[80];
	uint64_t number;

	if (str_to_uint(text, (uint64_t)key->max, &number) &&
	    (int64_t)number >= key->min) {
		value->number = (int64_t)number;
		return true;
	}
	snprintf(expected, sizeof(expected),
		 "it must be a whole number from %lld to %lld",
		 (long long)key->min, (long long)key->max);
	return refuse(place, err, "not such a number", expected);
}

static bool set_bool(struct value *value, struct str text,
		     const struct place *place, struct error *err)
{
	value->number = str_is(text, "yes");
	if (value->number || str_is(text, "no"))
		return true;
	return refuse(place, err, "neither yes nor no", "it must be yes or no");
}

static bool has_control(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return true;
	}
	return false;
}

static bool set_text(const struct config_key *key, struct str text,
		     const struct place *place, struct error *err)
{
	char expected[200];

	if (has_control(text) || !utf8_valid(text))
		return refuse(place, err, "a control character or broken UTF-8",
			      "it must be plain text");
	if (key->type == CONFIG_PATH && text.len && text.ptr[0] != '/')
		return refuse(place, err, "not an absolute path",
			      "it must begin with /");
	if (!key->check || key->check(text))
		return true;
	snprintf(expected, sizeof(expected), "it must be %s", key->expected);
	return refuse(place, err, "not a possible value", expected);
}

static bool set(struct config *config, size_t i, struct str text,
		const struct place *place, struct error *err)
{
	const struct config_key *key = &config_keys[i];
	struct value *value = &config->values[i];
	char expected[64];
	bool ok = false;

	if (value->line) {
		snprintf(expected, sizeof(expected), "line %u has it already",
			 value->line);
		return refuse(place, err, "set twice", expected);
	}
	switch (key->type) {
	case CONFIG_INT:
		ok = set_number(key, value, text, place, err);
		break;
	case CONFIG_BOOL:
		ok = set_bool(value, text, place, err);
		break;
	case CONFIG_TEXT:
	case CONFIG_PATH:
		ok = set_text(key, text, place, err);
		break;
	}
	if (!ok)
		return false;
	value->line = place->line;
	/* An empty path asks for its default. */
	if (text.len || key->type != CONFIG_PATH)
		value->text = arena_text(config->arena, text);
	return true;
}

/* How many edits of one letter lie between two names (Levenshtein). */
static size_t distance(struct str a, struct str b)
{
	size_t row[64];

	if (a.len >= ARRAY_LEN(row) || b.len >= ARRAY_LEN(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t best = diagonal +
				      (a.ptr[i - 1] != b.ptr[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.len];
}

static bool refuse_key(const struct place *place, struct error *err)
{
	const char *nearest = NULL;
	char expected[100];
	size_t least = 4;

	for (size_t i = 0; i < config_key_count; i++) {
		const char *name = config_keys[i].name;
		size_t edits = distance(place->key, str_from(name));

		if (edits < least) {
			least = edits;
			nearest = name;
		}
	}
	if (!nearest)
		return refuse(place, err, "unknown key",
			      "ordermill.conf(5) lists all keys");
	snprintf(expected, sizeof(expected), "did you mean %s?", nearest);
	return refuse(place, err, "unknown key", expected);
}

static bool read_line(struct config *config, struct str line,
		      struct place *place, struct error *err)
{
	struct str name, text = str_trim(line);
	size_t i;

	if (!text.len || text.ptr[0] == '#')
		return true;
	if (!str_next(&text, '=', &name) || !text.ptr)
		return error_cause(err, ERROR_INTERNAL,
				   "%s:%u: no '=' in this line; it must be "
				   "'key = value' or begin with '#'",
				   place->path, place->line);
	place->key = str_trim(name);
	i = config_key_find(place->key);
	if (i == config_key_count)
		return refuse_key(place, err);
	return set(config, i, str_trim(text), place, err);
}

static bool read_file(const char *path, struct arena *arena, struct str *ret,
		      struct error *err)
{
	CLEANUP(cleanup_file) FILE *file = fopen(path, "re");
	char *text = arena_alloc(arena, MAX_FILE_BYTES + 1);

	if (!file)
		return error_cause(err, ERROR_INTERNAL,
				   "%s: cannot be opened: %s; name another "
				   "file with -c or ORDERMILL_CONFIG", path,
				   strerror(errno));
	ret->ptr = text;
	ret->len = fread(text, 1, MAX_FILE_BYTES + 1, file);
	if (ferror(file))
		return error_cause(err, ERROR_INTERNAL, "%s: %s", path,
				   strerror(errno));
	if (ret->len > MAX_FILE_BYTES)
		return error_cause(err, ERROR_INTERNAL,
				   "%s: longer than %u bytes", path,
				   MAX_FILE_BYTES);
	return true;
}

static void add_default(struct config *config, size_t i, bool aws)
{
	const struct config_key *key = &config_keys[i];
	struct value *value = &config->values[i];
	uint64_t number;

	value->text = aws && key->aws ? key->aws : key->fallback;
	if (key->type == CONFIG_PATH && value->text[0] && value->text[0] != '/')
		value->text = arena_printf(config->arena, "%s/%s",
					   config_text(config,
						       "state.directory"),
					   value->text);
	if (key->type == CONFIG_BOOL)
		value->number = !strcmp(value->text, "yes");
	if (key->type == CONFIG_INT &&
	    str_to_uint(str_from(value->text), INT64_MAX, &number))
		value->number = (int64_t)number;
}

/* A file of the key's name that the service manager handed us (systemd.exec(5),
 * LoadCredential=): we may not be able to read the one that is configured. */
static void take_credential(struct config *config, size_t i)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	struct stat st;
	const char *path;

	if (!config_keys[i].secret || !folder || !*folder)
		return;
	path = arena_printf(config->arena, "%s/%s", folder,
			    config_keys[i].name);
	if (stat(path, &st) == 0 && st.st_size > 0)
		config->values[i].text = path;
}

/* An empty URL means a path under site.url. */
static void add_url(struct config *config, const char *key, const char *path)
{
	struct value *value = &config->values[config_key_find(str_from(key))];

	if (!value->text[0])
		value->text = arena_printf(config->arena, "%s%s",
					   config_text(config, "site.url"),
					   path);
}

/* Gives every key that the file leaves out its value; in the table's order. */
static void add_defaults(struct config *config)
{
	bool aws = false;

	for (size_t i = 0; i < config_key_count; i++) {
		if (!config->values[i].text)
			add_default(config, i, aws);
		take_credential(config, i);
		if (i == 0)
			aws = !strcmp(config_text(config, "profile"), "aws");
	}
	add_url(config, "event_bus.endpoint", "/events/order-deleted");
	add_url(config, "relay.archive_url", "/api/archive");
}

static bool read_lines(struct config *config, const char *path, struct str text,
		       struct error *err)
{
	struct place place = { .path = path };
	struct str line;

	while (str_next(&text, '\n', &line)) {
		place.line++;
		if (!read_line(config, line, &place, err))
			return false;
	}
	return true;
}

bool config_load(struct config **ret, const char *path, struct error *err)
{
	CLEANUP(cleanup_arena) struct arena *arena = NULL;
	struct config *config;
	struct str text;

	if (!path)
		path = getenv("ORDERMILL_CONFIG");
	if (!path || !*path)
		path = CONFIG_DEFAULT_PATH;
	arena = arena_new("config", MIB);
	config = arena_zalloc(arena, sizeof(*config) +
			      config_key_count * sizeof(config->values[0]));
	config->arena = arena;
	if (!read_file(path, arena, &text, err) ||
	    !read_lines(config, path, text, err))
		return false;
	add_defaults(config);
	*ret = config;
	arena = NULL;
	return true;
}

void config_free(struct config *config)
{
	if (config)
		arena_free(config->arena);
}

/* A wrong key or type is a mistake in this program, not in the file. */
static const struct value *value_of(const struct config *config,
				    const char *name, enum config_type type)
{
	size_t i = config_key_find(str_from(name));

	if (i < config_key_count && config_keys[i].type == type)
		return &config->values[i];
	if (i < config_key_count && config_keys[i].type == CONFIG_PATH &&
	    type == CONFIG_TEXT)
		return &config->values[i];
	fprintf(stderr, "config: no key %s of this type\n", name);
	abort();
}

const char *config_text(const struct config *config, const char *key)
{
	return value_of(config, key, CONFIG_TEXT)->text;
}

int64_t config_int(const struct config *config, const char *key)
{
	return value_of(config, key, CONFIG_INT)->number;
}

bool config_bool(const struct config *config, const char *key)
{
	return value_of(config, key, CONFIG_BOOL)->number != 0;
}

static unsigned operation_int(const struct config *config,
			      const char *operation, const char *what)
{
	char key[64];

	snprintf(key, sizeof(key), "%s.%s", operation, what);
	return (unsigned)config_int(config, key);
}

unsigned config_workers(const struct config *config, const char *operation)
{
	return operation_int(config, operation, "workers");
}

unsigned config_batch(const struct config *config, const char *operation)
{
	return operation_int(config, operation, "batch");
}

void config_print(const struct config *config, FILE *to)
{
	for (size_t i = 0; i < config_key_count; i++)
		fprintf(to, "%s = %s\n", config_keys[i].name,
			config->values[i].text);
}

static bool refuse_secret(const char *key, const char *path, const char *reason,
			  struct error *err)
{
	return error_cause(err, ERROR_INTERNAL, "%s: %s: %s", key, path,
			   reason);
}

bool config_secret(const struct config *config, const char *key, char **ret,
		   struct error *err)
{
	const char *path = config_text(config, key);
	CLEANUP(cleanup_file) FILE *file = NULL;
	char text[MAX_SECRET_BYTES + 1];
	struct str rest = { text, 0 }, line;

	if (!*path)
		return error_cause(err, ERROR_INTERNAL, "%s: names no file",
				   key);
	file = fopen(path, "re");
	if (!file)
		return refuse_secret(key, path, strerror(errno), err);
	rest.len = fread(text, 1, sizeof(text), file);
	if (!rest.len)
		return refuse_secret(key, path, "is empty; its first line must "
				     "be the secret", err);
	str_next(&rest, '\n', &line);
	if (!line.len || line.len > MAX_SECRET_BYTES || has_control(line))
		return refuse_secret(key, path, "the first line is not a "
				     "secret; it must be text without control "
				     "characters", err);
	*ret = strndup(line.ptr, line.len);
	explicit_bzero(text, sizeof(text));
	return *ret || refuse_secret(key, path, "no memory", err);
}
