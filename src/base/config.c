/*
 * config.c: the table of keys, reading the file, and printing all of it.
 */
#include "base/config.h"

#include <errno.h>

#include "base/arena.h"

#include "base/banned.h"

#define DEFAULT_PATH "/etc/ordermill/ordermill.conf"
#define MAX_FILE_BYTES (256u * KIB)
#define MAX_SECRET_BYTES 4096u

enum type {
	TEXT,
	PATH,
	INT,
	BOOL,
};

struct key {
	const char *name;
	enum type type;
	/* A relative path lies in state.directory. */
	const char *fallback;
	const char *aws;	/* with profile = aws, where it differs */
	bool (*check)(struct str value);	/* of a TEXT; NULL: any will do */
	const char *expected;			/* what check wants */
	int64_t min, max;			/* of an INT */
	const char *help;
};

static bool is_profile(struct str value)
{
	return str_is(value, "local") || str_is(value, "aws");
}

static bool is_url(struct str value, struct str scheme)
{
	if (!str_starts(value, scheme) || value.len == scheme.len)
		return false;
	for (size_t i = scheme.len; i < value.len; i++) {
		if ((unsigned char)value.ptr[i] <= ' ' ||
		    strchr("\"<>\\^`{|}\x7f", value.ptr[i]))
			return false;
	}
	return value.ptr[value.len - 1] != '/';
}

static bool is_web_url(struct str value)
{
	return is_url(value, STR("http://")) || is_url(value, STR("https://"));
}

static bool is_web_url_or_empty(struct str value)
{
	return !value.len || is_web_url(value);
}

static bool is_mail_url(struct str value)
{
	return is_url(value, STR("smtp://")) || is_url(value, STR("smtps://"));
}

static bool is_origins(struct str value)
{
	struct str origin;

	while (str_next(&value, ' ', &origin)) {
		if (origin.len && !is_web_url(origin))
			return false;
	}
	return true;
}

static bool is_currency(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] < 'A' || value.ptr[i] > 'Z')
			return false;
	}
	return value.len == 3;
}

static bool is_tls(struct str value)
{
	return str_is(value, "never") || str_is(value, "try") ||
	       str_is(value, "require");
}

static bool is_signature_versions(struct str value)
{
	return str_is(value, "2") || str_is(value, "1 2");
}

static bool is_not_empty(struct str value)
{
	return value.len > 0;
}

#define A_URL "a URL such as https://desk.example.org, with no slash at its end"
#define A_NAME "a name"

#define OPERATIONS(X) \
	X("create_order") \
	X("update_order") \
	X("delete_order") \
	X("get_orders") \
	X("get_order_by_id") \
	X("recognize_uploaded_image") \
	X("on_order_deleted") \
	X("archive_deleted_orders") \
	X("generate_pdf_report") \
	X("subscribe_email") \
	X("unsubscribe_email")

#define WORKERS(operation) \
	{ .name = operation ".workers", .type = INT, .fallback = "0", \
	  .max = 64, .help = workers_help },
#define BATCH(operation) \
	{ .name = operation ".batch", .type = INT, .fallback = "0", \
	  .max = 256, .help = batch_help },

/* One text for eleven keys: the printers tell by the pointer. */
static const char workers_help[] =
	"Processes that answer an operation; 0 is its built-in number.";
static const char batch_help[] =
	"Requests that one commit of an operation may cover; 0 is its "
	"built-in number.";

