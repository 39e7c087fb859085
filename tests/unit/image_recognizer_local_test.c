/*
 * image_recognizer_local_test.c: is a recognizer believed only as far as its
 * answer adds up?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "ports/image_recognizer.h"
#include "recognition/recognizer_wire.h"

#include "base/banned.h"

#define JPEG "\xff\xd8\xff\xc0\0\x0b\x08\0\x20\0\x20\1\1\x11\0\xff\xd9"

static char folder[64], path[96];
static struct config *config;
static struct arena *arena;
static struct image_recognizer *recognizer;
static struct recognition seen;
static struct error err;

static int open_adapter(void **state)
{
	char file[96];
	FILE *to;

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/recognizer_test.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sock", folder);
	snprintf(file, sizeof(file), "%s/conf", folder);
	to = fopen(file, "w");
	assert_non_null(to);
	fprintf(to, "state.directory = %s\nimage_recognizer.socket = %s\n",
		folder, path);
	fclose(to);
	error_init(&err);
	arena = arena_new("image_recognizer_local_test", 64 * MIB);
	assert_true(config_load(&config, file, &err));
	assert_true(image_recognizer_open(&recognizer, config, &err));
	unlink(file);
	return 0;
}

static int close_adapter(void **state)
{
	(void)state;
	recognizer->ops->close(recognizer);
	config_free(config);
	arena_free(arena);
	rmdir(folder);
	return 0;
}

static void make_sound(struct recognizer_answer *answer)
{
	*answer = (struct recognizer_answer){
		.version = RECOGNIZER_WIRE_VERSION, .model = "a model",
		.label_count = 1, .vocabulary_count = 1,
		.labels = { { "cup", 3147509, 960 } },
		.vocabulary = { 3147509 },
		.made_bytes = sizeof(JPEG) - 1,
	};
}

/* Takes one request and answers it; `bytes` 0: hangs up. */
static void serve_one(int listener, const struct recognizer_answer *answer,
		      size_t bytes, struct str made)
{
	int connection = accept(listener, NULL, NULL);
	char control[CMSG_SPACE(RECOGNIZER_FD_COUNT * sizeof(int))];
	int fds[RECOGNIZER_FD_COUNT];
	uint32_t version;
	struct iovec part = { &version, sizeof(version) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};

	if (recvmsg(connection, &message, 0) != sizeof(version) ||
	    version != RECOGNIZER_WIRE_VERSION)
		_exit(1);
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fds));
	if (pwrite(fds[RECOGNIZER_MADE_FD], made.ptr, made.len, 0) !=
	    (ssize_t)made.len)
		_exit(1);
	if (bytes && send(connection, answer, bytes, 0) != (ssize_t)bytes)
		_exit(1);
	close(connection);
}

static void ask(void)
{
	memset(&seen, 0x55, sizeof(seen));
	assert_true(image_recognizer_recognize(
		recognizer, STR("a photo"), STR("image/jpeg"), STR("a cup"),
		arena, &seen, &err));
}

/* Asks one that answers so, `times` in a row. */
static void ask_one_that_says(const struct recognizer_answer *answer,
			      size_t bytes, struct str made, int times)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_SEQPACKET, 0), status;
	pid_t pid;

	memcpy(address.sun_path, path, strlen(path) + 1);
	unlink(path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address,
			      sizeof(address)), 0);
	assert_int_equal(listen(listener, 4), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		while (times--)
			serve_one(listener, answer, bytes, made);
		_exit(0);
	}
	close(listener);
	ask();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	unlink(path);
}

static void assert_not_checked(const char *reason)
{
	assert_int_equal(seen.verdict, VERDICT_NOT_CHECKED);
	assert_int_equal(seen.confidence_permille, -1);
	assert_string_equal(seen.reason, reason);
	assert_int_equal(seen.label_count, 0);
}

static void what_was_seen_comes_with_the_photo(void **state)
{
	struct recognizer_answer answer;

	(void)state;
	make_sound(&answer);
	ask_one_that_says(&answer, sizeof(answer), STR(JPEG), 1);
	assert_int_equal(seen.label_count, 1);
	assert_true(str_is(seen.labels[0].name, "cup"));
	assert_int_equal(seen.labels[0].confidence_permille, 960);
	assert_true(str_is(seen.model, "a model"));
	assert_true(str_eq(seen.photo, STR(JPEG)));
}

