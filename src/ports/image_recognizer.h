/*
 * image_recognizer.h: what a photo shows, compared with a description.
 *
 * Never refuses an order by itself: what cannot be said is VERDICT_NOT_CHECKED
 * with a reason (no_model, no_wordnet, outside_vocabulary, language,
 * unsupported_format, too_large, decode_failed, timeout, service_failed), and
 * that is success.
 */
#ifndef PORTS_IMAGE_RECOGNIZER_H
#define PORTS_IMAGE_RECOGNIZER_H

#include "base/config.h"
#include "order/order.h"

struct image_recognizer;

struct recognition {
	enum verdict verdict;
	int confidence_permille;	/* -1: none */
	const char *reason;		/* "" with match */
	struct str cause;		/* of service_failed, for the log; or
					 * absent */
	struct str evidence;		/* a sentence for a person: what was
					 * seen, or why not; or absent */
	struct str warning;		/* the same, with mismatch; else absent */
	struct image_label labels[20];
	size_t label_count;
	struct str model;		/* "" when none */
	struct str photo;		/* made anew from its pixels, to be kept
					 * instead of what came; or absent */
};

struct image_recognizer_ops {
	const char *name;
	bool (*recognize)(struct image_recognizer *, struct str image,
			  struct str media_type, struct str description,
			  struct arena *, struct recognition *ret,
			  struct error *);
	void (*close)(struct image_recognizer *);
};

struct image_recognizer {
	const struct image_recognizer_ops *ops;
};

bool image_recognizer_open(struct image_recognizer **ret,
			   const struct config *config,
			   struct error *err) MUST_CHECK;
bool image_recognizer_recognize(struct image_recognizer *recognizer,
				struct str image, struct str media_type,
				struct str description, struct arena *arena,
				struct recognition *ret,
				struct error *err) MUST_CHECK;

/* The adapters, for image_recognizer_open. */
bool image_recognizer_local_open(struct image_recognizer **ret,
				 const struct config *config,
				 struct error *err) MUST_CHECK;
bool image_recognizer_none_open(struct image_recognizer **ret,
				const struct config *config,
				struct error *err) MUST_CHECK;
bool image_recognizer_rekognition_open(struct image_recognizer **ret,
				       const struct config *config,
				       struct error *err) MUST_CHECK;

#endif
