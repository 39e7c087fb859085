/*
 * sqlite_test.c: is the SQLite engine set up, failing and kept as sqlite.h and
 * design.md say? What every engine promises is in tests/contract.
 */
#include "../contract/engine.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "adapters/sqlite.h"
#include "base/limits.h"

#include "base/banned.h"

#define DAY_MS (24ll * 3600 * 1000)

static sqlite3 *handle_of(struct desk *desk)
{
	return sqlite_of(desk->database)->handle;
}

static int64_t read_int(struct desk *desk, const char *sql)
{
	int64_t value;

	assert_ok(desk, sqlite_read_int(sqlite_of(desk->database), sql, &value,
					&desk->err));
	return value;
}

static void execute(struct desk *desk, const char *sql)
{
	assert_ok(desk, sqlite_execute(sqlite_of(desk->database), sql,
				       &desk->err));
}

static void begin(struct desk *desk)
{
	assert_ok(desk, database_begin(desk->database, &desk->err));
}

static void commit(struct desk *desk)
{
	assert_ok(desk, database_commit(desk->database, &desk->err));
}

static bool is_live(struct desk *desk, const char *id)
{
	struct stored_order stored;

	error_init(&desk->err);
	return order_store_get(desk->orders, id, desk->arena, &stored,
			       &desk->err);
}

static void database_path(struct desk *desk, char ret[128])
{
	snprintf(ret, 128, "%s/ordermill.db", desk->folder);
}

static bool reopen(struct desk *desk, bool migrate)
{
	struct database *other;

	error_init(&desk->err);
	if (!database_open(&other, desk->config, migrate, &desk->err))
		return false;
	database_close(other);
	return true;
}

/* Settings: */

static int64_t wal_bytes(struct desk *desk)
{
	struct stat status;
	char path[140];

	snprintf(path, sizeof(path), "%s/ordermill.db-wal", desk->folder);
	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

static void durability_is_in_force(void **state)
{
	struct desk *desk = *state;
	int value;

	assert_int_equal(read_int(desk, "SELECT journal_mode = 'wal'"
					" FROM pragma_journal_mode"), 1);
	assert_int_equal(read_int(desk, "PRAGMA synchronous"), 2);
	assert_int_equal(read_int(desk, "PRAGMA wal_autocheckpoint"), 0);
	assert_int_equal(read_int(desk, "PRAGMA temp_store"), 2);
	assert_int_equal(read_int(desk, "PRAGMA mmap_size"), 0);
	sqlite3_db_config(handle_of(desk), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, -1,
			  &value);
	assert_int_equal(value, 1);
}

static void closing_leaves_the_wal_alone(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red", NOW);

	create_order(desk, &order);
	desk_close(desk);
	assert_true(wal_bytes(desk) > 0);
	desk_open(desk, false);
	assert_true(is_live(desk, order.id));
}

static void others_cannot_read_the_database(void **state)
{
	struct desk *desk = *state;
	struct stat status;
	char path[128];

	database_path(desk, path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 7, 0);
}

/* Schema: */

static void a_missing_database_is_not_made_by_a_responder(void **state)
{
	struct desk *desk = *state;
	char path[128];

	database_path(desk, path);
	assert_int_equal(unlink(path), 0);
	assert_false(reopen(desk, false));
	assert_int_equal(desk->err.code, ERROR_UNAVAILABLE);
	assert_int_equal(access(path, F_OK), -1);
}

static void an_older_schema_is_migrated_only_when_asked(void **state)
{
	struct desk *desk = *state;
	char path[128], aside[140];

	database_path(desk, path);
	snprintf(aside, sizeof(aside), "%s.aside", path);
	assert_int_equal(rename(path, aside), 0);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_false(reopen(desk, false));
	assert_int_equal(desk->err.code, ERROR_UNAVAILABLE);
	assert_true(reopen(desk, true));
	assert_true(reopen(desk, false));
	assert_int_equal(rename(aside, path), 0);
}

static void a_newer_schema_is_refused(void **state)
{
	struct desk *desk = *state;

	execute(desk, "PRAGMA user_version = 999");
	assert_false(reopen(desk, true));
	assert_int_equal(desk->err.code, ERROR_UNAVAILABLE);
	assert_non_null(strstr(desk->err.cause, "upgrade the programs"));
	assert_false(reopen(desk, false));
	error_init(&desk->err);
	assert_false(database_check(desk->database, &desk->err));
	assert_int_equal(read_int(desk, "PRAGMA user_version"), 999);
}

static void another_programs_database_is_not_touched(void **state)
{
	struct desk *desk = *state;

	execute(desk, "PRAGMA application_id = 77");
	assert_false(reopen(desk, true));
	assert_non_null(strstr(desk->err.cause, "another program"));
	execute(desk, "PRAGMA user_version = 0");
	assert_false(reopen(desk, true));
}

static void remove_database(struct desk *desk)
{
	static const char *const names[] = { "", "-wal", "-shm" };
	char path[140];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/ordermill.db%s", desk->folder,
			 names[i]);
		unlink(path);
	}
}

