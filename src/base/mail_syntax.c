/*
 * mail_syntax.c: addresses and line ends of mail, strictly.
 */
#include "base/mail_syntax.h"

#include "base/banned.h"

/* RFC 5322, 3.2.3, and the dot between atoms */
static bool is_address_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-/=?^_`{|}~.", c));
}

bool mail_address_valid(struct str address)
{
	const char *at = NULL;
	size_t i;

	if (address.len < 3 || address.len >= MAIL_ADDRESS_BYTES)
		return false;
	for (i = 0; i < address.len; i++) {
		if (address.ptr[i] == '@' && !at)
			at = address.ptr + i;
		else if (!is_address_char(address.ptr[i]))
			return false;
	}
	return at && at != address.ptr &&
	       at != address.ptr + address.len - 1;
}

static bool has_control(struct str text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return true;
	return false;
}

bool mail_mailbox_parse(struct str mailbox, struct str *ret_name,
			struct str *ret_address)
{
	struct str name = STR(""), address = str_trim(mailbox);
	const char *open;

	if (has_control(mailbox))
		return false;
	if (address.len && address.ptr[address.len - 1] == '>') {
		open = memrchr(address.ptr, '<', address.len);
		if (!open)
			return false;
		name.ptr = address.ptr;
		name.len = (size_t)(open - address.ptr);
		address.len -= name.len + 2;
		address.ptr = open + 1;
		name = str_trim(name);
		if (name.len >= 2 && name.ptr[0] == '"' &&
		    name.ptr[name.len - 1] == '"') {
			name.ptr++;
			name.len -= 2;
		}
	}
	*ret_name = name;
	*ret_address = address;
	return mail_address_valid(address);
}

bool mail_message_canonical(struct str message)
{
	size_t i, start = 0;

	for (i = 0; i < message.len; i++) {
		char c = message.ptr[i];

		if (c == '\0' || c == '\n')
			return false;
		if (c != '\r')
			continue;
		if (i - start > MAIL_LINE_BYTES || i + 1 == message.len ||
		    message.ptr[i + 1] != '\n')
			return false;
		start = ++i + 1;
	}
	return message.len > 0 && start == message.len;
}
