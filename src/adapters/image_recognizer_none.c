/*
 * image_recognizer_none.c: no model is installed. Every photo is not_checked,
 * which is an answer and not a failure.
 */
#include "ports/image_recognizer.h"
#include "recognition/matcher.h"

#include "base/banned.h"

static bool none_recognize(struct image_recognizer *recognizer,
			   struct str image, struct str media_type,
			   struct str description, struct arena *arena,
			   struct recognition *ret, struct error *err)
{
	struct match match;

	(void)recognizer, (void)image, (void)media_type, (void)description;
	(void)arena, (void)err;
	match_not_checked("no_model", &match);
	*ret = (struct recognition){
		.verdict = match.verdict,
		.confidence_permille = match.confidence_permille,
		.reason = match.reason,
		.evidence = match.evidence,
		.model = STR(""),
	};
	return true;
}

static void none_close(struct image_recognizer *recognizer)
{
	(void)recognizer;
}

static const struct image_recognizer_ops none_ops = {
	.name = "none",
	.recognize = none_recognize,
	.close = none_close,
};

bool image_recognizer_none_open(struct image_recognizer **ret,
				const struct config *config, struct error *err)
{
	static struct image_recognizer none = { &none_ops };

	(void)config, (void)err;
	*ret = &none;
	return true;
}
