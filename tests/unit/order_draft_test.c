/*
 * order_draft_test.c: is what clients send read right, and is every wrong
 * member named with its pointer and a code?
 */
#include "base/limits.h"
#include "order/order.h"
#include "test_arena.h"

#include "base/banned.h"

#define NOW_MS 1795536000000ll

static struct order order;

/* Single quotes stand for double ones. */
static struct str json(const char *text)
{
	char *copy = arena_text(arena, str_from(text));

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	return str_from(copy);
}

static void read_draft(const char *text)
{
	error_init(&err);
	if (!order_from_json(&order, json(text), "EUR", arena, &err))
		fail_msg("refused: %s", err.detail);
}

/* `expected`: "pointer code, pointer code", all of them in order. */
static void assert_items(const char *text, const char *expected)
{
	struct buf items;

	buf_init(&items, arena, 64 * KIB);
	for (unsigned i = 0; i < err.item_count; i++) {
		buf_printf(&items, "%s%s %s", i ? ", " : "",
			   err.items[i].pointer, err.items[i].code);
		assert_true(strlen(err.items[i].detail) > 10);
	}
	if (err.code != ERROR_INVALID || !str_is(buf_str(&items), expected))
		fail_msg("%.200s\nsaid '%s'\nnot '%s'", text, items.ptr ? items.ptr : "",
			 expected);
}

static void assert_draft_refused(const char *text, const char *expected)
{
	error_init(&err);
	if (order_from_json(&order, json(text), "EUR", arena, &err))
		fail_msg("accepted: %.200s", text);
	assert_items(text, expected);
}

static void place_draft(const char *text)
{
	read_draft(text);
	order_place(&order, NOW_MS);
}

static void patch(const char *text)
{
	error_init(&err);
	if (!order_patch(&order, json(text), arena, &err))
		fail_msg("refused: %s", err.detail);
}

static void assert_patch_refused(const char *text, const char *expected)
{
	struct order before = order;

	error_init(&err);
	if (order_patch(&order, json(text), arena, &err))
		fail_msg("accepted: %s", text);
	assert_items(text, expected);
	assert_memory_equal(&before, &order, sizeof(order));
}

static void replace(const char *text)
{
	error_init(&err);
	if (!order_replace(&order, json(text), "EUR", arena, &err))
		fail_msg("refused: %s", err.detail);
}

static void assert_replace_refused(const char *text, const char *expected)
{
	struct order before = order;

	error_init(&err);
	if (order_replace(&order, json(text), "EUR", arena, &err))
		fail_msg("accepted: %s", text);
	assert_items(text, expected);
	assert_memory_equal(&before, &order, sizeof(order));
}

/* What a GET answers for `order`. */
static const char *as_read(void)
{
	struct buf text, with_url;

	buf_init(&text, arena, MIB);
	buf_init(&with_url, arena, MIB);
	order_to_json(&order, &text);
	order_json_add_url(&with_url, buf_str(&text),
			   STR("http://desk.example/objects/x?sig=1"));
	return arena_text(arena, buf_str(&with_url));
}

static void give_photo(void)
{
	order.image = (struct order_image){
		.id = STR("sha256:ab"), .media_type = STR("image/png"),
		.verdict = VERDICT_MATCH, .confidence_permille = 970,
		.model = STR("m1"), .label_count = 1,
		.labels = { { STR("Shoe"), 970 } },
	};
}

#define DRAFT "'description':'red shoes','price':'59.90'"
#define LINES "'lines':[{'name':'Shoe','quantity':2,'unit_price':'59.90'}," \
	      "{'sku':'S-1','name':'Lace','quantity':1,'unit_price':0.2}]"

/* drafts */

static void the_smallest_draft_is_a_description_and_a_price(void **state)
{
	(void)state;
	read_draft("{" DRAFT "}");
	assert_true(str_is(order.description, "red shoes"));
	assert_int_equal(order.price_minor, 5990);
	assert_string_equal(order.currency, "EUR");
	assert_int_equal(order.status, STATUS_PENDING);
	assert_int_equal(order.version, 0);
	assert_string_equal(order.id, "");
	assert_int_equal(order.line_count, 0);
	assert_int_equal(order.image.id.len, 0);
	assert_null(order.receipt.ptr);
	assert_false(order.accept_mismatch);
}

