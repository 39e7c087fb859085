/*
 * mailers.h: the mailers that the tests run against, and an SMTP server on
 * loopback that answers as a test tells it to.
 */
#ifndef CONTRACT_MAILERS_H
#define CONTRACT_MAILERS_H

#include "test_setup.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "ports/mailer.h"

/* Values of `mailer.adapter`. */
static const char *const mailers[] = { "maildir", "smtp" };
static const char *current_mailer;

enum smtp_step {
	STEP_GREETING, STEP_EHLO, STEP_MAIL, STEP_RCPT, STEP_DATA, STEP_BODY,
	STEP_COUNT
};

struct smtp_server {
	int listener;
	unsigned port;
	pthread_t thread;
	/* what it says instead of "all is well"; "" hangs up without a word */
	const char *answers[STEP_COUNT];
	/* says it to the second mail of a connection; "" as above */
	const char *second_mail;

	unsigned connections, mails;
	char sender[300], recipient[300], message[8192];
};

struct mailroom {
	char folder[TEST_FOLDER_BYTES];
	struct config *config;
	struct mailer *mailer;
	struct smtp_server server;
	struct error err;
	bool permanent;
};

#define MAIL_ID "0193a5c0-0000-7000-8000-0000000000aa"
#define MAIL_TEXT \
	"From: <desk@example.org>\r\nSubject: x\r\n\r\n.\r\n..two\r\nend\r\n"

/* --- the server ---------------------------------------------------------- */

struct smtp_session {
	FILE *in;
	int fd;
	unsigned mails;
	char line[1100];
};

static inline bool smtp_say(struct smtp_session *session, const char *text)
{
	char line[300];
	size_t len = (size_t)snprintf(line, sizeof(line), "%s\r\n", text);

	return send(session->fd, line, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* False when the dialogue ends here. */
static inline bool smtp_answer(struct smtp_server *server,
			       struct smtp_session *session,
			       enum smtp_step step, const char *well)
{
	const char *answer = server->answers[step];

	if (!answer)
		return smtp_say(session, well);
	return *answer && smtp_say(session, answer);
}

/* The message as it was before dots were stuffed (RFC 5321, 4.5.2). */
static inline bool smtp_take_message(struct smtp_server *server,
				     struct smtp_session *session)
{
	char *to = server->message;
	const char *end = to + sizeof(server->message) -
			  sizeof(session->line);

	while (to < end &&
	       fgets(session->line, sizeof(session->line), session->in)) {
		const char *line = session->line;

		if (!strcmp(line, ".\r\n")) {
			*to = '\0';
			return true;
		}
		line += *line == '.';
		memcpy(to, line, strlen(line));
		to += strlen(line);
	}
	return false;
}

static inline bool smtp_command(struct smtp_server *server,
				struct smtp_session *session)
{
	const char *line = session->line;

	if (!strncmp(line, "EHLO ", 5) || !strncmp(line, "HELO ", 5))
		return smtp_answer(server, session, STEP_EHLO, "250 mill");
	if (sscanf(line, "MAIL FROM:<%299[^>]>", server->sender) == 1) {
		if (++session->mails == 2 && server->second_mail)
			return *server->second_mail &&
			       smtp_say(session, server->second_mail) && false;
		return smtp_answer(server, session, STEP_MAIL, "250 ok");
	}
	if (sscanf(line, "RCPT TO:<%299[^>]>", server->recipient) == 1)
		return smtp_answer(server, session, STEP_RCPT, "250 ok");
	if (!strcmp(line, "QUIT\r\n"))
		return smtp_say(session, "221 bye") && false;
	if (strcmp(line, "DATA\r\n"))
		return smtp_say(session, "500 what?");
	if (!smtp_answer(server, session, STEP_DATA, "354 go on"))
		return false;
	if (server->answers[STEP_DATA])
		return true;
	if (!smtp_take_message(server, session))
		return false;
	if (!server->answers[STEP_BODY])
		server->mails++;
	return smtp_answer(server, session, STEP_BODY, "250 taken");
}

static inline void *smtp_serve(void *arg)
{
	struct smtp_server *server = arg;
	struct timeval patience = { .tv_sec = 10 };
	int fd;

	while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
		struct smtp_session session = { .in = fdopen(fd, "r"),
						.fd = fd };

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
		server->connections++;
		if (smtp_answer(server, &session, STEP_GREETING, "220 mill"))
			while (fgets(session.line, sizeof(session.line),
				     session.in) &&
			       smtp_command(server, &session))
				;
		fclose(session.in);
	}
	return NULL;
}

static inline void smtp_start(struct smtp_server *server)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);

	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address,
			      size), 0);
	assert_int_equal(listen(server->listener, 8), 0);
	getsockname(server->listener, (struct sockaddr *)&address, &size);
	server->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, smtp_serve,
					server), 0);
}

static inline void smtp_stop(struct smtp_server *server)
{
	if (!server->listener)
		return;
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
	server->listener = 0;
}

/* --- the room ------------------------------------------------------------ */

static inline int mailroom_setup(void **state)
{
	struct mailroom *room = calloc(1, sizeof(*room));

	error_init(&room->err);
	test_folder_make(room->folder, "mail");
	if (!strcmp(current_mailer, "smtp"))
		smtp_start(&room->server);
	room->config = test_config(
		"state.directory = %s\nmailer.adapter = %s\n"
		"mailer.url = smtp://127.0.0.1:%u\n", room->folder,
		current_mailer, room->server.port ? room->server.port : 25);
	if (!mailer_open(&room->mailer, room->config, &room->err))
		fail_msg("%s %s", room->err.detail, room->err.cause);
	*state = room;
	return 0;
}

static inline int mailroom_teardown(void **state)
{
	struct mailroom *room = *state;

	mailer_close(room->mailer);
	smtp_stop(&room->server);
	config_free(room->config);
	test_folder_remove(room->folder);
	free(room);
	return 0;
}

#define mailroom_test(test) \
	cmocka_unit_test_setup_teardown(test, mailroom_setup, \
					mailroom_teardown)

static inline bool mailroom_send(struct mailroom *room, const char *from,
				 const char *to, struct str message)
{
	error_init(&room->err);
	room->permanent = false;
	return mailer_send(room->mailer, str_from(from), str_from(to), message,
			   MAIL_ID, &room->permanent, &room->err);
}

static inline bool mailroom_send_one(struct mailroom *room)
{
	return mailroom_send(room, "desk@example.org", "ada@example.org",
			     STR(MAIL_TEXT));
}

static inline unsigned count_files(struct mailroom *room, const char *folder)
{
	char path[128];
	struct dirent *entry;
	unsigned count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/mail/%s", room->folder, folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* How many mails arrived; the text of the last one in server.message. */
static inline unsigned arrived(struct mailroom *room)
{
	char path[160];
	FILE *file;
	size_t bytes;

	if (room->server.listener)
		return room->server.mails;
	snprintf(path, sizeof(path), "%s/mail/new/" MAIL_ID ".eml",
		 room->folder);
	file = fopen(path, "r");
	if (file) {
		bytes = fread(room->server.message, 1,
			      sizeof(room->server.message) - 1, file);
		room->server.message[bytes] = '\0';
		fclose(file);
	}
	return count_files(room, "new");
}

#endif
