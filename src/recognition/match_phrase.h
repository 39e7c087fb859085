/*
 * match_phrase.h: the things that a description names, each with its senses and
 * its role in the phrase. docs/MATCHING.md says by which rules.
 */
#ifndef RECOGNITION_MATCH_PHRASE_H
#define RECOGNITION_MATCH_PHRASE_H

#include "recognition/match_words.h"

#define MATCH_SENSES 4u
#define MATCH_CONCEPTS 32u
#define ROLE_HEAD 1000		/* "cup" of "a cup of coffee" */
#define ROLE_OF 900		/* "coffee" of it */
#define ROLE_IMITATION 550	/* "car" of "toy car" */
#define ROLE_MODIFIER 300	/* "laptop" of "laptop bag", "bag for a laptop" */

struct concept {
	struct str text;	/* its words, joined by '_' */
	int role_permille;
	bool negated;		/* "not a car" */
	bool modified;		/* a thing stands right before it */
	uint32_t senses[MATCH_SENSES];	/* none: no physical thing */
	size_t sense_count;
};

struct phrase {
	struct concept concepts[MATCH_CONCEPTS];
	size_t count;
	bool foreign;		/* the description is not in English */
	bool perhaps_foreign;	/* all that is English in it might not be */
};

void match_phrase_read(struct phrase *phrase, struct str description,
		       const struct match_words *words,
		       const struct wordnet *wordnet, struct arena *arena);

#endif
