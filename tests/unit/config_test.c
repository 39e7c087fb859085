/*
 * config_test.c: is the file read as written, and does each refusal say where,
 * why and what would be right?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/config.h"

#include "base/banned.h"

static char folder[200], path[256];

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/config_test.XXXXXX",
		 tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/x.conf", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void write_file(struct str text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
	fclose(file);
}

static struct config *load(const char *text)
{
	struct config *config;
	struct error err;

	error_init(&err);
	write_file(str_from(text));
	if (!config_load(&config, path, &err))
		fail_msg("%s", err.cause);
	return config;
}

/* `expected` is the message behind the file's path. */
static void assert_refused(struct str text, const char *expected)
{
	struct config *config;
	struct error err;

	error_init(&err);
	write_file(text);
	assert_false(config_load(&config, path, &err));
	assert_int_equal(err.code, ERROR_INTERNAL);
	assert_memory_equal(err.cause, path, strlen(path));
	assert_string_equal(err.cause + strlen(path), expected);
	assert_null(strstr(err.detail, path));
}

static void an_empty_file_gives_every_default(void **state)
{
	struct config *config = load("");

	(void)state;
	assert_string_equal(config_text(config, "profile"), "local");
	assert_string_equal(config_text(config, "state.directory"),
			    "/var/lib/ordermill");
	assert_string_equal(config_text(config, "database.path"),
			    "/var/lib/ordermill/ordermill.db");
	assert_string_equal(config_text(config, "site.secret_file"),
			    "/var/lib/ordermill/secrets/site.key");
	assert_string_equal(config_text(config, "report.fonts"),
			    "/usr/share/fonts");
	assert_string_equal(config_text(config, "event_bus.endpoint"),
			    "http://127.0.0.1:8080/events/order-deleted");
	assert_string_equal(config_text(config, "mailer.password_file"), "");
	assert_string_equal(config_text(config, "mailer.from"),
			    "Order desk <desk@localhost>");
	assert_int_equal(config_int(config, "event_bus.attempts"), 8);
	assert_false(config_bool(config, "orders.require_if_match"));
	assert_int_equal(config_workers(config, "create_order"), 0);
	assert_int_equal(config_batch(config, "unsubscribe_email"), 0);
	config_free(config);
}

static void values_are_read_around_comments_and_spaces(void **state)
{
	struct config *config = load(
		"# a comment = with an equals sign\n"
		"\n"
		"  site.name\t =  B\xc3\xbc" "cher & \"Co\" # no comment  \r\n"
		"site.url=https://desk.example.org:8443/x\n"
		"orders.require_if_match = yes\n"
		"relay.sweep_after_s = 5\n"
		"get_orders.workers = 3\n"
		"create_order.batch = 256\n"
		"mailer.user = a=b");

	(void)state;
	assert_string_equal(config_text(config, "site.name"),
			    "B\xc3\xbc" "cher & \"Co\" # no comment");
	assert_true(config_bool(config, "orders.require_if_match"));
	assert_int_equal(config_int(config, "relay.sweep_after_s"), 5);
	assert_int_equal(config_workers(config, "get_orders"), 3);
	assert_int_equal(config_batch(config, "create_order"), 256);
	assert_int_equal(config_workers(config, "create_order"), 0);
	assert_string_equal(config_text(config, "mailer.user"), "a=b");
	assert_string_equal(config_text(config, "relay.archive_url"),
			    "https://desk.example.org:8443/x/api/archive");
	config_free(config);
}

static void an_empty_path_lies_in_the_state_directory(void **state)
{
	struct config *config = load("mailer.directory =\n"
				     "access.tokens_file = /etc/tokens\n"
				     "mailer.password_file =\n"
				     "state.directory = /srv/desk\n");

	(void)state;
	assert_string_equal(config_text(config, "mailer.directory"),
			    "/srv/desk/mail");
	assert_string_equal(config_text(config, "access.tokens_file"),
			    "/etc/tokens");
	assert_string_equal(config_text(config, "mailer.password_file"), "");
	config_free(config);
}

