/*
 * setup.h: how a port tells `ordermill init`, step by step, what it found or
 * made. Every step may be repeated.
 */
#ifndef PORTS_SETUP_H
#define PORTS_SETUP_H

#include "base/arena.h"

enum setup_result {
	SETUP_KEPT,		/* it was there and is right */
	SETUP_MADE,
	SETUP_SKIPPED		/* this engine has no such thing */
};

struct setup {
	struct arena *arena;
	void (*say)(enum setup_result result, const char *what,
		    const char *where);
};

#endif