static void a_file_that_is_no_database_is_refused(void **state)
{
	struct desk *desk = *state;
	char path[128];
	FILE *file;

	desk_close(desk);
	remove_database(desk);
	database_path(desk, path);
	file = fopen(path, "w");
	for (int i = 0; i < 500; i++)
		fputs("This is not a database. ", file);
	fclose(file);
	assert_false(reopen(desk, true));
	assert_int_equal(desk->err.code, ERROR_UNAVAILABLE);
	assert_true(desk->err.cause[0]);
	assert_int_equal(truncate(path, 0), 0);
	desk_open(desk, true);
}

/* A process that runs `run` and exits with its result. */
static pid_t start(struct desk *desk, int (*run)(struct desk *))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		_exit(run(desk));
	return pid;
}

static int exit_status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int migrate(struct desk *desk)
{
	return !reopen(desk, true);
}

static void several_processes_may_migrate_at_once(void **state)
{
	struct desk *desk = *state;
	pid_t pids[6];

	desk_close(desk);
	for (int round = 0; round < 3; round++) {
		remove_database(desk);
		for (size_t i = 0; i < ARRAY_LEN(pids); i++)
			pids[i] = start(desk, migrate);
		for (size_t i = 0; i < ARRAY_LEN(pids); i++)
			assert_int_equal(exit_status_of(pids[i]), 0);
	}
	desk_open(desk, false);
}

/* Query plans: */

/* The plan of the prepared statement whose text contains `part`. */
static void plan_of(struct desk *desk, const char *part, char *ret,
		    size_t bytes)
{
	sqlite3_stmt *statement = NULL, *plan;
	char sql[4096];
	size_t len = 0;

	while ((statement = sqlite3_next_stmt(handle_of(desk), statement)))
		if (strstr(sqlite3_sql(statement), part))
			break;
	assert_non_null(statement);
	snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s",
		 sqlite3_sql(statement));
	assert_int_equal(sqlite3_prepare_v2(handle_of(desk), sql, -1, &plan,
					    NULL), SQLITE_OK);
	ret[0] = '\0';
	while (sqlite3_step(plan) == SQLITE_ROW && len < bytes)
		len += (size_t)snprintf(ret + len, bytes - len, "%s\n",
					sqlite3_column_text(plan, 3));
	sqlite3_finalize(plan);
}

static struct order_query all_orders(void)
{
	return (struct order_query){
		.price_from_minor = INT64_MIN, .price_to_minor = INT64_MAX,
		.created_from_ms = INT64_MIN, .created_to_ms = INT64_MAX,
		.descending = true, .limit = 50,
	};
}

