/*
 * dynamodb_deletion.h: a deletion's record in the table, and lists of them. A
 * record changes only by an update whose condition is the revision that was
 * read.
 */
#ifndef ADAPTERS_DYNAMODB_DELETION_H
#define ADAPTERS_DYNAMODB_DELETION_H

#include "adapters/dynamodb.h"
#include "ports/deletion_log.h"

struct deletion_record {
	struct deletion deletion;
	int64_t revision;
	struct str mark;	/* of the last change */
	char mailed_to[ORDER_ID_BYTES];	/* subscribers up to this one have mail */
};
bool deletion_record_get(struct dynamodb *db, const char *event_id,
			 struct arena *arena, struct deletion_record *ret,
			 bool *ret_found, struct error *err) MUST_CHECK;
void deletion_record_read(struct json item, struct arena *arena,
			  struct deletion_record *ret);
void deletion_record_put(struct dynamodb_write *write,
			 const struct deletion *deletion, const char *mark);
void deletion_record_update(struct dynamodb_write *write,
			    const struct deletion_record *record,
			    const char *mark);
static inline unsigned deletion_mails_waiting(const struct deletion *deletion)
{
	return deletion->mails_total - deletion->mails_sent -
	       deletion->mails_dead;
}

/* dynamodb_deletion_list.c: an index only proposes; what a list shows was read
 * again, consistently. */
struct deletion_selector {
	enum deletion_selection selection;
	int64_t now_ms, before_ms;
};
/* Ids behind `from`, at most `wanted`; fewer when there are no more. */
bool dynamodb_deletions_propose(struct dynamodb *db,
				const struct deletion_selector *selector,
				const char *from, size_t wanted,
				struct arena *arena,
				char (*ids)[ORDER_ID_BYTES], size_t *ret_count,
				struct error *err) MUST_CHECK;
/* As deletion_log_list. */
bool dynamodb_deletions_list(struct dynamodb *db,
			     const struct deletion_selector *selector,
			     const char *after, size_t limit,
			     struct arena *arena, struct deletion_page *ret,
			     struct error *err) MUST_CHECK;

#endif
