/*
 * dynamodb_pages.c: how many requests to DynamoDB a page of orders takes.
 *
 * dynamodb_pages URL [ORDERS [PAGES]]: fills a table of its own at URL (http,
 * numeric host) with ORDERS (20000) of two months, then walks PAGES (4) pages of
 * 50 by each filter and counts what goes over the wire. Fails when the mean of
 * all filters is above 3 or memory grows.
 */
#include <sys/resource.h>
#include <time.h>

#include "contract/dynamodb_proxy.h"
#include "ports/order_store.h"

#include "base/banned.h"

#define NOW 1764000000000
#define SPAN_MS (60ll * 24 * 3600 * 1000)
#define GROWTH_KIB (32 * 1024)

struct bench {
	struct proxy proxy;
	char folder[64];
	struct config *config;
	struct arena *arena;
	struct database *database;
	struct order_store *orders;
	struct error err;
};

static const char *const words[] = {
	"red", "running", "shoes", "winter", "jacket", "lamp", "oak", "table",
	"chair", "blue", "small", "gift", "wrapped", "fragile", "spare",
	"part", "engine", "brake", "bicycle", "phone", "case", "leather",
	"wool", "scarf", "Zürich", "grün", "Ελλάδα", "книга",
};

struct filter {
	const char *name, *query;
};

static const struct filter filters[] = {
	{ "newest first", "" },
	{ "oldest first", "sort=created_at" },
	{ "pending", "status=pending" },
	{ "pending, confirmed", "status=pending,confirmed" },
	{ "all but delivered", "status=pending,confirmed,shipped,cancelled" },
	{ "a customer", "customer_email=reader7%40example.org" },
	{ "a customer by price", "customer_email=reader7%40example.org"
				 "&sort=-price" },
	{ "a week", "created_from=2025-11-01T00:00:00Z"
		    "&created_to=2025-11-08T00:00:00Z" },
	{ "dear ones", "price_gte=900" },
	{ "very dear ones", "price_gte=995" },
	{ "cheap, pending", "price_lte=20&status=pending" },
	{ "by price", "sort=price" },
	{ "by price, delivered", "sort=-price&status=delivered" },
	{ "by price, a week", "sort=-price&created_from=2025-11-01T00:00:00Z"
			      "&created_to=2025-11-08T00:00:00Z" },
	{ "by change", "sort=-updated_at" },
	{ "by change, pending", "sort=-updated_at&status=pending" },
	{ "a common word", "q=shoes" },
	{ "two words", "q=red+bicycle" },
	{ "a rare word", "q=unicorn" },
	{ "a word nobody wrote", "q=xylophone" },
};

static void must(struct bench *bench, bool ok)
{
	if (ok)
		return;
	fprintf(stderr, "dynamodb_pages: %s %s\n", bench->err.detail,
		bench->err.cause);
	exit(1);
}

static uint32_t dice(uint32_t sides)
{
	static uint32_t state = 7;

	state = state * 1664525u + 1013904223u;
	return (state >> 8) % sides;
}

