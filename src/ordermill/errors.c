/*
 * errors.c: `ordermill errors` prints every problem type (RFC 9457) that the
 * API answers with: docs/ERRORS.md and www/problems.html are its output.
 */
#include <getopt.h>

#include "base/buf.h"
#include "ordermill/ordermill.h"

#include "base/banned.h"

struct advice {
	const char *meaning;
	const char *cure;
};

static const struct advice advice[ERROR_CODE_COUNT] = {
	[ERROR_BAD_REQUEST] = {
		"The request breaks a rule of HTTP or of this API, for example "
		"a malformed If-Match or Idempotency-Key.",
		"Read the detail and correct the request. Sending it again as "
		"it is gives the same answer." },
	[ERROR_NOT_JSON] = {
		"The body is not JSON by RFC 8259, not UTF-8, has a name twice "
		"in one object, or is not an object at all.",
		"The detail names line and column. Let a JSON library write "
		"the body." },
	[ERROR_BAD_CURSOR] = {
		"The cursor was changed, or was made for another filter or "
		"order.",
		"Start again without a cursor, and take `next` and `prev` as "
		"they come." },
	[ERROR_BAD_PARAMETER] = {
		"A query parameter is unknown, given twice, or has a value "
		"that it cannot have.",
		"The detail names the parameter and what it takes." },
	[ERROR_UNAUTHENTICATED] = {
		"There is no token, or it is not known, or it was revoked.",
		"Send `Authorization: Bearer TOKEN`. An operator makes one "
		"with `ordermill token add NAME`." },
	[ERROR_FORBIDDEN] = {
		"The token is good but lacks the scope that the detail names.",
		"Ask the operator for a token with that scope." },
	[ERROR_FORGED] = {
		"The event's signature, topic or type is not that of the "
		"configured topic.",
		"It did not come from there, and is not delivered again. See "
		"the log for what was wrong with it." },
	[ERROR_BAD_LINK] = {
		"The link to a photo or report was changed, or its time is "
		"over.",
		"Ask for a new one: read the order, or draw the report again." },
	[ERROR_NOT_FOUND] = {
		"No route has this path, or nothing with this id was ever "
		"there.",
		"Check the path and the id." },
	[ERROR_GONE] = {
		"The order was deleted. Its archive entry is named in the Link "
		"header.",
		"Read the archive entry; an operator can put the order back "
		"with `ordermill restore ID`." },
	[ERROR_METHOD_NOT_ALLOWED] = {
		"The path exists, the method does not.",
		"The Allow header lists the methods." },
	[ERROR_NOT_ACCEPTABLE] = {
		"Nothing that the route offers fits the Accept header.",
		"Ask for `application/json`, or leave Accept out." },
	[ERROR_CONFLICT] = {
		"What was asked for does not fit what is stored.",
		"Read the order, decide again, repeat." },
	[ERROR_ILLEGAL_STATUS] = {
		"An order goes from pending to confirmed, shipped and "
		"delivered, and can be cancelled until it is shipped. Nothing "
		"goes back.",
		"The detail lists the statuses that are legal now." },
	[ERROR_MISMATCH] = {
		"The photo was recognised and does not show what the "
		"description says.",
		"Correct the description or the photo, or confirm with "
		"`\"accept_mismatch\": true`." },
	[ERROR_IN_PROGRESS] = {
		"The first request with this Idempotency-Key has not been "
		"answered yet.",
		"Wait a moment and send the same again." },
	[ERROR_LENGTH_REQUIRED] = {
		"The request has a body without a Content-Length.",
		"Send the length." },
	[ERROR_CHANGED] = {
		"Somebody else changed the order after it was read.",
		"Read it again (the ETag header has its version), look at what "
		"changed, repeat with the new If-Match." },
	[ERROR_TOO_LARGE] = {
		"JSON bodies may have 64 KiB, photos 10 MiB.",
		"Send less." },
	[ERROR_URI_TOO_LONG] = {
		"The path and the query are too long.",
		"Use fewer or shorter filters." },
	[ERROR_UNSUPPORTED_TYPE] = {
		"The body has a media type that this route does not take.",
		"The Accept-Post or Accept-Patch header lists those it takes." },
	[ERROR_INVALID] = {
		"The body is well-formed, but members are missing, unknown or "
		"wrong.",
		"`errors` names each place by a JSON pointer, with a code and "
		"words." },
	[ERROR_KEY_REUSED] = {
		"This Idempotency-Key came with another body within the last "
		"24 hours.",
		"Use a new key for a new request." },
	[ERROR_PRECONDITION_REQUIRED] = {
		"This desk takes changes only with an If-Match.",
		"Read the order and send its ETag as If-Match." },
	[ERROR_TOO_MANY] = {
		"More requests came from this address than the desk takes.",
		"Wait as long as Retry-After says." },
	[ERROR_INTERNAL] = {
		"The fault is ours. It was logged.",
		"Try again; if it stays, give the operator the trace_id." },
	[ERROR_UNAVAILABLE] = {
		"The desk is busy, or something it stands on (database, "
		"archive) does not answer.",
		"Wait as long as Retry-After says and send the same again, "
		"best with an Idempotency-Key: with it nothing is stored "
		"twice." },
};

