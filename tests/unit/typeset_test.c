/*
 * typeset_test.c: does text of any script come out in the right letters, order
 * and lines? Without the fonts of fonts-dejavu-core what needs them is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/typeset.h"

#include "base/banned.h"

#define FOLDER "/usr/share/fonts/truetype/dejavu"

static struct error err;
static struct pdf *pdf;
static struct fonts *fonts;
static struct typesetter ts;
static struct text text;
static const struct text_style style = { FONT_REGULAR, 10, INK_TEXT };
static char shown[4096];

static void open_fonts(const char *folder)
{
	error_init(&err);
	assert_true(pdf_new(&pdf, &err));
	assert_true(fonts_open(&fonts, pdf, folder, &err));
	ts = (struct typesetter){ .pdf = pdf, .fonts = fonts };
	pdf_add_page(pdf);
}

static int set_up(void **state)
{
	(void)state;
	open_fonts("/nonexistent");
	return 0;
}

static int set_up_dejavu(void **state)
{
	(void)state;
	open_fonts(FOLDER);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fonts_close(fonts);
	pdf_free(pdf);
	return 0;
}

static char *add_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 63));
	}
	*to++ = (char)(0x80 | (c & 63));
	return to;
}

/* The lines from left to right as they are drawn, '|' between them; a note as
 * its number in brackets. */
static const char *lines_of(const char *from, float width, unsigned max_lines)
{
	char *to = shown;

	typeset(&ts, str_from(from), &style, width, max_lines, &text);
	for (unsigned i = 0; i < text.line_count; i++) {
		const struct text_line *line = &text.lines[i];
		uint8_t levels[BIDI_MAX_LENGTH + 1];
		uint16_t order[BIDI_MAX_LENGTH + 1];

		assert_true(line->width <= width + 0.01f || line->count == 1);
		if (i)
			*to++ = '|';
		for (size_t j = 0; j < line->count; j++)
			levels[j] = text.units[line->first + j].level;
		bidi_order(levels, line->count, order);
		for (size_t j = 0; j < line->count; j++) {
			const struct text_unit *unit =
				&text.units[line->first + order[j]];

			if (unit->face < 0)
				to += snprintf(to, 12, "[U+%04X]",
					       (unsigned)unit->c);
			else
				to = add_utf8(to, unit->c);
		}
		typeset_draw_line(&ts, &text, i, 10, 10);
	}
	*to = '\0';
	assert_true(pdf_ok(pdf, &err));
	return shown;
}

static void white_space_and_controls_are_single_spaces(void **state)
{
	(void)state;
	assert_string_equal(lines_of(" a\r\n\r\nb\t \xc2\xa0 c\xe2\x80\xa8"
				     "d\x01\x7f ", 500, 1), "a b c d");
	assert_string_equal(lines_of("", 500, 1), "");
	assert_int_equal(text.line_count, 0);
	assert_string_equal(lines_of(" \n ", 500, 2), "");
}

static void what_cannot_be_seen_takes_no_place(void **state)
{
	(void)state;
	assert_string_equal(lines_of("a\xc2\xad\xe2\x80\x8b\xe2\x80\xae\xe2\x80"
				     "\x8f\xef\xbb\xbf\xef\xb8\x8f" "b",
				     500, 1), "ab");
}

static void a_character_without_a_font_is_its_number(void **state)
{
	(void)state;
	assert_string_equal(lines_of("a \xf0\x9f\x91\x9f.", 500, 1),
			    "a [U+1F45F].");
	assert_true(ts.has_notes);
	assert_string_equal(lines_of("\xee\x80\x81", 500, 1), "[U+E001]");
	assert_string_equal(lines_of("\xce\xa9", 500, 1), "[U+03A9]");
}

static void plain_text_needs_no_note(void **state)
{
	(void)state;
	lines_of("caf\xc3\xa9 \xe2\x82\xac 5 \xe2\x80\x93 \xe2\x80\x9cx\xe2\x80"
		 "\x9d", 500, 1);
	assert_false(ts.has_notes);
}

static void bytes_that_are_not_utf8_do_no_harm(void **state)
{
	(void)state;
	assert_string_equal(lines_of("a\xff\xc3(b", 500, 1),
			    "a[U+FFFD][U+FFFD](b");
}

static void words_are_not_torn(void **state)
{
	(void)state;
	/* Helvetica at 10 points: "the quick" is 42 wide */
	assert_string_equal(lines_of("the quick brown", 50, 2),
			    "the quick|brown");
	assert_string_equal(lines_of("the quick brown", 30, 3),
			    "the|quick|brown");
	assert_string_equal(lines_of("well-known", 35, 2), "well-|known");
}

