/*
 * request_parameters_fuzz.c: query strings of arbitrary bytes.
 *
 * What is accepted is within its limits, and a cursor made for it continues it;
 * what is refused says why. The search text never makes an open quote.
 */
#include <stdlib.h>

#include "base/form.h"
#include "base/limits.h"
#include "order/order_query.h"
#include "order/search.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const struct str secret = { "0123456789abcdef0123456789abcdef", 32 };

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_search(struct str text, struct arena *arena)
{
	struct buf folded, question;
	size_t quotes = 0;
	bool any;

	buf_init(&folded, arena, 64 * KIB);
	buf_init(&question, arena, 64 * KIB);
	search_fold(text, &folded);
	any = search_fts5_query(text, &question);
	require(utf8_valid(buf_str(&folded)) && utf8_valid(buf_str(&question)));
	require(any == (folded.len > 0) && any == (question.len > 0));
	for (size_t i = 0; i < question.len; i++) {
		quotes += question.ptr[i] == '"';
		require(!strchr("():^-+{}", question.ptr[i]));
	}
	require(quotes % 2 == 0);
}

static void check_accepted(const struct order_query *query, struct str text,
			   struct arena *arena)
{
	struct order_query again;
	struct error err;
	struct buf next;

	require(query->limit >= 1 && query->limit <= LIMIT_PAGE);
	if (query->search.ptr)
		check_search(query->search, arena);
	if (query->has_position)
		return; /* the name cursor is taken */
	buf_init(&next, arena, 64 * KIB);
	buf_add_text(&next, "cursor=");
	order_query_cursor(query, secret, true, -5,
			   "0193a5c0-0000-7000-8000-00000000000a", &next);
	buf_add_char(&next, '&');
	buf_add_str(&next, text);
	error_init(&err);
	if (!order_query_parse(&again, buf_str(&next), "EUR", secret, arena,
			       &err))
		/* a 33rd pair, or an empty cursor= that is now a second one */
		require(err.code == ERROR_BAD_PARAMETER);
	else
		require(again.has_position && again.backwards &&
			again.position_value == -5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static struct arena *arena;
	struct str text = { bytes ? (const char *)data : "", bytes }, value;
	struct order_query query;
	struct error err;

	if (!arena)
		arena = arena_new("request_parameters_fuzz",
				  LIMIT_REQUEST_ARENA_BYTES);
	arena_reset(arena);
	if (bytes > LIMIT_FORM_BODY_BYTES)
		return 0;
	error_init(&err);
	if (form_parameter(text, "q", arena, &value, &err))
		require(utf8_valid(value));
	else
		require(err.code == ERROR_BAD_PARAMETER);
	if (utf8_valid(text))
		check_search(text, arena);
	error_init(&err);
	if (order_query_parse(&query, text, "EUR", secret, arena, &err))
		check_accepted(&query, text, arena);
	else
		require((err.code == ERROR_BAD_PARAMETER ||
			 err.code == ERROR_BAD_CURSOR) &&
			utf8_valid(str_from(err.detail)));
	return 0;
}
