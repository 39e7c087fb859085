/*
 * http_head_fuzz.c: any bytes as the head of an answer.
 *
 * What is understood lies within what was given, and is whole lines.
 */
#include "base/cleanup.h"
#include "http_client/http_head.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "http_head_fuzz: %s\n", what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	/* Exactly as long as it is, for AddressSanitizer. */
	CLEANUP(cleanup_free) char *copy = malloc(bytes ? bytes : 1);
	struct http_head head;

	if (!copy)
		return 0;
	if (bytes)
		memcpy(copy, data, bytes);
	if (!http_head_read(&head, (struct str){ copy, bytes }))
		return 0;
	check(head.status >= 200 && head.status <= 599, "its status");
	check(head.fields.ptr + head.fields.len == copy + bytes,
	      "fields that end elsewhere");
	check(copy[bytes - 1] == '\n' && copy[bytes - 2] == '\r',
	      "half a line");
	return 0;
}
