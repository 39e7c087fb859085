/*
 * report_test.c: is every report a whole PDF, whatever is in the orders, the
 * fonts' folder and the machine's memory? What it looks like and says is in
 * tests/integration/test_generate_pdf_report.py.
 */
#include "test_setup.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "report/report.h"

#include "base/banned.h"

#define DAY_MS 86400000ll
#define FROM_MS 1793487600000ll	/* 2026-11-01 in Berlin */
#define NOW_MS 1795536460000ll
#define FONT "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"

static struct error err;
static struct report_head head;
static struct report *report;
static struct order order;
static struct str pdf;
static unsigned pages;
static char folder[TEST_FOLDER_BYTES];

static int set_up(void **state)
{
	(void)state;
	error_init(&err);
	test_folder_make(folder, "report");
	report = NULL;
	pages = 0;
	head = (struct report_head){
		.title = STR(""), .site_name = STR("Order desk"),
		.from_ms = FROM_MS, .to_ms = FROM_MS + 30 * DAY_MS,
		.zone = "Europe/Berlin", .now_ms = NOW_MS, .fonts = folder,
	};
	order = (struct order){
		.id = "0193a5c0-0000-7000-8000-0000000000cc",
		.status = STATUS_PENDING,
		.description = STR("red running shoes"),
		.customer_name = STR("Ada"), .customer_email = STR(""),
		.currency = "EUR", .price_minor = 11980,
	};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	report_free(report);
	report = NULL;
	test_folder_remove(folder);
	return 0;
}

static void begin(void)
{
	if (!report_new(&report, &head, &err))
		fail_msg("%s", err.cause);
}

static void add(int64_t deleted_ms)
{
	if (!report_add(report, &order, deleted_ms, &err))
		fail_msg("%s", err.cause);
}

static unsigned count(const char *needle)
{
	const char *at = pdf.ptr, *end = pdf.ptr + pdf.len;
	unsigned found = 0;

	while ((at = memmem(at, (size_t)(end - at), needle, strlen(needle)))) {
		found++;
		at++;
	}
	return found;
}

/* Whole, with its cross-reference table where it says, and its pages. */
static void end(void)
{
	char tail[128];
	const char *start;
	unsigned long at;

	if (!report_end(report, &pdf, &pages, &err))
		fail_msg("%s", err.cause);
	assert_true(str_starts(pdf, STR("%PDF-1.")));
	snprintf(tail, sizeof(tail), "%.*s", 60, pdf.ptr + pdf.len - 60);
	assert_non_null(strstr(tail, "%%EOF"));
	start = strstr(tail, "startxref");
	assert_non_null(start);
	at = strtoul(start + strlen("startxref"), NULL, 10);
	assert_true(at < pdf.len);
	assert_memory_equal(pdf.ptr + at, "xref", 4);
	assert_int_equal(count("/Type /Page\n") + count("/Type /Page\r"),
			 pages);
}

static void finish_with(unsigned wanted_pages)
{
	if (!pages)
		end();
	assert_int_equal(pages, wanted_pages);
	report_free(report);
	report = NULL;
	pages = 0;
}

static void an_empty_period_is_a_page(void **state)
{
	(void)state;
	begin();
	finish_with(1);
}

static void a_few_orders_are_a_page(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 3; i++)
		add(FROM_MS + i * DAY_MS);
	finish_with(1);
}

static void many_orders_are_many_pages(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 300; i++)
		add(FROM_MS + i * DAY_MS / 10);
	end();
	assert_in_range(pages, 6, 7);
}

static void the_same_orders_are_the_same_bytes(void **state)
{
	char *first;
	size_t bytes;

	(void)state;
	begin();
	add(FROM_MS);
	end();
	bytes = pdf.len;
	first = malloc(bytes);
	memcpy(first, pdf.ptr, bytes);
	report_free(report);
	begin();
	add(FROM_MS);
	end();
	assert_int_equal(pdf.len, bytes);
	assert_memory_equal(pdf.ptr, first, bytes);
	free(first);
}

static void it_says_what_it_is_and_when_it_was_made(void **state)
{
	(void)state;
	head.title = STR("Gone");
	begin();
	end();
	/* UTF-16 with its mark: "Gone", "Order desk" */
	assert_int_equal(count("/Title <FEFF0047006F006E0065>"), 1);
	assert_int_equal(count("/Author <FEFF004F0072006400650072"), 1);
	assert_int_equal(count("/Creator <FEFF006F"), 1);
	assert_int_equal(count("/CreationDate (D:20261124170700+01'00'"), 1);
}

static void damaged_objects_do_no_harm(void **state)
{
	(void)state;
	begin();
	report_add_damaged(report, STR("archive/2026/11/24/x.json"),
			   "It is not JSON.");
	finish_with(1);
	begin();
	for (int i = 0; i < 2000; i++)
		report_add_damaged(report, STR("archive/2026/11/24/x.json"),
				   "It is not JSON.");
	add(FROM_MS);
	end();
	assert_in_range(pages, 10, 20);
}