/* An index that is in order, no sorting, and rows only for the page. */
static void assert_list_is_served_by(struct desk *desk,
				     const struct order_query *query,
				     const char *index)
{
	struct order_page page;
	char plan[4096], *from;

	desk_close(desk);
	desk_open(desk, false);
	assert_ok(desk, order_store_list(desk->orders, query, desk->arena,
					 &page, &desk->err));
	plan_of(desk, "SELECT orders.id", plan, sizeof(plan));
	if (!strstr(plan, index))
		fail_msg("no %s in:\n%s", index, plan);
	if (strstr(plan, "SCAN orders\n") || strstr(plan, "B-TREE"))
		fail_msg("a scan or a sort in:\n%s", plan);
	from = strstr(plan, "SEARCH orders USING INTEGER PRIMARY KEY");
	assert_non_null(from);
}

static void common_lists_are_read_in_the_order_of_an_index(void **state)
{
	struct desk *desk = *state;
	struct order_query query = all_orders();

	assert_list_is_served_by(desk, &query, "COVERING INDEX orders_created");
	query.has_position = true;
	query.position_value = NOW;
	memcpy(query.position_id, "01930000-0000-7000-8000-000000000000", 37);
	assert_list_is_served_by(desk, &query, "orders_created ((created_ms,id)<");
	query.backwards = true;
	assert_list_is_served_by(desk, &query, "orders_created ((created_ms,id)>");
	query.backwards = false;
	query.created_to_ms = NOW + 1;
	assert_list_is_served_by(desk, &query,
				 "orders_created ((created_ms,id)<");
	query.created_to_ms = INT64_MAX;
	query.statuses = 1u << STATUS_PENDING;
	assert_list_is_served_by(desk, &query,
				 "COVERING INDEX orders_status (status=? AND "
				 "(created_ms,id)<");
	query.statuses = 1u << STATUS_PENDING | 1u << STATUS_SHIPPED |
			 1u << STATUS_DELIVERED;
	assert_list_is_served_by(desk, &query, "MERGE (UNION ALL)");
	query.statuses = 0;
	query.customer_email = STR("ada@example.org");
	assert_list_is_served_by(desk, &query,
				 "orders_customer (customer_email=? AND "
				 "(created_ms,id)<");
	query.customer_email = (struct str){ NULL, 0 };
	query.sort = SORT_UPDATED;
	assert_list_is_served_by(desk, &query, "orders_updated ((updated_ms,id)<");
}

static void what_waits_is_found_without_the_records_that_are_done(void **state)
{
	struct desk *desk = *state;
	static const char *const indexes[] = {
		[DELETIONS_OPEN] = "deletions_open",
		[DELETIONS_PENDING] = "deletions_pending",
		[DELETIONS_TO_RING] = "deletions_pending",
		[DELETIONS_TO_CLOSE] = "deletions_to_close",
		[DELETIONS_DEAD] = "deletions_dead",
	};
	struct deletion_page page;
	struct queued_mail *mails;
	char plan[4096];
	size_t count;

	for (int i = DELETIONS_OPEN; i <= DELETIONS_DEAD; i++) {
		desk_close(desk);
		desk_open(desk, false);
		assert_ok(desk, deletion_log_list(desk->deletions,
						  (enum deletion_selection)i,
						  NULL, 5, NOW, 0, desk->arena,
						  &page, &desk->err));
		plan_of(desk, "FROM deletions", plan, sizeof(plan));
		if (!strstr(plan, indexes[i]) || strstr(plan, "B-TREE"))
			fail_msg("%s: %s", indexes[i], plan);
	}
	assert_ok(desk, subscriber_list_due_mails(desk->subscribers, NOW, 5,
						  desk->arena, &mails, &count,
						  &desk->err));
	plan_of(desk, "FROM mails", plan, sizeof(plan));
	if (!strstr(plan, "mails_due (next_ms<") || strstr(plan, "B-TREE"))
		fail_msg("%s", plan);
}

/* Failures: */

