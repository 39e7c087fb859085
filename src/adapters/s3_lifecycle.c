/*
 * s3_lifecycle.c: the bucket's lifecycle rules as packaging/aws/template.yaml
 * has them: reports go after a month, and so do old versions in time.
 *
 * One call replaces all rules of a bucket: ours are put behind what is there,
 * as it was read. Objects that a rule took are gone: where the bucket has a
 * rule of its own for the same, that one decides.
 */
#include "adapters/s3.h"
#include "aws/aws_xml.h"
#include "base/buf.h"

#include "base/banned.h"

#define ROOT "LifecycleConfiguration"
#define QUERY "lifecycle="
#define MORE_MAX_BYTES (2u * KIB)	/* our rules */

/* Without it a PUT sets AWS's default anew. */
#define TRANSITION_SIZE STR("x-amz-transition-default-minimum-object-size")

static const struct rule {
	const char *id, *prefix;
	const char *decides;	/* its element that a rule beside may have */
	const char *days, *noncurrent_days, *abort_days;	/* or "" */
} rules[] = {
	{ "reports", "reports/", "Expiration", "30", "1", "" },
	{ "old-versions", "", "NoncurrentVersionExpiration", "", "90", "1" },
};

enum state {
	THERE,
	MISSING,
	CHANGED,	/* one of this id is another */
	DECIDED,	/* by a rule of the bucket's own */
};

struct lifecycle {
	bool known;			/* the engine has such a thing */
	const struct aws_xml *root;	/* NULL without any rule */
	struct str text, transition_size;
};

/* --- what is there ------------------------------------------------------- */

/* An engine that does not know the query may answer anything, its list of
 * objects among it. */
static bool parse(struct lifecycle *ret, const struct aws_answer *answer,
		  struct arena *arena)
{
	const struct aws_xml *root;
	struct error ignored;

	error_init(&ignored);
	if (!aws_xml_parse(&root, answer->body, arena, &ignored) ||
	    !str_is(root->name, ROOT))
		return false;
	if (!root->child)
		return true;
	ret->root = root;
	ret->text = answer->body;
	ret->transition_size = aws_answer_header(answer, TRANSITION_SIZE);
	return true;
}

static bool read_lifecycle(struct s3 *s3, struct lifecycle *ret,
			   struct arena *arena, struct error *err)
{
	struct aws_answer answer;

	*ret = (struct lifecycle){ 0 };
	if (!s3_bucket_call(s3, STR("GET"), QUERY, STR(""), NULL, arena,
			    &answer, err))
		return false;
	ret->known = str_is(answer.error_code,
			    "NoSuchLifecycleConfiguration") ||
		     (answer.status == 200 && parse(ret, &answer, arena));
	return true;
}

/* --- rules --------------------------------------------------------------- */

static const struct aws_xml *first_rule(const struct lifecycle *lifecycle)
{
	return aws_xml_child(lifecycle->root, "Rule");
}

static bool is_enabled(const struct aws_xml *rule)
{
	return str_is(aws_xml_text(rule, "Status"), "Enabled");
}

/* Of all three forms that rules have had. */
static struct str prefix_of(const struct aws_xml *rule)
{
	const struct aws_xml *filter = aws_xml_child(rule, "Filter");
	struct str prefix = aws_xml_text(rule, "Prefix");

	if (!prefix.len)
		prefix = aws_xml_text(filter, "Prefix");
	if (!prefix.len)
		prefix = aws_xml_text(aws_xml_child(filter, "And"), "Prefix");
	return prefix;
}

static bool is_for_prefix_alone(const struct aws_xml *rule)
{
	const struct aws_xml *filter = aws_xml_child(rule, "Filter");
	const struct aws_xml *first = filter ? filter->child : NULL;

	return !first || (str_is(first->name, "Prefix") && !first->next);
}

static bool has(const struct aws_xml *rule, const char *action,
		const char *unit, const char *days)
{
	return str_is(aws_xml_text(aws_xml_child(rule, action), unit), days);
}

static bool is_same(const struct aws_xml *rule, const struct rule *wanted)
{
	return is_enabled(rule) && is_for_prefix_alone(rule) &&
	       str_is(prefix_of(rule), wanted->prefix) &&
	       has(rule, "Expiration", "Days", wanted->days) &&
	       has(rule, "NoncurrentVersionExpiration", "NoncurrentDays",
		   wanted->noncurrent_days) &&
	       has(rule, "AbortIncompleteMultipartUpload",
		   "DaysAfterInitiation", wanted->abort_days);
}

static bool is_ours(const struct aws_xml *rule)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (str_is(aws_xml_text(rule, "ID"), rules[i].id))
			return true;
	return false;
}

/* A delete marker is no object. */
static bool decides(const struct aws_xml *rule, const struct rule *wanted)
{
	const struct aws_xml *action = aws_xml_child(rule, wanted->decides);
	struct str theirs = prefix_of(rule), ours = str_from(wanted->prefix);

	return is_enabled(rule) && action &&
	       !aws_xml_child(action, "ExpiredObjectDeleteMarker") &&
	       (str_starts(theirs, ours) || str_starts(ours, theirs));
}

