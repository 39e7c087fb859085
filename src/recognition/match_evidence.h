/*
 * match_evidence.h: a verdict in words that a person understands.
 */
#ifndef RECOGNITION_MATCH_EVIDENCE_H
#define RECOGNITION_MATCH_EVIDENCE_H

#include "recognition/matcher.h"

/* Fills evidence and, with mismatch, warning. */
void match_evidence(struct match *match, struct str description,
		    const struct match_label *labels, size_t count,
		    struct arena *arena);

#endif
