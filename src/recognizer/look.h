/*
 * look.h: the child that looks at one photo.
 */
#ifndef RECOGNIZER_LOOK_H
#define RECOGNIZER_LOOK_H

#include "recognition/network.h"
#include "recognition/recognizer_wire.h"

struct loaded_model {
	struct model model;
	struct network *network;	/* NULL: it is not loaded */
};

/*
 * Takes the request from `connection`, goes to jail, decodes, makes the photo
 * anew, says what the models that are loaded saw. Returns the process's exit
 * status: 0 when an answer was sent.
 */
int look_at_photo(int connection,
		  const struct loaded_model models[RECOGNIZER_MODELS]);

#endif
