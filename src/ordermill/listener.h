/*
 * listener.h: is an address free for nginx?
 */
#ifndef ORDERMILL_LISTENER_H
#define ORDERMILL_LISTENER_H

#include "base/str.h"

#define LISTENER_TEXT_BYTES 64

/*
 * Whether nginx could not listen on `address` (as its directive `listen` has it)
 * since a program that is not nginx does; then *ret_who names that. False where
 * it cannot be told: names, sockets in the file system, ports of root's.
 */
bool listener_is_in_the_way(struct str address,
			    char ret_who[LISTENER_TEXT_BYTES]);

#endif
