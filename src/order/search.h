/*
 * search.h: text folded for searching, the same way when stored and when asked.
 *
 * Lower case and without accents for Latin, Greek and Cyrillic (so "Zoë" is
 * found by "zoe"), each CJK character a word of its own so that a phrase of
 * them finds any substring. Pure.
 */
#ifndef ORDER_SEARCH_H
#define ORDER_SEARCH_H

#include "base/buf.h"

/* Words separated by single spaces, letters and digits only. */
void search_fold(struct str text, struct buf *to);
/*
 * A query for SQLite's FTS5: every word must occur, the last letter-word of
 * each as a prefix, runs of CJK as a phrase; no operator of FTS5 can be
 * smuggled in. False when the text holds nothing to search for.
 */
bool search_fts5_query(struct str text, struct buf *to);

#endif
