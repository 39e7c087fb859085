/*
 * match_bench.c: the matcher alone: a description and three labels against the
 * 80 classes of COCO, again and again. `match_bench [WORDNET]`; key=value.
 */
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "recognition/known_labels.h"
#include "recognition/matcher.h"

#include "base/banned.h"

#define ROUNDS 200u

static const char *const descriptions[] = {
	"a cup of coffee", "two cats in a basket", "iphone 14 pro",
	"Samsung Galaxy S23 smartphone, 128 GB, blue", "laptop bag",
	"brand new original Dell laptop 15 inch 16GB RAM", "orange sofa",
	"pair of red running shoes, size 42", "eine Tasse Kaffee",
	"knives, forks and spoons for twelve people", "not a car",
	"dining table made of oak with six chairs", "mountain bike, 27 gears",
	"wedding dress", "1 kg oranges", "butterfly",
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Of every so many, as the descriptions come round. */
static int64_t median(const int64_t *took_ns, size_t count)
{
	int64_t own[ROUNDS];
	size_t n = 0;

	for (size_t i = 0; i < count; i += ARRAY_LEN(descriptions))
		own[n++] = took_ns[i];
	qsort(own, n, sizeof(own[0]), compare);
	return own[n / 2];
}

static void run(const struct matcher *matcher, struct arena *arena,
		int64_t *took_ns, size_t count)
{
	uint32_t synsets[ARRAY_LEN(coco_labels)];
	struct match_vocabulary vocabulary = { synsets, ARRAY_LEN(synsets) };

	for (size_t i = 0; i < ARRAY_LEN(coco_labels); i++)
		synsets[i] = coco_labels[i].synset;
	for (size_t i = 0; i < count; i++) {
		struct match_label labels[3];
		struct match match;
		int64_t began;

		for (size_t j = 0; j < ARRAY_LEN(labels); j++) {
			size_t which = (i * 7 + j * 31) % ARRAY_LEN(synsets);

			labels[j] = (struct match_label){
				.name = str_from(coco_labels[which].name),
				.synset = synsets[which],
				.confidence_permille = 950 - 100 * (int)j,
			};
		}
		began = now_ns();
		matcher_match(matcher,
			      str_from(descriptions[i % ARRAY_LEN(descriptions)]),
			      labels, ARRAY_LEN(labels), &vocabulary, arena,
			      &match);
		took_ns[i] = now_ns() - began;
		arena_reset(arena);
	}
}

int main(int argc, char **argv)
{
	struct arena *arena CLEANUP(cleanup_arena) = arena_new("bench", MIB);
	static int64_t took_ns[ROUNDS * ARRAY_LEN(descriptions)];
	int64_t began = now_ns(), open_ns, first_ns, slowest_ns;
	int64_t median_ns[ARRAY_LEN(descriptions)];
	size_t slowest = 0;
	struct matcher *matcher = matcher_open(argc > 1 ? argv[1] :
						"/usr/share/wordnet");

	open_ns = now_ns() - began;
	if (matcher_fault(matcher)) {
		fprintf(stderr, "%s\n", matcher_fault(matcher));
		return 1;
	}
	run(matcher, arena, took_ns, ARRAY_LEN(took_ns));
	first_ns = took_ns[0];
	for (size_t i = 0; i < ARRAY_LEN(descriptions); i++) {
		median_ns[i] = median(took_ns + i, ARRAY_LEN(took_ns) - i);
		slowest = median_ns[i] > median_ns[slowest] ? i : slowest;
	}
	slowest_ns = median_ns[slowest];
	qsort(median_ns, ARRAY_LEN(median_ns), sizeof(median_ns[0]), compare);
	printf("open_us=%.1f first_us=%.1f median_us=%.1f slowest_us=%.1f n=%zu slowest=\"%s\"\n",
	       (double)open_ns / 1e3, (double)first_ns / 1e3,
	       (double)median_ns[ARRAY_LEN(median_ns) / 2] / 1e3,
	       (double)slowest_ns / 1e3, ARRAY_LEN(took_ns),
	       descriptions[slowest]);
	matcher_close(matcher);
	return 0;
}