static void a_word_wider_than_the_line_is_torn(void **state)
{
	(void)state;
	assert_string_equal(lines_of("aaaaaaaaaa", 30, 3), "aaaaa|aaaaa");
	assert_string_equal(lines_of("aaaa", 1, 3), "a|a|\xe2\x80\xa6");
}

static void what_does_not_fit_ends_in_an_ellipsis(void **state)
{
	(void)state;
	assert_string_equal(lines_of("the quick brown fox", 50, 1),
			    "the quic\xe2\x80\xa6");
	assert_string_equal(lines_of("the quick brown fox jumps", 50, 2),
			    "the quick|brown fo\xe2\x80\xa6");
	assert_string_equal(lines_of("the quick", 50, 1), "the quick");
}

static void very_long_text_is_cut(void **state)
{
	static char words[100001];

	(void)state;
	memset(words, 'i', sizeof(words) - 1);
	assert_non_null(strstr(lines_of(words, 100, 2), "\xe2\x80\xa6"));
	assert_int_equal(text.line_count, 2);
	assert_true(strlen(shown) < 120);
}

static void other_alphabets_have_letters(void **state)
{
	static const char *const words[] = {
		"\xce\x95\xce\xbb\xce\xbb\xce\xac\xce\xb4\xce\xb1",
		"\xd0\xa0\xd0\xbe\xd1\x81\xd1\x81\xd0\xb8\xd1\x8f",
		"Ti\xe1\xba\xbfng Vi\xe1\xbb\x87t",
	};

	(void)state;
	if (access(FOLDER "/DejaVuSans.ttf", R_OK))
		skip();
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		assert_string_equal(lines_of(words[i], 500, 1), words[i]);
	assert_false(ts.has_notes);
}

static void hebrew_is_drawn_from_the_right(void **state)
{
	(void)state;
	if (access(FOLDER "/DejaVuSans.ttf", R_OK))
		skip();
	/* alef bet (42) gimel, with brackets mirrored */
	assert_string_equal(lines_of("\xd7\x90\xd7\x91 (42) \xd7\x92", 500, 1),
			    "\xd7\x92 (42) \xd7\x91\xd7\x90");
	/* the second line is the text's end */
	assert_string_equal(lines_of("\xd7\x90\xd7\x90\xd7\x90 "
				     "\xd7\x91\xd7\x91\xd7\x91", 25, 2),
			    "\xd7\x90\xd7\x90\xd7\x90|"
			    "\xd7\x91\xd7\x91\xd7\x91");
	/* the ellipsis is at the end, which is on the left */
	assert_memory_equal(lines_of("\xd7\x90\xd7\x90\xd7\x90\xd7\x90\xd7\x90"
				     "\xd7\x90\xd7\x90", 25, 1),
			    "\xe2\x80\xa6", 3);
	/* a note is not turned around */
	assert_string_equal(lines_of("\xd7\x90 \xf0\x9f\x91\x9f \xd7\x91", 500,
				     1), "\xd7\x91 [U+1F45F] \xd7\x90");
}

static void arabic_letters_are_joined(void **state)
{
	(void)state;
	if (access(FOLDER "/DejaVuSans.ttf", R_OK))
		skip();
	/* beh beh beh: initial, medial, final, from the right */
	assert_string_equal(lines_of("\xd8\xa8\xd8\xa8\xd8\xa8", 500, 1),
			    "\xef\xba\x90\xef\xba\x92\xef\xba\x91");
	/* lam alef is one glyph */
	assert_string_equal(lines_of("\xd9\x84\xd8\xa7", 500, 1),
			    "\xef\xbb\xbb");
}

static void arabic_without_a_font_is_its_letters_numbers(void **state)
{
	(void)state;
	assert_string_equal(lines_of("\xd9\x84\xd8\xa7", 500, 1),
			    "[U+0627][U+0644]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define DEJAVU_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up_dejavu, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(white_space_and_controls_are_single_spaces),
		TEST(what_cannot_be_seen_takes_no_place),
		TEST(a_character_without_a_font_is_its_number),
		TEST(plain_text_needs_no_note),
		TEST(bytes_that_are_not_utf8_do_no_harm),
		TEST(words_are_not_torn),
		TEST(a_word_wider_than_the_line_is_torn),
		TEST(what_does_not_fit_ends_in_an_ellipsis),
		TEST(very_long_text_is_cut),
		DEJAVU_TEST(other_alphabets_have_letters),
		DEJAVU_TEST(hebrew_is_drawn_from_the_right),
		DEJAVU_TEST(arabic_letters_are_joined),
		TEST(arabic_without_a_font_is_its_letters_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
