/*
 * site.c: `ordermill site` writes nginx's site, asks nginx whether it is good,
 * and has it taken over. The one place that starts another program.
 *
 * The file is the operator's once it is there: without options it is kept as it
 * is, with options it is written anew and the old one stays beside it. What
 * nginx refuses is taken back.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/file.h"
#include "ordermill/ordermill.h"

#include "base/banned.h"

#define SITE_MAX_BYTES (64u * KIB)
#define HERE_ONLY "127.0.0.1:8080"
/* This machine keeps its own door: the relay, and who asks for /metrics. */
#define EVERYWHERE "80;\n\tlisten [::]:80;\n\tlisten " HERE_ONLY

struct site {
	const char *template;
	const char *listen;
	const char *server_name;
	char available[PATH_MAX], enabled[PATH_MAX], old[PATH_MAX + 8];
};

/* Its exit status; 127 when it cannot be started. */
static int run_nginx(const char *const *argv)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return 127;
	if (pid == 0) {
		/* Debian's nginx lies where not everyone's PATH points. */
		execvp("nginx", (char **)(uintptr_t)argv);
		execv("/usr/sbin/nginx", (char **)(uintptr_t)argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

static bool nginx_agrees(void)
{
	return run_nginx((const char *const[]){ "nginx", "-t", "-q", NULL }) ==
	       0;
}

static int take_over(void)
{
	if (run_nginx((const char *const[]){ "nginx", "-s", "reload", NULL }))
		puts("nginx does not run: it takes the site over when it "
		     "starts.");
	else
		puts("nginx has taken it over.");
	return EXIT_GOOD;
}

static bool is_plain(const char *text, const char *more)
{
	for (const char *c = text; *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= '0' && *c <= '9') && !strchr(more, *c))
			return false;
	return *text != '\0';
}

static void add_filled_in(struct buf *to, const struct site *site,
			  struct str text)
{
	const struct {
		struct str mark;
		const char *value;
	} marks[] = {
		{ STR("@LISTEN@"), site->listen },
		{ STR("@SERVER_NAME@"), site->server_name },
	};

	while (text.len) {
		size_t skip = 0;

		for (size_t i = 0; i < ARRAY_LEN(marks) && !skip; i++) {
			if (!str_starts(text, marks[i].mark))
				continue;
			buf_add_text(to, marks[i].value);
			skip = marks[i].mark.len;
		}
		if (!skip) {
			buf_add_char(to, text.ptr[0]);
			skip = 1;
		}
		text.ptr += skip;
		text.len -= skip;
	}
}

static bool write_site(struct desk *desk, const struct site *site,
		       struct error *err)
{
	FILE *file CLEANUP(cleanup_file) = fopen(site->template, "re");
	char *text = arena_alloc(desk->arena, SITE_MAX_BYTES);
	struct buf filled;
	size_t len;

	if (!file)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s",
				   site->template, strerror(errno));
	len = fread(text, 1, SITE_MAX_BYTES, file);
	buf_init(&filled, desk->arena, 2 * SITE_MAX_BYTES);
	add_filled_in(&filled, site, (struct str){ text, len });
	if (rename(site->available, site->old) < 0 && errno != ENOENT)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s",
				   site->old, strerror(errno));
	return file_replace(site->available, buf_str(&filled), 0644, err);
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int enable(struct desk *desk, struct site *site)
{
	bool is_new = !is_there(site->available);
	bool writes = is_new || site->listen || site->server_name;
	bool was_enabled = is_there(site->enabled);
	struct error err;

	if (!site->listen)
		site->listen = site->server_name ? EVERYWHERE : HERE_ONLY;
	if (!site->server_name)
		site->server_name = "_";
	error_init(&err);
	if (writes && !write_site(desk, site, &err))
		return say_failure(&err);
	if (!was_enabled && symlink(site->available, site->enabled) < 0)
		return say_failed("%s: %s", site->enabled, strerror(errno));
	if (nginx_agrees()) {
		printf("%s  %s\n", writes ? "written" : "kept   ",
		       site->available);
		return take_over();
	}
	if (!was_enabled)
		unlink(site->enabled);
	if (writes && rename(site->old, site->available) < 0)
		unlink(site->available);
	return say_failed("nginx refuses the site (see above); everything is "
			  "as it was");
}

static int disable(const struct site *site)
{
	if (unlink(site->enabled) < 0 && errno != ENOENT)
		return say_failed("%s: %s", site->enabled, strerror(errno));
	printf("taken out; %s stays\n", site->available);
	return take_over();
}

static int reload(const struct site *site)
{
	if (!is_there(site->enabled)) {
		puts("The site is not enabled.");
		return EXIT_GOOD;
	}
	if (!nginx_agrees())
		return say_failed("nginx refuses its configuration (see "
				  "above) and goes on with the old one");
	return take_over();
}

int command_site(struct desk *desk, int argc, char **argv)
{
	static const struct option options[] = {
		{ "server-name", required_argument, NULL, 's' },
		{ "listen", required_argument, NULL, 'l' },
		{ "nginx", required_argument, NULL, 'n' },
		{ "template", required_argument, NULL, 't' },
		{ 0 },
	};
	struct site site = { .template = PACKAGE_DATA "/nginx/ordermill.conf" };
	const char *nginx = "/etc/nginx";
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's' && is_plain(optarg, "._-* "))
			site.server_name = optarg;
		else if (option == 'l' && is_plain(optarg, ".:[]*"))
			site.listen = optarg;
		else if (option == 'n')
			nginx = optarg;
		else if (option == 't')
			site.template = optarg;
		else
			return EXIT_USAGE;
	}
	if (optind + 1 != argc)
		return EXIT_USAGE;
	snprintf(site.available, sizeof(site.available),
		 "%s/sites-available/ordermill", nginx);
	snprintf(site.enabled, sizeof(site.enabled),
		 "%s/sites-enabled/ordermill", nginx);
	snprintf(site.old, sizeof(site.old), "%s.old", site.available);
	if (!strcmp(argv[optind], "enable"))
		return enable(desk, &site);
	if (!strcmp(argv[optind], "disable"))
		return disable(&site);
	return strcmp(argv[optind], "reload") ? EXIT_USAGE : reload(&site);
}
