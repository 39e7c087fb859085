/*
 * sqlite_search.c: the full-text index, fed once per commit.
 *
 * Texts wait here and go in together just before the commit: one segment of the
 * index for a batch (10 µs an order; one by one, 40), and a search finds an
 * order as soon as it is stored. What a failed request left here is forgotten.
 *
 * The index is contentless: a text leaves it by the very bytes that it came in
 * by. Whoever changes order_search_text or search_fold adds a migration that
 * fills the index anew.
 */
#include "adapters/sqlite.h"

#include "base/banned.h"

#define SEARCH_ARENA_BYTES (256u * MIB)	/* a batch of the largest orders */

struct sqlite_search_entry {
	int64_t number;
	bool drop;
	struct str text;
};

static const char add_sql[] = "INSERT INTO search(rowid, text) VALUES (?1, ?2)";
static const char drop_sql[] =
	"INSERT INTO search(search, rowid, text) VALUES ('delete', ?1, ?2)";

static void push(struct sqlite *db, int64_t number, bool drop, struct str text)
{
	const size_t bytes = sizeof(*db->search_entries);

	if (!db->search_arena)
		db->search_arena = arena_new("search queue",
					     SEARCH_ARENA_BYTES);
	if (db->search_count == db->search_size) {
		size_t size = db->search_size ? 2 * db->search_size : 64;

		db->search_entries = arena_grow(db->search_arena,
						db->search_entries,
						db->search_size * bytes,
						size * bytes);
		db->search_size = size;
	}
	db->search_entries[db->search_count++] = (struct sqlite_search_entry){
		number, drop, arena_str(db->search_arena, text)
	};
}

void sqlite_search_add(struct sqlite *db, int64_t number, struct str text)
{
	push(db, number, false, text);
}

void sqlite_search_drop(struct sqlite *db, int64_t number, struct str text)
{
	push(db, number, true, text);
}

void sqlite_search_forget(struct sqlite *db, size_t count)
{
	if (db->search_count > count)
		db->search_count = count;
	if (count || !db->search_arena)
		return;
	db->search_entries = NULL;
	db->search_size = 0;
	arena_reset(db->search_arena);
}

static bool put(struct sqlite *db, const struct sqlite_search_entry *entry,
		struct error *err)
{
	enum sqlite_own_statement which =
		entry->drop ? OWN_SEARCH_DROP : OWN_SEARCH_ADD;
	CLEANUP(sqlite_reset) sqlite3_stmt *statement =
		sqlite_statement(db, &db->statements[which],
				 entry->drop ? drop_sql : add_sql, err);

	if (!statement)
		return false;
	sqlite_bind_int(statement, 1, entry->number);
	sqlite_bind_str(statement, 2, entry->text);
	return sqlite_run(db, statement, err);
}

bool sqlite_search_flush(struct sqlite *db, struct error *err)
{
	for (size_t i = 0; i < db->search_count; i++)
		if (!put(db, &db->search_entries[i], err))
			return false;
	sqlite_search_forget(db, 0);
	return true;
}
