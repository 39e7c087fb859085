/*
 * match_evidence.c: "The photo shows a cup (96 %); you wrote “a cup of
 * coffee”."
 */
#include "recognition/match_evidence.h"

#include <ctype.h>

#include "base/banned.h"

#define MAX_EVIDENCE_BYTES 1200u
#define MAX_QUOTED_BYTES 240u
#define MAX_NAMED 3u

static const struct {
	const char *reason, *words;
} reasons[] = {
	{ "no_model",
	  "The photo was not looked at: no recogniser is installed." },
	{ "no_wordnet",
	  "The photo was not compared: the dictionary is not installed." },
	{ "language",
	  "The photo was not compared: the description does not seem to be in English." },
	{ "outside_vocabulary",
	  "The photo was not compared: the recogniser does not know the thing that the description names." },
	{ "unsupported_format",
	  "The photo was not looked at: it is of a kind that the recogniser does not read." },
	{ "too_large",
	  "The photo was not looked at: it is too large for the recogniser." },
	{ "decode_failed",
	  "The photo was not looked at: its file is damaged." },
	{ "timeout",
	  "The photo was not looked at: the recogniser took too long." },
	{ "service_failed",
	  "The photo was not looked at: the recogniser could not be reached." },
};

void match_not_checked(const char *reason, struct match *ret)
{
	*ret = (struct match){
		.verdict = VERDICT_NOT_CHECKED,
		.confidence_permille = -1,
		.reason = reason,
		.evidence = STR("The photo was not looked at."),
		.label = STR(""),
		.why = "",
	};
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (!strcmp(reasons[i].reason, reason))
			ret->evidence = str_from(reasons[i].words);
}

/* "Coffee Cup" of a service is "coffee cup" here; "TV" stays. */
static struct str plain_name(struct str name, struct arena *arena)
{
	char *text = arena_text(arena, name);
	bool begins = true, title = true;

	for (size_t i = 0; i < name.len; i++) {
		title &= !isalpha((unsigned char)text[i]) ||
			 !!isupper((unsigned char)text[i]) == begins;
		begins = text[i] == ' ';
	}
	for (size_t i = 0; title && i < name.len; i++)
		text[i] = (char)tolower((unsigned char)text[i]);
	return (struct str){ text, name.len };
}

/* "a cup", "an umbrella", "scissors". */
static void add_thing(struct buf *to, struct str name)
{
	static const char *const uncounted[] = {
		"accessories", "art", "beverage", "broccoli", "clothing",
		"coffee", "electronics", "food", "footwear", "fruit",
		"furniture", "hair", "hardware", "jewelry", "pottery", "produce",
	};
	bool counted = name.len && name.ptr[name.len - 1] != 's' &&
		       islower((unsigned char)name.ptr[0]);

	for (size_t i = 0; i < ARRAY_LEN(uncounted); i++)
		if (str_is(name, uncounted[i]))
			counted = false;
	if (counted || str_is(name, "bus"))
		buf_add_text(to, strchr("aeiou", name.ptr[0]) ? "an " : "a ");
	buf_add_str(to, name);
}

static void add_label(struct buf *to, const struct match_label *label)
{
	add_thing(to, plain_name(label->name, to->arena));
	buf_printf(to, " (%d %%)", (label->confidence_permille + 5) / 10);
}

static bool is_among(const struct match_label *label,
		     const struct match_label **named, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(named[i]->name, label->name))
			return true;
	return false;
}

/* The label that decided, then the surest others, each name once. */
static size_t choose_named(const struct match *match,
			   const struct match_label *labels, size_t count,
			   const struct match_label *named[MAX_NAMED])
{
	size_t chosen = 0;

	for (size_t i = 0; i < count && !chosen; i++)
		if (str_eq(labels[i].name, match->label) &&
		    labels[i].confidence_permille ==
			    match->confidence_permille)
			named[chosen++] = &labels[i];
	while (chosen < MAX_NAMED) {
		const struct match_label *next = NULL;

		for (size_t i = 0; i < count; i++)
			if (!is_among(&labels[i], named, chosen) &&
			    (!next || labels[i].confidence_permille >
					      next->confidence_permille))
				next = &labels[i];
		if (!next || next->confidence_permille < 500)
			break;
		named[chosen++] = next;
	}
	return chosen;
}

static void add_seen(struct buf *to, const struct match *match,
		     const struct match_label *labels, size_t count)
{
	const struct match_label *named[MAX_NAMED];
	size_t chosen = choose_named(match, labels, count, named);

	if (!chosen) {
		buf_add_text(to, "Nothing in the photo could be told for sure");
		return;
	}
	buf_add_text(to, match->reason && !strcmp(match->reason, "unclear")
				 ? "The photo may show "
				 : "The photo shows ");
	for (size_t i = 0; i < chosen; i++) {
		if (i)
			buf_add_text(to, i + 1 < chosen ? ", " : " and ");
		add_label(to, named[i]);
	}
}

/* Cut at a whole character. */
static void add_quoted(struct buf *to, struct str text)
{
	size_t len = 0, bytes;

	text = str_trim(text);
	while (len < text.len) {
		bytes = utf8_sequence((struct str){ text.ptr + len,
						    text.len - len });
		if (!bytes || len + bytes > MAX_QUOTED_BYTES)
			break;
		len += bytes;
	}
	buf_add_text(to, "“");
	buf_add_str(to, (struct str){ text.ptr, len });
	buf_add_text(to, len < text.len ? "…”" : "”");
}

void match_evidence(struct match *match, struct str description,
		    const struct match_label *labels, size_t count,
		    struct arena *arena)
{
	struct match words;
	struct buf text;

	if (match->verdict == VERDICT_NOT_CHECKED) {
		match_not_checked(match->reason, &words);
		match->evidence = words.evidence;
		return;
	}
	buf_init(&text, arena, MAX_EVIDENCE_BYTES);
	add_seen(&text, match, labels, count);
	buf_add_text(&text, match->verdict == VERDICT_MISMATCH
				    ? ", but you wrote "
				    : "; you wrote ");
	add_quoted(&text, description);
	buf_add_char(&text, '.');
	match->evidence = buf_str(&text);
	if (match->verdict == VERDICT_MISMATCH)
		match->warning = match->evidence;
}