static const struct key keys[] = {
	{ .name = "profile", .type = TEXT,
	  .fallback = "local",
	  .check = is_profile,
	  .expected = "local or aws",
	  .help =
		"Which set of defaults the adapters have: 'local' (SQLite, a "
		"directory, a local relay) or 'aws'." },
	{ .name = "state.directory", .type = PATH,
	  .fallback = "/var/lib/ordermill",
	  .help =
		"Where everything that lasts is kept. A path below that is left "
		"empty lies in it." },
	{ .name = "site.url", .type = TEXT,
	  .fallback = "http://127.0.0.1:8080",
	  .check = is_web_url, .expected = A_URL,
	  .help =
		"The address under which people reach the desk. It begins the "
		"links in mails and reports." },
	{ .name = "site.name", .type = TEXT,
	  .fallback = "Order desk",
	  .check = is_not_empty, .expected = A_NAME,
	  .help = "The name in mails and reports." },
	{ .name = "site.secret_file", .type = PATH,
	  .fallback = "secrets/site.key",
	  .help =
		"The secret that signs cursors, image receipts and the links in "
		"mails." },
	{ .name = "orders.currency", .type = TEXT,
	  .fallback = "EUR",
	  .check = is_currency,
	  .expected = "three capital letters such as EUR",
	  .help = "The currency of an order that names none (ISO 4217)." },
	{ .name = "orders.require_if_match", .type = BOOL,
	  .fallback = "no",
	  .help = "Refuse to change or delete an order without If-Match (428)." },
	{ .name = "access.tokens_file", .type = PATH,
	  .fallback = "tokens",
	  .help = "The API tokens, hashed; 'ordermill token' writes it." },
	{ .name = "access.origins", .type = TEXT,
	  .fallback = "",
	  .check = is_origins,
	  .expected =
		"origins such as https://shop.example.org, separated by spaces",
	  .help =
		"Origins of other sites whose pages may call the API (CORS), "
		"exact, separated by spaces." },
	{ .name = "database.adapter", .type = TEXT,
	  .fallback = "sqlite", .aws = "dynamodb",
	  .check = is_not_empty, .expected = A_NAME,
	  .help = "What keeps orders, deletions and subscribers." },
	{ .name = "database.path", .type = PATH,
	  .fallback = "ordermill.db",
	  .help = "The SQLite file." },
	{ .name = "object_archive.adapter", .type = TEXT,
	  .fallback = "directory", .aws = "s3",
	  .check = is_not_empty, .expected = A_NAME,
	  .help = "What keeps archived orders, photos and reports." },
	{ .name = "object_archive.directory", .type = PATH,
	  .fallback = "objects",
	  .help = "The folder of the adapter 'directory'." },
	{ .name = "object_archive.region", .type = TEXT,
	  .fallback = "local",
	  .check = is_not_empty, .expected = A_NAME,
	  .help = "The region that presigned URLs name." },
	{ .name = "object_archive.access_key_id", .type = TEXT,
	  .fallback = "ordermill",
	  .check = is_not_empty, .expected = A_NAME,
	  .help = "The key id that presigned URLs name." },
	{ .name = "object_archive.secret_key_file", .type = PATH,
	  .fallback = "secrets/objects.key",
	  .help = "The secret key that signs presigned URLs." },
	{ .name = "object_archive.link_valid_s", .type = INT,
	  .fallback = "3600", .min = 1, .max = 604800,
	  .help = "Seconds for which a presigned URL is valid." },
	{ .name = "event_bus.adapter", .type = TEXT,
	  .fallback = "local", .aws = "sns",
	  .check = is_not_empty, .expected = A_NAME,
	  .help = "What carries the news of a deletion." },
	{ .name = "event_bus.topic_arn", .type = TEXT,
	  .fallback = "arn:aws:sns:local:000000000000:order-deleted",
	  .check = is_not_empty,
	  .expected = "the ARN of a topic",
	  .help = "The topic; an event that names another one is refused." },
	{ .name = "event_bus.endpoint", .type = TEXT,
	  .fallback = "",
	  .check = is_web_url_or_empty, .expected = A_URL,
	  .help =
		"Where events are delivered. Empty: /events/order-deleted under "
		"site.url." },
	{ .name = "event_bus.signature_versions", .type = TEXT,
	  .fallback = "2",
	  .check = is_signature_versions,
	  .expected = "2, or '1 2'",
	  .help = "The SNS signature versions that are accepted." },
	{ .name = "event_bus.directory", .type = PATH,
	  .fallback = "event_bus",
	  .help =
		"The key, certificate and subscription of the adapter 'local'." },
	{ .name = "event_bus.attempts", .type = INT,
	  .fallback = "8", .min = 1, .max = 100,
	  .help = "Deliveries before an event is set aside as a dead letter." },
	{ .name = "image_recognizer.adapter", .type = TEXT,
	  .fallback = "none", .aws = "rekognition",
	  .check = is_not_empty, .expected = A_NAME,
	  .help =
		"What looks at photos; with 'none' every verdict is "
		"not_checked." },
	{ .name = "mailer.adapter", .type = TEXT,
	  .fallback = "maildir", .aws = "smtp",
	  .check = is_not_empty,
	  .expected = "maildir or smtp",
	  .help =
		"How mail leaves: by 'smtp', or into a 'maildir' to try the "
		"desk out." },
	{ .name = "mailer.directory", .type = PATH,
	  .fallback = "mail",
	  .help = "The folder of the adapter 'maildir'." },
	{ .name = "mailer.from", .type = TEXT,
	  .fallback = "Order desk <desk@localhost>",
	  .check = is_not_empty,
	  .expected = "an address such as Order desk <desk@example.org>",
	  .help = "The sender of every mail." },
	{ .name = "mailer.url", .type = TEXT,
	  .fallback = "smtp://127.0.0.1:25",
	  .check = is_mail_url,
	  .expected = "a URL that begins with smtp:// or smtps://",
	  .help = "The SMTP server." },
	{ .name = "mailer.tls", .type = TEXT,
	  .fallback = "try", .aws = "require",
	  .check = is_tls,
	  .expected = "never, try or require",
	  .help =
		"STARTTLS: 'never', 'try' (where the server offers it) or "
		"'require'." },
	{ .name = "mailer.user", .type = TEXT,
	  .fallback = "",
	  .help = "The account at the SMTP server; empty for none." },
	{ .name = "mailer.password_file", .type = PATH,
	  .fallback = "",
	  .help = "The account's password." },
	{ .name = "relay.socket", .type = PATH,
	  .fallback = "run/relay.sock",
	  .help = "The socket by which a deletion wakes the relay." },
	{ .name = "relay.sweep_after_s", .type = INT,
	  .fallback = "120", .min = 1, .max = 86400,
	  .help =
		"Seconds after which a deletion that is still open is archived "
		"by archive_deleted_orders." },
	{ .name = "relay.archive_url", .type = TEXT,
	  .fallback = "",
	  .check = is_web_url_or_empty, .expected = A_URL,
	  .help =
		"Where the relay calls archive_deleted_orders. Empty: "
		"/api/archive under site.url." },
	{ .name = "relay.token_file", .type = PATH,
	  .fallback = "secrets/relay.token",
	  .help = "The API token of the relay." },
	{ .name = "report.fonts", .type = PATH,
	  .fallback = "/usr/share/fonts",
	  .help = "The folder that is searched for the fonts of reports." },
	OPERATIONS(WORKERS)
	OPERATIONS(BATCH)
};