static void a_profile_sets_the_adapters_and_a_key_overrules_it(void **state)
{
	struct config *config = load("database.adapter = sqlite\n"
				     "profile = aws\n");

	(void)state;
	assert_string_equal(config_text(config, "object_archive.adapter"),
			    "s3");
	assert_string_equal(config_text(config, "event_bus.adapter"), "sns");
	assert_string_equal(config_text(config, "database.adapter"), "sqlite");
	config_free(config);
}

static void with_profile_aws_the_operations_on_orders_have_four_workers(
	void **state)
{
	struct config *config = load("profile = aws\n"
				     "delete_order.workers = 7\n");

	(void)state;
	assert_int_equal(config_workers(config, "create_order"), 4);
	assert_int_equal(config_workers(config, "get_order_by_id"), 4);
	assert_int_equal(config_workers(config, "delete_order"), 7);
	assert_int_equal(config_workers(config, "subscribe_email"), 0);
	assert_int_equal(config_batch(config, "create_order"), 0);
	config_free(config);
	config = load("");
	assert_int_equal(config_workers(config, "create_order"), 0);
	config_free(config);
}

static void an_unknown_key_is_refused_with_its_neighbour(void **state)
{
	(void)state;
	assert_refused(STR("\n# x\nobject_archive.directori = /x\n"),
		       ":3: object_archive.directori: unknown key; did you "
		       "mean object_archive.directory?");
	assert_refused(STR("Profile = local\n"),
		       ":1: Profile: unknown key; did you mean profile?");
	assert_refused(STR("get_order.workers = 1\n"),
		       ":1: get_order.workers: unknown key; did you mean "
		       "get_orders.workers?");
	assert_refused(STR("qwertyuiop = 1\n"),
		       ":1: qwertyuiop: unknown key; ordermill.conf(5) lists "
		       "all keys");
	assert_refused(STR("= 1\n"), ":1: : unknown key; ordermill.conf(5) "
				     "lists all keys");
	assert_refused(STR("mailer.directry = /x\n"),
		       ":1: mailer.directry: unknown key; did you mean "
		       "mailer.directory?");
	assert_refused(STR("maailer.directoory = /x\n"),
		       ":1: maailer.directoory: unknown key; did you mean "
		       "mailer.directory?");
	assert_refused(STR("a.key.that.is.much.longer.than.any.key.of.the."
			   "table.could.ever.be = 1\n"),
		       ":1: a.key.that.is.much.longer.than.any.key.of.the."
		       "table.could.ever.be: unknown key; ordermill.conf(5) "
		       "lists all keys");
	assert_refused(STR("create_order.batches = 1\n"),
		       ":1: create_order.batches: unknown key; did you mean "
		       "create_order.batch?");
}

static void a_line_without_equals_sign_is_refused(void **state)
{
	(void)state;
	assert_refused(STR("profile = local\nprofile local\n"),
		       ":2: no '=' in this line; it must be 'key = value' or "
		       "begin with '#'");
}

static void a_key_set_twice_is_refused(void **state)
{
	(void)state;
	assert_refused(STR("profile = local\n\nprofile = aws\n"),
		       ":3: profile: set twice; line 1 has it already");
	assert_refused(STR("mailer.directory =\nmailer.directory =\n"),
		       ":2: mailer.directory: set twice; line 1 has it "
		       "already");
}

