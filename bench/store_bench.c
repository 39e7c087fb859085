/*
 * store_bench.c: what the stores do in a loop, without HTTP, on this disk.
 *
 * store_bench [FOLDER [ORDERS]]. Writes come in transactions of BATCH with
 * a mark around each, as a responder makes them; a second process does the
 * relay's maintenance meanwhile. The reference is one SQLite connection that
 * commits the same bytes row by row with synchronous=FULL.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "adapters/sqlite.h"
#include "ports/deletion_log.h"
#include "ports/order_store.h"

#include "base/banned.h"

#define BATCH 26
#define MAINTAIN_US 50000

static const char *const words[] = {
	"red", "running", "shoes", "winter", "jacket", "lamp", "oak", "table",
	"chair", "blue", "small", "gift", "wrapped", "fragile", "spare",
	"part", "engine", "brake", "bicycle", "phone", "case", "leather",
	"wool", "scarf", "Zürich", "grün", "Ελλάδα", "книга",
};

struct bench {
	struct config *config;
	struct arena *arena;
	struct database *database;
	struct order_store *orders;
	struct error err;
	struct order *placed;
	size_t count;
};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(struct bench *bench, bool ok)
{
	if (ok)
		return;
	fprintf(stderr, "store_bench: %s %s\n", bench->err.detail,
		bench->err.cause);
	exit(1);
}

static void report(const char *what, size_t count, double since)
{
	double took = seconds() - since;

	printf("%-34s %9.0f /s  %7.1f us\n", what, (double)count / took,
	       took / (double)count * 1e6);
	fflush(stdout);
}

static const char *word(void)
{
	return words[(size_t)random() % ARRAY_LEN(words)];
}

static struct order make_order(struct arena *arena, int64_t now_ms)
{
	struct order order = {
		.description = str_from(arena_printf(arena, "%s %s %s %s",
						     word(), word(), word(),
						     word())),
		.customer_name = str_from(arena_printf(arena, "Ada %s",
						       word())),
		.customer_email = str_from(arena_printf(
			arena, "ada%ld@example.org", random() % 20000)),
		.line_count = 1, .currency = "EUR",
		.price_minor = 100 + random() % 100000,
		.notes = str_from(arena_printf(arena, "%s %s, please %s %s",
					       word(), word(), word(), word())),
		.image = { .confidence_permille = -1 },
	};

	order.lines = arena_zalloc(arena, sizeof(*order.lines));
	order.lines[0] = (struct order_line){
		.sku = str_from(arena_printf(arena, "SKU-%ld",
					     random() % 3000)),
		.name = str_from(word()), .quantity = 1,
		.unit_price_minor = order.price_minor,
	};
	order_place(&order, now_ms);
	return order;
}

static void begin(struct bench *bench)
{
	must(bench, database_begin(bench->database, &bench->err));
}

static void mark(struct bench *bench)
{
	must(bench, database_mark(bench->database, &bench->err));
}

static void keep(struct bench *bench)
{
	must(bench, database_release(bench->database, true, &bench->err));
}

static void commit(struct bench *bench)
{
	must(bench, database_commit(bench->database, &bench->err));
	arena_reset(bench->arena);
}

/* Every write in its batch; `write` does the i-th. */
static void run_writes(struct bench *bench, const char *what, size_t count,
		       void (*write_one)(struct bench *, size_t i))
{
	double since = seconds();

	for (size_t i = 0; i < count; i++) {
		if (i % BATCH == 0)
			begin(bench);
		mark(bench);
		write_one(bench, i);
		keep(bench);
		if (i % BATCH == BATCH - 1 || i == count - 1)
			commit(bench);
	}
	report(what, count, since);
}

static void create_one(struct bench *bench, size_t i)
{
	must(bench, order_store_create(bench->orders, &bench->placed[i], NULL,
				       bench->arena, &bench->err));
}

static void create_with_key(struct bench *bench, size_t i)
{
	struct answer answer = { .status = 201,
				 .content_type = STR("application/json") };
	struct idempotency idempotency = { .key = STR("k"), .now_ms = 1,
					   .answer = &answer };
	struct buf json;

	buf_init(&json, bench->arena, MIB);
	order_to_json(&bench->placed[i], &json);
	answer.body = buf_str(&json);
	sha256(str_from(bench->placed[i].id), idempotency.scope);
	must(bench, order_store_create(bench->orders, &bench->placed[i],
				       &idempotency, bench->arena,
				       &bench->err));
}

static void confirm_one(struct bench *bench, size_t i)
{
	struct order before = bench->placed[i];
	struct order *order = &bench->placed[i];

	order->status = STATUS_CONFIRMED;
	order->version++;
	order->updated_ms++;
	must(bench, order_store_replace(bench->orders, order, &before, NULL,
					bench->arena, &bench->err));
}

static void rename_one(struct bench *bench, size_t i)
{
	struct order before = bench->placed[i];
	struct order *order = &bench->placed[i];

	order->description = STR("a better description of it");
	order->version++;
	order->updated_ms++;
	must(bench, order_store_replace(bench->orders, order, &before, NULL,
					bench->arena, &bench->err));
}

static void remove_one(struct bench *bench, size_t i)
{
	const struct order *order = &bench->placed[i];
	struct deletion deletion = {
		.deleted_ms = order->updated_ms,
		.description = order->description,
		.customer_name = order->customer_name,
		.currency = "EUR", .price_minor = order->price_minor,
	};

	uuid7(order->updated_ms, deletion.event_id);
	memcpy(deletion.order_id, order->id, sizeof(deletion.order_id));
	must(bench, order_store_remove(bench->orders, 0, &deletion, NULL,
				       bench->arena, &bench->err));
}

