/*
 * deadline.h: by when the work of this process must have ended.
 *
 * One for the process, since a worker does one piece of work at a time. Main
 * loops set it as they begin a request, a batch or a step, and clear it after;
 * whatever waits for another machine waits no longer than what is left.
 */
#ifndef BASE_DEADLINE_H
#define BASE_DEADLINE_H

#include <stdint.h>

#define DEADLINE_NONE_MS INT64_MAX

/* From now on; by the boot clock. */
void deadline_set_in(int64_t ms);
void deadline_clear(void);
/* DEADLINE_NONE_MS when none is set, 0 when it has passed. */
int64_t deadline_left_ms(void);

#endif