static void a_value_of_the_wrong_type_is_refused(void **state)
{
	(void)state;
	assert_refused(STR("event_bus.attempts = many"),
		       ":1: event_bus.attempts: not such a number; it must be "
		       "a whole number from 1 to 100");
	assert_refused(STR("event_bus.attempts = 0"),
		       ":1: event_bus.attempts: not such a number; it must be "
		       "a whole number from 1 to 100");
	assert_refused(STR("event_bus.attempts ="),
		       ":1: event_bus.attempts: not such a number; it must be "
		       "a whole number from 1 to 100");
	assert_refused(STR("get_orders.workers = 65"),
		       ":1: get_orders.workers: not such a number; it must be "
		       "a whole number from 0 to 64");
	assert_refused(STR("orders.require_if_match = true"),
		       ":1: orders.require_if_match: neither yes nor no; it "
		       "must be yes or no");
	assert_refused(STR("database.path = x.db"),
		       ":1: database.path: not an absolute path; it must begin "
		       "with /");
	assert_refused(STR("site.name = a\x01" "b"),
		       ":1: site.name: a control character or broken UTF-8; "
		       "it must be plain text");
	assert_refused(STR("site.name = a\0b"),
		       ":1: site.name: a control character or broken UTF-8; "
		       "it must be plain text");
	assert_refused(STR("site.name = \xff"),
		       ":1: site.name: a control character or broken UTF-8; "
		       "it must be plain text");
}

static void a_value_that_cannot_be_is_refused(void **state)
{
	static const char *const bad[] = {
		"profile = azure", "profile =", "site.url =",
		"site.url = http://", "site.url = desk.example.org",
		"site.url = http://x/", "site.url = http://x y",
		"site.url = ftp://x", "site.url = http://x\"><script>",
		"site.name =", "orders.currency = eur",
		"orders.currency = EURO", "orders.currency = EU",
		"access.origins = https://a.example https://b.example/",
		"access.origins = *", "event_bus.signature_versions = 1",
		"event_bus.signature_versions = 3",
		"event_bus.signature_versions = 2 1",
		"event_bus.endpoint = x", "mailer.tls = maybe",
		"access.jwt_issuer = http://issuer.example.org",
		"access.jwt_issuer = https://issuer.example.org/",
		"access.jwt_keys_url = http://issuer.example.org/jwks.json",
		"access.jwt_keys_url = http://127.0.0.1.example.org/k",
		"access.jwt_keys_url = http://localhost:1@example.org/k",
		"mailer.url = http://x", "mailer.url = smtp://",
		"object_archive.link_valid_s = 604801",
		"object_archive.link_valid_s = -1",
		"object_archive.link_valid_s = 9999999999999999999999",
		"database.adapter =", "mailer.from =",
		"create_order.batch = 257",
	};
	struct config *config;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		error_init(&err);
		write_file(str_from(bad[i]));
		if (config_load(&config, path, &err))
			fail_msg("accepted: %s", bad[i]);
		assert_non_null(strstr(err.cause, "; it must be "));
	}
}

static void values_at_their_bounds_are_accepted(void **state)
{
	static const char *const good[] = {
		"access.origins = https://a.example  http://127.0.0.1:5173",
		"access.origins =", "event_bus.signature_versions = 1 2",
		"mailer.tls = require", "mailer.url = smtps://mail.example:465",
		"object_archive.link_valid_s = 604800", "mailer.user =",
		"object_archive.link_valid_s = 1", "orders.currency = JPY",
		"orders.currency = AZN",
		"event_bus.endpoint =",
		"access.jwt_issuer =", "access.jwt_issuer = https://a/pool",
		"access.jwt_issuer = http://127.0.0.1:9000/pool",
		"access.jwt_keys_url = http://localhost:9000/keys",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		config_free(load(good[i]));
}

static void a_missing_file_is_refused_by_name(void **state)
{
	struct config *config;
	struct error err;

	(void)state;
	error_init(&err);
	assert_false(config_load(&config, path, &err));
	assert_memory_equal(err.cause, path, strlen(path));
	assert_non_null(strstr(err.cause, "No such file"));
	error_init(&err);
	assert_false(config_load(&config, folder, &err));
	assert_non_null(strstr(err.cause, "Is a directory"));
}

static void a_huge_file_is_refused(void **state)
{
	struct config *config;
	struct error err;
	FILE *file = fopen(path, "w");

	(void)state;
	assert_non_null(file);
	for (int i = 0; i < 300 * 1024 / 8; i++)
		fputs("# 45678\n", file);
	fclose(file);
	error_init(&err);
	assert_false(config_load(&config, path, &err));
	assert_non_null(strstr(err.cause, "longer than"));
}

static void the_environment_names_the_file(void **state)
{
	struct config *config;
	struct error err;

	(void)state;
	error_init(&err);
	write_file(STR("site.name = From the environment\n"));
	setenv("ORDERMILL_CONFIG", path, 1);
	assert_true(config_load(&config, NULL, &err));
	unsetenv("ORDERMILL_CONFIG");
	assert_string_equal(config_text(config, "site.name"),
			    "From the environment");
	config_free(config);
}

/* What `print` writes, in a buffer of its own. */
static char *printed(void (*print)(FILE *to))
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	assert_non_null(file);
	print(file);
	fclose(file);
	return text;
}

