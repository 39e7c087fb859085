/*
 * match_words.c: reads the built-in lines into sorted tables, once.
 */
#include "recognition/match_words.h"

#include "base/banned.h"

#define MAX_SENSES 16u

static int compare_text(const void *a, const void *b)
{
	const struct str *left = a, *right = b;
	int order = memcmp(left->ptr, right->ptr,
			   left->len < right->len ? left->len : right->len);

	return order ? order : (left->len > right->len) -
			       (left->len < right->len);
}

static size_t count_words(const char *const *lines)
{
	size_t count = 0;

	for (; *lines; lines++) {
		struct str rest = str_from(*lines), word;

		while (str_next(&rest, ' ', &word))
			count += word.len > 0;
	}
	return count;
}

static struct str *load_set(const char *const *lines, size_t *count,
			    struct arena *arena)
{
	struct str *ret = arena_alloc(arena, (count_words(lines) + 1) *
					     sizeof(*ret));

	*count = 0;
	for (; *lines; lines++) {
		struct str rest = str_from(*lines), word;

		while (str_next(&rest, ' ', &word))
			if (word.len)
				ret[(*count)++] = word;
	}
	qsort(ret, *count, sizeof(*ret), compare_text);
	return ret;
}

static void load_aliases(struct match_words *words, struct arena *arena)
{
	const char *const *line = match_data_aliases;

	words->aliases = arena_alloc(arena, count_words(line) *
					    sizeof(*words->aliases));
	for (; *line; line++) {
		struct match_alias *alias = &words->aliases[words->alias_count];

		alias->stands_for = str_from(*line);
		words->alias_count +=
			str_next(&alias->stands_for, ' ', &alias->word) &&
			alias->stands_for.len;
	}
	qsort(words->aliases, words->alias_count, sizeof(*words->aliases),
	      compare_text);
}

size_t match_senses(const struct wordnet *wordnet, struct str lemma,
		    uint32_t *ret, size_t max)
{
	struct str rest = lemma, word;
	uint32_t all[MAX_SENSES];
	uint64_t number;
	size_t count;

	if (!str_next(&rest, '#', &word))
		return 0;
	count = wordnet_senses(wordnet, word, all, ARRAY_LEN(all));
	if (rest.ptr) {
		if (!str_to_uint(rest, count, &number) || !number)
			return 0;
		all[0] = all[number - 1];
		count = 1;
	}
	if (count > max)
		count = max;
	memcpy(ret, all, count * sizeof(*ret));
	return count;
}

static void load_general(struct match_words *words,
			 const struct wordnet *wordnet, struct arena *arena)
{
	const char *const *line = match_data_general;

	words->general = arena_alloc(arena, count_words(line) * MAX_SENSES *
					    sizeof(*words->general));
	for (; *line; line++)
		words->general_count +=
			match_senses(wordnet, str_from(*line),
				     words->general + words->general_count,
				     MAX_SENSES);
}

static struct look_alike *load_groups(const char *const *line, size_t *count,
				      const struct wordnet *wordnet,
				      struct arena *arena)
{
	struct look_alike *ret = arena_alloc(arena, count_words(line) *
						    MAX_SENSES * sizeof(*ret));
	uint32_t senses[MAX_SENSES];
	unsigned group = 0;

	*count = 0;
	for (; *line; line++, group++) {
		struct str rest = str_from(*line), word;
		bool first = true;

		while (str_next(&rest, ' ', &word)) {
			size_t found = match_senses(wordnet, word, senses,
						    MAX_SENSES);

			for (size_t i = 0; i < found; i++)
				ret[(*count)++] = (struct look_alike){
					senses[i], group, first };
			first = false;
		}
	}
	return ret;
}

void match_words_load(struct match_words *words, const struct wordnet *wordnet,
		      struct arena *arena)
{
	*words = (struct match_words){ .dropped = NULL };
	words->dropped = load_set(match_data_dropped, &words->dropped_count,
				  arena);
	words->foreign = load_set(match_data_foreign, &words->foreign_count,
				  arena);
	words->false_friends = load_set(match_data_false_friends,
					&words->false_friend_count, arena);
	load_aliases(words, arena);
	load_general(words, wordnet, arena);
	words->look_alikes = load_groups(match_data_look_alikes,
					 &words->look_alike_count, wordnet,
					 arena);
	words->roles = load_groups(match_data_roles, &words->role_count,
				   wordnet, arena);
}

static bool is_in(const struct str *set, size_t count, struct str word)
{
	return bsearch(&word, set, count, sizeof(word), compare_text);
}

bool match_word_is_dropped(const struct match_words *words, struct str word)
{
	return is_in(words->dropped, words->dropped_count, word);
}

bool match_word_is_foreign(const struct match_words *words, struct str word)
{
	return is_in(words->foreign, words->foreign_count, word);
}

bool match_word_is_false_friend(const struct match_words *words,
				struct str word)
{
	return is_in(words->false_friends, words->false_friend_count, word);
}

struct str match_alias(const struct match_words *words, struct str word)
{
	const struct match_alias *alias =
		bsearch(&word, words->aliases, words->alias_count,
			sizeof(*alias), compare_text);

	return alias ? alias->stands_for : (struct str){ NULL, 0 };
}

bool match_synset_is_general(const struct match_words *words, uint32_t synset)
{
	for (size_t i = 0; i < words->general_count; i++)
		if (words->general[i] == synset)
			return true;
	return false;
}
