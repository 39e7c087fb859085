/*
 * match_relation.h: how near what was seen is to what was meant.
 */
#ifndef RECOGNITION_MATCH_RELATION_H
#define RECOGNITION_MATCH_RELATION_H

#include "recognition/match_words.h"

/* A synset and all that it is a kind of, nearest first. */
struct ancestry {
	uint32_t synsets[64];
	uint8_t distances[64];
	size_t count;
};

struct relation {
	int permille;		/* 0: none */
	const char *why;	/* "" with none */
};

void ancestry_of(struct ancestry *ret, const struct wordnet *wordnet,
		 uint32_t synset);
/* Steps up from the synset to `ancestor`; -1 when it is no kind of it. */
int ancestry_distance(const struct ancestry *ancestry, uint32_t ancestor);
/* 0..1000: how much of the way from the root both have in common (Wu and
 * Palmer 1994). */
int ancestry_likeness(const struct ancestry *a, const struct ancestry *b,
		      uint32_t *common);
struct relation match_relation(const struct ancestry *meant,
			       const struct ancestry *seen,
			       const struct match_words *words);

#endif
