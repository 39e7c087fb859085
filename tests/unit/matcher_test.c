/*
 * matcher_test.c: does the matcher say of each pair in
 * tests/vectors/match_table.txt what people would?
 *
 * The rate is printed. Pairs that must never match are held without exception.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "recognition/known_labels.h"
#include "recognition/matcher.h"

#include "base/banned.h"

#define WORDNET "/usr/share/wordnet"
#define WISHED_PERCENT 95
#define MAX_PAIRS 1000u

struct pair {
	struct str description;
	struct match_label labels[8];
	size_t label_count;
	bool knows_coco_only;
	struct str wished;
};

static struct {
	struct arena *arena;
	struct matcher *matcher;
	struct pair pairs[MAX_PAIRS];
	size_t count;
} table;

static struct str unescape(struct str text)
{
	struct buf ret;

	buf_init(&ret, table.arena, 4096);
	for (size_t i = 0; i < text.len; i++) {
		if (i + 3 < text.len && !memcmp(text.ptr + i, "\\x", 2)) {
			buf_add_char(&ret, (char)(str_hex_digit(text.ptr[i + 2])
						  << 4 |
						  str_hex_digit(text.ptr[i + 3])));
			i += 3;
		} else {
			buf_add_char(&ret, text.ptr[i]);
		}
	}
	return buf_str(&ret);
}

static uint32_t synset_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(coco_labels); i++)
		if (str_is(name, coco_labels[i].name))
			return coco_labels[i].synset;
	for (size_t i = 0; i < ARRAY_LEN(open_images_labels); i++)
		if (str_is(name, open_images_labels[i].name))
			return open_images_labels[i].synset;
	fail_msg("%.*s is no class of ours", STR_ARG(name));
	return 0;
}

/* "Car .98 < Vehicle < Transportation" */
static void read_label(struct pair *pair, struct str text)
{
	struct match_label *label = &pair->labels[pair->label_count++];
	struct str *parents = arena_alloc(table.arena, 8 * sizeof(*parents));
	struct str head, name, part;
	uint64_t fraction;
	const char *dot;

	assert_true(pair->label_count < ARRAY_LEN(pair->labels));
	assert_true(str_next(&text, '<', &head));
	head = str_trim(head);
	dot = memrchr(head.ptr, '.', head.len);
	assert_non_null(dot);
	name = (struct str){ head.ptr, (size_t)(dot - head.ptr) };
	part = (struct str){ dot + 1, head.len - name.len - 1 };
	assert_true(str_to_uint(part, 99, &fraction));
	*label = (struct match_label){
		.name = str_trim(name), .parents = parents,
		.confidence_permille = (int)fraction *
				       (part.len == 1 ? 100 : 10),
	};
	while (str_next(&text, '<', &part))
		parents[label->parent_count++] = str_trim(part);
	if (pair->knows_coco_only)
		label->synset = synset_of(label->name);
}

static void read_row(struct str row, bool knows_coco_only)
{
	struct pair *pair = &table.pairs[table.count++];
	struct str labels, label;

	assert_true(table.count < MAX_PAIRS);
	pair->knows_coco_only = knows_coco_only;
	assert_true(str_next(&row, '|', &pair->description));
	assert_true(str_next(&row, '|', &labels));
	pair->description = unescape(str_trim(pair->description));
	pair->wished = str_trim(row);
	if (!str_trim(labels).len)
		return;
	while (str_next(&labels, ',', &label))
		read_label(pair, str_trim(label));
}

static void read_table(void)
{
	const char *srcdir = getenv("srcdir");
	char *path = arena_printf(table.arena,
				  "%s/tests/vectors/match_table.txt",
				  srcdir ? srcdir : ".");
	FILE *file CLEANUP(cleanup_file) = fopen(path, "r");
	bool knows_coco_only = true;
	char line[1024];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		struct str row = str_trim(arena_str(table.arena,
						    str_from(line)));

		if (str_is(row, "[open]"))
			knows_coco_only = false;
		if (memchr(row.ptr, '|', row.len) && row.ptr[0] != '#')
			read_row(row, knows_coco_only);
	}
}

static void match_pair(const struct pair *pair, struct arena *arena,
		       struct match *ret)
{
	uint32_t synsets[ARRAY_LEN(coco_labels)];
	struct match_vocabulary vocabulary = { synsets, ARRAY_LEN(coco_labels) };

