/*
 * deletion_json.c: the two forms, which share their last members.
 */
#include "deletion/deletion_json.h"

#include "order/money.h"
#include "base/banned.h"

static void add_mails(struct buf *to, const struct deletion *deletion)
{
	buf_printf(to,
		   ",\"mails\":{\"total\":%u,\"sent\":%u,\"failed\":%u}",
		   deletion->mails_total, deletion->mails_sent,
		   deletion->mails_dead);
}

static void add_progress(struct buf *to, const struct deletion *deletion)
{
	char deleted_at[TIME_TEXT_BYTES];

	time_format(deletion->deleted_ms, deleted_at);
	buf_printf(to, "\"deleted_at\":\"%s\",\"state\":\"%s\"", deleted_at,
		   deletion_state_name(deletion->state));
}

void deletion_to_list_json(const struct deletion *deletion, struct buf *to)
{
	char price[MONEY_TEXT_BYTES];

	money_format(deletion->price_minor, currency_scale(deletion->currency),
		     price);
	buf_printf(to,
		   "{\"order_id\":\"%s\",\"event_id\":\"%s\",\"description\":",
		   deletion->order_id, deletion->event_id);
	buf_add_json(to, deletion->description);
	buf_add_text(to, ",\"customer_name\":");
	buf_add_json(to, deletion->customer_name);
	buf_printf(to, ",\"price\":\"%s\",\"currency\":\"%s\",", price,
		   deletion->currency);
	add_progress(to, deletion);
	add_mails(to, deletion);
	buf_add_char(to, '}');
}

void deletion_to_json(const struct deletion *deletion, struct buf *to)
{
	char archived_at[TIME_TEXT_BYTES];

	buf_printf(to, "{\"event_id\":\"%s\",", deletion->event_id);
	add_progress(to, deletion);
	time_format(deletion->archived_ms, archived_at);
	if (deletion->archived_ms)
		buf_printf(to,
			   ",\"archived_at\":\"%s\",\"archive\":\"%.*s\",\"sha256\":\"%s\"",
			   archived_at, STR_ARG(deletion->archive_key),
			   deletion->archive_digest);
	else
		buf_add_text(to,
			     ",\"archived_at\":null,\"archive\":null,\"sha256\":null");
	add_mails(to, deletion);
	buf_add_char(to, '}');
}
