/*
 * program.h: how every process begins: its options, its log, its
 * configuration.
 */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#include "base/config.h"

/*
 * Takes -c FILE and -t. True: go on with *ret, which the caller frees. False:
 * end with *ret_status; -t was asked for, or what is wrong has been said.
 */
bool program_begin(const char *name, int argc, char **argv,
		   struct config **ret, int *ret_status) MUST_CHECK;

#endif
