/*
 * form.h: application/x-www-form-urlencoded text, as query strings and small
 * bodies have it, read strictly (WHATWG URL, 5.1, without its leniency).
 *
 * Names and values are percent-decoded into the arena ('+' is a space) and are
 * valid UTF-8 without NUL; anything else is ERROR_BAD_PARAMETER, as are more
 * than LIMIT_QUERY_PARAMETERS pairs.
 */
#ifndef BASE_FORM_H
#define BASE_FORM_H

#include "base/arena.h"
#include "base/error.h"

/* Start with `rest` as the whole form. */
struct form_iterator {
	struct str rest;
	struct str name, value;
	unsigned count;
};

/* The next pair, empty pieces skipped. False at the end and, with `err` set,
 * where the form is malformed. */
bool form_next(struct form_iterator *it, struct arena *arena,
	       struct error *err) MUST_CHECK;

/*
 * The value of one name. Absent: {NULL, 0}. A repeated name or a bad escape is
 * ERROR_BAD_PARAMETER.
 */
bool form_parameter(struct str form, const char *name, struct arena *arena,
		    struct str *ret, struct error *err) MUST_CHECK;

#endif
