/*
 * image_recognizer_local.c: asks the program recognizer on this machine
 * (recognition/recognizer_wire.h). Nothing is decoded in this process.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "base/file.h"
#include "ports/image_recognizer.h"
#include "recognition/image_header.h"
#include "recognition/matcher.h"
#include "recognition/recognizer_wire.h"

#include "base/banned.h"

/* The recognizer answers in its limit; the rest is for one that died. */
#define PATIENCE_MS (RECOGNIZER_LIMIT_MS + 600)

struct local {
	struct image_recognizer base;
	struct sockaddr_un address;	/* sun_path "": too long to be one */
	struct matcher *matcher;
};

/* The descriptors of one question. */
struct question {
	int photo, made, deadline, connection;
};

enum heard { ANSWERED, HUNG_UP, NOBODY_THERE, TOO_LATE };

static void end_question(struct question *question)
{
	cleanup_fd(&question->photo);
	cleanup_fd(&question->made);
	cleanup_fd(&question->deadline);
	cleanup_fd(&question->connection);
}

static bool prepare(struct question *question, struct str image,
		    struct error *err)
{
	struct itimerspec patience = { .it_value = {
		.tv_sec = PATIENCE_MS / 1000,
		.tv_nsec = PATIENCE_MS % 1000 * 1000000 } };

	question->photo = memfd_create("photo", MFD_CLOEXEC |
						MFD_ALLOW_SEALING);
	question->made = memfd_create("made", MFD_CLOEXEC);
	question->deadline = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	return (question->photo >= 0 && question->made >= 0 &&
		question->deadline >= 0 &&
		file_write_all(question->photo, image) &&
		fcntl(question->photo, F_ADD_SEALS,
		      F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
		      F_SEAL_SEAL) == 0 &&
		timerfd_settime(question->deadline, 0, &patience, NULL) == 0) ||
	       error_cause(err, ERROR_UNAVAILABLE, "a photo in memory: %s",
			   strerror(errno));
}

static bool send_request(const struct question *question)
{
	int fds[RECOGNIZER_FD_COUNT] = {
		[RECOGNIZER_PHOTO_FD] = question->photo,
		[RECOGNIZER_MADE_FD] = question->made,
	};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control = { .bytes = { 0 } };
	struct recognizer_request request = {
		.version = RECOGNIZER_WIRE_VERSION };
	struct iovec part = { &request, sizeof(request) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(header), fds, sizeof(fds));
	return sendmsg(question->connection, &message, MSG_NOSIGNAL) ==
	       sizeof(request);
}

static enum heard hear(const struct question *question,
		       struct recognizer_answer *ret)
{
	struct pollfd fds[] = {
		{ .fd = question->connection, .events = POLLIN },
		{ .fd = question->deadline, .events = POLLIN },
	};
	ssize_t got;

	while (poll(fds, ARRAY_LEN(fds), -1) < 0)
		if (errno != EINTR)
			return HUNG_UP;
	if (!fds[0].revents)
		return TOO_LATE;
	got = recv(question->connection, ret, sizeof(*ret), MSG_DONTWAIT);
	return got == sizeof(*ret) ? ANSWERED : HUNG_UP;
}

static enum heard ask_once(const struct local *local, struct question *question,
			   struct recognizer_answer *ret)
{
	cleanup_fd(&question->connection);
	question->connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
					       SOCK_NONBLOCK, 0);
	if (question->connection < 0 || !local->address.sun_path[0])
		return NOBODY_THERE;
	if (connect(question->connection,
		    (const struct sockaddr *)&local->address,
		    sizeof(local->address)) < 0)
		return errno == EAGAIN ? TOO_LATE : NOBODY_THERE;
	return send_request(question) ? hear(question, ret) : HUNG_UP;
}

/* From a process that may have been taken over by the photo. */
static bool is_sound(const struct recognizer_answer *answer)
{
	if (answer->version != RECOGNIZER_WIRE_VERSION ||
	    answer->outcome >= RECOGNIZER_OUTCOME_COUNT ||
	    answer->label_count > LIMIT_LABELS ||
	    answer->vocabulary_count > ARRAY_LEN(answer->vocabulary) ||
	    !memchr(answer->model, '\0', sizeof(answer->model)) ||
	    !utf8_valid(str_from(answer->model)))
		return false;
	for (size_t i = 0; i < answer->label_count; i++)
		if (!memchr(answer->labels[i].name, '\0',
			    sizeof(answer->labels[i].name)) ||
		    !utf8_valid(str_from(answer->labels[i].name)) ||
		    answer->labels[i].permille > 1000)
			return false;
	return true;
}

/* Absent unless it is a JPEG that could have been sent here. */
static struct str read_made(int fd, size_t bytes, struct arena *arena)
{
	struct str made = { NULL, 0 };
	struct image_header header;
	struct error ignored;
	char *copy;

	if (!bytes || bytes > RECOGNIZER_MAX_PHOTO_BYTES)
		return made;
	copy = arena_alloc(arena, bytes);
	error_init(&ignored);
	if (pread(fd, copy, bytes, 0) != (ssize_t)bytes ||
	    !image_header_read((struct str){ copy, bytes }, &header) ||
	    strcmp(header.ending, "jpg") != 0)
		return made;
	return (struct str){ copy, bytes };
}