static struct config *in_force;

static void print_in_force(FILE *to)
{
	config_print(in_force, to);
}

static void what_is_in_force_reads_back_as_itself(void **state)
{
	CLEANUP(cleanup_free) char *first = NULL, *second = NULL;

	(void)state;
	in_force = load("state.directory = /srv/x\nget_orders.workers = 3\n"
			"orders.require_if_match = yes\n"
			"event_bus.attempts = 3\n");
	first = printed(print_in_force);
	config_free(in_force);
	assert_non_null(strstr(first, "\nget_orders.workers = 3\n"));
	assert_non_null(strstr(first, "\ndatabase.path = /srv/x/ordermill.db"));
	in_force = load(first);
	second = printed(print_in_force);
	config_free(in_force);
	assert_string_equal(first, second);
}

static void the_example_shows_every_key_as_a_comment(void **state)
{
	CLEANUP(cleanup_free) char *example = printed(config_print_example);
	CLEANUP(cleanup_free) char *all = NULL;
	struct str rest, line, key;

	(void)state;
	in_force = load(example);
	all = printed(print_in_force);
	config_free(in_force);
	in_force = load("");
	config_free(in_force);
	rest = str_from(all);
	while (str_next(&rest, '\n', &line) && line.len) {
		char shown[100];

		assert_true(str_next(&line, '=', &key));
		snprintf(shown, sizeof(shown), "\n#%.*s=", STR_ARG(key));
		assert_non_null(strstr(example, shown));
	}
	rest = str_from(example);
	while (str_next(&rest, '\n', &line))
		assert_true(line.len <= 80);
}

static void the_example_reads_as_written(void **state)
{
	CLEANUP(cleanup_free) char *example = printed(config_print_example);

	(void)state;
	assert_non_null(strstr(example,
		"\n\n# Where everything that lasts is kept. A path below that is "
		"left empty lies\n# in it.\n"
		"#state.directory = /var/lib/ordermill\n\n"));
	assert_non_null(strstr(example,
		"\n\n# The SQLite file.\n"
		"#database.path = /var/lib/ordermill/ordermill.db\n\n"));
	assert_non_null(strstr(example, "\n#mailer.password_file = \n\n"));
	assert_non_null(strstr(example,
		"built-in number.\n#create_order.workers = 0\n"
		"#update_order.workers = 0\n"));
	assert_non_null(strstr(example, ".workers = 0\n\n"
					"# Requests that one commit"));
}

static void the_manual_reads_as_written(void **state)
{
	CLEANUP(cleanup_free) char *manual = printed(config_print_manual);

	(void)state;
	assert_non_null(strstr(manual,
		".It Ic database.adapter\n"
		"What keeps orders, deletions and subscribers.\n"
		"It must be a name.\n"
		"The default is\n.Li \"sqlite\" .\n"
		"With the profile aws it is\n.Li \"dynamodb\" .\n"
		".It Ic database.path\n"
		"The SQLite file.\n"
		"The default is\n"
		".Li \"<state.directory>/ordermill.db\" .\n"
		".It Ic database.table\n"));
	assert_non_null(strstr(manual,
		"A whole number from 1 to 100.\n"
		"The default is\n.Li \"8\" .\n"));
	assert_non_null(strstr(manual,
		"without If-Match (428).\nYes or no.\nThe default is\n"));
	assert_non_null(strstr(manual,
		".It Ic create_order.workers\n.It Ic update_order.workers\n"));
	assert_non_null(strstr(manual,
		".workers\nProcesses that answer"));
	assert_non_null(strstr(manual,
		".batch\nRequests that one commit"));
	assert_null(strstr(manual, ".Li \"\" ."));
}

