/*
 * wordnet_test.c: are nouns found in WordNet's files, and is nothing found in
 * files that are damaged?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "recognition/wordnet.h"

#include "base/banned.h"

#define WORDNET "/usr/share/wordnet"
#define CUP 3147509u
#define CAR 2958343u

static struct wordnet *wordnet;

static int open_wordnet(void **state)
{
	struct error err;

	(void)state;
	error_init(&err);
	if (!wordnet_open(&wordnet, WORDNET, &err))
		print_message("%s\n", err.cause);
	return 0;
}

static int close_wordnet(void **state)
{
	(void)state;
	wordnet_close(wordnet);
	return 0;
}

static void need_wordnet(void)
{
	if (!wordnet)
		skip();
}

static void senses_come_most_frequent_first(void **state)
{
	uint32_t senses[16];

	(void)state;
	need_wordnet();
	assert_int_equal(wordnet_senses(wordnet, STR("cup"), senses, 16), 8);
	assert_int_equal(senses[0], CUP);
	assert_int_equal(wordnet_senses(wordnet, STR("cup"), senses, 2), 2);
	assert_int_equal(wordnet_senses(wordnet, STR("car"), senses, 1), 1);
	assert_int_equal(senses[0], CAR);
	/* the first and the last of the index */
	assert_int_not_equal(wordnet_senses(wordnet, STR("'hood"), senses, 1),
			     0);
	assert_int_not_equal(wordnet_senses(wordnet, STR("zyrian"), senses, 1),
			     0);
}

static void what_is_no_noun_has_no_senses(void **state)
{
	uint32_t senses[4];

	(void)state;
	need_wordnet();
	assert_int_equal(wordnet_senses(wordnet, STR(""), senses, 4), 0);
	assert_int_equal(wordnet_senses(wordnet, STR("cuq"), senses, 4), 0);
	assert_int_equal(wordnet_senses(wordnet, STR("cupp"), senses, 4), 0);
	assert_int_equal(wordnet_senses(wordnet, STR("Cup"), senses, 4), 0);
	assert_int_equal(wordnet_senses(wordnet, STR(" "), senses, 4), 0);
	assert_int_equal(wordnet_senses(wordnet, STR("zzzzz"), senses, 4), 0);
	assert_int_equal(wordnet_senses(wordnet, STR("cup n"), senses, 4), 0);
}

static void assert_lemma(const char *word, const char *lemma)
{
	struct lemma lemmas[WORDNET_MAX_LEMMAS];
	size_t count = wordnet_lemmas(wordnet, str_from(word), lemmas);

	for (size_t i = 0; i < count; i++)
		if (!strcmp(lemmas[i].text, lemma))
			return;
	fail_msg("%s is no form of %s", word, lemma);
}

static void forms_are_traced_to_their_lemma(void **state)
{
	(void)state;
	need_wordnet();
	assert_lemma("cups", "cup");
	assert_lemma("knives", "knife");	/* noun.exc */
	assert_lemma("children", "child");
	assert_lemma("boxes", "box");
	assert_lemma("glasses", "glass");
	assert_lemma("benches", "bench");
	assert_lemma("brushes", "brush");
	assert_lemma("firemen", "fireman");
	assert_lemma("berries", "berry");
	assert_lemma("scissors", "scissors");
}

static void a_word_that_ends_in_ss_is_no_plural(void **state)
{
	struct lemma lemmas[WORDNET_MAX_LEMMAS];

	(void)state;
	need_wordnet();
	assert_int_equal(wordnet_lemmas(wordnet, STR("glass"), lemmas), 1);
	assert_string_equal(lemmas[0].text, "glass");
	assert_int_equal(wordnet_lemmas(wordnet, STR("s"), lemmas), 1);
	assert_int_equal(wordnet_lemmas(wordnet, STR(""), lemmas), 0);
	assert_int_equal(wordnet_lemmas(wordnet, STR("qwzxs"), lemmas), 0);
}