static void every_member_is_read(void **state)
{
	(void)state;
	read_draft("{'description':' red shoes\\n','customer':{'name':' Ada ',"
		   "'email':'Ada.L@EXAMPLE.org'}," LINES ",'currency':'USD',"
		   "'price':120,'notes':' as it is ','metadata':{'channel':'shop',"
		   "'n':''},'image':{'receipt':'abc.def'},"
		   "'accept_mismatch':true}");
	assert_true(str_is(order.description, "red shoes"));
	assert_true(str_is(order.customer_name, "Ada"));
	assert_true(str_is(order.customer_email, "Ada.L@example.org"));
	assert_int_equal(order.line_count, 2);
	assert_true(str_is(order.lines[0].sku, ""));
	assert_true(str_is(order.lines[1].sku, "S-1"));
	assert_int_equal(order.lines[0].quantity, 2);
	assert_int_equal(order.lines[1].unit_price_minor, 20);
	assert_string_equal(order.currency, "USD");
	assert_int_equal(order.price_minor, 12000);
	assert_true(str_is(order.notes, " as it is "));
	assert_int_equal(order.metadata_count, 2);
	assert_true(str_is(order.metadata[0].key, "channel"));
	assert_true(str_is(order.metadata[1].value, ""));
	assert_true(str_is(order.receipt, "abc.def"));
	assert_true(order.accept_mismatch);
}

static void the_price_is_the_clients_or_the_sum_of_the_lines(void **state)
{
	(void)state;	/* D23: never one of ours */
	read_draft("{'description':'x','price':3,'image':{'receipt':'r'}}");
	assert_int_equal(order.price_minor, 300);
	read_draft("{'description':'x'," LINES "}");
	assert_int_equal(order.price_minor, 12000);
	read_draft("{'description':'x','price':'1200','currency':'JPY'}");
	assert_int_equal(order.price_minor, 1200);
	assert_draft_refused("{'description':'x','image':{'receipt':'r'}}",
			     "/price required");
}

static void optional_members_may_be_null_or_empty(void **state)
{
	(void)state;
	read_draft("{" DRAFT ",'customer':null,'lines':null,'notes':null,"
		   "'metadata':null,'image':null,'currency':null,"
		   "'accept_mismatch':null}");
	read_draft("{" DRAFT ",'customer':{'name':'','email':null},'lines':[],"
		   "'notes':'','metadata':{}}");
	assert_int_equal(order.customer_name.len, 0);
	assert_int_equal(order.line_count, 0);
}

static void a_missing_or_null_description_is_refused(void **state)
{
	(void)state;	/* D1 */
	assert_draft_refused("{'description':null,'price':1}",
			     "/description required");
	assert_draft_refused("{'price':1}", "/description required");
	assert_draft_refused("{'description':'','price':1}",
			     "/description too_short");
	assert_draft_refused("{'description':' \\u3000 ','price':1}",
			     "/description too_short");
	assert_draft_refused("{'description':7,'price':1}",
			     "/description wrong_type");
	assert_draft_refused("{}", "/description required, /price required");
}

static void a_description_has_at_most_500_characters(void **state)
{
	char text[4096];
	struct buf body;

	(void)state;
	buf_init(&body, arena, 64 * KIB);
	buf_add_text(&body, "{'price':1,'description':' ");
	for (int i = 0; i < 500; i++)
		buf_add_text(&body, "\U0001f45f");
	snprintf(text, sizeof(text), "%s '}", body.ptr);
	read_draft(text);
	assert_int_equal(order.description.len, 2000);
	snprintf(text, sizeof(text), "%sx'}", body.ptr);
	assert_draft_refused(text, "/description too_long");
	assert_string_equal(err.items[0].detail,
			    "Write a description of 1 to 500 characters.");
}