static void run_gets(struct bench *bench, const char *what, size_t among,
		     size_t count)
{
	struct stored_order stored;
	double since = seconds();

	for (size_t i = 0; i < count; i++) {
		size_t which = (size_t)random() % among;

		must(bench, order_store_get(bench->orders,
					    bench->placed[which].id,
					    bench->arena, &stored,
					    &bench->err));
		if (i % BATCH == 0)
			arena_reset(bench->arena);
	}
	report(what, count, since);
}

static void run_lists(struct bench *bench, const char *what,
		      struct order_query query, size_t count)
{
	double since = seconds();
	struct order_page page;

	query.price_from_minor = query.created_from_ms = INT64_MIN;
	query.price_to_minor = query.created_to_ms = INT64_MAX;
	query.descending = true;
	query.limit = 50;
	for (size_t i = 0; i < count; i++) {
		must(bench, order_store_list(bench->orders, &query,
					     bench->arena, &page,
					     &bench->err));
		arena_reset(bench->arena);
	}
	report(what, count, since);
}

/* The relay's part, in a process of its own. */
static pid_t start_maintenance(struct bench *bench)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(bench, database_open(&bench->database, bench->config, false,
				  &bench->err));
	for (;;) {
		must(bench, database_maintain(bench->database, clock_now_ms(),
					      &bench->err));
		usleep(MAINTAIN_US);
	}
}

static void run_reference(struct bench *bench, const char *folder, size_t count)
{
	char path[4096];
	sqlite3 *handle;
	sqlite3_stmt *insert;
	struct buf json;
	double since;

	snprintf(path, sizeof(path), "%s/reference.db", folder);
	if (sqlite3_open(path, &handle) ||
	    sqlite3_exec(handle,
			 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
			 "CREATE TABLE orders(id BLOB PRIMARY KEY, json TEXT)",
			 NULL, NULL, NULL) ||
	    sqlite3_prepare_v2(handle, "INSERT INTO orders VALUES (?, ?)", -1,
			       &insert, NULL)) {
		fprintf(stderr, "store_bench: %s\n", sqlite3_errmsg(handle));
		exit(1);
	}
	buf_init(&json, bench->arena, MIB);
	order_to_json(&bench->placed[0], &json);
	since = seconds();
	for (size_t i = 0; i < count; i++) {
		sqlite_bind_id(insert, 1, bench->placed[i].id);
		sqlite_bind_str(insert, 2, buf_str(&json));
		if (sqlite3_step(insert) != SQLITE_DONE)
			exit(1);
		sqlite3_reset(insert);
	}
	report("reference: single-row commits", count, since);
	sqlite3_finalize(insert);
	sqlite3_close(handle);
}

static void open_bench(struct bench *bench, const char *folder)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/bench.conf", folder);
	file = fopen(path, "w");
	if (!file) {
		perror(path);
		exit(1);
	}
	fprintf(file, "state.directory = %s\n", folder);
	fclose(file);
	error_init(&bench->err);
	must(bench, config_load(&bench->config, path, &bench->err));
	bench->arena = arena_new("bench", 256 * MIB);
	must(bench, database_open(&bench->database, bench->config, true,
				  &bench->err));
	must(bench, order_store_open(&bench->orders, bench->database,
				     bench->config, &bench->err));
}

static void make_orders(struct bench *bench, size_t count)
{
	struct arena *arena = arena_new("orders", 1024 * MIB);
	int64_t now_ms = 1764000000000;

	bench->placed = arena_alloc(arena, count * sizeof(*bench->placed));
	for (size_t i = 0; i < count; i++)
		bench->placed[i] = make_order(arena,
					      now_ms + (int64_t)(i / BATCH));
	bench->count = count;
}

int main(int argc, char **argv)
{
	char made[] = "/tmp/store_bench.XXXXXX";
	const char *folder = argc > 1 ? argv[1] : mkdtemp(made);
	size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 100000;
	struct bench bench = { 0 };
	pid_t maintenance;

	if (!folder || count < 1000) {
		fprintf(stderr, "usage: store_bench [FOLDER [ORDERS]]\n");
		return 2;
	}
	open_bench(&bench, folder);
	make_orders(&bench, count);
	run_reference(&bench, folder, 5000);
	maintenance = start_maintenance(&bench);
	run_writes(&bench, "create, batches of 26", count / 2, create_one);
	bench.placed += count / 2;
	run_writes(&bench, "create with Idempotency-Key", count / 2,
		   create_with_key);
	bench.placed -= count / 2;
	run_gets(&bench, "get by id, of all", count, 200000);
	run_gets(&bench, "get by id, of 500", 500, 200000);
	run_lists(&bench, "list of 50", (struct order_query){ 0 }, 5000);
	run_lists(&bench, "list of 50, two statuses",
		  (struct order_query){ .statuses = 3 }, 5000);
	run_lists(&bench, "list of 50, one customer",
		  (struct order_query){
			  .customer_email = STR("ada77@example.org") }, 5000);
	run_lists(&bench, "list of 50, by price",
		  (struct order_query){ .sort = SORT_PRICE }, 50);
	run_lists(&bench, "search, a rare word",
		  (struct order_query){ .search = STR("ada77 example") }, 500);
	run_lists(&bench, "search, a word of one in four",
		  (struct order_query){ .search = STR("red") }, 20);
	run_writes(&bench, "update of the status", count / 4, confirm_one);
	run_writes(&bench, "update of the description", count / 4, rename_one);
	run_writes(&bench, "delete", count / 4, remove_one);
	kill(maintenance, SIGTERM);
	waitpid(maintenance, NULL, 0);
	order_store_close(bench.orders);
	database_close(bench.database);
	if (argc < 2)
		printf("left in %s\n", folder);
	return 0;
}
