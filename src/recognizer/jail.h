/*
 * jail.h: what a process may do that decodes what strangers send: compute,
 * take a bounded amount of memory and time, write to the files it has open.
 */
#ifndef RECOGNIZER_JAIL_H
#define RECOGNIZER_JAIL_H

#include "base/error.h"

#define JAIL_MEMORY_BYTES (256u * MIB)
#define JAIL_CPU_S 5u

/* For the calling process, for good. Nothing new can be opened afterwards, and
 * a system call that is not on the list ends it. */
bool jail_enter(struct error *err) MUST_CHECK;

#endif
