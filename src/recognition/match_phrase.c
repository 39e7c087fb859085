/*
 * match_phrase.c: segments, the head of each and what stands before it.
 */
#include "recognition/match_phrase.h"

#include <ctype.h>

#include "base/buf.h"
#include "recognition/match_lookup.h"
#include "recognition/match_tokens.h"
#include "base/banned.h"

#define MAX_BYTES 2048u		/* of a description, the rest is not read */
#define MAX_PHRASE_WORDS 4u

struct reader {
	const struct match_words *words;
	const struct wordnet *wordnet;
	struct arena *arena;
	struct phrase *phrase;
	struct match_tokens tokens;
	int role;		/* of the segment that is read */
	bool negated, have_head;
};

static bool has_digit(struct str word)
{
	for (size_t i = 0; i < word.len; i++)
		if (isdigit((unsigned char)word.ptr[i]))
			return true;
	return false;
}

static struct str join(const struct token *tokens, size_t count,
		       struct arena *arena)
{
	struct buf text;

	buf_init(&text, arena, 2 * MAX_BYTES);
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_add_char(&text, '_');
		buf_add_str(&text, tokens[i].text);
	}
	return buf_str(&text);
}

/* The longest phrase that ends before `end`; how many words, 0 for none. */
static size_t find_noun(const struct reader *r, const struct token *tokens,
			size_t end, struct concept *ret)
{
	size_t words = end < MAX_PHRASE_WORDS ? end : MAX_PHRASE_WORDS;

	for (; words > 0; words--) {
		const struct token *from = tokens + end - words;
		struct match_lookup found = { .senses = ret->senses,
					      .max = MATCH_SENSES };

		if (words == 1 && (has_digit(from->text) ||
				   match_word_is_dropped(r->words, from->text)))
			return 0;
		ret->text = join(from, words, r->arena);
		match_look_up(&found, ret->text, r->words, r->wordnet);
		ret->sense_count = found.count;
		/* "detective novel" is no thing, a novel is */
		if (found.count || (found.known && words == 1))
			return words;
	}
	return 0;
}

/* A toy car is shown by a photo of a car, or is it? */
static bool is_imitation(const struct token *tokens, size_t count)
{
	static const char *const words[] = {
		"toy", "miniature", "replica", "fake", "imitation",
		"dummy", "artificial",
	};

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < ARRAY_LEN(words); j++)
			if (str_is(tokens[i].text, words[j]))
				return true;
	return false;
}

static bool follows_thing(const struct reader *r, const struct token *tokens,
			  size_t count)
{
	struct concept before;

	return count && find_noun(r, tokens, count, &before) &&
	       before.sense_count;
}

static void add_concept(struct reader *r, struct concept concept, int role)
{
	struct phrase *phrase = r->phrase;

	if (phrase->count == MATCH_CONCEPTS)
		return;
	concept.role_permille = role;
	concept.negated = r->negated;
	phrase->concepts[phrase->count++] = concept;
}

/* What stands before the head. Of "not a laptop bag", no laptop is denied. */
static void read_modifiers(struct reader *r, const struct token *tokens,
			   size_t end)
{
	struct concept concept = { .modified = false };

	while (end > 0 && !r->negated) {
		size_t words = find_noun(r, tokens, end, &concept);

		if (words && concept.sense_count)
			add_concept(r, concept, ROLE_MODIFIER);
		end -= words ? words : 1;
	}
}

/* "iphone 14 pro", "laptop 15 inch 16 GB RAM": after a thing, a number begins
 * what is said of it. Where that is, or `count`. */
static size_t tail_of(const struct reader *r, const struct token *tokens,
		      size_t count)
{
	struct concept concept;

	for (size_t i = 1; i < count; i++)
		if (isdigit((unsigned char)tokens[i].text.ptr[0]) &&
		    find_noun(r, tokens, i, &concept) && concept.sense_count)
			return i;
	return count;
}

