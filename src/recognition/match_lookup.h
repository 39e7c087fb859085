/*
 * match_lookup.h: what a word, a phrase or a label's name may mean: the senses
 * that a photo can show.
 */
#ifndef RECOGNITION_MATCH_LOOKUP_H
#define RECOGNITION_MATCH_LOOKUP_H

#include "recognition/match_words.h"

struct match_lookup {
	uint32_t *senses;	/* room for max */
	size_t count, max;
	bool known;		/* it is a noun, of whatever kind */
};

/* Adds the senses of `text`, words joined by '_'. */
void match_look_up(struct match_lookup *to, struct str text,
		   const struct match_words *words,
		   const struct wordnet *wordnet);

/* The physical senses of a name such as "Cell Phone" or "running shoes". */
size_t match_name_senses(struct str name, const struct match_words *words,
			 const struct wordnet *wordnet, uint32_t *ret,
			 size_t max);
/* The name as concept texts are: lower case, '_' between words. */
struct str match_name_text(struct str name, struct arena *arena);

#endif
