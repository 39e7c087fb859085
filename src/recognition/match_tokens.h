/*
 * match_tokens.h: a description as words and what parts them.
 */
#ifndef RECOGNITION_MATCH_TOKENS_H
#define RECOGNITION_MATCH_TOKENS_H

#include "base/arena.h"

#define MATCH_MAX_TOKENS 160u

enum link {
	LINK_NONE, LINK_OF, LINK_AND, LINK_COMMA, LINK_WITH, LINK_NOT, LINK_BUT
};

struct token {
	struct str text;
	enum link link;		/* of a word or a mark between segments */
	bool accented;		/* written with letters that English lacks */
};

struct match_tokens {
	struct token all[MATCH_MAX_TOKENS];
	size_t count;
	struct arena *arena;
};

/* Texts are the arena's; what is beyond the last token is left out. */
void match_tokens_read(struct match_tokens *to, struct str text,
		       struct arena *arena);

#endif