	for (size_t i = 0; i < ARRAY_LEN(coco_labels); i++)
		synsets[i] = coco_labels[i].synset;
	if (!pair->knows_coco_only)
		vocabulary.count = 0;
	matcher_match(table.matcher, pair->description, pair->labels,
		      pair->label_count, &vocabulary, arena, ret);
}

static bool is_wished(const struct pair *pair, const struct match *match)
{
	struct str wished = pair->wished, one;

	if (str_is(wished, "never"))
		return match->verdict != VERDICT_MATCH;
	while (str_next(&wished, '/', &one))
		if (str_is(one, verdict_name(match->verdict)))
			return true;
	return false;
}

static void need_wordnet(void)
{
	if (matcher_fault(table.matcher)) {
		print_message("no WordNet: %s\n",
			      matcher_fault(table.matcher));
		skip();
	}
}

static void pairs_come_out_as_wished(void **state)
{
	struct arena *arena CLEANUP(cleanup_arena) = arena_new("test", MIB);
	size_t as_wished = 0;

	(void)state;
	need_wordnet();
	assert_true(table.count >= 120);
	for (size_t i = 0; i < table.count; i++) {
		const struct pair *pair = &table.pairs[i];
		struct match match;

		match_pair(pair, arena, &match);
		if (is_wished(pair, &match))
			as_wished++;
		else
			print_message("%.*s: %s %s (%d, %s), wished %.*s: %.*s\n",
				      STR_ARG(pair->description),
				      verdict_name(match.verdict), match.reason,
				      match.score_permille, match.why,
				      STR_ARG(pair->wished),
				      STR_ARG(match.evidence));
		arena_reset(arena);
	}
	print_message("%zu of %zu pairs as wished (%.1f %%)\n", as_wished,
		      table.count,
		      100.0 * (double)as_wished / (double)table.count);
	assert_true(as_wished * 100 >= table.count * WISHED_PERCENT);
}

static void what_must_never_match_does_not(void **state)
{
	struct arena *arena CLEANUP(cleanup_arena) = arena_new("test", MIB);
	size_t count = 0;

	(void)state;
	need_wordnet();
	for (size_t i = 0; i < table.count; i++) {
		struct match match;

		if (!str_is(table.pairs[i].wished, "never"))
			continue;
		count++;
		match_pair(&table.pairs[i], arena, &match);
		if (match.verdict == VERDICT_MATCH)
			fail_msg("%.*s matches",
				 STR_ARG(table.pairs[i].description));
		arena_reset(arena);
	}
	assert_true(count >= 30);
}

/* The model cannot know it, or it is another language: no warning then. */
static void what_cannot_be_compared_is_no_mismatch(void **state)
{
	struct arena *arena CLEANUP(cleanup_arena) = arena_new("test", MIB);
	size_t count = 0;

	(void)state;
	need_wordnet();
	for (size_t i = 0; i < table.count; i++) {
		struct str wished = table.pairs[i].wished, one;
		bool mismatch = false, not_checked = false;
		struct match match;

		while (str_next(&wished, '/', &one)) {
			mismatch |= str_is(one, "mismatch");
			not_checked |= str_is(one, "not_checked");
		}
		if (mismatch || !not_checked)
			continue;
		count++;
		match_pair(&table.pairs[i], arena, &match);
		if (match.verdict == VERDICT_MISMATCH)
			fail_msg("%.*s is a mismatch",
				 STR_ARG(table.pairs[i].description));
		arena_reset(arena);
	}
	assert_true(count >= 120);
}

static struct match match_seen(const char *description, const char *label,
			       struct arena *arena)
{
	struct match_label seen = { .name = str_from(label),
				    .confidence_permille = 970 };
	struct match_vocabulary any = { NULL, 0 };
	struct match ret;

	matcher_match(table.matcher, str_from(description), &seen, 1, &any,
		      arena, &ret);
	return ret;
}

static void a_word_of_two_languages_needs_an_english_one_beside_it(void **state)
{
	struct arena *arena CLEANUP(cleanup_arena) = arena_new("test", MIB);

	(void)state;
	need_wordnet();
	assert_string_equal(match_seen("Tasse", "Cup", arena).reason,
			    "language");
	assert_string_equal(match_seen("Tasse, Teller", "Cup", arena).reason,
			    "language");
	assert_int_equal(match_seen("a boot", "Boat", arena).verdict,
			 VERDICT_MISMATCH);
	assert_int_equal(match_seen("boot", "Boot", arena).verdict,
			 VERDICT_MATCH);
}

