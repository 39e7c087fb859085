/*
 * matcher.c: every label against everything that the description names; the
 * best pair decides.
 */
#include "recognition/matcher.h"

#include "recognition/match_evidence.h"
#include "recognition/match_lookup.h"
#include "recognition/match_phrase.h"
#include "recognition/match_relation.h"
#include "recognition/match_vocabulary.h"
#include "base/banned.h"

#define WORDS_BYTES (1u * MIB)
#define LABEL_SENSES 8u
#define KIND_AGREES 100000	/* more than any likeness to parents */

#define MATCH_SCORE 600		/* a match needs this … */
#define MATCH_CONFIDENCE 500	/* … and a label as sure as this */
#define MISMATCH_CONFIDENCE 600
#define RELATED 300		/* something related: no mismatch */
#define NEAR 400		/* near enough to say so of unknown things */

struct matcher {
	struct arena *arena;
	struct wordnet *wordnet;	/* NULL: there is none */
	struct match_words words;
	struct error fault;
};

/* One label, ready to be compared. */
struct seen {
	const struct match_label *label;
	struct str text;
	struct ancestry ancestry;	/* count 0: no physical thing */
};

/* The best pair so far. */
struct best {
	int score_permille;
	const struct seen *seen;
	const char *why;
};

struct matcher *matcher_open(const char *directory)
{
	struct arena *arena = arena_new("matcher", WORDS_BYTES);
	struct matcher *matcher = arena_zalloc(arena, sizeof(*matcher));

	matcher->arena = arena;
	error_init(&matcher->fault);
	if (wordnet_open(&matcher->wordnet, directory, &matcher->fault))
		match_words_load(&matcher->words, matcher->wordnet, arena);
	return matcher;
}

void matcher_close(struct matcher *matcher)
{
	if (!matcher)
		return;
	wordnet_close(matcher->wordnet);
	arena_free(matcher->arena);
}

const char *matcher_fault(const struct matcher *matcher)
{
	return matcher->wordnet ? NULL : matcher->fault.cause;
}

static size_t name_senses(const struct matcher *matcher, struct str name,
			  struct arena *arena, uint32_t *ret)
{
	return match_name_senses(match_name_text(name, arena), &matcher->words,
				 matcher->wordnet, ret, LABEL_SENSES);
}

/* How well a sense agrees with what the service says the label is a kind of:
 * being that counts, and likeness only where none is. */
static int agreement(const struct matcher *matcher,
		     const struct ancestry *sense,
		     const struct match_label *label, struct arena *arena)
{
	uint32_t senses[LABEL_SENSES], common;
	int kinds = 0, likeness = 0;
	struct ancestry parent;

	for (size_t i = 0; i < label->parent_count; i++) {
		size_t count = name_senses(matcher, label->parents[i], arena,
					   senses);
		int nearest = 0;
		bool kind = false;

		for (size_t j = 0; j < count; j++) {
			int like;

			ancestry_of(&parent, matcher->wordnet, senses[j]);
			kind |= ancestry_distance(sense, senses[j]) >= 0;
			like = ancestry_likeness(sense, &parent, &common);
			nearest = like > nearest ? like : nearest;
		}
		kinds += kind;
		likeness += nearest;
	}
	return kinds ? kinds * KIND_AGREES : likeness;
}

/* The sense that is meant by a name without a synset; where nothing is said of
 * it, any of the first may be. Returns how many of `seen` they take. */
static size_t choose_senses(const struct matcher *matcher, struct seen *seen,
			    struct arena *arena)
{
	const struct match_label *label = seen->label;
	size_t count = 0;
	uint32_t senses[LABEL_SENSES];
	struct ancestry ancestry;
	int best = -1;

