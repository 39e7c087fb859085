/*
 * dynamodb_deletion.c: the item of a deletion, for all three stores: the order
 * store makes it and marks it restored, the log moves it on, the mails count.
 */
#include "adapters/dynamodb_deletion.h"

#include "base/banned.h"

static struct buf key_of(struct dynamodb *db, const char *event_id)
{
	return dynamodb_key(db, "d#", str_from(event_id), "d");
}

static void read_facts(struct json item, struct arena *arena,
		       struct deletion *ret)
{
	struct str json = dynamodb_str(item, "js");

	dynamodb_id(item, "ck", ret->event_id);
	dynamodb_id(item, "oi", ret->order_id);
	ret->order_version = dynamodb_int(item, "ov");
	ret->deleted_ms = dynamodb_int(item, "dl");
	if (json.ptr)
		ret->order_json = arena_str(arena, json);
	ret->traceparent = dynamodb_text(item, "tp", arena);
	ret->description = dynamodb_text(item, "de", arena);
	ret->customer_name = dynamodb_text(item, "cn", arena);
	snprintf(ret->currency, sizeof(ret->currency), "%.*s",
		 STR_ARG(dynamodb_str(item, "cu")));
	ret->price_minor = dynamodb_int(item, "pr");
}

static void read_progress(struct json item, struct arena *arena,
			  struct deletion *ret)
{
	int64_t state = dynamodb_int(item, "ds");

	ret->state = state >= DELETION_PENDING && state <= DELETION_RESTORED
			     ? (enum deletion_state)state : DELETION_PENDING;
	ret->archived_ms = dynamodb_int(item, "ar");
	ret->archive_key = dynamodb_text(item, "az", arena);
	snprintf(ret->archive_digest, sizeof(ret->archive_digest), "%.*s",
		 STR_ARG(dynamodb_str(item, "dg")));
	ret->mails_sent = (unsigned)dynamodb_int(item, "mt");
	ret->mails_dead = (unsigned)dynamodb_int(item, "md");
	ret->mails_total = (unsigned)dynamodb_int(item, "mw") +
			   ret->mails_sent + ret->mails_dead;
	ret->attempts = (unsigned)dynamodb_int(item, "an");
	ret->next_attempt_ms = dynamodb_int(item, "na");
	ret->acknowledged = dynamodb_int(item, "ac");
	ret->dead = dynamodb_int(item, "bd");
	ret->last_error = dynamodb_text(item, "le", arena);
}

void deletion_record_read(struct json item, struct arena *arena,
			  struct deletion_record *ret)
{
	memset(ret, 0, sizeof(*ret));
	read_facts(item, arena, &ret->deletion);
	read_progress(item, arena, &ret->deletion);
	ret->revision = dynamodb_int(item, "rv");
	ret->mark = dynamodb_text(item, "wr", arena);
	dynamodb_id(item, "mf", ret->mailed_to);
}

bool deletion_record_get(struct dynamodb *db, const char *event_id,
			 struct arena *arena, struct deletion_record *ret,
			 bool *ret_found, struct error *err)
{
	struct buf key;
	struct json item;

	*ret_found = false;
	if (!uuid_is_valid(str_from(event_id)))
		return true;
	key = key_of(db, event_id);
	if (!dynamodb_get(db, &key, arena, &item, err))
		return false;
	*ret_found = dynamodb_is(item);
	if (*ret_found)
		deletion_record_read(item, arena, ret);
	return true;
}

static bool is_open(const struct deletion *deletion)
{
	return deletion->state < DELETION_DONE;
}

static bool has_dead_letter(const struct deletion *deletion)
{
	return deletion->dead || deletion->mails_dead;
}