static void read_segment(struct reader *r, const struct token *tokens,
			 size_t count)
{
	size_t end = tail_of(r, tokens, count), all = count;
	int role = r->have_head ? r->role : ROLE_HEAD;
	struct concept concept = { .modified = false };

	for (count = end; count > 0; count--) {
		size_t words = find_noun(r, tokens, count, &concept);

		if (!words)
			continue;
		concept.modified = follows_thing(r, tokens, count - words);
		if (role > ROLE_IMITATION &&
		    is_imitation(tokens, count - words))
			role = ROLE_IMITATION;
		add_concept(r, concept, role);
		r->have_head |= !r->negated;
		read_modifiers(r, tokens, count - words);
		break;
	}
	if (end < all)
		read_modifiers(r, tokens + end, all - end);
}

/* "a photo of a cat" is of a cat; "family photo" is a photo. */
static bool is_photo_of(const struct reader *r, const struct token *tokens,
			size_t count, enum link link)
{
	static const char *const words[] = {
		"photo", "photos", "picture", "pictures", "image", "images",
		"photograph", "photographs",
	};

	while (count > 1 && match_word_is_dropped(r->words, tokens[0].text))
		tokens++, count--;
	for (size_t i = 0; count == 1 && i < ARRAY_LEN(words); i++)
		if (link == LINK_OF && str_is(tokens[0].text, words[i]))
			return true;
	return false;
}

static void follow_link(struct reader *r, enum link link)
{
	switch (link) {
	case LINK_NONE:
	case LINK_AND:
		break;
	case LINK_OF:
		if (r->role > ROLE_OF)
			r->role = ROLE_OF;
		break;
	case LINK_COMMA:
		if (r->role > ROLE_OF)
			r->role = ROLE_OF;
		r->negated = false;
		break;
	case LINK_WITH:
		r->role = ROLE_MODIFIER;
		break;
	case LINK_BUT:
		r->role = ROLE_HEAD;
		r->negated = false;
		break;
	case LINK_NOT:
		r->negated = true;
		break;
	}
}

static bool is_english(const struct reader *r, const struct token *token)
{
	struct concept concept;

	return (token->link != LINK_NONE && token->text.len) ||
	       match_word_is_dropped(r->words, token->text) ||
	       find_noun(r, token, 1, &concept);
}

static bool is_ascii(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] >= 0x80)
			return false;
	return true;
}

static void find_language(const struct reader *r, struct phrase *phrase)
{
	size_t foreign = 0, english = 0, either = 0;

	for (size_t i = 0; i < r->tokens.count; i++) {
		const struct token *token = &r->tokens.all[i];

		if (!is_ascii(token->text) ||
		    match_word_is_foreign(r->words, token->text))
			foreign++;
		else if (!is_english(r, token))
			foreign += token->accented;
		else if (token->accented ||
			 match_word_is_false_friend(r->words, token->text))
			either++;
		else
			english++;
	}
	phrase->perhaps_foreign = either && !english;
	english += either;
	phrase->foreign = foreign > english ||
		(foreign && foreign == english &&
		 (foreign > 1 || match_word_is_foreign(r->words,
						       r->tokens.all[0].text)));
}

void match_phrase_read(struct phrase *phrase, struct str description,
		       const struct match_words *words,
		       const struct wordnet *wordnet, struct arena *arena)
{
	struct reader *r = arena_zalloc(arena, sizeof(*r));
	size_t begin = 0;

	*phrase = (struct phrase){ .count = 0 };
	r->words = words;
	r->wordnet = wordnet;
	r->arena = arena;
	r->phrase = phrase;
	r->role = ROLE_HEAD;
	if (description.len > MAX_BYTES)
		description.len = MAX_BYTES;
	match_tokens_read(&r->tokens, description, arena);
	find_language(r, phrase);
	for (size_t i = 0; i <= r->tokens.count; i++) {
		enum link link = i < r->tokens.count ? r->tokens.all[i].link : LINK_COMMA;

		if (link == LINK_NONE)
			continue;
		if (!is_photo_of(r, r->tokens.all + begin, i - begin, link))
			read_segment(r, r->tokens.all + begin, i - begin);
		follow_link(r, link);
		begin = i + 1;
	}
}
