/*
 * wordnet.c: three mapped files, and searches in them by halves.
 */
#include "recognition/wordnet.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/banned.h"

#define MAX_FILE_BYTES (64u * MIB)

struct wordnet {
	struct str index, data, exceptions;
	bool mapped;
};

static bool path_fault(const char *path, const char *why, struct error *err)
{
	return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path, why);
}

static bool map_file(const char *directory, const char *name, struct str *ret,
		     struct error *err)
{
	char path[4096];
	struct stat st;
	void *at;

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >=
	    (int)sizeof(path))
		return path_fault(directory, "the path is too long", err);
	CLEANUP(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return path_fault(path, strerror(errno), err);
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    st.st_size > (off_t)MAX_FILE_BYTES)
		return path_fault(path, "is no file of WordNet", err);
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return path_fault(path, strerror(errno), err);
	*ret = (struct str){ at, (size_t)st.st_size };
	return true;
}

bool wordnet_open_text(struct wordnet **ret, struct str index, struct str data,
		       struct str exceptions, struct error *err)
{
	struct wordnet *wordnet = calloc(1, sizeof(*wordnet));

	if (!wordnet)
		return error_cause(err, ERROR_UNAVAILABLE, "out of memory");
	*wordnet = (struct wordnet){ index, data, exceptions, false };
	*ret = wordnet;
	return true;
}

static void unmap(struct str file)
{
	if (file.ptr)
		munmap((void *)(uintptr_t)file.ptr, file.len);
}

static bool map_files(struct wordnet *wordnet, const char *directory,
		      struct error *err)
{
	struct synset root;

	wordnet->mapped = true;
	return map_file(directory, "index.noun", &wordnet->index, err) &&
	       map_file(directory, "data.noun", &wordnet->data, err) &&
	       map_file(directory, "noun.exc", &wordnet->exceptions, err) &&
	       (wordnet_synset(wordnet, WORDNET_ROOT, &root) ||
		path_fault(directory, "is not WordNet 3.0", err));
}

bool wordnet_open(struct wordnet **ret, const char *directory,
		  struct error *err)
{
	struct str none = { NULL, 0 };

	if (!wordnet_open_text(ret, none, none, none, err))
		return false;
	if (map_files(*ret, directory, err))
		return true;
	wordnet_close(*ret);
	*ret = NULL;
	return false;
}

void wordnet_close(struct wordnet *wordnet)
{
	if (wordnet && wordnet->mapped) {
		unmap(wordnet->index);
		unmap(wordnet->data);
		unmap(wordnet->exceptions);
	}
	free(wordnet);
}

/* The line that holds the byte `at`, and where it begins. */
static struct str line_at(struct str file, size_t at, size_t *begin)
{
	const char *end;

	while (at > 0 && file.ptr[at - 1] != '\n')
		at--;
	*begin = at;
	end = memchr(file.ptr + at, '\n', file.len - at);
	return (struct str){ file.ptr + at,
			     (end ? (size_t)(end - file.ptr) : file.len) - at };
}

