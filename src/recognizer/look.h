/*
 * look.h: the child that looks at one photo.
 */
#ifndef RECOGNIZER_LOOK_H
#define RECOGNIZER_LOOK_H

#include "recognition/network.h"

/*
 * Takes the request from `connection`, goes to jail, decodes, makes the photo
 * anew, says what it saw. `network` NULL: there is no model. Returns the
 * process's exit status: 0 when an answer was sent.
 */
int look_at_photo(int connection, const struct model *model,
		  struct network *network);

#endif