static void a_damaged_photo_is_unsure(void **state)
{
	struct recognizer_answer answer;

	(void)state;
	make_sound(&answer);
	answer.damaged = 1;
	ask_one_that_says(&answer, sizeof(answer), STR(JPEG), 1);
	assert_int_equal(seen.verdict, VERDICT_UNSURE);
	assert_string_equal(seen.reason, "damaged");
	assert_null(seen.warning.ptr);
}

static void every_outcome_has_its_reason(void **state)
{
	static const char *const reasons[] = {
		[RECOGNIZER_NO_MODEL] = "no_model",
		[RECOGNIZER_UNSUPPORTED_FORMAT] = "unsupported_format",
		[RECOGNIZER_TOO_LARGE] = "too_large",
		[RECOGNIZER_DECODE_FAILED] = "decode_failed",
		[RECOGNIZER_TIMEOUT] = "timeout",
		[RECOGNIZER_OUTCOME_COUNT] = "decode_failed",
	};
	struct recognizer_answer answer = {
		.version = RECOGNIZER_WIRE_VERSION };

	(void)state;
	for (uint32_t i = RECOGNIZER_NO_MODEL; i < ARRAY_LEN(reasons); i++) {
		answer.outcome = i;
		ask_one_that_says(&answer, sizeof(answer), STR(""), 1);
		assert_not_checked(reasons[i]);
		assert_null(seen.photo.ptr);
	}
}

static void an_answer_that_does_not_add_up_is_not_believed(void **state)
{
	struct recognizer_answer answer;

	(void)state;
#define WITH(change) \
	make_sound(&answer); \
	change; \
	ask_one_that_says(&answer, sizeof(answer), STR(JPEG), 1); \
	assert_not_checked("decode_failed")

	WITH(answer.version++);
	WITH(answer.label_count = LIMIT_LABELS + 1);
	WITH(answer.label_count = UINT32_MAX);
	WITH(answer.vocabulary_count = MODEL_MAX_CLASSES + 1);
	WITH(answer.labels[0].permille = 1001);
	WITH(memset(answer.labels[0].name, 'x', sizeof(answer.labels[0].name)));
	WITH(answer.labels[0].name[0] = '\xff');
	WITH(memset(answer.model, 'x', sizeof(answer.model)));
#undef WITH
}

static void a_photo_that_is_none_is_not_taken(void **state)
{
	struct recognizer_answer answer;

	(void)state;
	make_sound(&answer);
	ask_one_that_says(&answer, sizeof(answer), STR("<html>"), 1);
	assert_null(seen.photo.ptr);
	answer.made_bytes = 6;
	ask_one_that_says(&answer, sizeof(answer), STR("<html>"), 1);
	assert_null(seen.photo.ptr);
	answer.made_bytes = RECOGNIZER_MAX_PHOTO_BYTES + 1;
	ask_one_that_says(&answer, sizeof(answer), STR(JPEG), 1);
	assert_null(seen.photo.ptr);
	answer.made_bytes = UINT32_MAX;
	ask_one_that_says(&answer, sizeof(answer), STR(JPEG), 1);
	assert_null(seen.photo.ptr);
}

static void one_that_hangs_up_is_asked_once_more(void **state)
{
	struct recognizer_answer answer;

	(void)state;
	make_sound(&answer);
	ask_one_that_says(&answer, 0, STR(""), 2);
	assert_not_checked("service_failed");
	ask_one_that_says(&answer, sizeof(answer) / 2, STR(""), 2);
	assert_not_checked("service_failed");
}

static void where_nobody_listens_there_is_no_model(void **state)
{
	(void)state;
	ask();
	assert_not_checked("no_model");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_seen_comes_with_the_photo),
		cmocka_unit_test(a_damaged_photo_is_unsure),
		cmocka_unit_test(every_outcome_has_its_reason),
		cmocka_unit_test(
			an_answer_that_does_not_add_up_is_not_believed),
		cmocka_unit_test(a_photo_that_is_none_is_not_taken),
		cmocka_unit_test(one_that_hangs_up_is_asked_once_more),
		cmocka_unit_test(where_nobody_listens_there_is_no_model),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, open_adapter, close_adapter);
}