#define KEY_COUNT ARRAY_LEN(keys)

struct value {
	const char *text;	/* NULL: the default */
	int64_t number;		/* of an INT or a BOOL */
	unsigned line;		/* where the file says it, 0 for nowhere */
};

struct config {
	struct arena *arena;
	struct value values[KEY_COUNT];	/* as in keys[] */
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

static bool set_number(const struct key *key, struct value *value,
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

static bool set_text(const struct key *key, struct str text,
		     const struct place *place, struct error *err)
{
	char expected[160];

	if (has_control(text) || !utf8_valid(text))
		return refuse(place, err, "a control character or broken UTF-8",
			      "it must be plain text");
	if (key->type == PATH && text.len && text.ptr[0] != '/')
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
	const struct key *key = &keys[i];
	struct value *value = &config->values[i];
	char expected[64];
	bool ok = false;

	if (value->line) {
		snprintf(expected, sizeof(expected), "line %u has it already",
			 value->line);
		return refuse(place, err, "set twice", expected);
	}
	switch (key->type) {
	case INT:
		ok = set_number(key, value, text, place, err);
		break;
	case BOOL:
		ok = set_bool(value, text, place, err);
		break;
	case TEXT:
	case PATH:
		ok = set_text(key, text, place, err);
		break;
	}
	if (!ok)
		return false;
	value->line = place->line;
	/* An empty path asks for its default. */
	if (text.len || key->type != PATH)
		value->text = arena_text(config->arena, text);
	return true;
}

/* KEY_COUNT when there is no such key. */
static size_t find(struct str name)
{
	size_t i = 0;

	while (i < KEY_COUNT && !str_is(name, keys[i].name))
		i++;
	return i;
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

	for (size_t i = 0; i < KEY_COUNT; i++) {
		size_t edits = distance(place->key, str_from(keys[i].name));

		if (edits < least) {
			least = edits;
			nearest = keys[i].name;
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
	i = find(place->key);
	if (i == KEY_COUNT)
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
	const struct key *key = &keys[i];
	struct value *value = &config->values[i];
	uint64_t number;

	value->text = aws && key->aws ? key->aws : key->fallback;
	if (key->type == PATH && value->text[0] && value->text[0] != '/')
		value->text = arena_printf(config->arena, "%s/%s",
					   config_text(config,
						       "state.directory"),
					   value->text);
	if (key->type == BOOL)
		value->number = !strcmp(value->text, "yes");
	if (key->type == INT &&
	    str_to_uint(str_from(value->text), INT64_MAX, &number))
		value->number = (int64_t)number;
}

/* An empty URL means a path under site.url. */
static void add_url(struct config *config, const char *key, const char *path)
{
	struct value *value = &config->values[find(str_from(key))];

	if (!value->text[0])
		value->text = arena_printf(config->arena, "%s%s",
					   config_text(config, "site.url"),
					   path);
}

/* Gives every key that the file leaves out its value; in the table's order. */
static void add_defaults(struct config *config)
{
	bool aws = false;

	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (!config->values[i].text)
			add_default(config, i, aws);
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
		path = DEFAULT_PATH;
	arena = arena_new("config", MIB);
	config = arena_zalloc(arena, sizeof(*config));
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
				    const char *name, bool is_text, bool is_int)
{
	size_t i = find(str_from(name));

	if (i < KEY_COUNT &&
	    is_int == (keys[i].type == INT) &&
	    is_text == (keys[i].type == TEXT || keys[i].type == PATH))
		return &config->values[i];
	fprintf(stderr, "config: no key %s of this type\n", name);
	abort();
}

const char *config_text(const struct config *config, const char *key)
{
	return value_of(config, key, true, false)->text;
}

int64_t config_int(const struct config *config, const char *key)
{
	return value_of(config, key, false, true)->number;
}

bool config_bool(const struct config *config, const char *key)
{
	return value_of(config, key, false, false)->number != 0;
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
	for (size_t i = 0; i < KEY_COUNT; i++)
		fprintf(to, "%s = %s\n", keys[i].name, config->values[i].text);
}

/* Whether this key shares its help with the one before it. */
static bool continues(size_t i)
{
	return i && keys[i].help == keys[i - 1].help;
}

/* `text` in lines of at most 78 columns, each behind "# ". */
static void print_comment(const char *text, FILE *to)
{
	struct str rest = str_from(text), word;
	size_t column = 0;

	while (str_next(&rest, ' ', &word)) {
		if (column && column + 1 + word.len > 76) {
			fputc('\n', to);
			column = 0;
		}
		fputs(column ? " " : "# ", to);
		fprintf(to, "%.*s", STR_ARG(word));
		column += word.len + 1;
	}
	fputc('\n', to);
}

static const char *default_start(const struct key *key)
{
	bool in_state = key->type == PATH && key->fallback[0] &&
			key->fallback[0] != '/';

	return in_state ? "<state.directory>/" : "";
}

void config_print_example(FILE *to)
{
	fputs("# ordermill.conf: see ordermill.conf(5). Each key is shown with "
	      "its default.\n", to);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (!continues(i)) {
			fputc('\n', to);
			print_comment(keys[i].help, to);
		}
		fprintf(to, "#%s = %s%s\n", keys[i].name,
			default_start(&keys[i]), keys[i].fallback);
	}
}

static void print_manual_key(size_t i, FILE *to)
{
	const struct key *key = &keys[i];
	bool last = i + 1 == KEY_COUNT || !continues(i + 1);

	fprintf(to, ".It Ic %s\n", key->name);
	if (!last)
		return;
	fprintf(to, "%s\n", key->help);
	if (key->type == INT)
		fprintf(to, "A whole number from %lld to %lld.\n",
			(long long)key->min, (long long)key->max);
	if (key->type == BOOL)
		fputs("Yes or no.\n", to);
	if (key->expected)
		fprintf(to, "It must be %s.\n", key->expected);
	if (key->fallback[0])
		fprintf(to, "The default is\n.Li \"%s%s\" .\n",
			default_start(key), key->fallback);
	if (key->aws)
		fprintf(to, "With the profile aws it is\n.Li \"%s\" .\n",
			key->aws);
}

void config_print_manual(FILE *to)
{
	fputs(".Dd November 24, 2026\n"
	      ".Dt ORDERMILL.CONF 5\n"
	      ".Os\n"
	      ".Sh NAME\n"
	      ".Nm ordermill.conf\n"
	      ".Nd configuration of the order desk\n"
	      ".Sh DESCRIPTION\n"
	      "Each line is\n"
	      ".Dq key = value ,\n"
	      "a comment that begins with\n"
	      ".Sq # ,\n"
	      "or empty.\n"
	      "An unknown key, a key set twice or a value that cannot be stops "
	      "every program at its start with the file, the line and what "
	      "would be right.\n"
	      "Secrets are never in this file: their keys name files, whose "
	      "first line is the secret.\n"
	      ".Sh KEYS\n"
	      ".Bl -tag -width indent\n", to);
	for (size_t i = 0; i < KEY_COUNT; i++)
		print_manual_key(i, to);
	fputs(".El\n"
	      ".Sh ENVIRONMENT\n"
	      ".Bl -tag -width indent\n"
	      ".It Ev ORDERMILL_CONFIG\n"
	      "The file to read instead of\n"
	      ".Pa " DEFAULT_PATH " .\n"
	      ".El\n"
	      ".Sh FILES\n"
	      ".Bl -tag -width indent\n"
	      ".It Pa " DEFAULT_PATH "\n"
	      "The file that is read unless another one is named.\n"
	      ".El\n"
	      ".Sh SEE ALSO\n"
	      ".Xr ordermill 8\n", to);
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
