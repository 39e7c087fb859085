/*
 * jail.h: what a process may do that decodes what strangers send: compute,
 * take a bounded amount of memory and time, write to the files it has open.
 */
#ifndef RECOGNIZER_JAIL_H
#define RECOGNIZER_JAIL_H

#include "base/error.h"

#define JAIL_MEMORY_BYTES (256u * MIB)
#define JAIL_CPU_S 5u

/* AddressSanitizer maps terabytes and calls what it likes: under it there are
 * neither a limit on memory nor a list of calls. */
#if defined(__SANITIZE_ADDRESS__)
#define JAIL_IS_OPEN true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define JAIL_IS_OPEN true
#endif
#endif
#ifndef JAIL_IS_OPEN
#define JAIL_IS_OPEN false
#endif

/* For the calling process, for good. Nothing new can be opened afterwards, and
 * a system call that is not on the list ends it. */
bool jail_enter(struct error *err) MUST_CHECK;

#endif
