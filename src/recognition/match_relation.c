/*
 * match_relation.c: the same, a kind of it, what plays the role, broader, a
 * look-alike, a sibling.
 */
#include "recognition/match_relation.h"

#include "base/banned.h"

#define KIND_OF 970
#define KIND_OF_STEP 30
#define KIND_OF_LEAST 800
#define BROADER 850
#define BROADER_STEP 80
#define BROADER_LEAST 500
#define LOOK_ALIKE 750
#define PLAYS_ROLE 850
#define SIBLING 550
#define COUSIN 400
#define SIBLING_DEPTH 7		/* of what both are, or it says nothing */
#define SIBLING_LIKENESS 800

static int max_int(int a, int b)
{
	return a > b ? a : b;
}

void ancestry_of(struct ancestry *ret, const struct wordnet *wordnet,
		 uint32_t synset)
{
	struct synset read;

	ret->synsets[0] = synset;
	ret->distances[0] = 0;
	ret->count = 1;
	for (size_t i = 0; i < ret->count; i++) {
		if (!wordnet_synset(wordnet, ret->synsets[i], &read))
			continue;
		for (size_t j = 0; j < read.hypernym_count; j++) {
			uint32_t above = read.hypernyms[j];

			if (ret->count == ARRAY_LEN(ret->synsets) ||
			    ancestry_distance(ret, above) >= 0)
				continue;
			ret->synsets[ret->count] = above;
			ret->distances[ret->count++] =
				(uint8_t)(ret->distances[i] + 1);
		}
	}
}

int ancestry_distance(const struct ancestry *ancestry, uint32_t ancestor)
{
	for (size_t i = 0; i < ancestry->count; i++)
		if (ancestry->synsets[i] == ancestor)
			return ancestry->distances[i];
	return -1;
}

/* Of an ancestor: its steps from the root, by the steps of both. */
static int depth_of(const struct ancestry *ancestry, size_t at)
{
	return max_int(ancestry_distance(ancestry, WORDNET_ROOT) -
		       ancestry->distances[at], 0);
}

int ancestry_likeness(const struct ancestry *a, const struct ancestry *b,
		      uint32_t *common)
{
	int best = 0;

	*common = 0;
	for (size_t i = 0; i < a->count; i++) {
		int depth = depth_of(a, i), apart, likeness;
		int distance = ancestry_distance(b, a->synsets[i]);

		if (distance < 0)
			continue;
		apart = distance + a->distances[i];
		if (2 * depth + apart == 0)
			continue;
		likeness = 2000 * depth / (2 * depth + apart);
		if (likeness > best) {
			best = likeness;
			*common = a->synsets[i];
		}
	}
	return best;
}

static bool look_alike(const struct ancestry *a, const struct ancestry *b,
		       const struct match_words *words)
{
	const struct look_alike *all = words->look_alikes;

	for (size_t i = 0; i < words->look_alike_count; i++) {
		if (ancestry_distance(a, all[i].synset) < 0)
			continue;
		for (size_t j = 0; j < words->look_alike_count; j++)
			if (i != j && all[i].group == all[j].group &&
			    ancestry_distance(b, all[j].synset) >= 0)
				return true;
	}
	return false;
}

/* A pet is meant, and a cat seen. */
static bool plays_role(uint32_t role, const struct ancestry *seen,
		       const struct match_words *words)
{
	const struct look_alike *all = words->roles;

	for (size_t i = 0; i < words->role_count; i++) {
		if (!all[i].first || all[i].synset != role)
			continue;
		for (size_t j = 0; j < words->role_count; j++)
			if (!all[j].first && all[j].group == all[i].group &&
			    ancestry_distance(seen, all[j].synset) >= 0)
				return true;
	}
	return false;
}

static struct relation siblings(const struct ancestry *meant,
				const struct ancestry *seen,
				const struct match_words *words)
{
	uint32_t common;
	int likeness = ancestry_likeness(meant, seen, &common), apart, depth;

	if (likeness < SIBLING_LIKENESS ||
	    match_synset_is_general(words, common))
		return (struct relation){ 0, "" };
	apart = ancestry_distance(meant, common) +
		ancestry_distance(seen, common);
	depth = ancestry_distance(meant, WORDNET_ROOT) -
		ancestry_distance(meant, common);
	if (apart > 3 || depth < SIBLING_DEPTH)
		return (struct relation){ 0, "" };
	return (struct relation){
		likeness * (apart == 2 ? SIBLING : COUSIN) / 1000,
		"both are kinds of the same"
	};
}

struct relation match_relation(const struct ancestry *meant,
			       const struct ancestry *seen,
			       const struct match_words *words)
{
	uint32_t wanted = meant->synsets[0], shown = seen->synsets[0];
	struct relation best = { 0, "" };
	int distance;

	if (wanted == shown)
		return (struct relation){ 1000, "the same" };
	distance = ancestry_distance(seen, wanted);
	if (distance > 0 && !match_synset_is_general(words, wanted))
		return (struct relation){
			max_int(KIND_OF_LEAST,
				KIND_OF - KIND_OF_STEP * distance),
			"what is seen is a kind of it"
		};
	if (plays_role(wanted, seen, words))
		return (struct relation){ PLAYS_ROLE,
					  "what is seen may be one" };
	distance = ancestry_distance(meant, shown);
	if (distance > 0 && !match_synset_is_general(words, shown))
		best = (struct relation){
			max_int(BROADER_LEAST,
				BROADER - BROADER_STEP * distance),
			"it is a kind of what is seen"
		};
	if (best.permille < LOOK_ALIKE && look_alike(meant, seen, words))
		best = (struct relation){ LOOK_ALIKE, "they look alike" };
	return best.permille ? best : siblings(meant, seen, words);
}
