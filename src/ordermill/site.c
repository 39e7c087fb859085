/*
 * site.c: `ordermill site` writes nginx's site, asks nginx whether it is good,
 * and has it taken over. The one place that starts another program.
 *
 * The file is the operator's once it is there: without options it is kept as it
 * is, with options it is written anew and the old one stays beside it. What
 * nginx refuses or does not take over is taken back: with a site that it cannot
 * serve it would not start again, for any site.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "ordermill/listener.h"
#include "ordermill/ordermill.h"

#include "base/banned.h"

#define SITE_MAX_BYTES (64u * KIB)
#define WORKERS_MAX_BYTES 4096u
/* It tries five times, for 2.5 s, to listen where somebody else does. */
#define TAKE_OVER_MS 10000
#define LOOK_EVERY_MS 50
#define BOTH_WORK_MS 200	/* it lets the old ones go on for 100 */
#define HERE_ONLY "127.0.0.1:8080"
/* This machine keeps its own door: the relay, and who asks for /metrics. */
#define EVERYWHERE "80;\n\tlisten [::]:80;\n\tlisten " HERE_ONLY

struct site {
	const char *template;
	const char *listen;
	const char *server_name;
	const char *pid_file;		/* nginx's */
	bool was_enabled, is_written, has_old;
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

/* The ids of nginx's processes; empty when it does not run. */
static void read_workers(const struct site *site, char ret[WORKERS_MAX_BYTES])
{
	FILE *file CLEANUP(cleanup_file) = fopen(site->pid_file, "re");
	FILE *children CLEANUP(cleanup_file) = NULL;
	char path[64];
	unsigned pid;
	size_t len = 0;

	if (file && fscanf(file, "%u", &pid) == 1) {
		snprintf(path, sizeof(path), "/proc/%u/task/%u/children", pid,
			 pid);
		children = fopen(path, "re");
	}
	if (children)
		len = fread(ret, 1, WORKERS_MAX_BYTES - 1, children);
	ret[len] = '\0';
}

static bool has_new_worker(const char *before, const char *now)
{
	struct str rest = str_from(now), word;

	while (str_next(&rest, ' ', &word))
		if (word.len && !str_has_word(str_from(before), word))
			return true;
	return false;
}

/* A configuration that it takes over has workers of its own. */
static bool has_taken_over(const struct site *site, const char *before)
{
	int64_t end_ms = clock_boot_ms() + TAKE_OVER_MS;
	char now[WORKERS_MAX_BYTES];

	do {
		read_workers(site, now);
		if (has_new_worker(before, now)) {
			usleep(BOTH_WORK_MS * 1000);
			return true;
		}
		usleep(LOOK_EVERY_MS * 1000);
	} while (clock_boot_ms() < end_ms);
	return false;
}

static bool take_over(const struct site *site)
{
	char before[WORKERS_MAX_BYTES];

	read_workers(site, before);
	if (run_nginx((const char *const[]){ "nginx", "-s", "reload", NULL }))
		puts("nginx does not run: it takes the site over when it "
		     "starts.");
	else if (!before[0])
		puts("nginx was told to take it over.");
	else if (has_taken_over(site, before))
		puts("nginx has taken it over.");
	else
		return false;
	return true;
}

static int say_not_taken_over(const char *what)
{
	return say_failed("nginx did not take it over and goes on as before "
			  "(its error log says why)%s", what);
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

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static bool read_text(struct desk *desk, const char *path, struct str *ret,
		      struct error *err)
{
	FILE *file CLEANUP(cleanup_file) = fopen(path, "re");
	char *text = arena_alloc(desk->arena, SITE_MAX_BYTES);

	if (!file)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s", path,
				   strerror(errno));
	*ret = (struct str){ text, fread(text, 1, SITE_MAX_BYTES, file) };
	return true;
}

/* nginx -t does not see it, and nginx stays as it is then. */
static bool addresses_are_free(struct str text, struct error *err)
{
	char who[LISTENER_TEXT_BYTES];
	struct str line;

	while (str_next(&text, '\n', &line)) {
		line = str_trim(line);
		if (!str_starts(line, STR("listen")) || line.len < 8 ||
		    (line.ptr[6] != ' ' && line.ptr[6] != '\t'))
			continue;
		line = str_trim((struct str){ line.ptr + 6, line.len - 6 });
		for (size_t i = 0; i < line.len; i++)
			if (strchr("; \t", line.ptr[i]))
				line.len = i;
		if (listener_is_in_the_way(line, who))
			return error_cause(err, ERROR_CONFLICT,
					   "%.*s: %s listens there. Stop it, "
					   "or name another address with "
					   "--listen", STR_ARG(line), who);
	}
	return true;
}

static bool write_site(struct site *site, struct str text, struct error *err)
{
	site->has_old = rename(site->available, site->old) == 0;
	if (!site->has_old && errno != ENOENT)
		return error_cause(err, ERROR_UNAVAILABLE, "%s: %s",
				   site->old, strerror(errno));
	site->is_written = true;
	return file_replace(site->available, text, 0644, err);
}

static bool put_in(struct desk *desk, struct site *site, struct error *err)
{
	bool writes = site->listen || site->server_name ||
		      !is_there(site->available);
	struct buf filled;
	struct str text;

	if (!site->listen)
		site->listen = site->server_name ? EVERYWHERE : HERE_ONLY;
	if (!site->server_name)
		site->server_name = "_";
	if (!read_text(desk, writes ? site->template : site->available, &text,
		       err))
		return false;
	if (writes) {
		buf_init(&filled, desk->arena, 2 * SITE_MAX_BYTES);
		add_filled_in(&filled, site, text);
		text = buf_str(&filled);
	}
	site->was_enabled = is_there(site->enabled);
	if (!addresses_are_free(text, err) ||
	    (writes && !write_site(site, text, err)))
		return false;
	return site->was_enabled ||
	       symlink(site->available, site->enabled) == 0 ||
	       error_cause(err, ERROR_UNAVAILABLE, "%s: %s", site->enabled,
			   strerror(errno));
}

static void take_back(const struct site *site)
{
	if (!site->was_enabled)
		unlink(site->enabled);
	if (site->has_old)
		rename(site->old, site->available);
	else if (site->is_written)
		unlink(site->available);
}

static int enable(struct desk *desk, struct site *site)
{
	struct error err;

	error_init(&err);
	if (!put_in(desk, site, &err)) {
		if (site->is_written)
			take_back(site);
		return say_failure(&err);
	}
	if (!nginx_agrees()) {
		take_back(site);
		return say_failed("nginx refuses the site (see above); "
				  "everything is as it was");
	}
	if (!take_over(site)) {
		take_back(site);
		return say_not_taken_over("; the site is as it was");
	}
	printf("%s  %s\n", site->is_written ? "written" : "kept   ",
	       site->available);
	return EXIT_GOOD;
}

static int disable(const struct site *site)
{
	if (unlink(site->enabled) < 0 && errno != ENOENT)
		return say_failed("%s: %s", site->enabled, strerror(errno));
	printf("taken out; %s stays\n", site->available);
	return take_over(site) ? EXIT_GOOD : say_not_taken_over("");
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
	return take_over(site) ? EXIT_GOOD : say_not_taken_over("");
}

int command_site(struct desk *desk, int argc, char **argv)
{
	static const struct option options[] = {
		{ "server-name", required_argument, NULL, 's' },
		{ "listen", required_argument, NULL, 'l' },
		{ "nginx", required_argument, NULL, 'n' },
		{ "template", required_argument, NULL, 't' },
		{ "pid", required_argument, NULL, 'p' },
		{ 0 },
	};
	struct site site = { .template = PACKAGE_DATA "/nginx/ordermill.conf",
			     .pid_file = "/run/nginx.pid" };
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
		else if (option == 'p')
			site.pid_file = optarg;
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
