/*
 * secret_file.h: a file with one secret line, made when it does not exist.
 */
#ifndef BASE_SECRET_FILE_H
#define BASE_SECRET_FILE_H

#include "base/error.h"

/*
 * Mode 0600, whole and durable whenever it is there; of two processes that make
 * it, the first wins. Missing folders are made, mode 0700. True when the file
 * exists, whatever it holds.
 */
bool secret_file_ensure(const char *path, struct str line,
			struct error *err) MUST_CHECK;

#endif
