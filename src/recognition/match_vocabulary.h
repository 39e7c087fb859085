/*
 * match_vocabulary.h: would a model say so if it saw the thing?
 */
#ifndef RECOGNITION_MATCH_VOCABULARY_H
#define RECOGNITION_MATCH_VOCABULARY_H

#include "recognition/match_phrase.h"
#include "recognition/matcher.h"

/* Whether it knows all that the phrase is mainly about; false also when that is
 * nothing. NULL or an empty vocabulary: it knows whatever a photo can show. */
bool match_knows_heads(const struct phrase *phrase,
		       const struct match_vocabulary *vocabulary,
		       const struct match_words *words,
		       const struct wordnet *wordnet);

#endif