	count = name_senses(matcher, label->name, arena, senses);
	for (size_t i = 0; i < label->alias_count && !count; i++)
		count = name_senses(matcher, label->aliases[i], arena, senses);
	if (count && !label->parent_count) {
		count = count < MATCH_SENSES ? count : MATCH_SENSES;
		for (size_t i = 0; i < count; i++) {
			seen[i] = *seen;
			ancestry_of(&seen[i].ancestry, matcher->wordnet,
				    senses[i]);
		}
		return count;
	}
	for (size_t i = 0; i < count; i++) {
		int agrees;

		ancestry_of(&ancestry, matcher->wordnet, senses[i]);
		agrees = agreement(matcher, &ancestry, label, arena);
		if (agrees > best) {
			best = agrees;
			seen->ancestry = ancestry;
		}
	}
	return 1;
}

static struct seen *prepare(const struct matcher *matcher,
			    const struct match_label *labels, size_t *count,
			    struct arena *arena)
{
	size_t label_count = *count < MATCH_MAX_LABELS ? *count :
							 MATCH_MAX_LABELS;
	size_t max = 1;
	struct seen *ret;

	for (size_t i = 0; i < label_count; i++)
		max += labels[i].synset || labels[i].parent_count ?
			       1 : MATCH_SENSES;
	ret = arena_alloc(arena, max * sizeof(*ret));
	*count = 0;
	for (size_t i = 0; i < label_count; i++) {
		struct seen *seen = &ret[*count];

		seen->label = &labels[i];
		seen->text = match_name_text(labels[i].name, arena);
		seen->ancestry.count = 0;
		if (!labels[i].synset) {
			*count += choose_senses(matcher, seen, arena);
			continue;
		}
		ancestry_of(&seen->ancestry, matcher->wordnet,
			    labels[i].synset);
		++*count;
	}
	return ret;
}

static bool is_named(const struct concept *concept, const struct seen *seen,
		     struct arena *arena)
{
	const struct match_label *label = seen->label;

	if (str_eq(concept->text, seen->text))
		return true;
	for (size_t i = 0; i < label->alias_count; i++)
		if (str_eq(concept->text,
			   match_name_text(label->aliases[i], arena)))
			return true;
	return false;
}

/* "chess" in "chess_board". */
static bool holds_word(struct str text, struct str word)
{
	struct str one;

	while (str_next(&text, '_', &one))
		if (str_eq(one, word))
			return true;
	return false;
}

/* Relation × sense, without the role; `meant` has a place for each sense. */
static struct relation relate(const struct matcher *matcher,
			      const struct concept *concept,
			      const struct ancestry *meant,
			      const struct seen *seen, struct arena *arena)
{
	static const int sense_permille[MATCH_SENSES] = { 1000, 850, 750, 750 };
	struct relation best = { 0, "" };

	/* as what stands before a head does */
	if (!seen->label->synset && holds_word(concept->text, seen->text))
		best = (struct relation){ RELATED, "a word of it" };
	if (!seen->label->synset && is_named(concept, seen, arena))
		return (struct relation){ 1000, "the same word" };
	for (size_t i = 0; i < concept->sense_count && seen->ancestry.count;
	     i++) {
		struct relation relation = match_relation(
			&meant[i], &seen->ancestry, &matcher->words);

		relation.permille = relation.permille * sense_permille[i] /
				    1000;
		if (relation.permille > best.permille)
			best = relation;
	}
	return best;
}

static bool fits(int score_permille, const struct match_label *label)
{
	return score_permille >= MATCH_SCORE &&
	       label->confidence_permille >= MATCH_CONFIDENCE;
}

/* A pair that makes a match goes before one that does not; then the product
 * with the confidence counts. */
static bool is_better(const struct best *best, int score_permille,
		      const struct match_label *label)
{
	const struct match_label *old;

	if (!best->seen)
		return score_permille > 0;
	old = best->seen->label;
	if (fits(score_permille, label) != fits(best->score_permille, old))
		return fits(score_permille, label);
	return score_permille * label->confidence_permille >
	       best->score_permille * old->confidence_permille;
}