static void not_checked(const char *reason, struct recognition *ret)
{
	struct match match;

	match_not_checked(reason, &match);
	ret->verdict = match.verdict;
	ret->confidence_permille = match.confidence_permille;
	ret->reason = match.reason;
	ret->evidence = match.evidence;
}

/* What was seen, and whether it is what the description says. */
static void judge(const struct local *local,
		  const struct recognizer_answer *answer,
		  struct str description, struct arena *arena,
		  struct recognition *ret)
{
	const struct match_vocabulary vocabulary = {
		answer->vocabulary, answer->vocabulary_count };
	struct match_label labels[LIMIT_LABELS] = { { .synset = 0 } };
	struct match match;

	ret->model = arena_str(arena, str_from(answer->model));
	ret->label_count = answer->label_count;
	for (size_t i = 0; i < answer->label_count; i++) {
		const struct recognizer_label *seen = &answer->labels[i];
		struct str name = arena_str(arena, str_from(seen->name));

		ret->labels[i] = (struct image_label){
			.name = name,
			.confidence_permille = (int)seen->permille,
		};
		labels[i] = (struct match_label){
			.name = name, .synset = seen->synset,
			.confidence_permille = (int)seen->permille,
		};
	}
	matcher_match(local->matcher, description, labels, answer->label_count,
		      &vocabulary, arena, &match);
	ret->verdict = match.verdict;
	ret->confidence_permille = match.confidence_permille;
	ret->reason = match.reason;
	ret->evidence = match.evidence;
	ret->warning = match.warning;
}

static void take_answer(const struct local *local,
			const struct recognizer_answer *answer, int made,
			struct str description, struct arena *arena,
			struct recognition *ret)
{
	static const char *const reasons[RECOGNIZER_OUTCOME_COUNT] = {
		[RECOGNIZER_NO_MODEL] = "no_model",
		[RECOGNIZER_UNSUPPORTED_FORMAT] = "unsupported_format",
		[RECOGNIZER_TOO_LARGE] = "too_large",
		[RECOGNIZER_DECODE_FAILED] = "decode_failed",
		[RECOGNIZER_TIMEOUT] = "timeout",
	};

	if (!is_sound(answer)) {
		not_checked("decode_failed", ret);
		return;
	}
	ret->photo = read_made(made, answer->made_bytes, arena);
	if (answer->outcome != RECOGNIZER_SEEN) {
		not_checked(reasons[answer->outcome], ret);
		return;
	}
	judge(local, answer, description, arena, ret);
	/* A part of what was sent is not there: nothing is certain. */
	if (answer->damaged) {
		ret->verdict = VERDICT_UNSURE;
		ret->reason = "damaged";
		ret->evidence = str_from(
			arena_printf(arena, "A part of the photo is missing. %.*s",
				     STR_ARG(ret->evidence)));
		ret->warning = (struct str){ NULL, 0 };
	}
}

static bool local_recognize(struct image_recognizer *recognizer,
			    struct str image, struct str media_type,
			    struct str description, struct arena *arena,
			    struct recognition *ret, struct error *err)
{
	const struct local *local = (const struct local *)recognizer;
	struct question question CLEANUP(end_question) = { -1, -1, -1, -1 };
	struct recognizer_answer *answer = arena_alloc(arena, sizeof(*answer));
	enum heard heard;

	(void)media_type;
	*ret = (struct recognition){ .model = STR(""), .reason = "" };
	if (!prepare(&question, image, err))
		return false;
	heard = ask_once(local, &question, answer);
	if (heard == HUNG_UP)	/* it died: its socket has a new owner soon */
		heard = ask_once(local, &question, answer);
	if (heard == ANSWERED)
		take_answer(local, answer, question.made, description, arena,
			    ret);
	else
		not_checked(heard == NOBODY_THERE ? "no_model" :
			    heard == TOO_LATE ? "timeout" : "service_failed",
			    ret);
	return true;
}

static void local_close(struct image_recognizer *recognizer)
{
	struct local *local = (struct local *)recognizer;

	matcher_close(local->matcher);
	free(local);
}

static const struct image_recognizer_ops local_ops = {
	.name = "local",
	.recognize = local_recognize,
	.close = local_close,
};

bool image_recognizer_local_open(struct image_recognizer **ret,
				 const struct config *config,
				 struct error *err)
{
	const char *path = config_text(config, "image_recognizer.socket");
	struct local *local = calloc(1, sizeof(*local));

	if (!local)
		return error_cause(err, ERROR_UNAVAILABLE, "no memory");
	local->base.ops = &local_ops;
	local->matcher = matcher_open(config_text(config,
						  "image_recognizer.wordnet"));
	local->address.sun_family = AF_UNIX;
	if (strlen(path) < sizeof(local->address.sun_path))
		memcpy(local->address.sun_path, path, strlen(path));
	*ret = &local->base;
	return true;
}
