/*
 * ports.h: what an operation asks of the world. Each opens what it needs
 * (open_ports); the rest stays NULL. main.c closes all.
 */
#ifndef PORTS_PORTS_H
#define PORTS_PORTS_H

#include "ports/bell.h"
#include "ports/database.h"
#include "ports/deletion_log.h"
#include "ports/event_bus.h"
#include "ports/image_recognizer.h"
#include "ports/mailer.h"
#include "ports/object_archive.h"
#include "ports/order_store.h"
#include "ports/settings.h"
#include "ports/subscriber_list.h"

struct ports {
	struct settings settings;	/* always */
	struct database *database;
	struct order_store *orders;
	struct deletion_log *deletions;
	struct subscriber_list *subscribers;
	struct object_archive *archive;
	struct event_bus *events;
	struct image_recognizer *recognizer;
	struct mailer *mailer;
	struct bell *bell;
};

#endif
