/*
 * aws_answer.c: reading the parts of an answer that every service shares.
 */
#include "aws/aws_answer.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/banned.h"

#define ERROR_BODY_MAX_BYTES (64u * KIB)

struct str aws_answer_header(const struct aws_answer *answer, struct str name)
{
	struct str rest = answer->headers, line, field;

	while (str_next(&rest, '\n', &line)) {
		if (!memchr(line.ptr, ':', line.len))
			continue;
		str_next(&line, ':', &field);
		if (str_eq_ignore_case(field, name))
			return line.ptr ? str_trim(line) : STR("");
	}
	return (struct str){ NULL, 0 };
}

/* --- errors -------------------------------------------------------------- */

/* "prefix#Code:http://…": the code alone. */
static struct str bare_code(struct str code)
{
	const char *hash = code.len ? memchr(code.ptr, '#', code.len) : NULL;
	struct str bare;

	if (hash) {
		code.len -= (size_t)(hash + 1 - code.ptr);
		code.ptr = hash + 1;
	}
	return str_next(&code, ':', &bare) ? str_trim(bare) : STR("");
}

/* The text of the first element of this name. Error codes and ids hold no
 * entities; a message is for the log. */
static struct str xml_text(struct str body, struct str open, struct str close)
{
	const char *from, *to;

	if (!body.len)
		return STR("");
	from = memmem(body.ptr, body.len, open.ptr, open.len);
	if (!from)
		return STR("");
	from += open.len;
	to = memmem(from, body.len - (size_t)(from - body.ptr), close.ptr,
		    close.len);
	return to ? str_trim((struct str){ from, (size_t)(to - from) }) :
		    STR("");
}

#define XML_TEXT(body, name) \
	xml_text(body, STR("<" name ">"), STR("</" name ">"))

static void read_xml(struct aws_answer *answer)
{
	answer->error_code = XML_TEXT(answer->body, "Code");
	answer->error_message = XML_TEXT(answer->body, "Message");
	answer->request_id = XML_TEXT(answer->body, "RequestId");
	if (!answer->request_id.len)
		answer->request_id = XML_TEXT(answer->body, "RequestID");
}

static struct str text_of(struct json object, const char *name)
{
	struct str text = json_string(json_member(object, name));

	return text.ptr ? text : STR("");
}

static void read_json(struct aws_answer *answer, struct arena *arena)
{
	struct error ignored;
	struct json body;

	error_init(&ignored);
	if (!json_parse(&body, answer->body, arena, &ignored))
		return;
	answer->error_code = bare_code(text_of(body, "__type"));
	if (!answer->error_code.len)
		answer->error_code = bare_code(text_of(body, "code"));
	answer->error_message = text_of(body, "message");
	if (!answer->error_message.len)
		answer->error_message = text_of(body, "Message");
}

static void read_error(struct aws_answer *answer, struct arena *arena)
{
	struct str body = str_trim(answer->body);
	struct str type = aws_answer_header(answer, STR("x-amzn-errortype"));

	if (body.len > ERROR_BODY_MAX_BYTES)
		return;
	if (body.len && body.ptr[0] == '{')
		read_json(answer, arena);
	else
		read_xml(answer);
	if (!answer->error_code.len && type.len)
		answer->error_code = bare_code(type);
}

void aws_answer_read(struct aws_answer *answer, struct arena *arena)
{
	struct str id = aws_answer_header(answer, STR("x-amzn-requestid"));

	answer->error_code = answer->error_message = STR("");
	answer->request_id = STR("");
	if (answer->status / 100 != 2)
		read_error(answer, arena);
	if (!id.len)
		id = aws_answer_header(answer, STR("x-amz-request-id"));
	if (id.len)
		answer->request_id = id;
}

/* --- checksum and date --------------------------------------------------- */

/* CRC-32 of IEEE 802.3, reflected. crc_of[n][b]: of the byte b and n zero bytes
 * behind it, so that four bytes are taken at once. */
static uint32_t crc_of[4][256];

static void make_crcs(void)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t crc = b;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
		crc_of[0][b] = crc;
	}
	for (size_t n = 1; n < ARRAY_LEN(crc_of); n++)
		for (uint32_t b = 0; b < 256; b++)
			crc_of[n][b] = crc_of[n - 1][b] >> 8 ^
				       crc_of[0][crc_of[n - 1][b] & 255];
}

static uint32_t crc32_of(struct str data)
{
	const unsigned char *at = (const unsigned char *)data.ptr;
	uint32_t crc = UINT32_MAX;
	size_t left = data.len;

	if (!crc_of[0][255])
		make_crcs();
	for (; left >= 4; left -= 4, at += 4)
		crc = crc_of[3][(crc ^ at[0]) & 255] ^
		      crc_of[2][(crc >> 8 ^ at[1]) & 255] ^
		      crc_of[1][(crc >> 16 ^ at[2]) & 255] ^
		      crc_of[0][crc >> 24 ^ at[3]];
	for (; left; left--)
		crc = crc >> 8 ^ crc_of[0][(crc ^ *at++) & 255];
	return ~crc;
}

bool aws_answer_is_whole(const struct aws_answer *answer)
{
	struct str text = aws_answer_header(answer, STR("x-amz-crc32"));
	uint64_t crc;

	if (!text.ptr)
		return true;
	return str_to_uint(text, UINT32_MAX, &crc) &&
	       crc == crc32_of(answer->body);
}

static bool month_of(struct str name, int *ret)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (*ret = 1; *ret <= 12; (*ret)++)
		if (!memcmp(name.ptr, names + 3 * (*ret - 1), 3))
			return true;
	return false;
}

bool aws_answer_date(const struct aws_answer *answer, int64_t *ret_ms)
{
	/* Sun, 06 Nov 1994 08:49:37 GMT */
	struct str date = aws_answer_header(answer, STR("date"));
	char text[2 * TIME_TEXT_BYTES];	/* as gcc counts */
	int month;

	if (date.len != 29 || memchr(date.ptr, '\0', date.len) ||
	    !month_of((struct str){ date.ptr + 8, 3 }, &month))
		return false;
	snprintf(text, sizeof(text), "%.4s-%02d-%.2sT%.8sZ", date.ptr + 12,
		 month, date.ptr + 5, date.ptr + 17);
	return time_parse(str_from(text), ret_ms);
}
