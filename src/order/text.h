/*
 * text.h: what text from a person may hold, for the files of order/. Pure.
 */
#ifndef ORDER_TEXT_H
#define ORDER_TEXT_H

#include "base/arena.h"

/*
 * Without white space (Unicode's White_Space, and the invisible U+200B, U+2060,
 * U+FEFF) at both ends. Valid UTF-8 in, valid UTF-8 out, never absent.
 */
struct str text_trim(struct str text);
/*
 * The first character that no text of ours may hold, 0 when there is none:
 * controls (C0, DEL, C1), U+2028, U+2029 and the characters that override the
 * direction of what follows (U+202A to U+202E, U+2066 to U+2069). Tab and
 * newline are allowed where the text has several lines.
 */
uint32_t text_bad_character(struct str text, bool several_lines);
/* CR LF and CR become LF (a form sends CR LF where a script has LF). */
struct str text_with_newlines(struct str text, struct arena *arena);
/* ASCII letters only, copied: domains and e-mail addresses. */
struct str text_lower(struct str text, struct arena *arena);

#endif
