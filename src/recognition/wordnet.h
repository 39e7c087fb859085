/*
 * wordnet.h: the nouns of WordNet 3.0, read from the files of Debian's
 * wordnet-base (wndb(5WN)) where they lie: mapped, searched by halves.
 *
 * A synset is named by its offset in data.noun. Lemmas are lower case with '_'
 * between words. Nothing in a file is trusted: a damaged one gives fewer
 * answers, never a crash. No answer needs memory of its own; text points into
 * the files and lives until wordnet_close.
 */
#ifndef RECOGNITION_WORDNET_H
#define RECOGNITION_WORDNET_H

#include "base/error.h"

#define WORDNET_MAX_LEMMAS 4u
#define WORDNET_MAX_LEMMA_BYTES 64u
#define WORDNET_ROOT 1740u	/* entity */

struct wordnet;

/* Lexicographer files, lexnames(5WN), that hold what a photo can show. */
enum wordnet_category {
	WORDNET_ANIMAL = 5, WORDNET_ARTIFACT = 6, WORDNET_BODY = 8,
	WORDNET_FOOD = 13, WORDNET_OBJECT = 17, WORDNET_PERSON = 18,
	WORDNET_PLANT = 20, WORDNET_SUBSTANCE = 27
};

struct synset {
	unsigned category;
	struct str word;		/* its first */
	uint32_t hypernyms[8];
	size_t hypernym_count;
	bool instance;			/* a certain one: a town, a person's name */
};

struct lemma {
	char text[WORDNET_MAX_LEMMA_BYTES];
	size_t len;
};

/* ERROR_UNAVAILABLE with the path and why, when a file is absent or is not
 * what it should be. */
bool wordnet_open(struct wordnet **ret, const char *directory,
		  struct error *err) MUST_CHECK;
/* The same over text in memory that lives longer. */
bool wordnet_open_text(struct wordnet **ret, struct str index, struct str data,
		       struct str exceptions, struct error *err) MUST_CHECK;
void wordnet_close(struct wordnet *wordnet);

/* The senses of a lemma, most frequent first; how many (at most `max`). */
size_t wordnet_senses(const struct wordnet *wordnet, struct str lemma,
		      uint32_t *ret, size_t max);
/* The lemmas that `word` may be a form of: by noun.exc, as it stands, by the
 * rules for endings (morphy(7WN)); all of them are in the index. */
size_t wordnet_lemmas(const struct wordnet *wordnet, struct str word,
		      struct lemma ret[WORDNET_MAX_LEMMAS]);
/* False when no synset begins there. */
bool wordnet_synset(const struct wordnet *wordnet, uint32_t offset,
		    struct synset *ret);

#endif
