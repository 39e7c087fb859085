/*
 * deletion_log_memory.h: a deletion log in an array, for tests of what works
 * through it. Included by one test file; `fail_next` fails the next call.
 */
#ifndef FAKES_DELETION_LOG_MEMORY_H
#define FAKES_DELETION_LOG_MEMORY_H

#include "ports/deletion_log.h"

#define MEMORY_DELETIONS 40

struct deletion_log_memory {
	struct deletion_log base;
	struct deletion deletions[MEMORY_DELETIONS];
	unsigned waiting[MEMORY_DELETIONS];	/* mails */
	size_t count;
	bool fail_next;
	bool conflict_next;	/* of set_state: a mail was tried again */
	unsigned lists;
};

static bool memory_fails(struct deletion_log_memory *self, struct error *err)
{
	bool fails = self->fail_next;

	self->fail_next = false;
	if (fails)
		error_cause(err, ERROR_UNAVAILABLE, "failed as told");
	return fails;
}

static struct deletion *memory_find(struct deletion_log_memory *self,
				    const char *event_id, size_t *ret_index)
{
	for (size_t i = 0; i < self->count; i++)
		if (!strcmp(self->deletions[i].event_id, event_id)) {
			*ret_index = i;
			return &self->deletions[i];
		}
	return NULL;
}

static bool memory_get(struct deletion_log *log, const char *event_id,
		       struct arena *arena, struct deletion *ret,
		       struct error *err)
{
	struct deletion_log_memory *self = (struct deletion_log_memory *)log;
	struct deletion *found;
	size_t i;

	(void)arena;
	if (memory_fails(self, err))
		return false;
	found = memory_find(self, event_id, &i);
	if (!found)
		return error_set(err, ERROR_NOT_FOUND, "unknown");
	*ret = *found;
	return true;
}

static bool memory_is_selected(const struct deletion_log_memory *self, size_t i,
			       enum deletion_selection selection,
			       int64_t now_ms)
{
	const struct deletion *deletion = &self->deletions[i];

	switch (selection) {
	case DELETIONS_ALL:
		return true;
	case DELETIONS_OPEN:
		return deletion->state < DELETION_DONE;
	case DELETIONS_PENDING:
		return deletion->state == DELETION_PENDING;
	case DELETIONS_TO_RING:
		return deletion->state == DELETION_PENDING &&
		       !deletion->acknowledged && !deletion->dead &&
		       deletion->next_attempt_ms <= now_ms;
	case DELETIONS_TO_CLOSE:
		return (deletion->state == DELETION_ARCHIVED ||
			deletion->state == DELETION_MAILED) &&
		       !self->waiting[i];
	case DELETIONS_DEAD:
		return deletion->dead;
	}
	return false;
}

static bool memory_list(struct deletion_log *log,
			enum deletion_selection selection, const char *after,
			size_t limit, int64_t now_ms, int64_t older_than_ms,
			struct arena *arena, struct deletion_page *ret,
			struct error *err)
{
	struct deletion_log_memory *self = (struct deletion_log_memory *)log;

	*ret = (struct deletion_page){ 0 };
	self->lists++;
	if (memory_fails(self, err))
		return false;
	ret->deletions = arena_alloc(arena, limit * sizeof(*ret->deletions));
	for (size_t i = 0; i < self->count; i++) {
		const struct deletion *deletion = &self->deletions[i];

		if (!memory_is_selected(self, i, selection, now_ms) ||
		    deletion->deleted_ms >= older_than_ms ||
		    (after && strcmp(deletion->event_id, after) <= 0))
			continue;
		ret->has_more = ret->count == limit;
		if (ret->has_more)
			break;
		ret->deletions[ret->count++] = *deletion;
	}
	return true;
}

static bool memory_set_state(struct deletion_log *log, const char *event_id,
			     enum deletion_state state, struct error *err)
{
	struct deletion_log_memory *self = (struct deletion_log_memory *)log;
	struct deletion *found;
	size_t i;

	if (memory_fails(self, err))
		return false;
	found = memory_find(self, event_id, &i);
	if (!found)
		return error_set(err, ERROR_NOT_FOUND, "unknown");
	if (self->waiting[i] || self->conflict_next)
		return error_set(err, ERROR_CONFLICT, "mails wait");
	found->state = state;
	return true;
}

static bool memory_note_attempt(struct deletion_log *log, const char *event_id,
				bool acknowledged, bool dead,
				int64_t next_attempt_ms, struct str reason,
				struct error *err)
{
	struct deletion_log_memory *self = (struct deletion_log_memory *)log;
	struct deletion *found;
	size_t i;

	(void)reason;
	if (memory_fails(self, err))
		return false;
	found = memory_find(self, event_id, &i);
	if (!found)
		return error_set(err, ERROR_NOT_FOUND, "unknown");
	found->attempts++;
	found->acknowledged = acknowledged;
	found->dead = dead;
	found->next_attempt_ms = next_attempt_ms;
	return true;
}

static const struct deletion_log_ops memory_ops = {
	.name = "memory", .get = memory_get, .list = memory_list,
	.set_state = memory_set_state, .note_attempt = memory_note_attempt,
};

/* A pending deletion; event ids rise with every call. */
static struct deletion *memory_add(struct deletion_log_memory *self,
				   int64_t deleted_ms, const char *order_json)
{
	struct deletion *deletion = &self->deletions[self->count];

	self->base.ops = &memory_ops;
	*deletion = (struct deletion){
		.order_version = 1, .deleted_ms = deleted_ms,
		.order_json = str_from(order_json),
		.traceparent = STR("00-0af7651916cd43dd8448eb211c80319c-"
				   "b7ad6b7169203331-01"),
	};
	snprintf(deletion->event_id, sizeof(deletion->event_id),
		 "01a20e7a-0000-7000-8000-%012zu", self->count);
	snprintf(deletion->order_id, sizeof(deletion->order_id),
		 "01a20e79-0000-7000-8000-%012zu", self->count);
	self->count++;
	return deletion;
}

#endif