/* The page's own, so that no browser asks for one (see www/index.html). */
#define ICON \
	"<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns=" \
	"'http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect" \
	" width='32' height='32' rx='8' fill='%230f6674'/%3E%3Cpath" \
	" d='M9 10h14M9 16h14M9 22h8' stroke='%23fff' stroke-width=" \
	"'3' stroke-linecap='round'/%3E%3C/svg%3E\">\n"

/* `code` in the texts above becomes <code>code</code>. */
static void print_html_text(struct arena *arena, const char *text)
{
	struct str rest = str_from(text), part;
	bool code = false;

	while (str_next(&rest, '`', &part)) {
		struct buf escaped;

		buf_init(&escaped, arena, 16 * KIB);
		buf_add_html(&escaped, part);
		if (code)
			printf("<code>%.*s</code>", STR_ARG(buf_str(&escaped)));
		else
			printf("%.*s", STR_ARG(buf_str(&escaped)));
		code = !code;
	}
}

static void print_html_kind(struct arena *arena, const struct error_kind *kind)
{
	printf("\n<section id=\"%s\">\n<h2><a href=\"#%s\">", kind->slug,
	       kind->slug);
	print_html_text(arena, kind->title);
	printf("</a></h2>\n"
	       "<p class=\"type\"><code>/problems/%s</code> "
	       "<span class=\"status\">%d</span></p>\n<p>", kind->slug,
	       kind->status);
	print_html_text(arena, advice[kind->code].meaning);
	printf("</p>\n<p class=\"cure\"><b>What to do:</b> ");
	print_html_text(arena, advice[kind->code].cure);
	printf("</p>\n</section>\n");
}

static void print_html(struct arena *arena)
{
	fputs("<!DOCTYPE html>\n"
	      "<!-- Made by `ordermill errors --format=html`. -->\n"
	      "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, "
	      "initial-scale=1\">\n"
	      "<title>Problems and what to do</title>\n"
	      ICON
	      "<link rel=\"stylesheet\" href=\"/problems.css\">\n"
	      "<script type=\"module\" src=\"/problems.js\"></script>\n"
	      "</head>\n<body>\n<main>\n"
	      "<h1>Problems and what to do</h1>\n"
	      "<p>An answer that is not a success is a "
	      "<a href=\"https://www.rfc-editor.org/rfc/rfc9457\">problem "
	      "document</a>: its <code>type</code> is one of these, its "
	      "<code>detail</code> says what is wrong here, and its "
	      "<code>trace_id</code> finds it in the log.</p>\n<nav>\n<ul>\n",
	      stdout);
	for (enum error_code i = ERROR_NONE + 1; i < ERROR_CODE_COUNT; i++)
		printf("<li><a href=\"#%s\">%s</a></li>\n",
		       error_kind(i)->slug, error_kind(i)->slug);
	puts("</ul>\n</nav>");
	for (enum error_code i = ERROR_NONE + 1; i < ERROR_CODE_COUNT; i++)
		print_html_kind(arena, error_kind(i));
	puts("\n</main>\n</body>\n</html>");
}

static void print_markdown(void)
{
	puts("<!-- Made by `ordermill errors --format=markdown`. -->\n"
	     "# Problems and what to do\n\n"
	     "An answer that is not a success is a problem document (RFC 9457, "
	     "`application/problem+json`).\nIts `type` is `/problems/` and one "
	     "of these names; `detail` says what is wrong here, `errors`\n"
	     "(with 422) names each place, and `trace_id` finds it in the "
	     "log.\n\n"
	     "| status | type | title | meaning | what to do |\n"
	     "| --- | --- | --- | --- | --- |");
	for (enum error_code i = ERROR_NONE + 1; i < ERROR_CODE_COUNT; i++)
		printf("| %d | `%s` | %s | %s | %s |\n", error_kind(i)->status,
		       error_kind(i)->slug, error_kind(i)->title,
		       advice[i].meaning, advice[i].cure);
}

int command_errors(struct desk *desk, int argc, char **argv)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, 'f' },
		{ 0 },
	};
	const char *format = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'f')
			return EXIT_USAGE;
		format = optarg;
	}
	if (optind != argc || !format)
		return EXIT_USAGE;
	if (!strcmp(format, "markdown"))
		print_markdown();
	else if (!strcmp(format, "html"))
		print_html(desk->arena);
	else
		return EXIT_USAGE;
	return EXIT_GOOD;
}
