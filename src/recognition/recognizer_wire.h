/*
 * recognizer_wire.h: what a responder and the recognizer say to each other.
 *
 * One connection (AF_UNIX, SOCK_SEQPACKET) a photo, one packet each way. The
 * request carries two files without a name (memfd_create(2)): the photo, sealed
 * so that it cannot change under the decoder, and an empty one, into which the
 * photo made anew is written. Whoever looks at the photo may have been taken
 * over by it: an answer is checked like anything from outside.
 */
#ifndef RECOGNITION_RECOGNIZER_WIRE_H
#define RECOGNITION_RECOGNIZER_WIRE_H

#include "base/limits.h"
#include "recognition/model_file.h"

#define RECOGNIZER_WIRE_VERSION 2u
/* A second one is optional. */
#define RECOGNIZER_MODELS 2u
/* A photo takes this long at most: answered after it, whatever happens. */
#define RECOGNIZER_LIMIT_MS 5000
/* The photo made anew: PHOTO_MAX_SIDE squared, at most about two bytes each. */
#define RECOGNIZER_MAX_PHOTO_BYTES (16u * MIB)

enum { RECOGNIZER_PHOTO_FD, RECOGNIZER_MADE_FD, RECOGNIZER_FD_COUNT };

struct recognizer_request {
	uint32_t version;
};

enum recognizer_outcome {
	RECOGNIZER_SEEN,
	RECOGNIZER_NO_MODEL,	/* decoded all the same */
	RECOGNIZER_UNSUPPORTED_FORMAT,
	RECOGNIZER_TOO_LARGE,
	RECOGNIZER_DECODE_FAILED,
	RECOGNIZER_TIMEOUT,
	RECOGNIZER_OUTCOME_COUNT
};

struct recognizer_label {
	char name[28];
	uint32_t synset;
	uint32_t permille;
};

struct recognizer_answer {
	uint32_t version;
	uint32_t outcome;
	uint32_t damaged;	/* 1: a part of the photo is missing */
	uint32_t label_count;
	uint32_t made_bytes;	/* of the photo made anew; 0: there is none */
	uint32_t vocabulary_count;
	char model[104];	/* all their names */
	struct recognizer_label labels[LIMIT_LABELS];
	uint32_t vocabulary[MODEL_MAX_CLASSES];	/* synsets of the first */
};

#endif
