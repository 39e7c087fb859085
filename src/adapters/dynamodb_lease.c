/*
 * dynamodb_lease.c: which machine sends the mails, where several share a table.
 */
#include "adapters/dynamodb.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"

#include "base/banned.h"

/* A turn that began with it ends before it does. */
#define LEASE_MS (LIMIT_TURN_MS + 50000ll)

/* The same after a restart, so that it goes on at once. Machines may have one
 * name, containers one machine, desks both. */
void dynamodb_lease_init(struct dynamodb *db, const char *state_directory)
{
	CLEANUP(cleanup_file) FILE *file = fopen("/etc/machine-id", "re");
	char host[HOST_NAME_MAX + 1] = "", machine[64] = "";
	char text[HOST_NAME_MAX + 64 + PATH_MAX];

	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	if (file && !fgets(machine, sizeof(machine), file))
		machine[0] = '\0';
	snprintf(text, sizeof(text), "%s %s %s", host, machine,
		 state_directory);
	sha256_hex(str_from(text), db->holder);
}

bool dynamodb_lease_take(struct dynamodb *db, int64_t now_ms, bool *ret_ours,
			 struct error *err)
{
	struct buf key = dynamodb_key(db, "lease", STR(""), "mails");
	struct buf values = dynamodb_map(db);
	struct dynamodb_write write;
	enum dynamodb_result result;
	int64_t until_ms;

	*ret_ours = db->leased_ms != INT64_MIN && now_ms >= db->leased_ms &&
		    now_ms - db->leased_ms < LEASE_MS - LIMIT_TURN_MS;
	if (*ret_ours)
		return true;
	if (__builtin_add_overflow(now_ms, LEASE_MS, &until_ms))
		until_ms = INT64_MAX;
	dynamodb_add_str(&values, ":me", str_from(db->holder));
	dynamodb_add_int(&values, ":now", now_ms);
	dynamodb_add_int(&values, ":until", until_ms);
	dynamodb_write_init(&write, db);
	dynamodb_write_add(&write, "Update", &key, "SET wr = :me, na = :until",
			   "attribute_not_exists(pk) OR wr = :me OR na <= :now",
			   &values);
	result = dynamodb_commit(&write, err);
	*ret_ours = result == DYNAMODB_WRITTEN;
	db->leased_ms = *ret_ours ? now_ms : INT64_MIN;
	return result != DYNAMODB_FAILED;
}
