/*
 * look.c: from the request to the answer, most of it in jail.
 */
#include "recognizer/look.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "recognition/photo_labels.h"
#include "recognition/recognizer_wire.h"
#include "recognizer/jail.h"

#include "base/banned.h"

static bool take_files(struct msghdr *message, int fds[RECOGNIZER_FD_COUNT])
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	size_t bytes = RECOGNIZER_FD_COUNT * sizeof(fds[0]);

	if (!control || control->cmsg_level != SOL_SOCKET ||
	    control->cmsg_type != SCM_RIGHTS ||
	    control->cmsg_len != CMSG_LEN(bytes))
		return false;
	memcpy(fds, CMSG_DATA(control), bytes);
	return true;
}

static bool take_request(int connection, int fds[RECOGNIZER_FD_COUNT])
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(RECOGNIZER_FD_COUNT * sizeof(int))];
	} control;
	struct recognizer_request request = { 0 };
	struct iovec part = { &request, sizeof(request) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t got;

	do
		got = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	return got == sizeof(request) &&
	       request.version == RECOGNIZER_WIRE_VERSION &&
	       take_files(&message, fds);
}

/* Sealed: nobody can cut it while it is read. */
static bool map_photo(int fd, struct str *ret)
{
	int seals = fcntl(fd, F_GET_SEALS);
	int wanted = F_SEAL_SHRINK | F_SEAL_WRITE;
	struct stat st;
	void *bytes;

	if (seals < 0 || (seals & wanted) != wanted || fstat(fd, &st) < 0 ||
	    st.st_size <= 0 || st.st_size > LIMIT_IMAGE_BODY_BYTES)
		return false;
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return false;
	*ret = (struct str){ bytes, (size_t)st.st_size };
	return true;
}

/* A file in memory takes all of it, or has no room. */
static bool put(int fd, struct str bytes)
{
	return pwrite(fd, bytes.ptr, bytes.len, 0) == (ssize_t)bytes.len;
}

static void name_labels(struct recognizer_answer *answer,
			const struct seen_label *seen, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct recognizer_label *to = &answer->labels[i];

		memcpy(to->name, seen[i].label->name, sizeof(to->name));
		to->synset = seen[i].label->synset;
		to->permille = seen[i].permille;
	}
	answer->label_count = (uint32_t)count;
}

/* What only the second knows it often misses: it may say that a thing is there,
 * but that it says nothing means nothing. */
static void name_model(struct recognizer_answer *answer,
		       const struct model *model)
{
	size_t len = strlen(answer->model);

	snprintf(answer->model + len, sizeof(answer->model) - len, "%s%s",
		 len ? " + " : "", model->header->name);
	if (len)
		return;
	for (uint32_t i = 0; i < model->header->class_count; i++)
		if (model->labels[i].synset)
			answer->vocabulary[answer->vocabulary_count++] =
				model->labels[i].synset;
}

/* One after the other. */
static bool see(struct recognizer_answer *answer, const struct photo *photo,
		const struct loaded_model *models, struct error *err)
{
	struct seen_label seen[LIMIT_LABELS];
	size_t count = 0;

	for (size_t i = 0; i < RECOGNIZER_MODELS; i++) {
		const struct model *model = &models[i].model;
		struct network *network = models[i].network;

		if (!network)
			continue;
		photo_to_input(photo, model->tensors[0].height,
			       model->tensors[0].width,
			       network_input(network));
		if (!network_run(network, err))
			return false;
		count = labels_of(model, network, seen, count);
		name_model(answer, model);
	}
	name_labels(answer, seen, count);
	if (!answer->model[0])
		answer->outcome = RECOGNIZER_NO_MODEL;
	return true;
}

static void fill(struct recognizer_answer *answer, struct str bytes,
		 int made_fd, const struct loaded_model *models)
{
	struct photo photo = { 0 };
	struct str made = { 0 };
	struct error err;

	error_init(&err);
	if (photo_decode(bytes, &photo, &err) &&
	    see(answer, &photo, models, &err) &&
	    photo_encode(&photo, &made, &err) && put(made_fd, made)) {
		answer->damaged = photo.damaged;
		answer->made_bytes = (uint32_t)made.len;
		return;
	}
	answer->label_count = 0;
	answer->outcome = err.code == ERROR_UNSUPPORTED_TYPE ?
				  RECOGNIZER_UNSUPPORTED_FORMAT :
			  err.code == ERROR_TOO_LARGE ?
				  RECOGNIZER_TOO_LARGE :
				  RECOGNIZER_DECODE_FAILED;
}

int look_at_photo(int connection,
		  const struct loaded_model models[RECOGNIZER_MODELS])
{
	static struct recognizer_answer answer = {
		.version = RECOGNIZER_WIRE_VERSION };
	int fds[RECOGNIZER_FD_COUNT];
	struct error err;
	struct str bytes;

	error_init(&err);
	if (!take_request(connection, fds) ||
	    !map_photo(fds[RECOGNIZER_PHOTO_FD], &bytes) || !jail_enter(&err))
		return 1;
	fill(&answer, bytes, fds[RECOGNIZER_MADE_FD], models);
	return send(connection, &answer, sizeof(answer), MSG_NOSIGNAL) !=
	       sizeof(answer);
}
