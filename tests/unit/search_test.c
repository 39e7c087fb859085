/*
 * search_test.c: is text found however it is written, and can no question
 * break out of its quotes?
 */
#include "order/search.h"
#include "test_arena.h"

#include "base/banned.h"

static struct str fold(struct str text)
{
	struct buf buf;

	buf_init(&buf, arena, MIB);
	buf_add_text(&buf, "");
	search_fold(text, &buf);
	assert_true(buf_ok(&buf));
	return buf.len ? buf_str(&buf) : STR("");
}

static void assert_folds(const char *from, const char *to)
{
	struct str folded = fold(str_from(from));

	if (!str_is(folded, to))
		fail_msg("%s gave '%.*s', not '%s'", from, STR_ARG(folded), to);
}

static void assert_asks(const char *from, const char *to)
{
	struct buf buf;

	buf_init(&buf, arena, MIB);
	assert_int_equal(search_fts5_query(str_from(from), &buf), to[0] != '\0');
	if (!str_is(buf_str(&buf), to))
		fail_msg("%s asked '%.*s', not '%s'", from,
			 STR_ARG(buf_str(&buf)), to);
}

static void letters_lose_case_and_accents(void **state)
{
	(void)state;
	assert_folds("Zo\u00eb RED", "zoe red");
	assert_folds("\u00c0\u00c1\u00c2\u00c3\u00c4\u00c5\u0100\u01fa\u1ea8", "aaaaaaaaa");
	assert_folds("\u0141\u00f3d\u017a \u0110\u00e0 N\u1eb5ng", "lodz da nang");
	assert_folds("\u00d8re \u0130stanbul d\u0131\u015f", "ore istanbul dis");
	assert_folds("\u0391\u03b8\u03ae\u03bd\u03b1 \u1f08\u03b8\u1fc6\u03bd\u03b1\u03b9",
		     "\u03b1\u03b8\u03b7\u03bd\u03b1 \u03b1\u03b8\u03b7\u03bd\u03b1\u03b9");
	assert_folds("\u041a\u0420\u0410\u0421\u041d\u042b\u0419 \u0401\u0436",
		     "\u043a\u0440\u0430\u0441\u043d\u044b\u0438 \u0435\u0436");
}

static void ligatures_become_their_letters(void **state)
{
	(void)state;
	assert_folds("Stra\u00dfe STRA\u1e9eE", "strasse strasse");
	assert_folds("\u00c6sir \u0153uf", "aesir oeuf");
	assert_folds("o\ufb03ce \u01c4", "office dz");
	assert_folds("\u00deing", "thing");
}

static void a_final_sigma_is_a_sigma(void **state)
{
	(void)state;
	assert_folds("\u039f\u0394\u039f\u03a3 \u03bf\u03b4\u03cc\u03c2",
		     "\u03bf\u03b4\u03bf\u03c3 \u03bf\u03b4\u03bf\u03c3");
}

static void composed_and_decomposed_text_fold_alike(void **state)
{
	(void)state;
	assert_folds("Zoe\u0308 e\u0301\u0323t\u00e9", "zoe ete");
	assert_folds("\u0415\u0308\u0436 \u1fb3 \u03b1\u0345",
		     "\u0435\u0436 \u03b1 \u03b1");
	assert_folds("I\u0307", "i");
}

static void a_mark_does_not_end_a_word(void **state)
{
	(void)state;
	assert_folds("\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd",
		     "\u05e9\u05dc\u05d5\u05dd");
	assert_folds("\u0301a\u0301b", "ab");
	assert_folds("Donau\u00addampf", "donaudampf");
}

static void everything_else_parts_words(void **state)
{
	(void)state;
	assert_folds("  red--shoes, size 42!\n(EU)\t", "red shoes size 42 eu");
	assert_folds("SHOE-42/7_b.c@d", "shoe 42 7 b c d");
	assert_folds("a\U0001f45f" "b \u20ac5 \u201cc\u201d\u2014d", "a b 5 c d");
	assert_folds("\"*:^()", "");
	assert_folds("", "");
	assert_folds("\u0301\u200b", "");
}

static void other_scripts_stay_as_they_are(void **state)
{
	(void)state;
	assert_folds("\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
		     "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627");
	assert_folds("\u0663\u0664", "\u0663\u0664");
	assert_folds("\u00bd", "\u00bd");
}

