/*
 * restore.c: `ordermill restore ORDER_ID` puts a deleted order back from its
 * archive object: same id, same bytes.
 */
#include "deletion/archive_object.h"
#include "ordermill/ordermill.h"
#include "ports/object_archive.h"
#include "ports/order_store.h"

#include "base/banned.h"

#define OBJECT_MAX_BYTES (1u * MIB)

struct handles {
	struct database *database;
	struct order_store *orders;
	struct deletion_log *log;
	struct object_archive *archive;
};

static void close_handles(struct handles *handles)
{
	object_archive_close(handles->archive);
	deletion_log_close(handles->log);
	order_store_close(handles->orders);
	database_close(handles->database);
}

static bool open_handles(struct handles *ret, const struct config *config,
			 struct error *err)
{
	return database_open(&ret->database, config, false, err) &&
	       order_store_open(&ret->orders, ret->database, config, err) &&
	       deletion_log_open(&ret->log, ret->database, config, err) &&
	       object_archive_open(&ret->archive, config, err);
}

/* Live, and so nothing to restore? False: no, or it cannot be said. */
static bool is_live(struct handles *handles, const char *order_id,
		    struct arena *arena)
{
	struct stored_order order;
	struct error ignored;

	error_init(&ignored);
	return order_store_get(handles->orders, order_id, arena, &order,
			       &ignored);
}

static bool find_deletion(struct handles *handles, const char *order_id,
			  struct arena *arena, struct deletion *ret,
			  struct error *err)
{
	if (is_live(handles, order_id, arena))
		return error_set(err, ERROR_CONFLICT,
				 "order %s is live: there is nothing to "
				 "restore", order_id);
	if (!deletion_log_find(handles->log, order_id, arena, ret, err)) {
		if (err->code != ERROR_NOT_FOUND)
			return false;
		error_init(err);
		return error_set(err, ERROR_NOT_FOUND,
				 "order %s was never deleted here", order_id);
	}
	if (ret->state == DELETION_PENDING || ret->state == DELETION_ARCHIVED)
		return error_set(err, ERROR_CONFLICT,
				 "the deletion of order %s is still being "
				 "worked on (%s): try again when its mails are "
				 "sent", order_id,
				 deletion_state_name(ret->state));
	return true;
}

static bool read_archived(struct handles *handles,
			  const struct deletion *deletion, struct arena *arena,
			  struct deletion *ret, struct error *err)
{
	char digest[SHA256_HEX + 1];
	struct str object;

	if (deletion->order_json.len) {	/* not closed: it has its own copy */
		*ret = *deletion;
		return true;
	}
	if (!object_archive_get(handles->archive, deletion->archive_key,
				OBJECT_MAX_BYTES, arena, &object, err))
		return false;
	sha256_hex(object, digest);
	if (strcmp(digest, deletion->archive_digest) != 0)
		return error_cause(err, ERROR_INTERNAL,
				   "%.*s is damaged: its SHA-256 is %s, noted "
				   "was %s", STR_ARG(deletion->archive_key),
				   digest, deletion->archive_digest);
	if (!archive_object_parse(object, arena, ret, err))
		return false;
	if (strcmp(ret->order_id, deletion->order_id) != 0)
		return error_cause(err, ERROR_INTERNAL,
				   "%.*s holds another order (%s)",
				   STR_ARG(deletion->archive_key),
				   ret->order_id);
	return true;
}

int command_restore(struct desk *desk, int argc, char **argv)
{
	struct handles handles CLEANUP(close_handles) = { 0 };
	struct deletion deletion, archived;
	struct error err;

	if (argc != 2)
		return EXIT_USAGE;
	if (!uuid_is_valid(str_from(argv[1])))
		return say_failed("%s is not an order id (a UUID)", argv[1]);
	error_init(&err);
	if (!open_handles(&handles, desk->config, &err) ||
	    !find_deletion(&handles, argv[1], desk->arena, &deletion, &err) ||
	    !read_archived(&handles, &deletion, desk->arena, &archived, &err) ||
	    !order_store_restore(handles.orders, deletion.event_id,
				 archived.order_json, desk->arena, &err))
		return say_failure(&err);
	printf("Order %s is live again, version %lld, from %.*s.\n", argv[1],
	       (long long)deletion.order_version,
	       STR_ARG(deletion.archive_key));
	return EXIT_GOOD;
}