static void a_synset_says_what_it_is_a_kind_of(void **state)
{
	struct synset synset;

	(void)state;
	need_wordnet();
	assert_true(wordnet_synset(wordnet, CUP, &synset));
	assert_int_equal(synset.category, WORDNET_ARTIFACT);
	assert_true(str_is(synset.word, "cup"));
	assert_int_equal(synset.hypernym_count, 2);
	assert_false(synset.instance);
	assert_true(wordnet_synset(wordnet, WORDNET_ROOT, &synset));
	assert_int_equal(synset.hypernym_count, 0);
}

static void a_certain_place_is_an_instance(void **state)
{
	uint32_t sense;
	struct synset synset;

	(void)state;
	need_wordnet();
	assert_int_equal(wordnet_senses(wordnet, STR("paris"), &sense, 1), 1);
	assert_true(wordnet_synset(wordnet, sense, &synset));
	assert_true(synset.instance);
}

static void an_offset_within_a_synset_is_none(void **state)
{
	struct synset synset;

	(void)state;
	need_wordnet();
	assert_false(wordnet_synset(wordnet, 0, &synset));
	assert_false(wordnet_synset(wordnet, CUP + 1, &synset));
	assert_false(wordnet_synset(wordnet, CUP - 1, &synset));
	assert_false(wordnet_synset(wordnet, UINT32_MAX, &synset));
}

static void no_folder_or_other_files_do_not_open(void **state)
{
	char folder[] = "/tmp/wordnet_test.XXXXXX", path[64];
	static const char *const names[] = { "index.noun", "data.noun",
					     "noun.exc" };
	struct wordnet *none = NULL;
	struct error err;

	(void)state;
	error_init(&err);
	assert_false(wordnet_open(&none, "/nowhere", &err));
	assert_null(none);
	assert_non_null(strstr(err.cause, "/nowhere/index.noun"));
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		FILE *file;

		error_init(&err);
		assert_false(wordnet_open(&none, folder, &err));
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		file = fopen(path, "w");
		assert_non_null(file);
		fputs("no WordNet\n", file);
		fclose(file);
	}
	error_init(&err);
	assert_false(wordnet_open(&none, folder, &err));
	assert_non_null(strstr(err.cause, "is not WordNet 3.0"));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

static void a_damaged_synset_is_none(void **state)
{
	static const char *const damaged[] = {
		"", "\n", "00000000", "00000000 06", "00000000 06 n",
		"00000000 06 n 01 cup", "00000000 06 n 01 cup 0 001 @ 00000000",
		"00000000 06 n 01 cup 0 xxx | ", "00000001 06 n 01 cup 0 000 | ",
		"00000000 06 v 01 cup 0 000 | ", "00000000 06 n 00 000 | ",
		"00000000 06 n ff cup 0 000 | ",
		"000000000000000006 n 01 cup 0 000 | ",
	};
	struct wordnet *small;
	struct synset synset;
	struct error err;

	(void)state;
	error_init(&err);
	for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
		assert_true(wordnet_open_text(&small, STR(""),
					      str_from(damaged[i]), STR(""),
					      &err));
		if (wordnet_synset(small, 0, &synset))
			fail_msg("'%s' is taken for a synset", damaged[i]);
		wordnet_close(small);
	}
	assert_true(wordnet_open_text(
		&small, STR(""), STR("00000000 06 n 01 cup 0 000 | \n"),
		STR(""), &err));
	assert_true(wordnet_synset(small, 0, &synset));
	wordnet_close(small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(senses_come_most_frequent_first),
		cmocka_unit_test(what_is_no_noun_has_no_senses),
		cmocka_unit_test(forms_are_traced_to_their_lemma),
		cmocka_unit_test(a_word_that_ends_in_ss_is_no_plural),
		cmocka_unit_test(a_synset_says_what_it_is_a_kind_of),
		cmocka_unit_test(a_certain_place_is_an_instance),
		cmocka_unit_test(an_offset_within_a_synset_is_none),
		cmocka_unit_test(no_folder_or_other_files_do_not_open),
		cmocka_unit_test(a_damaged_synset_is_none),
	};

	return cmocka_run_group_tests(tests, open_wordnet, close_wordnet);
}
