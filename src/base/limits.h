/*
 * limits.h: every limit on what comes from outside, in one place.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include "base/cleanup.h"

/* requests */
#define LIMIT_JSON_BODY_BYTES (64u * KIB)
#define LIMIT_IMAGE_BODY_BYTES (10u * MIB)
/* 256 KiB of Message, JSON-escaped up to sixfold */
#define LIMIT_EVENT_BODY_BYTES (2u * MIB)
#define LIMIT_FORM_BODY_BYTES (8u * KIB)
#define LIMIT_QUERY_BYTES (4u * KIB)
#define LIMIT_QUERY_PARAMETERS 32u
#define LIMIT_IDEMPOTENCY_KEY_BYTES 255u
#define LIMIT_RESPONSE_BYTES (32u * MIB)
#define LIMIT_REQUEST_ARENA_BYTES (96u * MIB)
#define LIMIT_CONNECTIONS 256u
/* What waiting for others may take, less than nginx waits for us
 * (fastcgi_read_timeout): 30 s as a rule, 14 for an event, 60 for a photo and a
 * report, 120 for a sweep of the archive; and a turn of the relay. */
#define LIMIT_REQUEST_MS 20000
#define LIMIT_EVENT_MS 11000
#define LIMIT_IMAGE_MS 40000
#define LIMIT_REPORT_MS 50000
#define LIMIT_SWEEP_MS 100000
#define LIMIT_TURN_MS 130000

/* JSON */
#define LIMIT_JSON_DEPTH 16u
#define LIMIT_JSON_MEMBERS 2000u /* members and elements of one document: an
				  * order of LIMIT_LINES lines has over 1000 */
#define LIMIT_JSON_NAME_BYTES 1024u /* as written, with its escapes */

/* orders; lengths in code points after trimming */
#define LIMIT_DESCRIPTION_LENGTH 500u
#define LIMIT_NAME_LENGTH 200u
#define LIMIT_NOTES_LENGTH 5000u
#define LIMIT_SKU_LENGTH 64u
#define LIMIT_EMAIL_BYTES 254u /* RFC 5321, 4.5.3.1.3 less the brackets */
#define LIMIT_LINES 200u
#define LIMIT_QUANTITY 1000000u
#define LIMIT_METADATA_MEMBERS 50u
#define LIMIT_METADATA_KEY_LENGTH 64u
#define LIMIT_METADATA_VALUE_LENGTH 500u
/* 10^14: sums of 200 lines stay far below 2^63 */
#define LIMIT_PRICE_MINOR 100000000000000
#define LIMIT_LABELS 20u

/* lists */
#define LIMIT_PAGE 200u
#define DEFAULT_PAGE 50u
#define LIMIT_SEARCH_LENGTH 200u

/* DynamoDB's: an item with its names, 400 KB */
#define LIMIT_ITEM_BYTES (400u * KIB)

/* times */
#define IDEMPOTENCY_KEPT_MS (24ll * 3600 * 1000)
#define RECEIPT_VALID_MS (3600ll * 1000)
#define CONFIRM_VALID_MS (48ll * 3600 * 1000)
#define DELETION_SWEEP_MS (120ll * 1000)

#endif