static void a_full_disk_fails_the_batch_and_then_passes(void **state)
{
	struct desk *desk = *state;
	struct order kept = some_order("kept", NOW);
	struct order order;
	char sql[80];
	bool failed = false;

	create_order(desk, &kept);
	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %lld",
		 (long long)read_int(desk, "PRAGMA page_count"));
	execute(desk, sql);
	begin(desk);
	for (int i = 0; i < 200 && !failed; i++) {
		order = some_order("too many", NOW);
		assert_ok(desk, database_mark(desk->database, &desk->err));
		failed = !order_store_create(desk->orders, &order, NULL,
					     desk->arena, &desk->err);
		if (failed)
			assert_int_equal(desk->err.code, ERROR_UNAVAILABLE);
		error_init(&desk->err);
		assert_true(database_release(desk->database, !failed,
					     &desk->err));
	}
	assert_true(failed);
	/* the rest of the batch is refused, and so is its commit */
	assert_refused(desk, ERROR_UNAVAILABLE,
		       database_mark(desk->database, &desk->err));
	assert_refused(desk, ERROR_UNAVAILABLE,
		       order_store_create(desk->orders, &order, NULL,
					  desk->arena, &desk->err));
	assert_refused(desk, ERROR_UNAVAILABLE,
		       database_commit(desk->database, &desk->err));
	assert_int_equal(read_int(desk, "SELECT count(*) FROM orders"), 1);
	execute(desk, "PRAGMA max_page_count = 100000");
	create_order(desk, &order);
	assert_true(is_live(desk, order.id));
	assert_true(is_live(desk, kept.id));
}

static void a_full_disk_outside_a_transaction_writes_nothing(void **state)
{
	struct desk *desk = *state;
	struct order order;
	char sql[80];
	int stored = 0;

	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %lld",
		 (long long)read_int(desk, "PRAGMA page_count"));
	execute(desk, sql);
	for (error_init(&desk->err);; stored++) {
		order = some_order("too many", NOW);
		if (!order_store_create(desk->orders, &order, NULL, desk->arena,
					&desk->err))
			break;
	}
	assert_int_equal(desk->err.code, ERROR_UNAVAILABLE);
	assert_false(is_live(desk, order.id));
	assert_int_equal(read_int(desk, "SELECT count(*) FROM orders"), stored);
	execute(desk, "PRAGMA max_page_count = 100000");
	create_order(desk, &order);
}

static void a_lock_that_is_not_given_up_is_unavailable(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red", NOW);
	struct database *other;

	assert_ok(desk, database_open(&other, desk->config, false, &desk->err));
	assert_ok(desk, database_begin(other, &desk->err));
	sqlite3_busy_handler(handle_of(desk), NULL, NULL);
	assert_refused(desk, ERROR_UNAVAILABLE,
		       database_begin(desk->database, &desk->err));
	assert_refused(desk, ERROR_UNAVAILABLE,
		       order_store_create(desk->orders, &order, NULL,
					  desk->arena, &desk->err));
	database_rollback(other);
	database_close(other);
	create_order(desk, &order);
}

static int hold_the_lock(struct desk *desk)
{
	struct database *own;

	if (!database_open(&own, desk->config, false, &desk->err) ||
	    !database_begin(own, &desk->err))
		return 1;
	close(open("held", O_CREAT | O_WRONLY, 0600));
	usleep(500000);
	return !database_commit(own, &desk->err);
}

static void wait_for_file(const char *path)
{
	for (int i = 0; i < 2000 && access(path, F_OK) < 0; i++)
		usleep(1000);
	assert_int_equal(unlink(path), 0);
}

static void a_snapshot_shows_one_state_until_it_ends(void **state)
{
	struct desk *desk = *state, reader = *desk;
	struct order first = some_order("red", NOW);
	struct order second = some_order("blue", NOW);

	create_order(desk, &first);
	desk_open(&reader, false);
	assert_ok(&reader, database_snapshot(reader.database, &reader.err));
	assert_true(is_live(&reader, first.id));
	create_order(desk, &second);
	assert_false(is_live(&reader, second.id));
	database_rollback(reader.database);
	assert_true(is_live(&reader, second.id));
	desk_close(&reader);
}

