/*
 * token_file.c: reads, adds to and takes from the tokens file.
 */
#include "ordermill/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/file.h"

#include "base/banned.h"

#define FILE_MAX_BYTES (1u * MIB)
#define NAME_MAX_LENGTH 64
/* What the reader of the file takes (http/access.c). */
#define MAX_TOKENS 1000

static bool name_is_valid(struct str name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._@-";

	if (name.len == 0 || name.len > NAME_MAX_LENGTH)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!memchr(allowed, name.ptr[i], sizeof(allowed) - 1))
			return false;
	return true;
}

static bool scope_is_known(struct str scope)
{
	struct str rest = STR(ACCESS_SCOPES), one;

	while (str_next(&rest, ',', &one))
		if (str_eq(scope, one))
			return true;
	return false;
}

static bool check_scopes(struct str scopes, struct error *err)
{
	struct str rest = scopes, one;

	if (scopes.len == 0)
		return error_set(err, ERROR_BAD_REQUEST,
				 "a token needs a scope: %s", ACCESS_SCOPES);
	if (scopes.len > strlen(ACCESS_SCOPES))
		return error_set(err, ERROR_BAD_REQUEST,
				 "a scope is named twice");
	while (str_next(&rest, ',', &one))
		if (!scope_is_known(one))
			return error_set(err, ERROR_BAD_REQUEST,
					 "%.*s is not a scope; there are %s",
					 STR_ARG(one), ACCESS_SCOPES);
	return true;
}

static bool read_file(const char *path, struct arena *arena, struct str *ret,
		      struct error *err)
{
	FILE *file CLEANUP(cleanup_file) = fopen(path, "re");
	char *bytes = arena_alloc(arena, FILE_MAX_BYTES);
	size_t len;

	*ret = STR("");
	if (!file && errno == ENOENT)
		return true;
	if (!file)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
				   strerror(errno));
	len = fread(bytes, 1, FILE_MAX_BYTES, file);
	if (ferror(file) || len == FILE_MAX_BYTES)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "%s: cannot be read, or is too large", path);
	*ret = (struct str){ bytes, len };
	return true;
}

/* The next field of a line, and what follows it. */
static bool next_field(struct str *rest, struct str *field)
{
	*rest = str_trim(*rest);
	return rest->len && str_next(rest, ' ', field);
}

static bool parse_line(struct str line, struct token_entry *ret)
{
	struct str rest = line;

	return line.len && line.ptr[0] != '#' &&
	       next_field(&rest, &ret->name) &&
	       next_field(&rest, &ret->digest) &&
	       ret->digest.len == SHA256_HEX &&
	       next_field(&rest, &ret->scopes) &&
	       (next_field(&rest, &ret->created) ||
		(ret->created = STR("-"), true));
}

bool token_file_list(const char *path, struct arena *arena,
		     struct token_entry **ret, size_t *ret_count,
		     struct error *err)
{
	struct token_entry entry;
	struct str rest, line;

	if (!read_file(path, arena, &rest, err))
		return false;
	*ret = arena_alloc(arena, MAX_TOKENS * sizeof(**ret));
	*ret_count = 0;
	while (*ret_count < MAX_TOKENS && str_next(&rest, '\n', &line))
		if (parse_line(line, &entry))
			(*ret)[(*ret_count)++] = entry;
	return true;
}

/* One writer at a time; the file itself is replaced, so the lock is beside
 * it. */
static bool lock(const char *path, int *ret, struct error *err)
{
	char lock_path[PATH_MAX];

	snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
	*ret = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (*ret < 0 || flock(*ret, LOCK_EX) < 0)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", lock_path,
				   strerror(errno));
	return true;
}

static void make_token(struct arena *arena, char ret[TOKEN_TEXT_BYTES])
{
	uint8_t secret[32];
	struct buf text;

	random_bytes(secret, sizeof(secret));
	buf_init(&text, arena, TOKEN_TEXT_BYTES);
	buf_add_text(&text, "om_");
	buf_add_base64url(&text, (struct str){ (const char *)secret,
					       sizeof(secret) });
	memcpy(ret, text.ptr, TOKEN_TEXT_BYTES);
}

static void add_line(struct buf *to, struct str name, const char *token,
		     struct str scopes, int64_t now_ms)
{
	char digest[SHA256_HEX + 1], created[TIME_TEXT_BYTES];

	sha256_hex(str_from(token), digest);
	time_format(now_ms, created);
	buf_printf(to, "%.*s %s %.*s %s\n", STR_ARG(name), digest,
		   STR_ARG(scopes), created);
}

/* Copies every line but that of `name`; the number of tokens seen, and whether
 * `name` was one. */
static size_t copy_others(struct buf *to, struct str from, struct str name,
			  bool *ret_found)
{
	struct token_entry entry;
	struct str line;
	size_t count = 0;

	*ret_found = false;
	while (str_next(&from, '\n', &line)) {
		bool is_token = parse_line(line, &entry);

		count += is_token;
		if (is_token && str_eq(entry.name, name)) {
			*ret_found = true;
		} else if (line.len) {
			buf_add_str(to, line);
			buf_add_char(to, '\n');
		}
	}
	return count;
}

bool token_file_add(const char *path, struct str name, struct str scopes,
		    int64_t now_ms, struct arena *arena,
		    char ret_token[TOKEN_TEXT_BYTES], struct error *err)
{
	int lock_fd CLEANUP(cleanup_fd) = -1;
	struct str old;
	struct buf text;
	bool found;

	if (!name_is_valid(name))
		return error_set(err, ERROR_BAD_REQUEST,
				 "a name has 1 to %d letters, digits or . _ @ -",
				 NAME_MAX_LENGTH);
	if (!check_scopes(scopes, err) || !lock(path, &lock_fd, err) ||
	    !read_file(path, arena, &old, err))
		return false;
	buf_init(&text, arena, FILE_MAX_BYTES);
	if (copy_others(&text, old, name, &found) >= MAX_TOKENS)
		return error_set(err, ERROR_CONFLICT,
				 "there are %d tokens already: revoke one",
				 MAX_TOKENS);
	if (found)
		return error_set(err, ERROR_CONFLICT,
				 "there is a token named %.*s already: revoke "
				 "it first, or take another name",
				 STR_ARG(name));
	make_token(arena, ret_token);
	add_line(&text, name, ret_token, scopes, now_ms);
	return file_replace(path, buf_str(&text), 0640, err);
}

bool token_file_revoke(const char *path, struct str name, struct arena *arena,
		       struct error *err)
{
	int lock_fd CLEANUP(cleanup_fd) = -1;
	struct str old;
	struct buf text;
	bool found;

	if (!lock(path, &lock_fd, err) || !read_file(path, arena, &old, err))
		return false;
	buf_init(&text, arena, FILE_MAX_BYTES);
	copy_others(&text, old, name, &found);
	if (!found)
		return error_set(err, ERROR_NOT_FOUND,
				 "there is no token named %.*s", STR_ARG(name));
	return file_replace(path, buf_str(&text), 0640, err);
}