/* A line that begins with a dot or an apostrophe is a request to roff. */
static void the_manual_holds_every_key_and_only_known_requests(void **state)
{
	static const char *const requests[] = {
		".Dd", ".Dt", ".Os", ".Sh", ".Nm", ".Nd", ".Dq", ".Sq", ".Bl",
		".El", ".It", ".Li", ".Ev", ".Pa", ".Xr",
	};
	CLEANUP(cleanup_free) char *manual = printed(config_print_manual);
	struct str rest = str_from(manual), line;

	(void)state;
	assert_non_null(strstr(manual, "\n.It Ic site.url\n"));
	assert_non_null(strstr(manual, "\n.It Ic unsubscribe_email.batch\n"));
	while (str_next(&rest, '\n', &line)) {
		bool known = false;

		if (!line.len || (*line.ptr != '.' && *line.ptr != '\''))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(requests); i++)
			known |= str_starts(line, str_from(requests[i]));
		assert_true(known);
	}
}

static void assert_secret_refused(struct str content, const char *expected)
{
	char text[400], *secret;
	struct config *config;
	struct error err;

	snprintf(text, sizeof(text), "site.secret_file = %s\n", path);
	config = load(text);
	write_file(content);
	error_init(&err);
	assert_false(config_secret(config, "site.secret_file", &secret, &err));
	assert_non_null(strstr(err.cause, expected));
	assert_non_null(strstr(err.cause, "site.secret_file"));
	assert_null(strstr(err.cause, "hush"));
	config_free(config);
}

static void a_secret_is_the_first_line_of_its_file(void **state)
{
	char text[400], *secret;
	struct config *config;
	struct error err;

	(void)state;
	snprintf(text, sizeof(text), "site.secret_file = %s\n", path);
	config = load(text);
	error_init(&err);
	write_file(STR("hush hush \nsecond line\n"));
	assert_true(config_secret(config, "site.secret_file", &secret, &err));
	assert_string_equal(secret, "hush hush ");
	free(secret);
	write_file(STR("no newline"));
	assert_true(config_secret(config, "site.secret_file", &secret, &err));
	assert_string_equal(secret, "no newline");
	free(secret);
	config_free(config);
}

static void what_is_no_secret_is_refused(void **state)
{
	static char text[8000];
	char *secret;
	struct config *config = load("");
	struct error err;

	(void)state;
	assert_secret_refused(STR(""), "is empty");
	assert_secret_refused(STR("\nhush"), "not a secret");
	assert_secret_refused(STR("hush\x01"), "not a secret");
	assert_secret_refused(STR("hush\0hush\n"), "not a secret");
	memset(text, 'a', sizeof(text));
	assert_secret_refused((struct str){ text, sizeof(text) },
			      "not a secret");
	error_init(&err);
	assert_false(config_secret(config, "site.secret_file", &secret, &err));
	assert_non_null(strstr(err.cause, "No such file"));
	error_init(&err);
	assert_false(config_secret(config, "mailer.password_file", &secret,
				   &err));
	assert_non_null(strstr(err.cause, "mailer.password_file: names no"));
	config_free(config);
}

static void ask_unknown(struct config *config)
{
	config_text(config, "site.colour");
}

static void ask_as_text(struct config *config)
{
	config_text(config, "event_bus.attempts");
}

static void ask_as_int(struct config *config)
{
	config_int(config, "orders.require_if_match");
}

static void ask_as_bool(struct config *config)
{
	config_bool(config, "site.url");
}

