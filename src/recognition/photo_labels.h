/*
 * photo_labels.h: what a network saw, best first.
 */
#ifndef RECOGNITION_PHOTO_LABELS_H
#define RECOGNITION_PHOTO_LABELS_H

#include "base/limits.h"
#include "recognition/network.h"
#include "recognition/photo.h"

/* Below this a label says nothing. */
#define LABEL_MIN_PERMILLE 300

struct seen_label {
	uint32_t class;
	uint16_t permille;
};

/* A photo as the network takes it: every pixel counts where it is made smaller,
 * between pixels where it is made larger. Neither keeps the sides' ratio: the
 * network was trained so. */
void photo_to_input(const struct photo *photo, uint32_t height, uint32_t width,
		    float *to);
/* The best logit of every class that has a name, at most LIMIT_LABELS. */
size_t labels_of(const struct model *model, const struct network *network,
		 struct seen_label ret[LIMIT_LABELS]);

#endif
