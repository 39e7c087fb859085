/*
 * match.c: `ordermill match`: what the desk would say of a photo with these
 * labels, and why.
 */
#include "ordermill/ordermill.h"
#include "recognition/known_labels.h"
#include "recognition/matcher.h"

#include "base/banned.h"

struct wanted {
	const char *wordnet;
	struct str description;
	struct match_label labels[MATCH_MAX_LABELS];
	size_t count;
	bool coco;
};

/* "cup", "cup=.96", "cup=96", "cup=0.96" */
static bool read_label(struct match_label *label, struct str text)
{
	const char *sign = memrchr(text.ptr, '=', text.len);
	char *end;
	double confidence;

	*label = (struct match_label){ .name = text,
				       .confidence_permille = 1000 };
	if (!sign)
		return text.len > 0;
	label->name.len = (size_t)(sign - text.ptr);
	confidence = strtod(sign + 1, &end);
	if (end == sign + 1 || *end || !(confidence >= 0 && confidence <= 100))
		return false;
	label->confidence_permille =
		(int)(confidence * (confidence > 1 ? 10 : 1000) + .5);
	return label->name.len > 0;
}

static struct str *read_list(struct str text, struct arena *arena,
			     size_t *count)
{
	struct str *ret = arena_alloc(arena, (text.len + 1) * sizeof(*ret));

	while (str_next(&text, ',', &ret[*count]))
		(*count)++;
	return ret;
}

static bool read_option(struct wanted *wanted, const char *name,
			const char *value, struct arena *arena)
{
	struct match_label *last = wanted->count
					   ? &wanted->labels[wanted->count - 1]
					   : NULL;

	if (!value)
		return false;
	if (!strcmp(name, "--wordnet"))
		wanted->wordnet = value;
	else if (!strcmp(name, "--parents") && last)
		last->parents = read_list(str_from(value), arena,
					  &last->parent_count);
	else if (!strcmp(name, "--aliases") && last)
		last->aliases = read_list(str_from(value), arena,
					  &last->alias_count);
	else
		return false;
	return true;
}

static bool read_arguments(struct wanted *wanted, int argc, char **argv,
			   struct arena *arena)
{
	for (int i = 1; i < argc; i++) {
		struct str text = str_from(argv[i]);

		if (!strcmp(argv[i], "--coco"))
			wanted->coco = true;
		else if (str_starts(text, STR("--"))) {
			if (!read_option(wanted, argv[i], argv[i + 1], arena))
				return false;
			i++;
		} else if (!wanted->description.ptr)
			wanted->description = text;
		else if (wanted->count == MATCH_MAX_LABELS ||
			 !read_label(&wanted->labels[wanted->count++], text))
			return false;
	}
	return wanted->description.ptr && utf8_valid(wanted->description);
}

static uint32_t coco_synset(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(coco_labels); i++)
		if (str_is(name, coco_labels[i].name))
			return coco_labels[i].synset;
	return 0;
}

static void print_match(const struct match *match)
{
	printf("%s%s%s\nscore %.2f", verdict_name(match->verdict),
	       match->reason[0] ? " " : "", match->reason,
	       match->score_permille / 1000.0);
	if (match->label.len)
		printf(", by %.*s (%.2f)", STR_ARG(match->label),
		       match->confidence_permille / 1000.0);
	if (match->why[0])
		printf(": %s", match->why);
	printf("\n%.*s\n", STR_ARG(match->evidence));
}

int command_match(struct desk *desk, int argc, char **argv)
{
	struct wanted *wanted = arena_zalloc(desk->arena, sizeof(*wanted));
	uint32_t synsets[ARRAY_LEN(coco_labels)];
	struct match_vocabulary vocabulary = { synsets, 0 };
	struct matcher *matcher;
	struct match match;

	wanted->wordnet = "/usr/share/wordnet";
	if (!read_arguments(wanted, argc, argv, desk->arena))
		return EXIT_USAGE;
	for (size_t i = 0; wanted->coco && i < ARRAY_LEN(coco_labels); i++)
		synsets[vocabulary.count++] = coco_labels[i].synset;
	for (size_t i = 0; wanted->coco && i < wanted->count; i++) {
		wanted->labels[i].synset = coco_synset(wanted->labels[i].name);
		if (!wanted->labels[i].synset)
			return say_failed("%.*s: COCO has no such label",
					  STR_ARG(wanted->labels[i].name));
	}
	matcher = matcher_open(wanted->wordnet);
	if (matcher_fault(matcher))
		say_failed("%s", matcher_fault(matcher));
	matcher_match(matcher, wanted->description, wanted->labels,
		      wanted->count, &vocabulary, desk->arena, &match);
	print_match(&match);
	matcher_close(matcher);
	return EXIT_GOOD;
}