static void a_writer_waits_for_another(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red", NOW);
	pid_t pid;

	assert_int_equal(chdir(desk->folder), 0);
	pid = start(desk, hold_the_lock);
	wait_for_file("held");
	create_order(desk, &order);
	assert_int_equal(exit_status_of(pid), 0);
	assert_int_equal(chdir("/"), 0);
}

static void a_read_only_database_is_unavailable(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red", NOW);

	execute(desk, "PRAGMA query_only = ON");
	assert_refused(desk, ERROR_UNAVAILABLE,
		       order_store_create(desk->orders, &order, NULL,
					  desk->arena, &desk->err));
	assert_true(desk->err.cause[0]);
	execute(desk, "PRAGMA query_only = OFF");
	create_order(desk, &order);
}

static void a_damaged_page_is_unavailable_with_its_cause(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red", NOW);
	static const char junk[4096] = { 1, 2, 3 };
	char path[128];
	int64_t root;
	int fd;

	create_order(desk, &order);
	root = read_int(desk, "SELECT rootpage FROM sqlite_schema"
			      " WHERE name = 'orders'");
	assert_int_equal(sqlite3_wal_checkpoint_v2(handle_of(desk), NULL,
						   SQLITE_CHECKPOINT_TRUNCATE,
						   NULL, NULL), SQLITE_OK);
	desk_close(desk);
	database_path(desk, path);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, junk, 4096, (root - 1) * 4096), 4096);
	close(fd);
	desk_open(desk, false);
	assert_false(is_live(desk, order.id));
	assert_int_equal(desk->err.code, ERROR_UNAVAILABLE);
	assert_non_null(strstr(desk->err.cause, "malformed"));
}

static int fail_sync(sqlite3_file *file, int flags)
{
	(void)file;
	(void)flags;
	return SQLITE_IOERR_FSYNC;
}

static int commit_with_a_failing_fsync(struct desk *desk)
{
	static sqlite3_io_methods methods;
	struct order order = some_order("red", NOW);
	sqlite3_file *wal;

	desk_open(desk, false);
	create_order(desk, &order);
	sqlite3_file_control(handle_of(desk), "main",
			     SQLITE_FCNTL_JOURNAL_POINTER, &wal);
	methods = *wal->pMethods;
	methods.xSync = fail_sync;
	wal->pMethods = &methods;
	fclose(stderr);
	order = some_order("blue", NOW);
	return order_store_create(desk->orders, &order, NULL, desk->arena,
				  &desk->err);
}

