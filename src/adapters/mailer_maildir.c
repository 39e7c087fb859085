/*
 * mailer_maildir.c: each mail becomes one file of a Maildir, for trying the
 * desk out and for machines whose mail something else picks up.
 *
 * https://cr.yp.to/proto/maildir.html: written and made durable in tmp/, then
 * linked into new/. The name comes from the mail's id alone, so that a mail
 * which is sent again is the file that is there already.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mail_syntax.h"
#include "ports/mailer.h"

#include "base/banned.h"

struct maildir {
	struct mailer base;
	int tmp_fd, new_fd;
};

#define NAME_BYTES (ORDER_ID_BYTES + 4)

static bool write_tmp(struct maildir *maildir, const char *name,
		      struct str message, struct error *err)
{
	/* A file that a killed sender left behind is written anew. */
	int fd CLEANUP(cleanup_fd) =
		openat(maildir->tmp_fd, name,
		       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		       0640);

	if (fd < 0)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "maildir: tmp/%s: %s", name, strerror(errno));
	if (!file_write_all(fd, message) || fsync(fd))
		return error_cause(err, ERROR_UNAVAILABLE,
				   "maildir: tmp/%s: %s", name, strerror(errno));
	return true;
}

static bool deliver(struct maildir *maildir, const char *name,
		    struct str message, struct error *err)
{
	if (!write_tmp(maildir, name, message, err))
		return false;
	/* EEXIST: this mail arrived before; its sender died before noting
	 * it. */
	if (linkat(maildir->tmp_fd, name, maildir->new_fd, name, 0) &&
	    errno != EEXIST)
		return error_cause(err, ERROR_UNAVAILABLE,
				   "maildir: new/%s: %s", name, strerror(errno));
	if (fsync(maildir->new_fd))
		return error_cause(err, ERROR_UNAVAILABLE, "maildir: new: %s",
				   strerror(errno));
	return true;
}

static bool maildir_send(struct mailer *mailer, struct str from, struct str to,
			 struct str message, const char *mail_id,
			 bool *ret_permanent, struct error *err)
{
	struct maildir *maildir = (struct maildir *)mailer;
	char name[NAME_BYTES];
	bool delivered;

	*ret_permanent = true;
	if (!mail_address_valid(from) || !mail_address_valid(to))
		return error_set(err, ERROR_INVALID,
				 "The mail's address is not valid.");
	if (!mail_message_canonical(message) ||
	    !uuid_is_valid(str_from(mail_id)))
		return error_cause(err, ERROR_INTERNAL,
				   "maildir: the message is malformed");
	*ret_permanent = false;
	snprintf(name, sizeof(name), "%s.eml", mail_id);
	delivered = deliver(maildir, name, message, err);
	unlinkat(maildir->tmp_fd, name, 0);
	return delivered;
}

static void maildir_close(struct mailer *mailer)
{
	struct maildir *maildir = (struct maildir *)mailer;

	cleanup_fd(&maildir->tmp_fd);
	cleanup_fd(&maildir->new_fd);
	free(maildir);
}

static const struct mailer_ops maildir_ops = {
	.name = "maildir",
	.send = maildir_send,
	.close = maildir_close,
};

/* Makes the folder where it is missing, durably, and opens it. */
static bool open_folder(int parent_fd, const char *name, int *ret_fd,
			struct error *err)
{
	if (!mkdirat(parent_fd, name, 0750))
		fsync(parent_fd);
	else if (errno != EEXIST)
		return error_cause(err, ERROR_INTERNAL,
				   "mailer.directory: %s: %s", name,
				   strerror(errno));
	*ret_fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0)
		return error_cause(err, ERROR_INTERNAL,
				   "mailer.directory: %s: %s", name,
				   strerror(errno));
	return true;
}

static bool open_folders(struct maildir *maildir, const char *path,
			 struct error *err)
{
	int root_fd CLEANUP(cleanup_fd) = -1;
	int cur_fd CLEANUP(cleanup_fd) = -1;

	return open_folder(AT_FDCWD, path, &root_fd, err) &&
	       open_folder(root_fd, "tmp", &maildir->tmp_fd, err) &&
	       open_folder(root_fd, "new", &maildir->new_fd, err) &&
	       open_folder(root_fd, "cur", &cur_fd, err);
}

bool mailer_maildir_open(struct mailer **ret, const struct config *config,
			 struct error *err)
{
	struct maildir *maildir = calloc(1, sizeof(*maildir));

	if (!maildir)
		return error_cause(err, ERROR_INTERNAL, "maildir: no memory");
	maildir->base.ops = &maildir_ops;
	maildir->tmp_fd = maildir->new_fd = -1;
	if (!open_folders(maildir, config_text(config, "mailer.directory"),
			  err)) {
		maildir_close(&maildir->base);
		return false;
	}
	*ret = &maildir->base;
	return true;
}