static void a_wrong_question_aborts(void **state)
{
	void (*const questions[])(struct config *) = { ask_unknown, ask_as_text,
						       ask_as_int,
						       ask_as_bool };
	struct config *config = load("");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		const struct rlimit none = { 0, 0 };
		pid_t child = fork();
		int status = 0;

		if (!child) {
			setrlimit(RLIMIT_CORE, &none);
			signal(SIGABRT, SIG_DFL);
			if (!freopen("/dev/null", "w", stderr))
				_exit(1);
			questions[i](config);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
	}
	config_free(config);
	config_free(NULL);
}

static void write_credential(const char *key, const char *text)
{
	char file_path[512];
	FILE *file;

	snprintf(file_path, sizeof(file_path), "%s/%s", folder, key);
	file = fopen(file_path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void remove_credential(const char *key)
{
	char file_path[512];

	snprintf(file_path, sizeof(file_path), "%s/%s", folder, key);
	assert_int_equal(unlink(file_path), 0);
}

static void a_secret_comes_from_the_credentials_of_systemd(void **state)
{
	struct config *config;
	struct error err;
	char *secret = NULL;

	(void)state;
	write_credential("site.secret_file", "handed over\n");
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	config = load("site.secret_file = /elsewhere\n");
	error_init(&err);
	assert_true(config_secret(config, "site.secret_file", &secret, &err));
	assert_string_equal(secret, "handed over");
	free(secret);
	config_free(config);
	unsetenv("CREDENTIALS_DIRECTORY");
	config = load("site.secret_file = /elsewhere\n");
	assert_string_equal(config_text(config, "site.secret_file"),
			    "/elsewhere");
	config_free(config);
	remove_credential("site.secret_file");
}

static void an_empty_credential_and_one_of_no_secret_are_not_used(void **state)
{
	struct config *config;

	(void)state;
	write_credential("mailer.password_file", "");
	write_credential("database.path", "x");
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	config = load("mailer.password_file = /password\n"
		      "database.path = /d\n");
	assert_string_equal(config_text(config, "mailer.password_file"),
			    "/password");
	assert_string_equal(config_text(config, "database.path"), "/d");
	config_free(config);
	unsetenv("CREDENTIALS_DIRECTORY");
	remove_credential("mailer.password_file");
	remove_credential("database.path");
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FILE(an_empty_file_gives_every_default),
		WITH_FILE(values_are_read_around_comments_and_spaces),
		WITH_FILE(an_empty_path_lies_in_the_state_directory),
		WITH_FILE(a_profile_sets_the_adapters_and_a_key_overrules_it),
		WITH_FILE(with_profile_aws_the_operations_on_orders_have_four_workers),
		WITH_FILE(an_unknown_key_is_refused_with_its_neighbour),
		WITH_FILE(a_line_without_equals_sign_is_refused),
		WITH_FILE(a_key_set_twice_is_refused),
		WITH_FILE(a_value_of_the_wrong_type_is_refused),
		WITH_FILE(a_value_that_cannot_be_is_refused),
		WITH_FILE(values_at_their_bounds_are_accepted),
		WITH_FILE(a_missing_file_is_refused_by_name),
		WITH_FILE(a_huge_file_is_refused),
		WITH_FILE(the_environment_names_the_file),
		WITH_FILE(what_is_in_force_reads_back_as_itself),
		WITH_FILE(the_example_shows_every_key_as_a_comment),
		WITH_FILE(the_example_reads_as_written),
		WITH_FILE(the_manual_reads_as_written),
		WITH_FILE(the_manual_holds_every_key_and_only_known_requests),
		WITH_FILE(a_secret_is_the_first_line_of_its_file),
		WITH_FILE(what_is_no_secret_is_refused),
		WITH_FILE(a_secret_comes_from_the_credentials_of_systemd),
		WITH_FILE(an_empty_credential_and_one_of_no_secret_are_not_used),
		WITH_FILE(a_wrong_question_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