static void any_text_is_just_text(void **state)
{
	static const char *const texts[] = {
		"", " ", "\n\r\t\v\f", "%s%n%d", "\\()<>[]{}/%", ")Tj ET",
		"\xff\xfe\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80 broken",
		"\xe2\x80\xae\xd7\xa9\xe2\x80\xac\xe2\x81\xa7x",
		"\xd7\xa9\xd6\xb8 \xd9\x84\xd8\xa7 (\xd9\x84)",
		"e\xcc\x81\xcc\x81\xcc\x81\xcc\x81", "\xcc\x81",
		"\xf0\x9f\x91\x9f\xe2\x80\x8d\xf0\x9f\x91\x9f\xef\xb8\x8f",
		"\xef\xbf\xbf\xef\xbf\xbe\xee\x80\x80",
	};

	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		order.description = str_from(texts[i]);
		order.customer_name = str_from(texts[i]);
		add(FROM_MS);
	}
	order.description = order.customer_name = (struct str){ NULL, 0 };
	order.customer_email = (struct str){ NULL, 0 };
	add(FROM_MS);
	report_add_damaged(report, str_from(texts[6]), texts[3]);
	finish_with(1);
}

static size_t put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	to[0] = (char)(0xe0 | c >> 12);
	to[1] = (char)(0x80 | (c >> 6 & 63));
	to[2] = (char)(0x80 | (c & 63));
	return 3;
}

static void every_character_can_be_drawn(void **state)
{
	char text[3 * 64];

	(void)state;
	head.fonts = NULL;	/* what this machine has */
	begin();
	for (uint32_t c = 1; c < 0x10000; c += 64) {
		size_t bytes = 0;

		for (uint32_t i = c; i < c + 64 && i < 0x10000; i++)
			if (i < 0xd800 || i > 0xdfff)
				bytes += put_utf8(text + bytes, i);
		order.description = (struct str){ text, bytes };
		add(FROM_MS);
	}
	end();
	/* subsets: far smaller than the fonts */
	assert_true(pdf.len < 8 * MIB);
}

static void long_text_takes_two_lines_at_most(void **state)
{
	char words[5000];

	(void)state;
	for (size_t i = 0; i < sizeof(words); i++)
		words[i] = i % 6 ? 'a' : ' ';
	head.title = (struct str){ words, sizeof(words) };
	head.site_name = head.title;
	order.description = head.title;
	order.customer_name = (struct str){ words + 1, 5 };
	begin();
	for (int i = 0; i < 7; i++)
		add(FROM_MS);
	memset(words, 'W', sizeof(words));
	order.description = order.customer_name = head.title;
	for (int i = 0; i < 7; i++)
		add(FROM_MS);
	finish_with(1);
}

static void strange_numbers_are_drawn_too(void **state)
{
	static const int64_t prices[] = {
		0, -1, INT64_MAX, INT64_MIN, 100000000000000, 99,
	};
	static const char currencies[][4] = { "EUR", "JPY", "KWD", "???", "" };

	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(prices); i++) {
		for (size_t j = 0; j < ARRAY_LEN(currencies); j++) {
			order.price_minor = prices[i];
			memcpy(order.currency, currencies[j], 4);
			add(FROM_MS + (int64_t)i);
		}
	}
	finish_with(2);
}

static void a_hundred_currencies_are_all_listed(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 100; i++) {
		snprintf(order.currency, 4, "%c%02u", 'A' + i % 26,
			 (unsigned)i % 100);
		add(FROM_MS);
	}
	end();
	assert_in_range(pages, 4, 5);
}

static void any_period_has_a_chart(void **state)
{
	static const int64_t spans[][2] = {
		{ FROM_MS, FROM_MS + 1 }, { FROM_MS, FROM_MS + 40 * DAY_MS },
		{ FROM_MS, FROM_MS + 400 * DAY_MS }, { 0, FROM_MS },
		{ INT64_MIN, FROM_MS }, { FROM_MS, INT64_MAX },
		{ INT64_MIN, INT64_MAX }, { 0, 253402300799999 },
		{ FROM_MS, FROM_MS }, { FROM_MS, FROM_MS - DAY_MS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
		head.from_ms = spans[i][0];
		head.to_ms = spans[i][1];
		begin();
		add(FROM_MS + 5 * DAY_MS);
		add(FROM_MS);
		add(253402300799999);
		add(0);
		finish_with(1);
	}
}

static void any_zone_will_do(void **state)
{
	static const char *const zones[] = {
		"UTC", "Pacific/Apia", "America/St_Johns", "Nowhere/At_All",
		"../../etc/passwd", "", NULL,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		head.zone = zones[i];
		begin();
		add(FROM_MS);
		finish_with(1);
	}
}

static void write_file(const char *name, const char *bytes, size_t size)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fwrite(bytes, 1, size, file);
	fclose(file);
}

