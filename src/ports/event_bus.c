/*
 * event_bus.c: the list of event buses, and open by name (`event_bus.adapter`).
 */
#include "ports/event_bus.h"

#include "base/banned.h"

static const struct {
	const char *name;
	bool (*open)(struct event_bus **, const struct config *,
		     struct error *);
} adapters[] = {
	{ "local", event_bus_local_open },
	{ "sns", event_bus_sns_open },
};

bool event_bus_open(struct event_bus **ret, const struct config *config,
		    struct error *err)
{
	const char *name = config_text(config, "event_bus.adapter");

	for (size_t i = 0; i < ARRAY_LEN(adapters); i++)
		if (!strcmp(adapters[i].name, name))
			return adapters[i].open(ret, config, err);
	return error_cause(err, ERROR_INTERNAL,
			   "event_bus.adapter: %s: is not local or sns",
			   name);
}

void event_bus_close(struct event_bus *bus)
{
	if (bus)
		bus->ops->close(bus);
}

bool event_bus_publish(struct event_bus *bus, struct str subject,
		       struct str message, struct str traceparent,
		       int64_t now_ms, struct arena *arena,
		       bool *ret_permanent, struct error *err)
{
	return bus->ops->publish(bus, subject, message, traceparent, now_ms,
				 arena, ret_permanent, err);
}

bool event_bus_verify(struct event_bus *bus, struct str body, int64_t now_ms,
		      struct arena *arena, struct event *ret,
		      struct error *err)
{
	return bus->ops->verify(bus, body, now_ms, arena, ret, err);
}

bool event_bus_confirm(struct event_bus *bus, struct str token,
		       struct error *err)
{
	return bus->ops->confirm(bus, token, err);
}

bool event_bus_ensure_subscription(struct event_bus *bus, int64_t now_ms,
				   struct arena *arena, bool *ret_confirmed,
				   struct error *err)
{
	return bus->ops->ensure_subscription(bus, now_ms, arena, ret_confirmed,
					     err);
}

bool event_bus_create(struct event_bus *bus, struct setup *setup,
		      struct error *err)
{
	return bus->ops->create(bus, setup, err);
}
