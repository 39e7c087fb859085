/*
 * config_print.c: the example file and ordermill.conf(5), out of the table.
 */
#include "base/config.h"
#include "base/config_keys.h"

#include "base/banned.h"

/* Whether this key shares its help with the one before it. */
static bool continues(size_t i)
{
	return i && config_keys[i].help == config_keys[i - 1].help;
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

/* The value of a key that the file leaves out. */
static void print_default(const struct config_key *key, const char *state,
			  FILE *to)
{
	if (key->type == CONFIG_PATH && key->fallback[0] &&
	    key->fallback[0] != '/')
		fprintf(to, "%s/", state);
	fputs(key->fallback, to);
}

void config_print_example(FILE *to)
{
	size_t state_key = config_key_find(STR("state.directory"));
	const char *state = config_keys[state_key].fallback;

	fputs("# ordermill.conf: see ordermill.conf(5). Each key is shown with "
	      "its default.\n", to);
	for (size_t i = 0; i < config_key_count; i++) {
		if (!continues(i)) {
			fputc('\n', to);
			print_comment(config_keys[i].help, to);
		}
		fprintf(to, "#%s = ", config_keys[i].name);
		print_default(&config_keys[i], state, to);
		fputc('\n', to);
	}
}

static void print_manual_key(size_t i, FILE *to)
{
	const struct config_key *key = &config_keys[i];
	bool last = i + 1 == config_key_count || !continues(i + 1);

	fprintf(to, ".It Ic %s\n", key->name);
	if (!last)
		return;
	fprintf(to, "%s\n", key->help);
	if (key->type == CONFIG_INT)
		fprintf(to, "A whole number from %lld to %lld.\n",
			(long long)key->min, (long long)key->max);
	if (key->type == CONFIG_BOOL)
		fputs("Yes or no.\n", to);
	if (key->expected)
		fprintf(to, "It must be %s.\n", key->expected);
	if (key->fallback[0]) {
		fputs("The default is\n.Li \"", to);
		print_default(key, "<state.directory>", to);
		fputs("\" .\n", to);
	}
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
	for (size_t i = 0; i < config_key_count; i++)
		print_manual_key(i, to);
	fputs(".El\n"
	      ".Sh ENVIRONMENT\n"
	      ".Bl -tag -width indent\n"
	      ".It Ev ORDERMILL_CONFIG\n"
	      "The file to read instead of\n"
	      ".Pa " CONFIG_DEFAULT_PATH " .\n"
	      ".El\n"
	      ".Sh FILES\n"
	      ".Bl -tag -width indent\n"
	      ".It Pa " CONFIG_DEFAULT_PATH "\n"
	      "The file that is read unless another one is named.\n"
	      ".El\n"
	      ".Sh SEE ALSO\n"
	      ".Xr ordermill 8\n", to);
}
