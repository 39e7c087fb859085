/*
 * image_recognizer.c: the list of recognisers, and open by name
 * (`image_recognizer.adapter`).
 */
#include "ports/image_recognizer.h"

#include "base/banned.h"

static const struct {
	const char *name;
	bool (*open)(struct image_recognizer **, const struct config *,
		     struct error *);
} adapters[] = {
	{ "local", image_recognizer_local_open },
	{ "none", image_recognizer_none_open },
	{ "rekognition", image_recognizer_rekognition_open },
};

bool image_recognizer_open(struct image_recognizer **ret,
			   const struct config *config, struct error *err)
{
	const char *name = config_text(config, "image_recognizer.adapter");
	size_t i;

	for (i = 0; i < ARRAY_LEN(adapters); i++)
		if (!strcmp(adapters[i].name, name))
			return adapters[i].open(ret, config, err);
	return error_cause(err, ERROR_INTERNAL,
			   "image_recognizer.adapter: %s: is neither local, none "
			   "nor rekognition", name);
}

bool image_recognizer_recognize(struct image_recognizer *recognizer,
				struct str image, struct str media_type,
				struct str description, struct arena *arena,
				struct recognition *ret, struct error *err)
{
	return recognizer->ops->recognize(recognizer, image, media_type,
					  description, arena, ret, err);
}