static enum state state_of(const struct lifecycle *lifecycle,
			   const struct rule *wanted)
{
	const struct aws_xml *rule = first_rule(lifecycle);
	enum state state = MISSING;

	for (; rule; rule = aws_xml_next(rule)) {
		if (str_is(aws_xml_text(rule, "ID"), wanted->id))
			return is_same(rule, wanted) ? THERE : CHANGED;
		if (!is_ours(rule) && decides(rule, wanted))
			state = DECIDED;
	}
	return state;
}

static void add_rule(struct buf *to, const struct rule *rule)
{
	buf_printf(to, "<Rule><ID>%s</ID><Filter><Prefix>%s</Prefix></Filter>"
		   "<Status>Enabled</Status>", rule->id, rule->prefix);
	if (rule->days[0])
		buf_printf(to, "<Expiration><Days>%s</Days></Expiration>",
			   rule->days);
	buf_printf(to, "<NoncurrentVersionExpiration><NoncurrentDays>%s"
		   "</NoncurrentDays></NoncurrentVersionExpiration>",
		   rule->noncurrent_days);
	if (rule->abort_days[0])
		buf_printf(to, "<AbortIncompleteMultipartUpload>"
			   "<DaysAfterInitiation>%s</DaysAfterInitiation>"
			   "</AbortIncompleteMultipartUpload>",
			   rule->abort_days);
	buf_add_text(to, "</Rule>");
}

/* --- init ---------------------------------------------------------------- */

/* Nothing when none is missing. */
static struct str with_missing(const struct lifecycle *lifecycle,
			       struct arena *arena)
{
	struct str before = STR("<" ROOT S3_NAMESPACE ">");
	struct str after = STR("</" ROOT ">");
	size_t missing = 0;
	struct buf text;

	if (lifecycle->root) {
		before = after = lifecycle->text;
		/* of the end tag, behind which there is no other tag */
		after.ptr = memrchr(before.ptr, '<', before.len);
		before.len = (size_t)(after.ptr - before.ptr);
		after.len -= before.len;
	}
	buf_init(&text, arena, before.len + after.len + MORE_MAX_BYTES);
	buf_add_str(&text, before);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		if (state_of(lifecycle, &rules[i]) != MISSING)
			continue;
		add_rule(&text, &rules[i]);
		missing++;
	}
	buf_add_str(&text, after);
	return missing ? buf_str(&text) : STR("");
}

static void say_rule(struct s3 *s3, struct setup *setup,
		     enum setup_result result, const struct rule *rule,
		     const char *why)
{
	setup->say(result, arena_printf(setup->arena, "lifecycle rule %s%s",
					rule->id, why), s3->bucket);
}

static void say_rules(struct s3 *s3, struct setup *setup,
		      const struct lifecycle *found, const char *refused)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		switch (state_of(found, &rules[i])) {
		case THERE:
			say_rule(s3, setup, SETUP_KEPT, &rules[i], "");
			break;
		case MISSING:
			say_rule(s3, setup,
				 refused ? SETUP_SKIPPED : SETUP_MADE,
				 &rules[i], refused ? refused : "");
			break;
		case CHANGED:
			say_rule(s3, setup, SETUP_SKIPPED, &rules[i],
				 " (the bucket's differs and stays)");
			break;
		case DECIDED:
			say_rule(s3, setup, SETUP_SKIPPED, &rules[i],
				 " (another rule of the bucket decides)");
			break;
		}
	}
}

bool s3_lifecycle_ensure(struct s3 *s3, struct setup *setup, struct error *err)
{
	struct aws_header size = { TRANSITION_SIZE, STR("") };
	struct aws_answer answer = { .status = 200 };
	const char *refused = NULL;
	struct lifecycle found;
	struct str body;

	if (!read_lifecycle(s3, &found, setup->arena, err))
		return false;
	if (!found.known) {
		say_rules(s3, setup, &found, " (this engine has none)");
		return true;
	}
	size.value = found.transition_size;
	body = with_missing(&found, setup->arena);
	if (body.len &&
	    !s3_bucket_call(s3, STR("PUT"), QUERY, body,
			    size.value.len ? &size : NULL, setup->arena,
			    &answer, err))
		return false;
	if (answer.status / 100 != 2)
		refused = arena_printf(setup->arena,
				       " (missing; not taken: %.*s: %.*s)",
				       STR_ARG(answer.error_code),
				       STR_ARG(answer.error_message));
	say_rules(s3, setup, &found, refused);
	return true;
}

/* --- check --------------------------------------------------------------- */

const char *s3_lifecycle_lacks(struct s3 *s3, struct arena *arena)
{
	struct lifecycle found;
	struct error err;

	error_init(&err);
	if (!read_lifecycle(s3, &found, arena, &err))
		return arena_printf(arena, "its lifecycle cannot be read: %s",
				    err.cause);
	for (size_t i = 0; found.known && i < ARRAY_LEN(rules); i++)
		if (state_of(&found, &rules[i]) == MISSING)
			return arena_printf(arena, "its lifecycle rule %s is "
					    "missing. Run `ordermill init`.",
					    rules[i].id);
	return NULL;
}
