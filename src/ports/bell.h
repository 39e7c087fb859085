/*
 * bell.h: wakes the relay on this machine at once (a datagram to its socket).
 *
 * Only a hint: a relay that is not there finds the work when it comes back, and
 * looks by itself every few seconds. Never fails, never blocks.
 */
#ifndef PORTS_BELL_H
#define PORTS_BELL_H

#include "base/config.h"

struct bell;

struct bell *bell_open(const struct config *config);
void bell_close(struct bell *bell);
void bell_ring(struct bell *bell);

#endif