static void a_price_must_be_an_exact_number_above_0(void **state)
{
	static const char *const cases[][2] = {
		{ "'NaN'", "not_a_number" },		/* D2 */
		{ "'Infinity'", "not_a_number" },	/* D3 */
		{ "'1e400'", "not_a_number" },
		{ "1e400", "out_of_range" },
		{ "1e-400", "not_exact" },
		{ "'5.99e1'", "not_a_number" },
		{ "''", "not_a_number" },
		{ "' 5'", "not_a_number" },
		{ "'5,90'", "not_a_number" },
		{ "'59.905'", "not_exact" },
		{ "59.905", "not_exact" },
		{ "0", "out_of_range" },
		{ "'0.00'", "out_of_range" },
		{ "-5", "out_of_range" },
		{ "'1000000000000.01'", "out_of_range" },
		{ "true", "wrong_type" },
		{ "[5]", "wrong_type" },
		{ "{}", "wrong_type" },
		{ "null", "required" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_draft_refused(arena_printf(arena,
						  "{'description':'x','price':%s}",
						  cases[i][0]),
				     arena_printf(arena, "/price %s",
						  cases[i][1]));
	read_draft("{'description':'x','price':5.99e1}");
	assert_int_equal(order.price_minor, 5990);
	read_draft("{'description':'x','price':'1000000000000'}");
	assert_int_equal(order.price_minor, LIMIT_PRICE_MINOR);
}

static void a_body_that_is_no_object_is_not_json(void **state)
{
	static const char *const bodies[] = { "[1]", "'str'", "null", "1",
					      "true", "", "{", "[]" };

	(void)state;	/* D4 */
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		error_init(&err);
		assert_false(order_from_json(&order, json(bodies[i]), "EUR",
					     arena, &err));
		assert_int_equal(err.code, ERROR_NOT_JSON);
	}
}

static void unknown_members_are_refused_wherever_they_are(void **state)
{
	(void)state;
	assert_draft_refused("{" DRAFT ",'prize':6}", "/prize unknown_member");
	assert_draft_refused("{" DRAFT ",'a/b~c':6}", "/a~1b~0c unknown_member");
	assert_draft_refused("{" DRAFT ",'status':'pending','id':'x'}",
			     "/status unknown_member, /id unknown_member");
	assert_draft_refused("{" DRAFT ",'customer':{'mail':'x'}}",
			     "/customer/mail unknown_member");
	assert_draft_refused("{'description':'x','lines':[{'name':'a',"
			     "'quantity':1,'unit_price':1,'colour':'red'}]}",
			     "/lines/0/colour unknown_member");
	assert_draft_refused("{" DRAFT ",'image':{'receipt':'r','id':'x'}}",
			     "/image/id unknown_member");
}

static void all_wrong_members_are_reported_at_once(void **state)
{
	(void)state;
	assert_draft_refused("{'descripton':'x','price':'NaN','currency':'EURO',"
			     "'customer':{'email':'a@b..c'},'notes':5,"
			     "'metadata':{'k':1},'image':'x',"
			     "'accept_mismatch':'yes'}",
			     "/descripton unknown_member, "
			     "/description required, /customer/email invalid, "
			     "/currency unknown_currency, /price not_a_number, "
			     "/notes wrong_type, /metadata/k wrong_type, "
			     "/image wrong_type, /accept_mismatch wrong_type");
}

static void no_more_than_the_first_sixteen_are_reported(void **state)
{
	struct buf body;

	(void)state;
	buf_init(&body, arena, 64 * KIB);
	buf_add_text(&body, "{" DRAFT);
	for (int i = 0; i < 40; i++)
		buf_printf(&body, ",'x%d':1", i);
	buf_add_text(&body, "}");
	error_init(&err);
	assert_false(order_from_json(&order, json(body.ptr), "EUR", arena,
				     &err));
	assert_int_equal(err.item_count, ERROR_MAX_ITEMS);
}

static void wrong_lines_are_named_by_their_place(void **state)
{
	(void)state;
	assert_draft_refused(
		"{'description':'x','lines':["
		"{'name':'a','quantity':1,'unit_price':1},"
		"{'name':'','quantity':0,'unit_price':'-1'},"
		"{'sku':'a b','quantity':1.5},"
		"'x',null,"
		"{'sku':7,'name':'a\\nb','quantity':'2','unit_price':'1.001'},"
		"{'name':null,'quantity':1000001,'unit_price':null}]}",
		"/lines/1/name too_short, /lines/1/quantity out_of_range, "
		"/lines/1/unit_price out_of_range, /lines/2/sku invalid, "
		"/lines/2/name required, /lines/2/quantity not_exact, "
		"/lines/2/unit_price required, /lines/3 wrong_type, "
		"/lines/4 wrong_type, /lines/5/sku wrong_type, "
		"/lines/5/name control_character, /lines/5/quantity wrong_type, "
		"/lines/5/unit_price not_exact, /lines/6/name required, "
		"/lines/6/quantity out_of_range, /lines/6/unit_price required");
	assert_draft_refused("{'description':'x','lines':{}}",
			     "/lines wrong_type");
	assert_draft_refused("{'description':'x','lines':[]}",
			     "/price required");
}

static void a_line_takes_whole_numbers_in_any_spelling(void **state)
{
	(void)state;
	read_draft("{'description':'x','lines':[{'name':'a','quantity':2.0,"
		   "'unit_price':'1'},{'name':'b','quantity':1e6,"
		   "'unit_price':0}]}");
	assert_int_equal(order.lines[0].quantity, 2);
	assert_int_equal(order.lines[1].quantity, 1000000);
	assert_int_equal(order.price_minor, 200);
}

static char *draft_of_lines(unsigned count, const char *line)
{
	struct buf body;

	buf_init(&body, arena, MIB);
	buf_add_text(&body, "{'description':'x','lines':[");
	for (unsigned i = 0; i < count; i++)
		buf_printf(&body, "%s%s", i ? "," : "", line);
	buf_add_text(&body, "]}");
	return body.ptr;
}

static void an_order_has_at_most_200_lines(void **state)
{
	static const char line[] =
		"{'sku':'S','name':'a','quantity':1,'unit_price':'1'}";

	(void)state;
	read_draft(draft_of_lines(LIMIT_LINES, line));
	assert_int_equal(order.price_minor, 100 * LIMIT_LINES);
	assert_draft_refused(draft_of_lines(LIMIT_LINES + 1, line),
			     "/lines too_many");
}

static void lines_must_add_up_to_something_that_can_be_paid(void **state)
{
	(void)state;
	assert_draft_refused(draft_of_lines(2, "{'name':'a','quantity':1,'unit_price':0}"),
			     "/lines out_of_range");
	assert_draft_refused(draft_of_lines(2, "{'name':'a','quantity':1000000,'unit_price':1000000000000}"),
			     "/lines out_of_range");
}

static void a_price_that_is_not_the_sum_of_the_lines_disagrees(void **state)
{
	(void)state;
	assert_draft_refused("{'description':'x','price':'120.01'," LINES "}",
			     "/price disagrees");
	assert_string_equal(err.items[0].detail,
			    "The lines add up to 120.00. Leave the price out, or write that.");
	read_draft("{'description':'x','price':null," LINES "}");
	assert_int_equal(order.price_minor, 12000);
}

static void nothing_is_added_up_where_a_line_or_the_currency_is_wrong(void **state)
{
	(void)state;
	assert_draft_refused("{'description':'x','price':5,'lines':[{'name':'a',"
			     "'quantity':0,'unit_price':1}]}",
			     "/lines/0/quantity out_of_range");
	assert_draft_refused("{'description':'x','price':'1.005',"
			     "'currency':'XYZ'}", "/currency unknown_currency");
	assert_draft_refused("{'description':'x','currency':'XYZ'}",
			     "/currency unknown_currency");
}

static void currencies_are_known_codes_in_capitals(void **state)
{
	(void)state;
	assert_draft_refused("{" DRAFT ",'currency':'eur'}",
			     "/currency unknown_currency");
	assert_draft_refused("{" DRAFT ",'currency':''}",
			     "/currency unknown_currency");
	assert_draft_refused("{" DRAFT ",'currency':978}",
			     "/currency wrong_type");
	assert_draft_refused("{" DRAFT ",'currency':'JPY'}", "/price not_exact");
	read_draft("{'description':'x','price':'1.234','currency':'KWD'}");
	assert_int_equal(order.price_minor, 1234);
}

static void a_customer_is_an_object_of_name_and_email(void **state)
{
	(void)state;
	read_draft("{" DRAFT ",'customer':{'email':'ada@example.org'}}");
	assert_int_equal(order.customer_name.len, 0);
	read_draft("{" DRAFT ",'customer':{'email':' ada@example.org\\u00a0'}}");
	assert_true(str_is(order.customer_email, "ada@example.org"));
	read_draft("{" DRAFT ",'customer':{}}");
	assert_draft_refused("{" DRAFT ",'customer':'Ada'}",
			     "/customer wrong_type");
	assert_draft_refused("{" DRAFT ",'customer':{'name':5,'email':5}}",
			     "/customer/name wrong_type, "
			     "/customer/email wrong_type");
	assert_draft_refused("{" DRAFT ",'customer':{'email':'a@b.c\\r\\nBcc: x'}}",
			     "/customer/email control_character");
	assert_draft_refused("{" DRAFT ",'customer':{'name':'Ada\\n','email':'a@b.cc\\n'}}",
			     "/customer/name control_character, "
			     "/customer/email control_character");	/* D19 */
	assert_draft_refused("{" DRAFT ",'customer':{'email':'a@b..c'}}",
			     "/customer/email invalid");
	assert_draft_refused(arena_printf(arena, "{" DRAFT ",'customer':{'name':'%0201d'}}", 0),
			     "/customer/name too_long");
	assert_draft_refused(arena_printf(arena, "{" DRAFT ",'customer':{'email':'%0260d@b.cc'}}", 0),
			     "/customer/email too_long");
}

static void invisible_characters_are_refused_and_named(void **state)
{
	(void)state;
	assert_draft_refused("{'description':'a\\u0001','price':1}",
			     "/description control_character");
	assert_string_equal(err.items[0].detail,
			    "Remove the invisible character U+0001.");
	assert_draft_refused("{'description':'a\\u202eb','price':1}",
			     "/description control_character");
	assert_draft_refused("{" DRAFT ",'customer':{'name':'A\\nB'},"
			     "'notes':'\\u0085','metadata':{'k':'\\u2028'}}",
			     "/customer/name control_character, "
			     "/notes control_character, "
			     "/metadata/k control_character");
	read_draft("{'description':'x\\nPrice: 0\\ty','price':1,"
		   "'notes':'a\\r\\nb','metadata':{'k':'a\\nb'}}");
	assert_true(str_is(order.description, "x\nPrice: 0\ty"));
	assert_true(str_is(order.notes, "a\nb"));
}

static void metadata_are_few_short_texts(void **state)
{
	struct buf body;

	(void)state;
	assert_draft_refused("{" DRAFT ",'metadata':{'a/b~':null,'':'x',"
			     "'\\u0007':'x','n':1}}",
			     "/metadata/a~1b~0 required, /metadata/ invalid, "
			     "/metadata/\a invalid, /metadata/n wrong_type");
	assert_draft_refused("{" DRAFT ",'metadata':[]}",
			     "/metadata wrong_type");
	assert_draft_refused(arena_printf(arena, "{" DRAFT ",'metadata':{'%065d':'x'}}", 0),
			     arena_printf(arena, "/metadata/%065d invalid", 0));
	assert_draft_refused(arena_printf(arena, "{" DRAFT ",'metadata':{'a':'%0501d'}}", 0),
			     "/metadata/a too_long");
	buf_init(&body, arena, 64 * KIB);
	buf_add_text(&body, "{" DRAFT ",'metadata':{'k':'v'");
	for (int i = 1; i < 50; i++)
		buf_printf(&body, ",'k%d':''", i);
	read_draft(arena_printf(arena, "%s}}", body.ptr));
	assert_int_equal(order.metadata_count, LIMIT_METADATA_MEMBERS);
	assert_draft_refused(arena_printf(arena, "%s,'k50':''}}", body.ptr),
			     "/metadata too_many");
}

static void an_image_of_a_draft_is_a_receipt(void **state)
{
	(void)state;
	assert_draft_refused("{" DRAFT ",'image':{}}",
			     "/image/receipt required");
	assert_draft_refused("{" DRAFT ",'image':{'receipt':null}}",
			     "/image/receipt wrong_type");
	assert_draft_refused("{" DRAFT ",'image':{'receipt':''}}",
			     "/image/receipt required");
	assert_draft_refused("{" DRAFT ",'image':'sha256:00'}",
			     "/image wrong_type");
	assert_draft_refused("{" DRAFT ",'accept_mismatch':1}",
			     "/accept_mismatch wrong_type");
}

static void a_description_is_read_alone_for_a_photo(void **state)
{
	struct str text;

	(void)state;
	assert_true(order_description(&text, STR("  red\r\nshoes "), arena,
				      &err));
	assert_true(str_is(text, "red\nshoes"));
	assert_false(order_description(&text, STR("\t"), arena, &err));
	assert_items("", "/description too_short");
}

/* merge patches */

static void a_patch_changes_what_it_names_and_nothing_else(void **state)
{
	struct order before;

	(void)state;
	place_draft("{" DRAFT ",'customer':{'name':'Ada','email':'a@example.org'},"
		    "'notes':'n','metadata':{'a':'1','b':'2','c':'3'}}");
	before = order;
	patch("{}");
	assert_memory_equal(&before, &order, sizeof(order));
	patch("{'description':'blue','customer':{'name':'Bob'},"
	      "'metadata':{'a':null,'b':'22','d':'4'},'status':'confirmed'}");
	assert_true(str_is(order.description, "blue"));
	assert_true(str_is(order.customer_name, "Bob"));
	assert_true(str_is(order.customer_email, "a@example.org"));
	assert_int_equal(order.metadata_count, 3);
	assert_true(str_is(order.metadata[0].key, "b"));
	assert_true(str_is(order.metadata[0].value, "22"));
	assert_true(str_is(order.metadata[1].key, "c"));
	assert_true(str_is(order.metadata[2].key, "d"));
	assert_int_equal(order.status, STATUS_CONFIRMED);
	assert_int_equal(order.price_minor, 5990);
	assert_int_equal(order.version, 1);
	/* the order before is untouched, also what it points at */
	assert_true(str_is(before.metadata[0].key, "a"));
	assert_true(str_is(before.metadata[1].value, "2"));
}

static void null_in_a_patch_removes_what_may_be_absent(void **state)
{
	(void)state;
	place_draft("{'description':'x'," LINES ",'customer':{'name':'Ada',"
		    "'email':'a@example.org'},'notes':'n','metadata':{'a':'1'}}");
	give_photo();
	patch("{'customer':{'email':null},'notes':null,'metadata':{'a':null,"
	      "'z':null},'lines':null,'image':null}");
	assert_int_equal(order.customer_email.len, 0);
	assert_true(str_is(order.customer_name, "Ada"));
	assert_int_equal(order.notes.len, 0);
	assert_non_null(order.notes.ptr);
	assert_int_equal(order.metadata_count, 0);
	assert_int_equal(order.line_count, 0);
	assert_int_equal(order.price_minor, 12000);
	assert_int_equal(order.image.id.len, 0);
	patch("{'customer':null,'metadata':null}");
	assert_int_equal(order.customer_name.len, 0);
}

static void null_in_a_patch_is_refused_where_a_value_must_be(void **state)
{
	(void)state;
	place_draft("{" DRAFT "}");
	assert_patch_refused("{'description':null,'currency':null,'price':null,"
			     "'status':null}",
			     "/description required, /currency required, "
			     "/status required");
	assert_patch_refused("{'price':null}", "/price required");
}

static void a_patch_with_a_typo_is_refused(void **state)
{
	(void)state;	/* D21 */
	place_draft("{" DRAFT "}");
	assert_patch_refused("{'price':5,'prize':6}", "/prize unknown_member");
	assert_patch_refused("{'customer':{'nmae':'x'}}",
			     "/customer/nmae unknown_member");
}

static void a_patch_that_is_no_object_is_not_json(void **state)
{
	(void)state;
	place_draft("{" DRAFT "}");
	error_init(&err);
	assert_false(order_patch(&order, json("[1]"), arena, &err));
	assert_int_equal(err.code, ERROR_NOT_JSON);
	error_init(&err);
	assert_false(order_replace(&order, json("'x'"), "EUR", arena, &err));
	assert_int_equal(err.code, ERROR_NOT_JSON);
}

static void a_patch_of_lines_sets_the_price(void **state)
{
	(void)state;
	place_draft("{" DRAFT "}");
	patch("{" LINES "}");
	assert_int_equal(order.price_minor, 12000);
	patch("{'lines':[{'name':'a','quantity':1,'unit_price':7}],'price':7}");
	assert_int_equal(order.price_minor, 700);
	patch("{'lines':[],'price':8}");
	assert_int_equal(order.price_minor, 800);
}

static void a_patch_of_the_price_must_agree_with_the_lines(void **state)
{
	(void)state;
	place_draft("{'description':'x'," LINES "}");
	assert_patch_refused("{'price':5}", "/price disagrees");
	patch("{'price':120}");
	patch("{'price':null}");
	assert_int_equal(order.price_minor, 12000);
}

static void another_scale_needs_the_amounts_anew(void **state)
{
	(void)state;
	place_draft("{" DRAFT "}");
	patch("{'currency':'USD'}");
	assert_int_equal(order.price_minor, 5990);
	assert_patch_refused("{'currency':'JPY'}", "/price required");
	assert_patch_refused("{'currency':'JPY','price':'59.90'}",
			     "/price not_exact");
	patch("{'currency':'JPY','price':9000}");
	assert_int_equal(order.price_minor, 9000);

	place_draft("{'description':'x'," LINES "}");
	assert_patch_refused("{'currency':'JPY'}", "/lines required");
	assert_patch_refused("{'currency':'JPY','price':'120'}",
			     "/lines required");
	assert_patch_refused("{'currency':'JPY','lines':null}",
			     "/price required");
	patch("{'currency':'JPY','lines':null,'price':5}");
	assert_int_equal(order.price_minor, 5);
	assert_string_equal(order.currency, "JPY");
}

static void a_patch_that_does_not_touch_amounts_keeps_them(void **state)
{
	(void)state;
	place_draft("{'description':'x','currency':'KWD','lines':[{'name':'a',"
		    "'quantity':3,'unit_price':'0.333'}]}");
	patch("{'notes':'x'}");
	assert_int_equal(order.price_minor, 999);
}

static void metadata_may_not_grow_by_patches_over_the_limit(void **state)
{
	struct buf body;

	(void)state;
	place_draft("{" DRAFT ",'metadata':{'k':'v'}}");
	buf_init(&body, arena, 64 * KIB);
	buf_add_text(&body, "{'metadata':{'x':'v'");
	for (int i = 1; i < 50; i++)
		buf_printf(&body, ",'k%d':''", i);
	buf_add_text(&body, "}}");
	assert_patch_refused(body.ptr, "/metadata too_many");
}

static void an_unknown_status_is_refused(void **state)
{
	(void)state;
	place_draft("{" DRAFT "}");
	assert_patch_refused("{'status':'Confirmed'}", "/status invalid");
	assert_patch_refused("{'status':1}", "/status wrong_type");
}

/* photos of stored orders */

static void a_photo_is_kept_when_it_is_sent_back_as_read(void **state)
{
	struct order_image image;

	(void)state;
	place_draft("{" DRAFT "}");
	give_photo();
	image = order.image;
	patch("{'image':{'url':'http://elsewhere','id':'sha256:ab',"
	      "'confidence':0.970,'media_type':'image/png','verdict':'match',"
	      "'labels':[{'confidence':0.97,'name':'Shoe'}],'model':'m1',"
	      "'accepted_by_user':false}}");
	assert_memory_equal(&image, &order.image, sizeof(image));
	replace(as_read());
	assert_memory_equal(&image, &order.image, sizeof(image));
}

static void a_photo_cannot_be_changed_by_hand(void **state)
{
	(void)state;
	place_draft("{" DRAFT "}");
	give_photo();
	assert_patch_refused("{'image':{'id':'sha256:ac','media_type':'image/png',"
			     "'verdict':'match','confidence':0.97,'labels':"
			     "[{'name':'Shoe','confidence':0.97}],'model':'m1',"
			     "'accepted_by_user':false}}", "/image read_only");
	assert_patch_refused("{'image':{'id':'sha256:ab','media_type':'image/png',"
			     "'verdict':'match','confidence':0.97,'labels':"
			     "[{'name':'Shoe','confidence':0.97}],'model':'m1',"
			     "'accepted_by_user':true}}", "/image read_only");
	assert_patch_refused("{'image':{'accepted_by_user':true}}",
			     "/image read_only");
	assert_patch_refused("{'image':{'id':'sha256:ab','receipt':'r'}}",
			     "/image read_only");
	assert_patch_refused("{'image':{'size':1}}", "/image/size unknown_member");
	assert_patch_refused("{'image':5}", "/image wrong_type");
	assert_patch_refused("{'image':{'receipt':5}}",
			     "/image/receipt wrong_type");
}

static void a_photo_cannot_be_given_by_hand(void **state)
{
	(void)state;
	place_draft("{" DRAFT "}");
	assert_patch_refused("{'image':{'id':'sha256:ab'}}",
			     "/image/id unknown_member");
	assert_patch_refused("{'image':{}}", "/image/receipt required");
}

static void a_receipt_replaces_the_photo(void **state)
{
	(void)state;
	place_draft("{" DRAFT "}");
	patch("{'image':{'receipt':'new'},'accept_mismatch':true}");
	assert_true(str_is(order.receipt, "new"));
	assert_true(order.accept_mismatch);
	patch("{'notes':'x'}");
	assert_null(order.receipt.ptr);
	assert_false(order.accept_mismatch);
	give_photo();
	replace("{" DRAFT ",'image':{'receipt':'newer'}}");
	assert_true(str_is(order.receipt, "newer"));
}

/* replacements */

static void a_replacement_has_all_that_a_draft_has(void **state)
{
	char id[ORDER_ID_BYTES];

	(void)state;
	place_draft("{'description':'x'," LINES ",'customer':{'name':'Ada'},"
		    "'currency':'USD','notes':'n','metadata':{'a':'1'}}");
	give_photo();
	memcpy(id, order.id, sizeof(id));
	order.status = STATUS_SHIPPED;
	replace("{" DRAFT "}");
	assert_string_equal(order.id, id);
	assert_int_equal(order.version, 1);
	assert_int_equal(order.created_ms, NOW_MS);
	assert_int_equal(order.status, STATUS_SHIPPED);
	assert_string_equal(order.currency, "EUR");
	assert_int_equal(order.price_minor, 5990);
	assert_int_equal(order.line_count, 0);
	assert_int_equal(order.customer_name.len, 0);
	assert_int_equal(order.metadata_count, 0);
	assert_int_equal(order.notes.len, 0);
	assert_int_equal(order.image.id.len, 0);
	replace("{" DRAFT ",'status':'delivered'}");
	assert_int_equal(order.status, STATUS_DELIVERED);
	assert_replace_refused("{'price':5}", "/description required");
	assert_replace_refused("{" DRAFT ",'prize':5}", "/prize unknown_member");
	assert_replace_refused("{" DRAFT ",'metadata':{'a':null}}",
			       "/metadata/a required");
}

static void what_was_read_can_be_sent_back(void **state)
{
	struct str before, after;

	(void)state;
	place_draft("{'description':'x'," LINES ",'customer':{'name':'Ada'},"
		    "'currency':'USD','notes':'n','metadata':{'a':'1'}}");
	before = str_from(as_read());
	replace(before.ptr);
	after = str_from(as_read());
	assert_true(str_eq(before, after));
	place_draft("{" DRAFT "}");
	give_photo();
	before = str_from(as_read());
	replace(before.ptr);
	patch(before.ptr);
	after = str_from(as_read());
	assert_true(str_eq(before, after));
}

static void read_only_members_may_not_change(void **state)
{
	(void)state;
	place_draft("{" DRAFT "}");
	assert_replace_refused("{" DRAFT ",'id':'x','version':2,"
			       "'created_at':'2026-11-24T00:00:00Z',"
			       "'updated_at':null}",
			       "/id read_only, /version read_only, "
			       "/created_at read_only, /updated_at read_only");
	assert_patch_refused("{'version':'1'}", "/version read_only");
	assert_patch_refused("{'version':null}", "/version read_only");
}

static void a_member_that_is_absent_is_asked_for(void **state)
{
	(void)state;
	assert_draft_refused("{'description':'x','lines':[{'quantity':1,"
			     "'unit_price':'1'}]}", "/lines/0/name required");
	assert_string_equal(err.items[0].detail, "Give a name.");
	assert_draft_refused("{'description':'x','lines':[{'name':5,"
			     "'quantity':1,'unit_price':'1'}]}",
			     "/lines/0/name wrong_type");
	assert_string_equal(err.items[0].detail, "Write a name as text.");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_smallest_draft_is_a_description_and_a_price),
		TEST(every_member_is_read),
		TEST(the_price_is_the_clients_or_the_sum_of_the_lines),
		TEST(optional_members_may_be_null_or_empty),
		TEST(a_missing_or_null_description_is_refused),
		TEST(a_description_has_at_most_500_characters),
		TEST(a_price_must_be_an_exact_number_above_0),
		TEST(a_body_that_is_no_object_is_not_json),
		TEST(unknown_members_are_refused_wherever_they_are),
		TEST(all_wrong_members_are_reported_at_once),
		TEST(no_more_than_the_first_sixteen_are_reported),
		TEST(wrong_lines_are_named_by_their_place),
		TEST(a_line_takes_whole_numbers_in_any_spelling),
		TEST(a_member_that_is_absent_is_asked_for),
		TEST(an_order_has_at_most_200_lines),
		TEST(lines_must_add_up_to_something_that_can_be_paid),
		TEST(a_price_that_is_not_the_sum_of_the_lines_disagrees),
		TEST(nothing_is_added_up_where_a_line_or_the_currency_is_wrong),
		TEST(currencies_are_known_codes_in_capitals),
		TEST(a_customer_is_an_object_of_name_and_email),
		TEST(invisible_characters_are_refused_and_named),
		TEST(metadata_are_few_short_texts),
		TEST(an_image_of_a_draft_is_a_receipt),
		TEST(a_description_is_read_alone_for_a_photo),
		TEST(a_patch_changes_what_it_names_and_nothing_else),
		TEST(null_in_a_patch_removes_what_may_be_absent),
		TEST(null_in_a_patch_is_refused_where_a_value_must_be),
		TEST(a_patch_with_a_typo_is_refused),
		TEST(a_patch_that_is_no_object_is_not_json),
		TEST(a_patch_of_lines_sets_the_price),
		TEST(a_patch_of_the_price_must_agree_with_the_lines),
		TEST(another_scale_needs_the_amounts_anew),
		TEST(a_patch_that_does_not_touch_amounts_keeps_them),
		TEST(metadata_may_not_grow_by_patches_over_the_limit),
		TEST(an_unknown_status_is_refused),
		TEST(a_photo_is_kept_when_it_is_sent_back_as_read),
		TEST(a_photo_cannot_be_changed_by_hand),
		TEST(a_photo_cannot_be_given_by_hand),
		TEST(a_receipt_replaces_the_photo),
		TEST(a_replacement_has_all_that_a_draft_has),
		TEST(what_was_read_can_be_sent_back),
		TEST(read_only_members_may_not_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