/* False when a label shows what the description denies. */
static bool find_best(const struct matcher *matcher,
		      const struct phrase *phrase, const struct seen *seen,
		      size_t count, struct arena *arena, struct best *best)
{
	bool denied = false;

	for (size_t i = 0; i < phrase->count; i++) {
		const struct concept *concept = &phrase->concepts[i];
		struct ancestry meant[MATCH_SENSES];

		for (size_t j = 0; j < concept->sense_count; j++)
			ancestry_of(&meant[j], matcher->wordnet,
				    concept->senses[j]);
		for (size_t j = 0; j < count; j++) {
			struct relation relation = relate(matcher, concept,
							  meant, &seen[j],
							  arena);
			int score = relation.permille *
				    concept->role_permille / 1000;

			if (concept->negated)
				denied |= fits(relation.permille,
					       seen[j].label);
			else if (is_better(best, score, seen[j].label))
				*best = (struct best){ score, &seen[j],
						       relation.why };
		}
	}
	return !denied;
}

static const struct seen *surest(const struct seen *seen, size_t count)
{
	const struct seen *ret = NULL;

	for (size_t i = 0; i < count; i++)
		if (!ret || seen[i].label->confidence_permille >
				    ret->label->confidence_permille)
			ret = &seen[i];
	return ret;
}

static bool denies_all(const struct phrase *phrase)
{
	for (size_t i = 0; i < phrase->count; i++)
		if (!phrase->concepts[i].negated)
			return false;
	return phrase->count > 0;
}

static void decide(struct match *ret, enum verdict verdict, const char *reason,
		   const struct match_label *label)
{
	ret->verdict = verdict;
	ret->reason = reason;
	if (label && verdict != VERDICT_NOT_CHECKED) {
		ret->label = label->name;
		ret->confidence_permille = label->confidence_permille;
	}
}

static void decide_by_best(struct match *ret, const struct phrase *phrase,
			   const struct best *best, const struct seen *top,
			   bool in_vocabulary)
{
	const struct match_label *near = best->seen ? best->seen->label : NULL;

	ret->score_permille = best->score_permille;
	if (best->seen)
		ret->why = best->why;
	if (near && fits(best->score_permille, near))
		decide(ret, VERDICT_MATCH, "", near);
	else if (!in_vocabulary && best->score_permille < NEAR)
		decide(ret, VERDICT_NOT_CHECKED, "outside_vocabulary", NULL);
	else if (!top ||
		 top->label->confidence_permille < MISMATCH_CONFIDENCE)
		decide(ret, VERDICT_UNSURE, "unclear",
		       top ? top->label : NULL);
	else if (best->score_permille >= RELATED)
		decide(ret, VERDICT_UNSURE, "similar", near);
	else if (phrase->perhaps_foreign)
		decide(ret, VERDICT_NOT_CHECKED, "language", NULL);
	else
		decide(ret, VERDICT_MISMATCH, "another_thing", top->label);
}

void matcher_match(const struct matcher *matcher, struct str description,
		   const struct match_label *labels, size_t count,
		   const struct match_vocabulary *vocabulary,
		   struct arena *arena, struct match *ret)
{
	struct best best = { 0, NULL, "" };
	struct phrase phrase;
	size_t seen_count = count;
	struct seen *seen;

	if (!matcher->wordnet) {
		match_not_checked("no_wordnet", ret);
		return;
	}
	*ret = (struct match){ .confidence_permille = -1, .label = STR(""),
			       .why = "" };
	match_phrase_read(&phrase, description, &matcher->words,
			  matcher->wordnet, arena);
	seen = prepare(matcher, labels, &seen_count, arena);
	if (phrase.foreign)
		decide(ret, VERDICT_NOT_CHECKED, "language", NULL);
	else if (!find_best(matcher, &phrase, seen, seen_count, arena,
			    &best) ||
		 denies_all(&phrase))
		decide(ret, VERDICT_UNSURE, "negation", NULL);
	else
		decide_by_best(ret, &phrase, &best, surest(seen, seen_count),
			       match_knows_heads(&phrase, vocabulary,
						 &matcher->words,
						 matcher->wordnet));
	match_evidence(ret, description, labels, count, arena);
}
