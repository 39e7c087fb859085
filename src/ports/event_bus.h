/*
 * event_bus.h: the doorbell. One topic, order deletions, in SNS's wire format.
 *
 * Publishing rings; the deletion log is the truth (a lost or doubled event does
 * no harm). Inbound messages are verified completely: type, topic, signature
 * version, certificate host, signature, shape (see sns_message.h).
 */
#ifndef PORTS_EVENT_BUS_H
#define PORTS_EVENT_BUS_H

#include "base/arena.h"
#include "base/config.h"
#include "base/error.h"
#include "ports/setup.h"

struct event_bus;

enum event_type { EVENT_NOTIFICATION, EVENT_SUBSCRIPTION_CONFIRMATION,
		  EVENT_UNSUBSCRIBE_CONFIRMATION };

/* A message that was verified. */
struct event {
	enum event_type type;
	struct str message_id;
	struct str message;	/* EVENT_NOTIFICATION: JSON, {"event_id":…,"order":…} */
	struct str token;	/* the two confirmations */
};

struct event_bus_ops {
	const char *name;	/* "local", "sns" */
	/* Delivers (local) or publishes (SNS). *ret_permanent: trying again is
	 * no use (a 4xx). ERROR_UNAVAILABLE with a cause otherwise. */
	bool (*publish)(struct event_bus *, struct str subject,
			struct str message, struct str traceparent,
			int64_t now_ms, struct arena *, bool *ret_permanent,
			struct error *);
	/* ERROR_FORGED, ERROR_NOT_JSON, ERROR_BAD_REQUEST, or ERROR_UNAVAILABLE
	 * when the certificate cannot be had now. */
	bool (*verify)(struct event_bus *, struct str body, int64_t now_ms,
		       struct arena *, struct event *ret, struct error *);
	/* Answers a SubscriptionConfirmation. Never fetches SubscribeURL. */
	bool (*confirm)(struct event_bus *, struct str token, struct error *);
	/* The relay's turn: asks for confirmation of our endpoint until it has
	 * it. */
	bool (*ensure_subscription)(struct event_bus *, int64_t now_ms,
				    struct arena *, bool *ret_confirmed,
				    struct error *);
	/* `ordermill init`: makes what is missing (a key, the topic). */
	bool (*create)(struct event_bus *, struct setup *, struct error *);
	void (*close)(struct event_bus *);
};

struct event_bus {
	const struct event_bus_ops *ops;
};

bool event_bus_open(struct event_bus **ret, const struct config *config,
		    struct error *err) MUST_CHECK;
void event_bus_close(struct event_bus *bus);
bool event_bus_publish(struct event_bus *bus, struct str subject,
		       struct str message, struct str traceparent,
		       int64_t now_ms, struct arena *arena,
		       bool *ret_permanent, struct error *err) MUST_CHECK;
bool event_bus_verify(struct event_bus *bus, struct str body, int64_t now_ms,
		      struct arena *arena, struct event *ret,
		      struct error *err) MUST_CHECK;
bool event_bus_confirm(struct event_bus *bus, struct str token,
		       struct error *err) MUST_CHECK;
bool event_bus_ensure_subscription(struct event_bus *bus, int64_t now_ms,
				   struct arena *arena, bool *ret_confirmed,
				   struct error *err) MUST_CHECK;
bool event_bus_create(struct event_bus *bus, struct setup *setup,
		      struct error *err) MUST_CHECK;

/* The adapters, for event_bus_open and the contract test. */
bool event_bus_local_open(struct event_bus **ret, const struct config *config,
			  struct error *err) MUST_CHECK;
bool event_bus_sns_open(struct event_bus **ret, const struct config *config,
			struct error *err) MUST_CHECK;

#endif
