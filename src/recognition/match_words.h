/*
 * match_words.h: what the matcher knows besides WordNet: aliases, look-alikes,
 * general synsets, words to drop. Made from data/matching/, built in.
 */
#ifndef RECOGNITION_MATCH_WORDS_H
#define RECOGNITION_MATCH_WORDS_H

#include "base/arena.h"
#include "recognition/wordnet.h"

struct match_alias {
	struct str word, stands_for;
};

/* Of a line of synsets. */
struct look_alike {
	uint32_t synset;
	unsigned group;
	bool first;
};

struct match_words {
	struct str *dropped, *foreign, *false_friends;	/* sorted */
	struct match_alias *aliases;		/* sorted by word */
	uint32_t *general;
	struct look_alike *look_alikes;
	struct look_alike *roles;		/* the role is the first */
	size_t dropped_count, foreign_count, false_friend_count, alias_count,
	       general_count, look_alike_count, role_count;
};

void match_words_load(struct match_words *words, const struct wordnet *wordnet,
		      struct arena *arena);
bool match_word_is_dropped(const struct match_words *words, struct str word);
bool match_word_is_foreign(const struct match_words *words, struct str word);
/* English has it for another thing than another language. */
bool match_word_is_false_friend(const struct match_words *words,
				struct str word);
/* Absent when there is none. */
struct str match_alias(const struct match_words *words, struct str word);
bool match_synset_is_general(const struct match_words *words, uint32_t synset);

/* The senses of "cup", or the one of "cup#1"; how many. */
size_t match_senses(const struct wordnet *wordnet, struct str lemma,
		    uint32_t *ret, size_t max);

/* The lines of data/matching/<name>.txt without comments; NULL ends each. */
extern const char *const match_data_aliases[];
extern const char *const match_data_dropped[];
extern const char *const match_data_false_friends[];
extern const char *const match_data_foreign[];
extern const char *const match_data_general[];
extern const char *const match_data_look_alikes[];
extern const char *const match_data_roles[];

#endif
