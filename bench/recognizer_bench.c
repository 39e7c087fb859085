/*
 * recognizer_bench.c: photo to labels beside a bare run of the same network in
 * the same process, on one core. `recognizer_bench MODEL PHOTO`; medians in
 * milliseconds, key=value.
 */
#include <stdlib.h>
#include <time.h>

#include "recognition/photo_labels.h"

#include "base/banned.h"

#define RUNS 41

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *times)
{
	qsort(times, RUNS, sizeof(times[0]), compare);
	return times[RUNS / 2];
}

static struct str read_photo(const char *path)
{
	FILE *file CLEANUP(cleanup_file) = fopen(path, "rb");
	char *bytes = malloc(16 * MIB);
	size_t len = file && bytes ? fread(bytes, 1, 16 * MIB, file) : 0;

	return (struct str){ bytes, len };
}

static bool look(struct str bytes, const struct model *model,
		 struct network *network, struct error *err)
{
	struct seen_label seen[LIMIT_LABELS];
	struct photo photo;

	if (!photo_decode(bytes, &photo, err))
		return false;
	photo_to_input(&photo, model->tensors[0].height,
		       model->tensors[0].width, network_input(network));
	photo_free(&photo);
	return network_run(network, err) && labels_of(model, network, seen, 0);
}

static bool measure(const char *model_path, struct str bytes, struct error *err)
{
	double bare[RUNS], whole[RUNS], load = now_ms();
	struct network *network;
	struct model model;

	if (!model_open(&model, model_path, err) ||
	    !network_open(&network, &model, err))
		return false;
	load = now_ms() - load;
	for (int i = 0; i < RUNS; i++) {
		double start = now_ms();

		if (!look(bytes, &model, network, err))
			return false;
		whole[i] = now_ms() - start;
		start = now_ms();
		if (!network_run(network, err))
			return false;
		bare[i] = now_ms() - start;
	}
	printf("load=%.2f bare=%.2f labels=%.2f\n", load, median(bare),
	       median(whole));
	network_close(network);
	model_close(&model);
	return true;
}

int main(int argc, char **argv)
{
	struct error err;

	error_init(&err);
	if (argc == 3 && measure(argv[1], read_photo(argv[2]), &err))
		return 0;
	fprintf(stderr, "recognizer_bench MODEL PHOTO: %s%s\n", err.cause,
		err.detail);
	return 1;
}