static void files_that_only_look_like_fonts_are_passed_over(void **state)
{
	char garbage[4096];
	unsigned seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(garbage); i++) {
		seed = seed * 1103515245 + 12345;
		garbage[i] = (char)(seed >> 16);
	}
	write_file("DejaVuSans.ttf", garbage, sizeof(garbage));
	write_file("a.ttc", "ttcf\0\1\0\0\0\0\0\1\xff\xff\xff\xff", 16);
	write_file("b.ttf", "\0\1\0\0\xff\xff", 6);
	write_file("c.ttf", "", 0);
	memcpy(garbage, "\0\1\0\0\0\x10\0\0\0\0\0\0", 12);
	write_file("d.ttf", garbage, sizeof(garbage));
	order.description = STR("Ελλάδα");
	begin();
	add(FROM_MS);
	finish_with(1);
}

static void a_font_cut_short_is_passed_over(void **state)
{
	FILE *file = fopen(FONT, "r");
	char *bytes;
	size_t size;

	(void)state;
	if (!file)
		skip();
	bytes = malloc(MIB);
	size = fread(bytes, 1, MIB, file);
	fclose(file);
	order.description = STR("Ελλάδα, ế");
	for (size_t i = 1; i <= 16; i++) {
		write_file("DejaVuSans.ttf", bytes, size * i / 16);
		begin();
		add(FROM_MS);
		end();
		assert_int_equal(count("/FontFile2"), i == 16);
		finish_with(1);
	}
	free(bytes);
}

static void three_thousand_rows(void)
{
	head.fonts = NULL;
	begin();
	for (int i = 0; i < 3000; i++)
		add(FROM_MS + i * DAY_MS / 100);
	end();
}

#if defined(__SANITIZE_ADDRESS__)
#define HAS_OWN_ALLOCATOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_OWN_ALLOCATOR 1
#endif
#endif

static void three_thousand_rows_need_little_memory(void **state)
{
	struct rusage usage;
	int status;
	pid_t child;

	(void)state;
#ifdef HAS_OWN_ALLOCATOR
	skip();
#endif
	child = fork();
	if (child == 0) {
		three_thousand_rows();
		_exit(0);
	}
	assert_int_equal(wait4(child, &status, 0, &usage), child);
	assert_int_equal(status, 0);
	assert_in_range(usage.ru_maxrss, 1, 32 * 1024);
}

/* A frame of its own: below an array of the caller's, the stack would still
   have to grow for what the caller calls. */
static __attribute__((noinline)) void grow_stack(void)
{
	volatile char stack[256 * KIB];

	for (size_t i = 0; i < sizeof(stack); i += 1024)
		stack[i] = 1;
}

/* From here on malloc has `blocks` times 4 KiB, and the stack what it used. */
static void leave_memory(unsigned blocks)
{
	static void *left[4096];
	struct rlimit limit = { 1, 1 };
	void *volatile taken;	/* or clang leaves malloc out */

	grow_stack();
	for (unsigned i = 0; i < blocks; i++)
		left[i] = malloc(4080);
	setrlimit(RLIMIT_AS, &limit);
	for (size_t size = 64 * KIB; size >= 16; size /= 2)
		while ((taken = malloc(size)))
			;
	for (unsigned i = 0; i < blocks; i++)
		free(left[i]);
}

/* In a child: 0 when it went well, 1 when it failed with an error. */
static void draw_with(unsigned blocks)
{
	bool ok = report_new(&report, &head, &err);

	leave_memory(blocks);
	for (int i = 0; ok && i < 1000; i++)
		ok = report_add(report, &order, FROM_MS + i, &err);
	if (ok)
		ok = report_end(report, &pdf, &pages, &err);
	if (!ok && err.code != ERROR_INTERNAL)
		_exit(2);
	/* It stays an error. */
	error_init(&err);
	_exit(ok ? 0 : report_end(report, &pdf, &pages, &err) ? 3 : 1);
}

static void want_of_memory_is_an_error_and_stays_one(void **state)
{
	unsigned failed = 0;

	(void)state;
#ifdef HAS_OWN_ALLOCATOR
	skip();
#endif
	head.fonts = NULL;
	/* With nothing at all libharu 2.3.0 would crash in its own writing. */
	for (unsigned blocks = 1; blocks < 1000; blocks += 1 + blocks / 4) {
		pid_t child = fork();
		int status;

		if (child == 0)
			draw_with(blocks);
		waitpid(child, &status, 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
			fail_msg("with %u blocks: status %x", blocks,
				 (unsigned)status);
		failed += WEXITSTATUS(status) == 1;
	}
	assert_in_range(failed, 10, 40);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_period_is_a_page),
		TEST(a_few_orders_are_a_page),
		TEST(many_orders_are_many_pages),
		TEST(the_same_orders_are_the_same_bytes),
		TEST(it_says_what_it_is_and_when_it_was_made),
		TEST(damaged_objects_do_no_harm),
		TEST(any_text_is_just_text),
		TEST(every_character_can_be_drawn),
		TEST(long_text_takes_two_lines_at_most),
		TEST(strange_numbers_are_drawn_too),
		TEST(a_hundred_currencies_are_all_listed),
		TEST(any_period_has_a_chart),
		TEST(any_zone_will_do),
		TEST(files_that_only_look_like_fonts_are_passed_over),
		TEST(a_font_cut_short_is_passed_over),
		TEST(three_thousand_rows_need_little_memory),
		TEST(want_of_memory_is_an_error_and_stays_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