static void a_role_fits_what_plays_it(void **state)
{
	struct arena *arena CLEANUP(cleanup_arena) = arena_new("test", MIB);
	struct match match;

	(void)state;
	need_wordnet();
	match = match_seen("pet", "Dog", arena);
	assert_int_equal(match.verdict, VERDICT_MATCH);
	assert_string_equal(match.why, "what is seen may be one");
	assert_int_equal(match_seen("pet", "Poodle", arena).verdict,
			 VERDICT_MATCH);
	assert_int_equal(match_seen("pet", "Bicycle", arena).verdict,
			 VERDICT_MISMATCH);
	/* not the other way round: whoever wants a dog wants no pet */
	assert_int_not_equal(match_seen("dog", "Pet", arena).verdict,
			     VERDICT_MATCH);
}

/* Its own name as description: it fits, and another thing is a mismatch. */
static void what_the_model_can_see_it_knows_by_name(void **state)
{
	struct arena *arena CLEANUP(cleanup_arena) = arena_new("test", MIB);
	uint32_t synsets[ARRAY_LEN(coco_labels)];
	struct match_vocabulary vocabulary = { synsets, ARRAY_LEN(synsets) };

	(void)state;
	need_wordnet();
	for (size_t i = 0; i < ARRAY_LEN(coco_labels); i++)
		synsets[i] = coco_labels[i].synset;
	for (size_t i = 0; i < ARRAY_LEN(coco_labels); i++) {
		struct str name = str_from(coco_labels[i].name);
		struct match_label label = { .name = name, .synset = synsets[i],
					     .confidence_permille = 900 };
		struct match match;

		matcher_match(table.matcher, name, &label, 1, &vocabulary,
			      arena, &match);
		if (match.verdict != VERDICT_MATCH)
			fail_msg("%s is not itself: %s %s",
				 coco_labels[i].name,
				 verdict_name(match.verdict), match.reason);
		/* a thing that none of the others is like */
		label.name = STR("toothbrush");
		label.synset = 4453156;
		if (synsets[i] == label.synset)
			continue;
		matcher_match(table.matcher, name, &label, 1, &vocabulary,
			      arena, &match);
		if (match.verdict != VERDICT_MISMATCH)
			fail_msg("a toothbrush for a %s: %s %s",
				 coco_labels[i].name,
				 verdict_name(match.verdict), match.reason);
		arena_reset(arena);
	}
}

static void without_wordnet_nothing_is_checked(void **state)
{
	struct arena *arena CLEANUP(cleanup_arena) = arena_new("test", MIB);
	struct matcher *none = matcher_open("/nowhere");
	struct match_label cup = { .name = STR("cup"), .synset = 3147509,
				   .confidence_permille = 960 };
	struct match match;

	(void)state;
	assert_non_null(matcher_fault(none));
	matcher_match(none, STR("a cup"), &cup, 1, NULL, arena, &match);
	assert_int_equal(match.verdict, VERDICT_NOT_CHECKED);
	assert_string_equal(match.reason, "no_wordnet");
	assert_int_equal(match.confidence_permille, -1);
	assert_true(match.evidence.len > 0);
	matcher_close(none);
}

static void match_one(const char *description, const char *name,
		      int confidence_permille, struct arena *arena,
		      struct match *ret)
{
	struct match_label label = {
		.name = str_from(name),
		.confidence_permille = confidence_permille,
	};

	matcher_match(table.matcher, str_from(description), &label, 1, NULL,
		      arena, ret);
}

static void the_evidence_is_a_sentence(void **state)
{
	struct arena *arena CLEANUP(cleanup_arena) = arena_new("test", MIB);
	struct match match;

	(void)state;
	need_wordnet();
	match_one("a cup of coffee", "cup", 964, arena, &match);
	assert_true(str_is(match.evidence,
			   "The photo shows a cup (96 %); you wrote “a cup of coffee”."));
	assert_null(match.warning.ptr);
	match_one("  a cup of coffee ", "Umbrella", 876, arena, &match);
	assert_true(str_is(match.evidence,
			   "The photo shows an umbrella (88 %), but you wrote “a cup of coffee”."));
	assert_true(str_eq(match.warning, match.evidence));
	match_one("cup", "scissors", 900, arena, &match);
	assert_true(str_starts(match.evidence,
			       STR("The photo shows scissors (90 %), but")));
	match_one("cup", "cup", 300, arena, &match);
	assert_true(str_starts(match.evidence, STR("The photo may show a cup")));
}