static long resident_kib(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file && fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void open_desk(struct bench *bench, const char *url)
{
	char path[128];
	FILE *file;

	snprintf(bench->folder, sizeof(bench->folder), "/tmp/pages.XXXXXX");
	if (!mkdtemp(bench->folder) || !proxy_start(&bench->proxy, url)) {
		perror(url);
		exit(1);
	}
	setenv("AWS_ACCESS_KEY_ID", "test", 0);
	setenv("AWS_SECRET_ACCESS_KEY", "test", 0);
	snprintf(path, sizeof(path), "%s/conf", bench->folder);
	file = fopen(path, "w");
	fprintf(file, "state.directory = %s\ndatabase.adapter = dynamodb\n"
		"database.table = pages.%d\naws.endpoint.dynamodb = %s\n"
		"aws.region = eu-test-1\n", bench->folder, getpid(),
		bench->proxy.url);
	fclose(file);
	must(bench, config_load(&bench->config, path, &bench->err) &&
	     database_open(&bench->database, bench->config, true,
			   &bench->err) &&
	     order_store_open(&bench->orders, bench->database, bench->config,
			      &bench->err));
}

static struct order make_order(struct arena *arena, size_t number)
{
	/* of twenty orders; the others are delivered */
	static const enum order_status open_ones[5] = {
		STATUS_PENDING, STATUS_CONFIRMED, STATUS_SHIPPED,
		STATUS_SHIPPED, STATUS_CANCELLED,
	};
	unsigned status;
	int64_t created_ms = NOW - SPAN_MS + dice(60 * 24 * 3600) * 1000ll;
	struct order order = {
		.currency = "EUR", .notes = STR(""),
		.image = { .confidence_permille = -1 },
	};
	const char *text = arena_printf(
		arena, "%s %s %s %s%s", words[dice(28)], words[dice(28)],
		words[dice(28)], words[dice(28)],
		number % 2000 == 7 ? " unicorn" : "");

	order_place(&order, created_ms);
	order.description = str_from(text);
	order.customer_name = str_from(arena_printf(arena, "Reader %u",
						    dice(500)));
	order.customer_email = str_from(arena_printf(
		arena, "reader%u@example.org", dice(500)));
	order.price_minor = 100 + dice(99900);
	status = dice(20);
	order.status = status < ARRAY_LEN(open_ones) ? open_ones[status] :
						       STATUS_DELIVERED;
	order.updated_ms = created_ms + dice(3600) * 1000;
	return order;
}

static void fill(struct bench *bench, size_t count)
{
	double since = seconds();

	for (size_t i = 0; i < count; i++) {
		struct order order = make_order(bench->arena, i);

		must(bench, order_store_create(bench->orders, &order, NULL,
					       bench->arena, &bench->err));
		arena_reset(bench->arena);
	}
	printf("%zu orders in %.0f s\n", count, seconds() - since);
}

/* The mean number of requests a page. */
static double walk(struct bench *bench, const struct filter *filter, int most)
{
	struct order_query query;
	struct order_page page;
	double since = seconds();
	size_t orders = 0;
	int pages = 0;
	long kib;

	must(bench, order_query_parse(&query, str_from(filter->query), "EUR",
				      STR("secret"), bench->arena,
				      &bench->err));
	bench->proxy.shared->answered_bytes = 0;
	proxy_disturb(&bench->proxy, PROXY_NONE, 0, 0);
	do {
		must(bench, order_store_list(bench->orders, &query,
					     bench->arena, &page,
					     &bench->err));
		orders += page.count;
		pages++;
		if (!page.count)
			break;
		query.has_position = true;
		query.position_value = page.orders[page.count - 1].sort_value;
		memcpy(query.position_id, page.orders[page.count - 1].id,
		       ORDER_ID_BYTES);
	} while (page.has_more && pages < most);
	kib = bench->proxy.shared->answered_bytes / 1024 / pages;
	printf("%-22s %3d pages %5zu orders %6.2f requests %7.1f ms %6ld KiB "
	       "a page\n", filter->name, pages, orders,
	       (double)bench->proxy.shared->calls / pages,
	       (seconds() - since) * 1000 / pages, kib);
	arena_reset(bench->arena);
	return (double)bench->proxy.shared->calls / pages;
}

int main(int argc, char **argv)
{
	size_t orders = argc > 2 ? strtoul(argv[2], NULL, 10) : 20000;
	int pages = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 4;
	struct bench bench = { 0 };
	double sum = 0;
	long before, after;

	if (argc < 2) {
		fputs("usage: dynamodb_pages URL [ORDERS [PAGES]]\n", stderr);
		return 2;
	}
	error_init(&bench.err);
	setlinebuf(stdout);
	bench.arena = arena_new("bench", 64 * MIB);
	open_desk(&bench, argv[1]);
	fill(&bench, orders);
	walk(&bench, &filters[ARRAY_LEN(filters) - 1], pages);	/* warm */
	before = resident_kib();
	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		sum += walk(&bench, &filters[i], pages);
	for (int i = 0; i < 20; i++)
		walk(&bench, &filters[i % 2], 10);
	after = resident_kib();
	printf("mean of the %zu filters: %.2f requests a page; resident %ld "
	       "KiB before, %ld KiB after\n", ARRAY_LEN(filters),
	       sum / ARRAY_LEN(filters), before, after);
	proxy_stop(&bench.proxy);
	return sum / ARRAY_LEN(filters) > 3 || after > before + GROWTH_KIB;
}