static int compare(struct str a, struct str b)
{
	int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* The rest of the line whose first field is `key`. The lines of the licence
 * begin with spaces and so come before all keys. */
static bool find_line(struct str file, struct str key, struct str *rest)
{
	size_t low = 0, high = file.len;

	while (low < high) {
		size_t begin;
		struct str line = line_at(file, low + (high - low) / 2, &begin);
		struct str field;
		size_t end = begin + line.len + 1;
		int order;

		*rest = line;
		if (!str_next(rest, ' ', &field))
			field = (struct str){ line.ptr, 0 };
		order = compare(field, key);
		if (!order)
			return true;
		if (order < 0)
			low = end;
		else
			high = begin;
	}
	return false;
}

static bool next_number(struct str *rest, unsigned base, uint64_t max,
			uint64_t *ret)
{
	struct str field;

	if (!str_next(rest, ' ', &field) || !field.len || field.len > 9)
		return false;
	*ret = 0;
	for (size_t i = 0; i < field.len; i++) {
		int digit = str_hex_digit(field.ptr[i]);

		if (digit < 0 || (unsigned)digit >= base)
			return false;
		*ret = *ret * base + (unsigned)digit;
	}
	return *ret <= max;
}

static bool skip_fields(struct str *rest, uint64_t count)
{
	struct str field;

	while (count-- > 0)
		if (!str_next(rest, ' ', &field))
			return false;
	return true;
}

/* lemma pos synset_cnt p_cnt [ptr_symbol…] sense_cnt tagsense_cnt offset… */
size_t wordnet_senses(const struct wordnet *wordnet, struct str lemma,
		      uint32_t *ret, size_t max)
{
	uint64_t synsets, pointers, offset;
	size_t count = 0;
	struct str rest;

	if (!lemma.len || !find_line(wordnet->index, lemma, &rest) ||
	    !skip_fields(&rest, 1) || !next_number(&rest, 10, 999, &synsets) ||
	    !next_number(&rest, 10, 999, &pointers) ||
	    !skip_fields(&rest, pointers + 2))
		return 0;
	while (count < max && count < synsets &&
	       next_number(&rest, 10, UINT32_MAX, &offset))
		ret[count++] = (uint32_t)offset;
	return count;
}

static void add_lemma(const struct wordnet *wordnet, struct str stem,
		      struct str ending, struct lemma *ret, size_t *count)
{
	struct lemma *to = &ret[*count];
	struct str rest;

	if (*count == WORDNET_MAX_LEMMAS ||
	    stem.len + ending.len >= sizeof(to->text) ||
	    stem.len + ending.len == 0)
		return;
	memcpy(to->text, stem.ptr, stem.len);
	memcpy(to->text + stem.len, ending.ptr, ending.len);
	to->len = stem.len + ending.len;
	to->text[to->len] = '\0';
	for (size_t i = 0; i < *count; i++)
		if (!strcmp(ret[i].text, to->text))
			return;
	if (find_line(wordnet->index, (struct str){ to->text, to->len }, &rest))
		(*count)++;
}

size_t wordnet_lemmas(const struct wordnet *wordnet, struct str word,
		      struct lemma ret[WORDNET_MAX_LEMMAS])
{
	static const struct {
		const char *ending, *instead;
	} rules[] = {
		{ "s", "" }, { "ses", "s" }, { "xes", "x" }, { "zes", "z" },
		{ "ches", "ch" }, { "shes", "sh" }, { "men", "man" },
		{ "ies", "y" },
	};
	size_t count = 0;
	struct str rest, form;

	if (!word.len || word.len >= WORDNET_MAX_LEMMA_BYTES)
		return 0;
	if (find_line(wordnet->exceptions, word, &rest))
		while (str_next(&rest, ' ', &form))
			add_lemma(wordnet, form, STR(""), ret, &count);
	add_lemma(wordnet, word, STR(""), ret, &count);
	if (word.len > 2 && !memcmp(word.ptr + word.len - 2, "ss", 2))
		return count;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		size_t ending = strlen(rules[i].ending);
		struct str stem = { word.ptr, word.len - ending };

		if (word.len > ending + 1 &&
		    !memcmp(word.ptr + stem.len, rules[i].ending, ending))
			add_lemma(wordnet, stem, str_from(rules[i].instead),
				  ret, &count);
	}
	return count;
}

/* (symbol offset pos source/target)… |, of which "@" and "@i" matter: no other
 * field of a pointer holds that sign, and most synsets have hundreds. */
static bool read_hypernyms(struct str rest, struct synset *ret)
{
	const char *end = rest.len ? memchr(rest.ptr, '|', rest.len) : NULL;
	const char *at = rest.ptr;
	struct str symbol, pos;
	uint64_t offset;

	while (end && (at = memchr(at, '@', (size_t)(end - at)))) {
		rest = (struct str){ at, (size_t)(end - at) };
		if (!str_next(&rest, ' ', &symbol) ||
		    !next_number(&rest, 10, UINT32_MAX, &offset) ||
		    !str_next(&rest, ' ', &pos) || !rest.ptr)
			return false;
		ret->instance |= str_is(symbol, "@i");
		if (str_is(pos, "n") &&
		    ret->hypernym_count < ARRAY_LEN(ret->hypernyms))
			ret->hypernyms[ret->hypernym_count++] =
				(uint32_t)offset;
		at = rest.ptr;
	}
	return end;
}

/* offset lex_filenum ss_type w_cnt (word lex_id)… p_cnt (pointer)… | gloss */
bool wordnet_synset(const struct wordnet *wordnet, uint32_t offset,
		    struct synset *ret)
{
	struct str data = wordnet->data, rest, type;
	uint64_t own, category, words, pointers;
	size_t begin;

	if (offset >= data.len)
		return false;
	rest = line_at(data, offset, &begin);
	*ret = (struct synset){ .category = 0 };
	if (begin != offset || !next_number(&rest, 10, UINT32_MAX, &own) ||
	    own != offset || !next_number(&rest, 10, 99, &category) ||
	    !str_next(&rest, ' ', &type) || !str_is(type, "n") ||
	    !next_number(&rest, 16, 255, &words) || !words ||
	    !str_next(&rest, ' ', &ret->word) ||
	    !skip_fields(&rest, words * 2 - 1) ||
	    !next_number(&rest, 10, 999, &pointers))
		return false;
	ret->category = (unsigned)category;
	return read_hypernyms(rest, ret);
}
