/*
 * photo_labels.h: what networks saw, surest first.
 */
#ifndef RECOGNITION_PHOTO_LABELS_H
#define RECOGNITION_PHOTO_LABELS_H

#include "base/limits.h"
#include "recognition/network.h"
#include "recognition/photo.h"

/* Below this a label says nothing. */
#define LABEL_MIN_PERMILLE 300

struct seen_label {
	const struct model_label *label;	/* of its model */
	uint16_t permille;
};

/* A photo as the network takes it: every pixel counts where it is made smaller,
 * between pixels where it is made larger. Neither keeps the sides' ratio: the
 * network was trained so. */
void photo_to_input(const struct photo *photo, uint32_t height, uint32_t width,
		    float *to);
/* The best logit of every class that has a name joins the `count` labels that
 * other networks saw; of one synset the surest stays, of all the LIMIT_LABELS
 * surest. Returns how many there are then. */
size_t labels_of(const struct model *model, const struct network *network,
		 struct seen_label seen[LIMIT_LABELS], size_t count);

#endif
