/*
 * match_lookup.c: from words to senses, by aliases, forms and spellings.
 */
#include "recognition/match_lookup.h"

#include <ctype.h>

#include "base/banned.h"

#define ALL_SENSES 32u

static bool is_physical(const struct wordnet *wordnet, uint32_t offset)
{
	struct synset synset;

	if (!wordnet_synset(wordnet, offset, &synset) || synset.instance)
		return false;
	switch (synset.category) {
	case WORDNET_ANIMAL: case WORDNET_ARTIFACT: case WORDNET_BODY:
	case WORDNET_FOOD: case WORDNET_OBJECT: case WORDNET_PERSON:
	case WORDNET_PLANT: case WORDNET_SUBSTANCE:
		return true;
	}
	return false;
}

/* Who names a driver at a desk for orders means the tool, not the man. */
static bool is_person(const struct wordnet *wordnet, uint32_t offset)
{
	struct synset synset;

	return wordnet_synset(wordnet, offset, &synset) &&
	       (synset.category == WORDNET_PERSON ||
		synset.category == WORDNET_BODY);
}

static void add_lemma(struct match_lookup *to, struct str lemma,
		      const struct wordnet *wordnet)
{
	bool chosen = memchr(lemma.ptr, '#', lemma.len);
	uint32_t all[ALL_SENSES];
	size_t count = match_senses(wordnet, lemma, all, ARRAY_LEN(all));

	to->known |= count > 0;
	for (int people = 0; people <= 1; people++)
		for (size_t i = 0; i < count && to->count < to->max; i++)
			if (is_person(wordnet, all[i]) == people &&
			    (chosen || is_physical(wordnet, all[i])))
				to->senses[to->count++] = all[i];
}

/* What an alias stands for may be several lemmas. */
static void add_lemmas(struct match_lookup *to, struct str lemmas,
		       const struct wordnet *wordnet)
{
	struct str lemma;

	while (str_next(&lemmas, ' ', &lemma))
		add_lemma(to, lemma, wordnet);
}

/* "smartphones": what is in no dictionary has a plural nevertheless. */
static struct str alias_of(const struct match_words *words, struct str form)
{
	struct str alias = match_alias(words, form);

	if (!alias.ptr && form.len > 3 && form.ptr[form.len - 1] == 's') {
		form.len--;
		alias = match_alias(words, form);
	}
	return alias;
}

static void look_up_form(struct match_lookup *to, struct str form,
			 const struct match_words *words,
			 const struct wordnet *wordnet)
{
	struct str alias = alias_of(words, form);
	struct lemma lemmas[WORDNET_MAX_LEMMAS];
	size_t count;

	if (alias.ptr) {
		add_lemmas(to, alias, wordnet);
		return;
	}
	count = wordnet_lemmas(wordnet, form, lemmas);
	for (size_t i = 0; i < count; i++) {
		struct str lemma = { lemmas[i].text, lemmas[i].len };

		alias = match_alias(words, lemma);
		add_lemmas(to, alias.ptr ? alias : lemma, wordnet);
	}
}

/* "wine glass" is in WordNet as wineglass, "icebox" might be "ice box". */
void match_look_up(struct match_lookup *to, struct str text,
		   const struct match_words *words,
		   const struct wordnet *wordnet)
{
	static const char instead[] = { '_', '\0', '-' };
	char form[WORDNET_MAX_LEMMA_BYTES];

	if (!text.len || text.len >= sizeof(form))
		return;
	look_up_form(to, text, words, wordnet);
	for (size_t i = 0; i < ARRAY_LEN(instead) && !to->count; i++) {
		size_t len = 0;

		for (size_t j = 0; j < text.len; j++) {
			char c = text.ptr[j];

			if (c == '_' || c == '-')
				c = instead[i];
			if (c)
				form[len++] = c;
		}
		look_up_form(to, (struct str){ form, len }, words, wordnet);
	}
}

struct str match_name_text(struct str name, struct arena *arena)
{
	char *text = arena_text(arena, name);

	for (size_t i = 0; i < name.len; i++)
		text[i] = text[i] == ' ' ? '_'
					 : (char)tolower((unsigned char)text[i]);
	return (struct str){ text, name.len };
}

/* The name, or its last words when the whole is unknown. */
size_t match_name_senses(struct str name, const struct match_words *words,
			 const struct wordnet *wordnet, uint32_t *ret,
			 size_t max)
{
	struct match_lookup found = { .senses = ret, .max = max };

	while (!found.count && name.len) {
		const char *next = memchr(name.ptr, '_', name.len);

		match_look_up(&found, name, words, wordnet);
		if (!next)
			break;
		name.len -= (size_t)(next + 1 - name.ptr);
		name.ptr = next + 1;
	}
	return found.count;
}