void deletion_record_put(struct dynamodb_write *write,
			 const struct deletion *deletion, const char *mark)
{
	struct str event_id = str_from(deletion->event_id);
	struct buf item = key_of(write->db, deletion->event_id);

	dynamodb_add_str(&item, "kd", STR("deletion"));
	dynamodb_add_str(&item, "ck", event_id);
	dynamodb_add_str(&item, "wk", STR("open"));
	dynamodb_add_str(&item, "wo", event_id);
	dynamodb_add_str(&item, "oi", str_from(deletion->order_id));
	dynamodb_add_int(&item, "ov", deletion->order_version);
	dynamodb_add_int(&item, "dl", deletion->deleted_ms);
	dynamodb_add_str(&item, "js", deletion->order_json);
	dynamodb_add_str(&item, "tp", deletion->traceparent);
	dynamodb_add_str(&item, "de", deletion->description);
	dynamodb_add_str(&item, "cn", deletion->customer_name);
	dynamodb_add_str(&item, "cu", str_from(deletion->currency));
	dynamodb_add_int(&item, "pr", deletion->price_minor);
	dynamodb_add_int(&item, "ds", DELETION_PENDING);
	dynamodb_add_int(&item, "mw", 0);
	dynamodb_add_int(&item, "na", deletion->next_attempt_ms);
	dynamodb_add_int(&item, "ac", 0);
	dynamodb_add_int(&item, "bd", 0);
	dynamodb_add_int(&item, "rv", 1);
	dynamodb_add_str(&item, "wr", str_from(mark));
	dynamodb_write_add(write, "Put", &item, NULL,
			   "attribute_not_exists(pk)", NULL);
}

static void add_values(struct buf *values, const struct deletion_record *record,
		       const char *mark)
{
	const struct deletion *deletion = &record->deletion;

	dynamodb_add_int(values, ":ds", deletion->state);
	dynamodb_add_int(values, ":ar", deletion->archived_ms);
	dynamodb_add_str(values, ":az", deletion->archive_key);
	dynamodb_add_str(values, ":dg", str_from(deletion->archive_digest));
	dynamodb_add_int(values, ":mw", deletion_mails_waiting(deletion));
	dynamodb_add_int(values, ":mt", deletion->mails_sent);
	dynamodb_add_int(values, ":md", deletion->mails_dead);
	dynamodb_add_str(values, ":mf", str_from(record->mailed_to));
	dynamodb_add_int(values, ":an", deletion->attempts);
	dynamodb_add_int(values, ":na", deletion->next_attempt_ms);
	dynamodb_add_int(values, ":ac", deletion->acknowledged);
	dynamodb_add_int(values, ":bd", deletion->dead);
	dynamodb_add_str(values, ":le", deletion->last_error);
	dynamodb_add_int(values, ":next", record->revision + 1);
	dynamodb_add_str(values, ":wr", str_from(mark));
	dynamodb_add_int(values, ":rv", record->revision);
	if (is_open(deletion)) {
		dynamodb_add_str(values, ":wk", STR("open"));
		dynamodb_add_str(values, ":wo", str_from(deletion->event_id));
	}
	if (has_dead_letter(deletion))
		dynamodb_add_str(values, ":st", STR("dead"));
}

void deletion_record_update(struct dynamodb_write *write,
			    const struct deletion_record *record,
			    const char *mark)
{
	const struct deletion *deletion = &record->deletion;
	struct buf key = key_of(write->db, deletion->event_id);
	struct buf values = dynamodb_map(write->db);
	const char *remove = "";
	struct buf update;

	buf_init(&update, write->db->scratch, KIB);
	add_values(&values, record, mark);
	buf_add_text(&update,
		     "SET ds = :ds, ar = :ar, az = :az, dg = :dg, mw = :mw,"
		     " mt = :mt, md = :md, mf = :mf, an = :an, na = :na,"
		     " ac = :ac, bd = :bd, le = :le, rv = :next, wr = :wr");
	if (is_open(deletion))
		buf_add_text(&update, ", wk = :wk, wo = :wo");
	if (has_dead_letter(deletion))
		buf_add_text(&update, ", st = :st");
	/* done: the archive has the order, the record need not */
	if (!is_open(deletion))
		remove = deletion->state == DELETION_DONE
				 ? " REMOVE wk, wo, js" : " REMOVE wk, wo";
	buf_add_text(&update, remove);
	if (!has_dead_letter(deletion))
		buf_add_text(&update, *remove ? ", st" : " REMOVE st");
	dynamodb_write_add(write, "Update", &key, update.ptr, "rv = :rv",
			   &values);
}
