/*
 * database.c: the list of engines, and open by name (`database.adapter`).
 */
#include "ports/database.h"

#include "base/banned.h"

static const struct {
	const char *name;
	bool (*open)(struct database **, const struct config *, bool migrate,
		     struct error *);
} adapters[] = {
	{ "dynamodb", database_dynamodb_open },
	{ "sqlite", database_sqlite_open },
};

bool database_open(struct database **ret, const struct config *config,
		   bool migrate, struct error *err)
{
	const char *name = config_text(config, "database.adapter");

	for (size_t i = 0; i < ARRAY_LEN(adapters); i++)
		if (!strcmp(adapters[i].name, name))
			return adapters[i].open(ret, config, migrate, err);
	return error_cause(err, ERROR_INTERNAL,
			   "database.adapter: %s: is not sqlite or dynamodb",
			   name);
}

void database_close(struct database *database)
{
	if (database)
		database->ops->close(database);
}
