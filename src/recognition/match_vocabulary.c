/*
 * match_vocabulary.c: what a model knows, what is a kind of that, what looks
 * like it.
 */
#include "recognition/match_vocabulary.h"

#include "recognition/match_relation.h"
#include "base/banned.h"

struct knowledge {
	const struct match_vocabulary *vocabulary;
	const struct match_words *words;
	const struct wordnet *wordnet;
};

static bool holds(const struct match_vocabulary *vocabulary, uint32_t synset)
{
	for (size_t i = 0; i < vocabulary->count; i++)
		if (vocabulary->synsets[i] == synset)
			return true;
	return false;
}

static bool knows_kind(const struct match_vocabulary *vocabulary,
		       const struct ancestry *ancestry)
{
	for (size_t i = 0; i < ancestry->count; i++)
		if (holds(vocabulary, ancestry->synsets[i]))
			return true;
	return false;
}

/* Would the model say so if it saw it? It knows this synset, or what it is a
 * kind of or looks like. */
static bool knows(const struct knowledge *k, uint32_t synset)
{
	const struct look_alike *all = k->words->look_alikes;
	size_t count = k->words->look_alike_count;
	struct ancestry meant, other;

	ancestry_of(&meant, k->wordnet, synset);
	if (knows_kind(k->vocabulary, &meant))
		return true;
	for (size_t i = 0; i < count; i++) {
		if (ancestry_distance(&meant, all[i].synset) < 0)
			continue;
		for (size_t j = 0; j < count; j++) {
			if (all[j].group != all[i].group)
				continue;
			ancestry_of(&other, k->wordnet, all[j].synset);
			if (knows_kind(k->vocabulary, &other))
				return true;
		}
	}
	return false;
}

static bool is_of(const struct knowledge *k, uint32_t synset,
		  enum wordnet_category category)
{
	struct synset read;

	return wordnet_synset(k->wordnet, synset, &read) &&
	       read.category == category;
}

static bool is_artifact(const struct knowledge *k, uint32_t synset)
{
	return is_of(k, synset, WORDNET_ARTIFACT);
}

/* The first sense counts. But a charger is a kind of horse to WordNet, and then
 * a device that the model does not know: who can tell? And a DVD player is a
 * person only to it. */
static bool knows_concept(const struct knowledge *k,
			  const struct concept *concept)
{
	if (!concept->sense_count)
		return false;
	if (!k->vocabulary || !k->vocabulary->count)
		return true;
	if (!knows(k, concept->senses[0]) ||
	    (concept->modified &&
	     is_of(k, concept->senses[0], WORDNET_PERSON)))
		return false;
	if (holds(k->vocabulary, concept->senses[0]) ||
	    is_artifact(k, concept->senses[0]))
		return true;
	for (size_t i = 1; i < concept->sense_count; i++)
		if (is_artifact(k, concept->senses[i]) &&
		    !knows(k, concept->senses[i]))
			return false;
	return true;
}

bool match_knows_heads(const struct phrase *phrase,
		       const struct match_vocabulary *vocabulary,
		       const struct match_words *words,
		       const struct wordnet *wordnet)
{
	const struct knowledge k = { vocabulary, words, wordnet };
	bool any = false;

	for (size_t i = 0; i < phrase->count; i++) {
		const struct concept *concept = &phrase->concepts[i];

		if (concept->negated || concept->role_permille < ROLE_HEAD)
			continue;
		if (!knows_concept(&k, concept))
			return false;
		any = true;
	}
	return any;
}
