/*
 * corpus_main.c: runs a fuzz target over stored inputs, where libFuzzer is not
 * linked. Each argument is a file, or a folder whose files are taken; without
 * any, the folder of the same name in tests/fuzz/corpus.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static bool run_file(const char *path)
{
	CLEANUP(cleanup_file) FILE *file = fopen(path, "re");
	CLEANUP(cleanup_free) uint8_t *data = NULL;
	struct stat info;
	size_t bytes;

	if (!file || fstat(fileno(file), &info))
		return false;
	/* A heap block of just this size: AddressSanitizer sees its end. */
	bytes = (size_t)info.st_size;
	data = malloc(bytes ? bytes : 1);
	if (!data || fread(data, 1, bytes, file) != bytes)
		return false;
	LLVMFuzzerTestOneInput(data, bytes);
	return true;
}

static bool run_folder(const char *path, unsigned *count)
{
	CLEANUP(cleanup_dir) DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir) {
		*count += 1;
		return errno == ENOTDIR && run_file(path);
	}
	while ((entry = readdir(dir))) {
		char file[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		if (!run_file(file)) {
			fprintf(stderr, "%s: cannot be read\n", file);
			return false;
		}
		*count += 1;
	}
	return true;
}

/* make check: $srcdir/tests/fuzz/corpus/<name> of <name>_fuzz. */
static bool run_own_folder(const char *program, unsigned *count)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;
	const char *end = strstr(name, "_fuzz");
	const char *srcdir = getenv("srcdir");
	char path[1024];

	if (!end)
		return false;
	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%.*s",
		 srcdir ? srcdir : ".", (int)(end - name), name);
	return run_folder(path, count);
}

int main(int argc, char **argv)
{
	unsigned count = 0;

	if (argc == 1 && !run_own_folder(argv[0], &count)) {
		fprintf(stderr, "%s: has no stored inputs\n", argv[0]);
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		if (!run_folder(argv[i], &count)) {
			fprintf(stderr, "%s: cannot be read\n", argv[i]);
			return 1;
		}
	}
	printf("%u inputs\n", count);
	return count ? 0 : 1;
}
