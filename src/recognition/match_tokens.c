/*
 * match_tokens.c: words in lower case without accents, and what parts them.
 */
#include "recognition/match_tokens.h"

#include <ctype.h>

#include "order/search.h"
#include "base/banned.h"

static const struct {
	const char *word;
	enum link link;
} link_words[] = {
	{ "of", LINK_OF }, { "and", LINK_AND }, { "or", LINK_AND },
	{ "with", LINK_WITH }, { "for", LINK_WITH }, { "in", LINK_WITH },
	{ "on", LINK_WITH }, { "from", LINK_WITH }, { "by", LINK_WITH },
	{ "at", LINK_WITH }, { "to", LINK_WITH }, { "under", LINK_WITH },
	{ "inside", LINK_WITH }, { "near", LINK_WITH }, { "like", LINK_WITH },
	{ "beside", LINK_WITH }, { "next", LINK_WITH }, { "into", LINK_WITH },
	{ "containing", LINK_WITH }, { "including", LINK_WITH },
	{ "showing", LINK_WITH }, { "made", LINK_WITH },
	{ "that", LINK_WITH }, { "which", LINK_WITH }, { "who", LINK_WITH },
	{ "not", LINK_NOT }, { "no", LINK_NOT }, { "never", LINK_NOT },
	{ "without", LINK_NOT }, { "non", LINK_NOT }, { "except", LINK_NOT },
	{ "nor", LINK_NOT }, { "isnt", LINK_NOT }, { "neither", LINK_NOT },
	{ "instead", LINK_NOT }, { "but", LINK_BUT },
};

static enum link link_of_word(struct str word)
{
	if (word.len > 3 && !memcmp(word.ptr + word.len - 3, "n't", 3))
		return LINK_NOT;
	for (size_t i = 0; i < ARRAY_LEN(link_words); i++)
		if (str_is(word, link_words[i].word))
			return link_words[i].link;
	return LINK_NONE;
}

static void add_token(struct match_tokens *to, struct str text, enum link link,
		      bool accented)
{
	if (to->count < MATCH_MAX_TOKENS)
		to->all[to->count++] = (struct token){ text, link, accented };
}

/* "anything but a dog" is none; "no cup but a glass" is a glass. */
static enum link link_of_but(const struct match_tokens *to)
{
	static const char *const all[] = {
		"anything", "everything", "all", "nothing"
	};
	struct str before = to->count ? to->all[to->count - 1].text : STR("");

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (str_is(before, all[i]))
			return LINK_NOT;
	return LINK_BUT;
}

static void add_word(struct match_tokens *to, struct str word, bool accented)
{
	enum link link;

	while (word.len && strchr("'-", word.ptr[0]))
		word.ptr++, word.len--;
	while (word.len && strchr("'-", word.ptr[word.len - 1]))
		word.len--;
	if (word.len > 2 && !memcmp(word.ptr + word.len - 2, "'s", 2))
		word.len -= 2;
	if (str_starts(word, STR("non-"))) {
		add_token(to, STR(""), LINK_NOT, false);
		word.ptr += 4, word.len -= 4;
	}
	if (!word.len)
		return;
	link = link_of_word(word);
	add_token(to, word, link == LINK_BUT ? link_of_but(to) : link, accented);
}

/* Without accents where that makes it ASCII; other scripts stay. */
static void add_chunk(struct match_tokens *to, struct str chunk)
{
	bool accented = false;
	struct str rest, word;
	struct buf folded;
	char *lower;

	for (size_t i = 0; i < chunk.len; i++)
		accented |= (unsigned char)chunk.ptr[i] >= 0x80;
	if (!accented) {
		lower = arena_text(to->arena, chunk);
		for (size_t i = 0; i < chunk.len; i++)
			lower[i] = (char)tolower((unsigned char)lower[i]);
		add_word(to, (struct str){ lower, chunk.len }, false);
		return;
	}
	buf_init(&folded, to->arena, 4 * chunk.len + 64);
	search_fold(chunk, &folded);
	rest = buf_str(&folded);
	while (buf_ok(&folded) && str_next(&rest, ' ', &word))
		add_word(to, word, true);
}

static enum link link_of_mark(char c)
{
	switch (c) {
	case '(': case '[': case '{':
		return LINK_WITH;
	case ',': case ';': case ':': case ')': case ']': case '}':
	case '.': case '!': case '?': case '|': case '\n':
		return LINK_COMMA;
	case '&': case '+': case '/':
		return LINK_AND;
	}
	return LINK_NONE;
}

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 ||
	       c == '\'' || c == '-';
}

void match_tokens_read(struct match_tokens *to, struct str text,
		       struct arena *arena)
{
	size_t at = 0;

	to->count = 0;
	to->arena = arena;
	while (at < text.len) {
		size_t begin = at;
		enum link link;

		while (at < text.len && is_word_byte(text.ptr[at]))
			at++;
		if (at > begin) {
			add_chunk(to, (struct str){ text.ptr + begin,
						   at - begin });
			continue;
		}
		link = link_of_mark(text.ptr[at++]);
		/* 1.5 and 1,5 are numbers */
		if (link == LINK_COMMA && begin && at < text.len &&
		    isdigit((unsigned char)text.ptr[begin - 1]) &&
		    isdigit((unsigned char)text.ptr[at]))
			continue;
		if (link != LINK_NONE)
			add_token(to, STR(""), link, false);
	}
}