static void wide_letters_and_narrow_kana_are_made_usual(void **state)
{
	(void)state;
	assert_folds("\uff32\uff45\uff44\uff14\uff12", "red42");
	assert_folds("\uff76\uff9e\uff77\uff8a\uff9f\uff73\uff9e",
		     "\u30ac \u30ad \u30d1 \u30f4");
	assert_folds("\u30ab\u3099\u304b\u3099\u306f\u309a\u3046\u3099\u3042\u3099",
		     "\u30ac \u304c \u3071 \u3094 \u3042");
	assert_folds("\u30c4\u3099\u30c6\u3099\u30c8\u3099\u30c3\u3099\u30db\u309a",
		     "\u30c5 \u30c7 \u30c9 \u30c3 \u30dd");
}

static void cjk_characters_are_words_of_their_own(void **state)
{
	(void)state;
	assert_folds("\u624b\u673aiPhone\u624b",
		     "\u624b \u673a iphone \u624b");
	assert_folds("\ud55c\uad6d", "\ud55c \uad6d");
	assert_folds("\u3072\u3089\u30ab\u30bf\u30fc",
		     "\u3072 \u3089 \u30ab \u30bf \u30fc");
	assert_folds("\U00020000\U00020001", "\U00020000 \U00020001");
	assert_folds("\u0e2a\u0e35\u0e41\u0e14\u0e07",
		     "\u0e2a \u0e41 \u0e14 \u0e07");
}

static void words_are_asked_for_as_prefixes(void **state)
{
	(void)state;
	assert_asks("red sho", "\"red\"* AND \"sho\"*");
	assert_asks("  Zo\u00eb!", "\"zoe\"*");
	assert_asks("SHOE-42", "\"shoe\"* AND \"42\"*");
}

static void runs_of_cjk_are_asked_for_as_phrases(void **state)
{
	(void)state;
	assert_asks("\u624b\u673a", "\"\u624b \u673a\"");
	assert_asks("\u624b \u673a", "\"\u624b\" AND \"\u673a\"");
	assert_asks("red\u624b\u673a\u58f3 x",
		    "\"red\"* AND \"\u624b \u673a \u58f3\" AND \"x\"*");
}

static void operators_of_fts5_are_text(void **state)
{
	(void)state;
	assert_asks("red OR blue", "\"red\"* AND \"or\"* AND \"blue\"*");
	assert_asks("NEAR(a b, 5)",
		    "\"near\"* AND \"a\"* AND \"b\"* AND \"5\"*");
	assert_asks("\"red\" description:x ^y -z a+b *",
		    "\"red\"* AND \"description\"* AND \"x\"* AND \"y\"* AND "
		    "\"z\"* AND \"a\"* AND \"b\"*");
}

static void text_without_words_asks_for_nothing(void **state)
{
	(void)state;
	assert_asks("", "");
	assert_asks(" \"*\" -- \u20ac \u0301", "");
	assert_asks("\U0001f45f", "");
}

static uint32_t code_point_at(unsigned i)
{
	return i < 0xd800 ? i : i + 0x800;	/* no surrogates */
}

static struct str utf8(uint32_t c, char space[4])
{
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = len; i-- > 1; c >>= 6)
		space[i] = (char)(0x80 | (c & 0x3f));
	space[0] = (char)(len == 1 ? c : (0xf0u << (4 - len) & 0xffu) | c);
	return (struct str){ space, len };
}

/* Stored text and question are folded apart: a fold of a fold must be itself. */
static void folding_twice_changes_nothing(void **state)
{
	(void)state;
	for (unsigned i = 1; i < 0x110000 - 0x800; i++) {
		char space[4];
		struct str once = fold(utf8(code_point_at(i), space));
		struct str twice = fold(once);

		assert_true(utf8_valid(once));
		if (!str_eq(once, twice))
			fail_msg("U+%04X: '%.*s', '%.*s'", code_point_at(i),
				 STR_ARG(once), STR_ARG(twice));
		if (i % 1024 == 0)
			arena_reset(arena);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(letters_lose_case_and_accents),
		TEST(ligatures_become_their_letters),
		TEST(a_final_sigma_is_a_sigma),
		TEST(composed_and_decomposed_text_fold_alike),
		TEST(a_mark_does_not_end_a_word),
		TEST(everything_else_parts_words),
		TEST(other_scripts_stay_as_they_are),
		TEST(wide_letters_and_narrow_kana_are_made_usual),
		TEST(cjk_characters_are_words_of_their_own),
		TEST(words_are_asked_for_as_prefixes),
		TEST(runs_of_cjk_are_asked_for_as_phrases),
		TEST(operators_of_fts5_are_text),
		TEST(text_without_words_asks_for_nothing),
		TEST(folding_twice_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
