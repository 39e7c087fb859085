/*
 * wordnet_fuzz.c: any bytes as the three files of WordNet, parted by form
 * feeds. Whatever they say, answers stay inside them and come to an end.
 */
#include "recognition/match_relation.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "wordnet_fuzz: %s\n", what);
	abort();
}

static void climb(const struct wordnet *wordnet, uint32_t offset,
		  struct str data)
{
	struct ancestry ancestry;
	struct synset synset;

	if (!wordnet_synset(wordnet, offset, &synset))
		return;
	check(synset.hypernym_count <= ARRAY_LEN(synset.hypernyms),
	      "too many hypernyms");
	check(synset.word.ptr >= data.ptr &&
	      synset.word.ptr + synset.word.len <= data.ptr + data.len,
	      "a word from elsewhere");
	ancestry_of(&ancestry, wordnet, offset);
	check(ancestry.count >= 1, "nothing is what it is");
}

static void ask(const struct wordnet *wordnet, struct str word,
		struct str data)
{
	struct lemma lemmas[WORDNET_MAX_LEMMAS];
	uint32_t senses[8];
	size_t count = wordnet_lemmas(wordnet, word, lemmas);

	check(count <= WORDNET_MAX_LEMMAS, "too many lemmas");
	for (size_t i = 0; i < count; i++) {
		struct str lemma = { lemmas[i].text, lemmas[i].len };
		size_t found = wordnet_senses(wordnet, lemma, senses,
					      ARRAY_LEN(senses));

		check(found <= ARRAY_LEN(senses), "too many senses");
		for (size_t j = 0; j < found; j++)
			climb(wordnet, senses[j], data);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	static const char *const words[] = { "cup", "cups", "mugsen", "entity",
					     "paris", "cuppae", "glass" };
	struct str rest = { (const char *)bytes, count };
	struct str index = STR(""), data = STR(""), exceptions = STR("");
	struct wordnet *wordnet;
	struct error err;

	error_init(&err);
	if (!str_next(&rest, '\f', &index) || !str_next(&rest, '\f', &data) ||
	    !str_next(&rest, '\f', &exceptions) ||
	    !wordnet_open_text(&wordnet, index, data, exceptions, &err))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		ask(wordnet, str_from(words[i]), data);
	ask(wordnet, index, data);
	ask(wordnet, exceptions, data);
	for (uint32_t offset = 0; offset <= data.len && offset < 4096; offset++)
		climb(wordnet, offset, data);
	wordnet_close(wordnet);
	return 0;
}