static void a_failed_fsync_ends_the_process(void **state)
{
	struct desk *desk = *state;
	int status;

	desk_close(desk);
	status = exit_status_of(start(desk, commit_with_a_failing_fsync));
	desk_open(desk, false);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* Killed at any moment: */

#define KILLS 20
#define KILL_BATCH 8

/* Commits batches for ever; each acknowledged id goes to `acks`. */
static int write_for_ever(struct desk *desk)
{
	int acks = open("acks", O_CREAT | O_APPEND | O_WRONLY, 0600);
	char ids[KILL_BATCH][ORDER_ID_BYTES];
	struct stat st;

	/* A write, too, may have been killed in its middle. */
	if (fstat(acks, &st) < 0 ||
	    ftruncate(acks, st.st_size - st.st_size % (off_t)sizeof(ids)) < 0)
		return 1;
	desk_open(desk, false);
	for (;;) {

		begin(desk);
		for (int i = 0; i < KILL_BATCH; i++) {
			struct order order = some_order("red shoes", NOW);

			memcpy(ids[i], order.id, ORDER_ID_BYTES);
			create_order(desk, &order);
		}
		commit(desk);
		if (write(acks, ids, sizeof(ids)) != (ssize_t)sizeof(ids))
			return 1;
		arena_reset(desk->arena);
	}
}

static size_t check_acknowledged(struct desk *desk)
{
	char id[ORDER_ID_BYTES];
	FILE *acks = fopen("acks", "r");
	size_t count = 0;

	assert_non_null(acks);
	for (; fread(id, sizeof(id), 1, acks) == 1; count++)
		if (!is_live(desk, id))
			fail_msg("acknowledged and lost: %s", id);
	fclose(acks);
	return count;
}

static void nothing_acknowledged_is_lost_by_kill_9(void **state)
{
	struct desk *desk = *state;
	struct order_query query = all_orders();
	struct order_page page;
	int64_t stored;
	size_t acknowledged;

	desk_close(desk);
	assert_int_equal(chdir(desk->folder), 0);
	close(open("acks", O_CREAT | O_WRONLY, 0600));
	srandom(11);
	for (int i = 0; i < KILLS; i++) {
		pid_t pid = start(desk, write_for_ever);

		usleep(2000 + (useconds_t)random() % 20000);
		kill(pid, SIGKILL);
		exit_status_of(pid);
	}
	desk_open(desk, false);
	acknowledged = check_acknowledged(desk);
	stored = read_int(desk, "SELECT count(*) FROM orders");
	assert_true(acknowledged > 0);
	/* whole batches, and at most one unacknowledged for each kill */
	assert_int_equal(stored % KILL_BATCH, 0);
	assert_true(stored >= (int64_t)acknowledged);
	assert_true(stored <= (int64_t)acknowledged + KILLS * KILL_BATCH);
	assert_int_equal(read_int(desk, "SELECT integrity_check = 'ok' FROM "
					"pragma_integrity_check"), 1);
	query.search = STR("shoes");
	assert_ok(desk, order_store_list(desk->orders, &query, desk->arena,
					 &page, &desk->err));
	assert_int_equal(page.count, 50);
	assert_int_equal(read_int(desk, "SELECT count(*) FROM search"
					" WHERE search MATCH 'shoes'"), stored);
	assert_int_equal(chdir("/"), 0);
}

/* Housekeeping: */

static void maintain(struct desk *desk, int64_t now_ms)
{
	assert_ok(desk, database_maintain(desk->database, now_ms, &desk->err));
}

/* Are there frames in the WAL that no checkpoint has copied? Asked by a child:
 * closing the file here would drop the locks of our connections. */
static int look_for_frames(struct desk *desk)
{
	uint32_t header[25];
	char path[140];
	int fd;

	snprintf(path, sizeof(path), "%s/ordermill.db-shm", desk->folder);
	fd = open(path, O_RDONLY);
	if (read(fd, header, sizeof(header)) != (ssize_t)sizeof(header))
		return 2;
	return header[4] > header[24];
}

static bool has_frames(struct desk *desk)
{
	int status = exit_status_of(start(desk, look_for_frames));

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void a_quiet_desk_is_checkpointed(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red", NOW);

	create_order(desk, &order);
	maintain(desk, NOW);
	maintain(desk, NOW + 900);
	assert_true(has_frames(desk));
	order = some_order("blue", NOW);
	create_order(desk, &order);
	maintain(desk, NOW + 1800);
	assert_true(has_frames(desk));
	maintain(desk, NOW + 2800);
	assert_false(has_frames(desk));
	assert_true(is_live(desk, order.id));
}

static void a_long_wal_is_checkpointed_however_busy(void **state)
{
	struct desk *desk = *state;
	struct order order;

	maintain(desk, NOW);
	for (int i = 0; wal_bytes(desk) < 17 * (int64_t)MIB; i++) {
		begin(desk);
		for (int k = 0; k < 300; k++) {
			order = some_order("red shoes and a hat", NOW + i);
			create_order(desk, &order);
		}
		commit(desk);
		arena_reset(desk->arena);
	}
	maintain(desk, NOW + 1);
	assert_false(has_frames(desk));
	assert_true(is_live(desk, order.id));
}

static void a_reader_that_sleeps_does_not_stop_the_desk(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red", NOW);
	struct database *other;
	double since;

	create_order(desk, &order);
	assert_ok(desk, database_open(&other, desk->config, false, &desk->err));
	assert_ok(desk, sqlite_execute(sqlite_of(other),
				       "BEGIN; SELECT count(*) FROM orders",
				       &desk->err));
	order = some_order("blue", NOW);
	create_order(desk, &order);
	maintain(desk, NOW);
	since = seconds();
	maintain(desk, NOW + 2000);
	assert_true(seconds() - since < 2);
	assert_true(has_frames(desk));
	order = some_order("green", NOW);
	create_order(desk, &order);
	/* not tried again at once */
	maintain(desk, NOW + 4000);
	since = seconds();
	maintain(desk, NOW + 6000);
	assert_true(seconds() - since < 0.2);
	assert_true(has_frames(desk));
	database_close(other);
	maintain(desk, NOW + 8000);
	assert_false(has_frames(desk));
	assert_true(is_live(desk, order.id));
}

/* A PASSIVE one would not wait, and would not be safe. */
static void a_checkpoint_waits_for_the_writer_lock(void **state)
{
	struct desk *desk = *state;
	struct order order = some_order("red", NOW);
	double since;
	pid_t pid;

	assert_int_equal(chdir(desk->folder), 0);
	create_order(desk, &order);
	maintain(desk, NOW);
	pid = start(desk, hold_the_lock);
	wait_for_file("held");
	since = seconds();
	maintain(desk, NOW + 2000);
	assert_true(seconds() - since > 0.4);
	assert_false(has_frames(desk));
	assert_int_equal(exit_status_of(pid), 0);
	assert_int_equal(chdir("/"), 0);
}

static void answers_expire_after_a_day(void **state)
{
	struct desk *desk = *state;
	struct answer answer = { .status = 201, .body = STR("{}") };
	struct idempotency key = { .key = STR("k"), .answer = &answer };

	begin(desk);
	for (int i = 0; i < 1500; i++) {
		struct order order = some_order("red", NOW);

		key.now_ms = i < 1200 ? NOW : NOW + DAY_MS / 2;
		memcpy(key.scope, order.id, SHA256_BYTES);
		assert_ok(desk, order_store_create(desk->orders, &order, &key,
						   desk->arena, &desk->err));
	}
	commit(desk);
	maintain(desk, NOW + DAY_MS - 1);
	assert_int_equal(read_int(desk, "SELECT count(*) FROM answers"), 1500);
	maintain(desk, NOW + DAY_MS + 1000);
	assert_int_equal(read_int(desk, "SELECT count(*) FROM answers"), 500);
	maintain(desk, NOW + DAY_MS + 2000);
	maintain(desk, NOW + DAY_MS + 3000);
	assert_int_equal(read_int(desk, "SELECT count(*) FROM answers"), 300);
}

static void unconfirmed_subscribers_and_old_mails_expire(void **state)
{
	struct desk *desk = *state;
	struct queued_mail *mails;
	size_t count;

	for (int i = 0; i < 3; i++) {
		static const char *const emails[] = {
			"a@example.org", "b@example.org", "c@example.org",
		};

		assert_ok(desk, subscriber_list_subscribe(
					desk->subscribers, str_from(emails[i]),
					NOW, &desk->err));
	}
	assert_ok(desk, subscriber_list_due_mails(desk->subscribers, NOW, 9,
						  desk->arena, &mails, &count,
						  &desk->err));
	assert_int_equal(count, 3);
	assert_ok(desk, subscriber_list_confirm(desk->subscribers,
						mails[0].subscriber_id, NOW,
						&desk->err));
	assert_ok(desk, subscriber_list_mail_sent(desk->subscribers,
						  mails[0].id, NOW,
						  &desk->err));
	assert_ok(desk, subscriber_list_mail_failed(desk->subscribers,
						    mails[1].id, true, NOW,
						    STR("550"), &desk->err));
	maintain(desk, NOW + CONFIRM_VALID_MS - 1);
	assert_int_equal(read_int(desk, "SELECT count(*) FROM subscribers"), 3);
	maintain(desk, NOW + CONFIRM_VALID_MS + 1000);
	assert_int_equal(read_int(desk, "SELECT count(*) FROM subscribers"), 1);
	assert_int_equal(read_int(desk, "SELECT count(*) FROM mails"), 1);
	maintain(desk, NOW + 30 * DAY_MS - 1);
	assert_int_equal(read_int(desk, "SELECT count(*) FROM mails"), 1);
	maintain(desk, NOW + 30 * DAY_MS + 1000);
	assert_int_equal(read_int(desk, "SELECT count(*) FROM mails"), 0);
}

static void what_waits_does_not_expire(void **state)
{
	struct desk *desk = *state;
	struct deletion deletion = deleted_order(desk, "red", NOW);
	struct queued_mail *mails;
	bool changed;
	size_t count;

	assert_ok(desk, subscriber_list_subscribe(desk->subscribers,
						  STR("a@example.org"), NOW,
						  &desk->err));
	assert_ok(desk, subscriber_list_due_mails(desk->subscribers, NOW, 9,
						  desk->arena, &mails, &count,
						  &desk->err));
	assert_ok(desk, subscriber_list_confirm(desk->subscribers,
						mails[0].subscriber_id, NOW,
						&desk->err));
	assert_ok(desk, deletion_log_set_archived(desk->deletions,
						  deletion.event_id, STR("k"),
						  "00", NOW, &changed,
						  &desk->err));
	maintain(desk, NOW + 400 * DAY_MS);
	assert_int_equal(read_int(desk, "SELECT count(*) FROM mails"), 2);
	assert_ok(desk, subscriber_list_due_mails(desk->subscribers, NOW, 9,
						  desk->arena, &mails, &count,
						  &desk->err));
	assert_ok(desk, subscriber_list_mail_failed(desk->subscribers,
						    mails[1].id, true, NOW,
						    STR("550"), &desk->err));
	/* a dead letter can be redriven */
	maintain(desk, NOW + 500 * DAY_MS);
	assert_int_equal(read_int(desk, "SELECT count(*) FROM mails"), 2);
	assert_int_equal(read_int(desk, "SELECT count(*) FROM deletions"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		desk_test(durability_is_in_force),
		desk_test(closing_leaves_the_wal_alone),
		desk_test(others_cannot_read_the_database),
		desk_test(a_missing_database_is_not_made_by_a_responder),
		desk_test(an_older_schema_is_migrated_only_when_asked),
		desk_test(a_newer_schema_is_refused),
		desk_test(another_programs_database_is_not_touched),
		desk_test(a_file_that_is_no_database_is_refused),
		desk_test(several_processes_may_migrate_at_once),
		desk_test(common_lists_are_read_in_the_order_of_an_index),
		desk_test(what_waits_is_found_without_the_records_that_are_done),
		desk_test(a_full_disk_fails_the_batch_and_then_passes),
		desk_test(a_full_disk_outside_a_transaction_writes_nothing),
		desk_test(a_lock_that_is_not_given_up_is_unavailable),
		desk_test(a_snapshot_shows_one_state_until_it_ends),
		desk_test(a_writer_waits_for_another),
		desk_test(a_read_only_database_is_unavailable),
		desk_test(a_damaged_page_is_unavailable_with_its_cause),
		desk_test(a_failed_fsync_ends_the_process),
		desk_test(nothing_acknowledged_is_lost_by_kill_9),
		desk_test(a_quiet_desk_is_checkpointed),
		desk_test(a_long_wal_is_checkpointed_however_busy),
		desk_test(a_reader_that_sleeps_does_not_stop_the_desk),
		desk_test(a_checkpoint_waits_for_the_writer_lock),
		desk_test(answers_expire_after_a_day),
		desk_test(unconfirmed_subscribers_and_old_mails_expire),
		desk_test(what_waits_does_not_expire),
	};

	return run_on_every_engine(tests, ARRAY_LEN(tests));
}
