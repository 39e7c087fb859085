/*
 * matcher.h: does what a photo shows fit what a description says?
 *
 * Pure: words, labels and the nouns of WordNet in, a verdict out. The same for
 * a model of ours (each label with its synset) and for a service that gives
 * names, aliases and parents. How the score comes about: docs/MATCHING.md.
 */
#ifndef RECOGNITION_MATCHER_H
#define RECOGNITION_MATCHER_H

#include "order/order.h"

struct matcher;

struct match_label {
	struct str name;
	int confidence_permille;	/* 0..1000 */
	uint32_t synset;		/* its offset in WordNet 3.0's data.noun;
					 * 0: to be found by the names below */
	const struct str *aliases, *parents;
	size_t alias_count, parent_count;
};

/* What a model can see at all. None (count 0): anything, as a service does. */
struct match_vocabulary {
	const uint32_t *synsets;
	size_t count;
};

struct match {
	enum verdict verdict;
	int score_permille;		/* relation × sense × role of the best
					 * pair; 0: nothing is related */
	int confidence_permille;	/* of the label that decided; -1: none */
	const char *reason;		/* "" with match */
	struct str evidence;		/* a sentence for a person, never absent */
	struct str warning;		/* with mismatch; else absent */
	struct str label;		/* that decided; "" when none */
	const char *why;		/* the relation, for one who tunes */
};

/*
 * Always opens. Without a readable WordNet in `directory` ("" is none) every
 * verdict is not_checked with no_wordnet, and matcher_fault says why.
 */
struct matcher *matcher_open(const char *directory);
void matcher_close(struct matcher *matcher);
/* NULL when all is well. */
const char *matcher_fault(const struct matcher *matcher);

/*
 * `description` is any UTF-8 text; labels in any order, all that were seen
 * (at most MATCH_MAX_LABELS are looked at). Text of the answer is in `arena`
 * (some 10 KiB) or the label's own. Reasons: no_wordnet, language,
 * outside_vocabulary (not_checked), another_thing (mismatch), unclear, similar,
 * negation (unsure).
 */
#define MATCH_MAX_LABELS 40u
void matcher_match(const struct matcher *matcher, struct str description,
		   const struct match_label *labels, size_t count,
		   const struct match_vocabulary *vocabulary,
		   struct arena *arena, struct match *ret);

/* The answer where no photo could be looked at, with words for its reason:
 * no_model, no_wordnet, unsupported_format, too_large, decode_failed, timeout,
 * service_failed … (an unknown reason gets plain words). */
void match_not_checked(const char *reason, struct match *ret);

#endif
