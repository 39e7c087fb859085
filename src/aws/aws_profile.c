/*
 * aws_profile.c: sections and `key = value` lines of the shared files.
 */
#include "aws/aws_profile.h"

#include <stdio.h>

#include "base/banned.h"

#define FILE_MAX_BYTES (256u * KIB)

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A section begins with '[' at the line's start: "[name]", and in the config
 * file "[profile name]" for all but the default. */
static bool is_section_of(struct str line, enum aws_shared_file file,
			  struct str profile)
{
	struct str word;

	line.ptr++;
	line.len--;
	if (!str_next(&line, ']', &word))
		return false;
	word = str_trim(word);
	if (file == AWS_CONFIG_FILE && str_starts(word, STR("profile")) &&
	    word.len > 7 && is_blank(word.ptr[7])) {
		word.ptr += 7;
		word.len -= 7;
		word = str_trim(word);
	} else if (file == AWS_CONFIG_FILE && !str_is(word, "default")) {
		return false;
	}
	return str_eq(word, profile);
}

/* Behind white space, '#' and ';' begin a comment. */
static struct str without_comment(struct str value)
{
	for (size_t i = 1; i < value.len; i++)
		if ((value.ptr[i] == '#' || value.ptr[i] == ';') &&
		    is_blank(value.ptr[i - 1]))
			value.len = i;
	return str_trim(value);
}

struct str aws_profile_find(struct str text, enum aws_shared_file file,
			    struct str profile, struct str key)
{
	struct str line, name, found = { NULL, 0 };
	bool inside = false;

	while (str_next(&text, '\n', &line)) {
		if (!line.len || line.ptr[0] == '#' || line.ptr[0] == ';' ||
		    is_blank(line.ptr[0]))
			continue;
		if (line.ptr[0] == '[') {
			inside = is_section_of(line, file, profile);
			continue;
		}
		if (inside && memchr(line.ptr, '=', line.len) &&
		    str_next(&line, '=', &name) &&
		    str_eq_ignore_case(str_trim(name), key))
			found = line.ptr ? without_comment(line) : STR("");
	}
	return found;
}

bool aws_profile_is_in(struct str text, enum aws_shared_file file,
		       struct str profile)
{
	struct str line;

	while (str_next(&text, '\n', &line))
		if (line.len && line.ptr[0] == '[' &&
		    is_section_of(line, file, profile))
			return true;
	return false;
}

bool aws_profile_is_chosen(void)
{
	const char *name = getenv("AWS_PROFILE");

	return name && *name;
}

struct str aws_profile_name(void)
{
	return aws_profile_is_chosen() ? str_from(getenv("AWS_PROFILE")) :
					 STR("default");
}

struct str aws_profile_read(enum aws_shared_file file, struct arena *arena)
{
	bool config = file == AWS_CONFIG_FILE;
	const char *path = getenv(config ? "AWS_CONFIG_FILE" :
					   "AWS_SHARED_CREDENTIALS_FILE");
	const char *home = getenv("HOME");
	CLEANUP(cleanup_file) FILE *stream = NULL;
	char *text;
	size_t len;

	if (!path || !*path) {
		if (!home || !*home)
			return (struct str){ NULL, 0 };
		path = arena_printf(arena, "%s/.aws/%s", home,
				    config ? "config" : "credentials");
	}
	stream = fopen(path, "re");
	if (!stream)
		return (struct str){ NULL, 0 };
	text = arena_alloc(arena, FILE_MAX_BYTES);
	len = fread(text, 1, FILE_MAX_BYTES, stream);
	return (struct str){ text, len };
}

struct str aws_profile_get(enum aws_shared_file file, struct str key,
			   struct arena *arena)
{
	return aws_profile_find(aws_profile_read(file, arena), file,
				aws_profile_name(), key);
}