static void a_match_needs_a_sure_label(void **state)
{
	struct arena *arena CLEANUP(cleanup_arena) = arena_new("test", MIB);
	struct match match;

	(void)state;
	need_wordnet();
	match_one("cup", "Cup", 500, arena, &match);
	assert_int_equal(match.verdict, VERDICT_MATCH);
	assert_int_equal(match.confidence_permille, 500);
	match_one("cup", "Cup", 499, arena, &match);
	assert_int_equal(match.verdict, VERDICT_UNSURE);
	match_one("cup", "Cat", 600, arena, &match);
	assert_int_equal(match.verdict, VERDICT_MISMATCH);
	match_one("cup", "Cat", 599, arena, &match);
	assert_int_equal(match.verdict, VERDICT_UNSURE);
}

/* Texts of random words and random bytes: an answer each time, its evidence
 * valid UTF-8. */
static void hostile_texts_get_an_answer(void **state)
{
	static const char *const pieces[] = {
		"cup", "of", "not", "a", "-", "'", "_", "non-", "n't", "#", "=",
		"\xc3\xa9", "\xf0\x9f\x98\x80", "\xe2\x80\x8b", "4", "16gb", ",",
		"(", "&", " ", " ", " ", "cups", "without", "but", "anything",
		"%s", "\t", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	struct arena *arena CLEANUP(cleanup_arena) = arena_new("test", MIB);
	uint32_t seed = 1;

	(void)state;
	need_wordnet();
	for (unsigned i = 0; i < 3000; i++) {
		struct match_label labels[2] = {
			{ .name = STR("Cup"), .confidence_permille = 900 },
			{ .name = STR(""), .confidence_permille = 1000 },
		};
		struct match match;
		struct buf text;

		buf_init(&text, arena, 8192);
		for (unsigned j = 0; j < i % 60; j++) {
			seed = seed * 1664525 + 1013904223;
			buf_add_text(&text, pieces[(seed >> 16) %
						   ARRAY_LEN(pieces)]);
		}
		labels[1].name = buf_str(&text);
		matcher_match(table.matcher, buf_str(&text), labels, 2, NULL,
			      arena, &match);
		assert_true(match.evidence.len > 0);
		assert_true(utf8_valid(match.evidence));
		arena_reset(arena);
	}
}

static void a_very_long_text_is_cut(void **state)
{
	struct arena *arena CLEANUP(cleanup_arena) = arena_new("test", MIB);
	struct match_label cup = { .name = STR("Cup"),
				   .confidence_permille = 900 };
	struct match match;
	struct buf text;

	(void)state;
	need_wordnet();
	buf_init(&text, arena, 200 * KIB);
	for (unsigned i = 0; i < 40000; i++)
		buf_add_text(&text, "é,cup");
	matcher_match(table.matcher, buf_str(&text), &cup, 1, NULL, arena,
		      &match);
	assert_true(match.evidence.len < 2000);
	assert_true(utf8_valid(match.evidence));
}

static void every_reason_has_words(void **state)
{
	struct match known, unknown;

	(void)state;
	match_not_checked("no_model", &known);
	match_not_checked("of_another_kind", &unknown);
	assert_int_equal(known.verdict, VERDICT_NOT_CHECKED);
	assert_string_equal(unknown.reason, "of_another_kind");
	assert_true(known.evidence.len > unknown.evidence.len);
}

static int open_table(void **state)
{
	(void)state;
	table.arena = arena_new("table", 4 * MIB);
	table.matcher = matcher_open(WORDNET);
	read_table();
	return 0;
}

static int close_table(void **state)
{
	(void)state;
	matcher_close(table.matcher);
	arena_free(table.arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_come_out_as_wished),
		cmocka_unit_test(what_must_never_match_does_not),
		cmocka_unit_test(what_cannot_be_compared_is_no_mismatch),
		cmocka_unit_test(
			a_word_of_two_languages_needs_an_english_one_beside_it),
		cmocka_unit_test(a_role_fits_what_plays_it),
		cmocka_unit_test(what_the_model_can_see_it_knows_by_name),
		cmocka_unit_test(without_wordnet_nothing_is_checked),
		cmocka_unit_test(the_evidence_is_a_sentence),
		cmocka_unit_test(a_match_needs_a_sure_label),
		cmocka_unit_test(hostile_texts_get_an_answer),
		cmocka_unit_test(a_very_long_text_is_cut),
		cmocka_unit_test(every_reason_has_words),
	};

	return cmocka_run_group_tests(tests, open_table, close_table);
}
